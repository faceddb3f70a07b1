"""The limits by which measures are judged, and how a configuration file changes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Thresholds:
    """Limits between Excellent, Good, Warning and Critical; where there are two, none is Critical.

    ``condition_number`` (up to): 10**k costs about k decimal digits, 1e3 all that float16 has.
    ``sqnr_db`` (at least), of the widest integer grid up to 8 bits with one scale: 40 dB is an
    error of 1 %, 30 dB of 3 % of the root mean square. ``extreme_outliers_percent`` (up to) lie
    beyond three interquartile ranges; a normal distribution has 0.0002 %.
    ``stable_rank_ratio`` (at least) is the stable rank over the smaller side: below 0.1 a low
    rank holds nearly all energy.
    """

    condition_number: tuple[float, ...] = (1e3, 1e4, 1e5)
    sqnr_db: tuple[float, ...] = (40.0, 30.0)
    extreme_outliers_percent: tuple[float, ...] = (0.1, 1.0, 10.0)
    stable_rank_ratio: tuple[float, ...] = (0.3, 0.1)


FALLING = frozenset({"sqnr_db", "stable_rank_ratio"})
"""Measures of which more is better."""


def check_thresholds(table: Mapping[str, Any]) -> Thresholds:
    """Check the table ``[thresholds]`` of a settings file; what it leaves out keeps its default.

    Raises ValueError, with one clause that says what is wrong.
    """
    known = {field.name: len(field.default) for field in fields(Thresholds)}  # type: ignore[arg-type]
    for name in table:
        if name not in known:
            raise ValueError(f"unknown threshold '{name}'; there are: {', '.join(known)}")
    return Thresholds(**{name: _limits(name, table[name], known[name]) for name in table})


def _limits(name: str, found: Any, count: int) -> tuple[float, ...]:  # noqa: ANN401 (any TOML value)
    numbers = found if isinstance(found, list) else []
    limits = tuple(float(n) for n in numbers if isinstance(n, int | float) and type(n) is not bool)
    if len(limits) != count or len(numbers) != count or not all(map(math.isfinite, limits)):
        raise ValueError(f"'{name}' is not a list of {count} numbers")
    if list(limits) != sorted(limits, reverse=name in FALLING):
        order = "fall" if name in FALLING else "rise"
        raise ValueError(f"the numbers of '{name}' do not {order}")
    return limits
