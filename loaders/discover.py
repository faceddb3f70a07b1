"""Find the weight files that the paths on a command line mean."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.registry import SUFFIXES, is_set, parts_of
from tensorpeek.loaders.storage import describe


def find_models(paths: Iterable[Path | str]) -> tuple[list[Path], list[LoadError]]:
    """Return the files that ``paths`` (files, folders, glob patterns) name, and what is wrong.

    A folder stands for the files in it and in its subfolders whose suffix is a known one; hidden
    folders are left out, and so are the parts of a set of files beside what stands for the set.
    A pattern stands for its matches. Order is that of ``paths``, then by name; a file is listed
    once. Only files that stand for a set are opened.
    """
    found: dict[Path, None] = {}
    problems: list[LoadError] = []
    for path in paths:
        try:
            found.update(dict.fromkeys(_expand(Path(path))))
        except LoadError as error:
            problems.append(error)
        except OSError as error:
            problems.append(LoadError(path, describe(error)))
    return list(found), problems


def _expand(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from _in_folder(path)
    elif path.exists() or path.is_symlink() or not glob.has_magic(str(path)):
        yield path
    else:
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 (absolute patterns)
        if not matches:
            raise LoadError(path, "no file matches this pattern")
        for match in matches:
            if not Path(match).is_dir():
                yield Path(match)


def _in_folder(folder: Path) -> Iterator[Path]:
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise LoadError(folder, describe(error)) from error
    files = sorted(
        path
        for path in folder.rglob("*")
        if (path.suffix.lower() in SUFFIXES or is_set(path))
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
    if not files:
        raise LoadError(folder, "no models in this folder")
    parts = {part for path in files for part in parts_of(path)}
    yield from (path for path in files if path not in parts)
