"""The scan command: documents, tables, pages, resuming, interruption."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import Put, Run, RunJson, make_tensor, per_channel, run_command
from scipy import linalg, stats

from tensorpeek.analysis.diagnosis import METRICS
from tensorpeek.analysis.diagnosis.workers import THREAD_VARIABLES
from tensorpeek.tui.command import atomic_write as atomic_module
from tensorpeek.tui.command.atomic_write import atomic_write
from tensorpeek.tui.command.scan_options import BLAS_VARIABLES, METRIC_NAMES
from tensorpeek.tui.command.scan_ranking import sparkline, sqnr_by_bits, sqnr_db
from tensorpeek.tui.command.scan_record import RECORD_KEYS

RNG = np.random.default_rng(41)
WEIGHT = RNG.normal(0.01, 0.3, (20, 30)).astype(np.float32)
SICK = np.where(RNG.random((20, 30)) < 0.01, np.nan, WEIGHT).astype(np.float32)
CODES = RNG.integers(-128, 128, (4, 50)).astype(np.int8)


def only(document: dict) -> dict:
    (model,) = document["models"]
    (tensor,) = model["tensors"]
    return tensor


def test_json_of_a_float_tensor_agrees_with_scipy(run_json: RunJson, put: Put) -> None:
    document = run_json("scan", put(make_tensor("fc.weight", WEIGHT)))
    assert document["schema"] == "tensorpeek.scan/1"
    assert (document["interrupted"], document["missing"], document["errors"]) == (False, 0, [])
    assert document["request"]["bits"] == [8, 4]
    record = only(document)
    assert tuple(record) == RECORD_KEYS
    assert (record["name"], record["shape"], record["dtype"]) == ("fc.weight", [20, 30], "float32")
    values = WEIGHT.astype(np.float64)
    assert record["basic"]["skewness"] == pytest.approx(stats.skew(values.ravel()))
    assert record["basic"]["outliers"]["iqr"] == pytest.approx(stats.iqr(values))
    assert record["spectral"]["condition"] == pytest.approx(np.linalg.cond(values))
    assert record["spectral"]["largest"] == pytest.approx(linalg.svdvals(values)[0])
    assert sum(record["histogram"]) == 600
    grids = {(grid["grid"], grid["granularity"]) for grid in record["quantization"]["grids"]}
    assert ("int8 symmetric", "tensor") in grids
    assert ("int4 asymmetric", "group 64") in grids
    assert ("nf4", "group 64") in grids
    assert record["sparsity"]["near_zero_percent"]["0.01"] == pytest.approx(
        100 * np.mean(np.abs(values) <= 0.01)
    )
    assert record["absent"] == {}


def test_json_of_a_quantized_tensor(run_json: RunJson, put: Put) -> None:
    path = put(make_tensor("q.weight", CODES, quantization=per_channel(np.ones(4))))
    use = only(run_json("scan", path))["quantization"]["use"]
    counts = np.unique(CODES, return_counts=True)[1]
    assert use["entropy_bits"] == pytest.approx(stats.entropy(counts, base=2))
    assert use["stored_bits"] == 8
    raw = only(run_json("scan", path, "--view", "raw"))
    assert raw["basic"]["min"] == int(CODES.min())
    assert raw["sparsity"]["zero_point_percent"] == pytest.approx(100 * np.mean(CODES == 0))


def test_json_gives_a_reason_for_what_is_absent(run_json: RunJson, put: Put) -> None:
    path = put(
        make_tensor("a.weight", np.empty((0, 3), np.float32)),
        make_tensor("b.weight", SICK),
        make_tensor("c.weight", np.outer(np.arange(9.0), np.arange(9.0))),
    )
    empty, sick, singular = run_json("scan", path)["models"][0]["tensors"]
    assert set(empty["absent"]) == set(METRICS)
    assert (empty["severity"], empty["quantization"]) == (None, None)
    assert (sick["severity"], sick["spectral"]) == ("Critical", None)
    assert sick["absent"]["spectral"] == "has NaN or infinite values"
    assert singular["spectral"]["condition"] == "Infinity"


def test_metrics_bits_and_patterns_are_those_asked_for(run_json: RunJson, put: Put) -> None:
    path = put(make_tensor("a.weight", WEIGHT), make_tensor("b.weight", WEIGHT))
    words = ("scan", path, "a.*", "--metrics", "quantization", "--bits", "3,6,3")
    record = only(run_json(*words))
    assert (record["sparsity"], record["spectral"]) == (None, None)
    assert {grid["bits"] for grid in record["quantization"]["grids"]} == {8, 6, 4, 3}
    assert only(run_json("scan", path, "b.weight", "--metrics", "basic"))["quantization"] is None


def test_what_is_written_twice_is_the_same() -> None:
    assert METRIC_NAMES == METRICS
    assert BLAS_VARIABLES == THREAD_VARIABLES


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--metrics", "basic,speed"], "'speed' is none of"),
        (["--bits", "8,x"], "'x' is no whole number"),
        (["--bits", "1"], "from 2 to 16"),
        (["--bits", "9" * 5000], "from 2 to 16"),
        (["--jobs", "0"], "0 is not in the range"),
        (["-o", "report.txt"], "a report is one of .json, .csv, .html, .parquet"),
        (["-o", "nowhere/report.json"], "no folder 'nowhere'"),
        (["--config", "absent.toml"], "does not exist"),
        (["nothing*"], "no tensor matches"),
    ],
)
def test_wrong_usage(run: Run, put: Put, words: list[str], reason: str) -> None:
    result = run("scan", put(make_tensor("a.weight", WEIGHT)), *words)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_a_config_changes_severities(run: Run, run_json: RunJson, put: Put, tmp_path: Path) -> None:
    path = put(make_tensor("a.weight", WEIGHT))
    config = tmp_path / "limits.toml"
    config.write_text("[thresholds]\nsqnr_db = [90, 80]\n")
    strict = only(run_json("scan", path, "--config", config))
    assert strict["severity"] == "Warning"
    assert any("SQNR" in reason for reason in strict["reasons"])
    config.write_text("[thresholds]\nsqnr = 3\n")
    result = run("scan", path, "--config", config)
    assert result.exit_code == 2
    assert "unknown threshold 'sqnr'" in result.stderr


def test_text_ranks_the_worst_first(run: Run, put: Put) -> None:
    path = put(
        make_tensor("good.weight", RNG.normal(size=(8, 100)).astype(np.float32)),
        make_tensor("sick.weight", SICK),
        make_tensor("bad.weight", WEIGHT, error="reaches past its storage"),
    )
    result = run("scan", path)
    assert result.exit_code == 3
    lines = [line.split()[0] for line in result.stdout.splitlines() if ".weight" in line]
    assert lines[:3] == ["bad.weight", "sick.weight", "good.weight"]
    assert "NaN value" in result.stdout
    assert "reaches past its storage" in result.stderr


def test_dead_channels_are_told_of_healthy_tensors_too(run: Run, put: Put) -> None:
    path = put(
        make_tensor("zero.weight", np.zeros((4, 8))),
        make_tensor("fine.weight", np.vstack([WEIGHT[:9], 0 * WEIGHT[:1]])),
    )
    stdout = run("scan", path, "--metrics", "sparsity").stdout
    assert "zero.weight: 4 of 4 channels are dead\n    prune dead channels\n" in stdout
    assert "fine.weight: 1 of 10 channels are dead\n" in stdout


def test_each_grid_that_is_tried_has_a_column(run: Run, run_json: RunJson, put: Put) -> None:
    path = put(make_tensor("a.weight", WEIGHT), make_tensor("b.weight", WEIGHT + 5))
    words = ("scan", path, "--metrics", "quantization", "--bits", "16,8,4")
    lines = run(*words).stdout.splitlines()
    assert "int16 dB  int8 dB  int4 dB" in lines[1]
    for record in run_json(*words)["models"][0]["tensors"]:
        (row,) = [line.split() for line in lines if line.startswith(record["name"])]
        values = np.asarray(WEIGHT if record["name"] == "a.weight" else WEIGHT + 5, np.float64)
        for bits, shown in zip((16, 8, 4), row[-3:], strict=True):
            scale = np.abs(values).max() / (2 ** (bits - 1) - 1)
            noise = np.rint(values / scale) * scale - values
            wanted = 10 * np.log10((values**2).sum() / (noise**2).sum())
            assert float(shown) == pytest.approx(wanted, rel=5e-3)
            assert sqnr_by_bits(record)[bits] == pytest.approx(wanted)
        assert sqnr_db(record) == sqnr_by_bits(record)[8]


def test_bookkeeping_is_left_out_unless_asked_for(run: Run, put: Put) -> None:
    path = put(make_tensor("bn.weight", WEIGHT), make_tensor("bn.running_mean", WEIGHT))
    assert "running_mean" not in run("scan", path).stdout
    assert "running_mean" in run("scan", path, "--all").stdout


def test_sparklines() -> None:
    assert sparkline([0, 1, 50, 100]) == " ▁▄█"
    assert sparkline([0, 1, 50, 100], ascii_only=True) == " .=@"
    assert sparkline(None) == sparkline([]) == ""
    assert sparkline([0, 0]) == "  "


def test_ascii_output_is_ascii(run: Run, put: Put) -> None:
    stdout = run("scan", put(make_tensor("a.weight", WEIGHT)), "--ascii").stdout
    assert not set(stdout) & set("▁▂▃▄▅▆▇█")


HOSTILE = '<script>alert("x")</script>&\'[/bold]'


class Page(HTMLParser):
    """Notes every tag and attribute of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [name for name, _ in attrs if name in {"src", "href", "style", "onload"}]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_needs_nothing_and_escapes_everything(run: Run, put: Put, tmp_path: Path) -> None:
    path = put(
        make_tensor(f"{HOSTILE}.weight", SICK),
        make_tensor("b.weight", WEIGHT, error=HOSTILE),
        name="<i>.pt",
    )
    report = tmp_path / "report.html"
    assert run("scan", path, "-o", report).exit_code == 3
    text = report.read_text("utf-8")
    page = Page(text)
    assert not page.tags & {"script", "img", "link", "iframe", "i"}
    assert page.links == []
    assert "http" not in text.replace("http-equiv", "")
    assert any(HOSTILE in word for word in page.words)
    assert "default-src 'none'" in text
    assert text.count("<svg") == text.count("</svg>") == 1


