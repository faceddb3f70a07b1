"""The comparison of two models for people: a table of pairs, then what has no partner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from tensorpeek.analysis.comparison import ACTIVATION_ROLES, Comparison, Difference
from tensorpeek.loaders import Model, Tensor
from tensorpeek.loaders.clean import clean
from tensorpeek.tui.command.console import answer_console
from tensorpeek.tui.command.diff import ModelDiff
from tensorpeek.tui.command.numbers import measure_text, shape_text
from tensorpeek.tui.command.statistics_tables import LOUD
from tensorpeek.tui.command.tables import plain_table, print_table
from tensorpeek.tui.number_text import number, percent

if TYPE_CHECKING:
    from rich.table import Table

COUNTED_ROLES = ACTIVATION_ROLES | {"optimizer state"}
"""Roles of which text only counts what has no partner; JSON names all."""


def print_text(found: ModelDiff) -> None:
    """Print both models, the pairs ranked worst first, the unmatched tensors, and counts."""
    console = answer_console()
    for mark, model in (("a", found.first), ("b", found.second)):
        line = Text(f"{mark}  ").append(clean(str(model.path)), "bold").append(f"  {model.format}")
        console.print(line, soft_wrap=True)
    if found.comparisons:
        console.print()
        print_table(console, _pairs(found.comparisons))
    _print_alone(console, "a", found.first, found.only_first)
    _print_alone(console, "b", found.second, found.only_second)
    console.print()
    console.print(Text(_summary(found)), soft_wrap=True)


def _pairs(comparisons: Sequence[Comparison]) -> Table:
    """Return a row for each pair; columns that say nothing in any row are left out."""
    renamed = any(one.pair.first.name != one.pair.second.name for one in comparisons)
    special = any(one.difference and one.difference.not_finite for one in comparisons)
    remarked = any(_remarks(one) for one in comparisons)
    failed = any(one.error for one in comparisons)
    table = plain_table(
        texts=("Tensor in a", *(("Tensor in b",) if renamed else ()), "Matched by", "Types"),
        numbers=(
            *("Shape", "Max |b-a|", "Rel. error", "SQNR dB", "Cosine", "L2 ratio"),
            *("Changed", "Worst channel"),
        ),
    )
    for name, shown in (("NaN/inf", special), ("Error", failed)):
        if shown:
            table.add_column(name, style=LOUD)
    if remarked:
        table.add_column("Remarks", style="yellow")
    for one in comparisons:
        cells = _facts(one, renamed=renamed) + _measures(one.difference)
        difference = one.difference
        cells += [f"{difference.not_finite:,}" if difference else "–"] if special else []
        cells += [one.error or ""] if failed else []
        cells += [_remarks(one)] if remarked else []
        table.add_row(*cells)
    return table


def _facts(one: Comparison, *, renamed: bool) -> list[str]:
    first, second = one.pair.first, one.pair.second
    types = list(dict.fromkeys((first.dtype, second.dtype)))
    shapes = list(dict.fromkeys((first.shape, second.shape)))
    return [
        first.name,
        *([second.name] if renamed else []),
        one.pair.rule,
        " → ".join(types),
        " → ".join(map(shape_text, shapes)),
    ]


def _measures(difference: Difference | None) -> list[str]:
    if difference is None:
        return ["–"] * 7
    worst = difference.worst_channel
    return [
        number(difference.max_delta, 4),
        number(difference.relative_error, 4),
        _measure(difference.sqnr, 2),
        _measure(difference.cosine, 6),
        _measure(difference.l2_ratio),
        percent(100 * difference.changed_share),
        f"{worst.index} ({number(worst.relative_error, 4)})" if worst else "–",
    ]


def _measure(value: float | None, decimals: int = 4) -> str:
    if value == 0:
        return "0"
    return measure_text(value, decimals)


def _remarks(one: Comparison) -> str:
    nan = one.difference.both_nan if one.difference is not None else 0
    texts = (one.alignment.name, f"{nan:,} NaN in both" if nan else None, one.note)
    return "; ".join(text for text in texts if text)


def _print_alone(console: Console, mark: str, model: Model, alone: Sequence[Tensor]) -> None:
    """Print what has no partner: a line for each tensor, a count for bookkeeping."""
    if not alone:
        return
    console.print()
    title = f"Only in {mark}, {clean(model.name)}: {len(alone):,} without a partner"
    console.print(Text(title, LOUD), soft_wrap=True)
    named = [tensor for tensor in alone if tensor.role not in COUNTED_ROLES]
    if named:
        table = plain_table(texts=("Tensor", "Role", "Type", "Shape"), numbers=("Params",))
        for one in named:
            shape = shape_text(one.shape)
            table.add_row(one.name, one.role, one.dtype, shape, f"{one.params:,}")
        print_table(console, table)
    for line in _counted(alone):
        console.print(Text(line), soft_wrap=True)


def _counted(alone: Sequence[Tensor]) -> Iterator[str]:
    counts = Counter(tensor.role for tensor in alone if tensor.role in COUNTED_ROLES)
    for role, count in counts.items():
        yield f"{count:,} of the role {role}, not listed"


def _summary(found: ModelDiff) -> str:
    pairs, limit = len(found.comparisons), found.tolerance
    beyond = f" by more than {limit:g}" if limit else ""
    return (
        f"{pairs:,} pair{'' if pairs == 1 else 's'} compared, {found.differing:,} differ{beyond}; "
        f"{len(found.only_first):,} only in a, {len(found.only_second):,} only in b"
    )
