"""The screen of risk: what-if against brute force and diagnoses, pages, cursor, background work."""

from __future__ import annotations

import math
import os
import re
import shlex
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from driven_app import NARROW, WIDE, DrivenApp, driven, model_at, put_models
from hostile_matrices import NAMES, check_only_text, write_hostile_matrices
from made_tensors import tensor_of

from tensorpeek.analysis.diagnosis import Diagnosis, Request, diagnose
from tensorpeek.analysis.diagnosis import diagnosis as diagnosis_module
from tensorpeek.analysis.risk import Scheme, known_errors
from tensorpeek.loaders import Model, Tensor
from tensorpeek.tui.risk import jobs
from tensorpeek.tui.risk.plot import RiskPlot
from tensorpeek.tui.risk.screen import RiskScreen
from tensorpeek.tui.screens.histogram_screen import HistogramScreen

RNG = np.random.default_rng(8)

GOLDENS = Path(__file__).parent / "goldens"


def named(name: str, array: np.ndarray, dtype: str) -> Tensor:
    tensor = tensor_of(array, dtype, name=name)
    object.__setattr__(tensor, "layer", name.removesuffix(".weight"))
    return tensor


def spiked(share: float, size: float) -> np.ndarray:
    array = RNG.normal(size=(40, 64))
    flat = array.reshape(-1)
    flat[: round(share * flat.size)] *= size
    return array


