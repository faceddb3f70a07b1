"""Every format and scheme gives the values that others find, and the page that says so is true."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from formats_table import PAGE, PROSE, Row, measure_all, page, verdict
from scheme_files import FORMATS

from tensorpeek.loaders import FORMATS as READERS

Found = dict[str, list[Row]]


@pytest.fixture(scope="module")
def found() -> Found:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other libraries deprecate
        return measure_all()


@pytest.mark.parametrize("name", FORMATS)
def test_values_and_statistics_of_every_scheme_are_true(name: str, found: Found) -> None:
    assert found[name]
    assert [row.cells for row in found[name] if not row.is_exact] == []


def test_the_page_is_what_the_tests_measure(found: Found) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(found), "make it again with make formats"


def test_every_reader_has_its_section() -> None:
    assert {entry.name for entry in READERS} <= FORMATS.keys() == PROSE.keys()


def test_verdicts() -> None:
    ones = np.ones(2, np.float32)
    assert verdict(ones, ones) == "bit-exact"
    assert verdict(ones, np.nextafter(ones, np.float32(2))) == "within 1 ulp"
    assert verdict(np.float32([0.0]), np.float32([-0.0])) == "within 0 ulp"
    assert verdict(np.float32([np.nan]), -np.float32([np.nan])) == "bit-exact"
    assert verdict(ones, ones.astype(np.float64)) == "float64 of (2,) expected"
