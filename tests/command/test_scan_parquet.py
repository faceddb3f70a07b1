"""A scan as a Parquet table."""

from __future__ import annotations

import csv
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import Put, Run, make_tensor, per_channel

parquet = pytest.importorskip("pyarrow.parquet")

RNG = np.random.default_rng(47)
WEIGHT = RNG.normal(0.01, 0.3, (20, 30)).astype(np.float32)


@pytest.fixture
def model(put: Put) -> Path:
    return put(
        make_tensor("=1+1.weight", WEIGHT),
        make_tensor("c.weight", np.outer(np.arange(9.0), np.arange(9.0))),
        make_tensor("q.weight", np.eye(4, 50, dtype=np.int8), quantization=per_channel(np.ones(4))),
        make_tensor("sick.weight", np.full((3, 3), np.nan, np.float32)),
        make_tensor("bad.weight", WEIGHT, error="reaches past its storage"),
    )


def test_it_has_the_columns_of_the_csv_with_types(run: Run, model: Path, tmp_path: Path) -> None:
    for name in ("report.parquet", "report.csv"):
        assert run("scan", model, "-o", tmp_path / name).exit_code == 3
    table = parquet.read_table(tmp_path / "report.parquet")
    with (tmp_path / "report.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert set(table.column_names) == set(lines[0])
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["name"], types["zeros"], types["std"]) == ("string", "int64", "double")
    assert types["shape"].startswith("list<")
    rows = {row["name"]: row for row in table.to_pylist()}
    first = rows["=1+1.weight"]
    assert first["std"] == pytest.approx(WEIGHT.astype(float).std())
    assert first["condition"] == pytest.approx(np.linalg.cond(WEIGHT.astype(float)))
    assert (first["shape"], first["params"], first["nan"]) == ([20, 30], 600, 0)
    assert first["path"] == str(model)
    for line, row in zip(lines, table.to_pylist(), strict=True):
        for column, cell in line.items():
            if types[column] in {"double", "int64"}:
                assert (cell == "") == (row[column] is None)
                assert cell == "" or float(cell) == row[column]


def test_what_is_absent_is_null_and_what_is_infinite_is_not(
    run: Run, model: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.PARQUET"
    run("scan", model, "-o", report)
    rows = {row["name"]: row for row in parquet.read_table(report).to_pylist()}
    assert math.isinf(rows["c.weight"]["condition"])
    sick = rows["sick.weight"]
    assert (sick["nan"], sick["min"], sick["condition"], sick["severity"]) == (
        9, None, None, "Critical",
    )  # fmt: skip
    bad = rows["bad.weight"]
    assert bad["error"] == "reaches past its storage"
    assert (bad["severity"], bad["zeros"], bad["std"], bad["reasons"]) == (None, None, None, [])
    assert rows["c.weight"]["error"] is None
    assert rows["q.weight"]["entropy_bits"] > 0
    assert rows["c.weight"]["entropy_bits"] is None


def test_it_comes_out_of_the_cache_as_it_went_in(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENSORPEEK_CACHE_DIR", str(tmp_path / "results"))
    reports = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for report in reports:
        run("scan", model, "-o", report)
    first, second = (parquet.read_table(report) for report in reports)
    assert json.loads(run("cache", "--json").stdout)["entries"] == 4
    assert first.schema == second.schema
    assert repr(first.to_pylist()) == repr(second.to_pylist())


def test_an_empty_scan_has_columns(run: Run, put: Put, tmp_path: Path) -> None:
    report = tmp_path / "report.parquet"
    assert run("scan", put(), "-o", report).exit_code == 0
    table = parquet.read_table(report)
    assert table.num_rows == 0
    assert "sqnr_db" in table.column_names


def test_a_shape_that_is_a_lie_is_null(run: Run, put: Put, tmp_path: Path) -> None:
    liar = replace(make_tensor("a.weight", WEIGHT, error="is too large"), shape=(1 << 62, 1 << 70))
    report = tmp_path / "report.parquet"
    assert run("scan", put(liar), "-o", report).exit_code == 3
    (row,) = parquet.read_table(report).to_pylist()
    assert (row["shape"], row["params"]) == ([1 << 62, None], None)


def test_a_path_that_is_no_unicode_is_written_all_the_same(
    run: Run, samples: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a\udcff.onnx"
    try:
        path.write_bytes((samples / "resnet8.onnx").read_bytes())
    except OSError:
        pytest.skip("this file system has no such names")
    report = tmp_path / "report.parquet"
    assert run("scan", path, "dense*", "--metrics", "basic", "-o", report).exit_code == 0
    rows = parquet.read_table(report).to_pylist()
    assert {Path(row["path"]).name for row in rows} == {"a\\udcff.onnx"}


def test_a_write_that_fails_leaves_the_old_report(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.parquet"
    report.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", fail)
    files = set(tmp_path.iterdir())
    result = run("scan", model, "-o", report)
    assert result.exit_code != 0
    assert report.read_bytes() == b"old"
    assert set(tmp_path.iterdir()) == files


def test_a_missing_extra_is_told_before_anything_is_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "tensorpeek.tui.command.scan_parquet", raising=False)
    result = run("scan", tmp_path / "absent.pt", "-o", tmp_path / "report.parquet")
    assert result.exit_code == 2
    assert "pip install 'tensorpeek[parquet]'" in result.stderr
    assert "absent.pt" not in result.stderr
