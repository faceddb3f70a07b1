"""Keys, files and folders of results on disk, and a check that what is kept can be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tensorpeek.analysis.result_cache import ResultCache, ResultKey
from tensorpeek.analysis.result_cache import database as database_module


def numbered(number: int) -> ResultKey:
    return ResultKey(f"{number:064x}")


def filled(folder: Path, count: int = 60) -> Path:
    """Return the file of a cache that holds ``count`` results."""
    with ResultCache(folder, pytest.fail) as cache:
        for number in range(count):
            cache.keep(numbered(number), {"number": number, "text": "x" * 400})
    return folder / database_module.FILE_NAME


def used(folder: Path) -> tuple[list[Any], list[str]]:
    """Use a cache of :func:`filled`: what is found of new results, and what is told."""
    told: list[str] = []
    with ResultCache(folder, told.append) as cache:
        for number in range(60):
            found = cache.find(numbered(number))
            assert found is None or found["number"] == number
            cache.keep(numbered(1000 + number), {"number": -number})
        return [cache.find(numbered(1000 + number)) for number in range(60)], told


def check_usable(folder: Path) -> None:
    """See that a cache gives nothing wrong, tells nothing, and keeps what is new."""
    found, told = used(folder)
    assert told == []
    assert found == [{"number": -number} for number in range(60)]


def in_the_way(folder: Path) -> Path:
    return folder / database_module.FILE_NAME
