"""Keep worker processes running: read what they tell, put another in the place of a dead one."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from fuzzing.cases import Case, Cases

TESTS = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(TESTS)}


@dataclass(frozen=True)
class Finding:
    """A case that did not end well, and what its process said of it."""

    number: int
    case: Case
    report: str

    @property
    def kind(self) -> str:
        """One line that is the same for findings of one defect: the error, the place it rose."""
        places = re.findall(r'File "[^"]*(?:tensorpeek|tests)/([^"]+)", line (\d+)', self.report)
        # A traceback has the innermost call last, the report of a limit has it first.
        is_limit = "most recent call first" in self.report
        place = ":".join(places[0 if is_limit else -1]) if places else "?"
        last = self.report.strip().splitlines()[-1:] or ["ended without a word"]
        what = "takes too long" if is_limit else last[0][:200]
        return f"{self.case.seed.format}: {place}: {what}"

    def keep(self, folder: Path) -> Path:
        """Write the files into a folder of their own; return the one to open."""
        slug = "".join(each if each.isalnum() else "_" for each in self.kind)[:80]
        own = folder / f"{slug}-{self.number}"
        own.mkdir(parents=True, exist_ok=True)
        path = self.case.write(own)
        (own / "report.txt").write_text(self.report)
        return path


class _Worker:
    """One process, the case it runs, and its stderr so far."""

    def __init__(self, seeds: Path, seed: int, first: int, step: int) -> None:
        self.number = first
        self.step = step
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by end)
        numbers = map(str, (seed, first, step))
        command = [sys.executable, "-m", "fuzzing.worker", str(seeds), *numbers]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.errors, env=ENVIRONMENT, cwd=TESTS
        )

    def take_errors(self) -> str:
        """Return what was written to stderr since the last time."""
        self.errors.seek(0)
        report = self.errors.read().decode(errors="replace")
        self.errors.seek(0)
        self.errors.truncate()
        return report

    def end(self) -> None:
        """Kill the process, if it still runs."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.errors.close()


class Pool:
    """Workers that share the cases of a seed of randomness."""

    def __init__(self, seeds: Path, seed: int, processes: int) -> None:
        self._cases = Cases(seeds, seed)
        self._where = seeds, seed
        self._selector = selectors.DefaultSelector()
        self._step = processes
        self._outcomes: Counter[str] = Counter()
        self._findings: list[Finding] = []

    def __enter__(self) -> Self:
        for first in range(self._step):
            self._start(first)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for key in list(self._selector.get_map().values()):
            key.data.end()
        self._selector.close()

    def run(self, is_done: Callable[[int], bool]) -> tuple[Counter[str], list[Finding]]:
        """Run cases until ``is_done(number of cases)``; return how they ended, and the findings."""
        while not is_done(sum(self._outcomes.values())):
            for key, _ in self._selector.select(1):
                self._hear(key.data)
        return self._outcomes, self._findings

    def _start(self, first: int) -> None:
        worker = _Worker(*self._where, first, self._step)
        self._selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

    def _hear(self, worker: _Worker) -> None:
        line = worker.process.stdout.readline().split()
        if not line:
            self._bury(worker)
            return
        worker.number = int(line[0])
        outcome = line[1].decode()
        if outcome == "starts":
            return
        self._outcomes[outcome] += 1
        if outcome == "failed":
            self._add(worker.number, worker.take_errors())

    def _bury(self, worker: _Worker) -> None:
        """Take a dead worker's last case for a finding, and go on with the next one."""
        self._selector.unregister(worker.process.stdout)
        code = worker.process.wait()
        self._outcomes["ended the process"] += 1
        self._add(worker.number, f"{worker.take_errors()}\nexit code {code}")
        worker.end()
        self._start(worker.number + self._step)

    def _add(self, number: int, report: str) -> None:
        self._findings.append(Finding(number, self._cases[number], report))
