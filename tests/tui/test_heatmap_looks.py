"""The heatmap at every size, without color, in ASCII, with hostile names, and while it reads."""

from __future__ import annotations

import dataclasses
import os
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import NARROW, WIDE, DrivenApp, driven, model_at, put_models
from heatmap_app import (
    cell_colors,
    cell_line,
    drawing_of,
    plot_of,
    pooled_of,
    screen_of,
    settings,
    title,
)
from made_tensors import tensor_of

from tensorpeek.loaders import Tensor
from tensorpeek.loaders.storage import Read
from tensorpeek.tui.heatmap import jobs
from tensorpeek.tui.heatmap.inks import SHADES
from tensorpeek.tui.heatmap.viewport import Viewport

GOLDENS = Path(__file__).parent / "goldens"


# Sizes and themes


@pytest.mark.parametrize("size", [(250, 70), WIDE, NARROW, (40, 10), (20, 6), (1, 1)], ids=str)
async def test_every_size_is_drawn(samples: Path, size: tuple[int, int]) -> None:
    async with driven(samples / "resnet8_int8.pt", size=size) as app:
        await app.press("3")
        await app.press("n", "P", "l", "j", "G")
        assert len(app.lines()) == size[1]
        await app.press("g", "z")
        if size[0] >= 80:
            assert drawing_of(app).codes.size
            assert "dequantized" in cell_line(app)
            assert "m absmax" in settings(app)


async def test_resizing_fits_the_cells_again(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        await app.press("3")
        await app.press(*"nnn", "l")
        before = cell_line(app)
        for size in ((60, 20), (1, 1), (200, 60), WIDE):
            await app.pilot.resize_terminal(*size)
            await app.settle()
            assert len(app.lines()) == size[1]
        assert cell_line(app) == before
        rows, columns = pooled_of(app).shape
        room = drawing_of(app).room
        assert rows <= room.rows
        assert room.columns / 2 < columns <= room.columns


async def test_small_tensors_are_magnified_and_say_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"a.weight": torch.tensor([[0.5, -1.25], [2.0, 0.0]])}, path)
    async with driven(path) as app:
        await app.press("3")
        for number in ("0.5", "-1.25", " 2 ", " 0 "):
            assert number in "\n".join(app.region("#plot"))
        assert "every value has a cell" in app.text()


@pytest.mark.parametrize("theme", ["textual-light", "nord", "ansi-dark", "ansi-light"])
async def test_any_theme_has_its_colors(samples: Path, theme: str) -> None:
    async with driven(samples / "resnet8.onnx", theme=theme) as app:
        await app.press("3")
        assert len(np.unique(cell_colors(app).reshape(-1, 3), axis=0)) > 10
        before = cell_colors(app)
        app.app.theme = "tensorpeek-light" if theme != "textual-light" else "tensorpeek-dark"
        await app.settle()
        is_same_kind = theme == "ansi-light"
        assert bool((cell_colors(app) == before).all()) is is_same_kind


def signed(app: DrivenApp) -> list[list[str]]:
    """The two characters with which each cell begins."""
    drawing, lines = drawing_of(app), app.region("#plot")
    gutter, (rows, columns) = drawing.room.gutter, drawing.pooled.shape
    begins = [gutter + 2 * left for left in drawing.lefts[:columns]]
    return [
        [lines[drawing.lines_of(row)[0]].ljust(300)[at : at + 2] for at in begins]
        for row in range(rows)
    ]


