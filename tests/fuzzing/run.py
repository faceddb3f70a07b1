"""Damage models at random for some time: ``make fuzz``, or ``python -m fuzzing.run`` in ``tests``.

A finding is a case that ends in anything but a model or a LoadError, or that takes more time or
memory than a small file may. It is kept with its files; ``--replay FILE`` opens such a file again.
The exit code is 1 if there are findings.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from fuzzing import worker
from fuzzing.pool import Finding, Pool
from fuzzing.seed_models import build

HERE = Path(__file__).resolve().parent
KEPT = 3
"""Findings that are kept of those that end in the same way."""


def main() -> int:
    """Run cases, print how they ended, and return the exit code."""
    options = _options()
    if options.replay is not None:
        worker.prepare()
        outcome = worker.run(options.replay)
        print(outcome)
        return int(outcome == "failed")
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as folder:
        seeds = Path(folder)
        build(seeds)
        return _fuzz(seeds, options)


def _fuzz(seeds: Path, options: argparse.Namespace) -> int:
    started = time.monotonic()
    pool = Pool(seeds, options.seed, options.processes)
    with pool:
        outcomes, findings = pool.run(
            lambda done: time.monotonic() - started > options.seconds or done >= options.cases
        )
    passed = time.monotonic() - started
    total = sum(outcomes.values())
    ends = ", ".join(f"{number:,} {name}" for name, number in sorted(outcomes.items()))
    print(f"{total:,} cases in {passed:.0f} s, {total / passed:.0f}/s, seed {options.seed}: {ends}")
    return _keep(findings, options.findings)


def _keep(findings: list[Finding], folder: Path) -> int:
    """Keep some findings of each kind, print all kinds, and return the exit code."""
    kinds: Counter[str] = Counter()
    for finding in findings:
        kinds[finding.kind] += 1
        if kinds[finding.kind] <= KEPT:
            path = finding.keep(folder)
            print(f"  {finding.kind}\n    {path}")
    for kind, number in kinds.most_common():
        print(f"  {number:5} x {kind}")
    return int(bool(findings))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=120, help="how long to go on")
    parser.add_argument("--cases", type=int, default=1 << 60, help="how many cases at most")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="seed of randomness")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--replay", type=Path, help="open this file of a finding again")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
