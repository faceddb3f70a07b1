"""The ``tensorpeek`` command: a path opens the app, a subcommand prints.

Only click is imported here: help and completion answer at once, each command imports what it needs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.export_subcommands import export
from tensorpeek.tui.command.grid_subcommands import grids
from tensorpeek.tui.command.plot_subcommands import plot
from tensorpeek.tui.command.scan_subcommands import cache, scan
from tensorpeek.tui.command.subcommands import (
    check,
    completion,
    config,
    diff,
    hist,
    ls,
    open_app,
    serve,
    stats,
)
from tensorpeek.tui.command.termination import Termination

OWN_OPTIONS = frozenset({"-h", "--help", "-V", "--version"})
"""First arguments that are meant for the group and not for the app."""


class AppGroup(click.Group):
    """A group whose first argument may be a path: then the app opens it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hand everything that does not begin with a subcommand to the app."""
        first = args[0] if args else None
        known = first in OWN_OPTIONS or first in self.commands
        if not known and not (first is None and ctx.resilient_parsing):
            args = ["open", *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, or the app under a name that no user types."""
        return open_app if cmd_name == "open" else super().get_command(ctx, cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete subcommands, and paths as the shell does."""
        return [*super().shell_complete(ctx, incomplete), CompletionItem(incomplete, type="file")]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the app's options beside the group's own, then the subcommands."""
        own = [param for param in open_app.params if isinstance(param, click.Option)]
        records = [
            record
            for param in (*own, *self.get_params(ctx))
            if (record := param.get_help_record(ctx)) is not None
        ]
        with formatter.section("Options"):
            formatter.write_dl(records)
        self.format_commands(ctx, formatter)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 (as click declares it)
    ) -> click.Context:
        """Parse the words; what --help and --version cannot print has an exit code too."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except OSError as error:
            sys.exit(_output_failed(error))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (as click declares it)
        """Run a command and turn what it returns, and what ends it early, into an exit code."""
        with Termination() as termination:
            try:
                code = super().invoke(ctx)
                sys.stdout.flush()
            except OSError as error:
                code = _output_failed(error)
            except KeyboardInterrupt:
                code = ExitCode.INTERRUPTED
        if code == ExitCode.INTERRUPTED and termination.signal is not None:
            code = ExitCode(128 + termination.signal)
        ctx.exit(int(code or ExitCode.OK))


def _output_failed(error: OSError) -> ExitCode:
    """Tell why nothing more can be printed, unless the reader went away."""
    _forget_output()
    if isinstance(error, BrokenPipeError):
        return ExitCode.BROKEN_PIPE
    reason = (error.strerror or str(error)).lower()
    if error.filename is None:
        click.echo(f"tensorpeek: {reason}", err=True)
    else:
        from tensorpeek.tui.command.console import complain

        complain(error.filename, reason)
    return ExitCode.UNREADABLE


def _forget_output() -> None:
    """Send what is still buffered nowhere, or Python complains about it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _replace_closed_streams() -> None:
    """Send what goes to streams that were closed before the program began nowhere.

    Python has None for them: print would take stdout for stderr, and a file that is opened would
    get the number of one.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (for good)
            setattr(sys, name, stream)


def _tell_version(context: click.Context, _param: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
    """Print the version, and whether compiled kernels or NumPy compute."""
    if not wanted or context.resilient_parsing:
        return
    from importlib.metadata import version

    from tensorpeek.analysis.compiled import engine

    click.echo(f"tensorpeek, version {version('tensorpeek')}")
    click.echo(f"kernels: {engine().name}")
    if engine().warning is not None:
        click.echo(f"tensorpeek: {engine().warning}", err=True)
    context.exit()


@click.group(
    cls=AppGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="[PATH]...",
    options_metavar="[OPTIONS]",
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_tell_version,
    help="Show the version, and what computes, and exit.",
)
def cli() -> None:
    """Look into the weight files of neural networks.

    \b
    tensorpeek [PATH]...     open files, folders or patterns in the app; default: ./models
    tensorpeek COMMAND ...   print instead, as text or --json (see Commands)

    A file that is named like a command opens as ./NAME.

    \b
    Examples:
      tensorpeek model.pt
      tensorpeek checkpoints/ other.onnx
      tensorpeek stats model.pt '*conv2d*'
      tensorpeek hist model.pt --range -0.25 0.25

    Exit codes: 0 fine, 1 findings (check, diff), 2 wrong usage or no match,
    3 something could not be read.
    """  # noqa: D301 (click's mark for a paragraph that keeps its lines)


for command in (
    ls,
    stats,
    hist,
    scan,
    check,
    diff,
    export,
    plot,
    serve,
    grids,
    cache,
    config,
    completion,
):
    cli.add_command(command)


def main() -> None:
    """Run the command with the arguments of the process, and exit."""
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="tensorpeek")
