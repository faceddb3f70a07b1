"""The report of a check as JSON."""

from __future__ import annotations

import dataclasses

from tensorpeek.tui.command.check import FileCheck, Report
from tensorpeek.tui.command.document import Json, print_lists


def print_json(report: Report) -> None:
    """Print the report under the schema ``tensorpeek.check/1``."""
    findings = [
        {
            "path": file.path,
            "tensor": finding.tensor,
            "severity": finding.severity,
            "rule": finding.rule,
            "message": finding.message,
        }
        for file, finding in report.findings
    ]
    print_lists(
        "check",
        {
            "counts": _counts(report),
            "models": [_model(file) for file in report.files if file.problem is None],
            "findings": findings,
            "unchecked": [one for file in report.files for one in _unchecked(file)],
            "errors": [
                {"path": file.path, "reason": file.problem}
                for file in report.files
                if file.problem is not None
            ],
        },
    )


def _counts(report: Report) -> Json:
    severities = [finding.severity for _, finding in report.findings]
    return {
        "files": len(report.files),
        "tensors": sum(len(file.tensors) for file in report.files),
        "checked": report.checked,
        "unchecked": report.unchecked,
        "findings": len(severities),
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
    }


def _model(file: FileCheck) -> Json:
    return {
        "path": file.path,
        "format": file.format,
        "tensors": len(file.tensors),
        "checked": file.checked,
        "imports": [dataclasses.asdict(one) for one in file.imports],
    }


def _unchecked(file: FileCheck) -> list[Json]:
    whole = [{"path": file.path, "tensor": None, "reason": file.problem}] if file.problem else []
    return whole + [
        {"path": file.path, "tensor": name, "reason": reason} for name, reason in file.unchecked
    ]
