"""Names of files for tensors: safe in any folder, and no two alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

LONGEST = 180
"""Bytes of a name without its ending."""

KEPT = frozenset("._-+")


def safe_names(names: Sequence[str], ending: str) -> list[str]:
    """Return a file name for each name, in order: letters, digits and ``._-+`` stay.

    Names that differ in nothing but case, which some file systems do not tell apart, get numbers.
    """
    taken: set[str] = set()
    found = []
    for name in names:
        stem = plain = _plain(name)
        number = 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{plain}-{number}"
        taken.add(stem.casefold())
        found.append(stem + ending)
    return found


def _plain(name: str) -> str:
    composed = unicodedata.normalize("NFC", name)
    kept = "".join(sign if sign.isalnum() or sign in KEPT else "_" for sign in composed)
    cut = kept.encode("utf-8", "ignore")[:LONGEST].decode("utf-8", "ignore")
    return f"_{cut[1:]}" if cut[:1] in {".", "-"} else cut or "_"
