"""Draw docs/pictures/*.svg: every screen of the app on the sample models, as the docs show them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from tensorpeek.tui.app import TensorpeekApp
from tensorpeek.tui.picture import without_remote_fonts
from tensorpeek.tui.screens.tab_screen import TabScreen

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models"
FOLDER = ROOT / "docs" / "pictures"


@dataclass(frozen=True)
class Picture:
    """What is opened and typed before a picture is taken."""

    models: tuple[str, ...]
    keys: str
    size: tuple[int, int] = (112, 32)
    theme: str = "tensorpeek-dark"


PICTURES = {
    "histogram": Picture(("resnet8_int8.pt",), "n n n right right right right", (120, 36)),
    "layers": Picture(("resnet8_int8.pt",), "2 n n"),
    "heatmap": Picture(("resnet8.onnx",), "n n n n 3"),
    "grid": Picture(("resnet8.onnx",), "3 G"),
    "kernels": Picture(("resnet8.onnx",), "4"),
    "spectrum": Picture(("resnet8.onnx",), "n n n 5"),
    "risk": Picture(("resnet8.onnx",), "6 b b"),
    "dashboard": Picture(("resnet8.onnx",), "6 g g g"),
    "compare": Picture(("resnet8.pt", "resnet8_int8.pt"), "7", (120, 36)),
    "light": Picture(("resnet8_int8.pt",), "n n v", theme="tensorpeek-light"),
}


async def draw(picture: Picture) -> str:
    """Run the app without a terminal and return its screen as SVG."""
    paths = [str(MODELS / name) for name in picture.models]
    app = TensorpeekApp([*paths, str(MODELS)], theme=picture.theme)
    async with app.run_test(size=picture.size) as pilot:
        await settle(app, pilot)
        for key in picture.keys.split():
            await pilot.press(key)
            await settle(app, pilot)
        return without_remote_fonts(app.export_screenshot(title="tensorpeek models"))


async def settle(app: TensorpeekApp, pilot: Pilot[int]) -> None:
    """Wait for all work; what it tells may start more of it."""
    for _ in range(3):
        await pilot.pause(0.1)
        screen = app.screen
        if not isinstance(screen, TabScreen):
            raise TypeError(screen)
        while not screen.is_settled:
            await pilot.pause(0.05)


if __name__ == "__main__":
    for name, picture in PICTURES.items():
        path = FOLDER / f"{name}.svg"
        path.write_text(asyncio.run(draw(picture)), encoding="utf-8")
        print(path.relative_to(ROOT))
