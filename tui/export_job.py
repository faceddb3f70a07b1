"""The jobs that write the tensor on the screen, or those that are marked, to a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.messages import Exported, ExportProgressed
from tensorpeek.tui.saving import Saving

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor, View

LONGEST = 100
"""Characters of a file name that come from the tensor's."""


@dataclass(frozen=True)
class _Target:
    """A new file in ``folder``, named after ``name``."""

    folder: Path
    name: str
    ending: str

    def free_path(self) -> Path:
        """Return a path that no file has; only plain characters of the name stay."""
        plain = "".join(
            letter if letter.isalnum() or letter in "._-" else "_" for letter in self.name
        )
        plain = plain.lstrip(".")[:LONGEST] or "tensor"
        for number in count():
            path = self.folder / (f"{plain}-{number}" if number else plain)
            path = path.with_name(path.name + self.ending)
            if not path.exists():
                return path
        raise AssertionError  # count() never ends


def export_tensor(tensor: Tensor, view: View, folder: Path, saving: Saving) -> Job:
    """Write a tensor as ``.npy`` into ``folder``; no file is overwritten.

    Where ``saving`` asks to stop, nothing is left behind.
    """
    name = f"{tensor.name}-{view}" if tensor.quantization else tensor.name
    return _export([tensor], view, _Target(folder, name, ".npy"), saving)


def export_tensors(
    tensors: Sequence[Tensor], view: View, name: str, folder: Path, saving: Saving
) -> Job:
    """Write tensors into ``NAME.safetensors`` in ``folder``, as :func:`export_tensor` does.

    Those that are not quantized have the dequantized view alone.
    """
    return _export(tensors, view, _Target(folder, name, ".safetensors"), saving)


def _export(tensors: Sequence[Tensor], view: View, target: _Target, saving: Saving) -> Job:
    def job(work: Work) -> None:
        from tensorpeek.loaders import CancelledError, LoadError
        from tensorpeek.tui.export import Item, export, export_problem

        def stop() -> bool:
            return saving.is_stopped or work.stop()

        items = [Item(each, view if view in each.views else "dequantized") for each in tensors]
        path = target.free_path()
        problem = export_problem(items, path, force=False)
        if problem is None:
            told = work.paced(ExportProgressed)
            try:
                export(items, path, progress=told, stop=stop, replace=False)
            except CancelledError:
                work.post(Exported(path.name, f"{path.name}: stopped", is_stopped=True))
                return
            except LoadError as error:
                problem = error.reason
            except OSError as error:
                problem = (error.strerror or str(error)).lower()
        work.post(Exported(path.name, problem))

    return job
