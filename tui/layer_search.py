"""Find names by what is typed: all words as substrings, else the letters in order."""

from __future__ import annotations

import re
from collections.abc import Sequence


def search(names: Sequence[str], query: str) -> list[str]:
    """Return the names that match ``query``, in their order; all of them for an empty query.

    Case is ignored. Words, in any order, must all be substrings. If no name holds them, names that
    hold the letters of the query in order match, the tightest first. A word that is a number is
    looked for as a whole number first (``12`` finds ``layers.12`` and not ``layers.112``).
    """
    words = query.lower().split()
    if not words:
        return list(names)
    lowered = [name.lower() for name in names]
    whole = [_whole_number(word) for word in words]
    found = _all_match(names, lowered, words)
    if any(word.isdecimal() for word in words):
        exact = [name for name in found if all(test.search(name.lower()) for test in whole)]
        found = exact or found
    return found or _fuzzy(names, lowered, "".join(words))


def _all_match(names: Sequence[str], lowered: Sequence[str], words: list[str]) -> list[str]:
    pairs = zip(names, lowered, strict=True)
    return [name for name, low in pairs if all(word in low for word in words)]


def _whole_number(word: str) -> re.Pattern[str]:
    escaped = re.escape(word)
    return re.compile(rf"(?<!\d){escaped}(?!\d)" if word.isdecimal() else escaped)


def _fuzzy(names: Sequence[str], lowered: Sequence[str], letters: str) -> list[str]:
    pattern = re.compile(".*?".join(map(re.escape, letters)))
    spans = []
    for position, low in enumerate(lowered):
        match = pattern.search(low)
        if match is not None:
            spans.append((match.end() - match.start(), position))
    return [names[position] for _, position in sorted(spans)]
