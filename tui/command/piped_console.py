"""A console that leaves it to the program what a reader that went away means."""

from __future__ import annotations

from rich.console import Console


class PipedConsole(Console):
    """Rich ends the program with 1 when the reader goes away, which here means findings."""

    def on_broken_pipe(self) -> None:
        """Let the BrokenPipeError pass that is being handled."""
        raise  # noqa: PLE0704 (called by its handler)
