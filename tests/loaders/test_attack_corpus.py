"""Every attack of the corpus: nothing runs, little time and memory goes, and it is told."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from attack_files import (
    BOMBS,
    archives,
    beside_a_weight,
    call,
    calls,
    confusions,
    old_stream,
    opcodes,
    text,
    zip_of,
)

MAX_CALLS = 4_000_000
"""Python calls that opening a file may make: one second, at a quarter of a microsecond for each."""

MAX_UNITS = 130.0
"""Processor time after which a file counts as a hang, in times of a plain loop that takes 0.04 s
where nothing else runs: five seconds. Calls are what is measured; this sees a single long one."""

MAX_MEGABYTES = 300

AUDITED = textwrap.dedent(
    """
    import contextlib, cProfile, json, os, sys, time
    import numpy, ml_dtypes, encodings.raw_unicode_escape
    import tensorpeek.loaders, tensorpeek.loaders.onnx_format.reader
    from tensorpeek.loaders.registry import FORMATS, open_model
    for entry in FORMATS:  # everything is imported: from here on nothing may be
        __import__(entry.module)

    events, counting, files = [], [], json.load(open(sys.argv[1]))

    def watch(event, arguments):
        if event == "open":
            path, mode, flags = arguments
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and path != "/proc/self/clear_refs":
                events.append([event, repr(arguments)])
        elif event == "sys.setprofile" and counting:
            counting.clear()
        elif event not in ("builtins.id", "os.listdir"):
            events.append([event, repr(arguments)[:200]])

    def peak():
        with contextlib.suppress(OSError), open("/proc/self/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if "VmHWM" in line)
        return 0

    def unit():
        start, table = time.process_time(), {}
        for number in range(400_000):
            table[number & 4095] = (number, [number])
        return time.process_time() - start

    def look(path):
        try:
            model = open_model(path)
        except tensorpeek.loaders.LoadError as error:
            return [str(error)], None, []
        return list(model.warnings), len(model.tensors), [
            [one.name, one.dangerous, one.called] for one in model.imports
        ]

    modules, results, pace = set(sys.modules), {}, max(unit() for _ in range(3))
    sys.addaudithook(watch)
    for name, path in files.items():
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")
        calls = cProfile.Profile(builtins=False)
        counting.append("on")
        start = time.process_time()
        calls.enable()
        found = look(path)
        counting.append("off")
        calls.disable()
        units, memory = (time.process_time() - start) / pace, peak()
        count = sum(entry.callcount for entry in calls.getstats())
        results[name] = [count, units, memory, *found]
    loaded = sorted(set(sys.modules) - modules)
    seen = list(events)
    print(json.dumps([results, seen, loaded, "torch" in sys.modules]))
    """
)


@dataclass(frozen=True)
class Outcome:
    """What opening one file of the corpus came to; ``tensors`` is None if it was refused.

    ``calls`` are those of Python functions; ``units`` is the processor time against that of a plain
    loop.
    """

    calls: int
    units: float
    megabytes: float
    told: list[str]
    tensors: int | None
    imports: list[list[object]]


@dataclass(frozen=True)
class Run:
    """What opening all of them in one interpreter came to."""

    outcomes: dict[str, Outcome]
    events: list[list[str]]
    modules: list[str]
    has_torch: bool
    marker: Path


MARKER = Path("marker")
EVIL = call("os system", text("touch marker"))
WAYS: dict[str, Callable[[bytes], bytes]] = {
    "a zip": lambda evil: zip_of(beside_a_weight(evil)),
    "a stream": old_stream,
    "a plain pickle": lambda evil: b"\x80\x02" + evil + b".",
}


def corpus(marker: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the name of each file of the corpus, and what makes its content."""
    for name, evil in {**calls(marker), **opcodes(marker), **confusions()}.items():
        for way, wrap in WAYS.items():
            yield f"{name} in {way}", partial(wrap, evil)
    for name, make in BOMBS.items():
        yield name, lambda make=make: zip_of(b"\x80\x02" + make() + b".")
    yield "lists in a plain pickle", lambda: b"\x80\x02" + BOMBS["5 million lists"]() + b"."
    for name, content in archives(EVIL).items():
        yield name, partial(bytes, content)
    yield "a pickle after the first", lambda: b"\x80\x02N.\x80\x02" + EVIL + b"."
    yield "a pickle after that of a zip", lambda: zip_of(beside_a_weight(b"N") + EVIL + b".")


NAMES = [name for name, _ in corpus(MARKER)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Open every file in a fresh interpreter that records its audit events."""
    folder = tmp_path_factory.mktemp("corpus")
    marker, files = folder / "marker", {}
    (folder / "marker_module.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    for number, (name, make) in enumerate(corpus(marker)):
        path = folder / f"{number}.pt"
        path.write_bytes(make())
        files[name] = str(path)
    (folder / "files.json").write_text(json.dumps(files))
    done = subprocess.run(
        [sys.executable, "-c", AUDITED, "files.json"],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results, events, modules, has_torch = json.loads(done.stdout)
    outcomes = {name: Outcome(*result) for name, result in results.items()}
    return Run(outcomes, events, modules, has_torch, marker)


def test_nothing_runs_is_imported_or_written(run: Run) -> None:
    assert run.events == []
    assert run.modules == []
    assert not run.has_torch
    assert not run.marker.exists()


@pytest.mark.parametrize("name", NAMES)
def test_no_attack_takes_long_or_much(run: Run, name: str) -> None:
    outcome = run.outcomes[name]
    assert outcome.calls < MAX_CALLS
    assert outcome.units < MAX_UNITS
    assert outcome.megabytes < MAX_MEGABYTES
    assert all(line and "\n" not in line for line in outcome.told)
    assert outcome.tensors is None or outcome.tensors > 0


@pytest.mark.parametrize("name", list(calls(MARKER)) + list(opcodes(MARKER)))
def test_what_would_have_been_called_is_told(run: Run, name: str) -> None:
    in_zip = run.outcomes[f"{name} in a zip"]
    assert in_zip.tensors
    assert any("(never executed)" in line for line in in_zip.told)
    assert any(dangerous for _, dangerous, _ in in_zip.imports)
    assert in_zip.imports[0][1]
    for kind in ("a stream", "a plain pickle"):
        assert any("names the global" in line for line in run.outcomes[f"{name} in {kind}"].told)


@pytest.mark.parametrize("name", calls(MARKER))
def test_a_direct_call_is_told_by_its_name(run: Run, name: str) -> None:
    imports = {entry[0]: entry[1:] for entry in run.outcomes[f"{name} in a zip"].imports}
    module, _, function = name.rpartition(".")
    [known] = [each for each in imports if each.startswith(module.split(".")[0]) and
               imports[each] == [True, True]][:1]  # fmt: skip
    assert function in known or name in ("numpy.testing.run_string", "torch.utils.cpp_extension")


@pytest.mark.parametrize("name", ["a pickle after the first", "a pickle after that of a zip"])
def test_pickles_after_the_first_are_told(run: Run, name: str) -> None:
    told = " ".join(run.outcomes[name].told)
    assert "names the global os.system (never executed)" in told
    assert "bytes follow" in told


def test_harmless_names_are_listed_but_not_as_dangers(run: Run) -> None:
    imports = {entry[0]: entry[1:] for entry in run.outcomes["os.system in a zip"].imports}
    assert imports["torch._utils._rebuild_tensor_v2"] == [False, True]
    assert imports["torch.FloatStorage"] == [False, False]
    assert imports["os.system"] == [True, True]
