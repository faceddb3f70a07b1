"""A few screens as pictures, colors included, at two sizes and in two themes.

TENSORPEEK_GOLDENS=write draws them again: look at them before they are committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from driven_app import NARROW, WIDE, driven

from tensorpeek.tui.picture import without_remote_fonts

FOLDER = Path(__file__).parent / "goldens"

DARK, LIGHT = "tensorpeek-dark", "tensorpeek-light"

PICTURES = {
    "histogram-wide-dark": ("1", WIDE, DARK),
    "histogram-narrow-light": ("1", NARROW, LIGHT),
    "kernels-wide-light": ("4", WIDE, LIGHT),
    "spectrum-narrow-dark": ("5", NARROW, DARK),
    "compare-wide-dark": ("7", WIDE, DARK),
    "layers-narrow-light": ("2", NARROW, LIGHT),
}


@pytest.mark.parametrize(("key", "size", "theme"), PICTURES.values(), ids=PICTURES)
async def test_the_picture_is_as_it_was_seen(
    samples: Path,
    key: str,
    size: tuple[int, int],
    theme: str,
    request: pytest.FixtureRequest,
) -> None:
    golden = FOLDER / f"{request.node.callspec.id}.svg"
    models = [samples / "resnet8.pt", samples / "resnet8_int8.pt"]
    async with driven(*models, size=size, theme=theme) as app:
        await app.press(key)
        picture = without_remote_fonts(app.app.export_screenshot(simplify=True))
    if os.environ.get("TENSORPEEK_GOLDENS") == "write":
        golden.write_text(picture, encoding="utf-8")
    assert picture == golden.read_text(encoding="utf-8")
