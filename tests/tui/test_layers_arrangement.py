"""The order, the filter and the tree of modules of the table of tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from driven_app import NARROW, driven
from layers_table import FLOAT, names, row, table, weights
from textual.widgets import Input

from tensorpeek.tui.layers.columns import COLUMNS
from tensorpeek.tui.layers.layer_table import LayerTable


async def test_sort_keys_go_through_the_columns_and_back(samples: Path) -> None:
    arrays = weights(samples)
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press(">")
        assert "Tensor▲" in row(app, 0)
        for title in ("Type▲", "Shape▲", "Params▲"):
            await app.press("full_stop")
            assert title in row(app, 0)
        sizes = [arrays[name].size for name in names(app)]
        assert sizes == sorted(array.size for array in arrays.values())
        await app.press("r")
        assert "Params▼" in row(app, 0)
        sizes = [arrays[name].size for name in names(app)]
        assert sizes == sorted((array.size for array in arrays.values()), reverse=True)
        assert app.main.query_one(LayerTable).cursor == 0
        for title in ("Shape▼", "Type▼", "Tensor▼", "#▼"):
            await app.press(",")
            assert title in row(app, 0)
        assert names(app) == list(arrays)[::-1]


async def test_every_column_that_sorts_is_brought_into_sight(samples: Path) -> None:
    async with driven(samples / FLOAT, size=NARROW) as app:
        await app.press("2")
        for column in COLUMNS:
            if column.is_sortable:
                assert f"{column.title}▲" in row(app, 0)
                assert len(names(app)) == app.main.query_one(LayerTable).page
                await app.press(">")
        assert "#▲" in row(app, 0)


async def test_sorting_by_std_is_numpys(samples: Path) -> None:
    arrays = weights(samples)
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press(*[">"] * 8, "r")
        assert "Std▼" in row(app, 0)
        expected = sorted(arrays, key=lambda name: -arrays[name].astype(np.float64).std())
        assert names(app) == expected
        assert app.menu("layer") == expected[0].rpartition(".")[0]


async def test_a_click_on_a_title_sorts_and_the_next_one_turns_around(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        place = app.lines()[app.main.query_one("#table").region.y].index("Params")
        for title in ("Params▲", "Params▼", "Params▲"):
            await app.pilot.click("#table", offset=(place + 1, 0))
            await app.settle()
            assert title in row(app, 0)
        for offset, title in ((1, "#▲"), (8, "Tensor▲")):
            await app.pilot.click("#table", offset=(offset, 0))
            await app.settle()
            assert title in row(app, 0)


async def test_filter_key_and_field(samples: Path) -> None:
    arrays = weights(samples)
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("/", *"bias")
        assert names(app) == [name for name in arrays if "bias" in name]
        assert app.line("#layers-totals").startswith("10 of 20 tensors")
        assert isinstance(app.main.focused, Input)
        await app.press("down", "down", "up")
        assert "conv2d_2.bias" in row(app)
        await app.press("enter")
        assert app.main.focused is app.main.query_one("#table")
        await app.press("/", "backspace", "backspace", "backspace", "backspace", *"3-4", "enter")
        assert names(app) == list(arrays)[2:4]
        await app.press("escape")
        assert names(app) == list(arrays)
        await app.press("/", *"no such tensor!", "escape")
        assert names(app) == list(arrays)
        assert app.main.focused is app.main.query_one("#table")


async def test_a_filter_that_nothing_matches_says_so(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("/", *"zzzz", "enter")
        assert names(app) == []
        assert app.line("#layers-detail") == "nothing matches the filter"
        for key in ("n", "p", "end", "m", "M", "enter", "g", "f", "space", "right", "left", "c"):
            await app.press(key)
        for key in (">", "r", "y", "Y", "u", "l"):
            await app.press(key)
        await app.press("g", "escape")
        assert app.line("#layers-totals").startswith("20 tensors")


async def test_tree_keys_group_fold_and_unfold(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("g")
        assert row(app, 1).split()[:4] == ["▾", "conv2d_1", "2", "tensors"]
        assert "    weight" in row(app, 2)
        assert "weight" in row(app)
        await app.press("left")
        assert "▾ conv2d_1" in row(app)
        await app.press("left")
        assert "▸ conv2d_1" in row(app)
        assert "conv2d_2" in row(app, 2)
        await app.press("right")
        assert "▾ conv2d_1" in row(app)
        await app.press("right", "right")
        assert "weight" in row(app)
        await app.press("space")
        assert "▸ conv2d_1" in row(app)
        await app.press("enter")
        assert "▾ conv2d_1" in row(app)
        await app.press("f")
        assert [line.split()[0] for line in table(app)] == ["▶", *["▸"] * 9]
        await app.press("f")
        assert "weight" in row(app, 2)
        await app.press("g")
        assert len(names(app)) == 20


async def test_modules_have_totals(samples: Path) -> None:
    arrays = weights(samples)
    async with driven(samples / FLOAT, size=(250, 40)) as app:
        await app.press("2")
        await app.press("g")
        for line in table(app):
            words = line.replace("▶", "").split()
            if words[0] not in {"▾", "▸"}:
                continue
            inside = [array for name, array in arrays.items() if name.startswith(words[1] + ".")]
            assert words[2:4] == [str(len(inside)), "tensors"]
            assert words[4] == f"{sum(array.size for array in inside):,}"
            assert words[-1] == "32.00"


async def test_a_filter_shows_what_it_finds_in_folded_modules(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("g", "f", "/", *"dense.bias", "enter")
        assert "dense.bias" in row(app, 1)
        await app.press("escape")
        assert "▸ conv2d_1" in row(app, 1)


async def test_the_order_and_the_filter_stay_for_the_next_model(samples: Path) -> None:
    async with driven(samples / FLOAT, samples / "resnet8.pt") as app:
        await app.press("2")
        await app.press("/", *"weight", "enter", ">", "r", "]")
        assert "resnet8.pt" in app.line("#title")
        assert names(app)[0] == "dense.weight"
        assert "Tensor▼" in row(app, 0)
        assert app.line("#layers-totals").startswith("10 of 20 tensors")
