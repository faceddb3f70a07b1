"""Every key of the table of tensors does what its help says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from driven_app import NARROW, driven
from layers_table import CODES, FLOAT, cell, names, row, table, weights
from textual.binding import Binding

from tensorpeek.tui.layers.columns import COLUMNS, SCROLLED
from tensorpeek.tui.layers.keys import LAYERS_KEYS
from tensorpeek.tui.layers.layer_table import LayerTable


async def test_the_tab_opens_with_the_cursor_on_the_chosen_tensor(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("n", "n", "t", "2")
        assert names(app) == list(weights(samples))
        assert app.line("#layers-detail").startswith("conv2d_3.bias  float32  16  bias")
        assert row(app)[0] == "▶"
        assert "conv2d_3.bias" in row(app)
        assert "20 tensors  78k params" in app.line("#layers-totals")
        assert app.line("#layers-totals").endswith("all measured")


async def test_row_keys_choose_the_tensor_for_all_screens(samples: Path) -> None:
    expected = list(weights(samples))
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        steps = [("n", 1), ("j", 2), ("down", 3), ("p", 2), ("k", 1), ("up", 0), ("up", 0)]
        steps += [("end", 19), ("down", 19), ("home", 0), ("G", 19), ("home", 0)]
        for key, place in steps:
            await app.press(key)
            assert expected[place] in row(app), key
            assert f"{app.menu('layer')}.{app.menu('tensor')}" == expected[place]
        await app.press("n", "n", "1")
        assert app.subject() == expected[2]
        await app.press("n", "2")
        assert f"{app.menu('layer')}.weight" in row(app)


async def test_page_keys_move_by_what_is_in_sight(samples: Path) -> None:
    async with driven(samples / CODES, size=NARROW) as app:
        await app.press("2")
        await app.press("home")
        page = app.main.query_one(LayerTable).page
        for key, place in (("pagedown", page), ("ctrl+d", 2 * page), ("pageup", page)):
            await app.press(key)
            assert cell(app, "#") == str(place + 1)
        await app.press("ctrl+u")
        assert cell(app, "#") == "1"


async def test_enter_opens_the_histogram_of_the_tensor(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("n", "n", "n", "enter")
        assert app.subject() == "conv2d_2.bias"
        values = weights(samples)["conv2d_2.bias"].astype(np.float64)
        assert float(app.statistics()["mean"]) == float(f"{values.mean():.6g}")


async def test_keys_that_arrive_in_one_batch_are_all_followed(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("/", *"bias", "enter", "n", "m", "n", "enter")
        assert app.subject() == "conv2d_4.bias"
        assert app.main._session.marked == [(samples / FLOAT, "conv2d_2.bias")]


async def test_a_click_chooses_a_row_and_a_second_one_opens_it(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.pilot.click("#table", offset=(10, 4))
        await app.settle()
        assert app.line("#layers-detail").startswith("conv2d_2.bias")
        await app.pilot.click("#table", offset=(10, 5), times=2)
        await app.settle()
        assert app.subject() == "conv2d_3.weight"


async def test_column_keys_scroll_sideways_and_the_name_stays(samples: Path) -> None:
    async with driven(samples / FLOAT, size=NARROW) as app:
        await app.press("2")
        assert "Type" in row(app, 0)
        assert row(app, 0).rstrip().endswith("›")
        seen = set()
        for _ in SCROLLED:
            await app.press("l")
            assert "Tensor" in row(app, 0)
            assert "conv2d_1.weight" in row(app, 1)
            seen |= {column.title for column in SCROLLED if column.title in row(app, 0)}
        assert "‹" in row(app, 0)
        assert "›" not in row(app, 0)
        assert {"Condition", "Size", "Bits/w", "SQNR dB", "NaN, inf"} <= seen
        for key in ("left", "h"):
            before = row(app, 0)
            await app.press(key)
            assert row(app, 0) != before
        await app.press(*["h"] * 20, "right")
        assert "Type" not in row(app, 0)


async def test_mark_keys_mark_for_all_screens(samples: Path) -> None:
    path = samples / FLOAT
    async with driven(path) as app:
        session = app.main._session
        await app.press("2")
        await app.press("m", "x")
        assert session.marked == [(path, "conv2d_1.weight"), (path, "conv2d_1.bias")]
        assert [line[1] for line in table(app)[:3]] == ["●", "●", " "]
        assert "2 marked" in app.line("#layers-totals")
        assert "conv2d_2.weight" in row(app)
        await app.press("home", "m")
        assert session.marked == [(path, "conv2d_1.bias")]
        await app.press("g", "home")
        assert row(app)[1] == "○"
        await app.press("m")
        assert len(session.marked) == 2
        assert row(app, 1)[1] == "●"
        await app.press("g", "u")
        assert session.marked == []
        await app.press("/", *"bias", "enter", "M")
        assert len(session.marked) == 10
        await app.press("M")
        assert session.marked == []


async def test_marks_of_other_models_stay(samples: Path) -> None:
    async with driven(samples / FLOAT, samples / CODES) as app:
        await app.press("2")
        await app.press("m", "]")
        await app.press("m")
        assert [path.name for path, _ in app.main._session.marked] == [FLOAT, CODES]
        await app.press("[")
        assert table(app)[0][1] == "●"
        assert "1 marked" in app.line("#layers-totals")


async def test_view_key_shows_codes_or_floats(samples: Path) -> None:
    async with driven(samples / CODES) as app:
        await app.press("2")
        await app.press("/", *"conv2d_2.weight", "enter")
        assert "dequantized view" in app.line("#layers-totals")
        floats = cell(app, "Min")
        await app.press("v")
        assert "raw view" in app.line("#layers-totals")
        assert int(cell(app, "Min")) in range(-128, 0)
        await app.press("v")
        assert cell(app, "Min") == floats
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        before = app.text()
        await app.press("v")
        assert app.text() == before
        assert "view" not in app.line("#layers-totals")


async def test_copy_keys_copy_the_table_and_its_command(samples: Path) -> None:
    arrays = weights(samples)
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press(*["l"] * 20, "/", *"weight", "enter")
        await app.press("y")
        lines = [line.split("\t") for line in app.app.clipboard.splitlines()]
        assert lines[0] == [column.title for column in COLUMNS]
        assert [line[1] for line in lines[1:]] == [name for name in arrays if "weight" in name]
        for line in lines[1:]:
            entry = dict(zip(lines[0], line, strict=True))
            values = arrays[entry["Tensor"]].astype(np.float64)
            assert float(entry["Mean"]) == pytest.approx(values.mean(), rel=1e-12, abs=1e-16)
            assert float(entry["Std"]) == pytest.approx(values.std(), rel=1e-12)
            assert float(entry["Min"]) == values.min()
            assert int(entry["Params"]) == values.size
            assert int(entry["Size"]) == 4 * values.size
            matrix = values.reshape(len(values), -1)
            assert float(entry["Condition"]) == pytest.approx(np.linalg.cond(matrix), rel=1e-6)
        await app.press("Y")
        assert app.app.clipboard.startswith(f"tensorpeek scan {samples / FLOAT} conv2d_1.weight ")
        await app.press("escape", "Y")
        assert app.app.clipboard == f"tensorpeek scan {samples / FLOAT}"
        await app.press("home", "m", "Y")
        assert app.app.clipboard == f"tensorpeek scan {samples / FLOAT} conv2d_1.weight"
    async with driven(samples / CODES) as app:
        await app.press("2")
        await app.press("v", "Y")
        assert app.app.clipboard.endswith("resnet8_int8.pt --view raw")


async def test_menus_keep_their_keys(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        app.main.set_focus(app.main.query_one("#layer"))
        for key in ("enter", "down", "enter"):
            await app.press(key)
        assert app.menu("layer") == "conv2d_2"
        assert "conv2d_2.weight" in row(app)
        assert app.main.focused is app.main.query_one("#table")


async def test_help_tells_the_keys_on_one_line_each(samples: Path) -> None:
    async with driven(samples / FLOAT, size=(120, 70)) as app:
        await app.press("2")
        await app.press("?")
        text = app.text()
        for binding in LAYERS_KEYS:
            assert isinstance(binding, Binding)
            if binding.tooltip and binding.id in OWN_KEYS:
                assert f"  {binding.tooltip}" in text


OWN_KEYS = {"filter", "sort.right", "left", "right", "condition", "escape", "mark", "open"}


def test_every_key_is_bound_once() -> None:
    bindings = [binding for binding in LAYERS_KEYS if isinstance(binding, Binding)]
    keys = [key for binding in bindings for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))
    told = [binding.id for binding in bindings if binding.tooltip]
    assert len(told) == len(set(told))


async def test_quitting_while_the_menus_are_still_to_follow_is_quiet(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        app.send("n", "n")
        await app.ended_by("q")
    assert not app.app.return_code


async def test_a_terminal_may_change_its_size(samples: Path) -> None:
    async with driven(samples / CODES) as app:
        await app.press("2")
        await app.press("end", *["l"] * 20)
        for size in (NARROW, (250, 70), (40, 12), (120, 36)):
            await app.pilot.resize_terminal(*size)
            await app.settle()
            app.lines()
            assert row(app)[0] == "▶"
