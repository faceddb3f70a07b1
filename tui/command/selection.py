"""Which files and which tensors the words of a command line mean."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tensorpeek.loaders import Model, Tensor
from tensorpeek.loaders.model import PARAMETER_ROLES
from tensorpeek.loaders.registry import SUFFIXES, is_set

WILDCARDS = "*?["


@dataclass(frozen=True)
class Selection:
    """Paths to open, and patterns of which a tensor must match one (any tensor if none)."""

    paths: tuple[str, ...]
    patterns: tuple[str, ...]

    @classmethod
    def of(cls, words: Sequence[str], patterns: Iterable[str] = ()) -> Selection:
        """Tell paths from patterns: the first word is a path, see :func:`is_path` for the rest."""
        later = words[1:]
        paths = (*words[:1], *(word for word in later if is_path(word)))
        return cls(paths, (*(word for word in later if not is_path(word)), *patterns))

    def tensors(self, model: Model, *, everything: bool = True) -> list[Tensor]:
        """Return the tensors that match, in file order.

        Unless ``everything``, only parameters are returned if there are any among them.
        """
        matching = [tensor for tensor in model.tensors if self._matches(tensor)]
        if everything:
            return matching
        return [tensor for tensor in matching if tensor.role in PARAMETER_ROLES] or matching

    def _matches(self, tensor: Tensor) -> bool:
        if not self.patterns:
            return True
        names = (tensor.name, tensor.layer, *tensor.aliases)
        return any(matches(pattern, name) for pattern in self.patterns for name in names)


def is_path(word: str) -> bool:
    """Return whether a word names files: it exists, matches files, or ends like a model file."""
    try:
        if Path(word).exists() or Path(word).suffix.lower() in SUFFIXES or is_set(Path(word)):
            return True
        return any(sign in word for sign in WILDCARDS) and bool(glob.glob(word))  # noqa: PTH207
    except (OSError, ValueError):
        return False


def matches(pattern: str, name: str) -> bool:
    """Return whether ``pattern`` selects ``name``: all of it with wildcards, else a part of it."""
    if any(sign in pattern for sign in WILDCARDS):
        return fnmatchcase(name, pattern)
    return pattern in name
