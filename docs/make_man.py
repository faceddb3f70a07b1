"""Write docs/man/tensorpeek.1 from the definitions of the commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click

from tensorpeek.tui.command.main import cli
from tensorpeek.tui.command.subcommands import open_app

PAGE = Path(__file__).parent / "man" / "tensorpeek.1"

KEEP_LINES = "\b"
"""What click's help puts before a paragraph whose lines are not to be filled."""

ENVIRONMENT = {
    "NO_COLOR": "If set, nothing is colored.",
    "TENSORPEEK_CONFIG": "The settings file to use.",
    "TENSORPEEK_CACHE_DIR": "The folder of the results that are kept; empty: none are kept.",
    "TENSORPEEK_STATE_DIR": "The folder of what the app remembers; empty: it remembers nothing.",
    "TENSORPEEK_KERNELS": "numpy: do not use the compiled kernels.",
}


def roff(text: str) -> str:
    """Return text as roff shows it unchanged."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{shown}" if shown.startswith(".") else shown


def help_lines(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; those marked keep their lines."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        yield ".PP"
        if not paragraph.startswith(KEEP_LINES):
            yield roff(" ".join(paragraph.split()))
            continue
        yield ".nf"
        yield from (
            roff(line) for line in paragraph.removeprefix(KEEP_LINES).strip("\n").split("\n")
        )
        yield ".fi"


def option_lines(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the options of a command that its help shows."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            yield ".TP"
            yield f"\\fB{roff(record[0])}\\fR"
            yield roff(record[1])


def command_lines(name: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    """Yield the part about a subcommand."""
    context = click.Context(command, info_name=command.name, parent=parent)
    yield f".SS {name}"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"\\fB{roff(context.command_path)}\\fR {roff(usage)}"
    yield from help_lines(command.help or "")
    yield from option_lines(command, context)
    if isinstance(command, click.Group):
        for part, member in sorted(command.commands.items()):
            yield from command_lines(f"{name} {part}", member, context)


def man_page() -> str:
    """Return the whole manual page."""
    context = click.Context(cli, info_name="tensorpeek", **cli.context_settings)
    lines = [
        f'.TH TENSORPEEK 1 "" "tensorpeek {version("tensorpeek")}" "User Commands"',
        ".SH NAME",
        "tensorpeek \\- look into the weight files of neural networks",
        ".SH SYNOPSIS",
        "\\fBtensorpeek\\fR [OPTIONS] [PATH]...",
        ".br",
        "\\fBtensorpeek\\fR COMMAND [OPTIONS] [ARGUMENTS]...",
        ".SH DESCRIPTION",
        *help_lines(cli.help or ""),
        ".SH OPTIONS",
        *option_lines(open_app, context),
        *option_lines(cli, context),
        ".SH COMMANDS",
    ]
    for name, command in sorted(cli.commands.items()):
        lines += command_lines(name, command, context)
    lines.append(".SH ENVIRONMENT")
    for name, meaning in ENVIRONMENT.items():
        lines += [".TP", f"\\fB{name}\\fR", roff(meaning)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(man_page(), encoding="utf-8")
    print(PAGE)