def test_csv_has_a_row_a_tensor_and_runs_no_formula(run: Run, put: Put, tmp_path: Path) -> None:
    path = put(
        make_tensor("=1+1.weight", WEIGHT),
        make_tensor("c.weight", np.outer(np.arange(9.0), np.arange(9.0))),
    )
    report = tmp_path / "report.csv"
    assert run("scan", path, "-o", report).exit_code == 0
    text = report.read_bytes().decode()
    assert "\r\r" not in text
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert first["name"] == "'=1+1.weight"
    assert float(first["std"]) == pytest.approx(WEIGHT.astype(float).std())
    assert float(first["condition"]) == pytest.approx(np.linalg.cond(WEIGHT.astype(float)))
    assert second["condition"] == "Infinity"
    assert second["shape"] == "9x9"


def test_the_report_is_the_document(run: Run, put: Put, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    result = run("scan", put(make_tensor("a.weight", WEIGHT)), "--json", "-o", report)
    assert json.loads(report.read_text()) == json.loads(result.stdout)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    target.chmod(0o640)

    def fail() -> None:
        with atomic_write(target) as stream:
            stream.write("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    with atomic_write(target) as stream:
        stream.write("new")
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]
    assert atomic_module._mode(tmp_path / "absent") & 0o111 == 0


def test_a_link_is_written_through(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)
    with atomic_write(link) as stream:
        stream.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_resuming_skips_what_the_journal_holds(
    run_json: RunJson, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(make_tensor("a.weight", WEIGHT), make_tensor("b.weight", SICK))
    journal = tmp_path / "journal"
    whole = run_json("scan", path, "--resume", journal)
    lines = journal.read_text().splitlines()
    assert len(lines) == 3
    journal.write_text("\n".join([*lines[:2], lines[2][:40]]))  # cut short by a kill
    assert run_json("scan", path, "--resume", journal) == whole
    assert journal.read_text().splitlines()[-1] == lines[2]
    module = sys.modules["tensorpeek.analysis.diagnosis.scan"]
    monkeypatch.setattr(module, "diagnose", pytest.fail)
    assert run_json("scan", path, "--resume", journal) == whole


def test_a_file_that_changed_is_scanned_anew(run_json: RunJson, put: Put, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    path = put(make_tensor("a.weight", WEIGHT))
    run_json("scan", path, "--resume", journal)
    path = put(make_tensor("a.weight", 2 * WEIGHT))
    os.utime(path, ns=(1, 1))
    record = only(run_json("scan", path, "--resume", journal))
    assert record["basic"]["max"] == pytest.approx(2 * WEIGHT.max())


def test_a_journal_of_other_options_is_refused(run: Run, put: Put, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    path = put(make_tensor("a.weight", WEIGHT))
    assert run("scan", path, "--resume", journal).exit_code == 0
    result = run("scan", path, "--resume", journal, "--bits", "3")
    assert result.exit_code == 2
    assert "a scan with other options" in result.stderr
    journal.write_text("something else\n")
    result = run("scan", path, "--resume", journal)
    assert result.exit_code == 2
    assert "not a journal" in result.stderr
    assert journal.read_text() == "something else\n"


@pytest.mark.parametrize(
    "line",
    ["", "7", "[]", '{"file": 3}', '{"file": "x", "record": {"name": "a"}}', "\x00" * 9],
    ids=["empty", "number", "list", "no record", "half a record", "zeros"],
)
def test_a_damaged_journal_is_only_slower(
    run_json: RunJson, put: Put, tmp_path: Path, line: str
) -> None:
    journal = tmp_path / "journal"
    path = put(make_tensor("a.weight", WEIGHT))
    whole = run_json("scan", path, "--resume", journal)
    first, second = journal.read_text().splitlines()
    journal.write_text(f"{first}\n{line}\n{second}\n")
    assert run_json("scan", path, "--resume", journal) == whole


def test_a_real_file_is_healthy_but_for_its_outliers(shared_data: Path) -> None:
    result = run_command("scan", shared_data / "seed" / "resnet8_int8.pt", "--json")
    assert result.returncode == 0
    records = json.loads(result.stdout)["models"][0]["tensors"]
    assert {record["severity"] for record in records} <= {"Excellent", "Good", "Warning"}
    assert all(record["quantization"]["use"] for record in records if record["dtype"] == "int8")
