"""The screen of comparisons: model a is the chosen one, model b another file."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tensorpeek.tui.compare import jobs
from tensorpeek.tui.compare import messages as told
from tensorpeek.tui.compare.keys import COMPARE_KEYS
from tensorpeek.tui.compare.known_comparison import unmatched_line
from tensorpeek.tui.compare.pair_chart import PairChart
from tensorpeek.tui.compare.pair_list import PairList
from tensorpeek.tui.compare.pair_numbers import PairNumbers
from tensorpeek.tui.compare.two_models_screen import TwoModelsScreen
from tensorpeek.tui.file_names import shown_name
from tensorpeek.tui.screens.choosing_screen import PATIENCE
from tensorpeek.tui.widgets.pickers import Pickers

if TYPE_CHECKING:
    from tensorpeek.analysis.comparison import Pair


class CompareScreen(TwoModelsScreen):
    """Shows the pairs of two models, and one of them in full."""

    NAME = "compare"
    MAIN = "#pairs"
    MAIN_TYPE: ClassVar[type[Widget]] = PairList
    AUTO_FOCUS = "#pairs"
    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*COMPARE_KEYS]

    def compose_body(self) -> ComposeResult:
        """Lay out the line of both models, the list of pairs, and the pair that is chosen."""
        yield Static(id="compare-line", markup=False)
        with Horizontal(id="compare-body"):
            yield PairList(ascii_only=self._ascii_only, id="pairs")
            with Vertical(id="pair-right"):
                drawn = {"ascii_only": self._ascii_only, "plain": self._session.plain}
                yield PairChart(id="pair-chart", **drawn)
                yield PairNumbers(plain=self._session.plain, id="pair-numbers")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide keys without use."""
        if action == "numbers" and self.has_class("-wide"):
            return False
        return super().check_action(action, parameters)

    # The pairs

    def show_comparison(self) -> None:
        """Show the list and the pair of the chosen tensor; compare what is left."""
        known, tensor = self._known, self._choice.tensor
        ranking = known.ranking
        if ranking is None or tensor is None:
            return
        pair = known.pair_for(tensor)
        self._show_list(pair)
        if not ranking.is_complete:
            self._background.submit("rank", jobs.rank(ranking.pairing, set(ranking.found)))
        self._show_pair(pair)

    def show_marked(self) -> None:
        """Show two marked tensors."""
        self._list()
        self.describe_models()
        self._show_pair(self._known.pair)

    def _show_list(self, pair: Pair | None) -> None:
        known = self._known
        known.pair = pair
        self._list()
        self.describe_models()

    def _list(self) -> None:
        known, pairs = self._known, self.query_one(PairList)
        ranking = known.ranking
        if ranking is None:
            return
        self.set_class(known.is_unmatched_shown, "-unmatched")
        if known.is_unmatched_shown:
            alone = known.unmatched
            pairs.border_title = Content(f"{len(alone):,} tensors without a partner")
            pairs.border_subtitle = Content("u or Esc: back")
            pairs.show_lines(len(alone), partial(unmatched_line, alone), 0)
            return
        pairs.border_title = Content(f"{ranking.measure.title}, {ranking.measure.order}")
        done, total = len(ranking.found), len(ranking.order)
        share = "" if ranking.is_complete else f"compared {done:,} of "
        pairs.border_subtitle = Content(f"{share}{total:,} {'pair' if total == 1 else 'pairs'}")
        pairs.show_lines(total, known.line, known.place)

    def describe_models(self) -> None:
        """Say which models are compared, how many tensors match, and what is marked."""
        known = self._known
        line = Text(no_wrap=True, overflow="ellipsis")
        primary = self.app.theme_variables["primary"]
        first = known.first or self._choice.model
        for letter, model in (("a", first), ("b", known.second)):
            if model is not None:
                line.append(f"{letter} ", f"bold {primary}").append(shown_name(model.path), "bold")
                line.append(f" {model.format}   " if self.has_class("-wide") else "  ")
        alone = known.ranking.pairing if known.ranking is not None else None
        if alone is not None and known.is_marked:
            line.append("two marked tensors, Esc: back")
        elif alone is not None:
            line.append(f"{len(alone.pairs):,} pairs, ")
            line.append(f"{len(alone.only_first):,} only in a, ")
            line.append(f"{len(alone.only_second):,} only in b")
        marked = [name for _, name in self._session.marked[-2:]]
        if marked and not known.is_marked:
            then = "M compares them" if len(marked) > 1 else "m marks another one"
            line.append(
                f"   marked: {', '.join(marked)} ({then})", self.app.theme_variables["accent"]
            )
        self.query_one("#compare-line", Static).update(line, layout=False)

    @on(told.PairsCompared)
    def take_comparisons(self, event: told.PairsCompared) -> None:
        """Fill in the measures that are known by now."""
        ranking = self._known.ranking
        if ranking is None or event.pairing is not ranking.pairing:
            return
        known, pairs = self._known, self.query_one(PairList)
        if known.pair is not None and not known.is_unmatched_shown:
            # A key may have moved the cursor: what it stands on now is what was meant.
            known.pair = ranking.order[pairs.chosen]
        ranking.add(event.found)
        if not known.is_unmatched_shown:
            self._list()

    @on(told.PairChosen)
    def follow_list(self) -> None:
        """Go to the pair under the cursor; all screens follow."""
        known = self._known
        if known.ranking is None or known.is_unmatched_shown or known.is_marked:
            return
        known.pair = known.ranking.order[self.query_one(PairList).chosen]
        first = known.pair.first
        self._choice.choose_layer(first.layer)
        self._choice.choose_tensor(first.name)
        pickers = self.query_one(Pickers)
        pickers.layer_menu.choose(first.layer)
        entries = [(tensor.label, tensor.name) for tensor in self._choice.tensors]
        pickers.tensor_menu.fill(entries, first.name)
        self._show_pair(known.pair)

    # One pair

    def _show_pair(self, pair: Pair | None) -> None:
        known = self._known
        if pair is None:
            self._background.cancel("pair")
            name = self._choice.tensor.name if self._choice.tensor is not None else ""
            self._show_words(f"{name} has no partner in b.\n\nu lists what has none.")
            return
        if known.view is not None and known.view.comparison.pair is pair:
            self._show_view()
            return
        ranking = known.ranking
        found = None if ranking is None else ranking.found.get(pair)
        self._background.submit("pair", jobs.measure_pair(pair, found, known.bins))
        self.set_timer(PATIENCE, partial(self._admit_waiting, pair))

    def _admit_waiting(self, pair: Pair) -> None:
        view = self._known.view
        if pair is self._known.pair and (view is None or view.comparison.pair is not pair):
            chart = self.query_one(PairChart)
            if not chart.note or chart.view is not None:
                self._show_words("measuring …")

    @on(told.PairProgressed)
    def show_progress(self, event: told.PairProgressed) -> None:
        """Say how far the pair is measured."""
        if event.pair is self._known.pair:
            self._show_words(f"{event.words} … {100 * event.share:.0f} %")

    @on(told.PairMeasured)
    def take_view(self, event: told.PairMeasured) -> None:
        """Show a pair."""
        known, pair = self._known, event.view.comparison.pair
        if pair is not known.pair:
            return
        known.view = event.view
        if known.ranking is not None and pair not in known.ranking.found:
            known.ranking.found[pair] = event.view.comparison  # ranked with the next ones
            if known.is_marked:
                self._list()
            self.query_one(PairList).refresh()
        self._show_view()

    @on(told.PairFailed)
    def show_pair_failure(self, event: told.PairFailed) -> None:
        """Say why a pair has no numbers."""
        if event.pair is self._known.pair:
            self._known.view = None
            self._show_words(f"{event.pair.first.name}: {event.reason}", is_error=True)

    def _show_view(self) -> None:
        view = self._known.view
        if view is None:
            return
        from tensorpeek.tui.compare.pair_words import origin_words, pair_title

        chart = self.query_one(PairChart)
        chart.border_title = Content(pair_title(view.comparison.pair))
        chart.border_subtitle = Content(origin_words(view.comparison))
        chart.show_view(view)
        self.query_one(PairNumbers).show_view(view)

    def show_note(self, words: str, *, is_error: bool = False) -> None:
        """Show words instead of everything."""
        self.query_one(PairList).show_lines(0, lambda _: ("", ""), 0)
        self.query_one(PairList).border_title = self.query_one(PairList).border_subtitle = ""
        self.describe_models()
        self._show_words(words, is_error=is_error)

    def _show_words(self, words: str, *, is_error: bool = False) -> None:
        style = self.app.theme_variables["error"] if is_error else ""
        chart = self.query_one(PairChart)
        chart.border_title = chart.border_subtitle = ""
        chart.show_note(Text(words, style))
        self.query_one(PairNumbers).show_view(None)

    # Keys

    def action_order(self) -> None:
        """Rank by another measure."""
        self._known.next_measure()
        self._known.is_unmatched_shown = False
        self._list()

    def action_unmatched(self) -> None:
        """Show the tensors without a partner, or the pairs again."""
        if self._known.ranking is not None and not self._known.is_marked:
            self._known.is_unmatched_shown = not self._known.is_unmatched_shown
            self._list()

    @on(told.BackAsked)
    def go_back(self) -> None:
        """Go back from the marked tensors or from those without a partner."""
        if self._known.is_unmatched_shown:
            self.action_unmatched()
        elif self._known.is_marked:
            self._leave_marked()
            self.show_tensor()

    def action_bins(self, step: int) -> None:
        """Use more or fewer bins."""
        if self._known.more_bins(step):
            self._known.view = None
            if self._known.pair is not None:
                self._show_pair(self._known.pair)

    def action_numbers(self) -> None:
        """Turn the page of a narrow screen: pictures or numbers."""
        self.toggle_class("-numbers")

    # Copying

    def shown_text(self) -> str:
        """Return the list and the numbers of the pair as lines of text."""
        from tensorpeek.tui.compare.copied_text import comparison_text

        return comparison_text(self._known)

    def command_text(self) -> str:
        """Return the command that compares both models."""
        known = self._known
        if known.first is None or known.second is None:
            return ""
        words = ["tensorpeek", "diff", str(known.first.path), str(known.second.path)]
        return shlex.join(words)
