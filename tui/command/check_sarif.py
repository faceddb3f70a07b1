"""The report of a check as SARIF 2.1.0, which code hosts show beside a change.

The format is OASIS's (docs.oasis-open.org/sarif/sarif/v2.1.0).
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from tensorpeek.analysis.integrity import RULES, Finding
from tensorpeek.loaders.clean import clean
from tensorpeek.tui.command.check import FileCheck, Report
from tensorpeek.tui.command.document import Json

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def print_sarif(report: Report) -> None:
    """Print a log of one run; a tensor is a logical location in its file."""
    rules = list(RULES)
    results = [_result(rules, file, finding) for file, finding in report.findings]
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver()},
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(report)],
                "results": results,
            }
        ],
    }
    sys.stdout.write(json.dumps(log, indent=1, allow_nan=False) + "\n")


def _driver() -> Json:
    return {
        "name": "tensorpeek",
        "version": version("tensorpeek"),
        "rules": [
            {
                "id": name,
                "shortDescription": {"text": rule.description},
                "defaultConfiguration": {"level": rule.severity},
            }
            for name, rule in RULES.items()
        ],
    }


def _result(rules: list[str], file: FileCheck, finding: Finding) -> Json:
    location: Json = {"physicalLocation": {"artifactLocation": {"uri": _uri(file.path)}}}
    about = ""
    if finding.tensor is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.tensor, "kind": "member"}]
        about = f"{finding.tensor}: "
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.severity,
        "message": {"text": clean(about + finding.message, 10_000)},
        "locations": [location],
    }


def _invocation(report: Report) -> Json:
    """Say whether all files could be opened, and list what was not checked."""
    told = [
        {
            "level": "warning",
            "message": {"text": clean(f"not checked: {file.path}: {name}: {reason}", 10_000)},
        }
        for file in report.files
        for name, reason in file.unchecked
    ]
    told += [
        {"level": "error", "message": {"text": clean(f"{file.path}: {file.problem}", 10_000)}}
        for file in report.files
        if file.problem is not None
    ]
    opened = all(file.problem is None for file in report.files)
    return {"executionSuccessful": opened, "toolExecutionNotifications": told}


def _uri(path: str) -> str:
    """Return a path as a URI: absolute ones with their scheme, others relative."""
    escaped = quote(path.encode(errors="surrogateescape"), safe="/")
    return f"file://{escaped}" if Path(path).is_absolute() else escaped
