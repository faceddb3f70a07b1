"""Records become JSON and come back to the last bit; what is no such record is refused."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from kept_results import in_the_way, numbered
from made_tensors import quantized, tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis import Diagnosis, Request, diagnose
from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum, full_spectrum
from tensorpeek.analysis.overview import Figures, Weighed, tensor_figures
from tensorpeek.analysis.result_cache import ResultCache, find_record, keep_record
from tensorpeek.analysis.result_cache.record_json import from_json, to_json
from tensorpeek.analysis.risk import FirstLook, first_look
from tensorpeek.loaders import Tensor, open_model

RNG = np.random.default_rng(12)

ODD = np.array([0.0, -0.0, 5e-324, 0.1, -1.7976931348623157e308, math.inf, -math.inf, math.nan])


@dataclasses.dataclass(frozen=True)
class Inner:
    kind: Literal["one", "two"]
    shares: Mapping[float, float | int | None]


@dataclasses.dataclass(frozen=True)
class Outer:
    values: NDArray[np.float64]
    floats: tuple[float, ...]
    inner: Inner | None
    number: float | int | None
    yes: bool
    text: str
    by_name: dict[str, Inner]


INNER = Inner("two", {0.25: 3, 1e-3: -0.0, 4.0: None, 7.5: math.nan})
OUTER = Outer(ODD, tuple(ODD.tolist()), INNER, 1 << 70, True, "é\x1b[31m", {"a": INNER})


def bits(value: object) -> object:
    """Return a value as something that is equal for the same bits only."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else (type(value) is int, float(value).hex())
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.tobytes())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: bits(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(bits(item) for item in value)
    return (type(value), value)


def back(record: object) -> Any:  # noqa: ANN401
    text = json.dumps(to_json(record), allow_nan=False)
    return from_json(type(record), json.loads(text))


def test_a_record_of_every_type_comes_back_to_the_last_bit() -> None:
    assert bits(back(OUTER)) == bits(OUTER)
    empty = dataclasses.replace(OUTER, values=np.empty(0), floats=(), inner=None, number=None)
    assert bits(back(empty)) == bits(empty)


def broken() -> np.ndarray:
    values = RNG.normal(size=(40, 30))
    values[0, :3] = np.nan, np.inf, -np.inf
    return values


TENSORS = {
    "float32": tensor_of(RNG.normal(size=(40, 30)).astype(np.float32)),
    "float16 of one value": tensor_of(np.full((8, 8), 0.1, np.float16)),
    "NaN and infinities": tensor_of(broken()),
    "zeros": tensor_of(np.zeros((9, 9), np.float32)),
    "rank one": tensor_of(np.outer(np.arange(9.0), np.arange(9.0))),
    "a vector": tensor_of(RNG.normal(size=70)),
    "nothing": tensor_of(np.empty((0, 4), np.float32)),
    "integers": tensor_of(RNG.integers(-9, 9, (6, 7))),
    "codes": quantized(RNG.integers(-128, 128, (12, 16)), "int8", scale=0.03),
    "complex": tensor_of(RNG.normal(size=(4, 4)) + 1j),
}


@pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)
def test_what_is_kept_of_a_tensor_comes_back_to_the_last_bit(tensor: Tensor) -> None:
    records = [
        diagnose(tensor),
        diagnose(tensor, Request(view="raw")),
        tensor_figures(tensor)[0],
        first_look(tensor)[0],
    ]
    assert [bits(back(record)) for record in records] == [bits(record) for record in records]
    assert bits(back(Weighed(math.inf))) == bits(Weighed(math.inf))


def test_a_spectrum_comes_back_to_the_last_bit() -> None:
    found = full_spectrum(TENSORS["float32"])
    assert bits(back(found)) == bits(found)
    flat = full_spectrum(TENSORS["zeros"])
    assert bits(back(flat)) == bits(flat)


def test_the_sample_models_diagnoses_come_back(samples: Path) -> None:
    for name in ("resnet8_int8.pt", "resnet8_int8_qdq.onnx"):
        for tensor in open_model(samples / name).tensors:
            found = diagnose(tensor)
            assert bits(back(found)) == bits(found)


@pytest.mark.parametrize(
    "change",
    [
        {"inner": {"kind": "three", "shares": []}},
        {"inner": {"kind": "one", "shares": [[1]]}},
        {"inner": {"kind": "one", "shares": {}}},
        {"inner": []},
        {"values": "no base64"},
        {"values": "AAAA"},
        {"values": 3},
        {"floats": ["nan"]},
        {"floats": 1.0},
        {"number": True},
        {"yes": 1},
        {"text": None},
        {"by_name": [[1, None]]},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_no_record_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        from_json(Outer, to_json(OUTER) | change)


@pytest.mark.parametrize("value", [None, [], 3, "text", {}])
def test_another_document_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no Outer"):
        from_json(Outer, value)


@pytest.mark.parametrize(
    "value", [object(), b"bytes", np.float32(1), [1], np.ones((2, 2)), np.ones(3, np.float32)]
)
def test_a_record_of_anything_else_is_a_defect(value: object) -> None:
    with pytest.raises(TypeError):
        to_json(dataclasses.replace(OUTER, text=value))


def test_a_record_of_another_type_is_not_found(tmp_path: Path) -> None:
    with ResultCache(tmp_path, pytest.fail) as cache:
        keep_record(cache, numbered(1), Weighed(3.5))
        assert find_record(cache, numbered(1), Weighed) == Weighed(3.5)
        for kind in (Figures, Diagnosis, FirstLook, FullSpectrum):
            assert find_record(cache, numbered(1), kind) is None
        keep_record(cache, None, Weighed(1.0))
        assert find_record(cache, None, Weighed) is None


def test_threads_share_one_cache(tmp_path: Path) -> None:
    wrong: list[object] = []
    with ResultCache(tmp_path, wrong.append) as cache:

        def use(first: int) -> None:
            for number in range(first, first + 60):
                keep_record(cache, numbered(number), Weighed(float(number)))
                found = find_record(cache, numbered(number), Weighed)
                if found != Weighed(float(number)):
                    wrong.append(found)

        threads = [threading.Thread(target=use, args=(60 * place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = [find_record(cache, numbered(number), Weighed) for number in range(240)]
    assert wrong == []
    assert found == [Weighed(float(number)) for number in range(240)]
    assert in_the_way(tmp_path).exists()
