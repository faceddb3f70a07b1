"""The table of tensors: its figures, its work for many rows, hostile names, whole screens."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from driven_app import NARROW, WIDE, DrivenApp, driven, model_at, put_models
from layers_table import cell, check_screen, names, row, table
from made_tensors import quantized, tensor_of

from tensorpeek.analysis import default_edges, measure
from tensorpeek.loaders import Tensor
from tensorpeek.tui.layers import arrangement, jobs, row_screen
from tensorpeek.tui.layers.layer_table import LayerTable
from tensorpeek.tui.layers.sparkline import ASCII_BLOCKS, BLOCKS, sparkline

RNG = np.random.default_rng(3)

GOLDENS = Path(__file__).parent / "goldens"


@pytest.fixture(autouse=True)
def _menus_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_screen, "REST_OF_CURSOR", 0.001)


def named(name: str, array: np.ndarray) -> Tensor:
    layer, _, label = name.rpartition(".")
    return dataclasses.replace(
        tensor_of(array, name=name), layer=layer or name, label=label or name, source="made"
    )


FLOATS = RNG.normal(0, 0.5, (32, 24)).astype(np.float32)
HOLED = np.where(RNG.random((16, 16)) < 0.25, 0, RNG.normal(0, 1, (16, 16))).astype(np.float16)
BROKEN = FLOATS.copy()
BROKEN[0, :3] = [np.nan, np.inf, np.nan]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model made in memory: floats, halves with zeros, NaN, codes, one that cannot be read."""
    path = tmp_path / "made.pt"
    codes = dataclasses.replace(
        quantized(RNG.integers(-100, 100, (8, 8)), "int8", scale=[0.5], zero_point=[3]),
        name="q.weight",
        layer="q",
    )
    lost = dataclasses.replace(named("lost.weight", FLOATS), error="lies beyond the file's end")
    tensors = [
        named("plain.weight", FLOATS),
        named("holed.weight", HOLED),
        named("broken.weight", BROKEN),
        codes,
        lost,
        named("empty", np.empty((0, 4), np.float32)),
    ]
    put_models(monkeypatch, {path: model_at(path, tensors)})
    return path


@pytest.mark.parametrize(("ascii_only", "levels"), [(False, BLOCKS), (True, ASCII_BLOCKS)])
async def test_figures_are_those_of_numpy(path: Path, ascii_only: bool, levels: str) -> None:
    async with driven(path, size=(200, 20), ascii_only=ascii_only) as app:
        await app.press("2")
        await app.press("home")
        for array in (FLOATS, HOLED, BROKEN):
            values = array.astype(np.float64)
            finite = values[np.isfinite(values)]
            for title, value in (
                ("Min", finite.min()),
                ("Max", finite.max()),
                ("Mean", finite.mean()),
                ("Std", finite.std()),
            ):
                assert float(cell(app, title)) == float(f"{value:.4g}")
            assert float(cell(app, "Zeros %")) == round(100 * float((values == 0).mean()), 2)
            tensor = named("x.weight", array)
            edges = default_edges(tensor, "dequantized", measure(tensor), 16).values
            counts = np.histogram(finite, edges)[0].tolist()
            assert sparkline(counts, ascii_only=ascii_only).rstrip() in row(app)
            assert levels[-1] in row(app)
            await app.press("n")
        assert "2, 1 inf" in row(app, 3)
        assert float(cell(app, "Min")) < 0
        assert app.text().isascii() or not ascii_only


async def test_sqnr_and_condition_are_those_of_numpy(path: Path) -> None:
    scale = np.abs(FLOATS).max(1, keepdims=True).astype(np.float64) / 127
    error = np.rint(FLOATS / scale) * scale - FLOATS
    ratio = 10 * np.log10((FLOATS.astype(np.float64) ** 2).sum() / (error**2).sum())
    async with driven(path, size=(250, 20)) as app:
        await app.press("2")
        await app.press("home")
        assert float(cell(app, "SQNR dB")) == pytest.approx(ratio, abs=0.05)
        condition = np.linalg.cond(FLOATS.astype(np.float64))
        assert float(cell(app, "Condition")) == float(f"{condition:.3g}")
        assert cell(app, "Bits/w") == "32.00"
        await app.press("n", "n", "n")
        assert app.line("#layers-detail").endswith("no SQNR: is quantized already")
        assert cell(app, "Bits/w") == f"{8 + (32 + 32) / 64:.2f}"


