"""Where the command begins: Ctrl+C while modules are still imported ends it without a word."""

from __future__ import annotations

import signal


def main() -> None:
    """Run ``tensorpeek``; until its modules are there, Ctrl+C does what it does to any program."""
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_ours:  # nobody ignores it, as shells do for what runs in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tensorpeek.tui.command.main import main as run

    if is_ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()
