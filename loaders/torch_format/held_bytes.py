"""Byte strings of a pickle, in each way that its protocols write them: as bytes or as text."""

from __future__ import annotations

from dataclasses import dataclass

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.machine import Source
from tensorpeek.loaders.inert_pickle.values import Global, Record, Span
from tensorpeek.loaders.storage import Inline, Storage
from tensorpeek.loaders.storage_part import Block, Recoded, part_of

Place = Block | Recoded | Inline
"""Where a byte string lies."""

MAX_HEAD = 1 << 16
"""Bytes of a text that are looked at before its values are read."""

_ENCODE = Global("_codecs", "encode")


@dataclass(frozen=True, slots=True)
class Held:
    """A byte string: where it ``lies``, and the ``span`` of its pickle that holds it, if long.

    Of a text (:class:`Recoded`) only the most bytes that it can stand for are known.
    """

    lies: Place
    span: Span | None = None


def held_bytes(value: object, pickle: Block) -> Held | None:
    """Return where the byte string ``value`` lies, which is one of ``pickle``; None if it is none.

    Before protocol 3 bytes are text that ``_codecs.encode`` turns to Latin-1, in Python 2 strings.
    """
    if isinstance(value, Record) and value.callee is _ENCODE:
        arguments = value.arguments
        value = arguments[0] if isinstance(arguments, tuple) and arguments else None
    if isinstance(value, Span):
        part = part_of(pickle, value.offset, value.nbytes)
        return Held(Recoded(part, value.nbytes) if value.utf8 else part, value)
    if isinstance(value, str):
        try:
            value = value.encode("latin-1")
        except UnicodeEncodeError:
            return None
    return Held(Inline(value)) if isinstance(value, bytes) else None


def part_of_place(place: Place, offset: int, nbytes: int) -> Storage:
    """Return ``nbytes`` bytes from ``offset`` on; those of a text have to be its last ones."""
    if isinstance(place, Inline):
        return Inline(place.content[offset : offset + nbytes])
    if isinstance(place, Recoded):
        return Recoded(place.text, nbytes, place.offset + offset)
    return part_of(place, offset, nbytes)


def source_of(held: Held, source: Source) -> Source:
    """Return what reads a byte string of the pickle that ``source`` reads.

    Of a text only what its first 64 KB hold can be read: a file within has its header there.
    """
    if held.span is not None and not held.span.utf8:
        at = held.span.offset
        return Source(source.path, lambda a, b: source.read(at + a, at + b), held.span.nbytes)
    content = held.lies.content if isinstance(held.lies, Inline) else b""
    if held.span is not None:
        content = _head(source, held.span)
    return Source(source.path, lambda start, stop: content[start:stop], len(content))


def _head(source: Source, span: Span) -> bytes:
    raw = bytes(source.read(span.offset, span.offset + min(span.nbytes, MAX_HEAD)))
    if span.nbytes > MAX_HEAD and raw[-1] >= 0xC0:  # the first half of a character
        raw = raw[:-1]
    try:
        return raw.decode().encode("latin-1")
    except UnicodeError as error:
        raise LoadError(source.path, "a text does not stand for bytes") from error
