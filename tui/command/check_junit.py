"""The report of a check as JUnit XML: a suite for each file, a case for each tensor."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from tensorpeek.analysis.integrity import Finding
from tensorpeek.loaders.clean import clean
from tensorpeek.tui.command.check import FileCheck, Report


def print_junit(report: Report) -> None:
    """Print a report as build servers read it.

    What broke a rule is a failure, what could not be checked an error; the first case of each
    suite is the file as a whole. Nothing that was not checked passes.
    """
    write = sys.stdout.write
    write('<?xml version="1.0" encoding="UTF-8"?>\n')
    suites = [_Suite(file) for file in report.files]
    tests = sum(len(suite.cases) for suite in suites)
    failures = sum(suite.failures for suite in suites)
    errors = sum(suite.errors for suite in suites)
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}"'
    write(f'<testsuites name="tensorpeek check" {counts}>\n')
    for suite in suites:
        suite.write()
    write("</testsuites>\n")


class _Suite:
    """The cases of one file."""

    def __init__(self, file: FileCheck) -> None:
        self.path = clean(file.path)
        unchecked = dict(file.unchecked)
        by_tensor: dict[str | None, list[Finding]] = {}
        for finding in file.findings:
            by_tensor.setdefault(finding.tensor, []).append(finding)
        whole = ("file", by_tensor.get(None, []), file.problem)
        self.cases: list[tuple[str, list[Finding], str | None]] = [whole]
        self.cases += [
            (name, by_tensor.get(name, []), unchecked.get(name)) for name in file.tensors
        ]
        self.errors = sum(reason is not None for _, _, reason in self.cases)
        self.failures = sum(bool(found) for _, found, reason in self.cases if reason is None)

    def write(self) -> None:
        write = sys.stdout.write
        counts = f'tests="{len(self.cases)}" failures="{self.failures}" errors="{self.errors}"'
        write(f"  <testsuite name={_attribute(self.path)} {counts}>\n")
        for name, findings, reason in self.cases:
            opening = f"classname={_attribute(self.path)} name={_attribute(name)}"
            if reason is None and not findings:
                write(f"    <testcase {opening}/>\n")
                continue
            write(f"    <testcase {opening}>\n{_outcome(findings, reason)}    </testcase>\n")
        write("  </testsuite>\n")


def _outcome(findings: Sequence[Finding], reason: str | None) -> str:
    """Return one element for a case: build servers read no more than one."""
    told = [f"{finding.severity}: {finding.message} [{finding.rule}]" for finding in findings]
    message = "; ".join(told) or f"not checked: {reason}"
    element = "failure" if reason is None else "error"
    rule = findings[0].rule if findings else "not-checked"
    return f"      <{element} type={_attribute(rule)} message={_attribute(message)}/>\n"


def _attribute(text: str) -> str:
    """Quote and escape a text; what XML cannot hold was escaped by ``clean`` already."""
    return quoteattr(clean(text, 10_000))
