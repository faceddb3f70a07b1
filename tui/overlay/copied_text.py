"""An overlay as lines of text, for the clipboard."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tensorpeek.tui.clipboard_text import exact_pattern
from tensorpeek.tui.overlay.overlaid import Marked, Overlaid


def overlay_text(shown: Overlaid) -> str:
    """Return the tensors, then the bins with the count of each tensor, with tabs between."""
    lines = ["tensor\ttype\tvalues"]
    for curve in shown.curves:
        tensor = curve.marked.tensor
        line = f"{curve.marked.label}\t{tensor.dtype}\t{tensor.params}"
        lines.append(f"{line}\tnot drawn: {curve.reason}" if curve.reason else line)
    if shown.edges is not None:
        drawn = shown.drawn
        names = (shown.curves[place].marked.label for place, _ in drawn)
        lines += ["", "\t".join(["from", "to", *names])]
        edges = shown.edges.values
        for index in range(shown.edges.bins):
            bounds = (f"{float(edges[index + side])!r}" for side in (0, 1))
            lines.append("\t".join([*bounds, *(str(each.counts[index]) for _, each in drawn)]))
    return "\n".join(lines) + "\n"


def overlay_command(marked: Sequence[Marked], bins: int, *, log: bool) -> str:
    """Return the command that draws an overlay to a file; empty for tensors of several files."""
    paths = {one.path for one in marked}
    if len(paths) != 1:
        return ""
    names = [exact_pattern(one.tensor.name) for one in marked]
    words = ["tensorpeek", "plot", "hist", str(paths.pop()), *names, "--overlay"]
    words += ["--bins", str(bins), *(["--log"] if log else []), "-o", "overlay.png"]
    return shlex.join(words)
