"""Interpret a pickle without executing anything in it."""

from __future__ import annotations

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.machine_state import Machine, PickleDamage
from tensorpeek.loaders.inert_pickle.opcodes import OPERATIONS
from tensorpeek.loaders.inert_pickle.values import Pickle

MAX_OPERATIONS = 1 << 23
"""Opcodes beyond which a pickle is refused; a checkpoint of 100,000 tensors has 4 million."""

_STOP = ord(".")


def interpret(path: str, content: bytes) -> Pickle:
    """Return what the pickle ``content`` of the file ``path`` describes.

    Time and memory are linear in the size of ``content``: each opcode makes at most one small
    object, and no count that a file states is used to reserve memory. Raises LoadError.
    """
    machine = Machine(content)
    operations, start = OPERATIONS, 0
    try:
        for _ in range(MAX_OPERATIONS):
            start = machine.at
            code = content[start]
            machine.at = start + 1
            if code == _STOP:
                root = machine.stack[-1]
                return Pickle(root, tuple(machine.globals), tuple(machine.records))
            operations[code](machine)
    except PickleDamage as error:
        raise LoadError(path, f"damaged pickle at byte {start}: {error}") from error
    except (IndexError, KeyError, ValueError) as error:
        raise LoadError(path, f"damaged pickle at byte {start}") from error
    raise LoadError(path, f"its pickle has more than {MAX_OPERATIONS:,} operations")
