"""The command as a program: what opens the app, exit codes, streams, help, completion."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import COMMAND, Put, Run, make_tensor, run_command, run_python

from tensorpeek.tui.command import start_app as start_app_module
from tensorpeek.tui.command.exit_codes import ExitCode

COMMANDS = ("ls", "stats", "hist", "scan", "diff", "check", "completion")
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Examples:\n    {'eval' if command == 'completion' else 'tensorpeek'}" in result.output


def test_help_of_the_program(run: Run) -> None:
    output = run("-h").output
    assert output.startswith("Usage: tensorpeek [OPTIONS] [PATH]...")
    for expected in (*COMMANDS, "--theme", "--ascii", "--version", "Examples:", "Exit codes"):
        assert expected in output


def test_importing_the_command_is_quick() -> None:
    process = run_python(
        "import sys, tensorpeek.tui.command.main as main; "
        "heavy = {'numpy', 'rich', 'textual', 'plotext', 'ml_dtypes', 'torch'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    assert process.returncode == 0, process.stderr


def test_version(run: Run) -> None:
    assert run("--version").output.startswith("tensorpeek, version ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(None, "no such file", id="no such file"),
        pytest.param(b"", "is empty", id="an empty file"),
        pytest.param(b"hello", "not a model file", id="not a model"),
        pytest.param(LFS, "git-lfs pointer", id="a pointer"),
    ],
)
@pytest.mark.parametrize("command", ["ls", "stats", "hist"])
def test_unreadable_files_are_named_and_do_not_stop_the_rest(
    run: Run, put: Put, command: str, content: bytes | None, reason: str
) -> None:
    good = put(make_tensor("fc.weight", np.arange(6, dtype=np.float32)))
    bad = good.with_name("bad.pt")
    if content is not None:
        bad.write_bytes(content)
    result = run(command, bad, good)
    assert result.exit_code == ExitCode.UNREADABLE
    assert f"tensorpeek: {bad}: " in result.stderr
    assert reason in result.stderr
    assert "fc" in result.stdout
    document = json.loads(run(command, bad, good, "--json").stdout)
    (error,) = document["errors"]
    assert error["path"] == str(bad)
    assert reason in error["reason"]
    assert len(document["models"]) == 1


def test_a_folder_without_models(run: Run, tmp_path: Path) -> None:
    result = run("ls", tmp_path)
    assert result.exit_code == 3
    assert "no models in this folder" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "secret.pt"
    path.touch(mode=0)
    result = run("ls", path)
    assert result.exit_code == 3
    assert "no permission" in result.stderr


def test_permission_is_asked_of_the_file_and_not_of_its_mode(
    run: Run, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(make_tensor("fc.weight", np.ones(3)))
    monkeypatch.setattr(os, "access", lambda *_arguments, **_how: False)
    assert run("ls", path).exit_code == ExitCode.OK


@pytest.mark.parametrize("command", ["ls", "stats", "hist"])
def test_no_matching_tensor_is_a_usage_error(run: Run, put: Put, command: str) -> None:
    path = put(make_tensor("fc.weight", np.ones(3)))
    result = run(command, path, "*conv*")
    assert result.exit_code == 2
    assert "no tensor matches: '*conv*'" in result.stderr
    assert json.loads(run(command, path, "*conv*", "--json").stdout)["errors"] == []


@pytest.mark.parametrize(
    "words", [["ls"], ["stats", "x.pt", "--view", "both"], ["ls", "x.pt", "--nonsense"]], ids=str
)
def test_wrong_arguments(run: Run, words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "Usage: tensorpeek" in result.stderr
    assert not result.stdout


class TestOpeningTheApp:
    """What reaches the app, and what is refused before it."""

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
        """Record what the app would be opened on; there is a terminal."""
        from types import ModuleType

        calls: list[tuple] = []
        app = ModuleType("app")
        app.run_app = lambda paths, *, ascii_only, theme, no_cache, **_: (
            calls.append((paths, ascii_only, theme, *(["no cache"] if no_cache else []))) or 0
        )
        monkeypatch.setitem(sys.modules, "tensorpeek.tui.app", app)
        monkeypatch.setattr(start_app_module, "_terminal", StringIO)
        return calls

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        for name in ("a.pt", "ls"):
            Path(name).touch()
        return tmp_path

    def test_paths_and_options(self, run: Run, folder: Path, opened: list[tuple]) -> None:
        assert run("a.pt", "./ls", "--ascii", "--theme", "nord").exit_code == 0
        assert opened == [(["a.pt", "./ls"], True, "nord")]

    def test_the_app_may_do_without_kept_results(
        self, run: Run, folder: Path, opened: list[tuple]
    ) -> None:
        assert run("--no-cache", "a.pt").exit_code == 0
        assert opened == [(["a.pt"], False, None, "no cache")]
        assert "--no-cache" in run("--help").stdout

    def test_options_may_come_first(self, run: Run, folder: Path, opened: list[tuple]) -> None:
        assert run("--ascii", "a.pt").exit_code == 0
        assert opened == [(["a.pt"], True, None)]

    def test_default_is_the_models_folder(
        self, run: Run, folder: Path, opened: list[tuple]
    ) -> None:
        result = run()
        assert result.exit_code == 2
        assert "no ./models folder here" in result.stderr
        Path("models").mkdir()
        assert run().exit_code == 0
        assert opened == [(["models"], False, None)]

    def test_the_default_folder_is_a_setting(
        self, run: Run, folder: Path, opened: list[tuple], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Path("config.toml").write_text('models = "weights"')
        monkeypatch.setenv("TENSORPEEK_CONFIG", "config.toml")
        assert "no ./weights folder here" in run().stderr
        Path("weights").mkdir()
        assert run().exit_code == 0
        assert opened == [(["weights"], False, None)]

    def test_a_file_that_is_absent(self, run: Run, folder: Path, opened: list[tuple]) -> None:
        result = run("a.pt", "b.pt")
        assert result.exit_code == 3
        assert "tensorpeek: b.pt: no such file" in result.stderr
        assert not opened

    def test_a_misspelled_command(self, run: Run, folder: Path, opened: list[tuple]) -> None:
        assert "did you mean 'stats'" in run("stat", "a.pt").stderr

    def test_an_unknown_theme(self, run: Run, folder: Path, opened: list[tuple]) -> None:
        result = run("a.pt", "--theme", "plaid")
        assert result.exit_code == 2
        assert "no theme 'plaid'; there are:" in " ".join(result.stderr.split())
        assert "nord" in result.stderr
        assert not opened

    def test_without_a_terminal(self, folder: Path) -> None:
        process = run_command("a.pt", cwd=folder)
        assert process.returncode == 2
        assert "the app needs a terminal; for scripts: tensorpeek ls" in process.stderr
        module = run_python(
            "import runpy, sys; sys.argv[1:] = ['--help']; "
            "runpy.run_module('tensorpeek.tui', run_name='__main__')"
        )
        assert module.stdout.startswith("Usage: tensorpeek")


class TestStreams:
    """Pipes, colors, interruptions; on a real file."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        torch = pytest.importorskip("torch")
        path = tmp_path / "m.pt"
        torch.save({f"layer{index}.weight": torch.randn(9, 9) for index in range(300)}, path)
        return path

    def test_a_reader_that_goes_away(self, model: Path) -> None:
        shell = f"{COMMAND} stats {model} --json | head -c 10; echo ${{PIPESTATUS[0]}}"
        process = subprocess.run(
            ["bash", "-c", shell], check=False, capture_output=True, text=True, timeout=120
        )
        assert process.stderr == ""
        assert process.stdout.endswith(str(int(ExitCode.BROKEN_PIPE)) + "\n")

    def test_a_full_disk(self, model: Path) -> None:
        full = Path("/dev/full")
        if not full.exists():
            pytest.skip("there is no /dev/full")
        with full.open("w") as stream:
            process = subprocess.run(
                [COMMAND, "ls", model],
                check=False,
                stdout=stream,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert process.returncode == 3
        assert process.stderr == "tensorpeek: no space left on device\n"

    def test_text_in_a_pipe_has_no_escapes(self, model: Path) -> None:
        for command in ("ls", "stats", "hist"):
            process = run_command(command, model)
            assert process.returncode == 0
            assert "\x1b" not in process.stdout + process.stderr

    def test_interrupted_quietly(self, model: Path) -> None:
        fifo = model.parent / "answer"
        os.mkfifo(fifo)
        with subprocess.Popen(
            ["bash", "-c", f"exec {COMMAND} hist {model} > {fifo}"], stderr=subprocess.PIPE
        ) as process:
            with fifo.open() as answer:
                answer.readline()
                process.send_signal(signal.SIGINT)
                answer.read()
            stderr = process.stderr.read()
        assert process.returncode == ExitCode.INTERRUPTED
        assert stderr == b""


def on_terminal(*words: str, environment: dict[str, str], columns: int = 120) -> str:
    """Run the command on a pseudoterminal and return what it wrote there."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    plain = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env=plain | environment,
    )
    os.close(follower)
    written = b""
    try:
        while part := os.read(leader, 65536):
            written += part
    except OSError:
        pass  # how Linux says that the other end is closed
    finally:
        os.close(leader)
    assert process.wait(timeout=120) == 0
    return written.decode()


def test_color_on_a_terminal_unless_refused(shared_data: Path) -> None:
    path = str(shared_data / "seed" / "resnet8.pt")
    words = ("hist", path, "*conv2d_1/*weight", "--range", "-0.1,0.1")
    assert "\x1b[38;" in on_terminal(*words, environment={})
    refused = on_terminal(*words, environment={"NO_COLOR": "1"})
    assert "\x1b[38;" not in refused
    assert "░" in refused


@pytest.mark.parametrize("columns", [60, 95, 200])
def test_numbers_are_never_cut_on_a_terminal(shared_data: Path, columns: int) -> None:
    path = str(shared_data / "seed" / "resnet8_int8.pt")
    printed = on_terminal("stats", path, environment={"NO_COLOR": "1"}, columns=columns)
    assert "[-128, 127]  [-0.7642, 0.9048]  -0.0023  0.2686" in printed
    assert "…" not in printed


def test_names_are_folded_where_that_lets_a_table_fit(shared_data: Path) -> None:
    path = str(shared_data / "seed" / "resnet8.pt")
    printed = on_terminal("stats", path, environment={"NO_COLOR": "1"}, columns=95)
    plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", printed)
    table = plain[plain.index("Layer") :].splitlines()
    assert max(map(len, table)) <= 95
    assert "model_1/conv2d_1/BiasAdd" not in plain


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_TENSORPEEK_COMPLETE" in result.stdout


def test_completion_offers_commands_and_paths() -> None:
    def complete(words: str, index: int) -> list[str]:
        process = run_command(
            environment={
                "_TENSORPEEK_COMPLETE": "bash_complete",
                "COMP_WORDS": words,
                "COMP_CWORD": str(index),
            }
        )
        return process.stdout.splitlines()

    first = complete("tensorpeek ", 1)
    assert "plain,stats" in first
    assert any(item.startswith("file,") for item in first)
    assert complete("tensorpeek stats m", 2) == ["file,m"]
    assert complete("tensorpeek stats m.pt --vi", 3) == ["plain,--view"]
    assert complete("tensorpeek m.pt n", 2) == ["file,n"]
