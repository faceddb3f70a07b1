"""Cases: a valid model, one of its files damaged, the same for the same seed and number."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from fuzzing.mutations import mutate

LIST = "seeds.json"

SLOW = "Keras"
"""The format whose files are listed by a process of their own: 0.2 s for each."""

SLOW_SHARE = 0.01
OTHER_NAMES = ("model.bin", "model", "model.onnx", "model.safetensors", "model.npy", "model.keras")


@dataclass(frozen=True)
class Seed:
    """A valid model in a folder of its own; ``opened`` is the file of it that is opened."""

    format: str
    folder: Path
    opened: str


@dataclass(frozen=True)
class Case:
    """A model to open: a seed with one file damaged, perhaps under another name."""

    seed: Seed
    damaged: str
    content: bytes
    opened: str

    def write(self, folder: Path) -> Path:
        """Write it into an empty ``folder`` and return what to open."""
        for file in self.seed.folder.iterdir():
            if file.name != self.damaged:
                shutil.copyfile(file, folder / file.name)
        name = self.opened if self.damaged == self.seed.opened else self.damaged
        (folder / name).write_bytes(self.content)
        return folder / self.opened


class Cases:
    """All cases of a seed of randomness, by number, over the models in a folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._seed = seed
        self._formats: dict[str, list[Seed]] = {}
        for format_, own, opened in json.loads((folder / LIST).read_text()):
            self._formats.setdefault(format_, []).append(Seed(format_, folder / own, opened))
        self._quick = [name for name in self._formats if name != SLOW]

    def __getitem__(self, number: int) -> Case:
        random = Random(f"{self._seed}/{number}")
        is_slow = SLOW in self._formats and random.random() < SLOW_SHARE
        format_ = SLOW if is_slow else random.choice(self._quick)
        seed = random.choice(self._formats[format_])
        damaged = _damaged_file(seed, random)
        anywhere = random.choice(list(self._formats.values())) if random.randrange(8) == 0 else None
        other = random.choice(anywhere or self._formats[format_])
        content = (seed.folder / damaged).read_bytes()
        changed = mutate(content, (other.folder / other.opened).read_bytes(), random)
        renamed = damaged == seed.opened and random.randrange(40) == 0
        return Case(seed, damaged, changed, random.choice(OTHER_NAMES) if renamed else seed.opened)


def _damaged_file(seed: Seed, random: Random) -> str:
    names = sorted(file.name for file in seed.folder.iterdir())
    return random.choice([seed.opened, *names])


def write_list(folder: Path, seeds: Sequence[Seed]) -> None:
    """Write down which models a folder has."""
    rows = [(seed.format, str(seed.folder.relative_to(folder)), seed.opened) for seed in seeds]
    (folder / LIST).write_text(json.dumps(rows))
