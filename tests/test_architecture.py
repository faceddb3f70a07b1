"""What is imported when, in which direction, and how long files and functions are."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("analysis", "loaders", "tui")
HEAVY = ("textual", "rich", "plotext", "torch", "onnx")

BESIDE = ("benchmarks", "docs", "models", "tests")

FILE_LINES, FUNCTION_LINES = 400, 40
"""Lines at which a file, and the body of a function without its docstring, hold two things."""


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


FILES = python_files(*PACKAGES)


def imported(code: str, cwd: Path = ROOT) -> set[str]:
    """The modules that a fresh interpreter has imported after some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('modules', *sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
    )
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("modules "))
    return set(line.split())


def among(modules: set[str], names: tuple[str, ...]) -> set[str]:
    """Those of the names that are imported."""
    return {name for name in names if name in modules}


def test_the_loaders_import_nothing_above_them() -> None:
    modules = imported("import tensorpeek.loaders")
    above = ("tensorpeek.analysis", "tensorpeek.tui", *HEAVY)
    assert among(modules, above) == set()


def test_the_analysis_imports_no_screen_and_no_framework() -> None:
    modules = imported("import tensorpeek.analysis")
    assert among(modules, ("tensorpeek.tui", *HEAVY)) == set()
    assert "tensorpeek.loaders" in modules


@pytest.mark.parametrize(
    "words",
    [
        ["ls", "models/resnet8.pt"],
        ["ls", "models/resnet8_int8.pt", "models/resnet8.onnx"],
        ["stats", "models/resnet8_int8.pt"],
        ["stats", "models/resnet8_int8_qdq.onnx", "--json"],
        ["hist", "models/resnet8.onnx", "dense.weight"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_the_command_prints_without_any_framework(words: list[str]) -> None:
    modules = imported(
        "from tensorpeek.tui.command.main import cli\n"
        f"try:\n    cli({words!r}, prog_name='tensorpeek')\n"
        "except SystemExit as ended:\n    assert not ended.code, ended.code"
    )
    assert among(modules, ("textual", "torch", "onnx")) == set()


def test_help_needs_click_alone() -> None:
    modules = imported(
        "from tensorpeek.tui.command.main import cli\n"
        "try:\n    cli(['--help'], prog_name='tensorpeek')\n"
        "except SystemExit:\n    pass"
    )
    assert among(modules, ("numpy", *HEAVY)) == set()


def test_the_first_line_is_drawn_before_the_toolkit_is_imported() -> None:
    modules = imported("import tensorpeek.tui.command.start_app")
    assert among(modules, ("numpy", *HEAVY)) == set()


FIRST_FRAME = """
import sys
from textual.screen import Screen
from tensorpeek.tui.app import TensorpeekApp
from tensorpeek.tui.screens.choosing_screen import ChoosingScreen

at_first_frame = []

def look(self):
    at_first_frame.extend(sys.modules)
    self.app.exit()

ChoosingScreen.start = look
TensorpeekApp(["models"]).run(headless=True, size=(120, 36))
print("first", *at_first_frame)
"""


def test_the_first_frame_is_painted_before_anything_heavy_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_FRAME],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("first "))
    modules = set(line.split())
    assert "textual" in modules
    heavy = ("torch", "onnx", "numpy", "ml_dtypes", "plotext", "tensorpeek.loaders")
    assert among(modules, heavy) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert (ROOT / package / "__init__.py").is_file()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def too_long(path: Path) -> list[str]:
    """What reaches a limit: the file, and functions in it."""
    text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
    long = [f"{name}"] if len(text.splitlines()) >= FILE_LINES else []
    tall = [each for each in functions(ast.parse(text)) if body_lines(each) >= FUNCTION_LINES]
    return long + [f"{name}: {each.name}" for each in tall]


@pytest.mark.parametrize("folder", [*PACKAGES, *BESIDE])
def test_files_and_functions_are_short(folder: str) -> None:
    paths = python_files(folder)
    assert paths
    assert [words for path in paths for words in too_long(path)] == []


def test_every_module_says_in_a_docstring_what_it_is() -> None:
    silent = [path for path in FILES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []
