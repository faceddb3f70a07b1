"""The screen of risk at every size, in every theme, without color, with hostile names."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from driven_app import NARROW, WIDE, driven
from hostile_matrices import NAMES, check_only_text, write_hostile_matrices
from risk_app import put_risky

GOLDENS = Path(__file__).parent / "goldens"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return put_risky(monkeypatch, tmp_path / "m.pt")


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


async def test_reasons_and_advice_are_lines_of_their_own_from_the_left(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        await app.press("home")
        while "because" not in app.text():
            await app.press("down")
        lines = [line.strip() for line in app.region("#statistics")]
        reason, advice = lines.index("because"), lines.index("advice")
        assert lines[reason + 1].startswith("- ")
        assert lines[advice + 1].startswith("- ")
        begins = {line.index("- ") for line in app.region("#statistics") if "- " in line[:6]}
        assert len(begins) == 1
