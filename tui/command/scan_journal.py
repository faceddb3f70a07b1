"""A journal of tensors that were scanned, so that a scan that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, TypeGuard

from tensorpeek.analysis.diagnosis import Request
from tensorpeek.analysis.diagnosis.kept_diagnosis import request_json
from tensorpeek.loaders import LoadError, Model
from tensorpeek.loaders.registry import parts_of
from tensorpeek.loaders.storage import describe
from tensorpeek.tui.command.console import complain
from tensorpeek.tui.command.document import Json, finite
from tensorpeek.tui.command.scan_record import RECORD_KEYS

SCHEMA = "tensorpeek.scan-journal/1"


def file_key(model: Model) -> str:
    """Return what tells these versions of a model's files from others; nothing if one is gone."""
    try:
        paths = [model.path.resolve(), *(part.resolve() for part in parts_of(model.path))]
        states = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    except OSError:
        return ""
    return hashlib.sha256(repr(states).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Journal:
    """Records by file and tensor: a first line with the request, then one line for each tensor.

    Every line is flushed as it is written; a last line that was cut short is ignored.
    """

    def __init__(self, path: Path, request: Request) -> None:
        self.path = path
        self._records: dict[tuple[str, str], Json] = {}
        self._request = request_json(request)
        self._stream: TextIO | None = None

    def begin(self) -> None:
        """Read what there is and open for more.

        Raises LoadError when the file is no journal, or one of another request.
        """
        try:
            there_is_one = self.path.exists()
            if there_is_one and not self.path.is_file():
                raise LoadError(self.path, "not a regular file")
            text = self.path.read_text("utf-8", errors="replace") if there_is_one else ""
            self._read(text)
            self._stream = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise LoadError(self.path, describe(error)) from error
        if text and not text.endswith("\n"):
            self._write_text("\n")
        if not text:
            self._write({"schema": SCHEMA, "request": self._request})

    def find(self, file: str, name: str) -> Json | None:
        """Return the record of a tensor, None if it was not scanned."""
        return self._records.get((file, name))

    def add(self, file: str, record: Json) -> None:
        """Note a tensor, for good; where that fails once, say so and note no more."""
        self._write({"file": file, "record": record})

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()

    def _read(self, text: str) -> None:
        lines = [_parsed(line) for line in text.splitlines()]
        if not lines:
            return
        if lines[0].get("schema") != SCHEMA:
            raise LoadError(self.path, "not a journal of a scan")
        if lines[0].get("request") != json.loads(json.dumps(self._request)):
            raise LoadError(self.path, "the journal of a scan with other options")
        for line in lines[1:]:
            file, record = line.get("file"), line.get("record")
            if isinstance(file, str) and file and is_record(record):
                self._records[file, str(record["name"])] = record

    def _write(self, entry: Json) -> None:
        self._write_text(json.dumps(finite(entry), allow_nan=False) + "\n")

    def _write_text(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            complain(self.path, f"no more is noted: {describe(error)}")
            with suppress(OSError):
                self._stream.close()
            self._stream = None


def is_record(record: object) -> TypeGuard[Json]:
    """Say whether a line that was read back holds a whole record."""
    return isinstance(record, dict) and set(RECORD_KEYS) <= set(record)


def _parsed(line: str) -> Json:
    try:
        entry: Any = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