@pytest.mark.parametrize("way", ["ascii", "plain"])
async def test_without_color_characters_tell_size_and_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    values = torch.linspace(-1, 1, 25 * 55).reshape(25, 55)
    values[3, 4], values[3, 5] = float("nan"), float("inf")
    path = tmp_path / "m.pt"
    torch.save({"a.weight": values}, path)
    if way == "plain":
        monkeypatch.setenv("NO_COLOR", "1")
    async with driven(path, ascii_only=way == "ascii") as app:
        await app.press("3")
        shown = signed(app)
        assert (shown[3][4], shown[3][5]) == ("NN", "II")
        for row in range(25):
            for column in range(55):
                value, pair = float(values[row, column]), shown[row][column]
                if not np.isfinite(value) or (row, column) == (0, 0):
                    continue
                assert pair[1] in SHADES
                if pair != "  ":
                    assert (pair[0] == "-") == (value < 0)
                assert abs(SHADES.index(pair[1]) - abs(value) * 9) <= 1.2
        assert shown[0][0] == "[]"
        await app.press("c", "c", "c", "c")
        assert not any(pair[0] == "-" for row in signed(app) for pair in row)
        if way == "ascii":
            for keys in ("P", "z", "G", "m", "?"):
                await app.press(*keys)
                odd = {letter for line in app.lines() for letter in line if not letter.isascii()}
                assert not odd


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("heatmap-wide", WIDE, "nnnjl"),
        ("heatmap-narrow", NARROW, "nnnP"),
        ("heatmap-narrow-numbers", NARROW, "zzz"),
        ("heatmap-wide-grid", WIDE, "GGGGG"),
    ],
    ids=["wide", "narrow with profiles", "narrow zoomed in", "wide grid"],
)
async def test_the_screen_is_as_it_was_read(
    samples: Path, name: str, size: tuple[int, int], keys: str
) -> None:
    golden = GOLDENS / f"{name}.txt"
    async with driven(samples / "resnet8_int8.pt", size=size, ascii_only=True) as app:
        await app.press("3")
        await app.press(*keys)
        lines = app.text().splitlines()
    del lines[1]  # the tabs, which grow
    if os.environ.get("TENSORPEEK_GOLDENS") == "write":
        golden.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == golden.read_text(encoding="utf-8").splitlines()


# Names and numbers of layers


