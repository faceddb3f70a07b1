"""A scan as one JSON document: one tensor a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TextIO

from tensorpeek.tui.command.document import Json, finite


@dataclass
class ScanReport:
    """What a scan found: models with their records under ``tensors``, in file order.

    ``missing`` counts the tensors that were not reached because the scan was interrupted.
    """

    request: Json
    models: list[Json] = field(default_factory=list)
    errors: Sequence[Json] = ()
    interrupted: bool = False
    missing: int = 0


def write_document(report: ScanReport, stream: TextIO) -> None:
    """Write a report under the schema ``tensorpeek.scan/1``."""
    facts = {
        "schema": "tensorpeek.scan/1",
        "request": report.request,
        "interrupted": report.interrupted,
        "missing": report.missing,
    }
    stream.write(f'{_dump(facts)[:-1]},\n "models": [')
    for index, model in enumerate(report.models):
        about = {key: value for key, value in model.items() if key != "tensors"}
        stream.write(",\n  " if index else "\n  ")
        stream.write(f'{_dump(about)[:-1]}, "tensors": [')
        stream.writelines(
            (",\n    " if place else "\n    ") + _dump(record)
            for place, record in enumerate(model["tensors"])
        )
        stream.write("]}")
    stream.write(f'],\n "errors": {json.dumps(finite(list(report.errors)))}}}\n')


def _dump(value: Json) -> str:
    return json.dumps(finite(value), allow_nan=False)
