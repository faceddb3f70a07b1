"""The job that writes the tensor on the screen to a file."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.messages import Exported

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor, View

LONGEST = 100
"""Characters of a file name that come from the tensor's."""


def export_tensor(tensor: Tensor, view: View, folder: Path) -> Job:
    """Write a tensor as ``.npy`` into ``folder``; no file is overwritten."""

    def job(work: Work) -> None:
        from tensorpeek.loaders import CancelledError, LoadError
        from tensorpeek.tui.export import Item, export, export_problem

        item = Item(tensor, view)
        path = _free_path(folder, f"{tensor.name}-{view}" if tensor.quantization else tensor.name)
        problem = export_problem([item], path, force=False)
        if problem is None:
            try:
                export([item], path, stop=work.stop)
            except CancelledError:
                return
            except LoadError as error:
                problem = error.reason
            except OSError as error:
                problem = (error.strerror or str(error)).lower()
        work.post(Exported(path.name, problem))

    return job


def _free_path(folder: Path, name: str) -> Path:
    """Return a path in ``folder`` that no file has; only plain characters of ``name`` stay."""
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    plain = plain.lstrip(".")[:LONGEST] or "tensor"
    for number in count():
        path = folder / (f"{plain}-{number}.npy" if number else f"{plain}.npy")
        if not path.exists():
            return path
    raise AssertionError  # count() never ends
