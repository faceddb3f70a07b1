"""What a pickle describes, as inert records: no class is looked up, nothing is called.

Dictionaries and sets stay lists of what was put in: hashing what a hostile file wrote could take
for ever (deeply shared tuples, chosen collisions).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakValueDictionary

_GLOBALS: WeakValueDictionary[tuple[str, str], Global] = WeakValueDictionary()
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Global:
    """The name of a class or function, such as ``torch._utils`` ``_rebuild_tensor_v2``.

    There is one object for each name: comparing two, which every tensor does often, is quick.
    """

    module: str
    name: str

    def __new__(cls, module: str, name: str) -> Global:
        """Return the object of this name."""
        with _ONE_AT_A_TIME:
            known = _GLOBALS.get((module, name))
            if known is None:
                known = _GLOBALS[module, name] = object.__new__(cls)
        return known

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class Pairs:
    """A dictionary: its keys and values in the order in which they were set."""

    pairs: list[tuple[object, object]] = field(default_factory=list, repr=False)


@dataclass(eq=False, slots=True)
class Group:
    """A set or frozen set."""

    items: list[object] = field(default_factory=list, repr=False)


@dataclass(frozen=True, slots=True)
class Span:
    """A byte string or a long text that was left where it is, ``nbytes`` from ``offset`` on.

    Offsets count from the start of what the pickle was read from. A text lies there in UTF-8 when
    ``utf8`` is set, else in Latin-1, where one byte is one character.
    """

    offset: int
    nbytes: int
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Numbers:
    """What stands for a long run of numbers in a list or tuple: they are not kept."""


@dataclass(eq=False, slots=True)
class Persistent:
    """A reference to something outside the pickle, such as a storage."""

    key: object = field(repr=False)


@dataclass(eq=False, slots=True)
class Record:
    """The result of a call that was not made: what was to be called, and with what.

    ``state`` is what BUILD would have set, ``items`` what APPENDS and ``pairs`` what SETITEMS
    would have put in.
    """

    callee: object = field(repr=False)
    arguments: object = field(repr=False)
    state: object = field(default=None, repr=False)
    items: list[object] | None = field(default=None, repr=False)
    pairs: list[tuple[object, object]] | None = field(default=None, repr=False)

    def calls(self, names: Container[Global]) -> bool:
        """Whether what was to be called is one of ``names``; only globals are ever hashed."""
        return isinstance(self.callee, Global) and self.callee in names


@dataclass(frozen=True, eq=False, slots=True)
class Pickle:
    """A pickle that was interpreted: its root, the globals it names, the calls it describes.

    ``stop`` is the offset of what follows it.
    """

    root: object = field(repr=False)
    globals: tuple[Global, ...]
    records: tuple[Record, ...] = field(repr=False)
    persistents: tuple[Persistent, ...] = field(default=(), repr=False)
    stop: int = 0
