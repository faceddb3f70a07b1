"""Ways to run the command, in this process, on models in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from command.in_memory import Put, Run, RunJson

from tensorpeek.loaders import Model, Tensor
from tensorpeek.tui.command import model_files
from tensorpeek.tui.command.main import cli


@pytest.fixture
def run() -> Run:
    runner = CliRunner()
    return lambda *words: runner.invoke(cli, [str(word) for word in words], prog_name="tensorpeek")


@pytest.fixture
def run_json(run: Run) -> RunJson:
    """Run a command with --json; its answer must be strict JSON."""

    def answer(*words: object) -> Any:  # noqa: ANN401
        result = run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout, parse_constant=pytest.fail)

    return answer


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put a model of tensors in memory under a path that the command opens."""
    models: dict[Path, Model] = {}
    really_open = model_files.open_model
    monkeypatch.setattr(
        model_files, "open_model", lambda path: models.get(path) or really_open(path)
    )

    def place(*tensors: Tensor, name: str = "model.pt", warnings: tuple[str, ...] = ()) -> Path:
        path = tmp_path / name
        path.write_bytes(b"stands for a model")
        models[path] = Model(path=path, format="PyTorch", tensors=tensors, warnings=warnings)
        return path

    return place
