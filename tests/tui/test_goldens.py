"""Whole screens as text, compared line by line with files that a person has read.

To draw them again after a change that is wanted, set TENSORPEEK_GOLDENS=write in the environment.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from driven_app import NARROW, WIDE, driven

FOLDER = Path(__file__).parent / "goldens"

SCREENS = {
    "wide-dequantized": (WIDE, ""),
    "wide-raw": (WIDE, "v"),
    "narrow-dequantized": (NARROW, ""),
    "narrow-scales": (NARROW, "nc"),
    "narrow-raw-statistics": (NARROW, "vs"),
}


@pytest.mark.parametrize(("size", "keys"), SCREENS.values(), ids=SCREENS)
async def test_the_screen_is_as_it_was_read(
    samples: Path, size: tuple[int, int], keys: str, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    golden = FOLDER / f"{name}.txt"
    async with driven(samples / "resnet8_int8.pt", size=size) as app:
        if keys:
            await app.press(*keys)
        shown = app.text() + "\n"
    if os.environ.get("TENSORPEEK_GOLDENS") == "write":
        golden.write_text(shown, encoding="utf-8")
    assert shown.splitlines() == golden.read_text(encoding="utf-8").splitlines()