def model(path: Path) -> Model:
    broken = RNG.normal(size=(40, 64))
    broken[0, 0] = np.inf
    tensors = [
        named("calm.weight", RNG.uniform(-1, 1, (40, 64)), "float16"),
        named("normal.weight", RNG.normal(size=(40, 64)), "bfloat16"),
        named("spiked.weight", spiked(0.02, 60.0), "float32"),
        named("broken.weight", broken, "float32"),
        named("flat.weight", np.outer(RNG.normal(size=40), RNG.normal(size=64)), "float64"),
        named("norm.weight", np.full(64, np.nan), "float32"),
    ]
    return model_at(path, tensors)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of five matrices and a vector of NaN."""
    path = tmp_path / "m.pt"
    put_models(monkeypatch, {path: model(path)})
    return path


def risk_screen(app: DrivenApp) -> RiskScreen:
    assert isinstance(app.main, RiskScreen), app.text()
    return app.main


def sqnr(values: np.ndarray, bits: int, width: int | None) -> float:
    """Brute force: symmetric integers with one scale for ``width`` inputs, or for all."""
    top, noise = 2 ** (bits - 1) - 1, 0.0
    parts = [values.reshape(-1)]
    if width is not None:
        parts = [row[at : at + width] for row in values for at in range(0, row.size, width)]
    for part in parts:
        scale = np.abs(part).max() / top
        noise += float(((np.rint(part / scale) * scale - part) ** 2).sum())
    return 10 * math.log10(float((values**2).sum()) / noise)


async def test_the_what_if_line_is_brute_force(path: Path) -> None:
    tensors = {tensor.name: tensor for tensor in model(path).tensors}
    async with driven(path) as app:
        await app.press("6")
        loaded = {t.name: t.read().astype(float) for t in risk_screen(app)._risk.tensors[:5]}
        assert set(loaded) <= set(tensors)
        loaded["broken.weight"][0, 0] = 0.0
        for keys, bits, width, words in (
            ("", 8, None, "int8 per tensor, symmetric"),
            ("bb", 4, None, "int4 per tensor, symmetric"),
            ("cc", 4, 128, "int4 per group 128, symmetric"),
            ("c", 4, 64, "int4 per group 64, symmetric"),
            ("cb", 3, 32, "int3 per group 32, symmetric"),
        ):
            await app.press(*keys)
            ratios = {name: sqnr(values, bits, width) for name, values in loaded.items()}
            below = sum(ratio < 30 for ratio in ratios.values())
            worst = min(ratios, key=ratios.__getitem__)
            line = app.line("#what-if")
            assert line.startswith(f"{words}: {below} of 5 matrices below 30 dB")
            assert line.endswith(f"worst {ratios[worst]:.1f} dB {worst.removesuffix('.weight')}")
            for name, ratio in ratios.items():
                mark = risk_screen(app)._risk.mark(
                    list(loaded).index(name), risk_screen(app).scheme
                )
                assert mark is not None
                assert mark.sqnr_db == pytest.approx(ratio, abs=1e-6)


async def test_every_scheme_equals_the_diagnosis_of_a_scan(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        screen = risk_screen(app)
        risk = screen._risk
        assert risk is not None
        truth = [known_errors(diagnose(t, Request(bits=(8, 6, 4, 3, 2)))) for t in risk.tensors]
        risk.ratios.clear()
        for _ in range(9):
            for keys in ("c", "ca"):
                await app.press(*keys)
                for place in risk.places:
                    known = truth[place].get(screen.scheme.key)
                    mark = risk.mark(place, screen.scheme)
                    assert mark is not None
                    if known is not None:
                        assert mark.sqnr_db == pytest.approx(known.sqnr_db, rel=1e-9)
            await app.press("b")
        assert screen.scheme.grid == "int8"
        await app.press("B", "C")
        assert screen.scheme.grid == "mxfp4"


async def test_health_is_that_of_a_scan_and_says_what_to_do(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        await app.press("G")
        risk = risk_screen(app)._risk
        assert risk is not None
        truth = [diagnose(tensor).health for tensor in risk.tensors[:5]]
        counts = {
            severity: sum(health.severity == severity for health in truth)
            for severity in ("Excellent", "Good", "Warning", "Critical")
        }
        head = app.region("#plot")[0]
        for severity, count in counts.items():
            assert f"{severity} {count}" in head
        assert "broken" in app.text()
        assert "1 infinite value" in app.text()
        assert "do not deploy" in app.text()


async def test_condition_and_rank_are_ranked_worst_first(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        await app.press("g")
        risk = risk_screen(app)._risk
        assert risk is not None
        truth = {}
        for tensor in risk.tensors[:5]:
            values = tensor.read().astype(float)
            if np.isfinite(values).all():
                found = np.linalg.svd(values, compute_uv=False)
                truth[tensor.layer] = (np.linalg.cond(values), (found**2).sum() / found[0] ** 2)
        rows = [line.split() for line in app.region("#plot")[2:6]]
        assert [row[1] for row in rows] == sorted(truth, key=lambda name: -truth[name][0])
        for row in rows:
            if "rank" not in row:
                assert float(row[-1]) == pytest.approx(truth[row[1]][0], rel=1e-3)
        assert rows[0][-2:] == ["rank", "1/40"]
        await app.press("g")
        rows = [line.split() for line in app.region("#plot")[2:6]]
        assert [row[1] for row in rows] == sorted(truth, key=lambda name: truth[name][1])
        for row in rows:
            assert float(row[-2]) == pytest.approx(truth[row[1]][1] / 40, abs=6e-4)


async def test_the_cursor_goes_through_the_marks_and_enter_opens_the_histogram(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        await app.press("home")
        marks = risk_screen(app)._risk.marks(Scheme())
        names = [risk_screen(app)._risk.tensors[mark.place].layer for mark in marks]
        assert names[0] == "broken"
        for name in names:
            assert app.menu("layer") == name
            assert app.line("#cursor").startswith(f"{name}:")
            await app.press("down")
        await app.press("up", "left")
        assert app.menu("layer") == names[-3]
        await app.press("right", "pageup", "end", "home", "pagedown")
        assert app.menu("layer") == names[-1]
        await app.press("n", "n", "p")
        chosen = app.menu("layer")
        await app.press("enter")
        assert isinstance(app.main, HistogramScreen)
        assert app.menu("layer") == chosen


async def test_a_click_puts_the_cursor_on_a_mark(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        plot = app.main.query_one(RiskPlot)
        assert plot._places is not None
        for (column, line), places in plot._places.cells.items():
            await app.pilot.click("#plot", offset=(column + 1, line + 1))
            await app.settle()
            assert risk_screen(app)._cursor == places[0]


async def test_a_click_chooses_a_scheme(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        column = app.region("#scheme")[0].index("int3")
        await app.pilot.click("#scheme", offset=(column + 2, 0))
        await app.settle()
        assert app.line("#what-if").startswith("int3 per tensor")


async def test_other_tensors_are_left_out_unless_wanted_and_their_nan_is_told(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        assert "of 5 matrices" in app.line("#what-if")
        assert "NaN or inf in 1 other tensors (x)" in app.line("#cursor")
        await app.press("x")
        assert "of 6 tensors" in app.line("#what-if")
        assert "other tensors" not in app.line("#cursor")
        await app.press("G")
        assert "64 NaN values" in app.text()
        await app.press("x")
        assert "of 5 matrices" in app.line("#what-if")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Full measurements wait until this is set."""
    gate = threading.Event()
    full = diagnosis_module.diagnose

    def gated(tensor: Tensor, request: Request, *, stop: object) -> Diagnosis:
        while not gate.wait(0.01):
            if stop():  # type: ignore[operator]
                return Diagnosis(error="stopped")
        return full(tensor, request)

    monkeypatch.setattr("tensorpeek.analysis.diagnosis.diagnose", gated)
    yield gate
    gate.set()


