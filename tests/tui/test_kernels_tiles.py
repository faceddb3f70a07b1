"""Tiles of filters, the filter under the cursor and what the keys change, against torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import NARROW, DrivenApp
from kernels_app import facts, kernels, labels, saved, subtitle, title

from tensorpeek.tui.color_maps import MIDDLE, diverging
from tensorpeek.tui.kernels.kernel_plot import KernelPlot

RANDOM = np.random.default_rng(3)


def pixel(app: DrivenApp, column: int, line: int) -> tuple[int, int, int]:
    """The color of the upper half of a cell of the tiles."""
    x, y, *_ = app.main.query_one("#tiles").scrollable_content_region
    strip = app.app.screen._compositor.render_strips()[y + line]
    for segment in strip.crop(x + column, x + column + 1):
        style = segment.style
        assert style is not None
        color = style.color if segment.text == "▀" else style.bgcolor
        assert color is not None
        assert color.triplet is not None
        return tuple(color.triplet)  # type: ignore[return-value]
    raise AssertionError


@pytest.fixture
def weight(samples: Path) -> torch.Tensor:
    found = torch.load(samples / "resnet8.pt", weights_only=False)
    state = found if isinstance(found, dict) else found.state_dict()
    state = state.get("state_dict", state)
    return state["conv2d_1.weight"].detach()


async def test_tiles_have_the_colors_of_torch_means(samples: Path, weight: torch.Tensor) -> None:
    mean = weight.double().mean(1)
    limit = float(mean.abs().max())
    async with kernels(samples / "resnet8.pt") as app:
        plot = app.main.query_one(KernelPlot)
        grid = plot._grid
        assert grid is not None
        for index in range(len(weight)):
            row, place = divmod(index, grid.per_row)
            for height in range(3):
                for width in range(3):
                    line = row * grid.lines + 1 + height * grid.zoom // 2
                    column = place * grid.columns + width * grid.zoom
                    level = MIDDLE + round(float(mean[index, height, width]) / limit * MIDDLE)
                    shown = pixel(app, column, line + height * grid.zoom % 2)
                    assert shown == diverging(dark=True)[level]
        low, *_, high = app.line("#kernel-legend").split()
        assert (float(low), float(high)) == pytest.approx((-limit, limit), rel=5e-3)
        assert "16 filters × 3 inputs × 3×3" in title(app)
        assert labels(app) == list(range(16))


async def test_the_filter_under_the_cursor_has_torch_numbers(
    samples: Path, weight: torch.Tensor
) -> None:
    flat = weight.double().flatten(1)
    unit = torch.nn.functional.normalize(flat, dim=1)
    cosines = unit @ unit.T - 2 * torch.eye(len(unit))
    async with kernels(samples / "resnet8.pt") as app:
        for index, key in ((0, "home"), (1, "right"), (2, "l"), (3, "l"), (2, "h"), (1, "left")):
            await app.press(key)
            near = int(cosines[index].argmax())
            assert facts(app).split("  ") == [
                f"filter {index}",
                f"L2 {float(flat[index].norm()):.4g}",
                f"min {float(flat[index].min()):.4g}",
                f"max {float(flat[index].max()):.4g}",
                f"nearest {near} (cosine {float(cosines[index, near]):.4f})",
            ]


@pytest.mark.parametrize("ascii_only", [True, False], ids=["ASCII", "Unicode"])
async def test_without_colors_characters_tell_sign_and_size(
    samples: Path, weight: torch.Tensor, monkeypatch: pytest.MonkeyPatch, ascii_only: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    mean = weight.double().mean(1)
    shares = (mean / mean.abs().max()).numpy()
    async with kernels(samples / "resnet8.pt", ascii_only=ascii_only) as app:
        plot = app.main.query_one(KernelPlot)
        assert plot._grid is not None
        lines = app.region("#tiles")
        for place in range(plot._grid.per_row):
            column = place * plot._grid.columns
            share = shares[place, 0, 0]
            letter = lines[1][column]
            assert letter in ("+*#" if share > 0 else "-=%") or abs(share) < 0.02
            if abs(share) > 0.7:
                assert letter in "#%"
        assert not ascii_only or app.text().isascii()
        assert "%=-.+*#" in app.line("#kernel-legend")


async def test_orders_are_those_of_file_norms_and_neighbors(
    samples: Path, weight: torch.Tensor
) -> None:
    flat = weight.double().flatten(1)
    norms = flat.norm(dim=1)
    async with kernels(samples / "resnet8.pt") as app:
        await app.press("o")
        assert "by L2 norm" in subtitle(app)
        assert labels(app) == norms.argsort(descending=True, stable=True).tolist()
        await app.press("o")
        assert "by similarity" in subtitle(app)
        assert labels(app)[0] == int(norms.argmax())
        assert sorted(labels(app)) == list(range(16))
        await app.press("o")
        assert labels(app) == list(range(16))


async def test_what_tiles_show_and_their_scale(samples: Path, weight: torch.Tensor) -> None:
    async with kernels(samples / "resnet8.pt") as app:

        def ends() -> float:
            return float(app.line("#kernel-legend").split()[-1])

        assert "mean over 3 inputs" in subtitle(app)
        assert "one scale for all" in subtitle(app)
        await app.press("s")
        assert "a scale for each tile" in subtitle(app)
        assert ends() == pytest.approx(float(weight.double().mean(1)[0].abs().max()), rel=5e-3)
        await app.press("s", "i")
        assert "largest magnitude over 3 inputs" in subtitle(app)
        assert ends() == pytest.approx(float(weight.abs().max()), rel=5e-3)
        await app.press("i")
        for key, index in (("", 0), (">", 1), (".", 2), (">", 0), ("<", 2), (",", 1)):
            if key:
                await app.press(key)
            assert f"input {index} of 3" in subtitle(app)
            assert ends() == pytest.approx(float(weight[:, index].abs().max()), rel=5e-3)
        await app.press("i")
        assert "mean over" in subtitle(app)


async def test_enter_shows_the_values_of_a_filter(samples: Path, weight: torch.Tensor) -> None:
    async with kernels(samples / "resnet8.pt") as app:
        await app.press("right", "right", "enter")
        lines = app.region("#tiles")
        assert lines[0].split() == ["input", "0", "input", "1", "input", "2"]
        for row in range(3):
            shown = [float(word) for word in lines[1 + row].split()]
            truth = weight[2, :, row].flatten().tolist()
            assert shown == pytest.approx(truth, rel=6e-4, abs=1e-6)
        assert "filter 2 " in facts(app)
        await app.press("y")
        copied = app.app.clipboard.splitlines()
        assert copied[1] == "input 0"
        assert [float(each) for each in copied[2].split("\t")] == pytest.approx(
            weight[2, 0, 0].tolist(), rel=1e-5
        )
        await app.press("escape")
        assert labels(app) == list(range(16))


async def test_values_scroll(tmp_path: Path) -> None:
    values = torch.arange(2 * 200 * 9.0).reshape(2, 200, 3, 3)
    async with kernels(saved(tmp_path, conv=values), size=NARROW) as app:
        await app.press("enter")
        assert "input 0" in app.text()
        await app.press("end")
        assert "input 199" in app.text()
        assert "1799" in app.text()
        await app.press("home", "pagedown", "down", "j", "up", "k", "pageup")
        assert "input 0" in app.text()
        await app.press("backspace")
        assert labels(app) == [0, 1]


async def test_dead_filters_and_duplicates_are_marked_and_counted(tmp_path: Path) -> None:
    values = RANDOM.standard_normal((9, 4, 3, 3)).astype(np.float32)
    values[2] = 1e-7
    values[5] = values[1]
    values[6] = 3 * values[0]
    values[8, 1, 1, 1] = np.nan
    async with kernels(saved(tmp_path, conv=values)) as app:
        assert "1 dead ×" in title(app)
        assert "2 duplicates =" in title(app)
        assert "1 with NaN or infinity !" in title(app)
        marked = " ".join(app.region("#tiles"))
        for label in ("2×", "5=", "6=", "8!"):
            assert f" {label} " in marked
        await app.press(*["right"] * 5)
        assert "= filter 1: identical" in facts(app)
        await app.press("right")
        assert "= filter 0: cosine above 0.999" in facts(app)
        await app.press(*["left"] * 4)
        assert "dead" in facts(app)
        await app.press("y")
        rows = [line.split("\t") for line in app.app.clipboard.splitlines()[2:]]
        assert [row[-1] for row in rows] == ["", "", "×", "", "", "=", "=", "", "!"]
        assert float(rows[3][1]) == pytest.approx(float(np.linalg.norm(values[3])), rel=1e-5)
