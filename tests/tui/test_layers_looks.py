"""The table of tensors in every theme, without color, with hostile names, beside broken files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from driven_app import NARROW, WIDE, DrivenApp, driven
from layers_models import put_made
from layers_table import check_screen, names, row, table

GOLDENS = Path(__file__).parent / "goldens"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return put_made(monkeypatch, tmp_path / "made.pt")


HOSTILE = [
    "[/foo]",
    "[@click=app.quit]gone[/]",
    "\x1b]52;c;aGFja2Vk\x07\x1b[2J",
    "\x9b31mC1",
    "\u202egnihton\u2066",
    "two\nlines\r\ttab",
    "x" * 10_000,
    "." * 5_000,
    "a." * 3_000 + "weight",
    "名前・レイヤー",
    "e\u0301\u200d\u200b",
    "😀👩‍👩‍👧",
    "$(touch pwned)'\"`\\",
    "%s {0} {x!r}",
    "   ",
    "*?[",
]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide screen", "narrow screen"])
async def test_hostile_names_are_text(tmp_path: Path, size: tuple[int, int]) -> None:
    import torch

    path = tmp_path / "[@click=app.quit]\x1b[31m.pt"
    torch.save({name: torch.arange(3.0) for name in HOSTILE}, path)
    async with driven(path, size=size) as app:
        await app.press("2")
        await app.press("home")
        for _ in HOSTILE:
            check_screen(app)
            await app.press("n")
        for keys in ("g", "f", "f", ">", "r", "M", "y", "Y", "?", "escape"):
            await app.press(keys)
            check_screen(app)
        await app.press("g", "/", *"[@click", "enter")
        assert app.line("#layers-totals").startswith("1 of 16")
        check_screen(app)


async def test_without_color_the_cursor_and_the_marks_are_characters(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(path, size=NARROW) as app:
        await app.press("2")
        await app.press("home", "m", "n")
        assert [line[:2] for line in table(app)[:4]] == [" ●", "  ", "▶ ", "  "]


@pytest.mark.parametrize("theme", ["tensorpeek-light", "ansi-dark", "textual-light"])
async def test_every_theme_draws_the_table(path: Path, theme: str) -> None:
    async with driven(path, theme=theme) as app:
        await app.press("2")
        await app.press("g", "m")
        assert "plain" in row(app, 1)


async def test_a_file_that_does_not_open_shows_its_error_and_the_next_one_its_table(
    tmp_path: Path, samples: Path
) -> None:
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"no model")
    async with driven(samples / "resnet8.onnx", broken) as app:
        await app.press("2")
        await app.press("]")
        assert "not a model file" in app.region("#table")[1]
        for key in ("n", "m", "g", ">", "y", "Y", "c", "enter", "escape", "/", "escape"):
            await app.press(key)
        await app.press("[")
        await app.dismiss_notes()
        assert len(names(app)) == 20


SCREENS = {
    "layers-wide": (WIDE, "resnet8_int8.pt", ""),
    "layers-narrow": (NARROW, "resnet8_int8.pt", ""),
    "layers-narrow-tree": (NARROW, "resnet8.onnx", "gm"),
}


@pytest.mark.parametrize(("size", "model", "keys"), SCREENS.values(), ids=SCREENS)
async def test_the_screen_is_as_it_was_read(
    samples: Path, size: tuple[int, int], model: str, keys: str, request: pytest.FixtureRequest
) -> None:
    golden = GOLDENS / f"{request.node.callspec.id}.txt"
    async with driven(samples / model, size=size) as app:
        await app.press("2")
        await app.press(*keys)
        shown = without_tabs(app) + "\n"
    if os.environ.get("TENSORPEEK_GOLDENS") == "write":
        golden.write_text(shown, encoding="utf-8")
    assert shown.splitlines() == golden.read_text(encoding="utf-8").splitlines()


def without_tabs(app: DrivenApp) -> str:
    """The screen but for the line of tabs, which is not this screen's."""
    lines = app.text().split("\n")
    del lines[1]
    return "\n".join(lines)
