"""List the grids that show a whole model as one picture."""

from __future__ import annotations

from collections.abc import Sequence

from tensorpeek.tui.command.exit_codes import ExitCode


def list_grids(plugins: Sequence[str], *, as_json: bool) -> ExitCode:
    """Print every grid, where it comes from and what it does; what is wrong goes to stderr.

    A plugin that does not load makes the exit code 3.
    """
    from tensorpeek.analysis.grids import find_grids
    from tensorpeek.tui.command.console import answer_console, complain
    from tensorpeek.tui.command.document import print_lists
    from tensorpeek.tui.command.tables import plain_table, print_table

    found, problems = find_grids(plugins)
    if as_json:
        records = [
            {"name": each.name, "source": each.source, "description": each.description}
            for each in found
        ]
        errors = [{"name": each.name, "reason": each.reason} for each in problems]
        print_lists("grids", {"grids": records, "errors": errors})
    else:
        table = plain_table(texts=("name", "from", "what it does"), numbers=())
        for each in found:
            table.add_row(each.name, each.source, each.description)
        print_table(answer_console(), table)
        for problem in problems:
            complain(f"grid {problem.name}", problem.reason)
    return ExitCode.UNREADABLE if problems else ExitCode.OK
