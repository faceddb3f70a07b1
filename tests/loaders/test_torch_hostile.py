"""Hostile checkpoints: nothing that they name runs, and what they hold is still listed."""

from __future__ import annotations

import contextlib
import json
import pickle
import struct
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorpeek.loaders import LoadError, Model, open_model


def checkpoint(path: Path, content: bytes, storage: bytes = bytes(16)) -> Path:
    """Write a zip file as torch does, with the pickle ``content``."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", content)
        archive.writestr("m/byteorder", b"little")
        archive.writestr("m/data/0", storage)
        archive.writestr("m/version", b"3\n")
    return path


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


WEIGHT = (
    b"ctorch._utils\n_rebuild_tensor_v2\n(("
    + text("storage")
    + b"ctorch\nFloatStorage\n"
    + text("0")
    + text("cpu")
    + b"K\x04tQK\x00K\x04\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
)


def beside_a_weight(evil: bytes) -> bytes:
    """Return the pickle of ``{"w": tensor, "evil": <evil>}``."""
    return b"\x80\x02}(" + text("w") + WEIGHT + text("evil") + evil + b"u."


def attacks(marker: Path) -> dict[str, bytes]:
    """Pickles that make the file ``marker``, or import ``marker_module``, when they are run."""
    command = f"touch {marker}".encode()
    python = f"open({str(marker)!r}, 'w').close()".encode()
    run = b"S'" + command + b"'\n"
    code = b'S"' + python + b'"\n'
    return {
        "REDUCE of os.system": b"cos\nsystem\n(" + run + b"tR",
        "STACK_GLOBAL": b"\x8c\x05posix\x8c\x06system\x93(" + run + b"tR",
        "INST": b"(" + run + b"ios\nsystem\n",
        "OBJ": b"(cos\nsystem\n" + run + b"o",
        "NEWOBJ": b"csubprocess\nPopen\n(" + run + b"t\x81",
        "NEWOBJ_EX": b"csubprocess\nPopen\n(" + run + b"t}\x92",
        "eval": b"cbuiltins\neval\n(" + code + b"tR",
        "exec of Python 2": b"c__builtin__\nexecfile\n(" + code + b"tR",
        "import": b"cimportlib\nimport_module\n(S'marker_module'\ntR",
        "only named": b"cmarker_module\nanything\n",
        "getattr chain": b"cbuiltins\ngetattr\n(cos\npath\nS'os'\ntR",
        "dotted name": b"\x8c\x0fcollections.abc\x8c\x0bsys.modules\x93",
        "BUILD with __setstate__": b"cos\nsystem\n)\x81}(S'__setstate__'\ncos\nsystem\nub"
        + run
        + b"b",
        "persistent id": b"(S'storage'\ncos\nsystem\n(" + run + b"tRS'0'\nS'cpu'\nK\x04tQ",
        "EXT1": b"\x82\x01(" + run + b"tR",
        "dictionary key": b"}cos\nsystem\n(" + run + b"tRK\x01s",
        "torch.hub": b"ctorch.hub\nload\n(S'evil/repo'\nS'model'\ntR",
        "nested pickle": b"ctorch.storage\n_load_from_bytes\n(" + run + b"tR",
        "callable returned by a call": b"cbuiltins\ngetattr\n(cos\nsystem\nS'__call__'\ntR("
        + run
        + b"tR",
    }


NAMES = list(attacks(Path("x")))

AUDITED = textwrap.dedent(
    """
    import json, os, sys
    import numpy, ml_dtypes, encodings.raw_unicode_escape
    import tensorpeek.loaders, tensorpeek.loaders.torch_format.reader
    import tensorpeek.loaders.onnx_format.reader

    # everything is imported: from here on nothing may be but files read
    events, files = [], json.loads(sys.argv[1])

    def watch(event, arguments):
        if event == "open":
            path, mode, flags = arguments
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                events.append([event, repr(arguments)])
        elif event != "builtins.id":
            events.append([event, repr(arguments)[:200]])

    before = set(sys.modules)
    sys.addaudithook(watch)
    found = {}
    for name, path in files.items():
        model = tensorpeek.loaders.open_model(path)
        found[name] = [
            [tensor.read().tolist() for tensor in model.tensors if tensor.name == "w"],
            list(model.warnings),
        ]
    seen, modules = list(events), sorted(set(sys.modules) - before)
    print(json.dumps([found, seen, modules, "torch" in sys.modules]))
    """
)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, list, list, bool, Path]:
    """Open every attack in a fresh interpreter that records its audit events."""
    folder = tmp_path_factory.mktemp("attacks")
    marker = folder / "marker"
    (folder / "marker_module.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    files = {
        name: str(checkpoint(folder / f"{number}.pt", beside_a_weight(evil)))
        for number, (name, evil) in enumerate(attacks(marker).items())
    }
    done = subprocess.run(
        [sys.executable, "-c", AUDITED, json.dumps(files)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (*json.loads(done.stdout), marker)


def test_no_attack_runs_imports_writes_or_starts_anything(audited: tuple) -> None:
    _, events, modules, has_torch, marker = audited
    assert events == []
    assert modules == []
    assert not has_torch
    assert not marker.exists()


@pytest.mark.parametrize("name", NAMES)
def test_an_attacked_checkpoint_still_opens_and_tells_its_globals(
    audited: tuple, name: str
) -> None:
    values, warnings = audited[0][name]
    assert values == [[0, 0, 0, 0]]
    if name == "only named":
        assert warnings == []
        return
    assert any("(never executed)" in warning for warning in warnings)


def test_the_attacks_do_run_under_pickle(tmp_path: Path) -> None:
    """The control: the same bytes are dangerous to a reader that executes them."""
    marker = tmp_path / "marker"
    evil = b"\x80\x02" + attacks(marker)["REDUCE of os.system"] + b"."
    pickle.loads(evil)
    assert marker.exists()


@pytest.mark.parametrize(
    ("evil", "expected"),
    [
        (b"cos\nsystem\n", ["names the global os.system (never executed)"]),
        (
            b"cbuiltins\nprint\n(cnt\nsystem\nt\x81",
            [
                "names the global builtins.print (never executed)",
                "names the global nt.system (never executed)",
            ],
        ),
        (b"cos\nsy\x1b[31m\n", ["names the global os.sy\\x1b[31m (never executed)"]),
        (b"c__builtin__\nset\n(]tR", []),
        (b"cnumpy\ndtype\n)R", []),
        (b"cfriendly.lib\nThing\n)\x81", []),
        (b"c__builtin__\ngetattr\n(ctorch._C\n_VariableFunctions\nS'mul'\ntR", []),
        (
            b"c__builtin__\ngetattr\n(ctorch\nTensor\nS'__globals__'\ntR",
            ["names the global __builtin__.getattr (never executed)"],
        ),
    ],
    ids=[
        "a system call",
        "two of them",
        "an escape in the name",
        "a set",
        "a NumPy type",
        "a class of a library",
        "a function of torch",
        "the globals of torch",
    ],
)
def test_warnings_tell_dangerous_from_foreign(
    tmp_path: Path, evil: bytes, expected: list[str]
) -> None:
    warnings = open_model(checkpoint(tmp_path / "m.pt", beside_a_weight(evil))).warnings
    assert len(warnings) == len(expected)
    assert all(want in warning for want, warning in zip(expected, warnings, strict=True))


def test_many_dangerous_globals_are_counted(tmp_path: Path) -> None:
    evil = b"(" + b"".join(b"cos\nf%d\n" % number for number in range(50)) + b"t"
    warnings = open_model(checkpoint(tmp_path / "m.pt", beside_a_weight(evil))).warnings
    assert warnings[-1] == "names 10 more dangerous globals"


LAUGHS = (
    b"]("
    + WEIGHT
    + b"eq\x00"
    + b"".join(
        b"](" + b"h" + bytes([level]) + (b"h" + bytes([level])) * 9 + b"eq" + bytes([level + 1])
        for level in range(60)
    )
)
GRAPHS = {
    "a billion laughs": LAUGHS,
    "a cycle": b"]q\x00(h\x00h\x00" + WEIGHT + b"e",
    "lists 100,000 deep": b"]" * 100_000 + WEIGHT + b"a" * 100_000,
    "objects 100,000 deep": b"ca\nb\n" * 100_000 + WEIGHT + b"\x85R" + b"\x85R" * 99_999,
    "tuples as keys": b"}(" + b"K\x01" + b"2\x86" * 60 + WEIGHT + b"u",
    "a callable that cannot be hashed": b"(])R]\x85)R}\x85)Rt",
    "a callable of nested tuples": b"K\x01" + b"2\x86" * 60 + b")R",
    "a very long key": b"}(" + text("k" * 3_000_000) + b"}(" + (text("a") + WEIGHT) * 30 + b"uu",
    "huge text in metadata": b"(" + text("t" * 3_000_000) + b"q\x00" + b"h\x00" * 10 + b"t",
}


@pytest.mark.parametrize("evil", GRAPHS.values(), ids=GRAPHS.keys())
def test_graphs_made_to_hang_open_in_bounded_time(tmp_path: Path, evil: bytes) -> None:
    path = checkpoint(tmp_path / "graph.pt", beside_a_weight(evil))
    start = time.process_time()
    model = open_model(path)
    assert time.process_time() - start < 25
    assert model.tensors[0].name == "w"
    assert model.tensors[0].read().tolist() == [0, 0, 0, 0]
    assert len(model.tensors) <= 40
    assert all(len(tensor.name) < 1100 and len(tensor.aliases) <= 16 for tensor in model.tensors)


@pytest.mark.parametrize("scale", [1e300, -1e300, float("nan"), float("inf"), 0.0, 5e-324])
def test_any_scale_dequantizes_without_a_complaint(tmp_path: Path, scale: float) -> None:
    quantizer = b"(ctorch\nper_tensor_affine\nG" + struct.pack(">d", scale) + b"K\x03t"
    weight = WEIGHT.replace(b"_rebuild_tensor_v2", b"_rebuild_qtensor")
    weight = weight.replace(b"FloatStorage", b"QInt8Storage").replace(
        b"\x89cc", quantizer + b"\x89cc"
    )
    path = checkpoint(tmp_path / "scale.pt", b"\x80\x02" + weight + b".", bytes([0, 3, 4, 5]))
    [tensor] = open_model(path).tensors
    with np.errstate(all="ignore"):
        expected = np.array([-3, 0, 1, 2], np.float32) * np.float64(scale).astype(np.float32)
    np.testing.assert_array_equal(tensor.read(), expected)


def make_valid(folder: Path) -> list[bytes]:
    weight = torch.arange(12.0).reshape(3, 4)
    scales, points = torch.tensor([0.5, 0.25, 1.0], dtype=torch.float64), torch.zeros(3, dtype=int)
    quantized = torch.quantize_per_channel(weight, scales, points, 0, torch.qint8)
    roots = [
        {"state_dict": {"a.weight": weight, "a.bias": weight[0], "q": quantized}, "epoch": 1},
        torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)),
    ]
    contents = []
    for number, root in enumerate(roots):
        path = folder / f"valid{number}.pt"
        torch.save(root, path)
        contents.append(path.read_bytes())
    script = folder / "script.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), script)
    return [*contents, script.read_bytes()]


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    import warnings

    folder = tmp_path_factory.mktemp("fuzz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return folder, make_valid(folder)


def open_all(path: Path) -> None:
    """Open a file and read all of it: only a model or a LoadError may come out."""
    start = time.process_time()
    model = model_or_none(path)
    for tensor in model.tensors if model else ():
        with contextlib.suppress(LoadError):
            assert tensor.read().shape == tensor.shape
    assert time.process_time() - start < 25


def model_or_none(path: Path) -> Model | None:
    try:
        return open_model(path)
    except LoadError:
        return None


FUZZ = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FUZZ
@given(data=st.data())
def test_mutated_files_give_a_model_or_an_error(
    valid: tuple[Path, list[bytes]], data: st.DataObject
) -> None:
    folder, contents = valid
    content = bytearray(data.draw(st.sampled_from(contents)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(1, len(content)))]
    path = folder / "mutated.pt"
    path.write_bytes(content)
    open_all(path)


@FUZZ
@given(data=st.data())
def test_mutated_pickles_give_a_model_or_an_error(
    valid: tuple[Path, list[bytes]], data: st.DataObject
) -> None:
    """Mutate within the pickle alone, where the zip directory cannot catch it."""
    folder, contents = valid
    content = bytearray(data.draw(st.sampled_from(contents)))
    name = content.find(b"data.pkl")
    start = content.find(b"\x80\x02", name)
    stop = content.find(b"PK", start)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(start, stop - 1))] = data.draw(st.integers(0, 255))
    path = folder / "mutated_pickle.pt"
    path.write_bytes(content)
    open_all(path)
