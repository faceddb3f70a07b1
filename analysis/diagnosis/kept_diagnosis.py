"""A diagnosis among the kept results: the same one for a scan and for the screens of the app."""

from __future__ import annotations

import dataclasses
from typing import Any

from tensorpeek.analysis.devices.device import device_kind
from tensorpeek.analysis.diagnosis.diagnosis import Diagnosis, Request

PASSING = "not enough memory"
"""How the reason begins why a measure is absent now that may be there another time."""


def request_json(request: Request) -> dict[str, Any]:
    """Return what was asked for, as JSON."""
    return {
        "metrics": sorted(request.metrics),
        "view": request.view,
        "bits": list(request.bits),
        "huge": request.huge,
        "conv_axis": request.conv_axis,
        "device": device_kind(request.device),
        "thresholds": {
            name: list(limits) for name, limits in dataclasses.asdict(request.thresholds).items()
        },
    }


def diagnosis_options(request: Request) -> dict[str, Any]:
    """Return what the key of a diagnosis holds besides the tensor."""
    return {"measure": "diagnosis", **request_json(request)}


def is_lasting(diagnosis: Diagnosis) -> bool:
    """Return whether a diagnosis would be the same another time: nothing failed."""
    reasons = diagnosis.absent.values()
    return diagnosis.error is None and not any(one.startswith(PASSING) for one in reasons)