async def test_cheap_measures_come_first_and_spectra_can_be_stopped(
    path: Path, gate: threading.Event
) -> None:
    async with driven(path) as app:
        app.send("6")
        await app.until(lambda: "spectra 0 of 5 …" in app.text())
        await app.until(lambda: "measured" not in app.line("#what-if"))
        assert "below 30 dB" in app.line("#what-if")
        app.send("b")
        await app.until(lambda: "int6 per tensor, symmetric: " in app.text())
        app.send("escape")
        await app.until(lambda: "spectra 0 of 5 stopped" in app.text())
        gate.set()
        await app.press("r")
        assert "spectra" not in app.line("#cursor")
        assert len(risk_screen(app)._risk.diagnoses) == 5


async def test_leaving_stops_the_work_and_coming_back_ends_it_with_what_was_known(
    path: Path, gate: threading.Event
) -> None:
    async with driven(path) as app:
        app.send("6")
        await app.until(lambda: "spectra 0 of 5 …" in app.text())
        looks = risk_screen(app)._risk.looks
        await app.press("1")
        gate.set()
        await app.press("6")
        assert risk_screen(app)._risk.looks is looks
        assert len(risk_screen(app)._risk.diagnoses) == 5
        numbers = dict(app.main._background._current)
        await app.press("1", "6")
        assert app.main._background._current in ({}, numbers)


async def test_a_scheme_with_one_scale_reads_no_narrow_tensor_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven(path) as app:
        await app.press("6")
        risk = risk_screen(app)._risk
        assert risk is not None
        narrow = [place for place in risk.places if risk.tensors[place].element.bits <= 16]
        assert len(narrow) == 2
        read: list[str] = []
        chunks = Tensor.chunks

        def watched(tensor: Tensor, *args: object, **how: object) -> object:
            read.append(tensor.name)
            return chunks(tensor, *args, **how)  # type: ignore[arg-type]

        monkeypatch.setattr(Tensor, "chunks", watched)
        await app.press("b", "b", "b")
        assert not {risk.tensors[place].name for place in narrow} & set(read)
        assert read


async def test_a_tensor_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.pt"
    bad = named("bad.weight", np.ones((4, 4)), "float32")
    object.__setattr__(bad, "error", "[@click=app.quit]damaged at byte 7")
    good = named("good.weight", RNG.normal(size=(8, 8)), "float32")
    put_models(monkeypatch, {path: model_at(path, [bad, good])})
    async with driven(path) as app:
        await app.press("6")
        assert "bad: [@click=app.quit]damaged at byte 7" in app.line("#cursor")
        check_only_text(app)
        await app.press("home")
        assert app.menu("layer") == "good"


async def test_the_limits_are_those_of_the_settings(path: Path) -> None:
    async with driven(path) as app:
        session = app.main._session
        session.settings = replace(session.settings, thresholds={"sqnr_db": [50, 45]})
        await app.press("6")
        assert "below 45 dB" in app.line("#what-if")
        assert "45 dB" in app.region("#plot")[0]
    async with driven(path) as app:
        session = app.main._session
        session.settings = replace(session.settings, thresholds={"[/x]": [1]})
        await app.press("6")
        assert "unknown threshold '[/x]'" in app.notes()[0]
        assert "below 30 dB" in app.line("#what-if")


async def test_tensors_without_values_have_nothing_to_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.pt"
    empty = [
        named("a.weight", np.ones((0, 3)), "float32"),
        named("b.weight", np.array(0.0), "float32"),
        named("c.weight", np.full((2, 2), np.nan), "float32"),
    ]
    put_models(monkeypatch, {path: model_at(path, empty)})
    async with driven(path) as app:
        await app.press("6")
        for _ in range(4):
            await app.press("g", "down", "home", "end")
        await app.press("b", "y", "5", "m", "m", "6")
        assert "0 of 1 matrices below" in app.line("#what-if")
        await app.press("x")
        for _ in range(4):
            await app.press("g", "down", "home", "end")
        assert "0 of 3 tensors below" in app.line("#what-if")


