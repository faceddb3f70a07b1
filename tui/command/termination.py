"""SIGTERM and SIGHUP end a command as Ctrl+C does: what is done is written, nothing by halves."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""To end, and that the terminal is gone (not on Windows)."""


class Termination:
    """Turns a signal to end into KeyboardInterrupt inside a ``with`` block.

    ``signal`` is the one that came. Only in the main thread, and only signals that nobody else
    takes or ignores, as nohup does.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._taken: list[signal.Signals] = []

    def __enter__(self) -> Termination:
        """Take the signals."""
        if threading.current_thread() is threading.main_thread():
            self._taken = [one for one in SIGNALS if signal.getsignal(one) is signal.SIG_DFL]
        for one in self._taken:
            signal.signal(one, self._end)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Leave the signals as they were, unless somebody else has taken them since."""
        for one in self._taken:
            if signal.getsignal(one) == self._end:
                signal.signal(one, signal.SIG_DFL)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        raise KeyboardInterrupt
