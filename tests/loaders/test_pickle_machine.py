"""The pickle machine against pickle itself, and against what pickle would fall for."""

from __future__ import annotations

import collections
import pickle
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorpeek.loaders import LoadError
from tensorpeek.loaders.inert_pickle.machine import Allowance, Source, interpret, interpret_at
from tensorpeek.loaders.inert_pickle.machine_state import MAX_KEPT_BYTES
from tensorpeek.loaders.inert_pickle.values import Global, Group, Pairs, Persistent, Record


def plain(value: object) -> object:
    """Turn interpreted records back into the Python values that they describe."""
    if isinstance(value, Pairs):
        return {plain(key): plain(item) for key, item in value.pairs}
    if isinstance(value, Group):
        return {plain(item) for item in value.items}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    if isinstance(value, Record):
        assert value.callee == Global("builtins", "set")  # how protocol 3 writes a set
        return {plain(item) for item in value.arguments[0]}
    return value


def problem_of(content: bytes) -> str | None:
    """Return why a pickle cannot be read, or None if it can."""
    try:
        interpret("x", content)
    except LoadError as error:
        return error.reason
    return None


KEYS = st.one_of(
    st.integers(), st.text(), st.binary(max_size=MAX_KEPT_BYTES), st.booleans(), st.none()
)
LEAVES = st.one_of(KEYS, st.floats(allow_nan=False), st.sets(st.integers()))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(KEYS, inner), st.tuples(inner), st.tuples(inner, inner)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(value=VALUES, protocol=st.sampled_from(range(6)))
def test_plain_values_come_out_as_pickle_reads_them(value: object, protocol: int) -> None:
    if protocol < 3:  # they write sets and bytes as calls of Python 2's functions
        value = repr(value)
    content = pickle.dumps(value, protocol)
    assert plain(interpret("x", content).root) == value


@pytest.mark.parametrize("protocol", range(6))
def test_objects_become_records_of_their_class_and_state(protocol: int) -> None:
    counter = collections.OrderedDict(a=[1, 2], b=(3,))
    content = pickle.dumps([counter, range(3)], protocol)
    ordered, numbers = interpret("x", content).root
    assert ordered.callee == Global("collections", "OrderedDict")
    assert numbers.callee.name in ("range", "xrange")


class Point:
    def __init__(self) -> None:
        self.x = 1


@pytest.mark.parametrize("protocol", range(6))
def test_instances_keep_their_state(protocol: int) -> None:
    root = interpret("x", pickle.dumps(Point(), protocol)).root
    assert isinstance(root, Record)
    assert plain(root.state) == {"x": 1}


def test_shared_and_cyclic_objects_stay_shared() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    root = interpret("x", pickle.dumps([cycle, cycle])).root
    assert root[0] is root[1]
    assert root[0][0] is root[0]