async def test_what_cannot_be_read_says_why(path: Path) -> None:
    async with driven(path) as app:
        await app.press("2")
        await app.press("/", *"lost", "enter")
        assert "not read: lies beyond the file's end" in row(app)
        assert "lies beyond the file's end" in app.line("#layers-detail")
        await app.press("escape", "/", *"empty", "enter")
        assert row(app).split()[-4:] == ["–"] * 4


async def test_costly_measures_wait_until_their_columns_are_in_sight(path: Path) -> None:
    async with driven(path) as app:
        await app.press("2")
        ledger = app.main._arrangement.ledger  # type: ignore[attr-defined]
        assert ledger.counts == {"figures": 6, "sqnr": 0, "condition": 0}
        await app.press("l", "l", "l", "l")
        assert ledger.counts == {"figures": 6, "sqnr": 6, "condition": 6}


async def test_a_key_measures_the_condition_of_a_large_matrix(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorpeek.analysis.overview.EASY_SPECTRUM", 100)
    async with driven(path, size=(200, 20)) as app:
        await app.press("2")
        await app.press("home")
        assert "press c" in row(app)
        await app.press("c")
        condition = np.linalg.cond(FLOATS.astype(np.float64))
        assert float(cell(app, "Condition")) == float(f"{condition:.3g}")
        assert "press c" in row(app, 2)
        await app.press("n", "m", "c")
        assert "press c" not in row(app, 2)


async def test_what_was_measured_stays_for_the_session(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []
    original = jobs._measure

    def counted(task, *rest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
        measured.append(task)
        return original(task, *rest)

    monkeypatch.setattr(jobs, "_measure", counted)
    async with driven(path) as app:
        await app.press("2")
        assert len(measured) == 6
        await app.press("1")
        await app.press("2")
        await app.press("v")
        assert len(measured) == 7
        await app.press("v")
        assert len(measured) == 7


class Gate:
    """Holds the measuring of tensors until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = threading.Event()
        self.begun: list[int] = []
        self.given_up: list[int] = []
        self._original = jobs._measure
        monkeypatch.setattr(jobs, "_measure", self.measure)

    def measure(self, task, tensor, view, stop, report):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        from tensorpeek.loaders import CancelledError

        self.begun.append(task.place)
        while not self.opened.wait(0.005):
            if stop():
                self.given_up.append(task.place)
                raise CancelledError
        return self._original(task, tensor, view, stop, report)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    return write_many(tmp_path / "many.safetensors", 800)


def write_many(path: Path, count: int) -> Path:
    """Write float32 tensors of two values each: its number, and the number's square."""
    header = {
        f"model.layers.{index // 4}.part_{index % 4}.weight": {
            "dtype": "F32",
            "shape": [2],
            "data_offsets": [8 * index, 8 * index + 8],
        }
        for index in range(count)
    }
    numbers = np.arange(count, dtype=np.float32)
    text = json.dumps(header).encode()
    values = np.stack([numbers, numbers**2], 1).tobytes()
    path.write_bytes(len(text).to_bytes(8, "little") + text + values)
    return path


async def test_what_is_in_sight_is_measured_first_and_the_rest_gives_way(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    async with driven(many) as app:
        app.send("2", "end")
        await app.until(lambda: any(place >= 770 for place in gate.begun))
        assert "measured 0 of 800" in app.line("#layers-totals")
        app.send("escape")  # the rest is not worth the time
        await app.until(lambda: "paused" in app.line("#layers-totals"))
        gate.opened.set()
        await app.settle()
        page = app.main.query_one(LayerTable).page
        assert f"measured {page} of 800, paused (Esc goes on)" in app.line("#layers-totals")
        assert float(cell(app, "Max")) == float(f"{799.0**2:.4g}")
        await app.press("pageup", "pageup", "pageup")
        assert "·" not in "".join(table(app))


@pytest.mark.parametrize("keys", ["]", "1"], ids=["another model", "another screen"])
async def test_measuring_is_given_up(
    many: Path, path: Path, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    gate = Gate(monkeypatch)
    async with driven(many, path) as app:
        app.send("2")
        await app.until(lambda: bool(gate.begun))
        app.send(keys)
        await app.until(lambda: bool(gate.given_up))
        gate.opened.set()
        await app.settle()
        await app.press("2" if keys == "1" else "[")
        assert "all measured" in app.line("#layers-totals")
        assert len(names(app)) == app.main.query_one(LayerTable).page


async def test_lines_follow_what_is_measured_while_they_are_sorted(many: Path) -> None:
    async with driven(many) as app:
        await app.press("2")
        await app.press(*[">"] * 5, "r")
        assert "Max▼" in row(app, 0) or "Min▼" in row(app, 0)
        assert names(app)[:2] == [
            "model.layers.199.part_3.weight",
            "model.layers.199.part_2.weight",
        ]
        assert cell(app, "#") == "800"
        await app.press("/", *"max>620k", "enter")
        assert app.line("#layers-totals").startswith(f"{sum(n * n > 620e3 for n in range(800))} of")


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_many(tmp_path_factory.mktemp("huge") / "huge.safetensors", 100_000)


async def test_work_for_a_key_does_not_grow_with_the_rows(
    huge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100,000 tensors: a step draws two lines, a page draws a page, a letter filters once."""
    drawn: list[int] = []
    filtered: list[str] = []
    render_line, read_filter = LayerTable.render_line, arrangement.read_filter
    monkeypatch.setattr(jobs, "measure_all", lambda *_: lambda work: None)
    monkeypatch.setattr("tensorpeek.tui.layers.measuring_screen.measure_all", jobs.measure_all)

    def counted_line(widget: LayerTable, y: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
        drawn.append(y)
        return render_line(widget, y)

    def counted_filter(query: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
        filtered.append(query)
        return read_filter(query)

    monkeypatch.setattr(LayerTable, "render_line", counted_line)
    monkeypatch.setattr(arrangement, "read_filter", counted_filter)
    async with driven(huge) as app:
        await app.press("2")
        assert app.line("#layers-totals").startswith("100,000 tensors")
        page = app.main.query_one(LayerTable).page

        async def lines(*keys: str) -> int:
            drawn.clear()
            await app.press(*keys)
            return len(drawn)

        assert await lines("n") == 2
        assert await lines("p") == 2
        assert 0 < await lines("pagedown") <= page + 1
        assert 0 < await lines("end") <= 2 * (page + 1)
        assert cell(app, "#") == "100000"
        assert 0 < await lines("home") <= page + 1
        assert 0 < await lines(">") <= page + 1
        assert not filtered
        for letter in "/999":
            await app.press(letter)
        assert filtered == ["9", "99", "999"]
        assert app.line("#layers-totals").startswith("5 of 100,000 tensors")
        await app.press("enter", "escape", "g")
        assert await lines("f") <= page + 1
        assert await lines("n") == 2
        assert await lines("space") <= page + 1


async def test_ten_thousand_layers_are_within_reach_while_they_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_many(tmp_path / "m.safetensors", 10_000)
    async with driven(path, size=NARROW) as app:
        app.send("2", "end")
        await app.until(lambda: "measured" in app.text() and row(app).split()[-1] != "·")
        app.send("/", *"12 part_3", "enter")
        await app.until(lambda: app.line("#layers-totals").startswith("2 of 10,000"))
        await app.press("escape", "escape", "g", "down")
        assert "paused" in app.line("#layers-totals")
        assert app.line("#layers-detail").startswith("model.layers")


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
