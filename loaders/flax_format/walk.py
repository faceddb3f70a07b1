"""Walk a msgpack file and list its arrays and its small values; arrays are not read.

The encoding is that of flax.serialization: extension 1 is an array and 3 a NumPy scalar, each a
msgpack triple (shape, name of the element type, bytes in row-major order); 2 is a complex number.
https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

from dataclasses import dataclass

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.flax_format.cursor import Cursor

MAX_VALUES = 1 << 19
"""Values beyond which a file is refused: walking them takes a second or two."""

MAX_DEPTH = 64
"""Maps within maps; optimizer states nest about ten."""

MAX_TEXT = 1 << 9
"""Bytes of a text or a key that are kept."""

MAX_DIMENSIONS = 64

ARRAY, COMPLEX, SCALAR = 1, 2, 3
"""The types of extensions that Flax defines."""

Path = tuple[str, ...]
Value = str | int | float | bool | None

_NUMBERS = {
    0xCA: "f",
    0xCB: "d",
    0xCC: "B",
    0xCD: "H",
    0xCE: "I",
    0xCF: "Q",
    0xD0: "b",
    0xD1: "h",
    0xD2: "i",
    0xD3: "q",
}
_CONSTANTS: dict[int, Value] = {0xC0: None, 0xC2: False, 0xC3: True}
_TEXTS = {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC4: 1, 0xC5: 2, 0xC6: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}


@dataclass(frozen=True, slots=True)
class Array:
    """An array at ``path``: its values are ``nbytes`` bytes of the file from ``offset`` on."""

    path: Path
    shape: tuple[int, ...]
    dtype: str
    offset: int
    nbytes: int
    scalar: bool = False


class Walk:
    """One walk over a file: ``arrays``, small ``values`` by path, ``unknown`` extensions.

    What was found before an error stays.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.arrays: list[Array] = []
        self.values: dict[Path, Value] = {}
        self.unknown = 0
        self._cursor = cursor
        self._count = 0

    def run(self) -> None:
        """Walk the one value of the file, which must be a map. Raises LoadError."""
        kind = self._cursor.length(1)
        count = self._container(kind, 0x80, _MAPS)
        if count is None:
            raise self._cursor.damaged("it does not begin with a map")
        self._map((), count)

    def _value(self, path: Path) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise LoadError(self._cursor.path, f"holds more than {MAX_VALUES:,} values")
        if len(path) > MAX_DEPTH:
            raise self._cursor.damaged("nested too deeply")
        kind = self._cursor.length(1)
        count = self._container(kind, 0x80, _MAPS)
        if count is not None:
            self._map(path, count)
            return
        count = self._container(kind, 0x90, _LISTS)
        if count is not None:
            for index in range(self._bounded(count, 1)):
                self._value((*path, str(index)))
            return
        if kind in _EXTENSIONS or kind in _FIXED_EXTENSIONS:
            self._extension(path, kind)
            return
        self.values[path] = self._plain(kind)

    def _map(self, path: Path, count: int) -> None:
        for _ in range(self._bounded(count, 2)):
            key = self._plain(self._cursor.length(1))
            if not isinstance(key, str):
                raise self._cursor.damaged("a key is not text")
            self._value((*path, key))

    def _container(self, kind: int, fixed: int, wide: dict[int, int]) -> int | None:
        """Return how many entries a map or list has; None if it is something else."""
        if kind & 0xF0 == fixed:
            return kind & 0x0F
        return self._cursor.length(wide[kind]) if kind in wide else None

    def _bounded(self, count: int, least: int) -> int:
        """Check a count of entries that take at least ``least`` bytes each."""
        if count * least > self._cursor.rest:
            raise self._cursor.truncated()
        return count

    def _plain(self, kind: int) -> Value:
        """Return a number, a text, a truth value or nothing."""
        if kind < 0x80:
            return kind
        if kind >= 0xE0:
            return kind - 0x100
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind in _NUMBERS:
            return self._cursor.number(_NUMBERS[kind])
        if kind & 0xE0 == 0xA0:
            return self._text(kind & 0x1F)
        if kind in _TEXTS:
            return self._text(self._cursor.length(_TEXTS[kind]))
        raise self._cursor.damaged(f"no key or value begins with 0x{kind:02x}")

    def _text(self, length: int) -> str:
        kept = self._cursor.take(min(length, MAX_TEXT))
        self._cursor.skip(length - len(kept))
        return kept.decode("utf-8", "replace")

    def _extension(self, path: Path, kind: int) -> None:
        length = _FIXED_EXTENSIONS.get(kind)
        if length is None:
            length = self._cursor.length(_EXTENSIONS[kind])
        code = self._cursor.length(1)
        end = self._cursor.position + length
        if end > self._cursor.size:
            raise self._cursor.truncated()
        if code in (ARRAY, SCALAR):
            self.arrays.append(self._array(path, end, scalar=code == SCALAR))
        else:
            self.unknown += code != COMPLEX
        self._cursor.skip(end - self._cursor.position)

    def _array(self, path: Path, end: int, *, scalar: bool) -> Array:
        if self._cursor.length(1) != 0x93:
            raise self._cursor.damaged("an array is not a triple")
        sides = self._container(self._cursor.length(1), 0x90, _LISTS)
        if sides is None or sides > MAX_DIMENSIONS:
            raise self._cursor.damaged("an array has no valid shape")
        shape = tuple(self._side() for _ in range(sides))
        dtype = self._plain(self._cursor.length(1))
        kind = self._cursor.length(1)
        nbytes = kind & 0x1F if kind & 0xE0 == 0xA0 else -1
        if kind in _TEXTS:
            nbytes = self._cursor.length(_TEXTS[kind])
        if nbytes < 0 or self._cursor.position + nbytes != end or not isinstance(dtype, str):
            raise self._cursor.damaged("the parts of an array do not fill it")
        return Array(path, shape, dtype, self._cursor.position, nbytes, scalar)

    def _side(self) -> int:
        value = self._plain(self._cursor.length(1))
        if type(value) is not int or not 0 <= value < 1 << 63:
            raise self._cursor.damaged("an array has no valid shape")
        return value
