"""Notice that the files of a model were rewritten, and tell what is different then."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.messages import FilesChanged

if TYPE_CHECKING:
    from tensorpeek.loaders import Model, Tensor

INTERVAL = 0.5
"""Seconds between two looks at the files: a few calls of ``stat``, no reading."""

State = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of change of each file, None for one that is gone."""


def watch(path: Path, model: Model | None) -> Job:
    """Post once that the files of a model were rewritten, as soon as they lie still again.

    Of a model that did not open (None), the file at ``path`` is watched.
    """

    def job(work: Work) -> None:
        files = [str(path)] if model is None else model_files(model)
        known = last = _state(files)
        while not work.stop():
            time.sleep(INTERVAL)
            now = _state(files)
            if now == last != known and all(now):
                work.post(FilesChanged(path))
                return
            last = now

    return job


def model_files(model: Model) -> list[str]:
    """Return the files that the values of a model lie in, the model's own first."""
    paths = {str(model.path): None}
    for tensor in model.tensors:
        for part in (tensor, *tensor.parts):
            path = getattr(part.storage, "path", None)
            if path is not None:
                paths[str(path)] = None
    return list(paths)


def changes_text(old: Model, new: Model) -> str:
    """Return in a few words how the tensors of a model differ from those of its last version."""
    before, after = _shapes(old.tensors), _shapes(new.tensors)
    added, gone = after.keys() - before.keys(), before.keys() - after.keys()
    other = [name for name in before.keys() & after.keys() if before[name] != after[name]]
    counts = ((len(added), "new"), (len(gone), "gone"), (len(other), "with another shape or type"))
    told = [f"{count:,} {words}" for count, words in counts if count]
    return ", ".join(told) or "the same tensors, new values"


def _shapes(tensors: Iterable[Tensor]) -> dict[str, tuple[tuple[int, ...], str]]:
    return {tensor.name: (tensor.shape, tensor.dtype) for tensor in tensors}


def _state(files: Iterable[str]) -> State:
    return tuple(map(_version, files))


def _version(path: str) -> tuple[int, int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
