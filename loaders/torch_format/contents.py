"""What was read of a PyTorch file of any kind, and the model that is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.machine import (
    Allowance,
    Source,
    begins_pickle,
    interpret_at,
)
from tensorpeek.loaders.inert_pickle.named_globals import (
    LOAD_FROM_BYTES,
    foreign_classes,
    imports_of,
    warnings_of,
)
from tensorpeek.loaders.inert_pickle.values import Global, Pickle, Record
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import HEAD, WeightFile
from tensorpeek.loaders.torch_format.metadata import dictionary, metadata_of
from tensorpeek.loaders.torch_format.names import Found, found_at, name_tensors
from tensorpeek.loaders.torch_format.nested_storages import NestedStorages
from tensorpeek.loaders.torch_format.quantized import number
from tensorpeek.loaders.torch_format.rebuild import Rebuilder
from tensorpeek.loaders.torch_format.sparse import sparse_tensors
from tensorpeek.loaders.torch_format.storages import Storages
from tensorpeek.loaders.torch_format.walk import Node, Walk

MAX_TENSORS = 1 << 20
"""Tensors beyond which a file is refused."""

MAX_FOLLOWING = 8
"""Pickles after the one that counts that are looked at."""

MAX_TOLD = 3
"""Dangerous globals told of a file without tensors."""

_COST = 80
"""Of a tensor without a storage of its own: in a small file there can be very many of them."""


@dataclass(eq=False, slots=True)
class Contents:
    """The pickles of a file that is being read, and the tensors found in them."""

    file: WeightFile
    allowance: Allowance = field(default_factory=Allowance)
    found: list[Found] = field(default_factory=list)
    pickles: list[Pickle] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    complete: bool = True
    _harmless: set[Global] = field(default_factory=set)
    _stored: set[str] = field(default_factory=set)

    def add(
        self, pickle: Pickle, storages: Storages, source: Source, section: Callable[[Node], str]
    ) -> list[Found]:
        """Note a pickle, which was read from ``source``, and return the tensors in it."""
        nested = NestedStorages(storages, source, self.allowance)
        walk = Walk(pickle.root, self.allowance)
        found = list(self._find(walk, Rebuilder(nested), section))
        if nested.are_harmless(pickle.records):
            self._harmless.add(LOAD_FROM_BYTES)
        else:
            self._harmless.discard(LOAD_FROM_BYTES)
        self.pickles += [pickle, *nested.pickles]
        self.complete = self.complete and walk.complete
        return found

    def follow(self, source: Source, start: int, what: str) -> None:
        """Note what follows ``what``, which ends at ``start``: pickles, or any bytes.

        No reader would look at it by itself, but what such pickles name is told.
        """
        rest = source.size - start
        if rest <= 0:
            return
        self.remarks.append(f"{rest:,} bytes follow {what} and are not shown")
        for _ in range(MAX_FOLLOWING):
            head = bytes(source.read(start, min(start + HEAD, source.size)))
            if not begins_pickle(head):
                return
            try:
                pickle = interpret_at(source, start, self.allowance)
            except LoadError:
                return
            self.pickles.append(pickle)
            start = pickle.stop

    def _find(
        self, walk: Walk, rebuilder: Rebuilder, section: Callable[[Node], str]
    ) -> Iterator[Found]:
        for count, node in enumerate(walk.tensors()):
            if count >= MAX_TENSORS:
                raise LoadError(self.file.path, f"holds more than {MAX_TENSORS:,} tensors")
            if isinstance(node.value, Record):
                facts = rebuilder.facts(node.value)
            elif (value := number(node.value)) is not None:
                facts = replace(value, key=object())  # equal numbers are not one shared tensor
            else:
                continue
            if not self._is_affordable(rebuilder.storage_key(node.value)):
                walk.complete = False
                return
            yield found_at(node.path, facts, section(node))

    def _is_affordable(self, key: str | None) -> bool:
        if key is not None and key not in self._stored:
            self._stored.add(key)
            return True
        return self.allowance.spend(_COST)

    def model(self, format_name: str) -> Model:
        """Make the model: its first pickle is the one that describes what was saved.

        Raises LoadError when there are no tensors.
        """
        pickle, source = self.pickles[0], str(self.file.path)
        warnings = list(
            dict.fromkeys(line for one in self.pickles for line in warnings_of(one, self._harmless))
        )
        if not self.found:
            told = "".join(f"; {line}" for line in [*warnings[:MAX_TOLD], *self.remarks[:1]])
            raise LoadError(self.file.path, f"holds no tensors{told}")
        if not self.complete:
            warnings.append(
                f"only the first {len(self.found):,} tensors are listed: it is nested too deeply, "
                "or has too many tensors for its few storages; some objects were not searched"
            )
        strip = dictionary(pickle.root) is not None
        return Model(
            path=self.file.path,
            format=format_name,
            tensors=name_tensors(self.found, source, strip=strip),
            metadata=self._metadata(pickle),
            warnings=(*warnings, *self.remarks),
            imports=imports_of(self.pickles, self._harmless),
        )

    def _metadata(self, pickle: Pickle) -> dict[str, str]:
        found = metadata_of(pickle)
        classes = foreign_classes(pickle)
        if classes:
            found["pickled classes (not imported)"] = classes
        sparse = sparse_tensors(self.pickles)
        if sparse:
            found["sparse tensors"] = clean(sparse)
        return found
