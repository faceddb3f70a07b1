"""Find the weight files that the paths on a command line mean."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.registry import SUFFIXES, is_set, parts_of
from tensorpeek.loaders.storage import describe

_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.ENOTDIR})
"""Errors of a folder that was there when its parent was listed."""


def find_models(paths: Iterable[Path | str]) -> tuple[list[Path], list[LoadError]]:
    """Return the files that ``paths`` (files, folders, glob patterns) name, and what is wrong.

    A folder stands for the files in it and in its subfolders whose suffix is a known one; hidden
    folders are left out, and so are the parts of a set of files beside what stands for the set.
    A pattern stands for its matches. Order is that of ``paths``, then by name; a file is listed
    once. Only files that stand for a set are opened. A subfolder that cannot be read is a problem;
    one that is removed meanwhile, as training runs do with old checkpoints, is not.
    """
    found: dict[Path, None] = {}
    problems: list[LoadError] = []
    for path in paths:
        if path == "":  # a variable that is not set; Path takes it for the current folder
            problems.append(LoadError("''", "no such file"))
            continue
        try:
            found.update(dict.fromkeys(_expand(Path(path), problems)))
        except LoadError as error:
            problems.append(error)
        except OSError as error:
            problems.append(LoadError(path, describe(error)))
    return list(found), problems


def _expand(path: Path, problems: list[LoadError]) -> Iterator[Path]:
    if path.is_dir():
        yield from _in_folder(path, problems)
    elif path.exists() or path.is_symlink() or not glob.has_magic(str(path)):
        yield path
    else:
        matches = sorted(set(_matches(path)))
        if not matches:
            raise LoadError(path, "no file matches this pattern")
        for match in matches:
            if not Path(match).is_dir():
                yield Path(match)


def _matches(pattern: Path) -> Iterator[str]:
    """Expand a pattern; ``**`` follows no links to folders, since these may lead back."""
    parts = pattern.parts
    if "**" not in parts:
        yield from glob.glob(str(pattern))  # noqa: PTH207 (absolute patterns)
        return
    place = parts.index("**")
    rest = Path(*parts[place + 1 :])
    for top in glob.glob(str(Path(*parts[:place]))) if place else ["."]:  # noqa: PTH207
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if not name.startswith(".")]
            if rest.parts:
                yield from _matches(Path(glob.escape(folder)) / rest)
            else:
                yield from (f"{folder}/{name}" for name in names if not name.startswith("."))


def _in_folder(folder: Path, problems: list[LoadError]) -> Iterator[Path]:
    files = sorted(path for path in _files_below(folder, problems) if _is_model(path))
    if not files:
        raise LoadError(folder, "no models in this folder")
    parts = {part for path in files for part in parts_of(path)}
    yield from (path for path in files if path not in parts)


def _files_below(folder: Path, problems: list[LoadError]) -> Iterator[Path]:
    """Yield what lies in a folder and its subfolders; hidden names are left out."""

    def unreadable(error: OSError) -> None:
        if error.filename == str(folder):
            raise error
        if error.errno not in _GONE:
            problems.append(LoadError(str(error.filename), describe(error)))

    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not name.startswith("."))


def _is_model(path: Path) -> bool:
    return (path.suffix.lower() in SUFFIXES or is_set(path)) and path.is_file()
