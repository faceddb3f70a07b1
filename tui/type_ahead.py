"""Keys that arrive faster than they are followed: several at once over a slow connection."""

from __future__ import annotations

import asyncio

from textual.message_pump import MessagePump


async def caught_up(pump: MessagePump) -> None:
    """Wait until ``pump`` has taken in what was sent to it; never call it from ``pump`` itself.

    A priority key runs before the keys that were typed ahead of it have reached their widget.
    """
    done = asyncio.Event()
    if pump.call_later(done.set):
        await done.wait()
