"""The part of the screen of comparisons that chooses model b, or two marked tensors."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on

from tensorpeek.tui import jobs as model_jobs
from tensorpeek.tui import messages as models_told
from tensorpeek.tui.compare import jobs
from tensorpeek.tui.compare import messages as told
from tensorpeek.tui.compare.known_comparison import KnownComparison
from tensorpeek.tui.file_names import path_labels, shown_name
from tensorpeek.tui.screens.quick_pick import QuickPick
from tensorpeek.tui.screens.tab_screen import TabScreen
from tensorpeek.tui.session import Session
from tensorpeek.tui.widgets.pickers import Pickers

if TYPE_CHECKING:
    from tensorpeek.loaders import Model, Tensor

ONE_FILE = (
    "There is one file only.\n\nTo compare two models open both: tensorpeek A B\n"
    "To compare two tensors of this model mark them: m, choose another one, m, then M"
)


class TwoModelsScreen(TabScreen):
    """Follows the choice of model a; holds which model is b and what is known of both."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._known = KnownComparison()

    @abstractmethod
    def show_comparison(self) -> None:
        """Show what is known of both models, and the pair of the chosen tensor."""

    @abstractmethod
    def show_marked(self) -> None:
        """Show two marked tensors."""

    @abstractmethod
    def describe_models(self) -> None:
        """Say which models are compared, and what is marked."""

    # Which models

    def show_tensor(self) -> None:
        """Follow the choice: find the other model, match both, show the pair of this tensor."""
        first, tensor, path = self._choice.model, self._choice.tensor, self._choice.path
        if first is None or tensor is None or path is None:
            return
        self.query_one(Pickers).tensor_menu.choose(tensor.name)
        known = self._known
        if known.is_marked and known.ranking is not None:
            if tensor in (known.ranking.order[0].first, known.ranking.order[0].second):
                return
            known.begin(first, first)
        if known.other == path:
            known.other = known.first.path if known.first is not None else None
        if known.other is None or known.other == path:
            self._look_for_other(first, path)
            return
        second = self._choice.model_at(known.other)
        if second is None:
            self._open_other(known.other)
        elif known.is_between(first, second):
            self.show_comparison()
        else:
            known.begin(first, second)
            self.show_note("matching tensors …")
            self._background.submit("match", jobs.match(first, second))

    def _look_for_other(self, first: Model, path: Path) -> None:
        known = self._known
        candidates = known.candidates(path, self._choice.paths)
        if not candidates:
            self.show_note(ONE_FILE)
            return
        self.show_note("looking for a model with the same layers …")
        self._background.submit("match", jobs.find_other(first, candidates))

    def _open_other(self, path: Path) -> None:
        self.show_note(f"opening {shown_name(path)} …")
        self._background.submit("match", model_jobs.open_file(path))

    @on(told.OtherFound)
    def take_other(self, event: told.OtherFound) -> None:
        """Compare with the model that was found."""
        if event.first is not self._choice.model:
            return
        if event.path is None:
            self.show_note("No other file has tensors that match.\n\nb chooses one all the same.")
            return
        self._known.other = event.path
        self.show_tensor()

    @on(models_told.ModelOpened)
    def follow_other(self, event: models_told.ModelOpened) -> None:
        """Match with the other model once it is open."""
        if event.path == self._known.other and event.path != self._choice.path:
            self.show_tensor()

    @on(models_told.ModelFailed)
    def show_other_failure(self, event: models_told.ModelFailed) -> None:
        """Say why the other model did not open."""
        if event.path == self._known.other and event.path != self._choice.path:
            words = f"{shown_name(event.path)}: {event.reason}\n\nb chooses another file."
            self.show_note(words, is_error=True)

    @on(told.ModelsPaired)
    def take_pairing(self, event: told.ModelsPaired) -> None:
        """Show the pairs and begin to compare them."""
        known = self._known
        is_asked = event.first is known.first and event.second is known.second
        if is_asked and not known.is_marked:
            known.matched(event.pairing)
            self.show_comparison()

    # Keys

    async def action_other(self) -> None:
        """Choose model b; awaited, so that the next keys reach the dialog."""
        path, paths = self._choice.path, self._choice.paths
        if path is None or len(paths) < 2:
            self.notify("there is one file only", markup=False)
            return
        labels = path_labels([each for each in paths if each != path])
        by_label = {label: Path(each) for each, label in labels.items()}
        current = labels.get(str(self._known.other), "")
        picked = QuickPick(list(by_label), {}, current, noun="file")

        def take(label: str | None) -> None:
            if label is not None:
                self._known.other = by_label[label]
                self._leave_marked()
                self.show_tensor()

        await self.app.push_screen(picked, take)

    def action_exchange(self) -> None:
        """Make b the chosen model and a the other one."""
        first, other = self._choice.path, self._known.other
        if first is None or other is None or self._known.is_marked:
            return
        pair = self._known.pair
        self._known.other = first
        if pair is not None:
            self._choice.layer = pair.second.layer
        self.query_one(Pickers).model_menu.choose(str(other))
        self._go_to_model(other)

    def action_mark(self) -> None:
        """Mark the chosen tensor, or take its mark away."""
        path, tensor = self._choice.path, self._choice.tensor
        if path is None or tensor is None:
            return
        marked, one = self._session.marked, (path, tensor.name)
        if one in marked:
            marked.remove(one)
        else:
            marked.append(one)
        self.describe_models()

    def action_marked(self) -> None:
        """Compare the last two marked tensors."""
        found = [self._marked_tensor(*one) for one in self._session.marked[-2:]]
        tensors = [each for each in found if each is not None]
        if len(tensors) < 2:
            self.notify("mark two tensors first, with m", markup=False)
            return
        (first_model, first), (second_model, second) = tensors
        known = self._known
        self._background.cancel("rank")
        self._background.cancel("match")
        known.begin(first_model, second_model)
        known.match_marked(first, second)
        self.show_marked()

    def _marked_tensor(self, path: Path, name: str) -> tuple[Model, Tensor] | None:
        model = self._choice.model_at(path)
        if model is None:
            return None
        return next(((model, each) for each in model.tensors if each.name == name), None)

    def _leave_marked(self) -> None:
        if self._known.is_marked:
            self._known.is_marked = False
            self._known.ranking = self._known.pair = self._known.view = None
