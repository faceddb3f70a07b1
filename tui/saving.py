"""What is being written to a file while one looks on: one file at a time, on whatever screen."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_NAME = 28
"""Characters of a name that are told, the last ones: the top line has other things to say."""


@dataclass(eq=False)
class Saving:
    """The values of ``subject`` are being written, ``share`` of them (0 to 1) by now.

    ``is_stopped`` asks the writing to end; it may have ended already.
    """

    subject: str
    share: float = 0.0
    is_stopped: bool = False

    def words(self) -> str:
        """Return ``writing NAME … 42 %, Esc stops``, the name cut in front where it is long."""
        name = self.subject
        if len(name) > LONGEST_NAME:
            name = f"…{name[1 - LONGEST_NAME :]}"
        if self.is_stopped:
            return f"stopping {name} …"
        return f"writing {name} … {self.share:.0%}, Esc stops"
