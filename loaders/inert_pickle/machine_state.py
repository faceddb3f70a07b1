"""The memory of the pickle machine: a window on its input, stack, marks and memo."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tensorpeek.loaders.inert_pickle.values import Global, Group, Pairs, Persistent, Record, Span
from tensorpeek.loaders.storage import Read

Resolve = Callable[[object], object]
"""What a persistent id stands for, as a record; None if it is not known."""

MAX_TEXT_LINE = 4096
"""Bytes in a line of the text opcodes: longer numbers are no sizes and no names."""

MAX_MEMO_INDEX = 1 << 32

MAX_KEPT = 4096
"""Bytes of a text beyond which it is not read but noted as a :class:`Span`: it is no name."""

MAX_KEPT_BYTES = 32
"""Bytes of a byte string beyond which it is a :class:`Span`: it holds values, or a file."""

MAX_GLOBALS = 1 << 14
"""Classes and functions that one pickle may name; a large TorchScript module has thousands."""

FIRST_WINDOW, WINDOW = 1 << 14, 1 << 20
"""Bytes of input that are held at a time, at first and later: most pickles are short."""

_LONGEST = 3 * MAX_TEXT_LINE
"""More bytes than an opcode with its short arguments takes."""


class PickleDamage(Exception):  # noqa: N818 (a clause about the pickle, turned into a LoadError)
    """The pickle breaks the rules of its language."""


class PickleTooLarge(Exception):  # noqa: N818 (as above)
    """The pickle may be right, but reading it would take too long or too much memory."""


class PickleEnd(PickleDamage):
    """The input ends within the pickle."""


class Machine:
    """The state of an interpretation of the ``size`` bytes of input that ``read`` gives.

    Every byte is looked at at most once. ``at`` counts from ``base``, where the window
    ``content`` starts; beyond ``refill_at`` the window has to move before the next opcode.
    ``text_left`` bytes of text may still be kept.
    """

    __slots__ = (
        *("at", "base", "content", "globals", "marks", "memo", "persistents", "read"),
        *("records", "refill_at", "resolve", "size", "stack", "text_left", "window"),
    )

    def __init__(self, read: Read, start: int, size: int, text_left: int) -> None:
        self.read, self.size, self.text_left = read, size, text_left
        self.base, self.at = start, 0
        self.content = b""
        self.refill_at = 0
        self.stack: list[object] = []
        self.marks: list[list[object]] = []
        self.memo: dict[int, object] = {}
        self.globals: dict[tuple[str, str], Global] = {}
        self.records: list[Record] = []
        self.persistents: list[Persistent] = []
        self.resolve: Resolve | None = None
        self.window = FIRST_WINDOW
        self.refill()

    @property
    def place(self) -> int:
        """The offset in the input of the next byte."""
        return self.base + self.at

    def refill(self) -> None:
        """Move the window so that it starts at the next byte."""
        self.base, self.at = self.place, 0
        stop = min(self.size, self.base + self.window)
        self.window = min(4 * self.window, WINDOW)
        self.content = bytes(self.read(self.base, stop)) if stop > self.base else b""
        self.refill_at = sys.maxsize if stop == self.size else len(self.content) - _LONGEST

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes of the input."""
        stop = self.at + count
        if self.base + stop > self.size:
            raise PickleEnd("ends too early")
        self.text_left -= count
        if self.text_left < 0:
            raise PickleTooLarge("holds more text than is read")
        if stop <= len(self.content):
            taken = self.content[self.at : stop]
        else:
            taken = bytes(self.read(self.place, self.place + count))
        self.at = stop
        return taken

    def skip(self, count: int) -> Span:
        """Note where the next ``count`` bytes of the input lie, without reading them."""
        place = self.place
        if place + count > self.size:
            raise PickleEnd("ends too early")
        self.at += count
        if self.at > len(self.content):
            self.refill_at = -1
        return Span(place, count)

    def number(self, width: int) -> int:
        """Return an unsigned little-endian integer of ``width`` bytes."""
        at = self.at
        self.at = stop = at + width
        if stop > len(self.content):
            raise PickleEnd("ends too early")
        return int.from_bytes(self.content[at:stop], "little")

    def line(self) -> bytes:
        """Return the input up to the next line feed, without it."""
        stop = self.content.find(b"\n", self.at, self.at + MAX_TEXT_LINE)
        if stop < 0:
            if self.at + MAX_TEXT_LINE > len(self.content):
                raise PickleEnd("has a line without an end")
            raise PickleDamage("has a line without an end")
        taken = self.take(stop - self.at)
        self.at = stop + 1
        return taken

    def since_mark(self) -> list[object]:
        """Take everything above the topmost mark off the stack."""
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def remember(self, index: int) -> None:
        """Put the top of the stack into the memo."""
        if not 0 <= index < MAX_MEMO_INDEX:
            raise PickleDamage("has a memo index out of range")
        self.memo[index] = self.stack[-1]

    def name(self, module: object, name: object) -> Global:
        """Return the record of a global; the same one each time it is named."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise PickleDamage("names a global by something that is not text")
        known = self.globals.get((module, name))
        if known is None:
            if len(self.globals) >= MAX_GLOBALS:
                raise PickleTooLarge(f"names more than {MAX_GLOBALS:,} classes and functions")
            known = self.globals[module, name] = Global(module, name)
        return known

    def call(self, callee: object, arguments: object) -> None:
        """Push the record of a call."""
        record = Record(callee, arguments)
        self.records.append(record)
        self.stack.append(record)

    def refer(self, key: object) -> object:
        """Return a reference to something outside the pickle, or what it stands for."""
        known = self.resolve(key) if self.resolve is not None else None
        if known is not None:
            return known
        reference = Persistent(key)
        self.persistents.append(reference)
        return reference

    def append(self, target: object, items: list[object]) -> None:
        """Put ``items`` into a list, a set, or the record of an object."""
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, Group):
            target.items.extend(items)
        elif isinstance(target, Record):
            if target.items is None:
                target.items = items
            else:
                target.items.extend(items)
        else:
            raise PickleDamage("appends to something that is not a list")

    def set_items(self, target: object, items: list[object]) -> None:
        """Put alternating keys and values into a dictionary or the record of an object."""
        if len(items) % 2:
            raise PickleDamage("sets a key without a value")
        halves = iter(items)
        pairs = list(zip(halves, halves, strict=True))
        if isinstance(target, Pairs):
            target.pairs.extend(pairs)
        elif isinstance(target, Record):
            if target.pairs is None:
                target.pairs = pairs
            else:
                target.pairs.extend(pairs)
        else:
            raise PickleDamage("sets items of something that is not a dictionary")