@pytest.mark.parametrize(
    ("content", "check"),
    [
        (b"cos\nsystem\n(S'id'\ntR.", lambda root: str(root.callee) == "os.system"),
        (b"(S'id'\nios\nsystem\n.", lambda root: root.arguments == ("id",)),
        (b"(cos\nsystem\nS'id'\no.", lambda root: root.arguments == ("id",)),
        (b"\x80\x02cos\nsystem\n)\x81}b.", lambda root: isinstance(root.state, Pairs)),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", lambda root: root.callee.name),
        (b"\x80\x04cos\nsystem\n)}\x92.", lambda root: root.callee == Global("os", "system")),
        (b"\x80\x02\x82\x07)R.", lambda root: root.callee == Global("copyreg", "extension 7")),
        (b"\x83\x07\x01.", lambda root: root.name == "extension 263"),
        (b"\x84\x07\x01\x00\x00.", lambda root: root.name == "extension 263"),
        (b"Pstorage 1\n.", lambda root: root.key == "storage 1"),
        (b"K\x05Q.", lambda root: isinstance(root, Persistent) and root.key == 5),
        (b"K\x05cos\nsystem\nb.", lambda root: root == Global("os", "system") or root == 5),
    ],
    ids=[
        "GLOBAL and REDUCE",
        "INST",
        "OBJ",
        "NEWOBJ and BUILD",
        "STACK_GLOBAL",
        "NEWOBJ_EX",
        "EXT1",
        "EXT2",
        "EXT4",
        "PERSID",
        "BINPERSID",
        "BUILD with a global as state",
    ],
)
def test_every_way_to_call_only_makes_a_record(
    content: bytes, check: Callable[[object], bool]
) -> None:
    assert check(interpret("x", content).root)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        b"\x80\x02",
        b"\x80\x09.",
        b"a.",
        b"R.",
        b"t.",
        b"u.",
        b"(K\x01d.",
        b"h\x05.",
        b"\xff.",
        b"K",
        b"X\xff\xff\xff\xff.",
        b"\x8e" + b"\xff" * 8 + b".",
        b"\x8d" + b"\xff" * 7 + b"\x7f.",
        b"\x8b\xff\xff\xff\x7f.",
        b"\x8b" + (5000).to_bytes(4, "little") + bytes(5000) + b".",
        b"I" + b"9" * 5000 + b"\n.",
        b"I12x\n.",
        b"Fhello\n.",
        b"S'open\n.",
        b"X\x01\x00\x00\x00\xff.",
        b"p-1\n.",
        b"K\x01p99999999999\n.",
        b"K\x01K\x02\x93.",
        b"K\x01K\x02a.",
        b"K\x01(K\x02K\x03u.",
        b"\x95" + b"\xff" * 8 + b".",
        b"1.",
        b"0.",
        b"o.",
        b"(o.",
    ],
    ids=repr,
)
def test_damage_is_told_with_its_place(content: bytes) -> None:
    with pytest.raises(LoadError, match=r"damaged pickle at byte \d+"):
        interpret("x", content)


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_give_a_pickle_or_an_error(content: bytes) -> None:
    reason = problem_of(content + b".")
    assert reason is None or reason.startswith("damaged pickle at byte ")


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (b"]" * 200_000 + b"a" * 199_999 + b".", 5),
        (b")" + b"\x85" * 300_000 + b".", 5),
        (b"(" * 300_000 + b"t" * 300_000 + b".", 5),
        (b"N" + b"N\x81" * 200_000 + b".", 5),
        (b"K\x01r\xff\xff\xff\xff.", 1),
        (b"]" + b"".join(b"q\x00](" + b"h\x00" * 10 + b"e" for _ in range(2000)) + b".", 5),
        (b"K\x01" + b"2" * 300_000 + b".", 5),
    ],
    ids=[
        "lists 200,000 deep",
        "tuples 300,000 deep",
        "marks 300,000 deep",
        "objects made of objects",
        "a memo index of four billion",
        "a billion laughs",
        "one value 300,000 times",
    ],
)
def test_deep_and_dense_pickles_take_bounded_time(content: bytes, seconds: float) -> None:
    start = time.process_time()
    assert "damaged" in (problem_of(content) or "damaged")
    assert time.process_time() - start < 5 * seconds


def test_the_number_of_operations_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tensorpeek.loaders.inert_pickle.machine.MAX_COST", 10)
    with pytest.raises(LoadError, match="more operations than the 10 that are read"):
        interpret("x", b"N" * 11 + b".")


def test_a_name_is_one_object_in_every_thread() -> None:
    names = [f"name {number}" for number in range(2000)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda name: Global("module", name), names * 8))
    assert len({id(each) for each in found}) == len(names)
    assert found[0] is Global("module", "name 0") != Global("other", "name 0")


def test_storages_of_the_file_raise_what_may_be_spent() -> None:
    content = b"]" + b"N0" * 1_100_000 + b"."
    source = Source("x", lambda start, stop: content[start:stop], len(content))
    with pytest.raises(LoadError, match="more operations than the 3,000,000 that are read"):
        interpret_at(source, 0, Allowance())
    assert interpret_at(source, 0, Allowance.with_storages(20_000)).root == []
