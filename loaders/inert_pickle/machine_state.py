"""The memory of the pickle machine: input, stack, marks and memo."""

from __future__ import annotations

from tensorpeek.loaders.inert_pickle.values import Global, Group, Pairs, Record

MAX_TEXT_LINE = 4096
"""Bytes in a line of the text opcodes: longer numbers are no sizes and no names."""

MAX_MEMO_INDEX = 1 << 32


class PickleDamage(Exception):  # noqa: N818 (a clause about the pickle, turned into a LoadError)
    """The pickle breaks the rules of its language."""


class Machine:
    """The state of an interpretation. Every byte of ``content`` is looked at once."""

    __slots__ = ("at", "content", "globals", "marks", "memo", "records", "stack")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0
        self.stack: list[object] = []
        self.marks: list[list[object]] = []
        self.memo: dict[int, object] = {}
        self.globals: dict[Global, Global] = {}
        self.records: list[Record] = []

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes of the input."""
        stop = self.at + count
        if stop > len(self.content):
            raise PickleDamage("ends too early")
        taken = self.content[self.at : stop]
        self.at = stop
        return taken

    def number(self, width: int) -> int:
        """Return an unsigned little-endian integer of ``width`` bytes."""
        return int.from_bytes(self.take(width), "little")

    def line(self) -> bytes:
        """Return the input up to the next line feed, without it."""
        stop = self.content.find(b"\n", self.at, self.at + MAX_TEXT_LINE)
        if stop < 0:
            raise PickleDamage("has a line without an end")
        taken = self.content[self.at : stop]
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
        wanted = Global(module, name)
        return self.globals.setdefault(wanted, wanted)

    def call(self, callee: object, arguments: object) -> None:
        """Push the record of a call."""
        record = Record(callee, arguments)
        self.records.append(record)
        self.stack.append(record)

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
        pairs = list(zip(items[::2], items[1::2], strict=True))
        if isinstance(target, Pairs):
            target.pairs.extend(pairs)
        elif isinstance(target, Record):
            if target.pairs is None:
                target.pairs = pairs
            else:
                target.pairs.extend(pairs)
        else:
            raise PickleDamage("sets items of something that is not a dictionary")
