"""Sparse TFLite tensors: encoded here as schema.fbs describes, read back dense."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tflite_models import Grid, Made, Sparse, constant, named, opened

from tensorpeek.loaders import LoadError, Tensor

DENSE, CSR = False, True


def _encode(
    dense: NDArray, order: list[int], formats: list[bool], blocks: dict[int, int], index: str
) -> tuple[Sparse, NDArray]:
    """Split blocked dimensions in two, put them in order, keep what is not 0 level by level."""
    shape: list[int] = []
    for axis, length in enumerate(dense.shape):
        shape += [length // blocks.get(axis, 1), blocks.get(axis, 1)]
    split = dense.reshape(shape)
    outer = [2 * axis for axis in range(dense.ndim)]
    inner = [2 * axis + 1 for axis in blocks]
    whole = split.transpose(
        outer + inner + [a for a in range(split.ndim) if a not in outer + inner]
    )
    tree = whole.reshape(whole.shape[: len(outer + inner)]).transpose(order)
    nodes: list[tuple[int, ...]] = [()]
    levels: list[int | tuple[NDArray, NDArray]] = []
    for size, sparse in zip(tree.shape, formats, strict=True):
        if not sparse:
            nodes = [(*node, each) for node in nodes for each in range(size)]
            levels.append(size)
            continue
        kept = [[each for each in range(size) if tree[(*node, each)].any()] for node in nodes]
        segments = np.cumsum([0, *map(len, kept)])
        levels.append(
            (segments.astype(index), np.array([each for some in kept for each in some], index))
        )
        nodes = [(*node, each) for node, some in zip(nodes, kept, strict=True) for each in some]
    values = np.array([tree[node] for node in nodes], dense.dtype)
    return Sparse(order, list(blocks), levels), values


def _made(dense: NDArray, sparse: Sparse, values: NDArray, grid: Grid | None = None) -> Made:
    return replace(constant("w", values, grid), shape=dense.shape, sparse=sparse)


def _open(folder: Path, made: Made) -> Tensor:
    return named(opened(folder, ([made], [])), "w")


def _random(shape: tuple[int, ...], seed: int, dtype: str = "float32") -> NDArray:
    random = np.random.default_rng(seed)
    values = random.integers(-9, 10, shape)
    return np.where(random.random(shape) < 0.3, values, 0).astype(dtype)


@pytest.mark.parametrize("index", ["uint8", "uint16", "int32"])
@pytest.mark.parametrize("formats", list(itertools.product([DENSE, CSR], repeat=3)), ids=str)
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]], ids=["in order", "permuted"])
def test_every_mix_of_levels_reads_back(
    tmp_path: Path, order: list[int], formats: list[bool], index: str
) -> None:
    dense = _random((3, 5, 4), 1)
    tensor = _open(tmp_path, _made(dense, *_encode(dense, order, formats, {}, index)))
    assert tensor.error is None
    np.testing.assert_array_equal(tensor.read(), dense)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [1, 0, 3, 2]], ids=["in order", "permuted"])
def test_blocks_read_back(tmp_path: Path, order: list[int]) -> None:
    dense = _random((6, 8), 2)
    formats = [DENSE, CSR, DENSE, DENSE]
    sparse, values = _encode(dense, order, formats, {0: 3, 1: 2}, "int32")
    np.testing.assert_array_equal(_open(tmp_path, _made(dense, sparse, values)).read(), dense)


def test_the_example_of_the_format_s_densify_operator(tmp_path: Path) -> None:
    """The 3-dimensional example of the Android NN API's tests of DENSIFY."""
    sparse = Sparse([0, 2, 1], [], [
        (np.int32([0, 2]), np.int32([0, 2])),
        (np.int32([0, 2, 5]), np.int32([0, 2, 0, 2, 3])),
        (np.int32([0, 2, 3, 4, 6, 8]), np.int32([0, 1, 1, 1, 0, 1, 0, 1])),
    ])  # fmt: skip
    dense = np.zeros((3, 2, 4), np.float32)
    dense[0, 0, 0], dense[0, 1, 0], dense[0, 1, 2] = 1, 7, 5
    dense[2, 0, 2:], dense[2, 1] = [4, 3], [2, 0, 8, 9]
    made = _made(dense, sparse, np.float32([1, 7, 5, 2, 4, 8, 3, 9]))
    np.testing.assert_array_equal(_open(tmp_path, made).read(), dense)


