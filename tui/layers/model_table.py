"""What the session knows of one model: its inventory, and a ledger for each view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorpeek.tui.layers.agenda import Agenda, Sight
from tensorpeek.tui.layers.arrangement import Arrangement
from tensorpeek.tui.layers.columns import KINDS, Kind
from tensorpeek.tui.layers.inventory import Inventory, is_easy
from tensorpeek.tui.layers.ledger import Ledger

if TYPE_CHECKING:
    from tensorpeek.loaders import Model, View


class ModelTable:
    """Kept as long as the model is, so that what was measured stays."""

    def __init__(self, model: Model) -> None:
        self.inventory = Inventory(model.tensors)
        self._ledgers: dict[View, Ledger] = {}

    def ledger(self, view: View) -> Ledger:
        """Return the ledger of a view."""
        if view not in self._ledgers:
            self._ledgers[view] = Ledger(len(self.inventory))
        return self._ledgers[view]

    def arrangement(self, view: View, before: Arrangement | None) -> Arrangement:
        """Return an arrangement with the filter and the order of the one before.

        What is alike in both views is measured once.
        """
        ledger = self.ledger(view)
        for other in self._ledgers.values():
            if other is not ledger:
                self._share(other, ledger)
        made = Arrangement(self.inventory, ledger)
        if before is not None:
            made.follow(before)
        return made

    def wanted(self, ledger: Ledger, kinds: frozenset[Kind]) -> dict[Kind, int]:
        """Return how many tensors are to be measured, for each kind of measure."""
        count = len(self.inventory)
        wanted = {kind: count for kind in KINDS if kind in kinds}
        hard = sum(not is_easy(self.inventory.tensors[place]) for place in ledger.asked)
        if "condition" in wanted:
            wanted["condition"] = self.inventory.easy_spectra + hard
        elif ledger.asked:
            wanted["condition"] = ledger.counts["condition"] + sum(
                not ledger.is_known("condition", place) for place in ledger.asked
            )
        return wanted

    def agenda(self, ledger: Ledger, sight: Sight) -> Agenda:
        """Return what is left to measure."""
        known = {kind: ledger.flags(kind) for kind in KINDS}
        tensors = self.inventory.tensors
        return Agenda(len(tensors), known, lambda place: is_easy(tensors[place]), sight)

    def _share(self, other: Ledger, ledger: Ledger) -> None:
        for place, tensor in enumerate(self.inventory.tensors):
            if tensor.quantization is None:
                ledger.take_from(other, place)
