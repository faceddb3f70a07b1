"""What ``grids`` prints: every layout, and what is wrong with a plugin."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from grid_plugin import PLUGIN

from tensorpeek.analysis.grids import BUILT_IN
from tensorpeek.tui.command.main import cli


def test_the_command_lists_every_grid(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    done = CliRunner().invoke(cli, ["grids", "--plugin", str(path)])
    assert done.exit_code == 0
    for grid in BUILT_IN:
        assert grid.name in done.output
        assert grid.description in done.output
    assert "columns" in done.output
    path.write_text("raise ValueError('no')")
    done = CliRunner().invoke(cli, ["grids", "--plugin", str(path), "--json"])
    assert done.exit_code == 3
    document = json.loads(done.stdout)
    assert document["schema"] == "tensorpeek.grids/1"
    assert [each["name"] for each in document["grids"]] == [each.name for each in BUILT_IN]
    assert document["errors"] == [{"name": "mine.py", "reason": "ValueError: no"}]
    done = CliRunner().invoke(cli, ["grids", "--plugin", str(tmp_path / "gone.py")])
    assert done.exit_code == 2
