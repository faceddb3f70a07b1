"""The what-if of the screen of risk, against brute force and the diagnoses of a scan."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from driven_app import driven
from risk_app import put_risky, risk_screen, risky

from tensorpeek.analysis.diagnosis import Request, diagnose
from tensorpeek.analysis.risk import Scheme, known_errors
from tensorpeek.loaders import Tensor


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return put_risky(monkeypatch, tmp_path / "m.pt")


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
    tensors = {tensor.name: tensor for tensor in risky(path).tensors}
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


async def test_a_click_chooses_a_scheme(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        column = app.region("#scheme")[0].index("int3")
        await app.pilot.click("#scheme", offset=(column + 2, 0))
        await app.settle()
        assert app.line("#what-if").startswith("int3 per tensor")


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