async def test_opening_the_file_again_measures_it_again(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        before = risk_screen(app)._risk
        await app.press("R")
        after = risk_screen(app)._risk
        assert after is not None
        assert after.surveyed(Scheme()) == 5
        assert after.looks.keys() == before.looks.keys()


async def test_the_table_and_the_command_are_copied(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        await app.press("b")
        await app.press("y")
        lines = app.app.clipboard.splitlines()
        assert lines[0] == "int6 per tensor, symmetric"
        assert lines[1].split("\t")[:2] == ["tensor", "sqnr_db"]
        assert len(lines) == 7
        row = next(line.split("\t") for line in lines if line.startswith("spiked"))
        mark = risk_screen(app)._risk.mark(2, Scheme("int6"))
        assert float(row[1]) == pytest.approx(mark.sqnr_db, rel=1e-5)
        await app.press("Y")
        words = shlex.split(app.app.clipboard)
        assert words == [
            "tensorpeek",
            "scan",
            str(path),
            "--metrics",
            "basic,sparsity,quantization,spectral",
            "--bits",
            "8,4,6",
        ]


@pytest.mark.parametrize(
    ("size", "theme"),
    [(WIDE, "tensorpeek-light"), (NARROW, "ansi-dark"), ((250, 70), "nord")],
    ids=["wide and light", "narrow in the colors of a terminal", "large"],
)
async def test_every_page_is_drawn(path: Path, size: tuple[int, int], theme: str) -> None:
    async with driven(path, size=size, theme=theme) as app:
        await app.press("6")
        for words in ("SQNR dB", "condition number", "rank efficiency", "Critical"):
            assert words in "\n".join(app.region("#plot"))
            await app.press("g")
        if size == NARROW:
            await app.press("s")
            assert app.statistics()["extreme outliers"]


async def test_ascii_and_no_color_tell_severities_apart(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(path, ascii_only=True) as app:
        await app.press("6")
        for _ in range(4):
            assert app.text().isascii()
            await app.press("g")
        body = "\n".join(app.region("#plot"))
        assert re.search(r"C\S? ?broken|broken ?\S?C", body), "\n" + body


async def test_hostile_names_are_text(tmp_path: Path) -> None:
    path = tmp_path / "[@click=app.quit]\x1b[31mred[bold].onnx"
    write_hostile_matrices(path)
    async with driven(path, size=WIDE) as app:
        await app.press("6")
        for _ in range(4):
            check_only_text(app)
            await app.press("g")
        for _ in NAMES:
            await app.press("down")
            check_only_text(app)
    async with driven(path, size=NARROW) as app:
        await app.press("6")
        check_only_text(app)
        await app.press("s")
        check_only_text(app)


async def test_a_thousand_layers_are_surveyed_and_keys_work_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.pt"
    values = RNG.normal(size=(1000, 2, 3))
    tensors = [named(f"l{i}.weight", values[i], "float32") for i in range(1000)]
    put_models(monkeypatch, {path: model_at(path, tensors)})
    monkeypatch.setattr(jobs, "examine", lambda risk, places: lambda work: None)
    async with driven(path) as app:
        app.send("6", "n", "g", "g", "g", "g")
        await app.until(lambda: isinstance(app.main, RiskScreen))
        await app.until(lambda: risk_screen(app)._risk is not None)
        await app.until(lambda: risk_screen(app)._risk.surveyed(Scheme()) == 1000)
        await app.settle()
        assert app.menu("layer") == "l1"
        assert "of 1,000 matrices" in app.line("#what-if")


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("risk-wide-scatter", WIDE, "6"),
        ("risk-wide-health", WIDE, "6G"),
        ("risk-narrow-scatter", NARROW, "6bb"),
        ("risk-narrow-condition", NARROW, "6g"),
    ],
    ids=["wide scatter", "wide health", "narrow scatter", "narrow condition"],
)
async def test_the_screen_is_as_it_was_read(
    samples: Path, name: str, size: tuple[int, int], keys: str
) -> None:
    golden = GOLDENS / f"{name}.txt"
    async with driven(samples / "resnet8.pt", size=size) as app:
        await app.press(*keys)
        shown = "\n".join(line.rstrip() for line in app.lines()[2:]) + "\n"
    if os.environ.get("TENSORPEEK_GOLDENS") == "write":
        golden.write_text(shown, encoding="utf-8")
    assert shown.splitlines() == golden.read_text(encoding="utf-8").splitlines()
