"""What the process tells the shell."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FINDINGS = 1
    """A comparison or a check found something; no other failure has this code."""
    USAGE = 2
    """The arguments make no sense, or nothing matches them."""
    UNREADABLE = 3
    """A file, or a tensor in it, could not be read; the rest was printed."""
    DEFECT = 70
    """The program itself failed, as sysexits.h counts: EX_SOFTWARE."""
    HUNG_UP = 129
    """The terminal is gone, as shells count: 128 + SIGHUP."""
    INTERRUPTED = 130
    """Ctrl+C, as shells count: 128 + SIGINT."""
    BROKEN_PIPE = 141
    """The reader of the output went away, as shells count: 128 + SIGPIPE."""
    TERMINATED = 143
    """Told to end, as shells count: 128 + SIGTERM."""
