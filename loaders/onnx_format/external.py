"""Where the values lie that an ONNX model keeps in files beside it."""

from __future__ import annotations

import stat
from pathlib import Path

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.inside_folder import path_inside
from tensorpeek.loaders.storage import FileIdentity, FileSpan, describe

LEAVES = "external data path leaves the model's folder"


class ExternalFiles:
    """The files beside one model, each looked at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, tuple[Path, FileIdentity] | str] = {}

    def span(self, entries: dict[str, str], need: int) -> FileSpan | str:
        """Return where the ``need`` bytes of a tensor lie, or why they cannot be had.

        ``entries`` are TensorProto.external_data: location, offset (0 if left out) and length
        (``need`` if left out), both decimal numbers of bytes.
        """
        location = entries.get("location", "")
        offset, length = _number(entries, "offset", 0), _number(entries, "length", need)
        if offset is None or length is None:
            return "external data offset or length is not a number"
        found = self._look(location)
        if isinstance(found, str):
            return found
        path, identity = found
        if length != need:
            return f"external data has {length:,} bytes, its shape needs {need:,}"
        if offset + length > identity.size:
            return f"external data too short: {clean(location)} ends at byte {identity.size:,}"
        return FileSpan(str(path), offset, length, identity)

    @property
    def missing(self) -> list[str]:
        """The locations whose files are not there, in the order in which they were asked for."""
        return [clean(name) for name, found in self._seen.items() if found == _missing(name)]

    def _look(self, location: str) -> tuple[Path, FileIdentity] | str:
        if location not in self._seen:
            self._seen[location] = self._look_at(location)
        return self._seen[location]

    def _look_at(self, location: str) -> tuple[Path, FileIdentity] | str:
        path = path_inside(self._folder, location)
        if path is None:
            return LEAVES
        try:
            status = path.stat()
        except FileNotFoundError:
            return _missing(location)
        except OSError as error:
            return f"external data cannot be read: {describe(error)}"
        if not stat.S_ISREG(status.st_mode):
            return "external data is not a regular file"
        return path, FileIdentity.of(status)


def _missing(location: str) -> str:
    return f"external data missing: {clean(location)}"


def _number(entries: dict[str, str], key: str, default: int) -> int | None:
    text = entries.get(key, "")
    if not text:
        return default
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
