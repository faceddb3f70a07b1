"""Parse a little JSON that came with a model, without trusting it."""

from __future__ import annotations

import json

MAX_JSON = 1 << 22
"""Bytes of JSON beyond which it is not read."""


def parse_mapping(content: bytes) -> dict[str, object] | None:
    """Return a JSON object, None if the text is none: no UTF-8, damaged, too deep, too long."""
    if len(content) > MAX_JSON:
        return None
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
