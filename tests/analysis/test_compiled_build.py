"""How the kernels are built, found, and refused."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from made_tensors import tensor_of

from tensorpeek.analysis import measure
from tensorpeek.analysis.compiled import VARIABLE, engine, library

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "analysis" / "compiled"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the sources, where the library is looked for."""
    for source in (*SOURCES.glob("*.c"), *SOURCES.glob("*.inc")):
        shutil.copy(source, tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    library.forget()
    yield tmp_path
    library.forget()


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(builder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, compiled once."""
    place = tmp_path_factory.mktemp("built") / "kernels.so"
    reason = builder.compile_kernels(SOURCES, place)
    if reason is not None:
        pytest.skip(reason)
    return place


def test_without_a_library_numpy_computes_and_nothing_is_wrong(folder: Path) -> None:
    assert engine() == library.Engine("numpy")
    assert measure(tensor_of(np.ones(3, np.float32))).summary.mean == 1


def test_a_library_of_these_sources_is_used(folder: Path, built: Path) -> None:
    shutil.copy(built, folder)
    assert engine() == library.Engine("compiled")
    # Nothing unfinished is left behind.
    assert {path.suffix for path in folder.iterdir()} == {".c", ".inc", ".so"}


def test_the_variable_turns_kernels_off(
    folder: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(built, folder)
    monkeypatch.setenv(VARIABLE, "numpy")
    assert engine() == library.Engine("numpy")


def test_a_library_of_other_sources_is_refused_with_a_warning(folder: Path, built: Path) -> None:
    shutil.copy(built, folder)
    with (folder / "grids.inc").open("a") as source:
        source.write("\n")
    assert engine().name == "numpy"
    assert engine().warning == ("kernels.so was built from other sources: install tensorpeek again")


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF"])
def test_what_is_no_library_is_refused_with_a_warning(folder: Path, content: bytes) -> None:
    (folder / "kernels.so").write_bytes(content)
    assert engine().name == "numpy"
    assert "cannot be loaded" in (engine().warning or "")


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false", "  "])
def test_a_compiler_that_fails_leaves_nothing_behind(
    compiler: str, folder: Path, builder: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", compiler)
    assert builder.compile_kernels(folder, folder / "kernels.so")
    assert {path.suffix for path in folder.iterdir()} == {".c", ".inc"}


def test_a_compiler_without_clones_builds_one_version(
    folder: Path, builder: ModuleType, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = folder / "refusing"
    refuse = 'case "$*" in *CLONES*) echo "error: no clones" >&2; exit 1;; esac'
    refusing.write_text(f'#!/bin/sh\n{refuse}\nexec cc "$@"\n')
    refusing.chmod(0o755)
    monkeypatch.setenv("CC", str(refusing))
    assert built.is_file()  # there is a compiler
    assert builder.compile_kernels(folder, folder / "kernels.so") is None
    assert engine().name == "compiled"
    values = np.arange(10_000, dtype=np.float32)
    assert measure(tensor_of(values)).summary.mean == 4999.5


@pytest.mark.parametrize("compiler", [None, "no-such-compiler"], ids=["a compiler", "no compiler"])
def test_a_wheel_says_what_it_runs_on(
    compiler: str | None, tmp_path: Path, builder: ModuleType
) -> None:
    if compiler is None and shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    environment = {**os.environ, **({"CC": compiler} if compiler else {})}
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    (wheel,) = tmp_path.glob("*.whl")
    tag = "py3-none-any" if compiler else f"py3-none-{builder.platform_tag()}"
    assert wheel.name.endswith(f"-{tag}.whl")
    assert (builder.WARNING in done.stdout + done.stderr) == bool(compiler)
    with zipfile.ZipFile(wheel) as archive:
        libraries = [name for name in archive.namelist() if name.endswith(".so")]
    assert libraries == ([] if compiler else ["tensorpeek/analysis/compiled/kernels.so"])
