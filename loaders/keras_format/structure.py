"""Walk the groups of an HDF5 file by hard links only, and list its datasets; needs h5py."""

from __future__ import annotations

import h5py
import numpy as np

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.keras_format.dataset import DatasetReader
from tensorpeek.loaders.keras_format.outline import Dataset, Outline

MAX_OBJECTS = 1 << 16
"""Groups and datasets beyond which a file is refused; libhdf5 opens some thousands a second."""

MAX_DEPTH = 64
"""Groups within groups; Keras nests a handful for each model in a model."""

MAX_ATTRIBUTE = 1 << 26
"""Bytes of an attribute beyond which it is left out: configurations have up to some megabytes."""

MAX_WARNINGS = 20

DAMAGE = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError, AttributeError)
"""What h5py raises where a file makes no sense."""

ATTRIBUTES = (
    "name",
    "layer_names",
    "weight_names",
    "keras_version",
    "backend",
    "model_config",
    "training_config",
)
"""The attributes that Keras writes to groups; a list may be split into parts 0, 1, ..."""

_Address = tuple[int, int]


class StructureError(Exception):
    """Why a file cannot be listed, as one clause."""


class Structure:
    """One walk over an open file."""

    def __init__(self, root: h5py.h5g.GroupID) -> None:
        self._datasets: list[Dataset] = []
        self._attributes: dict[str, dict[str, str | list[str]]] = {}
        self._warnings: list[str] = []
        self._seen: set[_Address] = {_address(root)}
        self._reader = DatasetReader()
        self._pending: list[tuple[h5py.h5g.GroupID, tuple[str, ...]]] = [(root, ())]
        self._objects = 0

    def outline(self) -> Outline:
        """List everything. Raises StructureError for too many objects."""
        while self._pending:
            group, path = self._pending.pop()
            try:
                self._visit(group, path)
            except DAMAGE:
                self._warn(f"group {_shown(path)} is damaged; what it holds is not shown")
        more = len(self._warnings) - MAX_WARNINGS
        warnings = self._warnings[:MAX_WARNINGS] + ([f"and {more:,} more like this"] * (more > 0))
        return Outline(tuple(self._datasets), self._attributes, tuple(warnings))

    def _visit(self, group: h5py.h5g.GroupID, path: tuple[str, ...]) -> None:
        self._objects += group.get_num_objs()
        if self._objects > MAX_OBJECTS:
            raise StructureError(f"holds more than {MAX_OBJECTS:,} objects")
        held = _attributes(group)
        if held:
            self._attributes["/".join(path)] = held
        for name in list(group):
            self._follow(group, name, (*path, name.decode("utf-8", "replace")))

    def _follow(self, group: h5py.h5g.GroupID, name: bytes, path: tuple[str, ...]) -> None:
        kind = group.links.get_info(name).type
        if kind != h5py.h5l.TYPE_HARD:
            what = {h5py.h5l.TYPE_SOFT: "a soft", h5py.h5l.TYPE_EXTERNAL: "an external"}
            self._warn(f"{_shown(path)} is {what.get(kind, 'an unknown')} link: not followed")
            return
        if b"/" in name or name in (b".", b"..") or len(path) > MAX_DEPTH:
            self._warn(f"{_shown(path)} is nested too deeply or has no valid name: not followed")
            return
        try:
            found = h5py.h5o.open(group, name)
            address = _address(found)
        except DAMAGE:
            self._datasets.append(Dataset(path, error="its header is damaged"))
            return
        if address in self._seen:
            self._warn(f"{_shown(path)} is another name of what is already shown")
            return
        self._seen.add(address)
        if isinstance(found, h5py.h5g.GroupID):
            self._pending.append((found, path))
        elif isinstance(found, h5py.h5d.DatasetID):
            self._datasets.append(self._describe(found, path))

    def _describe(self, found: h5py.h5d.DatasetID, path: tuple[str, ...]) -> Dataset:
        try:
            attribute = _attribute(found, b"dtype")
            declared = attribute if isinstance(attribute, str) else None
            dataset = self._reader.read(found, path, declared)
        except DAMAGE:
            return Dataset(path, error="its header is damaged")
        if dataset.dtype == "bfloat16" and declared is None and _is_opaque(found):
            self._warn(f"{_shown(path)}: two raw bytes are taken for bfloat16; the file is silent")
        if dataset.chunks is not None and "fletcher32" in dataset.chunks.filters:
            self._warn(f"{_shown(path)}: its checksums (fletcher32) are not verified")
        return dataset

    def _warn(self, text: str) -> None:
        self._warnings.append(text)


def _is_opaque(found: h5py.h5d.DatasetID) -> bool:
    """Whether HDF5 knows no type for the values of a dataset."""
    opaque: bool = found.get_type().get_class() == h5py.h5t.OPAQUE
    return opaque


def _shown(path: tuple[str, ...]) -> str:
    return clean("/".join(path) or "/", 120)


def _address(found: h5py.h5g.GroupID | h5py.h5d.DatasetID) -> _Address:
    facts = h5py.h5o.get_info(found)
    return facts.fileno, facts.addr


def _attributes(group: h5py.h5g.GroupID) -> dict[str, str | list[str]]:
    held: dict[str, str | list[str]] = {}
    if not h5py.h5a.get_num_attrs(group):
        return held
    for name in ATTRIBUTES:
        value = _attribute(group, name.encode())
        part = 0
        while value is None and name.endswith("_names"):
            some = _attribute(group, f"{name}{part}".encode())
            if some is None:
                break
            held[f"{name}{part}"] = some
            part += 1
        if value is not None:
            held[name] = value
    return held


def _attribute(
    holder: h5py.h5g.GroupID | h5py.h5d.DatasetID, name: bytes
) -> str | list[str] | None:
    """Return an attribute that is text, or a list of texts; None for everything else."""
    try:
        if not h5py.h5a.exists(holder, name):
            return None
        found = h5py.h5a.open(holder, name)
        if found.get_storage_size() > MAX_ATTRIBUTE:
            return None
        empty = found.shape is not None and 0 in found.shape
        if empty or found.get_type().get_class() != h5py.h5t.STRING:
            return [] if empty else None
        values = np.empty(found.shape, found.dtype)
        found.read(values)
    except DAMAGE:
        return None
    texts = [_text(value) for value in values.reshape(-1).tolist()]
    return texts[0] if values.ndim == 0 else texts


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
