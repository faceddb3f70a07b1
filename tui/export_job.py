"""The jobs that write the tensor on the screen, or those that are marked, to a file."""

from __future__ import annotations

from collections.abc import Sequence
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
    name = f"{tensor.name}-{view}" if tensor.quantization else tensor.name
    return _export([tensor], view, folder, name, ".npy")


def export_tensors(tensors: Sequence[Tensor], view: View, name: str, folder: Path) -> Job:
    """Write tensors into ``NAME-marked.safetensors`` in ``folder``; no file is overwritten.

    Those that are not quantized have the dequantized view alone.
    """
    return _export(tensors, view, folder, f"{name}-marked", ".safetensors")


def _export(tensors: Sequence[Tensor], view: View, folder: Path, name: str, ending: str) -> Job:
    def job(work: Work) -> None:
        from tensorpeek.loaders import CancelledError, LoadError
        from tensorpeek.tui.export import Item, export, export_problem

        items = [Item(each, view if view in each.views else "dequantized") for each in tensors]
        path = _free_path(folder, name, ending)
        problem = export_problem(items, path, force=False)
        if problem is None:
            try:
                export(items, path, stop=work.stop)
            except CancelledError:
                return
            except LoadError as error:
                problem = error.reason
            except OSError as error:
                problem = (error.strerror or str(error)).lower()
        work.post(Exported(path.name, problem))

    return job


def _free_path(folder: Path, name: str, ending: str) -> Path:
    """Return a path in ``folder`` that no file has; only plain characters of ``name`` stay."""
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    plain = plain.lstrip(".")[:LONGEST] or "tensor"
    for number in count():
        path = folder / (f"{plain}-{number}{ending}" if number else f"{plain}{ending}")
        if not path.exists():
            return path
    raise AssertionError  # count() never ends
