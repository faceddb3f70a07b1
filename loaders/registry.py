"""Which loader reads which file: decided by content, never by suffix."""

from __future__ import annotations

import importlib
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.storage import FileIdentity, describe

HEAD = 4096
"""Bytes from the start of a file that a format is recognized by."""

LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """An existing regular file: its path, its identity, its first bytes."""

    path: Path
    identity: FileIdentity
    head: bytes


@dataclass(frozen=True, slots=True)
class Format:
    """A family of files and the module that loads them.

    ``module`` has ``recognizes(file: WeightFile) -> bool`` and ``load(file: WeightFile) -> Model``;
    it is imported when a file is opened. ``suffixes`` are what a folder is searched for. The names
    of files that stand for a set of files end as the pattern ``set_ending`` says: then ``module``
    also has ``parts(path: Path) -> tuple[Path, ...]``, the other files of the set at ``path``.
    """

    name: str
    module: str
    suffixes: tuple[str, ...]
    set_ending: str = ""


FORMATS = (
    Format(
        "PyTorch",
        "tensorpeek.loaders.torch_format.reader",
        (".pt", ".pth", ".bin", ".ckpt", ".ptl", ".pkl"),
        r"\.bin\.index\.json",
    ),
    Format(
        "safetensors",
        "tensorpeek.loaders.safetensors_format.reader",
        (".safetensors",),
        r"\.safetensors\.index(\.\w+)?\.json",
    ),
    Format("NumPy", "tensorpeek.loaders.numpy_format.reader", (".npy", ".npz")),
    Format("GGUF", "tensorpeek.loaders.gguf_format.reader", (".gguf",), r"-00001-of-\d{5}\.gguf"),
    Format("TFLite", "tensorpeek.loaders.tflite_format.reader", (".tflite",)),
    Format("ONNX", "tensorpeek.loaders.onnx_format.reader", (".onnx",)),
    Format("Keras", "tensorpeek.loaders.keras_format.reader", (".h5", ".hdf5", ".keras")),
    Format("Flax", "tensorpeek.loaders.flax_format.reader", (".msgpack",)),
)
"""Every format, in the order in which files are offered to them."""

SUFFIXES = frozenset(suffix for entry in FORMATS for suffix in entry.suffixes)
"""Suffixes of the files that a folder is searched for."""


def open_model(path: Path | str) -> Model:
    """Read the header of a weight file.

    Values are read later, tensor by tensor. Raises LoadError, with one clause that says why.
    """
    file = look_at(Path(path))
    for entry in _likely_first(file.path):
        module = importlib.import_module(entry.module)
        recognizes: Callable[[WeightFile], bool] = module.recognizes
        load: Callable[[WeightFile], Model] = module.load
        if recognizes(file):
            return load(file)
    known = ", ".join(entry.name for entry in FORMATS)
    raise LoadError(file.path, f"not a model file (known: {known})")


def is_set(path: Path) -> bool:
    """Whether the file at ``path``, by its name, stands for a set of files."""
    return _format_of_set(path) is not None


def parts_of(path: Path) -> tuple[Path, ...]:
    """Return the other files that the set at ``path`` is made of; none if it is not a set."""
    entry = _format_of_set(path)
    if entry is None:
        return ()
    parts: Callable[[Path], tuple[Path, ...]] = importlib.import_module(entry.module).parts
    return parts(path)


def _format_of_set(path: Path) -> Format | None:
    name = path.name.lower()
    sets = (entry for entry in FORMATS if entry.set_ending)
    return next((entry for entry in sets if re.search(f"{entry.set_ending}$", name)), None)


def _likely_first(path: Path) -> list[Format]:
    """Return the formats, those of the file's suffix first: fewer modules are imported in vain."""
    suffix = path.suffix.lower()
    return sorted(FORMATS, key=lambda entry: suffix not in entry.suffixes)


def look_at(path: Path) -> WeightFile:
    """Check that ``path`` is a readable, non-empty file and return its first bytes.

    Raises LoadError.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = describe(error) if isinstance(error, OSError) else "not a valid path"
        raise LoadError(path, reason) from error
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise LoadError(path, "is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise LoadError(path, "not a regular file")
        head = os.pread(handle, HEAD, 0)
    except OSError as error:
        raise LoadError(path, describe(error)) from error
    finally:
        os.close(handle)
    if not head:
        raise LoadError(path, "is empty")
    if head.startswith(LFS_POINTER):
        raise LoadError(path, "not downloaded: this is a git-lfs pointer")
    return WeightFile(path, FileIdentity.of(status), head)
