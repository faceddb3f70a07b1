"""Find grids: those built in, those of installed packages, those in files that the user names."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from tensorpeek.analysis.grids.built_in import BUILT_IN
from tensorpeek.analysis.grids.grid import Arrangement, Grid, GridError
from tensorpeek.loaders.clean import clean

GROUP = "tensorpeek.grids"
"""The entry points of installed packages: each names a class derived from Grid."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class FoundGrid:
    """A grid and where it comes from: ``built in``, a package, or a file."""

    grid: Grid
    name: str
    description: str
    source: str


def find_grids(files: Sequence[str | Path] = ()) -> tuple[list[FoundGrid], list[GridError]]:
    """Return every grid, the built-in ones first, and what is wrong with others.

    The code in ``files`` and in installed entry points is run: name only files that you trust.
    """
    found = [FoundGrid(grid, grid.name, grid.description, "built in") for grid in BUILT_IN]
    problems: list[GridError] = []
    for entry in entry_points(group=GROUP):
        package = entry.dist.name if entry.dist is not None else "an installed package"
        _take(found, problems, entry.name, package, entry.load)
    for file in files:
        _take_file(found, problems, Path(file))
    return found, problems


def guarded(name: str, call: Callable[[], Result]) -> Result:
    """Return what foreign code returns; whatever it raises becomes a GridError with its name."""
    try:
        with np.errstate(all="ignore"):
            return call()
    except (Exception, SystemExit) as error:
        told = clean(str(error).strip().split("\n", maxsplit=1)[0], 200)
        kind = type(error).__name__
        raise GridError(name, f"{kind}: {told}" if told else kind) from error


def checked(found: FoundGrid, sizes: tuple[int, ...], aspect: float) -> Arrangement:
    """Return how a grid arranges layers, with every answer of it checked. Raises GridError."""
    made = guarded(found.name, lambda: found.grid.arrange(sizes, aspect))
    if not isinstance(made, Arrangement):
        raise GridError(found.name, "arrange() returns no Arrangement")
    rows, columns = guarded(found.name, lambda: (int(made.rows), int(made.columns)))
    if not (0 < rows <= MAX_SIDE and 0 < columns <= MAX_SIDE):
        raise GridError(found.name, f"a canvas of {rows:,} x {columns:,} places")

    def places(layer: int, start: int, stop: int) -> tuple[Any, Any]:
        answer = guarded(found.name, lambda: _as_places(made.places(layer, start, stop)))
        for each, limit in zip(answer, (rows, columns), strict=True):
            if each.shape != (stop - start,):
                raise GridError(found.name, f"{each.size:,} places for {stop - start:,} values")
            if each.size and not 0 <= int(each.min()) <= int(each.max()) < limit:
                raise GridError(found.name, "a place lies outside its canvas")
        return answer

    return Arrangement(rows, columns, places)


MAX_SIDE = 1 << 27
"""Rows or columns beyond which a canvas is a mistake: each costs a few bytes."""


def _as_places(answer: tuple[Any, Any]) -> tuple[Any, Any]:
    rows, columns = (np.asarray(each) for each in answer)
    if rows.dtype.kind not in "iu" or columns.dtype.kind not in "iu":
        raise TypeError("places are no integers")
    return rows, columns


def _take_file(found: list[FoundGrid], problems: list[GridError], path: Path) -> None:
    name = clean(path.name)
    try:
        module = guarded(name, lambda: _module_in(path))
    except GridError as problem:
        problems.append(problem)
        return
    classes = [each for each in vars(module).values() if _is_own_grid(each, module)]
    if not classes:
        problems.append(GridError(name, "holds no class derived from Grid"))
    for each in classes:
        label = clean(str(getattr(each, "name", each.__name__)))
        _take(found, problems, label, name, lambda chosen=each: chosen)  # type: ignore[misc]


def _module_in(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"tensorpeek_plugin_{path.stem}", path)
    if specification is None or specification.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _is_own_grid(value: object, module: ModuleType) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, Grid)
        and value.__module__ == module.__name__
        and not getattr(value, "__abstractmethods__", None)
    )


def _take(
    found: list[FoundGrid],
    problems: list[GridError],
    label: str,
    source: str,
    load: Callable[[], Any],
) -> None:
    """Add the grid that a class makes, or the reason why there is none."""
    label = clean(label)
    try:
        made = guarded(label, lambda: _made(load(), clean(source)))
    except GridError as problem:
        problems.append(problem)
        return
    if made.name in {each.name for each in found}:
        problems.append(GridError(label, f"the name {made.name} is taken"))
    else:
        found.append(made)


def _made(of: type[Any], source: str) -> FoundGrid:
    """Make a grid of its class. Raises TypeError for another class, and what the class raises."""
    grid = of()
    if not isinstance(grid, Grid):
        raise TypeError("is not derived from tensorpeek.analysis.grids.Grid")
    return FoundGrid(grid, clean(str(grid.name)), clean(str(grid.description)), source)
