"""What is copied from the table: its rows as TSV, and the command that prints them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from tensorpeek.tui.clipboard_text import exact_pattern
from tensorpeek.tui.layers.arrangement import Arrangement
from tensorpeek.tui.layers.cell_text import ABSENT, ON_DEMAND, UNMEASURED, Cells
from tensorpeek.tui.layers.columns import COLUMNS, SCROLLED

MOST_ROWS = 1000
"""Rows that are copied; of longer lists those in sight. Terminals refuse large texts."""

MOST_NAMES = 50
"""Names in a command line; with more of them the command prints the whole file."""


def table_text(shown: Arrangement, in_sight: Sequence[int], *, ascii_only: bool) -> str:
    """Return the listed tensors as tab-separated lines with a header, numbers in full.

    Cells without a measure are empty. Of a list that is too long the rows ``in_sight`` are taken.
    """
    places = shown.listed if len(shown.listed) <= MOST_ROWS else in_sight
    cells = Cells(shown.ledger, ascii_only=ascii_only, exact=True)
    lines = ["\t".join(column.title for column in COLUMNS)]
    for place in places:
        tensor = shown.inventory.tensors[place]
        texts = [cells.text(column, place, tensor) for column in SCROLLED]
        texts = ["" if text in {ABSENT, ON_DEMAND, UNMEASURED} else text for text in texts]
        lines.append("\t".join([str(place + 1), tensor.name, *texts]))
    return "\n".join(lines) + "\n" if places else ""


def command_line(path: Path, shown: Arrangement, *, raw: bool) -> str:
    """Return the command that scans the marked tensors, else the listed ones, else all."""
    places = sorted(shown.marked) or shown.listed
    words = ["tensorpeek", "scan", str(path)]
    if len(places) <= MOST_NAMES and len(places) < len(shown.inventory):
        words += [exact_pattern(shown.inventory.names[place]) for place in places]
    if raw:
        words += ["--view", "raw"]
    return shlex.join(words)
