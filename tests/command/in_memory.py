"""Tensors made in memory, and the command as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import Result

from tensorpeek.loaders import Quantization, Tensor
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.naming import role_of, split_name
from tensorpeek.loaders.storage import Inline

COMMAND = str(Path(sys.executable).parent / "tensorpeek")

Run = Callable[..., Result]
RunJson = Callable[..., Any]
Put = Callable[..., Path]


def make_tensor(name: str, values: np.ndarray, **facts: Any) -> Tensor:  # noqa: ANN401
    layer, label = split_name(name)
    return Tensor(
        name=name,
        layer=layer,
        label=label,
        role=facts.pop("role", role_of(label)),
        shape=values.shape,
        dtype=values.dtype.name,
        storage=Inline(values.tobytes()),
        layout=Layout.contiguous(values.shape),
        source="memory",
        **facts,
    )


def per_channel(scales: np.ndarray) -> Quantization:
    scale = make_tensor("scale", scales.astype(np.float32))
    return Quantization(scheme="per-channel", source="torch qint8", bits=8, scale=scale, axis=0)


def per_tensor(scale: float, zero_point: int) -> Quantization:
    return Quantization(
        scheme="per-tensor",
        source="torch quint8",
        bits=8,
        scale=make_tensor("scale", np.array([scale], np.float32)),
        zero_point=make_tensor("zero_point", np.array([zero_point], np.int64)),
    )


def run_command(
    *words: object, environment: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the installed command with nothing inherited that changes its output."""
    return _run([COMMAND, *map(str, words)], environment or {}, cwd)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines of Python in a fresh interpreter."""
    return _run([sys.executable, "-c", code], {}, None)


def _run(
    words: list[str], environment: dict[str, str], cwd: Path | None
) -> subprocess.CompletedProcess[str]:
    plain = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    plain |= {"TENSORPEEK_CACHE_DIR": "", "TENSORPEEK_STATE_DIR": ""}
    plain["TENSORPEEK_CONFIG"] = os.devnull
    return subprocess.run(
        words,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=plain | environment,
        cwd=cwd,
        timeout=120,
    )
