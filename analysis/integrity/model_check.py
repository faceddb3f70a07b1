"""Check what holds for a whole file: what its reader doubts, and overlaps."""

from __future__ import annotations

from collections.abc import Iterator

from tensorpeek.analysis.integrity.findings import Finding, rule_of
from tensorpeek.loaders import Model
from tensorpeek.loaders.storage import FileSpan


def check_model(model: Model) -> tuple[Finding, ...]:
    """Return the findings about a file as a whole; no values are read.

    These are its warnings, unless they merely repeat the error of a tensor, dangerous names that
    no warning tells, and tensors whose bytes overlap without being the same ones: shared weights
    are no finding.
    """
    return (*_warnings(model), *_imports(model), *_overlaps(model))


def _warnings(model: Model) -> Iterator[Finding]:
    told = {f"{tensor.name}: {tensor.error}" for tensor in model.tensors if tensor.error}
    for warning in model.warnings:
        if warning not in told:
            yield Finding(_rule_of_warning(warning), None, warning)


def _rule_of_warning(warning: str) -> str:
    if "names the global " in warning or warning.endswith("more dangerous globals"):
        return "dangerous-global"
    rule = rule_of(warning)
    return "doubtful-file" if rule == "damaged-tensor" else rule


def _imports(model: Model) -> Iterator[Finding]:
    told = " ".join(model.warnings)
    for one in model.imports:
        if one.dangerous and f"names the global {one.name} " not in told:
            yield Finding("dangerous-global", None, f"names the global {one.name} (never executed)")


def _overlaps(model: Model) -> Iterator[Finding]:
    spans: dict[tuple[str, int, int], str] = {}
    for tensor in model.tensors:
        storage = tensor.storage
        if isinstance(storage, FileSpan) and storage.nbytes and tensor.error is None:
            place = (storage.path, storage.offset, storage.offset + storage.nbytes)
            spans.setdefault(place, tensor.name)
    path, end, before = "", 0, ""
    for (file, start, stop), name in sorted(spans.items()):
        if file == path and start < end:
            message = f"its bytes from {start:,} on overlap those of {before}"
            yield Finding("overlapping-data", name, message)
        if file != path or stop > end:
            path, end, before = file, stop, name
