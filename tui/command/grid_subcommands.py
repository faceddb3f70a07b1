"""The subcommand that lists grids, as click sees it."""

# click's \b keeps the lines of a paragraph.
# ruff: noqa: D301

from __future__ import annotations

import click

from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.options import json_option

plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Run the Python code in FILE, which adds grids; name only what you trust.",
)


@click.command(short_help="List the grids that show a whole model as one picture.")
@plugin_option
@json_option
def grids(plugins: tuple[str, ...], as_json: bool) -> ExitCode:  # noqa: FBT001
    """List the grids that show a whole model as one picture (key G of the heatmap).

    Grids are built in, come with installed packages (entry points of the group
    tensorpeek.grids), or from a Python file named by --plugin. Such a file is code, and it is run:
    name only what you trust. No file is ever taken from the folder of a model.

    \b
    Examples:
      tensorpeek grids
      tensorpeek grids --plugin my_grid.py
      tensorpeek --plugin my_grid.py model.pt
    """
    from tensorpeek.tui.command.grids import list_grids

    return list_grids(plugins, as_json=as_json)
