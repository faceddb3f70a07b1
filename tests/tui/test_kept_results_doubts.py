"""What is never shown from kept results, and an app whose file of results is of no use."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from driven_app import driven
from kept_app import (
    ALL_COLUMNS,
    ARRAYS,
    Measuring,
    entries,
    keep_results_in,
    layers_text,
    left,
    risk_facts,
    scanned,
    wait_until_settled,
    write_model,
)
from layers_table import table
from safetensors.numpy import save_file

from tensorpeek.analysis import result_cache
from tensorpeek.analysis.result_cache import database
from tensorpeek.tui import watching


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return keep_results_in(tmp_path / "results", monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.safetensors")


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Measuring:
    return Measuring(monkeypatch)


@pytest.mark.parametrize("how", [{"no_cache": True}, {"read_only": True}], ids=str)
async def test_an_app_that_keeps_nothing_leaves_no_trace(
    folder: Path, path: Path, how: dict[str, bool]
) -> None:
    await layers_text(path, **how)
    await risk_facts(path, **how)
    assert not folder.exists()


def rewritten(path: Path) -> None:
    """Write other values into a file, as many, and put its time of change back."""
    status = path.stat()
    with path.open("r+b") as stream:
        stream.seek(-4, os.SEEK_END)
        stream.write(np.float32(7).tobytes())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    while path.stat().st_ctime_ns == status.st_ctime_ns:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.usefixtures("folder")
async def test_a_file_that_changes_while_it_is_open_is_not_answered_for(
    path: Path, measuring: Measuring
) -> None:
    await layers_text(path)
    await risk_facts(path)
    measuring.forget()
    async with driven(path, size=ALL_COLUMNS) as app:
        rewritten(path)  # even if its time of change says that it did not
        await app.press("2")
        await app.press("6")
    assert {"diagnose", "int8_sqnr", "tensor_figures"} <= set(measuring.forget())


@pytest.mark.usefixtures("folder")
async def test_a_file_that_is_replaced_while_it_is_open_is_not_answered_for(path: Path) -> None:
    await layers_text(path)
    async with driven(path, size=ALL_COLUMNS) as app:
        save_file({"other.weight": np.ones((300, 300), np.float32)}, path)
        await app.press("2")
        assert "replaced" in app.text()
        assert f"{ARRAYS['a.weight'].max():.4g}" not in app.text()


@pytest.mark.usefixtures("folder")
async def test_a_file_that_is_watched_is_measured_anew(
    path: Path, measuring: Measuring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "INTERVAL", 0.02)
    before = await layers_text(path)
    async with driven(path, size=ALL_COLUMNS, watch=True) as app:
        await app.press("2")
        assert measuring.forget() == ["condition_number", "int8_sqnr", "tensor_figures"]
        assert table(app) == before
        shifted = {name: (2 * array).astype(array.dtype) for name, array in ARRAYS.items()}
        save_file(shifted, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
        wanted = f"{2 * ARRAYS['a.weight'].max():.4g}"
        await app.until(lambda: wanted in table(app)[0])
        await app.settle()
        shown = left(table(app))
    assert measuring.forget() == ["condition_number", "int8_sqnr", "tensor_figures"]
    assert left(await layers_text(path)) == shown != left(before)
    assert measuring.forget() == []


async def test_a_damaged_file_of_results_is_begun_anew(folder: Path, path: Path) -> None:
    first = await layers_text(path)
    (folder / database.FILE_NAME).write_bytes(b"no database" * 999)
    async with driven(path, size=ALL_COLUMNS) as app:
        await app.press("2")
        assert table(app) == first
        assert app.notes() == []
    assert entries(folder) > 0


async def test_a_folder_that_will_not_do_is_told_once(folder: Path, path: Path) -> None:
    folder.write_text("in the way")
    async with driven(path, size=ALL_COLUMNS) as app:
        await app.press("2")
        await app.press("6")
        (note,) = app.notes()
        assert "no results are kept" in note
        assert "a.weight" in app.text()
    assert folder.read_text() == "in the way"


async def test_a_file_that_another_process_holds_stops_nothing(
    folder: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await layers_text(path)
    monkeypatch.setattr("tensorpeek.tui.kept_results.WAIT", 0.05)
    other = sqlite3.connect(folder / database.FILE_NAME, isolation_level=None)
    other.execute("DELETE FROM results")
    other.execute("BEGIN EXCLUSIVE")
    async with driven(path, size=ALL_COLUMNS) as app:
        await app.press("2")
        assert left(table(app)) == left(first)
        (note,) = app.notes()
        assert "locked" in note
    other.close()


@pytest.mark.usefixtures("folder")
async def test_the_thread_of_the_screen_never_touches_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    really, begin = result_cache.ResultCache._try, database.Database.__init__

    def noted(cache: result_cache.ResultCache, act: object) -> object:
        seen.add(threading.current_thread().name)
        return really(cache, act)  # type: ignore[arg-type]

    def begun(self: database.Database, *words: object, **more: object) -> None:
        seen.add(threading.current_thread().name)
        begin(self, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(result_cache.ResultCache, "_try", noted)
    monkeypatch.setattr(database.Database, "__init__", begun)
    await layers_text(path)
    await risk_facts(path)
    assert seen
    assert all(name.startswith("tensorpeek-") for name in seen)


async def test_a_scan_beside_the_app_shares_its_results(
    folder: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorpeek.tui.kept_results.WAIT", 60.0)
    wait_until_settled(path)
    found: list[str] = []
    scan = threading.Thread(target=lambda: found.append(scanned(path, folder, "--json")))
    scan.start()
    try:
        facts = await risk_facts(path)
        shown = await layers_text(path)
    finally:
        scan.join()
    assert len(found) == 1
    assert await risk_facts(path) == facts
    assert await layers_text(path) == shown
