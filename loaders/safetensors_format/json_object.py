"""Parse the JSON of a header or an index without trusting it: bounded, each key once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Never

from tensorpeek.loaders.clean import clean

MAX_PARTS = 1 << 22
"""Commas and brackets beyond which text is refused: half a million tensors; they cost memory."""

_LONGEST_KEY = 120


class JsonError(Exception):
    """What is wrong with a JSON text, as one clause."""


def parse_object(content: bytes | bytearray | memoryview) -> dict[str, object]:
    """Parse a JSON object in UTF-8.

    Raises JsonError: too many parts, not UTF-8, not JSON, nested too deeply, a key twice.
    """
    content = bytes(content)
    if sum(map(content.count, (b",", b"[", b"{"))) > MAX_PARTS:
        raise JsonError(f"has more than {MAX_PARTS:,} parts")
    try:
        value = json.loads(
            content.decode(), object_pairs_hook=_each_key_once, parse_constant=_refuse
        )
    except UnicodeDecodeError as error:
        raise JsonError(f"is not UTF-8 at byte {error.start:,}") from error
    except RecursionError as error:
        raise JsonError("is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise JsonError(f"is not JSON at character {error.pos:,}") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise JsonError("holds a number of too many digits") from error
    if not isinstance(value, dict):
        raise JsonError("is not a JSON object")
    return value


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise JsonError(f"names {clean(twice, _LONGEST_KEY)} twice")
    return found


def _refuse(constant: str) -> Never:
    raise JsonError(f"holds {constant}, which is not JSON")
