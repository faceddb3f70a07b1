"""Settings for tests that run the app: the garbage collector as the command sets it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tensorpeek.tui.command.start_app import COLLECT_AFTER


@pytest.fixture(scope="package", autouse=True)
def _collects_as_the_command_does() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*COLLECT_AFTER)
    yield
    gc.set_threshold(*before)
