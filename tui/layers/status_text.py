"""The lines under the table: totals and progress, and what is known of the tensor at the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tensorpeek.tui.layers.arrangement import Arrangement
from tensorpeek.tui.layers.cell_text import shape_text
from tensorpeek.tui.layers.columns import Kind
from tensorpeek.tui.layers.ledger import Ledger
from tensorpeek.tui.layers.module_tree import Line
from tensorpeek.tui.number_text import short_count, size

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor

_NOUNS: dict[Kind, str] = {"figures": "measured", "sqnr": "SQNR", "condition": "condition"}


def totals_text(known: Arrangement, width: int) -> str:
    """Return ``12 of 3,201 tensors  7.2B params  13.4 GiB  16.00 bits per weight  2 marked``.

    In less than ``width`` cells, if shorter words are enough for that.
    """
    totals, count = known.totals, len(known.inventory)
    listed = (
        f"{totals.tensors:,}" if totals.tensors == count else f"{totals.tensors:,} of {count:,}"
    )
    parts = [f"{listed} tensor{'' if count == 1 else 's'}"]
    parts += [f"{short_count(totals.params)} params", size(totals.nbytes)]
    if totals.bits_per_weight is not None:
        parts.append(f"{totals.bits_per_weight:.2f} bits per weight")
    hint = ""
    if known.marked:
        parts.append(f"{len(known.marked):,} marked")
        several = len(known.marked) > 1
        hint = ": E saves them, C compares, o overlays" if several else ": E saves, m marks more"
    line = "  ".join(parts)
    shorter = line.replace("bits per weight", "bits/w")
    lines = (line + hint, shorter + hint, line, shorter)
    return next((each for each in lines if len(each) < width), shorter)


def progress_text(
    ledger: Ledger, wanted: dict[Kind, int], *, is_paused: bool, tensor: str, ascii_only: bool
) -> str:
    """Return ``measured 120 of 3,201``, for the first kind of measure that is not complete.

    ``tensor`` is how far a large tensor has come, empty for none.
    """
    for kind, count in wanted.items():
        done = min(ledger.counts[kind], count)
        if done < count:
            words = f"{_NOUNS[kind]} {done:,} of {count:,}"
            if is_paused:
                return f"{words}, paused (Esc goes on)"
            dots = "..." if ascii_only else "…"
            return f"{words} {tensor or dots}"
    return "all measured"


def at_both_ends(left: str, right: str, width: int, colors: dict[str, str]) -> Text:
    """Return a line with something at both ends; what is at the left is cut where need be."""
    line = Text(left, no_wrap=True, overflow="ellipsis")
    line.truncate(max(width - len(right) - 2, 0), overflow="ellipsis", pad=True)
    return line.append("  ").append(right, colors["accent"])


def module_text(known: Arrangement, line: Line, colors: dict[str, str]) -> Text:
    """Return the name of a module and its totals."""
    totals = known.module_totals(line)
    name = known.inventory.modules.label(line.module or 0, 0)
    words = Text(name, "bold", no_wrap=True, overflow="ellipsis")
    parts = [f"{totals.tensors:,} tensors", f"{totals.params:,} params", size(totals.nbytes)]
    if totals.bits_per_weight is not None:
        parts.append(f"{totals.bits_per_weight:.2f} bits per weight")
    return words.append("  " + "  ".join(parts), f"not bold {colors['plot-axis']}")


def tensor_text(tensor: Tensor, ledger: Ledger, place: int, colors: dict[str, str]) -> Text:
    """Return name, type, shape and quantization of a tensor, and why it has no such measures."""
    from tensorpeek.tui.command.quantization_text import describe_quantization

    line = Text(tensor.name, "bold", no_wrap=True, overflow="ellipsis")
    facts = [tensor.dtype, shape_text(tensor.shape), tensor.role, describe_quantization(tensor)]
    line.append("  " + "  ".join(filter(None, facts)), f"not bold {colors['plot-axis']}")
    reasons = {
        "SQNR": ledger.sqnr[place],
        "condition": ledger.condition[place],
    }
    figures = ledger.figures[place]
    error = tensor.error if figures is None else figures.error
    if error is not None:
        line.append(f"  {error}", f"not bold {colors['error']}")
        return line
    for name, measure in reasons.items():
        if measure is not None and measure.reason:
            line.append(f"  no {name}: {measure.reason}", f"not bold {colors['plot-axis']}")
    return line
