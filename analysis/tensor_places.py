"""What the values of a tensor depend on: every fact and place that it is made of."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any, TypeVar, cast

import numpy as np

from tensorpeek.loaders import Tensor
from tensorpeek.loaders.storage import FileIdentity

Value = TypeVar("Value")


class Fingerprint:
    """A hash of objects by what they hold, and the versions of files that they name.

    Two tensors with the same ``hexdigest`` have the same facts, the same bytes in memory and the
    same places in the same versions of the same files, in whatever process they were made.
    """

    def __init__(self) -> None:
        self.files: set[tuple[str, FileIdentity]] = set()
        self._hash = sha256()

    @property
    def hexdigest(self) -> str:
        """The hash as text."""
        return self._hash.hexdigest()

    def add(self, value: object) -> None:
        """Take in a value: plain ones, arrays, dataclasses and collections of these.

        Raises TypeError for any other, whose meaning is not known.
        """
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            self._add_record(value)
        elif isinstance(value, Mapping):
            self._mark(f"mapping {len(value)}")
            for key, item in value.items():
                self.add(key)
                self.add(item)
        elif isinstance(value, tuple | list):
            self._mark(f"sequence {len(value)}")
            for item in value:
                self.add(item)
        else:
            self._add_leaf(value)

    def _add_record(self, record: Any) -> None:  # noqa: ANN401 (any dataclass)
        """Take in a record; a path to a file in whatever way it was written."""
        kind: Any = type(record)
        name, fields = _parts(kind)
        self._mark(name)
        identity = getattr(record, "identity", None)
        path = None
        if isinstance(identity, FileIdentity):
            path = os.path.abspath(record.path)  # noqa: PTH100 (a Path takes ten times as long)
            self.files.add((path, identity))
        for field in fields:
            is_path = path is not None and field == "path"
            self.add(path if is_path else getattr(record, field))

    def _add_leaf(self, value: object) -> None:
        if isinstance(value, bytes | bytearray | memoryview):
            self._mark(f"bytes {len(value)}")
            self._hash.update(value)
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            self._mark(f"array {value.dtype} {value.shape}")
            self._hash.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
        elif value is None or isinstance(value, str | int | float | np.dtype | np.generic):
            self._mark(repr(value))
        else:
            raise TypeError(f"a {type(value).__name__} has no fingerprint")

    def _mark(self, text: str) -> None:
        self._hash.update(text.encode("utf-8", "surrogatepass") + b"\0")


@cache
def _parts(kind: Any) -> tuple[str, tuple[str, ...]]:  # noqa: ANN401 (a type; it has a hash)
    """Return the name of a type of records, and those of its fields that values depend on.

    Where a tensor was read from (``source``) is for messages only.
    """
    names = (field.name for field in dataclasses.fields(kind))
    fields = tuple(name for name in names if name != "source")
    return f"{kind.__module__}.{kind.__qualname__}", fields


def with_identities(value: Value, replaced: Callable[[str, FileIdentity], FileIdentity]) -> Value:
    """Return a tensor, or a part of one, in which the version of every file is replaced.

    ``replaced`` is given the path and the version that the record holds.
    """
    if isinstance(value, tuple):
        return cast("Value", _items_with_identities(value, replaced))
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        old = getattr(value, field.name)
        if isinstance(old, FileIdentity):
            new: object = replaced(str(value.path), old)  # type: ignore[attr-defined]
        else:
            new = with_identities(old, replaced)
        if new is not old:
            changed[field.name] = new
    return dataclasses.replace(value, **changed) if changed else value


def _items_with_identities(
    items: Any,  # noqa: ANN401 (any tuple)
    replaced: Callable[[str, FileIdentity], FileIdentity],
) -> Any:  # noqa: ANN401 (a tuple of the same type)
    changed = [with_identities(item, replaced) for item in items]
    if all(new is old for new, old in zip(changed, items, strict=True)):
        return items
    return items._make(changed) if hasattr(items, "_make") else tuple(changed)


def fingerprint(tensor: Tensor) -> Fingerprint:
    """Return the fingerprint of a tensor. Raises TypeError for a codec of unknown parts."""
    taken = Fingerprint()
    taken.add(tensor)
    return taken
