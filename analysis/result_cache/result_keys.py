"""Which result is meant: a tensor in versions of files, and how it was measured."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from tensorpeek.analysis.tensor_places import Fingerprint, fingerprint
from tensorpeek.loaders import LoadError, Tensor
from tensorpeek.loaders.storage import FileIdentity, open_version

MEASURES = 3
"""Version of the measures: one more whenever a formula or what a result holds changes."""

SETTLED_NS = 2_000_000_000
"""Nanoseconds that a file must have been left alone: the coarsest clock of file systems (FAT's).

A file that is written again within one tick of that clock keeps its time.
"""

FileVersion = tuple[str, FileIdentity, int]
"""A path, the version of its file, and when its content or its facts last changed, in ns."""


class FileVersions:
    """The versions of files as they are now, each looked at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, FileIdentity], FileVersion | None] = {}

    def find(self, path: str, identity: FileIdentity) -> FileVersion | None:
        """Return a file's version; None if it is not ``identity``, or changed a moment ago."""
        place = (path, identity)
        if place not in self._known:
            self._known[place] = _settled(path, identity)
        return self._known[place]


@dataclass(frozen=True)
class ResultKey:
    """The name of a result; ``files`` are the versions of the files that it comes from."""

    digest: str
    files: tuple[FileVersion, ...] = ()

    def is_current(self) -> bool:
        """Return whether every file is still what it was when the key was made."""
        return all(_changed_ns(path, identity) == changed for path, identity, changed in self.files)


def result_key(
    tensor: Tensor,
    options: Mapping[str, Any],
    versions: FileVersions | None = None,
    taken: Fingerprint | None = None,
) -> ResultKey | None:
    """Return the key of what ``options`` (JSON values) ask of a tensor.

    None if no result may be kept: the tensor cannot be read, or one of its files was replaced or
    changed so recently that the next change might not show. Without ``versions`` its files are
    looked at now; ``taken`` is its fingerprint if that is known.
    """
    if tensor.error is not None:
        return None
    try:
        taken = taken or fingerprint(tensor)
    except TypeError:
        return None
    versions = versions or FileVersions()
    files = [versions.find(path, identity) for path, identity in sorted(taken.files, key=repr)]
    known = tuple(file for file in files if file is not None)
    if len(known) != len(files):
        return None
    made = [MEASURES, package_version(), taken.hexdigest, [file[2] for file in known], options]
    text = json.dumps(made, sort_keys=True)
    return ResultKey(sha256(text.encode()).hexdigest(), known)


@cache
def package_version() -> str:
    """Return the version of tensorpeek that measures."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tensorpeek")
    except PackageNotFoundError:
        return ""


def _settled(path: str, identity: FileIdentity) -> FileVersion | None:
    now = time.time_ns()
    changed = _changed_ns(path, identity)
    if changed is None or changed > now - SETTLED_NS:
        return None
    return path, identity, changed


def _changed_ns(path: str, identity: FileIdentity) -> int | None:
    """Return when the inode last changed; None if the file is not ``identity``.

    This time tells of writes after which somebody put the time of change back. The file is opened,
    because network file systems answer ``stat`` from memory.
    """
    try:
        with open_version(path, identity) as handle:
            return os.fstat(handle).st_ctime_ns
    except LoadError:
        return None
