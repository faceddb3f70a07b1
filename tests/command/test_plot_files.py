"""Figures as files: whole or not at all, the same bytes each time, safe whatever the names."""

from __future__ import annotations

import hashlib
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from command.figure_reading import figure_of, model_of, texts
from command.in_memory import Put, Run, make_tensor, run_python
from matplotlib.figure import Figure

from tensorpeek.loaders import CancelledError, Tensor
from tensorpeek.tui.figures import FigureError, FigureOptions, Kind, Subject, save_figure
from tensorpeek.tui.figures.file_names import safe_names

rng = np.random.default_rng(14)
VALUES = rng.normal(0, 1, (8, 6)).astype(np.float32)

HOSTILE = (
    "$\\frac{1}{0}$",
    "$unclosed",
    "\\x1b[31m\\x07",
    "</title><script>alert(1)</script>-->",
    "漢字.العربية.กา.\u0378",
    "../../etc/passwd",
    "a" * 3000,
    "%s {0} {",
    "[bold]x[/nope]",
    "😀 é",
)  # what a loader lets through: control characters are escapes by then


def weight(name: str = "fc.weight", values: np.ndarray = VALUES) -> Tensor:
    return make_tensor(name, values)


def subject(*names: str) -> Subject:
    tensors = [weight(name) for name in names or ("fc.weight",)]
    return Subject(tensors, model_of(*tensors))


class Page(HTMLParser):
    """Notes the tags, the title, and what is asked for from outside."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.title = ""
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attributes:
            if name in {"src", "href", "xlink:href"} and not (value or "").startswith(
                ("#", "data:")
            ):
                self.outside.append(f"{name}={value}")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "title" and not self.title:
            self.title = data


@pytest.mark.parametrize(
    ("ending", "magic"),
    [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".html", b"<!DOCTYPE html>")],
)
def test_the_ending_says_what_is_written_and_twice_the_same(
    tmp_path: Path, ending: str, magic: bytes
) -> None:
    for name in "ab":
        save_figure("heatmap", subject(), tmp_path / f"{name}{ending}")
    first, second = ((tmp_path / f"{name}{ending}").read_bytes() for name in "ab")
    assert first.startswith(magic)
    assert first == second
    assert str(Path.home()).encode() not in first


PROCESS = """
import hashlib, sys
from pathlib import Path
from tensorpeek.loaders import open_model
from tensorpeek.tui.figures import Subject, save_figure
model = open_model(Path({model!r}))
for ending in (".svg", ".pdf", ".png"):
    path = Path({folder!r}) / f"x{{ending}}"
    save_figure("hist", Subject([model.tensors[0]], model), path)
    print(hashlib.sha256(path.read_bytes()).hexdigest())
