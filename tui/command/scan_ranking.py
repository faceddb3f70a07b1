"""The scanned tensors of a model, worst first, and the measures that a table shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tensorpeek.analysis.diagnosis import SEVERITIES
from tensorpeek.analysis.diagnosis.health import JUDGED_BITS
from tensorpeek.tui.command.document import Json

BLOCKS = "▁▂▃▄▅▆▇█"
LETTERS = ".:-=+*#@"


def ranked(records: Sequence[Json]) -> list[Json]:
    """Return records worst first: unreadable ones, then by severity, reasons, and SQNR."""
    return sorted(records, key=_badness)


def _badness(record: Json) -> tuple[int, int, int, float]:
    severity = record["severity"]
    rank = SEVERITIES.index(severity) if severity in SEVERITIES else -1
    ratio = sqnr_db(record)
    return (
        0 if record["error"] else 1,
        -rank,
        -len(record["reasons"]),
        math.inf if ratio is None else ratio,
    )


def sqnr_db(record: Json) -> float | None:
    """Return the SQNR that is judged: of the widest grid up to 8 bits, else of the narrowest."""
    found = sqnr_by_bits(record)
    judged = max((bits for bits in found if bits <= JUDGED_BITS), default=min(found, default=0))
    return found.get(judged)


def sqnr_by_bits(record: Json) -> dict[int, float | None]:
    """Return the SQNR in dB of each symmetric integer grid with one scale, by its bits."""
    return {
        grid["bits"]: number(grid["sqnr_db"])
        for grid in at(record, "quantization", "grids") or []
        if grid["granularity"] == "tensor" and grid["grid"].endswith(" symmetric")
    }


def tried_bits(records: Sequence[Json]) -> list[int]:
    """Return the widths of the integer grids that were simulated, widest first."""
    return sorted({bits for record in records for bits in sqnr_by_bits(record)}, reverse=True)


def at(record: Json, *path: str) -> Any:  # noqa: ANN401 (any JSON value)
    """Return what lies under a path of keys, None where something on the way is absent."""
    value: Any = record
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def number(value: Any) -> float | None:  # noqa: ANN401 (any JSON value)
    """Return a number of a record, which JSON may have as text; None for an absent one."""
    return None if value is None else float(value)


def sparkline(counts: Sequence[int] | None, *, ascii_only: bool = False) -> str:
    """Draw counts in one line, a character a bin; a bin that is not empty shows."""
    if not counts:
        return ""
    signs, most = LETTERS if ascii_only else BLOCKS, max(*counts, 1)
    return "".join(
        signs[math.ceil(count / most * len(signs)) - 1] if count else " " for count in counts
    )