def test_codes_are_dequantized_where_nothing_is_stored_too(tmp_path: Path) -> None:
    dense = _random((4, 6), 3, "int8")
    scale, points = np.linspace(0.5, 2, 4, dtype=np.float32), np.arange(4)
    sparse, values = _encode(dense, [0, 1], [DENSE, CSR], {}, "uint8")
    tensor = _open(tmp_path, _made(dense, sparse, values, Grid(scale, points, 0)))
    expected = (dense - points[:, None]).astype(np.float32) * scale[:, None]
    np.testing.assert_array_equal(tensor.read("raw"), dense)
    np.testing.assert_array_equal(tensor.read("dequantized"), expected)
    assert tensor.read("dequantized").dtype == np.float32
    assert tensor.nbytes == values.size
    parts = list(tensor.chunks("dequantized", size=5))
    assert [each.size for each in parts] == [5, 5, 5, 5, 4]
    np.testing.assert_array_equal(np.concatenate(parts), expected.reshape(-1))
    copy = pickle.loads(pickle.dumps(tensor))
    np.testing.assert_array_equal(copy.read("raw"), dense)
    assert isinstance(hash(tensor.codec), int)


def test_a_tensor_with_nothing_stored_but_one_0(tmp_path: Path) -> None:
    sparse = Sparse(
        [0, 1], [], [(np.int32([0, 1]), np.int32([1])), (np.int32([0, 1]), np.int32([2]))]
    )
    tensor = _open(tmp_path, _made(np.zeros((2, 3)), sparse, np.float32([0])))
    np.testing.assert_array_equal(tensor.read(), np.zeros((2, 3), np.float32))


ROWS = (np.int32([0, 1, 2, 3]), np.int32([0, 1, 0]))


@pytest.mark.parametrize(
    ("sparse", "reason"),
    [
        (Sparse([0, 0], [], [3, ROWS]), "traversal order"),
        (Sparse([0], [], [3, ROWS]), "traversal order"),
        (Sparse([1, 0, 2], [0], [3, ROWS]), "describes 2 dimensions of 3"),
        (Sparse([0, 1, 2], [5], [3, ROWS, 2]), "block map"),
        (Sparse([0, 1, 2], [1], [3, ROWS, 3]), "do not divide"),
        (Sparse([0, 1, 2], [1], [3, ROWS, 0]), "a block of 0"),
        (Sparse([0, 1], [], [4, ROWS]), "a dense dimension has 4 entries, its shape 3"),
        (Sparse([0, 1], [], [3, (ROWS[0][:3], ROWS[1])]), "3 segments where 4 are needed"),
        (Sparse([0, 1], [], [3, (ROWS[0], ROWS[1][:2])]), "bytes of values for 2 places"),
        (Sparse([0, 1], [], [3, (np.int32([0, 2, 1, 3]), ROWS[1])]), "out of order"),
        (Sparse([0, 1], [], [3, (np.int32([0, 1, 2, 2]), ROWS[1])]), "out of order"),
        (Sparse([0, 1], [], [3, (np.int32([-1, 1, 2, 3]), ROWS[1])]), "out of order"),
        (Sparse([0, 1], [], [3, (ROWS[0], np.int32([0, 1, 2]))]), "lies outside a dimension"),
        (Sparse([0, 1], [], [3, (ROWS[0], np.int32([0, -1, 0]))]), "lies outside a dimension"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_malformed_says_so(tmp_path: Path, sparse: Sparse, reason: str) -> None:
    tensor = _open(tmp_path, _made(np.zeros((3, 2)), sparse, np.float32([1, 2, 3])))
    with pytest.raises(LoadError, match="sparse tensor: ") as caught:
        tensor.read()
    assert reason in str(caught.value)


def test_a_shape_without_end_is_refused(tmp_path: Path) -> None:
    top = (np.int32([0, 1]), np.int32([7]))
    made = replace(
        _made(np.zeros(1), Sparse([0, 1], [], [top, top]), np.float32([1])),
        shape=(1 << 30, 1 << 30),
    )
    assert "claims" in str(_open(tmp_path, made).error)


@st.composite
def _trees(draw: st.DrawFn) -> tuple[NDArray, Sparse, NDArray]:
    shape, widths = (draw(st.tuples(*[st.integers(1, top)] * 3)) for top in (4, 3))
    whole = tuple(a * b for a, b in zip(shape, widths, strict=True))
    dense = _random(whole, draw(st.integers(0, 1000)))
    dense[-1, -1, -1] = 1
    blocks = {axis: width for axis, width in enumerate(widths) if width > 1}
    order = [*draw(st.permutations(range(3))), *range(3, 3 + len(blocks))]
    formats = [*draw(st.lists(st.booleans(), min_size=3, max_size=3)), *[DENSE] * len(blocks)]
    return dense, *_encode(dense, order, formats, blocks, "uint16")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=_trees())
def test_random_blocked_tensors_read_back(
    tmp_path: Path, tree: tuple[NDArray, Sparse, NDArray]
) -> None:
    np.testing.assert_array_equal(_open(tmp_path, _made(*tree)).read(), tree[0])
