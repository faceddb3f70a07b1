"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples each time: a run must not fail by chance; HYPOTHESIS_PROFILE=random looks on.
settings.register_profile("steady", derandomize=True, database=None)
settings.register_profile("random", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

# No test reads or writes what the user's own runs kept, or the user's settings.
os.environ["TENSORPEEK_CACHE_DIR"] = ""
os.environ["TENSORPEEK_STATE_DIR"] = ""
os.environ["TENSORPEEK_CONFIG"] = os.devnull

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files beside a checkout; tests that need it skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared real files are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample models that ship with the project."""
    return ROOT / "models"
