"""A key is one paint, with all that it changes and what the background answers; menus wait."""

from __future__ import annotations

from pathlib import Path

import pytest
from driven_app import driven
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import Input
from textual.widgets._select import SelectOverlay

from tensorpeek.tui.histogram.range_fields import RangeFields
from tensorpeek.tui.screens import painting_screen

KEYS = {
    "histogram": ("1", "n"),
    "histogram, more bins": ("1", "+"),
    "layers": ("2", "n"),
    "heatmap": ("3", "right"),
    "kernels": ("4", "right"),
    "spectrum": ("5", "right"),
    "risk": ("6", "right"),
    "compare": ("7", "n"),
}


@pytest.mark.parametrize(("screen", "key"), KEYS.values(), ids=KEYS)
async def test_a_key_is_painted_once_and_lays_out_nothing(
    samples: Path, monkeypatch: pytest.MonkeyPatch, screen: str, key: str
) -> None:
    painted: list[str] = []
    paint, lay_out = Screen._compositor_refresh, Screen._refresh_layout

    def counted_paint(self: Screen) -> None:
        painted.append("paint")
        paint(self)

    def counted_layout(self: Screen, *arguments: object, **options: object) -> None:
        painted.append("layout")
        lay_out(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(painting_screen, "HOLD", 60.0)  # a busy machine answers late
    models = [samples / "resnet8.pt", samples / "resnet8_int8.pt"]
    async with driven(*models, size=(120, 36)) as app:
        await app.press(screen)
        await app.press(key)
        monkeypatch.setattr(Screen, "_compositor_refresh", counted_paint)
        monkeypatch.setattr(Screen, "_refresh_layout", counted_layout)
        app.send(key)
        await app.until(lambda: bool(painted) and app.main.is_settled)
        assert painted == ["paint"]
        monkeypatch.undo()


async def test_a_slow_answer_delays_no_paint(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painting_screen.PaintingScreen, "_is_quiet", lambda _: False)
    async with driven(samples / "resnet8.pt") as app:
        app.send("n")
        await app.until(lambda: app.plot.cursor is not None and app.menu("layer") == "conv2d_2")
        await app.until(lambda: "conv2d_2.weight" in app.text())


async def test_the_list_of_a_menu_is_built_when_it_is_opened(samples: Path) -> None:
    async with driven(samples / "resnet8.pt") as app:
        await app.press("n", "n")
        menu = app.main.query_one("#layer")
        overlay = menu.query_one(SelectOverlay)
        built = [option.prompt.plain for option in overlay.options]  # type: ignore[union-attr]
        assert "conv2d_3" not in built
        app.main.set_focus(menu)
        await app.press("enter")
        built = [option.prompt.plain for option in overlay.options]  # type: ignore[union-attr]
        assert built == [*(f"conv2d_{number}" for number in range(1, 10)), "dense"]
        assert overlay.highlighted == 2
        assert app.menu("layer") == "conv2d_3"


class _Fields(App[None]):
    def compose(self) -> ComposeResult:
        yield RangeFields(id="range")


async def test_what_is_told_to_fields_that_are_not_there_yet_stands_in_them_later() -> None:
    app = _Fields()
    async with app.run_test():
        fields = app.query_one(RangeFields)
        fields.show_bins(75)
        fields.show_range("0", "1")
        fields.offer_range("-2", "3.5")
        fields.focus_range()
        assert not app.query(Input)
        await fields.show_fields()
        values = {field.id: field.value for field in app.query(Input)}
        assert values == {"bins": "75", "low": "-2", "high": "3.5"}
