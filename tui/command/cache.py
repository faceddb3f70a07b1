"""The results that are kept: for commands that use them, and the ``cache`` command."""

from __future__ import annotations

from tensorpeek.analysis.result_cache import CacheFacts, ResultCache, cache_folder
from tensorpeek.tui.command.console import answer_console, complain
from tensorpeek.tui.command.document import print_lists
from tensorpeek.tui.command.exit_codes import ExitCode


def open_cache(*, is_off: bool = False) -> ResultCache:
    """Open the user's results; what is wrong with them is one line on stderr."""
    return ResultCache(None if is_off else cache_folder(), lambda reason: complain("cache", reason))


def print_cache(*, clear: bool, as_json: bool) -> ExitCode:
    """Print where results are kept and how many there are; with ``clear``, forget them before."""
    folder = cache_folder()
    facts: CacheFacts | None = CacheFacts()
    if folder is not None and folder.exists():
        with open_cache() as cache:
            if clear:
                cache.clear()
            facts = cache.facts()
    if facts is None:
        return ExitCode.UNREADABLE
    place = None if folder is None else str(folder)
    if as_json:
        print_lists("cache", {"folder": place, "entries": facts.entries, "nbytes": facts.nbytes})
        return ExitCode.OK
    from rich.text import Text

    from tensorpeek.loaders.clean import clean
    from tensorpeek.tui.number_text import size

    console = answer_console()
    console.print(Text(clean(place or "no results are kept: TENSORPEEK_CACHE_DIR is empty")))
    console.print(Text(f"{facts.entries:,} results, {size(facts.nbytes)}"))
    return ExitCode.OK
