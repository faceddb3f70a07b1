"""Ways to damage a file: single bits, bytes, lengths, numbers in text, pieces moved or missing."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from random import Random

EDGE = 512
"""Bytes at either end of a file, where its headers are, that are changed more often."""

BYTES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
TEXT_NUMBERS = (
    *(b"0", b"-1", b"1", b"255", b"65536", b"4294967295", b"2147483648", b"4611686018427387904"),
    *(b"18446744073709551616", b"9" * 400, b"1e999", b"0.5", b"true", b"null", b'"1"', b"[]"),
)
PIECE = 64

Mutation = Callable[[bytearray, bytes, Random], None]


def mutate(content: bytes, other: bytes, random: Random) -> bytes:
    """Return ``content`` after one to four changes; ``other`` is a file that pieces come from."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4))):
        if changed:
            random.choice(MUTATIONS)(changed, other, random)
    return bytes(changed)


def _place(content: bytearray, random: Random, width: int = 1) -> int:
    """Return a place, near one of the ends in two of three cases."""
    last = max(0, len(content) - width)
    kind = random.randrange(6)
    if kind < 3:
        return random.randint(0, min(last, EDGE))
    if kind < 4:
        return random.randint(max(0, last - EDGE), last)
    return random.randint(0, last)


def _span(content: bytearray, random: Random) -> slice:
    start = _place(content, random)
    return slice(start, start + random.choice((1, 2, 4, 8, random.randint(1, PIECE))))


def _flip_bit(content: bytearray, other: bytes, random: Random) -> None:
    content[_place(content, random)] ^= 1 << random.randrange(8)


def _set_byte(content: bytearray, other: bytes, random: Random) -> None:
    content[_place(content, random)] = random.choice((*BYTES, random.randrange(256)))


def _set_several(content: bytearray, other: bytes, random: Random) -> None:
    span = _span(content, random)
    content[span] = bytes([random.choice(BYTES)]) * len(content[span])


def _truncate(content: bytearray, other: bytes, random: Random) -> None:
    del content[_place(content, random) :]


def _insert(content: bytearray, other: bytes, random: Random) -> None:
    size = random.choice((1, 2, 4, 8, random.randint(1, PIECE)))
    piece = random.choice((bytes(size), b"\xff" * size, random.randbytes(size)))
    at = _place(content, random)
    content[at:at] = piece


def _remove(content: bytearray, other: bytes, random: Random) -> None:
    del content[_span(content, random)]


def _duplicate(content: bytearray, other: bytes, random: Random) -> None:
    span = _span(content, random)
    at = random.choice((span.start, _place(content, random)))
    content[at:at] = bytes(content[span]) * random.choice((1, 1, 2, 100))


def _splice(content: bytearray, other: bytes, random: Random) -> None:
    """Go on with what another file has from some place on, or over a piece of it."""
    source = bytearray(other)
    if not source:
        return
    if random.randrange(2):
        del content[_place(content, random) :]
        content += source[_place(source, random) :]
    else:
        span = _span(content, random)
        content[span] = source[_span(source, random)]


def _number(content: bytearray, other: bytes, random: Random) -> None:
    """Change a field of 1 to 8 bytes, in either byte order, as lengths and offsets would be."""
    width, order = random.choice((1, 2, 4, 4, 8, 8)), random.choice(("little", "little", "big"))
    at = _place(content, random, width)
    if random.randrange(2):
        at -= at % width
    top = 1 << 8 * width
    value = int.from_bytes(content[at : at + width], order)
    values = (
        *(value + 1, value - 1, value * 2, -value, 0, 1, len(content)),
        *(top - 1, top - 2, top >> 1, (top >> 1) - 1, top >> 2, (1 << 31) - 1, 1 << 40),
    )
    content[at : at + width] = (random.choice(values) % top).to_bytes(width, order)


def _float(content: bytearray, other: bytes, random: Random) -> None:
    """Put a number over a float that no scale should be: NaN of two kinds, infinite, tiny, huge."""
    code, width = random.choice((("e", 2), ("f", 4), ("d", 8)))
    at = _place(content, random, width)
    at -= at % width
    plain = [struct.pack("<" + code, value) for value in (math.nan, math.inf, -math.inf, -0.0)]
    signaling, tiny = b"\x01" + plain[1][1:], b"\x01" + bytes(width - 1)
    huge = struct.pack("<" + code, {2: 65504.0, 4: 3.4e38, 8: 1.7e308}[width])
    values = (*plain, signaling, tiny, huge)
    content[at : at + width] = random.choice(values)


def _varint(content: bytearray, other: bytes, random: Random) -> None:
    """Put one of the longest numbers of protobuf's encoding over what is there."""
    at = _place(content, random)
    long = (b"\xff" * 9 + b"\x01", b"\xff" * 10, b"\x80" * 9 + b"\x00", b"\xff\xff\xff\xff\x07")
    content[at : at + 1] = random.choice(long)


def _text_number(content: bytearray, other: bytes, random: Random) -> None:
    """Put another number in the place of one that stands as text."""
    found = list(re.finditer(rb"\d+", bytes(content[: 8 * EDGE])))
    if found:
        match = random.choice(found)
        content[match.start() : match.end()] = random.choice(TEXT_NUMBERS)


def _swap(content: bytearray, other: bytes, random: Random) -> None:
    first, second = sorted((_place(content, random), _place(content, random)))
    size = min(second - first, PIECE)
    if size:
        piece = bytes(content[first : first + size])
        content[first : first + size] = content[second : second + size].ljust(size, b"\0")
        content[second : second + size] = piece


MUTATIONS: tuple[Mutation, ...] = (
    *(_flip_bit, _set_byte, _set_several, _truncate, _insert, _remove, _duplicate),
    *(_splice, _number, _number, _number, _float, _varint, _text_number, _swap),
)
