"""Distributions are kept by what they were measured from, up to a number of bytes."""

from __future__ import annotations

import dataclasses

import numpy as np
from made_tensors import quantized, tensor_of

from tensorpeek.analysis import DistributionCache, measure


def test_a_distribution_is_found_for_the_same_bytes_only() -> None:
    cache = DistributionCache()
    tensor = tensor_of(np.arange(10), "int8")
    distribution = measure(tensor)
    assert cache.find(tensor, "dequantized") is None
    cache.keep(tensor, "dequantized", distribution)
    assert cache.find(tensor, "dequantized") is distribution
    assert cache.find(dataclasses.replace(tensor), "dequantized") is distribution
    assert cache.find(tensor, "raw") is None
    assert cache.find(tensor_of(np.arange(1, 11), "int8"), "dequantized") is None
    assert cache.find(tensor_of(np.arange(10), "int8", name="other"), "dequantized") is None


def test_another_scale_is_another_distribution() -> None:
    cache = DistributionCache()
    one, two = (quantized(np.arange(10), "int8", scale=scale) for scale in (1.0, 2.0))
    cache.keep(one, "dequantized", measure(one))
    assert cache.find(two, "dequantized") is None
    cache.keep(one, "raw", measure(one, "raw"))
    assert cache.find(two, "raw") is not None


def test_the_one_unused_for_longest_is_forgotten_first() -> None:
    tensors = [tensor_of(np.arange(100) + n, "int8", name=f"t{n}") for n in range(3)]
    distributions = [measure(tensor) for tensor in tensors]
    cache = DistributionCache(limit=2 * distributions[0].nbytes)
    for tensor, distribution in zip(tensors[:2], distributions[:2], strict=True):
        cache.keep(tensor, "dequantized", distribution)
    assert cache.find(tensors[0], "dequantized") is not None
    cache.keep(tensors[2], "dequantized", distributions[2])
    kept = [cache.find(tensor, "dequantized") is not None for tensor in tensors]
    assert kept == [True, False, True]
    assert cache.nbytes == 2 * distributions[0].nbytes


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = DistributionCache(limit=10)
    tensor = tensor_of(np.arange(100), "int8")
    cache.keep(tensor, "dequantized", measure(tensor))
    assert cache.find(tensor, "dequantized") is None
    assert cache.nbytes == 0


def test_keeping_twice_counts_once_and_clearing_forgets() -> None:
    cache = DistributionCache()
    tensor = tensor_of(np.arange(100), "int8")
    for _ in range(2):
        cache.keep(tensor, "dequantized", measure(tensor))
    assert cache.nbytes == measure(tensor).nbytes
    cache.clear()
    assert (cache.nbytes, cache.find(tensor, "dequantized")) == (0, None)
