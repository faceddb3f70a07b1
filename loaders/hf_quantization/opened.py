"""Keep the storages of one weight's parts open while it is read."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType

from tensorpeek.loaders.storage import Read, Storage


class Opened:
    """Opens each storage once, when it is first asked for; closes all at the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._reads: dict[Storage, Read] = {}

    def __enter__(self) -> Opened:
        """Begin with none open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all."""
        self._stack.close()

    def read(self, storage: Storage) -> Read:
        """Return what reads parts of ``storage``. Raises LoadError."""
        found = self._reads.get(storage)
        if found is None:
            found = self._reads[storage] = self._stack.enter_context(storage.open())
        return found
