"""Which format a file name asks for, what cannot be written, and the writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tensorpeek.analysis import Stop, never
from tensorpeek.tui.command.atomic_write import atomic_write_bytes
from tensorpeek.tui.export.arrays import Advance, write_npy, write_npz
from tensorpeek.tui.export.item import Item
from tensorpeek.tui.export.safetensors_file import write_safetensors
from tensorpeek.tui.export.table import write_csv

Write = Callable[[Sequence[Item], BinaryIO, Advance, Stop], None]


@dataclass(frozen=True)
class ExportFormat:
    """A format by the ending of its files."""

    write: Write
    holds_several: bool


FORMATS = {
    ".npy": ExportFormat(write_npy, holds_several=False),
    ".npz": ExportFormat(write_npz, holds_several=True),
    ".safetensors": ExportFormat(write_safetensors, holds_several=True),
    ".csv": ExportFormat(write_csv, holds_several=False),
}


def export_problem(items: Sequence[Item], path: Path, *, force: bool) -> str | None:
    """Return in one clause why ``items`` cannot be written to ``path``, None if they can."""
    chosen = FORMATS.get(path.suffix.lower())
    if chosen is None:
        return f"the name must end in one of {', '.join(FORMATS)}"
    if len(items) > 1 and not chosen.holds_several:
        several = [ending for ending, entry in FORMATS.items() if entry.holds_several]
        kinds = " or ".join(several)
        return f"{path.suffix} holds one tensor, these are {len(items):,}: use {kinds}"
    if path.is_dir():
        return "is a folder"
    if path.exists() and not force:
        return "exists already; --force replaces it"
    if any(item.stored_type.names for item in items):
        return "complex numbers of two float16 have no type in these formats"
    return None


def export(
    items: Sequence[Item],
    path: Path,
    *,
    progress: Callable[[float], None] = lambda _: None,
    stop: Stop = never,
    replace: bool = True,
) -> None:
    """Write tensors to ``path``, all or nothing; its ending says how.

    Holds one chunk of values at a time. ``progress`` is told the share that is done. Ask
    :func:`export_problem` before. Raises LoadError, OSError, CancelledError on ``stop`` and,
    unless it may ``replace``, FileExistsError for a file that came to be in the meantime.
    """
    total = max(sum(item.tensor.params for item in items), 1)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(done / total)

    with atomic_write_bytes(path, replace=replace) as stream:
        FORMATS[path.suffix.lower()].write(items, stream, advance, stop)
