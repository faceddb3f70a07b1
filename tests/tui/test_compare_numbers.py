"""The numbers of a pair stand in full on terminals of every width."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from driven_app import driven

from tensorpeek.tui.compare.compare_screen import CompareScreen
from tensorpeek.tui.compare.pair_words import blocks_text, pair_blocks


@pytest.mark.parametrize(
    ("widths", "height"),
    [(range(80, 141), 36), (range(80, 141, 6), 24)],
    ids=["every width", "on few lines"],
)
async def test_no_number_is_cut_or_torn_off_its_label(
    samples: Path, widths: range, height: int
) -> None:
    async with driven(
        samples / "resnet8.onnx", samples / "resnet8_int8_qdq.onnx", size=(80, height)
    ) as app:
        await app.press("7", "s")
        assert isinstance(app.main, CompareScreen)
        assert app.main._known.view is not None
        rows = [row for block in pair_blocks(app.main._known.view) for row in block]
        heights = []
        for width in widths:
            await app.pilot.resize_terminal(width, height)
            await app.settle()
            shown = app.region("#pair-numbers")
            for row in rows:
                together = r"\s+".join(re.escape(cell) for cell in row if cell)
                found = any(re.search(rf"(^|\s){together}(\s|$)", line) for line in shown)
                assert found, (width, row, shown)
            assert "…" not in "".join(line.rstrip()[-1:] for line in shown)
            heights.append(len("\n".join(shown).rstrip().splitlines()))
        assert heights[-1] == 7
        assert max(heights) <= 11


def test_what_does_not_fit_beside_comes_below_on_as_few_lines_as_there_is_room_for() -> None:
    first = [("", "a", "b"), ("min", "1", "2")]
    second = [("", "in steps"), ("one", "1"), ("two", "2"), ("three", "3"), ("four", "4")]
    lines = {
        width: blocks_text([first, second], width, "").plain.splitlines() for width in (12, 30)
    }
    assert lines[30] == [
        "     a  b         in steps",
        "min  1  2  one           1",
        "           two           2",
        "           three         3",
        "           four          4",
    ]
    assert lines[12] == [
        "     a  b",
        "min  1  2",
        "in steps",
        "one    1",
        "two    2",
        "three  3",
        "four   4",
    ]
    assert blocks_text([first, second], 18, "").plain.splitlines()[2:] == [
        "in steps",
        "one  1  three  3",
        "two  2  four   4",
    ]
    assert blocks_text([], 18, "").plain == ""
