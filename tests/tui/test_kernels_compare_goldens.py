"""The screens of kernels and of comparisons as text, compared with files that a person has read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from driven_app import NARROW, WIDE, driven

FOLDER = Path(__file__).parent / "goldens"

SCREENS = {
    "kernels-wide": (WIDE, "4oi"),
    "kernels-narrow": (NARROW, "4n"),
    "kernels-narrow-one": (NARROW, ["4", "enter"]),
    "compare-wide": (WIDE, "7"),
    "compare-narrow": (NARROW, "7"),
    "compare-narrow-numbers": (NARROW, "7s"),
}


@pytest.mark.parametrize(("size", "keys"), SCREENS.values(), ids=SCREENS)
async def test_the_screen_is_as_it_was_read(
    samples: Path, size: tuple[int, int], keys: str, request: pytest.FixtureRequest
) -> None:
    golden = FOLDER / f"{request.node.callspec.id}.txt"
    async with driven(samples / "resnet8.pt", samples / "resnet8_int8.pt", size=size) as app:
        for key in keys:
            await app.press(key)
        shown = app.text() + "\n"
    if os.environ.get("TENSORPEEK_GOLDENS") == "write":
        golden.write_text(shown, encoding="utf-8")
    assert shown.splitlines() == golden.read_text(encoding="utf-8").splitlines()
