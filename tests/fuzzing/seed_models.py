"""Build the valid models that are damaged: those of every format and scheme, and the samples."""

from __future__ import annotations

import shutil
from pathlib import Path

from scheme_files import FORMATS

from fuzzing.cases import Seed, write_list

SAMPLES = Path(__file__).resolve().parents[2] / "models"
SUFFIXES = {".pt": "PyTorch", ".onnx": "ONNX"}


def build(folder: Path, *, samples: bool = True) -> None:
    """Write the models, each in a folder of its own, and the list of them."""
    seeds = [
        Seed(name, sample.path.parent, sample.path.name)
        for name, write in FORMATS.items()
        for sample in write(folder / name)
    ]
    for path in sorted(SAMPLES.iterdir()) if samples else ():
        if path.suffix in SUFFIXES:
            own = folder / "samples" / path.name
            own.mkdir(parents=True)
            shutil.copyfile(path, own / path.name)
            seeds.append(Seed(SUFFIXES[path.suffix], own, path.name))
    write_list(folder, seeds)
