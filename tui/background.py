"""Run long work off the UI thread: one current job a lane, newer ones replace older ones.

Threads are daemons of their own and not Textual's thread workers, because a worker that cannot be
interrupted (the header of a huge file) would delay quitting until it ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from textual.message import Message
from textual.message_pump import MessagePump

PROGRESS_INTERVAL = 0.25
"""Seconds between two progress messages: each costs bytes over SSH."""


@dataclass
class Crashed(Message):
    """A job raised something that nobody foresaw: a defect, to be shown and not hidden."""

    error: BaseException


class Work:
    """What a running job sees: whether to stop, and where to post."""

    def __init__(self, background: Background, lane: str, number: int) -> None:
        self._background = background
        self._lane = lane
        self._number = number

    def stop(self) -> bool:
        """Whether a newer job has taken the lane or the app is closing; poll at every 50 ms."""
        return not self._background.is_current(self._lane, self._number)

    def post(self, message: Message) -> None:
        """Post a message to the UI thread, unless this job is out of date."""
        if not self.stop():
            self._background.target.post_message(message)

    def paced(self, message: Callable[[float], Message]) -> Callable[[float], None]:
        """Return a function that takes a share from 0 to 1 and posts it as a message, not often."""
        last = time.monotonic()

        def progress(share: float) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= PROGRESS_INTERVAL:
                last = now
                self.post(message(share))

        return progress


Job = Callable[[Work], None]


class Background:
    """Lanes of work for one message pump.

    A job whose lane has a newer one posts nothing; whatever it still does ends in silence.
    """

    def __init__(self, target: MessagePump) -> None:
        self.target = target
        self._numbers = count(1)
        self._current: dict[str, int] = {}
        self._newest = 0
        self._running: set[int] = set()
        self._closed = False

    def submit(self, lane: str, job: Job) -> None:
        """Start ``job`` and make every older job of ``lane`` out of date."""
        number = next(self._numbers)
        self._current[lane] = self._newest = number
        self._running.add(number)
        threading.Thread(
            target=self._run,
            args=(job, Work(self, lane, number), number),
            name=f"tensorpeek-{lane}-{number}",
            daemon=True,
        ).start()

    def cancel(self, lane: str) -> None:
        """Make the current job of ``lane`` out of date."""
        self._current.pop(lane, None)

    def cancel_all(self) -> None:
        """Make every job out of date."""
        self._current.clear()

    def close(self) -> None:
        """Tell every job to stop; nothing is posted from now on."""
        self._closed = True

    @property
    def newest(self) -> int:
        """The number of the newest job, from 1; 0 before the first."""
        return self._newest

    def is_idle(self, *, since: int = 0) -> bool:
        """Whether no job is running that is newer than the job ``since``."""
        return max(self._running.copy(), default=0) <= since

    def is_current(self, lane: str, number: int) -> bool:
        """Whether the job ``number`` is the newest of ``lane`` and the app is not closing."""
        return not self._closed and self._current.get(lane) == number

    def _run(self, job: Job, work: Work, number: int) -> None:
        try:
            job(work)
        except Exception as error:  # noqa: BLE001 (posted, and raised again on the UI thread)
            work.post(Crashed(error))
        finally:
            self._running.discard(number)
