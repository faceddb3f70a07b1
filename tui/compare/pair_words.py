"""The numbers of one pair, in blocks of rows, and what stands above the list."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from tensorpeek.tui.number_text import number, percent

if TYPE_CHECKING:
    from tensorpeek.analysis import Summary
    from tensorpeek.analysis.comparison import Comparison, Difference, Pair, StepErrors
    from tensorpeek.tui.compare.messages import PairView

Row = tuple[str, ...]
"""A label and a value, or a label and the values of a and b."""

GAP = 2
"""Columns between blocks."""


def pair_blocks(view: PairView) -> list[list[Row]]:
    """Return both tensors side by side, their difference, and the error in steps of a grid."""
    both = _both(view.summaries)
    difference = view.comparison.difference
    apart = [] if difference is None else _apart(difference)
    grid = None if view.detail is None else view.detail.steps
    steps = [] if grid is None else _steps(grid)
    return [both, apart, steps]


def _both(summaries: tuple[Summary, Summary]) -> list[Row]:
    rows: list[Row] = [
        ("", "a", "b"),
        ("min", *(number(each.minimum, 5) for each in summaries)),
        ("max", *(number(each.maximum, 5) for each in summaries)),
        ("mean", *(number(each.mean, 5) for each in summaries)),
        ("std", *(number(each.std, 5) for each in summaries)),
        ("zeros", *(f"{each.zeros:,}" for each in summaries)),
    ]
    odd = [each.count - each.finite for each in summaries]
    if any(odd):
        rows.append(("NaN/inf", *(f"{each:,}" for each in odd)))
    return rows


def _apart(difference: Difference) -> list[Row]:
    worst = difference.worst_channel
    rows: list[Row] = [
        ("max |b-a|", number(difference.max_delta, 5)),
        ("rel. error", number(difference.relative_error, 5)),
        ("SQNR", _decibels(difference.sqnr)),
        ("cosine", number(difference.cosine, 8)),
        ("L2 ratio", number(difference.l2_ratio, 7)),
        ("changed", percent(100 * difference.changed_share)),
    ]
    if worst is not None:
        error = number(worst.relative_error, 3)
        rows.append(("worst ch.", f"{worst.index:,} ({error})"))
    if difference.not_finite:
        rows.append(("one NaN/inf", f"{difference.not_finite:,}"))
    return rows


def pair_title(pair: Pair) -> str:
    """Return names, shapes and types of a pair, those of b where they differ."""

    def both(texts: Iterable[str]) -> str:
        return " → ".join(dict.fromkeys(texts))

    tensors = (pair.first, pair.second)
    shapes = both("×".join(map(str, each.shape)) or "scalar" for each in tensors)
    names = both(each.name for each in tensors)
    return f"{names}  {shapes}  {both(each.dtype for each in tensors)}"


def origin_words(comparison: Comparison) -> str:
    """Return by which rule a pair was matched and in which order its axes stand."""
    rule = comparison.pair.rule
    parts = [rule if rule.startswith("marked") else f"matched by {rule}"]
    parts.append(comparison.error or f"axes: {comparison.alignment.name or 'same order'}")
    if comparison.note:
        parts.append(comparison.note)
    return " · ".join(parts)


def _steps(steps: StepErrors) -> list[Row]:
    spread = number(steps.smallest_step, 4)
    if steps.largest_step != steps.smallest_step:
        spread = f"{number(steps.smallest_step, 2)}…{number(steps.largest_step, 2)}"
    mean = "–" if math.isnan(steps.mean) else number(steps.mean, 3)
    return [
        ("", "in steps"),
        (f"step of {steps.side}", spread),
        ("largest", number(steps.largest, 4)),
        ("mean", mean),
        ("over 0.5", f"{steps.beyond:,}" if steps.beyond else "none"),
        ("clipped", f"{steps.clipped:,} of {steps.count:,}"),
    ]


def _decibels(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return number(value)
    return f"{value + 0.0:.2f} dB"  # no minus before a zero


def blocks_text(blocks: Sequence[Sequence[Row]], width: int, quiet: str) -> Text:
    """Return blocks side by side as long as they fit ``width`` columns.

    What does not fit comes below, on as few lines as there is room for.
    """
    pending = [block for block in blocks if block]
    beside: list[Drawn] = []
    while pending and (not beside or _width([*beside, _drawn(pending[0])]) <= width):
        beside.append(_drawn(pending.pop(0)))
    lines = _lines(beside, quiet) if beside else []
    if pending:
        lines += _below(pending, width, quiet)
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)


def _below(blocks: Sequence[Sequence[Row]], width: int, quiet: str) -> list[Text]:
    """Return blocks side by side if they fit like that, or folded where that is shorter."""
    folded = [line for block in blocks for line in _folded(block, width, quiet)]
    whole = [_drawn(block) for block in blocks]
    beside = [Text(), *_lines(whole, quiet)]
    return beside if _width(whole) <= width and len(beside) <= len(folded) else folded


def _folded(block: Sequence[Row], width: int, quiet: str) -> list[Text]:
    """Return a block under its heading, its rows in as many columns as there is room for."""
    heading = [row for row in block if not row[0]]
    rows = [row for row in block if row[0]]
    for high in range(1, len(rows) + 1):
        parts = [_drawn(rows[start : start + high]) for start in range(0, len(rows), high)]
        if _width(parts) <= width:
            break
    return [*(Text(row[-1], quiet) for row in heading), *_lines(parts, quiet)]


Drawn = tuple[list[tuple[str, str]], int]
"""The rows of a block, label and values padded, and its width."""


def _drawn(block: Sequence[Row]) -> Drawn:
    label = max(len(row[0]) for row in block)
    columns = max(len(row) for row in block) - 1
    widths = [max(len(row[at + 1]) for row in block) for at in range(columns)]
    rows = [
        (
            row[0].ljust(label),
            "  ".join(text.rjust(wide) for text, wide in zip(row[1:], widths, strict=True)),
        )
        for row in block
    ]
    return rows, label + 2 + sum(widths) + 2 * (columns - 1)


def _width(beside: Sequence[Drawn]) -> int:
    return sum(width for _, width in beside) + GAP * (len(beside) - 1)


def _lines(beside: Sequence[Drawn], quiet: str) -> list[Text]:
    return [_line(beside, at, quiet) for at in range(max(len(rows) for rows, _ in beside))]


def _line(beside: Sequence[Drawn], at: int, quiet: str) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for place, (rows, width) in enumerate(beside):
        if place:
            line.append(" " * GAP)
        if at < len(rows):
            line.append(f"{rows[at][0]}  ", quiet).append(rows[at][1])
        else:
            line.append(" " * width)
    return line
