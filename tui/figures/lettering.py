"""Letters that a figure can show: fonts to fall back on, escapes for what no font has."""

from __future__ import annotations

from functools import cache

from tensorpeek.loaders.clean import clean

FIRST = "DejaVu Sans"
"""The font that comes with matplotlib: figures look the same everywhere."""

FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Malgun Gothic",
    "WenQuanYi Micro Hei",
    "Noto Sans",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Arial Unicode MS",
    "Unifont",
)
"""Fonts of other scripts, as far as they are installed."""


@cache
def families() -> tuple[str, ...]:
    """Return the names of the fonts to use, the first one first."""
    from matplotlib.font_manager import fontManager

    known = {entry.name for entry in fontManager.ttflist}
    return (FIRST, *(name for name in FALLBACKS if name in known))


@cache
def _letters() -> frozenset[int]:
    """Return the code points that the fonts have."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    found: set[int] = set()
    for name in families():
        path = findfont(FontProperties(family=[name]), fallback_to_default=False)
        found.update(get_font(path).get_charmap())
    return frozenset(found)


def lettered(text: str) -> str:
    r"""Return text as a figure can show it: clean, ``\uNNNN`` for letters that no font has."""
    shown = clean(text)
    if shown.isascii():
        return shown
    return "".join(_letter(character) for character in shown)


def _letter(character: str) -> str:
    code = ord(character)
    if code in _letters():
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters: names differ at the end, the middle goes."""
    if len(text) <= most:
        return text
    head = max((most - 1) // 3, 0)
    return text[:head] + "…" + text[len(text) - max(most - 1 - head, 1) :]
