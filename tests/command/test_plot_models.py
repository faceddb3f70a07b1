"""Spectra, risk and dashboards as figures: the numbers are NumPy's, and those of the commands."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command.figure_reading import bars, figure_of, model_of, texts
from command.in_memory import Run, RunJson, make_tensor

from tensorpeek.analysis.diagnosis import SEVERITIES, Thresholds
from tensorpeek.analysis.diagnosis.conv1d import stores_conv1d
from tensorpeek.loaders import Model, open_model
from tensorpeek.loaders.model import PARAMETER_ROLES
from tensorpeek.tui.figures import FigureError
from tensorpeek.tui.figures.health_point import HealthPoint
from tensorpeek.tui.figures.risk_figure import LABELED

rng = np.random.default_rng(13)
MATRIX = rng.normal(0, 0.1, (40, 25)) + 0.5 * np.outer(rng.normal(size=40), rng.normal(size=25))


@pytest.fixture(scope="module")
def resnet(samples: Path) -> Model:
    return open_model(samples / "resnet8.pt")


def line(axes: Any, index: int) -> np.ndarray:  # noqa: ANN401
    return np.asarray(axes.lines[index].get_xydata())


@pytest.mark.parametrize("log", [False, True], ids=["linear", "logarithmic"])
def test_a_spectrum_has_the_singular_values_of_numpy(log: bool) -> None:
    figure = figure_of("spectrum", make_tensor("w.weight", MATRIX), log=log)
    true = np.linalg.svd(MATRIX, compute_uv=False)
    values, noise, energy, tail = figure.axes
    rest, above = line(values, 0), line(values, 1)
    np.testing.assert_allclose(np.concatenate([above, rest])[:, 1], true, rtol=1e-6)
    edge = MATRIX.std() * (np.sqrt(40) + np.sqrt(25))
    assert len(above) == int((true > edge).sum()) == 1
    assert values.lines[2].get_ydata()[0] == pytest.approx(edge)
    heights, edges = bars(noise)
    np.testing.assert_array_equal(heights, np.histogram(true, edges)[0])
    np.testing.assert_allclose(line(energy, 0)[:, 1], 100 * np.cumsum(true**2) / (true**2).sum())
    dots = np.concatenate([line(tail, 1), line(tail, 0)])
    np.testing.assert_allclose(np.sort(dots[:, 0]), np.sort(true**2), rtol=1e-6)
    np.testing.assert_allclose(dots[:, 1], np.arange(1, 26) / 25)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.ones(5), "needs a matrix"),
        (np.zeros((3, 4)), "no singular value but zero"),
        (np.array([[np.nan, 1], [2, 3]]), "NaN"),
        (np.full((2, 2), 1e200), "overflow or vanish"),
    ],
    ids=["a vector", "zeros", "NaN", "huge"],
)
def test_what_has_no_spectrum_says_why(values: np.ndarray, reason: str) -> None:
    with pytest.raises(FigureError, match=reason):
        figure_of("spectrum", make_tensor("w.weight", values))


@pytest.mark.parametrize("shape", [(2, 2), (1, 9), (3, 1)])
def test_small_spectra_are_drawn(shape: tuple[int, int]) -> None:
    assert len(figure_of("spectrum", make_tensor("w.weight", rng.normal(size=shape))).axes) == 4


def scanned(run_json: RunJson, path: Path) -> list[dict[str, Any]]:
    return run_json("scan", path, "--no-cache")["models"][0]["tensors"]


def test_risk_shows_the_numbers_of_a_scan(run_json: RunJson, samples: Path, resnet: Model) -> None:
    tensors = [tensor for tensor in resnet.tensors if tensor.role in PARAMETER_ROLES]
    axes = figure_of("risk", *tensors, model=resnet).axes[0]
    offsets = [tuple(spot) for group in axes.collections for spot in group.get_offsets().tolist()]
    expected = []
    for record in scanned(run_json, samples / "resnet8.pt"):
        (ratio,) = (
            grid["sqnr_db"]
            for grid in record["quantization"]["grids"]
            if (grid["grid"], grid["granularity"]) == ("int8 symmetric", "tensor")
        )
        expected.append((ratio, record["basic"]["outliers"]["extreme_percent"]))
    assert len(expected) == 20
    np.testing.assert_allclose(sorted(offsets), sorted(expected), rtol=1e-9)
    limits = Thresholds()
    upright = {float(drawn.get_xdata()[0]) for drawn in axes.lines if drawn.get_xdata()[0] > 1}
    level = {float(drawn.get_ydata()[0]) for drawn in axes.lines} - {0.0}
    assert upright == set(limits.sqnr_db)
    assert level == set(limits.extreme_outliers_percent)
    assert not stores_conv1d(resnet.tensors)


def test_the_worst_are_named_and_names_cover_no_dots() -> None:
    many = [
        make_tensor(f"layer{n}.weight", np.append(rng.normal(size=999), [40.0 + n] * (n % 7)))
        for n in range(60)
    ]
    figure = figure_of("risk", *many)
    axes = figure.axes[0]
    known = {tensor.name for tensor in many}
    named = [text for text in axes.texts if text.get_text() in known]
    assert 0 < len(named) <= LABELED
    dots = axes.transData.transform(np.concatenate([g.get_offsets() for g in axes.collections]))
    for text in named:
        text.arrow_patch = None
        box = text.get_window_extent()
        assert not any(box.contains(*dot) for dot in dots)


def test_what_risk_cannot_show_is_counted() -> None:
    good = make_tensor("a.weight", rng.normal(size=500))
    broken = dataclasses.replace(make_tensor("b.weight", rng.normal(size=5)), error="ends early")
    figure = figure_of("risk", good, broken, make_tensor("c.weight", np.zeros(9)))
    (told,) = (text for text in texts(figure) if text.startswith("not drawn"))
    assert "1 without" in told
    assert "1 not read" in told
    with pytest.raises(FigureError, match="no tensor has both"):
        figure_of("risk", broken)


def test_a_dashboard_counts_what_a_scan_says(
    run: Run, run_json: RunJson, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorpeek.tui.figures import dashboard_figure

    seen: list[list[HealthPoint]] = []
    really = dashboard_figure.draw_dashboard
    monkeypatch.setattr(
        dashboard_figure,
        "draw_dashboard",
        lambda points, *rest: seen.append(points) or really(points, *rest),
    )
    path = tmp_path / "health.svg"
    words = ("plot", "dashboard", samples / "resnet8.pt", "-o", path, "--no-cache")
    assert run(*words).exit_code == 0
    records = {record["name"]: record for record in scanned(run_json, samples / "resnet8.pt")}
    (points,) = seen
    assert {point.name for point in points} == set(records)
    for point in points:
        record = records[point.name]
        assert (point.severity, list(point.reasons)) == (record["severity"], record["reasons"])
        assert point.extreme_percent == record["basic"]["outliers"]["extreme_percent"]
        spectral = record["spectral"]
        if point.rank_ratio is not None:
            side = min(spectral["rows"], spectral["columns"])
            assert point.rank_ratio == spectral["stable_rank"] / side


def test_the_panels_of_a_dashboard_hold_every_tensor() -> None:
    tensors = [make_tensor(f"layer{n}.weight", rng.normal(size=(8, 9))) for n in range(5)]
    bad = rng.normal(size=(8, 9))
    bad[0, 0] = np.nan
    figure = figure_of("dashboard", *tensors, make_tensor("bad.weight", bad))
    health, *panels = figure.axes[:6]
    widths = [patch.get_width() for patch in health.containers[0].patches]
    assert sum(widths) == 6
    assert widths[SEVERITIES.index("Critical")] >= 1
    sqnr, outliers, condition, rank, zeros = panels
    assert bars(sqnr)[0].sum() == bars(outliers)[0].sum() == bars(zeros)[0].sum() == 6
    assert bars(condition)[0].sum() == bars(rank)[0].sum() == 5
    shown = texts(figure)
    assert "bad.weight" in shown
    assert any("1 NaN value" in text for text in shown)


def test_kept_points_are_drawn_without_reading() -> None:
    from tensorpeek.tui.figures import Subject
    from tensorpeek.tui.figures.draft import Draft
    from tensorpeek.tui.figures.drawing import drawing
    from tensorpeek.tui.figures.save_figure import make_figure

    unreadable = dataclasses.replace(make_tensor("a.weight", MATRIX), error="not to be read")
    model = model_of(unreadable)
    points = [HealthPoint(name="a.weight", severity="Critical", reasons=("broken",))]
    draft = Draft(model=model)
    with drawing(draft.theme):
        figure = make_figure("dashboard", Subject(None, model, points), draft)
    assert "broken" in texts(figure)
