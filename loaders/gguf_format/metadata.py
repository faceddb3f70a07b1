"""The key-value pairs of a GGUF header, as short texts."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from tensorpeek.loaders.clean import MAX_NAME, clean
from tensorpeek.loaders.gguf_format.window import Window

MAX_PAIRS = 1 << 12
"""Pairs beyond which a header is taken for damaged; models have some dozens."""

SHOWN = 16
"""Longest array whose elements are told; of longer ones, the number of elements."""

MAX_DEPTH = 4
"""Arrays within arrays that are followed."""

NESTED_STEPS = 16
"""How many strings that are skipped take as long as one array within an array."""

MAX_KEY = 0xFFFF
"""Bytes of a key, as the format's specification limits it."""

_STRING, _ARRAY, _FLOAT32, _BOOL = 8, 9, 6, 7

_NUMBERS = {
    0: ("B", "uint8"),
    1: ("b", "int8"),
    2: ("H", "uint16"),
    3: ("h", "int16"),
    4: ("I", "uint32"),
    5: ("i", "int32"),
    _FLOAT32: ("f", "float32"),
    _BOOL: ("B", "bool"),
    10: ("Q", "uint64"),
    11: ("q", "int64"),
    12: ("d", "float64"),
}


@dataclass(frozen=True, eq=False, slots=True)
class Metadata:
    """``texts`` is what to show, by key; ``integers`` has those values that are whole numbers."""

    texts: dict[str, str] = field(default_factory=dict)
    integers: dict[str, int] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said about the pairs."""
        if not self.repeated:
            return ()
        return (f"{len(self.repeated):,} metadata keys occur again, such as {self.repeated[0]}",)


def read_metadata(window: Window, count: int) -> Metadata:
    """Read ``count`` pairs. Of keys that occur again the first value stays, with a warning.

    Raises LoadError.
    """
    found = Metadata()
    if count > MAX_PAIRS:
        raise window.damaged(f"claims {count:,} metadata entries")
    for _ in range(count):
        key = clean(read_text(window, MAX_KEY))
        kind = window.integer("I")
        text, number = _value(window, kind, 0)
        if key in found.texts:
            found.repeated.append(key)
            continue
        found.texts[key] = text
        if number is not None:
            found.integers[key] = number
    return found


def read_text(window: Window, limit: int | None = None, kept: int = 4 * (MAX_NAME + 1)) -> str:
    """Read a string of at most ``limit`` bytes, of which the first ``kept`` are returned.

    Bytes that are not UTF-8 come as escapes. Raises LoadError.
    """
    length = window.count(1)
    if limit is not None and length > limit:
        raise window.damaged(f"a name of {length:,} bytes")
    content = window.take(min(length, kept))
    window.skip(length - len(content))
    return content.decode("utf-8", "backslashreplace")


def _value(window: Window, kind: int, depth: int) -> tuple[str, int | None]:
    if kind == _STRING:
        return clean(read_text(window)), None
    if kind == _ARRAY:
        return clean(_array(window, depth)), None
    code, _name = _number_type(window, kind)
    number = window.numbers(code)[0]
    integer = int(number) if isinstance(number, int) and kind != _BOOL else None
    return _number_text(number, kind), integer


def _array(window: Window, depth: int) -> str:
    kind = window.integer("I")
    shown = SHOWN if depth == 0 else 0
    if kind == _ARRAY:
        return _nested(window, depth)
    if kind == _STRING:
        count = window.count(struct.calcsize(window.length))
        if count <= shown:
            return "[" + ", ".join(read_text(window) for _ in range(count)) + "]"
        window.skip_strings(count)
        return f"[{count:,} strings]"
    code, name = _number_type(window, kind)
    count = window.count(struct.calcsize(code))
    if count <= shown:
        numbers = window.numbers(code, count)
        return "[" + ", ".join(_number_text(number, kind) for number in numbers) + "]"
    window.skip(count * struct.calcsize(code))
    return f"[{count:,} {name} values]"


def _nested(window: Window, depth: int) -> str:
    if depth >= MAX_DEPTH:
        raise window.damaged("arrays within arrays too deep")
    count = window.count(4 + struct.calcsize(window.length))
    window.step(count * NESTED_STEPS)
    for _ in range(count):
        _array(window, depth + 1)
    return f"[{count:,} arrays]"


def _number_type(window: Window, kind: int) -> tuple[str, str]:
    found = _NUMBERS.get(kind)
    if found is None:
        raise window.damaged(f"unknown metadata type {kind}")
    return found


def _number_text(number: float, kind: int) -> str:
    if kind == _BOOL:
        return "true" if number else "false"
    return str(np.float32(number)) if kind == _FLOAT32 else str(number)
