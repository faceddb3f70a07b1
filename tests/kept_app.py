"""An app beside kept results: a model worth keeping, what is measured, what the screens know."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import run_command
from driven_app import driven
from layers_table import table
from risk_app import risk_screen
from safetensors.numpy import save_file

from tensorpeek.analysis import result_cache
from tensorpeek.analysis.result_cache import FOLDER_VARIABLE, result_keys
from tensorpeek.analysis.risk import Scheme
from tensorpeek.tui.known_distributions import known_distributions

RNG = np.random.default_rng(77)

ALL_COLUMNS = (230, 30)

ARRAYS = {
    "a.weight": RNG.normal(0.01, 0.3, (260, 270)).astype(np.float32),
    "b.weight": RNG.normal(0.0, 0.2, (270, 260)).astype(np.float16),
    "c.weight": np.pad(RNG.normal(size=(256, 200)), ((0, 0), (0, 60))).astype(np.float32),
    "d.bias": RNG.normal(size=70).astype(np.float32),
}


def write_model(path: Path) -> Path:
    save_file(ARRAYS, path)
    return path


def keep_results_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep results in a folder, also those of files that were written a moment ago."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    monkeypatch.setattr(result_keys, "SETTLED_NS", 0)
    known_distributions().clear()
    return folder


MEASURES = {
    "tensorpeek.analysis.overview": ("tensor_figures", "int8_sqnr", "condition_number"),
    "tensorpeek.analysis.risk": ("first_look", "trial_error"),
    "tensorpeek.analysis.diagnosis": ("diagnose",),
    "tensorpeek.analysis.diagnosis.full_spectrum": ("full_spectrum",),
}


class Measuring:
    """Notes which measures are really taken, and of how many tensors."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[str] = []
        known_distributions().clear()
        for module, names in MEASURES.items():
            for name in names:
                self._note(monkeypatch, module, name)

    def _note(self, monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
        importlib.import_module(module)
        really = getattr(sys.modules[module], name)

        def noted(tensor: object, *words: object, **more: object) -> object:
            if tensor.params > 1000:  # type: ignore[attr-defined]
                self.taken.append(name)
            return really(tensor, *words, **more)

        monkeypatch.setattr(sys.modules[module], name, noted)

    def forget(self) -> list[str]:
        """Return the measures of large tensors since the last time, as after a start."""
        taken, self.taken = sorted(set(self.taken)), []
        known_distributions().clear()
        return taken


async def layers_text(path: Path, **how: bool) -> list[str]:
    async with driven(path, size=ALL_COLUMNS, **how) as app:
        await app.press("2")
        return table(app)


def left(lines: list[str]) -> list[str]:
    """The lines of tensors as far as no notification lies over them."""
    return [line[:150] for line in lines[: len(ARRAYS)]]


async def risk_facts(path: Path, **how: bool) -> list[str]:
    """Everything that the screen of risk knows, to the last bit."""
    async with driven(path, **how) as app:
        await app.press("6")
        risk = risk_screen(app)._risk
        assert risk is not None
        assert risk.unexamined() == risk.unsurveyed(Scheme()) == []
        known = [*risk.looks.items(), *risk.ratios.items(), *risk.diagnoses.items()]
        return sorted(repr(one).replace("np.float64(", "(") for one in known)


SETTLED_NS = result_keys.SETTLED_NS


def wait_until_settled(path: Path) -> None:
    """Wait until another process keeps results of a file."""
    while time.time_ns() - path.stat().st_ctime_ns < SETTLED_NS:
        threading.Event().wait(0.05)


def scanned(path: Path, folder: Path, *words: object) -> str:
    """What a scan in another process prints."""
    result = run_command("scan", path, *words, environment={FOLDER_VARIABLE: str(folder)})
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def entries(folder: Path) -> int:
    with result_cache.ResultCache(folder, pytest.fail) as cache:
        facts = cache.facts()
        assert facts is not None
        return facts.entries