assert "matplotlib.pyplot" not in sys.modules
"""


def test_every_process_writes_the_same_bytes_without_pyplot(samples: Path, tmp_path: Path) -> None:
    from tensorpeek.loaders import open_model

    path = samples / "resnet8.pt"
    done = run_python(PROCESS.format(model=str(path), folder=str(tmp_path)))
    assert (done.returncode, done.stderr) == (0, "")
    model = open_model(path)
    for ending, digest in zip((".svg", ".pdf", ".png"), done.stdout.split(), strict=True):
        save_figure("hist", Subject([model.tensors[0]], model), tmp_path / f"y{ending}")
        own = (tmp_path / f"y{ending}").read_bytes()
        assert hashlib.sha256(own).hexdigest() == digest


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:24])
def test_a_name_is_text_in_a_page(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.html"
    save_figure("hist", subject(name), path, FigureOptions(dpi=40))
    content = path.read_text()
    page = Page(content)
    assert "script" not in page.tags
    assert page.outside == []
    assert page.title
    assert "default-src 'none'" in content
    ET.fromstring(content[content.index("<svg") : content.index("</svg>") + 6])


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize("kind", ["overview", "risk", "dashboard"])
def test_names_are_text_in_every_figure_of_a_model(tmp_path: Path, kind: Kind, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    tensors = [weight(name, np.append(VALUES, np.float32(99))) for name in HOSTILE]
    whole = Subject(tensors, model_of(*tensors, name="$\\int$ <b>.pt"))
    save_figure(kind, whole, path, FigureOptions(dpi=40))
    if ending == ".svg":
        ET.fromstring(path.read_bytes())


def test_no_name_is_taken_for_mathematics() -> None:
    figure = figure_of("hist", weight("$x^2$.weight"))
    assert "$x^2$.weight" in texts(figure)
    assert not any(text.get_parse_math() for text in figure.findobj(mpl.text.Text))


def test_letters_that_no_font_has_are_escapes() -> None:
    shown = texts(figure_of("hist", weight("\u0378é"), title="\U000e0fff ok \x1b"))
    assert "\\U000e0fff ok \\x1b" in shown
    assert "\\u0378é" in texts(figure_of("hist", weight("\u0378é")))


def test_long_names_stay_on_the_page() -> None:
    figure = figure_of("hist", weight("layer." * 80 + "end.weight"))
    title = figure.texts[0]
    assert title.get_text().endswith("end.weight")
    assert title.get_window_extent().x1 <= figure.bbox.x1


def test_the_users_settings_change_nothing_and_stay(tmp_path: Path) -> None:
    save_figure("hist", subject(), tmp_path / "a.png")
    with mpl.rc_context({"text.usetex": True, "axes.facecolor": "red", "savefig.dpi": 7}):
        before = dict(mpl.rcParams)
        save_figure("hist", subject(), tmp_path / "b.png")
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_two_threads_draw_as_one_does(tmp_path: Path) -> None:
    threads = [
        threading.Thread(
            target=save_figure,
            args=("hist", subject(), tmp_path / f"{theme}{n}.png", FigureOptions(theme=theme)),
        )
        for theme in ("light", "dark")
        for n in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    light, dark = ([(tmp_path / f"{t}{n}.png").read_bytes() for n in range(2)] for t in
                   ("light", "dark"))  # fmt: skip
    assert light[0] == light[1] != dark[0] == dark[1]


@pytest.mark.parametrize("when", ["reading", "writing"])
def test_control_c_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def half(_: Figure, stream: object, **__: object) -> None:
        stream.write(b"half")  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    if when == "writing":
        monkeypatch.setattr(Figure, "savefig", half)
    progress = interrupt if when == "reading" else lambda _: None
    with pytest.raises(KeyboardInterrupt):
        save_figure("hist", subject(), tmp_path / "x.png", progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_work_that_nobody_waits_for_ends(tmp_path: Path) -> None:
    for kind in ("hist", "heatmap", "spectrum", "risk", "dashboard", "grid"):
        with pytest.raises(CancelledError):
            save_figure(kind, subject(), tmp_path / "x.png", stop=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_file_names_are_safe_and_differ() -> None:
    names = [
        "a/b",
        "a_b",
        "A_B",
        "../../x",
        ".hidden",
        "-rf",
        "",
        "漢字",
        "x" * 999,
        "a\0b",
        "\ud800",
    ]
    found = safe_names(names, ".png")
    assert len({name.casefold() for name in found}) == len(names)
    for name in found:
        assert Path(name).name == name
        assert len(name.encode()) < 255
        assert name[0] not in ".-"
    assert found[:3] == ["a_b.png", "a_b-2.png", "A_B-3.png"]
    assert "漢字.png" in found


def test_a_folder_gets_a_file_for_each_tensor(run: Run, put: Put, tmp_path: Path) -> None:
    model = put(*(weight(name) for name in ("a/b.weight", "a_b.weight", "c.weight")))
    words = ("plot", "hist", model, "-o", f"{tmp_path}/new/", "--format", "svg", "--dpi", "40")
    result = run(*words)
    assert (result.exit_code, result.output) == (0, "")
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"a_b.weight.svg", "a_b.weight-2.svg", "c.weight.svg"}
    again = run(*words)
    assert again.exit_code == 2
    assert "exists already; --force replaces it" in again.stderr
    assert run(*words, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("hist", "-o", "x.bmp"), "must end in one of .png, .svg, .pdf, .html"),
        (("hist", "a.weight", "-o", "no/x.png"), "is in a folder that does not exist"),
        (("hist", "-o", "there.png"), "exists already; --force replaces it"),
        (("hist", "-o", "x.png"), "these are 2 tensors: select one, name a folder (DIR/)"),
        (("hist", "nothing-like-it", "-o", "x.png"), "no tensor matches"),
        (("kernels", "a.weight", "-o", "x.png"), "a.weight: is no convolution's kernel"),
        (("hist", "a.weight", "-o", "x.png", "--size", "100", "100", "--dpi", "1200"), "pixels"),
        (("heatmap", "a.weight", "-o", "x.png", "--colormap", "nope"), "no color map 'nope'"),
        (("hist", "a.weight", "-o", "x.png", "--both"), "is not quantized"),
        (("hist", "--overview", "--page", "9", "-o", "x.png"), "there is one page only"),
    ],
)
def test_what_cannot_be_drawn_is_said(  # noqa: PLR0917 (fixtures)
    run: Run,
    put: Put,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    problem: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    model = put(weight("a.weight"), weight("b.weight"))
    (tmp_path / "there.png").write_text("mine")
    result = run("plot", words[0], model, *words[1:])
    assert result.exit_code == 2
    assert problem in result.stderr
    assert "Traceback" not in result.output
    assert {path.name for path in tmp_path.iterdir()} == {"model.pt", "there.png"}
    assert (tmp_path / "there.png").read_text() == "mine"


def test_a_tensor_that_cannot_be_read_is_left_out(run: Run, put: Put, tmp_path: Path) -> None:
    import dataclasses

    broken = dataclasses.replace(weight("b.weight"), error="ends early")
    model = put(weight("a.weight"), broken)
    result = run("plot", "heatmap", model, "-o", f"{tmp_path}/out/", "--dpi", "40")
    assert result.exit_code == 3
    assert "b.weight: " in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.weight.png"]


def test_without_matplotlib_its_package_is_named(
    run: Run, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("plot", "hist", put(weight()), "-o", tmp_path / "x.png")
    assert result.exit_code == 2
    assert "pip install 'tensorpeek[plot]'" in result.stderr
    with pytest.raises(FigureError, match="figures need matplotlib"):
        save_figure("hist", subject(), tmp_path / "x.png")


@pytest.mark.parametrize("kind", ["risk", "dashboard", "grid", "spectrum", "heatmap"])
def test_every_kind_is_a_command(run: Run, put: Put, tmp_path: Path, kind: str) -> None:
    model = put(weight(values=rng.normal(size=(20, 30))))
    extra = ("--grid", "int4", "--per", "32") if kind == "risk" else ()
    path = tmp_path / "x.html"
    result = run("plot", kind, model, "-o", path, "--theme", "dark", "--title", "<b>", *extra)
    assert (result.exit_code, result.output) == (0, "")
    page = Page(path.read_text())
    assert (page.title, page.outside, "script" in page.tags) == ("<b>", [], False)


def test_help_and_choices_are_those_of_the_analysis() -> None:
    from tensorpeek.analysis.risk import GRANULARITIES, GRID_NAMES
    from tensorpeek.tui.command import plot_subcommands
    from tensorpeek.tui.figures.figure_options import FigureOptions as Options

    assert plot_subcommands.GRIDS == GRID_NAMES
    assert tuple(map(str, GRANULARITIES)) == plot_subcommands.UNITS
    assert Options().theme == "light"
