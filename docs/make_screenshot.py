"""Draw docs/screenshot.svg: the app on the int8 sample model, as the README shows it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from textual.pilot import Pilot

from tensorpeek.tui.app import TensorpeekApp
from tensorpeek.tui.screens.tab_screen import TabScreen

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models"
PICTURE = ROOT / "docs" / "screenshot.svg"
KEYS = ("n", "n", "n", "right", "right", "right", "right")
"""What is typed before the picture is taken."""


async def draw() -> str:
    """Run the app without a terminal and return its screen as SVG."""
    app = TensorpeekApp([str(MODELS / "resnet8_int8.pt"), str(MODELS)])
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        if not isinstance(screen, TabScreen):
            raise TypeError(screen)
        await settle(screen, pilot)
        for key in KEYS:
            await pilot.press(key)
            await settle(screen, pilot)
        return app.export_screenshot(title="tensorpeek models")


async def settle(screen: TabScreen, pilot: Pilot[int]) -> None:
    """Wait for all work; what it tells may start more of it."""
    for _ in range(3):
        await pilot.pause(0.05)
        while not screen.is_settled:
            await pilot.pause(0.05)


def without_remote_fonts(picture: str) -> str:
    """Drop the web fonts, which pages that embed the picture do not load."""
    return re.sub(r"@font-face \{[^}]*\}\s*", "", picture)


if __name__ == "__main__":
    PICTURE.write_text(without_remote_fonts(asyncio.run(draw())), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))
