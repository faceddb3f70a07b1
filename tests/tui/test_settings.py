"""The settings file: what it changes in the app, and what is said of one that is wrong."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from command.in_memory import run_command
from driven_app import driven
from hypothesis import given
from hypothesis import strategies as st

from tensorpeek.tui.settings.key_names import check_keys
from tensorpeek.tui.settings.last_views import MOST, LastViews
from tensorpeek.tui.settings.settings import Settings, parse_settings
from tensorpeek.tui.settings.settings_file import SettingsError, read_settings

WRONG = {
    "theme = 3": "'theme' is not a text",
    'theme = ""': "'theme' is not a text",
    'view = "both"': "'view' is none of dequantized, raw",
    "bins = 51": "'bins' is not one of 10, 15 … 200",
    "bins = true": "'bins' is not one of 10, 15 … 200",
    "bins = 1000": "'bins' is not one of 10, 15 … 200",
    "keys = 1": "'keys' is not a table",
    "[keys]\nfind = 2": "'keys.find' is not a text",
    "colour = 1": "unknown entry 'colour'; there are: theme, view, bins, models, keys, thresholds",
    "view =": "not a TOML document (Invalid value (at end of document))",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_entry_is_named(text: str) -> None:
    with pytest.raises(ValueError) as told:  # noqa: PT011 (the whole text is compared)
        parse_settings(text)
    assert str(told.value) == WRONG[text]


@given(st.text())
def test_any_text_is_settings_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse_settings(text), Settings)


def test_what_cannot_be_read_says_where(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "none.toml") == Settings()
    path = tmp_path / "settings.toml"
    for content, reason in (
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b" " * (2 << 20), "too large for a settings file"),
    ):
        path.write_bytes(content)
        with pytest.raises(SettingsError) as told:
            read_settings(path)
        assert str(told.value) == f"{path}: {reason}"
    with pytest.raises(SettingsError, match="is a directory"):
        read_settings(tmp_path)


async def test_settings_are_what_the_app_begins_with(samples: Path) -> None:
    settings = Settings(theme="nord", view="raw", bins=80, keys={"layer.next": "x,f5"})
    async with driven(samples / "resnet8_int8.pt", settings=settings) as app:
        assert app.app.theme == "nord"
        assert app.line("#view").startswith("(•) int8 raw")
        assert app.field("bins") == "80"
        first = app.menu("layer")
        await app.press("n")
        assert app.menu("layer") == first
        await app.press("x")
        second = app.menu("layer")
        await app.press("f5")
        assert len({first, second, app.menu("layer")}) == 3
        assert app.line("#keys").startswith("/ find  x p layer  t tensor")
        await app.press("?")
        assert "x  f5" in app.text()


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"layer.nxt": "x"}, "no key is named 'layer.nxt'; tensorpeek config lists the names"),
        ({"log": "n"}, "both have the key 'n' on the screen Histogram"),
        ({"log": "/"}, "both have the key 'slash' on the screen Histogram"),
    ],
    ids=["an unknown name", "a key that is taken", "a key that is taken, as it is written"],
)
def test_keys_that_do_not_fit_are_refused(keys: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError) as told:  # noqa: PT011 (its text is compared)
        check_keys(keys)
    assert reason in str(told.value)


def test_two_keys_may_change_places() -> None:
    check_keys({"tensor.next": "T", "tensor.previous": "t"})


def test_the_command_prints_a_file_that_brings_the_same_about(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('bins = 80\n[keys]\nfind = "ctrl+f"\n[thresholds]\nsqnr_db = [50, 20]\n')
    environment = {"TENSORPEEK_CONFIG": str(path)}
    printed = run_command("config", environment=environment).stdout
    path.write_text(printed)
    assert run_command("config", environment=environment).stdout == printed
    document = json.loads(run_command("config", "--json", environment=environment).stdout)
    assert document["schema"] == "tensorpeek.config/1"
    assert (document["bins"], document["keys"]["find"]) == (80, "ctrl+f")
    assert document["thresholds"]["sqnr_db"] == [50, 20]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bins = 7", "'bins' is not one of 10, 15 … 200"),
        ('theme = "x"', "no theme 'x'; there are: tensorpeek-dark, tensorpeek-light"),
        ("[thresholds]\nsqnr_db = [1]", "'sqnr_db' is not a list of 2 numbers"),
        ('[keys]\nlog = "n"', "both have the key 'n'"),
    ],
    ids=["a number", "a theme", "a threshold", "a key"],
)
def test_the_command_checks_a_file(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "team.toml"
    path.write_text(text)
    done = run_command("config", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"tensorpeek: config: {path}: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_command_does_not_take_a_missing_file_for_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "team.toml"
    done = run_command("config", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tensorpeek: config: {path}: no such file\n"


def test_the_app_does_not_begin_with_wrong_settings(tmp_path: Path, samples: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("bins = 7")
    done = run_command(samples, environment={"TENSORPEEK_CONFIG": str(path)})
    assert done.returncode == 2
    assert f"{path}: 'bins' is not one of" in done.stderr


async def test_the_view_of_a_model_is_remembered(samples: Path, tmp_path: Path) -> None:
    quantized = samples / "resnet8_int8.pt"
    async with driven(quantized, last_views=LastViews(tmp_path)) as app:
        await app.press("v")
    async with driven(quantized, last_views=LastViews(tmp_path)) as app:
        assert app.line("#view").startswith("(•) int8 raw")
    async with driven(samples / "resnet8_int8_qdq.onnx", last_views=LastViews(tmp_path)) as app:
        assert app.line("#view").startswith("( ) int8 raw")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b'{"/a": "both"}', b"\xff", b"[" * 100_000],
    ids=["empty", "cut off", "a list", "an unknown view", "no text", "deep"],
)
def test_damaged_memory_is_forgotten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "views.json").write_bytes(content)
    views = LastViews(tmp_path)
    assert views.view_of(Path("/a")) is None
    views.remember(Path("/a"), "raw")
    views.save()
    assert LastViews(tmp_path).view_of(Path("/a")) == "raw"


def test_memory_is_bounded_and_needs_no_folder(tmp_path: Path) -> None:
    views = LastViews(tmp_path / "new" / "folder")
    for number in range(MOST + 10):
        views.remember(Path(f"/{number}"), "raw")
    views.save()
    again = LastViews(tmp_path / "new" / "folder")
    assert again.view_of(Path("/9")) is None
    assert again.view_of(Path("/10")) == "raw"
    (tmp_path / "file").write_text("")
    unwritable = LastViews(tmp_path / "file")
    unwritable.remember(Path("/a"), "raw")
    unwritable.save()
    assert unwritable.view_of(Path("/a")) == "raw"
