"""What a checkpoint says besides its tensors: numbers and short texts at its root."""

from __future__ import annotations

from collections.abc import Iterator

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.inert_pickle.values import Global, Pairs, Pickle, Record
from tensorpeek.loaders.torch_format.walk import key_name

MAX_ENTRIES = 64
MAX_VALUE = 200
MAX_GLOBALS = 2000
MAX_SEQUENCE = 16

_NESTED = frozenset({"hyper_parameters", "hparams", "config", "args", "hparams_name"})


def metadata_of(pickle: Pickle) -> dict[str, str]:
    """Return the scalars at the root of a pickle, at most 64, and the globals that it names."""
    found: dict[str, str] = {}
    for name, value in _scalars(pickle.root):
        if len(found) >= MAX_ENTRIES:
            break
        found[clean(name, MAX_VALUE)] = clean(value, MAX_VALUE)
    names = ", ".join(str(name) for name in pickle.globals[:MAX_ENTRIES])
    if names:
        found["globals"] = clean(names, MAX_GLOBALS)
    return found


def dictionary(value: object) -> list[tuple[object, object]] | None:
    """Return the pairs of a dictionary, an OrderedDict included; None for anything else."""
    if isinstance(value, Pairs):
        return value.pairs
    if isinstance(value, Record) and value.callee == Global("collections", "OrderedDict"):
        return value.pairs or []
    return None


def _scalars(root: object) -> Iterator[tuple[str, str]]:
    for key, value in dictionary(root) or []:
        text = _text(value)
        if text is not None:
            yield key_name(key), text
        elif isinstance(key, str) and key in _NESTED:
            for inner_key, inner in dictionary(value) or []:
                inner_text = _text(inner)
                if inner_text is not None:
                    yield f"{key}.{key_name(inner_key)}", inner_text


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value[: MAX_VALUE + 1]
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, Record) and value.callee == Global("torch", "Size"):
        value = value.arguments[0] if isinstance(value.arguments, tuple) and value.arguments else ()
    if isinstance(value, tuple | list) and 0 < len(value) <= MAX_SEQUENCE:
        parts = [
            str(item) if not isinstance(item, str) else item[:MAX_VALUE]
            for item in value
            if isinstance(item, bool | int | float | str | None)
        ]
        return f"({', '.join(parts)})" if len(parts) == len(value) else None
    return None
