"""Which tensors are listed, in which order and under which modules; no widget, no file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from tensorpeek.tui.layers.column_values import column_values
from tensorpeek.tui.layers.columns import NUMBER, SORTABLE, Column
from tensorpeek.tui.layers.filter_terms import Table
from tensorpeek.tui.layers.filtering import Filter, read_filter
from tensorpeek.tui.layers.inventory import Inventory
from tensorpeek.tui.layers.ledger import Ledger
from tensorpeek.tui.layers.module_tree import Entry, Line, ModuleTree, Sizes, Totals
from tensorpeek.tui.layers.ordering import in_order

FEW = 200
"""Tensors up to which a tree begins unfolded."""


class Arrangement:
    """The lines of the table, made anew when the filter, the order or the folds change."""

    def __init__(self, inventory: Inventory, ledger: Ledger) -> None:
        self.inventory = inventory
        self.ledger = ledger
        self.marked: set[int] = set()
        self.column: Column = NUMBER
        self.descending = False
        self.is_grouped = self._was_grouped = False
        self.query = ""
        self._filter = Filter()
        self._folded: set[int] = set()
        self._folded_matches: set[int] = set()
        self.listed: list[int] = list(range(len(inventory)))
        self._listed_set: frozenset[int] | range = range(len(inventory))
        self._tree: ModuleTree | None = None
        self._entries: list[Entry] = []

    # Asking

    def __len__(self) -> int:
        return len(self._entries) if self.is_grouped else len(self.listed)

    def line(self, index: int) -> Line:
        """Return a line, from 0."""
        if self._tree is not None:
            return self._tree.line(self._entries[index])
        place = self.listed[index]
        return Line(0, self.inventory.names[place], place=place)

    def find(self, sought: Line | None) -> int | None:
        """Return where the tensor or the module of a line stands now, None if it is not listed."""
        if sought is None:
            return None
        if not self.is_grouped:
            place = sought.place
            return None if place not in self._listed_set else self.listed.index(place or 0)
        part = sought.place if sought.module is None else -1 - sought.module
        return next((index for index, entry in enumerate(self._entries) if entry[0] == part), None)

    def find_place(self, place: int) -> int | None:
        """Return the line of a tensor, None if it is not listed."""
        return self.find(Line(0, "", place=place))

    def tensors_at(self, index: int) -> list[int]:
        """Return the tensor of a line, or those of its module."""
        line = self.line(index)
        if line.place is not None:
            return [line.place]
        return [] if self._tree is None or line.module is None else self._tree.places(line.module)

    def is_folded(self, line: Line) -> bool:
        """Whether what is in a module has no lines."""
        return line.module in self._folds

    @property
    def depends_on_measures(self) -> bool:
        """Whether what is measured later may change the lines."""
        return self._filter.is_measured or self.column.kind is not None

    @property
    def totals(self) -> Totals:
        """The totals of the listed tensors."""
        if self._totals is None:
            self._totals = self.sizes.total(self.listed)
        return self._totals

    def module_totals(self, line: Line) -> Totals:
        """Return the totals of the listed tensors in a module."""
        if self._tree is None or line.module is None:
            return Totals()
        if self._module_totals is None:
            self._module_totals = self._tree.totals(self.sizes)
        return self._module_totals[line.module]

    _totals: Totals | None = None
    _module_totals: dict[int, Totals] | None = None

    @cached_property
    def sizes(self) -> Sizes:
        """What totals are made of."""
        known = self.inventory
        return Sizes(known.params, known.nbytes, known.stored_bits, known.is_parameter)

    def marked_in(self, line: Line) -> int:
        """Return how many tensors of a line are marked, listed or not."""
        if line.module is None:
            return int(line.place in self.marked)
        if self._marked_in is None:
            self._marked_in = self.inventory.modules.count(self.marked)
        return self._marked_in[line.module]

    _marked_in: Counter[int] | None = None

    # Changing

    def follow(self, other: Arrangement) -> None:
        """Take over the filter, the order and the grouping of another one."""
        self.column, self.descending = other.column, other.descending
        self.query, self._filter = other.query, other._filter
        if other.inventory is self.inventory:
            self.marked = other.marked
            self._folded, self._folded_matches = other._folded, other._folded_matches
            self.is_grouped, self._was_grouped = other.is_grouped, other._was_grouped
            self.arrange()
        else:
            self._was_grouped = False
            self.group(is_grouped=other.is_grouped)

    def nearest(self, place: int) -> int | None:
        """Return the line of a tensor or of the module that hides it, None if it is not listed."""
        found = self.find_place(place)
        if found is not None or not self.is_grouped or place not in self._listed_set:
            return found
        module = self.inventory.modules.home[place]
        lines = {-1 - entry[0]: index for index, entry in enumerate(self._entries)}
        while module and module not in lines:
            module = self.inventory.modules.parent[module]
        return lines.get(module)

    def parent_line(self, index: int) -> int | None:
        """Return the line of the module that a line lies in, None for an outermost one."""
        if not self.is_grouped:
            return None
        depth = self._entries[index][1]
        above = range(index - 1, -1, -1)
        return next((at for at in above if self._entries[at][1] < depth), None)

    def filter_by(self, query: str) -> None:
        """List what fulfills the conditions of ``query``."""
        self.query, self._filter = query, read_filter(query)
        self._folded_matches = set()
        self.arrange()

    def sort_by(self, column: Column, *, descending: bool | None = None) -> None:
        """Sort by a column, in the direction of before unless another is told."""
        self.column = column
        self.descending = self.descending if descending is None else descending
        self.arrange()

    def sort_beside(self, step: int) -> Column:
        """Sort by the column ``step`` columns to the right, around the end; return it."""
        place = SORTABLE.index(self.column)
        self.sort_by(SORTABLE[(place + step) % len(SORTABLE)])
        return self.column

    def group(self, *, is_grouped: bool) -> None:
        """Show the modules of the tensors, or the tensors alone.

        The first time, a large model shows its outermost modules alone.
        """
        is_first = is_grouped and not self._was_grouped
        self.is_grouped = is_grouped
        self._was_grouped |= is_grouped
        if is_first and len(self.inventory) > FEW:
            self._folded = set(range(1, len(self.inventory.modules)))
        self.arrange()

    def fold(self, module: int, *, is_folded: bool) -> None:
        """Hide or show what is in a module."""
        (self._folds.add if is_folded else self._folds.discard)(module)
        self._fold_lines()

    def fold_all(self) -> None:
        """Hide what is in all modules, or show it all if nothing is to be seen of any."""
        if self._tree is None:
            return
        shown = {-1 - entry[0] for entry in self._entries if entry[0] < 0}
        if shown <= self._folds:
            self._folds.clear()
        else:
            self._folds.update(self._tree.modules())
        self._fold_lines()

    def mark(self, places: Iterable[int]) -> None:
        """Mark tensors; if all of them are marked, unmark them."""
        wanted = set(places)
        self._marked_in = None
        if wanted <= self.marked:
            self.marked -= wanted
        else:
            self.marked |= wanted

    def use_marks(self, places: Iterable[int]) -> None:
        """Mark these tensors and no others."""
        self.marked = set(places)
        self._marked_in = None

    def arrange(self) -> None:
        """Make the lines anew from the filter, the order and the folds."""
        table = Table(self.inventory, self.ledger, self.marked)
        chosen = self._filter.choose(table)
        if self.column is not NUMBER or self.descending:
            values = column_values(self.column, self.inventory, self.ledger)
            chosen = in_order(chosen, values, descending=self.descending)
        self.listed = chosen
        self._listed_set = frozenset(chosen)
        self._totals = self._module_totals = None
        self._tree = ModuleTree(self.inventory.modules, chosen) if self.is_grouped else None
        self._fold_lines()

    @property
    def _folds(self) -> set[int]:
        """What is folded; whatever is looked for is shown, so a filter has folds of its own."""
        return self._folded_matches if self.query.strip() else self._folded

    def _fold_lines(self) -> None:
        self._entries = [] if self._tree is None else self._tree.entries(self._folds)
