"""Tensors grouped by the modules that their names tell, with totals."""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

DEEPEST = 24
"""Levels that are told apart: a name may have thousands of dots."""

_SEPARATOR = re.compile(r"[./]")


@dataclass(frozen=True)
class Totals:
    """Sums over some tensors. ``params`` are of parameters, as are the bits of ``stored_bits``."""

    tensors: int = 0
    params: int = 0
    nbytes: int = 0
    stored_bits: int = 0

    @property
    def bits_per_weight(self) -> float | None:
        """Stored bits of the parameters, scales included, for each of them; None without any."""
        return self.stored_bits / self.params if self.params else None


@dataclass(frozen=True)
class Sizes:
    """What is added up, for each tensor: elements, bytes, bits, whether it is a parameter."""

    params: Sequence[int]
    nbytes: Sequence[int]
    stored_bits: Sequence[int]
    is_parameter: Sequence[bool]

    def total(self, places: Collection[int]) -> Totals:
        """Add up the tensors at ``places``."""
        return Totals(*self.sums(places))

    def sums(self, places: Collection[int]) -> list[int]:
        """Return the fields of the totals, as a list."""
        counted = [place for place in places if self.is_parameter[place]]
        return [
            len(places),
            sum([self.params[place] for place in counted]),
            sum([self.nbytes[place] for place in places]),
            sum([self.stored_bits[place] for place in counted]),
        ]


class Modules:
    """The modules of a model, numbered from 0, the whole model; a parent comes before its parts.

    Names are divided at ``.`` and ``/``. ``home`` is the module of each tensor.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.parent = [0]
        self._spelled = [(0, 0)] if names else [(-1, 0)]  # a name, and where the module ends in it
        self.home: list[int] = []
        known: dict[tuple[int, str], int] = {}
        for place, name in enumerate(names):
            module, start = 0, 0
            for separator in list(_SEPARATOR.finditer(name, 1))[:DEEPEST]:
                part = name[start : separator.start()]
                if (module, part) not in known:
                    known[module, part] = len(self.parent)
                    self.parent.append(module)
                    self._spelled.append((place, separator.start()))
                module, start = known[module, part], separator.end()
            self.home.append(module)

    def __len__(self) -> int:
        return len(self.parent)

    def count(self, places: Iterable[int]) -> Counter[int]:
        """Return how many of the tensors at ``places`` lie in each module."""
        counts: Counter[int] = Counter()
        for place in places:
            module = self.home[place]
            while module:
                counts[module] += 1
                module = self.parent[module]
        return counts

    def label(self, module: int, above: int) -> str:
        """Return how a module is called within one above it."""
        place, end = self._spelled[module]
        return self._names[place][self._start(above) : end]

    def tensor_label(self, place: int, above: int) -> str:
        """Return how a tensor is called within its module, or one above that."""
        return self._names[place][self._start(above) :]

    def _start(self, module: int) -> int:
        return self._spelled[module][1] + 1 if module else 0


@dataclass(frozen=True)
class Line:
    """A line of the tree: the tensor at ``place``, or a ``module`` with what is called ``label``.

    The other one is None. ``depth`` counts the modules above that have a line.
    """

    depth: int
    label: str
    place: int | None = None
    module: int | None = None


Entry = tuple[int, int, int]
"""A tensor, or a module as -1 - module; its depth; the module above that has a line."""


class ModuleTree:
    """Some tensors under their modules. Siblings stand where the first of their tensors stands.

    ``order`` are the places of the tensors, as they are to be shown.
    """

    def __init__(self, modules: Modules, order: Sequence[int]) -> None:
        self._modules = modules
        self._parts: dict[int, list[int]] = {0: []}  # tensors, and modules as -1 - module
        self._chain: list[tuple[int, int]] = []
        for place in order:
            self._hang(modules.home[place])
            self._parts[modules.home[place]].append(place)

    def _hang(self, module: int) -> None:
        """Make room for a module's parts, and put it and those above it into their parents."""
        while module not in self._parts:
            self._parts[module] = []
            above = self._modules.parent[module]
            self._chain.append((above, module))
            module = above
        for above, below in self._chain:
            self._parts[above].append(-1 - below)
        self._chain.clear()

    def modules(self) -> set[int]:
        """Return every module that has any of the tensors."""
        return self._parts.keys() - {0}

    def places(self, module: int) -> list[int]:
        """Return the tensors in a module and in those below it."""
        found: list[int] = []
        stack = [-1 - module]
        while stack:
            part = stack.pop()
            if part >= 0:
                found.append(part)
            else:
                stack += reversed(self._parts.get(-1 - part, ()))
        return found

    def totals(self, sizes: Sizes) -> dict[int, Totals]:
        """Return the totals of every module that has any of the tensors."""
        sums = {
            module: sizes.sums([part for part in parts if part >= 0])
            for module, parts in self._parts.items()
        }
        for module in sorted(sums, reverse=True):  # parts have larger numbers than what they are in
            if module:
                above = sums[self._modules.parent[module]]
                above[:] = map(operator.add, above, sums[module])
        return {module: Totals(*each) for module, each in sums.items()}

    def entries(self, folded: Collection[int]) -> list[Entry]:
        """Return what has a line, from top to bottom; nothing that is in ``folded`` modules.

        Modules with nothing but one module or one tensor in them share its line.
        """
        entries: list[Entry] = []
        stack: list[Entry] = [(part, 0, 0) for part in reversed(self._parts[0])]
        while stack:
            entry = stack.pop()
            part, depth, above = entry
            if part < 0:
                part = self._end_of_chain(part)
                entry = (part, depth, above)
                if part < 0 and -1 - part not in folded:
                    module, below = -1 - part, depth + 1
                    stack += [(each, below, module) for each in reversed(self._parts[module])]
            entries.append(entry)
        return entries

    def line(self, entry: Entry) -> Line:
        """Return the line of an entry."""
        part, depth, above = entry
        if part >= 0:
            return Line(depth, self._modules.tensor_label(part, above), place=part)
        return Line(depth, self._modules.label(-1 - part, above), module=-1 - part)

    def _end_of_chain(self, part: int) -> int:
        """Return the tensor, or the module of several parts, that a module comes down to."""
        while part < 0:
            parts = self._parts[-1 - part]
            if len(parts) != 1:
                break
            part = parts[0]
        return part
