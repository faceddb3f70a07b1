"""The facts of all tensors of a model, as lists in file order; each is made when first needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from tensorpeek.tui.layers.module_tree import Modules

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor

NaturalKey = tuple[tuple[int, int | str], ...]

_SLOW = (
    *("params", "nbytes", "stored_bits", "is_parameter"),
    *("modules", "natural_keys", "easy_spectra"),
)
"""Lists that take a second for 100,000 tensors, all together."""

_DIGITS = re.compile(r"(\d{1,18})")


class Inventory:
    """What a file says of its tensors, without reading a value.

    Any thread may ask: at worst two make the same list.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors)

    @cached_property
    def measured(self) -> list[Tensor]:
        """The tensors with GPT-2's as what they are, for measures that tell channels apart."""
        from tensorpeek.analysis.diagnosis.conv1d import with_outputs_known

        return with_outputs_known(self.tensors, self.tensors)

    @cached_property
    def names(self) -> list[str]:
        """Names, which are unique."""
        return [tensor.name for tensor in self.tensors]

    @cached_property
    def lowered(self) -> list[str]:
        """Names in lower case."""
        return [name.lower() for name in self.names]

    @cached_property
    def params(self) -> list[int]:
        """Numbers of elements."""
        return [tensor.params for tensor in self.tensors]

    @cached_property
    def nbytes(self) -> list[int]:
        """Bytes in the file."""
        return [tensor.nbytes for tensor in self.tensors]

    @cached_property
    def stored_bits(self) -> list[int]:
        """Bits in the file, those of scales included."""
        from tensorpeek.analysis.overview import stored_bits

        return [stored_bits(tensor) for tensor in self.tensors]

    @cached_property
    def is_parameter(self) -> list[bool]:
        """Which tensors are parameters, and no buffers or scales of activations."""
        from tensorpeek.loaders.model import PARAMETER_ROLES

        return [tensor.role in PARAMETER_ROLES for tensor in self.tensors]

    @cached_property
    def natural_keys(self) -> list[NaturalKey]:
        """Keys that sort names as a person does: ``layers.2`` before ``layers.10``."""
        return [natural_key(name) for name in self.lowered]

    @cached_property
    def modules(self) -> Modules:
        """The modules that the names tell."""
        return Modules(self.names)

    @cached_property
    def easy_spectra(self) -> int:
        """How many tensors have their condition number measured unasked."""
        return sum(is_easy(tensor) for tensor in self.tensors)

    def prepare(self) -> None:
        """Make the lists that totals and orders need."""
        for name in _SLOW:
            getattr(self, name)

    @property
    def is_prepared(self) -> bool:
        """Whether those lists are there."""
        return all(name in self.__dict__ for name in _SLOW)

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each name."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def has_views(self) -> bool:
        """Whether any tensor has a raw view too."""
        return any(tensor.quantization is not None for tensor in self.tensors)


def is_easy(tensor: Tensor) -> bool:
    """Whether the condition number of a tensor is measured unasked: it takes no seconds."""
    from tensorpeek.analysis.overview import EASY_SPECTRUM, spectrum_cost

    return tensor.error is not None or spectrum_cost(tensor) <= EASY_SPECTRUM


def natural_key(text: str) -> NaturalKey:
    """Return a key that compares runs of digits as numbers."""
    parts = _DIGITS.split(text)
    return tuple(
        (0, int(part)) if place % 2 else (1, part) for place, part in enumerate(parts) if part
    )
