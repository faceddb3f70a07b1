"""Links in the documents lead somewhere, and what the tour tells to type works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).parent / "tensorpeek"

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "models/README.md"])

TOUR = (ROOT / "docs/tour.md").read_text(encoding="utf-8")

TYPED = re.findall(r"^\$ (tensorpeek .*?)(?:  +#.*)?$", TOUR, re.MULTILINE)
"""The commands of the tour, without what is said about them."""


def anchors(document: Path) -> set[str]:
    """What the headings of a document can be linked by."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        path, _, heading = link.partition("#")
        if "://" not in link:
            target = document.parent / path if path else document
            assert target.is_file(), link
            assert not heading or heading in anchors(target), link


def test_the_tour_shows_four_commands() -> None:
    assert [line.split()[1] for line in TYPED] == ["plot", "export", "scan", "serve"]


@pytest.mark.parametrize("line", TYPED[:3])  # the last one serves until it is ended
def test_what_the_tour_tells_to_type_writes_a_file(tmp_path: Path, line: str) -> None:
    torch.manual_seed(0)
    torch.save({"conv1.weight": torch.randn(8, 4, 3, 3)}, tmp_path / "model.pt")
    words = shlex.split(line)
    subprocess.run([COMMAND, *words[1:]], cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / words[-1]).stat().st_size > 1000


def test_the_plugin_in_the_page_about_grids_is_found(tmp_path: Path) -> None:
    page = (ROOT / "docs/grids.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (line,) = re.findall(r"^\$ tensorpeek (grids .*)$", page, re.MULTILINE)
    words = shlex.split(line)
    (tmp_path / words[-1]).write_text(code)
    done = subprocess.run([COMMAND, *words], cwd=tmp_path, capture_output=True, check=True)
    assert b"one column for each layer" in done.stdout
