"""The ranks of a spectrum as marks over a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.number_text import number
from tensorpeek.tui.spectrum.columns import ValueColumns

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis.spectrum import Spectrum


@dataclass(frozen=True)
class RankMark:
    """A rank in words, and the index (from 0) of the last singular value that counts for it."""

    index: int
    words: str


def rank_marks(spectrum: Spectrum, count: int) -> list[RankMark]:
    """Return the marks of a spectrum of ``count`` values, in order; none for a zero matrix."""
    if not spectrum.effective_rank:
        return []
    known = [
        (spectrum.stable_rank, f"stable {number(spectrum.stable_rank, 3)}"),
        (spectrum.rank_90, f"90 % {spectrum.rank_90}"),
        (spectrum.rank_99, f"99 % {spectrum.rank_99}"),
        (spectrum.effective_rank, f"effective {spectrum.effective_rank}"),
    ]
    marks = [RankMark(min(max(round(rank), 1), count) - 1, words) for rank, words in known]
    return sorted(marks, key=lambda mark: mark.index)


def draw_rank_marks(
    cells: Cells,
    look: Look,
    marks: list[RankMark],
    columns: ValueColumns,
    *,
    lines: tuple[int, int],
) -> None:
    """Write each mark over its column, on the second of two ``lines`` or else on the first."""
    style = look.style("axis")
    point = "v" if look.ascii_only else "▾"
    for mark in marks:
        place = columns.column_of(mark.index)
        words = f"{point} {mark.words}"
        start = min(place, cells.width - len(words))
        if start < place:
            words = f"{mark.words} {point}"
            start = place - len(words) + 1
        for line in reversed(lines):
            if cells.is_free(start - 1, line, len(words) + 1) and _ends_free(
                cells, start + len(words), line
            ):
                cells.words(start, line, words, style)
                break


def _ends_free(cells: Cells, column: int, line: int) -> bool:
    return column >= cells.width or cells.letter(column, line) == " "
