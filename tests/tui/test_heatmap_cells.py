"""The cells of a heatmap: how large they are, and which of them have labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import NARROW, WIDE, driven
from heatmap_app import cell_colors, cell_line, drawing_of, plot_of

from tensorpeek.tui.heatmap.geometry import TALLEST, WIDEST, CellSize, Room, cell_size, label_step


def room(*, characters: bool, lines: int = 26, columns: int = 120) -> Room:
    return Room(columns, lines + 2, 4, profiles=False, characters=characters)


@pytest.mark.parametrize("characters", [False, True], ids=["half blocks", "characters"])
def test_cells_fit_and_are_no_strips(characters: bool) -> None:
    there = room(characters=characters)
    for rows in range(1, there.rows + 1):
        for columns in range(1, there.columns + 1):
            size = cell_size(rows, columns, there)
            assert 1 <= size.height * rows <= there.rows
            assert 1 <= size.width * columns <= there.columns
            assert size.width <= WIDEST * size.height * 2
            assert size.height <= TALLEST * size.width


def test_cells_are_as_large_as_the_room_allows() -> None:
    there = room(characters=False)  # 52 dots by 116
    assert cell_size(16, 27, there) == CellSize(3, 4)
    assert cell_size(4, 4, there) == CellSize(12, 29)  # 13 would be no whole lines
    assert cell_size(52, 5, there) == CellSize(1, WIDEST)
    assert cell_size(2, 100, there) == CellSize(TALLEST, 1)


@pytest.mark.parametrize(
    ("cell", "room", "step"), [(4, 3, 1), (1, 8, 10), (3, 6, 2), (2, 9, 5), (1, 70, 100)]
)
def test_labels_stand_in_round_steps(cell: int, room: int, step: int) -> None:
    assert label_step(cell, room) == step


SHAPES = [(16, 27), (10, 64), (16,), (64, 64), (300, 5), (3, 3), (1, 200)]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_all_cells_have_one_size_and_the_mouse_finds_them(
    tmp_path: Path, shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    path = tmp_path / "m.pt"
    torch.save({"a.weight": torch.linspace(-1, 1, int(np.prod(shape))).reshape(shape)}, path)
    async with driven(path, size=size) as app:
        await app.press("3")
        drawing = drawing_of(app)
        assert len(set(np.diff(drawing.tops))) == len(set(np.diff(drawing.lefts))) == 1
        assert cell_colors(app).shape[:2] == drawing.pooled.shape
        rows, columns = drawing.pooled.shape
        for cell in {(0, 0), (rows - 1, columns - 1), (rows // 2, columns // 3)}:
            line, is_lower = divmod(drawing.tops[cell[0]], 2)
            column = drawing.room.gutter + drawing.lefts[cell[1]]
            assert drawing.cell_at(column, line, upper=not is_lower) == cell
        assert drawing.cell_at(drawing.room.gutter + drawing.lefts[-1], 0) is None


async def test_beside_the_cells_a_click_moves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"a.weight": torch.arange(300.0).reshape(60, 5)}, path)
    async with driven(path) as app:
        await app.press("3", "right")
        before = cell_line(app)
        drawing = drawing_of(app)
        right = drawing.room.gutter + drawing.lefts[-1] + 3
        corner = plot_of(app).content_region.offset - plot_of(app).region.offset
        await app.pilot.click("#plot", offset=(corner.x + right, corner.y + 2))
        await app.settle()
        assert cell_line(app) == before


async def test_labels_are_those_of_round_rows_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"a.weight": torch.zeros(40, 110)}, path)
    async with driven(path, ascii_only=False) as app:
        await app.press("3")
        drawing, lines = drawing_of(app), app.region("#plot")
        axis = lines[drawing.axis_line][drawing.room.gutter :]
        labels = [int(label) for label in axis.replace("─", " ").replace("▲", " ").split()]
        assert labels == list(range(10, 110, 10))
        gutter = [line[: drawing.room.gutter - 1].strip() for line in lines[: drawing.used_lines]]
        assert [int(label) for label in gutter if label] == [0, 10, 20, 30]
