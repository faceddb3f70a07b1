"""The line of keys fits the narrowest screen, whatever has a use there."""

from __future__ import annotations

from pathlib import Path

import pytest
from driven_app import NARROW, driven

from tensorpeek.tui.tabs import TABS, Tab


@pytest.mark.parametrize("tab", TABS, ids=[f"the screen {tab.title}" for tab in TABS])
async def test_all_keys_of_the_line_are_told_in_full(samples: Path, tab: Tab) -> None:
    files = (samples / "resnet8_int8.pt", samples / "resnet8.pt")
    async with driven(*files, size=NARROW) as app:
        if tab is not TABS[0]:
            await app.press(tab.key)
        assert app.line("#keys").endswith("^p palette")
        assert "? help" in app.line("#keys")
