"""A few hundred damaged models of every format, the same each time, end in a model or an error."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from random import Random

import numpy as np
import pytest
from scheme_files import FORMATS

from fuzzing.cases import SLOW, Cases
from fuzzing.examine import examine
from fuzzing.mutations import MUTATIONS, mutate
from fuzzing.pool import ENVIRONMENT, Finding, Pool
from fuzzing.seed_models import build
from tensorpeek.loaders.layout import Layout

CASES = 400


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeds")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other libraries deprecate
        build(folder, samples=False)
    return folder


def test_damaged_models_end_in_a_model_or_an_error(seeds: Path) -> None:
    with Pool(seeds, seed=1, processes=1) as pool:
        outcomes, findings = pool.run(lambda done: done >= CASES)
    assert [finding.report for finding in findings] == []
    assert min(outcomes["opened"], outcomes["refused"]) > CASES / 5


def test_cases_are_of_every_format_and_the_same_each_time(seeds: Path) -> None:
    cases = [Cases(seeds, 1)[number] for number in range(CASES)]
    assert {case.seed.format for case in cases} == FORMATS.keys()
    assert sum(case.seed.format == SLOW for case in cases) < CASES / 50
    again = [Cases(seeds, 1)[number] for number in range(CASES)]
    assert [case.content for case in cases] == [case.content for case in again]


def test_a_broken_reader_is_found_out(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "resnet8.pt"
    shutil.copyfile(samples / path.name, path)
    assert examine(path) == "opened"
    monkeypatch.setattr(Layout, "read", lambda *_, **__: iter([np.zeros(1, np.float32)]))
    with pytest.raises(AssertionError, match="1 values where there should be"):
        examine(path)


ERROR = """\
  File "/x/tests/fuzzing/run.py", line 1, in main
  File "/x/tensorpeek/a.py", line 7, in f
KeyError: 1"""
LIMIT = """\
Thread 0x7 (most recent call first):
  File "/x/tensorpeek/a.py", line 7 in f
  File "/x/tests/b.py", line 9 in g
"""


@pytest.mark.parametrize(
    ("report", "kind"),
    [
        pytest.param(ERROR, "a.py:7: KeyError: 1", id="an error"),
        pytest.param(LIMIT, "a.py:7: takes too long", id="a limit"),
        pytest.param("\nexit code -9", "?: exit code -9", id="a crash"),
    ],
)
def test_findings_of_one_defect_are_told_by_error_and_place(
    seeds: Path, report: str, kind: str
) -> None:
    case = Cases(seeds, 1)[0]
    assert Finding(0, case, report).kind == f"{case.seed.format}: {kind}"


def limited(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a case in a worker whose ``examine`` is ``program``."""
    start = f"from fuzzing import worker; worker.SECONDS = 0; worker.examine = lambda _: {program}"
    end = "worker.prepare(); print(worker.run(Path(sys.argv[1])))"
    command = [sys.executable, "-c", f"import sys; from pathlib import Path; {start}; {end}"]
    return subprocess.run(
        [*command, str(path)], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory")
def test_more_memory_than_a_small_file_may_take_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"small")
    assert limited("bytes(50 << 20) and 'opened'", path).stdout == "opened\n"
    done = limited("bytes(500 << 20)", path)
    assert (done.stdout, done.stderr.split()[-1]) == ("failed\n", "MemoryError")


def test_more_time_than_a_small_file_may_take_is_a_finding(tmp_path: Path) -> None:
    done = limited("any(iter(int, 1))", tmp_path / "file")
    assert done.returncode == -signal.SIGXCPU
    assert "most recent call first" in done.stderr


def test_a_finding_is_kept_with_its_files(seeds: Path, tmp_path: Path) -> None:
    case = Cases(seeds, 1)[3]
    path = Finding(3, case, "KeyError: 1").keep(tmp_path)
    assert {file.name for file in path.parent.iterdir()} > {
        file.name for file in case.seed.folder.iterdir()
    } - {case.seed.opened}
    assert (path.parent / "report.txt").read_text() == "KeyError: 1"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__.strip("_"))
def test_mutations_take_any_content(mutation: object) -> None:
    random = Random(1)
    for size in (1, 2, 7, 600):
        for _ in range(20):
            content = bytearray(random.randbytes(size))
            mutation(content, random.randbytes(size), random)  # type: ignore[operator]
    assert mutate(b"", b"", random) == b""
