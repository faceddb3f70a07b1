"""Read the header of a safetensors file and check that its tensors fill the file exactly."""

from __future__ import annotations

from dataclasses import dataclass

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.safetensors_format.entry import Entry, EntryError, read_entry, shown
from tensorpeek.loaders.safetensors_format.json_object import JsonError, parse_object
from tensorpeek.loaders.storage import FileSpan

MAX_HEADER = 100_000_000
"""Bytes of header beyond which the official library refuses a file."""

MAX_METADATA = 256
"""Entries of metadata that are kept."""

MAX_VALUE = 2000
"""Characters of one metadata value that are kept."""

MAX_DESCRIPTION = 1 << 16
"""Characters of what is said of one tensor beyond which it is not read."""

_LENGTH = 8
_NAMES, _DESCRIPTION = "tensor_names", '{"_type"'
_METADATA = "__metadata__"


@dataclass(frozen=True, slots=True)
class Header:
    """The tensors of one file in the order of its header, and the texts that came with them.

    ``start`` is the offset in bytes at which values begin. ``descriptions`` are what torchao wrote
    of each tensor, as JSON, by its name.
    """

    file: WeightFile
    start: int
    entries: tuple[Entry, ...]
    metadata: dict[str, str]
    warnings: tuple[str, ...]
    descriptions: dict[str, str]


def read_header(file: WeightFile) -> Header:
    """Read and check a header, by the rules of the official library. Raises LoadError.

    Those are (safetensors, ``Metadata::validate``): at most 100 MB of UTF-8 JSON, each tensor as
    long as its shape and type say, tensors end to end from the first byte to the last.
    """
    start = _LENGTH + _length(file)
    span = FileSpan(str(file.path), _LENGTH, start - _LENGTH, file.identity)
    with span.open() as read:
        content = read(0, span.nbytes)
    try:
        fields = parse_object(content)
        texts, descriptions = _without_descriptions(fields.pop(_METADATA, None))
        metadata, warnings = read_metadata(texts)
        entries = tuple(read_entry(name, value) for name, value in fields.items())
    except (JsonError, EntryError) as error:
        what = "its header " if isinstance(error, JsonError) else ""
        raise LoadError(file.path, f"damaged: {what}{error}") from error
    _check_places(file, entries, file.identity.size - start)
    return Header(file, start, entries, metadata, warnings, descriptions)


def _without_descriptions(value: object) -> tuple[object, dict[str, str]]:
    """Part the metadata from what torchao's ``flatten_tensor_state_dict`` says of tensors in them.

    That is one entry of JSON for each tensor, and the list of their names.
    """
    if not isinstance(value, dict) or not isinstance(value.get(_NAMES), str):
        return value, {}
    found = {
        name: text
        for name, text in value.items()
        if isinstance(text, str) and text.startswith(_DESCRIPTION)
    }
    if not found:
        return value, {}
    rest = {name: text for name, text in value.items() if name not in found and name != _NAMES}
    return rest, {name: text for name, text in found.items() if len(text) <= MAX_DESCRIPTION}


def read_metadata(value: object) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what ``__metadata__`` says, safe to show, at most 256 entries; and warnings."""
    if value is None:
        return {}, ()
    if not isinstance(value, dict):
        return {}, ("its metadata is not an object, which the official library refuses",)
    kept = list(value.items())[:MAX_METADATA]
    warnings = []
    if not all(isinstance(text, str) for text in value.values()):
        warnings.append("its metadata holds more than texts, which the official library refuses")
    if len(value) > len(kept):
        warnings.append(f"holds {len(value):,} entries of metadata; {len(kept)} are shown")
    return {clean(key): clean(_text(text), MAX_VALUE) for key, text in kept}, tuple(warnings)


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        return f"({len(value):,} entries)"
    return str(value)


def _length(file: WeightFile) -> int:
    """Return the length of the header in bytes."""
    size = file.identity.size
    if size < _LENGTH:
        raise LoadError(file.path, "truncated: too short for a header")
    length = int.from_bytes(file.head[:_LENGTH], "little")
    if length > MAX_HEADER:
        raise LoadError(
            file.path, f"damaged: its header claims {length:,} bytes, more than {MAX_HEADER:,}"
        )
    if _LENGTH + length > size:
        raise LoadError(
            file.path, f"truncated: its header needs {_LENGTH + length:,} bytes of {size:,}"
        )
    return length


def _check_places(file: WeightFile, entries: tuple[Entry, ...], size: int) -> None:
    """Check that the tensors lie end to end in the ``size`` bytes of values."""
    last = max(entries, key=lambda entry: entry.stop, default=None)
    if last is not None and last.stop > size:
        reason = f"truncated: {shown(last.name)} ends at byte {last.stop:,} of {size:,}"
        raise LoadError(file.path, reason)
    end, before = 0, ""
    for entry in sorted(entries, key=lambda entry: (entry.start, entry.stop)):
        if entry.start < end:
            reason = f"{shown(entry.name)} overlaps {shown(before)}"
            raise LoadError(file.path, f"damaged: {reason}")
        if entry.start > end:
            reason = f"{entry.start - end:,} bytes before {shown(entry.name)} belong to no tensor"
            raise LoadError(file.path, f"damaged: {reason}")
        end, before = entry.stop, entry.name
    if end < size:
        raise LoadError(file.path, f"damaged: its last {size - end:,} bytes belong to no tensor")
