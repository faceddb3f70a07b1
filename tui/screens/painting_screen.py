"""The part of a screen that paints: once for a key, with what its quick answers change."""

from __future__ import annotations

import asyncio
import time

from textual import events, on

from tensorpeek.tui.background import Background, Crashed
from tensorpeek.tui.screens.acting_screen import ActingScreen
from tensorpeek.tui.session import Session

HOLD = 0.02
"""Seconds at most for which a paint waits for what a key asked for."""

TURN = 0.001
"""Seconds between two looks whether that is there; it is when two in a row find nothing to do."""


class PaintingScreen(ActingScreen):
    """Waits a moment after a key, so that all that it changes is one paint.

    What a key asks of the background is mostly there within a few milliseconds, and what one widget
    tells another within one. Painted before that, it would be painted again: one frame later, or
    after a first paint that kept the background from answering.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._background = Background(self)
        self._held_until: float | None = None
        self._held_from = 0
        self._quiet_turns = 0

    @property
    def is_settled(self) -> bool:
        """Whether no work is running in the background."""
        return self._background.is_idle()

    @on(Crashed)
    def raise_crash(self, event: Crashed) -> None:
        """Show a defect instead of hiding it."""
        raise event.error

    def hold_painting(self) -> None:
        """Paint what is changed from now on together with its answers; call it for each key."""
        if self._held_until is None:
            self._held_until = time.monotonic() + HOLD
            self._held_from = self._background.newest
            self._quiet_turns = 0
            asyncio.get_running_loop().call_later(TURN, self._look)

    def _look(self) -> None:
        """Go on with painting as soon as nothing is to be waited for."""
        self._quiet_turns = self._quiet_turns + 1 if self._is_quiet() else 0
        is_late = self._held_until is None or time.monotonic() >= self._held_until
        if self._quiet_turns < 2 and not is_late:
            asyncio.get_running_loop().call_later(TURN, self._look)
            return
        self._held_until = None
        self.check_idle()

    def _is_quiet(self) -> bool:
        """Whether the background has answered, and no widget has anything to do."""
        widgets = self.walk_children(with_self=True)
        is_told = any(widget.message_queue_size for widget in widgets)
        return not is_told and self._background.is_idle(since=self._held_from)

    def on_idle(self, event: events.Idle) -> None:
        """Keep Textual from painting yet."""
        if self._held_until is not None:
            event.prevent_default()
