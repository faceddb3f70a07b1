"""What the table of tensors measures, in which order, and its work for a key over many rows."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from driven_app import NARROW, driven
from layers_models import put_made, write_many
from layers_table import cell, names, row, table

from tensorpeek.tui.layers import arrangement, jobs
from tensorpeek.tui.layers.layer_table import LayerTable


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return put_made(monkeypatch, tmp_path / "made.pt")


async def test_costly_measures_wait_until_their_columns_are_in_sight(path: Path) -> None:
    async with driven(path) as app:
        await app.press("2")
        ledger = app.main._arrangement.ledger  # type: ignore[attr-defined]
        assert ledger.counts == {"figures": 6, "sqnr": 0, "condition": 0}
        await app.press("l", "l", "l", "l")
        assert ledger.counts == {"figures": 6, "sqnr": 6, "condition": 6}


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


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lines of the table that are drawn, one entry each time."""
    drawn: list[int] = []
    render_line = LayerTable.render_line

    def counted(widget: LayerTable, y: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
        drawn.append(y)
        return render_line(widget, y)

    monkeypatch.setattr(LayerTable, "render_line", counted)
    return drawn


@pytest.fixture
def filtered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The filters that are read, one entry each time."""
    filtered: list[str] = []
    read_filter = arrangement.read_filter

    def counted(query: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
        filtered.append(query)
        return read_filter(query)

    monkeypatch.setattr(arrangement, "read_filter", counted)
    return filtered


async def test_work_for_a_key_does_not_grow_with_the_rows(
    huge: Path, drawn: list[int], filtered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """100,000 tensors: a step draws two lines, a page draws a page, a letter filters once."""
    monkeypatch.setattr(jobs, "measure_all", lambda *_: lambda work: None)
    monkeypatch.setattr("tensorpeek.tui.layers.measuring_screen.measure_all", jobs.measure_all)
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
