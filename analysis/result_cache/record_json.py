"""Records of measures as JSON and back, to the last bit: dataclasses of plain values."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import math
import types
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

Json = dict[str, Any]
Record = TypeVar("Record")
Decoder = Callable[[Any], Any]

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""What stands for floats that JSON has no numbers for."""


def to_json(record: object) -> Json:
    """Return a dataclass as a JSON object, with everything that it holds.

    It may hold numbers, texts, None, arrays of float64, and tuples, mappings and dataclasses of
    these. Raises TypeError for anything else.
    """
    if not dataclasses.is_dataclass(record) or isinstance(record, type):
        raise TypeError(f"a {type(record).__name__} is no record")
    return {name: _plain(getattr(record, name)) for name in _names(type(record))}


def from_json(kind: type[Record], value: object) -> Record:
    """Return the record of a type that :func:`to_json` made an object of.

    The types are those that its fields declare. Raises ValueError for an object that is not of
    that type.
    """
    decode: Decoder = _decoder(cast("Hashable", kind))
    return cast("Record", decode(value))


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _plain(value: Any) -> Any:  # noqa: ANN401 (any part of a record)
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _name_of(value)
    if isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim == 1:
        return base64.b64encode(value.astype("<f8").tobytes()).decode("ascii")
    if isinstance(value, Mapping):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return to_json(value)


def _name_of(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


@cache
def _decoder(hint: Any) -> Decoder:  # noqa: ANN401 (any type that a field declares)
    """Return what turns JSON into a value of a declared type, or raises ValueError."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record_decoder(hint)
    if get_origin(hint) is not None:
        return _compound_decoder(get_origin(hint), get_args(hint))
    if hint is float:
        return _float
    if hint in (int, str, bool):
        return _checked(lambda value: type(value) is hint)
    raise TypeError(f"no records hold a {hint}")


def _compound_decoder(origin: Any, arguments: tuple[Any, ...]) -> Decoder:  # noqa: ANN401 (any type)
    if origin in (Union, types.UnionType):
        others = [_decoder(one) for one in arguments if one is not type(None)]
        return _union_decoder(others, may_be_none=type(None) in arguments)
    if origin is Literal:
        return _checked(lambda value: value in arguments)
    if origin is tuple and arguments[1:] == (...,):
        return _tuple_decoder(_decoder(arguments[0]))
    if origin is np.ndarray:
        return _array
    if issubclass(origin, Mapping):
        return _mapping_decoder(*map(_decoder, arguments))
    raise TypeError(f"no records hold a {origin}")


def _record_decoder(kind: type[Any]) -> Decoder:
    hints = get_type_hints(kind)
    parts = {field.name: _decoder(hints[field.name]) for field in dataclasses.fields(kind)}

    def decode(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
        if not isinstance(value, dict) or value.keys() != parts.keys():
            raise ValueError(f"no {kind.__name__}")
        return kind(**{name: part(value[name]) for name, part in parts.items()})

    return decode


def _union_decoder(members: list[Decoder], *, may_be_none: bool) -> Decoder:
    *others, last = members

    def decode(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
        if value is None and may_be_none:
            return None
        for member in others:
            try:
                return member(value)
            except ValueError:
                continue
        return last(value)

    return decode


def _tuple_decoder(item: Decoder) -> Decoder:
    def decode(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
        if not isinstance(value, list):
            raise ValueError("no list")  # noqa: TRY004 (a wrong document)
        return tuple(item(one) for one in value)

    return decode


def _mapping_decoder(key: Decoder, item: Decoder) -> Decoder:
    def decode(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
        if not isinstance(value, list) or not all(_is_pair(one) for one in value):
            raise ValueError("no list of pairs")
        return {key(name): item(one) for name, one in value}

    return decode


def _is_pair(value: Any) -> bool:  # noqa: ANN401 (any JSON value)
    return isinstance(value, list) and len(value) == 2


def _checked(is_right: Callable[[Any], bool]) -> Decoder:
    def decode(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
        if not is_right(value):
            raise ValueError("of another type")
        return value

    return decode


def _float(value: Any) -> float:  # noqa: ANN401 (any JSON value)
    """Return a float; an integer where the measure gave one stays what it was."""
    if type(value) is float or type(value) is int:
        return cast("float", value)
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    raise ValueError("no number")


def _array(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    try:
        return np.frombuffer(base64.b64decode(value, validate=True), "<f8").astype(np.float64)
    except (TypeError, binascii.Error) as error:
        raise ValueError("no array") from error
