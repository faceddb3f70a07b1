"""The report of a check for people: one line a finding, then a summary."""

from __future__ import annotations

from rich.text import Text

from tensorpeek.loaders.clean import clean
from tensorpeek.tui.command.check import Report
from tensorpeek.tui.command.console import answer_console

STYLES = {"error": "bold red", "warning": "yellow"}


def print_text(report: Report) -> None:
    """Print ``path: tensor: severity: message [rule]`` for each finding, then the counts."""
    console = answer_console()
    for file, finding in report.findings:
        line = Text(f"{clean(file.path)}: ")
        if finding.tensor is not None:
            line.append(f"{finding.tensor}: ", "bold")
        line.append(finding.severity, STYLES[finding.severity])
        line.append(f": {clean(finding.message)} ").append(f"[{finding.rule}]", "dim")
        console.print(line, soft_wrap=True)
    console.print(Text(summary(report)), soft_wrap=True)


def summary(report: Report) -> str:
    """Return ``N tensors checked, N findings, N not checked``."""
    tensors, findings = report.checked, len(report.findings)
    return (
        f"{tensors:,} tensor{'' if tensors == 1 else 's'} checked, "
        f"{findings:,} finding{'' if findings == 1 else 's'}, {report.unchecked:,} not checked"
    )