NAMES = [
    "[/foo]",
    "[@click=app.quit]x[/]",
    "\x1b]52;c;YQ==\x07",
    "\u202egnp",
    "a\nb",
    "名前",
    "%s",
]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_hostile_names_are_text(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "[red]m.pt"
    torch.save({f"{name}.weight": torch.randn(3, 4) for name in NAMES}, path)
    async with driven(path, size=size) as app:
        await app.press("3")
        for keys in ("x", "nz", "nPG", "nx", "nGGGx", "ngY", "ny"):
            await app.press(*keys)
            assert app.app.is_running
            for line in app.lines():
                assert not [each for each in line if unicodedata.category(each)[0] == "C"]
        strips = app.app.screen._compositor.render_strips()
        for selector in ("#settings", "#plot", "#cell"):
            region = app.main.query_one(selector).region
            for strip in strips[region.y : region.bottom]:
                assert not any(s.style and "@click" in s.style.meta for s in strip)


async def test_ten_thousand_layers_are_one_grid(tmp_path: Path) -> None:
    path = tmp_path / "many.pt"
    values = torch.arange(20_000.0)
    torch.save({f"l.{n}.weight": values[2 * n : 2 * n + 2] for n in range(10_000)}, path)
    async with driven(path) as app:
        await app.press("3")
        assert title(app) == "1 rows × 2 columns"
        await app.press("n", "G", "x")
        assert pooled_of(app).count.sum() == 20_000
        assert cell_line(app).startswith("l.9999.weight")
        await app.press("enter")
        assert app.menu("layer") == "l.9999"
        assert pooled_of(app).values("max").tolist() == [[19_998, 19_999]]


# Slow files, broken files


class Gated:
    """Bytes of which every part is read only once a gate is open."""

    def __init__(self, content: bytes, gate: threading.Event) -> None:
        self.content, self.gate, self.reads = content, gate, 0

    @property
    def nbytes(self) -> int:
        return len(self.content)

    @contextmanager
    def open(self) -> Iterator[Read]:
        def read(start: int, stop: int) -> bytes:
            self.reads += 1
            self.gate.wait(timeout=120)
            return self.content[start:stop]

        yield read


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end of a test at the latest, so that no thread is left waiting."""
    gate = threading.Event()
    yield gate
    gate.set()


def gated(gate: threading.Event, name: str = "slow.weight") -> Tensor:
    values = np.full((40, 50), 7, np.float32)
    tensor = tensor_of(values, name=name)
    return dataclasses.replace(tensor, layer="slow", storage=Gated(values.tobytes(), gate))


async def test_a_slow_tensor_says_so_and_keys_work_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    path = tmp_path / "slow.pt"
    quick = dataclasses.replace(
        tensor_of(np.full((4, 4), 3, np.float32), name="q.weight"), layer="q"
    )
    put_models(monkeypatch, {path: model_at(path, [gated(gate), quick])})
    async with driven(path, settled=False) as app:
        app.send("3")
        await app.until(lambda: app.app.screen_stack[0].name != "" and "Heatmap" in app.text())
        await app.until(lambda: "reading … 0%" in app.text())
        assert "reading 0%" in settings(app)
        app.send("c", "x", "l")
        await app.until(lambda: "coolwarm" in settings(app))
        app.send("n")
        await app.until(lambda: "[0, 0]  3" in cell_line(app))
        app.send("p")
        await app.until(lambda: "reading … 0%" in app.text())
        app.send("escape")
        await app.until(lambda: plot_of(app).note.startswith("stopped"))
        assert "stopped" in settings(app)
        gate.set()
        app.send("m")
        await app.settle()
        assert plot_of(app).note.startswith("stopped")
        await app.press("z", "x", "f")
        assert pooled_of(app).values("max").max() == 7
        assert "stopped" not in settings(app)


async def test_leaving_and_coming_back_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    path = tmp_path / "slow.pt"
    put_models(monkeypatch, {path: model_at(path, [gated(gate)])})
    async with driven(path, settled=False) as app:
        app.send("3")
        await app.until(lambda: "reading … 0%" in app.text())
        app.send("1")
        await app.until(lambda: "percent" in app.text() or "measuring" in app.text())
        gate.set()
        app.send("3")
        await app.settle()
        assert pooled_of(app).values("max").max() == 7
        assert screen_of(app)._state() == ""


async def test_a_large_tensor_is_a_sample_first_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SAMPLE_FROM", 1000)
    values = np.zeros((500, 400), np.float32)
    values[251, 77] = 5.0
    seen: list[tuple[bool, str]] = []
    path = tmp_path / "large.pt"
    torch.save({"a.weight": torch.from_numpy(values)}, path)
    async with driven(path) as app:
        from tensorpeek.tui.heatmap.viewing_screen import ViewingScreen

        draw = ViewingScreen.draw

        def noted(self: ViewingScreen) -> None:
            draw(self)
            if self._pooled is not None:
                seen.append((self._pooled.exact, self._state()))

        monkeypatch.setattr(ViewingScreen, "draw", noted)
        await app.press("3")
        assert pooled_of(app).values("absmax").max() == 5.0
        assert "sample" not in settings(app)
    assert seen[0][0] is False
    assert seen[0][1].startswith("sample")
    assert seen[-1] == (True, "")


async def test_what_cannot_be_shown_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.pt"
    broken = tensor_of(np.ones((2, 2), np.float32), name="broken.weight")
    object.__setattr__(broken, "error", "[@click=app.quit]is broken")
    late = dataclasses.replace(tensor_of(np.ones(4, np.float32), name="late.weight"), storage=None)
    empty = tensor_of(np.ones((0, 4), np.float32), name="empty.weight")
    scalar = tensor_of(np.float32(2.5), name="scalar.weight")
    made = [
        dataclasses.replace(each, layer=each.name.split(".")[0])
        for each in (broken, late, empty, scalar)
    ]
    put_models(monkeypatch, {path: model_at(path, made)})
    async with driven(path) as app:
        await app.press("3")
        assert plot_of(app).note == "broken.weight: [@click=app.quit]is broken"
        await app.press("y", "x", "z", "n")
        assert plot_of(app).note == "late.weight: late.weight: has no values"
        await app.press("l", "n")
        assert plot_of(app).note == "empty.weight: no values"
        await app.press("z", "P", "n")
        assert cell_line(app) == "[]  2.5"
        assert app.app.is_running


# The window


def test_a_viewport_stays_in_its_picture() -> None:
    viewport = Viewport(10, 7)
    assert viewport.bounds == (0, 10, 0, 7)
    viewport.move_to(99, -5)
    assert (viewport.row, viewport.column) == (9, 0)
    assert viewport.zoom_in((5, 99))
    assert viewport.size == (5, 7)
    assert viewport.bounds[1] == 10
    assert viewport.zoom_in((5, 99))
    assert viewport.size == (3, 4)
    while viewport.zoom_in((5, 99)):
        pass
    assert viewport.size == (2, 2)
    assert not viewport.pan(1, 0)
    assert viewport.pan(-1, 0)
    assert viewport.bounds == (6, 8, 0, 2)
    assert viewport.row == 7
    while viewport.zoom_out():
        pass
    assert viewport.is_whole
    one = Viewport(1, 1)
    assert not one.zoom_in((5, 5))
    assert not one.fit()
