"""Put tensors in the order of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def in_order(places: Sequence[int], values: Sequence[Any], *, descending: bool) -> list[int]:
    """Return ``places`` sorted by their ``values``, equal ones in the order in which they came.

    Those without a value (None or NaN) are last in either direction, in the order in which they
    came.
    """
    some: list[int] = []
    none: list[int] = []
    for place in places:
        value = values[place]
        is_absent = value is None or value != value  # noqa: PLR0124 (NaN alone differs from itself)
        (none if is_absent else some).append(place)
    some.sort(key=values.__getitem__, reverse=descending)
    return some + none
