"""Damaged, cut and hostile NumPy files end in a model or a LoadError, soon."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile_files import mutated, open_or_refuse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorpeek.loaders import LoadError, Model, open_model
from tensorpeek.loaders.numpy_format.literal import LiteralProblem, parse_literal
from tensorpeek.loaders.numpy_format.reader import recognizes
from tensorpeek.loaders.registry import look_at

PLAIN = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"


def _npy(header: str | bytes, values: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode() if isinstance(header, str) else header
    width = 2 if version[0] == 1 else 4
    return b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text + values


def _header(descr: str = "'<f4'", order: str = "False", shape: str = "(2, 3)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"\x93NUMPY", "truncated within its header", id="the magic alone"),
        pytest.param(_npy(PLAIN)[:40], "truncated within its header", id="half a header"),
        pytest.param(
            _npy(PLAIN, bytes(23)),
            "truncated: its values need 24 bytes of 23",
            id="values that are cut",
        ),
        pytest.param(
            _npy(PLAIN, version=b"\4\0"),
            "has the unknown format version 4.0",
            id="a version to come",
        ),
        pytest.param(
            _npy(" " * 70_000, version=b"\2\0"),
            "damaged: its header claims 70,012 bytes, more than 10,000",
            id="a long header",
        ),
        pytest.param(
            b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(20),
            "damaged: its header claims 4,294,967,307 bytes, more than 10,000",
            id="a header of 4 GB",
        ),
        pytest.param(
            _npy(b"{'descr': '\xff'}", version=b"\3\0"),
            "damaged: its header is not UTF-8",
            id="bytes that are no text",
        ),
        pytest.param(
            _npy("(" * 9_000),
            "damaged: its header is nested too deeply",
            id="9,000 brackets within brackets",
        ),
        pytest.param(
            _npy("-" * 9_000 + "1"),
            "damaged: its header has an unexpected text at character 0",
            id="9,000 signs",
        ),
        pytest.param(
            _npy(_header(shape=f"({'9' * 5000},)")),
            "damaged: its header has an unexpected text at character 51",
            id="an integer of 5,000 digits",
        ),
        pytest.param(
            _npy("__import__('os').system('touch /tmp/never')"),
            "damaged: its header has an unexpected text at character 0",
            id="code",
        ),
        pytest.param(
            _npy("{'a': 1}"),
            "damaged: its header does not hold descr, fortran_order and shape",
            id="other keys",
        ),
        pytest.param(
            _npy("{[]: 1}"), "damaged: its header is not a Python literal", id="a list as a key"
        ),
        pytest.param(
            _npy(_header(shape="(-1, 3)")),
            "damaged: its header has no valid shape or order",
            id="a negative size",
        ),
        pytest.param(
            _npy(_header(shape="(True,)")),
            "damaged: its header has no valid shape or order",
            id="a size that is true",
        ),
        pytest.param(
            _npy(_header(shape="[2, 3]")),
            "damaged: its header has no valid shape or order",
            id="a shape that is a list",
        ),
        pytest.param(
            _npy(_header(order="1")),
            "damaged: its header has no valid shape or order",
            id="an order that is a number",
        ),
        pytest.param(
            _npy(_header(shape=f"({1 << 62}, {1 << 62})")),
            "damaged: its shape overflows",
            id="a shape that overflows",
        ),
        pytest.param(
            _npy(_header(shape=f"({1 << 62}, 0, 16)")),
            "damaged: its shape overflows",
            id="an empty shape that overflows",
        ),
        pytest.param(
            _npy(_header(shape=f"({'1, ' * 3_000})")),
            "damaged: has 3,000 dimensions",
            id="3,000 dimensions",
        ),
        pytest.param(
            _npy(_header(shape=f"({1 << 60},)")),
            f"truncated: its values need {1 << 62:,} bytes of 0",
            id="values of four exbibytes",
        ),
    ],
)
def test_damage_is_refused_with_one_clause(content: bytes, reason: str, tmp_path: Path) -> None:
    start = time.process_time()
    outcome = open_or_refuse(tmp_path / "a.npy", content)
    assert isinstance(outcome, LoadError)
    assert outcome.reason == reason
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("descr", "error"),
    [
        pytest.param("'|O'", "object array", id="objects"),
        pytest.param("'<f3'", "element type <f3 is unknown", id="a size that is none"),
        pytest.param("'f4,f4'", "element type f4,f4 is unknown", id="a list as text"),
        pytest.param("'<f4[s]'", r"element type <f4\[s\] is unknown", id="a float with a unit"),
        pytest.param("'\\x1b[31m'", r"element type \\x1b\[31m is unknown", id="a control code"),
        pytest.param("[('a', '<f4')]", "its elements have 1 field,", id="one field"),
        pytest.param("3", "has no valid element type", id="a number"),
    ],
)
def test_element_types_that_are_none_are_listed(descr: str, error: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(_npy(_header(descr), bytes(24)))
    [tensor] = open_model(path).tensors
    assert tensor.shape == (2, 3)
    with pytest.raises(LoadError, match=error):
        tensor.read()


def _archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"m/data.pkl": b"", "m/data/0": b""}, id="a PyTorch file"),
        pytest.param({"a.npy": b"", "readme.txt": b""}, id="an archive with a text"),
        pytest.param({"a.txt": b""}, id="any archive"),
    ],
)
def test_other_archives_are_left_to_other_formats(
    members: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(_archive(members))
    assert not recognizes(look_at(path))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_bad_member_costs_one_tensor(method: int, tmp_path: Path) -> None:
    members = {
        "text.npy": b"no array",
        "cut.npy": _npy(PLAIN, bytes(23)),
        "deep.npy": _npy("(" * 9_000),
        "nothing.npy": b"",
        "\x1b[2J/weight.npy": _npy(PLAIN, bytes(24)),
        "long.npy": _npy(PLAIN.ljust(2000), bytes(24)),
    }
    path = tmp_path / "a.npz"
    path.write_bytes(_archive(members, method))
    tensors = open_model(path).tensors
    assert [each.error for each in tensors] == [
        "not an .npy array",
        "truncated: its values need 24 bytes of 23",
        "damaged: its header is nested too deeply",
        "not an .npy array",
        None,
        None,
    ]
    assert [tensors[4].name, tensors[4].layer] == ["\\x1b[2J/weight", "\\x1b[2J"]
    assert tensors[5].read().shape == (2, 3)


def test_a_member_whose_data_is_damaged_costs_one_tensor(tmp_path: Path) -> None:
    content = bytearray(_archive({"a.npy": _npy(PLAIN, bytes(24))}, zipfile.ZIP_DEFLATED))
    start = content.index(b"a.npy") + len("a.npy")
    content[start : start + 4] = b"\xff" * 4
    outcome = open_or_refuse(tmp_path / "a.npz", bytes(content))
    assert isinstance(outcome, Model)
    assert str(outcome.tensors[0].error).startswith("a compressed member is damaged")


@pytest.mark.parametrize("tail", [")", ",)"], ids=["whole", "damaged"])
def test_a_thousand_long_headers_are_not_parsed_for_ever(tail: str, tmp_path: Path) -> None:
    bomb = _npy(_header(shape="(" + "1," * 4800 + tail))
    path = tmp_path / "a.npz"
    members = {f"{i}.npy": bomb for i in range(1000)} | {"good.npy": _npy(PLAIN, bytes(24))}
    path.write_bytes(_archive(members, zipfile.ZIP_DEFLATED))
    start = time.process_time()
    *_, last, good = open_model(path).tensors
    assert time.process_time() - start < 20
    assert last.error == "not read: too many arrays of this file have long headers"
    assert good.error is None


def test_a_bomb_costs_no_memory(tmp_path: Path) -> None:
    values = 1 << 30
    path = tmp_path / "a.npz"
    header = _header(descr="'|u1'", shape=f"({values},)")
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.npy", "w") as member,
    ):
        member.write(_npy(header))
        for _ in range(values >> 24):
            member.write(bytes(1 << 24))
    script = (
        "import resource, sys; from tensorpeek.loaders import open_model;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "print(open_model(sys.argv[1]).tensors[0].shape);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    out = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    )
    shape, kibibytes = out.stdout.splitlines()
    assert shape == f"({values},)"
    assert int(kibibytes) < 20_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': [1, -2], \"b\": (True, None, False)}", {"a": [1, -2], "b": (True, None, False)}),
        (" {u'a': '\\x1b\\u00e9\\\\\\''}\n", {"a": "\x1bé\\'"}),
        ("(3L, 4)", (3, 4)),
        ("''", ""),
    ],
)
def test_literals_are_what_python_says(text: str, value: object) -> None:
    assert parse_literal(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "1 +2", "a", "f'{x}'", "b'x'", "{**{}}", "(1if 1else 2)", "0x10", "1.5", "1j"),
        *("'\\d'", "'\\N{BULLET}'", "'\n'", "1_000", "lambda: 1", "[" * 17 + "]" * 17),
        "'\\U00110000'",
        *("{1, *()}", "a.b", "...", "'a' 'b", "#", "9" * 21, "007", "1True"),
    ],
)  # fmt: skip
def test_nothing_else_is_parsed(text: str) -> None:
    with pytest.raises(LiteralProblem):
        parse_literal(text)


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="{}[]()'\"\\,:- \n01xuULTrueFalsNon", max_size=40))
def test_any_text_is_a_literal_or_a_problem(text: str) -> None:
    try:
        parse_literal(text)
    except LiteralProblem as error:
        assert str(error)  # noqa: PT017


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated")


def _samples() -> list[bytes]:
    stored, packed = io.BytesIO(), io.BytesIO()
    arrays = {"a": np.arange(6, dtype=">f4").reshape(2, 3), "b/c": np.asfortranarray(np.eye(3))}
    np.savez(stored, **arrays)
    np.savez_compressed(packed, **arrays)
    single = io.BytesIO()
    np.save(single, arrays["a"])
    return [stored.getvalue(), packed.getvalue(), single.getvalue()]


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.sampled_from(_samples()).flatmap(mutated))
def test_changed_bytes_give_a_model_or_an_error(content: bytes, folder: Path) -> None:
    open_or_refuse(folder / "a.npz", content)
