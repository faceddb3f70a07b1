"""Where results are kept: a folder that is the user's own, and what it holds."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "TENSORPEEK_CACHE_DIR"
"""Environment variable that names another folder; set to nothing, it turns the cache off."""


@dataclass(frozen=True)
class CacheFacts:
    """What a cache holds: results, and the bytes of its files."""

    entries: int = 0
    nbytes: int = 0


class CacheUnavailableError(Exception):
    """No results can be kept; the message says why in one clause."""


def cache_folder() -> Path | None:
    """Return the folder of results, which need not exist; None if the user wants none.

    It is what the environment variable says, or that of the platform (XDG_CACHE_HOME on Linux).
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if named is not None:
        return Path(named).absolute() if named else None
    import platformdirs

    return platformdirs.user_cache_path("tensorpeek", appauthor=False)


def make_folder(folder: Path) -> None:
    """Make the folder, if need be, readable by its owner alone.

    Raises CacheUnavailableError when it cannot be made, or when others may have put things in it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise CacheUnavailableError((error.strerror or str(error)).lower()) from error
    if not stat.S_ISDIR(status.st_mode):
        raise CacheUnavailableError("the folder is a link")
    if status.st_uid != os.geteuid():
        raise CacheUnavailableError("the folder belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise CacheUnavailableError("other users may write in the folder")


def check_file(path: Path) -> None:
    """Raise CacheUnavailableError if something that is no plain file of the user is in the way."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise CacheUnavailableError((error.strerror or str(error)).lower()) from error
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise CacheUnavailableError(f"{path.name} is not a file of yours")
