"""Interpret a pickle without executing anything in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.costs import COSTS
from tensorpeek.loaders.inert_pickle.machine_state import (
    Machine,
    PickleDamage,
    PickleEnd,
    PickleTooLarge,
    Resolve,
)
from tensorpeek.loaders.inert_pickle.opcodes import OPERATIONS
from tensorpeek.loaders.inert_pickle.values import Pickle
from tensorpeek.loaders.storage import Read

MAX_COST = 3_000_000
"""Cost of all operations beyond which pickles are refused (see :data:`COSTS`), in any file.

A tensor of a state_dict costs about 90, and as much again to be found and listed: 18,000 fit that
share a storage. It takes less than a second.
"""

STORAGE_COST = 140
"""What may be spent besides for each storage that lies in the file: more than a tensor costs."""

MAX_TEXT = 1 << 25
"""Bytes of names, short texts and short byte strings beyond which pickles are refused."""

STORAGE_TEXT = 80
"""Bytes of them that are read besides for each storage."""

_STOP = ord(".")


@dataclass(slots=True)
class Allowance:
    """What the pickles of one file may cost together."""

    cost: int = field(default_factory=lambda: MAX_COST)
    text: int = MAX_TEXT

    @classmethod
    def with_storages(cls, count: int) -> Allowance:
        """Return what a file with ``count`` storages of its own may cost: it pays in bytes."""
        return cls(MAX_COST + STORAGE_COST * count, MAX_TEXT + STORAGE_TEXT * count)

    def spend(self, cost: int) -> bool:
        """Take ``cost`` off, if there is as much left; else return False."""
        self.cost -= cost
        return self.cost >= 0


@dataclass(frozen=True, slots=True)
class Source:
    """Where pickles are read from: ``size`` bytes, which ``read`` gives, of the file ``path``."""

    path: str
    read: Read
    size: int


def interpret(path: str, content: bytes) -> Pickle:
    """Return what the pickle ``content`` of the file ``path`` describes. Raises LoadError."""
    source = Source(path, lambda start, stop: content[start:stop], len(content))
    return interpret_at(source, 0, Allowance())


def interpret_at(
    source: Source, start: int, allowance: Allowance, resolve: Resolve | None = None
) -> Pickle:
    """Return what the pickle describes that starts at byte ``start``.

    Time and memory are bounded by ``allowance``, from which they are taken: each opcode makes at
    most one small object, no count that a file states is used to reserve memory, and long
    strings are left where they are. ``resolve`` may say what persistent ids stand for. Raises
    LoadError.
    """
    path = source.path
    machine = Machine(source.read, start, source.size, allowance.text)
    machine.resolve = resolve
    try:
        return _run(machine, allowance)
    except PickleTooLarge as error:
        raise LoadError(path, f"its pickle {error}") from error
    except PickleDamage as error:
        raise LoadError(path, f"damaged pickle at byte {machine.place}: {error}") from error
    except (IndexError, KeyError, ValueError) as error:
        raise LoadError(path, f"damaged pickle at byte {machine.place}") from error
    finally:
        allowance.text = machine.text_left


def begins_pickle(head: bytes) -> bool:
    """Whether ``head``, the first bytes of a file, are opcodes as far as they go."""
    machine = Machine(lambda start, stop: head[start:stop], 0, len(head), MAX_TEXT)
    try:
        _run(machine, Allowance())
    except (PickleEnd, PickleTooLarge):
        return True
    except IndexError:  # an opcode whose one byte is cut off, or one that lacks its operands
        return machine.at + 1 >= len(head)
    except (PickleDamage, KeyError, ValueError):
        return machine.at >= len(head)
    return True


def _run(machine: Machine, allowance: Allowance) -> Pickle:
    """Run the opcodes up to STOP; when one fails, leave the machine at that opcode."""
    operations, costs, left, at = OPERATIONS, COSTS, allowance.cost, 0
    granted = left
    try:
        while left > 0:
            if machine.at > machine.refill_at:
                machine.refill()
            at = machine.at
            code = machine.content[at]
            machine.at = at + 1
            left -= costs[code]
            if code == _STOP:
                return _finished(machine)
            operations[code](machine)
    except (PickleDamage, PickleTooLarge, LookupError, ValueError):
        machine.at = at
        raise
    finally:
        allowance.cost = left
    raise PickleTooLarge(
        f"has more operations than the {granted:,} that are read of a file with so few storages"
    )


def _finished(machine: Machine) -> Pickle:
    return Pickle(
        machine.stack[-1],
        tuple(machine.globals.values()),
        tuple(machine.records),
        tuple(machine.persistents),
        machine.place,
    )
