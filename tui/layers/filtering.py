"""Read what is typed into the filter, and choose tensors by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import compress

from tensorpeek.tui.layers import filter_terms
from tensorpeek.tui.layers.columns import COLUMNS, Column
from tensorpeek.tui.layers.filter_terms import Table, Term

HINT = "name  *glob*  1,3-5  dtype:bf16  quantized:no  role:weight  shape:64x3  sqnr<30  !not"
"""One example of each kind of condition."""


@dataclass(frozen=True)
class Filter:
    """Conditions that must all be true; ``is_measured`` if some depend on what was measured."""

    terms: tuple[Term, ...] = ()
    is_measured: bool = False

    def choose(self, table: Table) -> list[int]:
        """Return the places of the tensors that fulfill every condition, in file order."""
        places = range(len(table.inventory))
        if not self.terms:
            return list(places)
        flags = [term(table) for term in self.terms]
        return list(compress(places, map(all, zip(*flags, strict=True))))


def read_filter(query: str) -> Filter:
    """Read conditions with spaces between them.

    ``attn``: part of a name (if no name has it, its letters in order). ``*attn*weight``: a whole
    name with ``*`` and ``?``. ``12``: a row, or a whole number in a name. ``1,3-5``, ``7-``: rows.
    ``dtype:bf16``, ``quantized:yes``, ``role:weight``, ``shape:64x*x3`` (the leading axes),
    ``marked:yes``. ``params>1M``, ``nan>0``, ``sqnr<30``: a column and a number. ``!`` before a
    condition turns it around. Nothing typed is wrong: what has no other meaning is part of a name,
    and what is not written to its end is true of everything.
    """
    terms: list[Term] = []
    is_measured = False
    for text in query.split():
        rest = text.removeprefix("!")
        column = _compared_column(rest)
        is_measured |= column is not None and column.kind is not None
        term = _read_term(rest) if rest else filter_terms.everything
        is_turned = rest != text and term is not filter_terms.everything
        terms.append(filter_terms.negated(term) if is_turned else term)
    return Filter(tuple(terms), is_measured)


def _read_term(text: str) -> Term:
    rows = _ROWS.fullmatch(text)
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return filter_terms.number(text)
    if rows is not None:
        return filter_terms.rows(_read_ranges(text.lstrip("#")))
    compared = _COMPARISON.fullmatch(text)
    column = _compared_column(text)
    if compared is not None and column is not None:
        limit = float(compared[3]) * _FACTORS[compared[4].lower()]
        return filter_terms.comparison(column, compared[2], limit)
    key, colon, value = text.partition(":")
    read = _KEYS.get(key.lower())
    if colon and read is not None:
        return (read(value) if value else filter_terms.everything) or filter_terms.word(text)
    if "*" in text or "?" in text:
        return filter_terms.pattern(text)
    return filter_terms.word(text)


def _read_ranges(text: str) -> list[tuple[int, int | None]]:
    ranges: list[tuple[int, int | None]] = []
    for part in filter(None, text.split(",")):
        first, dash, last = part.partition("-")
        low, high = int(first), int(last) if last else None
        if not dash:
            high = low
        elif high is not None and high < low:
            low, high = high, low
        ranges.append((low, high))
    return ranges


def _compared_column(text: str) -> Column | None:
    compared = _COMPARISON.fullmatch(text)
    return None if compared is None else _COMPARED.get(compared[1].lower())


def _read_answer(term: Callable[[bool], Term]) -> Callable[[str], Term | None]:
    """Return what reads yes or no, also the beginning of the word."""

    def read(value: str) -> Term | None:
        for word, answer in (("yes", True), ("no", False), ("true", True), ("false", False)):
            if word.startswith(value.lower()):
                return term(answer)
        return None

    return read


def _read_shape(value: str) -> Term | None:
    parts = [part for part in re.split("[x×,]", value.lower()) if part]
    if not all(part == "*" or (part.isdecimal() and len(part) < 19) for part in parts):
        return None
    return filter_terms.shape(tuple(None if part == "*" else int(part) for part in parts))


_ROWS = re.compile(r"#?\d{1,9}(-\d{0,9})?(,(\d{1,9}(-\d{0,9})?)?)*", re.ASCII)
_COMPARISON = re.compile(
    r"([a-z]+)(>=|<=|!=|>|<|=)([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)([kmb%]?)",
    re.ASCII | re.IGNORECASE,
)
_FACTORS = {"": 1.0, "%": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
_COMPARED = {
    column.name: column
    for column in COLUMNS
    if column.name not in {"number", "name", "dtype", "shape", "distribution"}
}
_KEYS: dict[str, Callable[[str], Term | None]] = {
    "dtype": filter_terms.dtype,
    "type": filter_terms.dtype,
    "role": filter_terms.role,
    "quantized": _read_answer(filter_terms.quantized),
    "marked": _read_answer(filter_terms.marked),
    "shape": _read_shape,
    "name": filter_terms.word,
}
