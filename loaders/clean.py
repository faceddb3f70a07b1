"""Make text that came out of a file safe to show on a terminal."""

from __future__ import annotations

import unicodedata

MAX_NAME = 512
"""Longest text kept, in characters: a hostile name must not fill the screen or the memory."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, limit: int = MAX_NAME) -> str:
    r"""Return ``text`` with everything that could steer a terminal written as an escape.

    Control characters (C0, C1, DEL), bidirectional and other format characters, lone surrogates,
    private and unassigned code points become ``\xNN`` or ``\uNNNN``; text longer than ``limit``
    characters is cut and ends in ``…``. Ordinary letters of any script stay as they are.
    """
    cut = text[:limit] + "…" if len(text) > limit else text
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(_escape(character) for character in cut)


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
