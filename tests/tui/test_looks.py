"""The screen at every size, in themes of each kind, without color and without Unicode."""

from __future__ import annotations

from pathlib import Path

import pytest
from driven_app import NARROW, WIDE, DrivenApp, driven
from rich.color import ColorType
from textual.color import Color
from textual.widgets import Select

BLACK = Color(0, 0, 0)

SIZES = [(200, 60), WIDE, NARROW, (40, 10), (20, 6), (1, 1)]


def colors(app: DrivenApp, selector: str) -> set[str]:
    """The foreground colors of a widget's characters other than spaces."""
    x, y, width, height = app.main.query_one(selector).content_region
    strips = app.app.screen._compositor.render_strips()[y : y + height]
    return {
        segment.style.color.name
        for strip in strips
        for segment in strip.crop(x, x + width)
        if segment.text.strip() and segment.style and segment.style.color
    }


async def test_every_size_is_drawn_and_resizing_keeps_what_is_chosen(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        await app.press("n", "v", "+")
        for size in (NARROW, (20, 6), (1, 1), (200, 60)):
            await app.pilot.resize_terminal(*size)
            await app.settle()
            assert len(app.lines()) == size[1]
            await app.press(*"$02?")
            await app.press(*"?1")
            assert app.menu("layer") == "conv2d_2"
            assert app.field("bins") == "55"
            assert app.plot.cursor is not None
        await app.pilot.resize_terminal(*WIDE)
        await app.settle()
        assert app.statistics()["params"] == "2,304"


@pytest.mark.parametrize("size", SIZES, ids=[f"{width} by {height}" for width, height in SIZES])
async def test_the_app_starts_at_every_size(samples: Path, size: tuple[int, int]) -> None:
    async with driven(samples / "resnet8_int8.pt", size=size) as app:
        if size[0] >= 80:
            assert app.line("#title").startswith("tensorpeek  resnet8_int8.pt")
            assert app.line("#keys").startswith("/ find")
            assert app.line("#keys").endswith("^p palette")
            assert app.histogram.counts.size == 50
            assert "▲" in "\n".join(app.region("#plot"))
        await app.press("/", *"dense", "enter")
        assert app.menu("layer") == "dense"


@pytest.mark.parametrize("size", [WIDE, NARROW, (200, 60)], ids=["wide", "narrow", "huge"])
async def test_nothing_is_cut_where_there_is_room(samples: Path, size: tuple[int, int]) -> None:
    async with driven(samples / "resnet8_int8.pt", size=size) as app:
        shown = app.text()
        for word in ("Bins", "Min", "Max", "Apply", "int8 raw", "dequantized", "? help", "q quit"):
            assert word in shown, word
        for name in ("low", "high"):
            field = app.main.query_one(f"#{name}")
            assert len(app.field(name)) < field.content_size.width + 1


@pytest.mark.parametrize(
    "theme", ["tensorpeek-dark", "tensorpeek-light", "textual-light", "nord", "ansi-dark"]
)
async def test_range_and_rest_differ_in_every_theme(samples: Path, theme: str) -> None:
    async with driven(samples / "resnet8.onnx", theme=theme) as app:
        variables = app.app.theme_variables
        inside, outside = variables["plot-inside"].lower(), variables["plot-outside"].lower()
        assert inside != outside
        shown = {name.lower() for name in colors(app, "#plot")}
        assert {inside, outside} <= shown
        await app.press("?")
        assert "Find a layer" in app.text()


async def test_a_theme_chosen_while_running_changes_the_bars_at_once(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        before = colors(app, "#plot")
        app.app.theme = "tensorpeek-light"
        await app.settle()
        after = {name.lower() for name in colors(app, "#plot")}
        assert app.app.theme_variables["plot-inside"].lower() in after
        assert not after & {name.lower() for name in before}


async def test_without_color_range_and_rest_differ_in_their_characters(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("m")
        plot = "\n".join(app.region("#plot"))
        assert "█" in plot
        assert "░" in plot
        strips = app.app.screen._compositor.render_strips()
        filtered = [
            strip.apply_filter(each, BLACK) for strip in strips for each in app.app._filters
        ]
        for strip in filtered:
            for segment in strip:
                color = segment.style.color if segment.style else None
                if color is not None and color.type is ColorType.TRUECOLOR:
                    assert color.triplet is not None
                    assert len(set(color.triplet)) == 1, color  # a gray


async def test_only_ascii_is_drawn_where_nothing_else_is_wanted(samples: Path) -> None:
    async with driven(samples, ascii_only=True) as app:
        states: list[tuple[str, ...]] = [
            (),
            ("]", "]"),
            ("v",),
            ("g",),
            ("?",),
            ("?",),
            ("w",),
            ("w",),
            ("/",),
            ("/",),
            ("r", *"x", "enter"),
            ("escape", "y"),
            ("Y",),
            ("ctrl+p",),
            ("escape",),
        ]
        for keys in states:
            await app.press(*keys)
            check_ascii(app, keys)
        for menu in ("model", "layer", "tensor"):
            app.main.set_focus(app.main.query_one(f"#{menu}", Select))
            await app.press("enter")
            check_ascii(app, (menu,))
            await app.press("escape")
        for size in (NARROW, (20, 6)):
            await app.pilot.resize_terminal(*size)
            for key in "21?":
                await app.press(key)
                check_ascii(app, (key, str(size)))
            await app.press("?")


async def test_a_slow_start_and_a_failure_are_ascii_too(tmp_path: Path) -> None:
    async with driven(tmp_path / "missing.pt", ascii_only=True, settled=False) as app:
        check_ascii(app, ("start",))
        await app.settle()
        check_ascii(app, ("failure",))


def check_ascii(app: DrivenApp, state: tuple[str, ...]) -> None:
    odd = {letter for line in app.lines() for letter in line if not letter.isascii()}
    assert not odd, (state, odd, [line for line in app.lines() if not line.isascii()])
