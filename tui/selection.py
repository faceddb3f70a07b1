"""Which model, layer, tensor and view are chosen; no widget, no file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.tui.question import Subject

if TYPE_CHECKING:
    from tensorpeek.loaders import Model, Tensor, View


class Selection:
    """The current choice, and the steps from one to the next.

    Going to another layer keeps the label (weight stays weight) where the layer has it; going to
    another model keeps the layer too, so that a float model and its int8 version compare at once.
    ``view`` is the one to begin with; until the view is changed by hand, a model that was looked at
    before is shown in the view of then (``last_view``).
    """

    def __init__(
        self,
        view: View = "dequantized",
        last_view: Callable[[Path], View | None] = lambda _: None,
    ) -> None:
        self.paths: list[Path] = []
        self.path: Path | None = None
        self.layer: str = ""
        self.tensor: Tensor | None = None
        self._view: View = view
        self._last_view = last_view
        self._is_view_chosen = False
        self._label = "weight"
        self._models: dict[Path, Model] = {}

    @property
    def model(self) -> Model | None:
        """The model at the current path, None until it is open."""
        return None if self.path is None else self._models.get(self.path)

    def model_at(self, path: Path) -> Model | None:
        """Return the model of a file, None unless it was opened."""
        return self._models.get(path)

    @property
    def subject(self) -> Subject | None:
        """The current tensor in the current view."""
        if self.path is None or self.tensor is None:
            return None
        return Subject(self.path, self.tensor.name, self.view)

    @property
    def view(self) -> View:
        """The current view; tensors that are not quantized have the dequantized one alone."""
        if self.tensor is None or "raw" not in self.tensor.views:
            return "dequantized"
        return self._view

    @property
    def wished_view(self) -> View:
        """The view of the tensors that have both."""
        return self._view

    @property
    def layers(self) -> Sequence[str]:
        """The current model's layers in file order, those without parameters last."""
        if self.model is None:
            return []
        return list(dict.fromkeys([*self.model.parameter_layers, *self.model.layers]))

    @property
    def tensors(self) -> Sequence[Tensor]:
        """The current layer's tensors, the weight first."""
        return () if self.model is None else self.model.layers.get(self.layer, ())

    def choose_model(self, path: Path) -> None:
        """Go to another file; its tensors are known when it is open."""
        self.path = path
        if self.model is not None:
            self._enter_model(self.model)
        else:
            self.tensor = None

    def opened(self, path: Path, model: Model) -> None:
        """Take in a model; a current one is entered."""
        self._models[path] = model
        if path == self.path:
            self._enter_model(model)

    def forget(self, path: Path) -> None:
        """Drop a model, to open it again."""
        self._models.pop(path, None)

    def choose_layer(self, layer: str) -> None:
        """Go to a layer of the current model."""
        self.layer = layer
        same = (tensor for tensor in self.tensors if tensor.label == self._label)
        self.tensor = next(same, self.tensors[0] if self.tensors else None)

    def choose_tensor(self, name: str) -> None:
        """Go to a tensor of the current layer."""
        self.tensor = next(tensor for tensor in self.tensors if tensor.name == name)
        self._label = self.tensor.label

    def step_layer(self, step: int) -> bool:
        """Go ``step`` layers on, around the end; tell whether that changed anything.

        From a layer with parameters the steps lead to layers with parameters only.
        """
        layers = self.layers
        with_parameters = () if self.model is None else self.model.parameter_layers
        if self.layer in with_parameters:
            layers = with_parameters
        if len(layers) < 2:
            return False
        self.choose_layer(layers[(layers.index(self.layer) + step) % len(layers)])
        return True

    def step_tensor(self, step: int) -> bool:
        """Go ``step`` tensors on in the layer, around the end; tell whether that changed any."""
        names = [tensor.name for tensor in self.tensors]
        if self.tensor is None or len(names) < 2:
            return False
        self.choose_tensor(names[(names.index(self.tensor.name) + step) % len(names)])
        return True

    def toggle_view(self) -> None:
        """Go to the other view, which later tensors keep."""
        self._view = "dequantized" if self._view == "raw" else "raw"
        self._is_view_chosen = True

    def _enter_model(self, model: Model) -> None:
        if not self._is_view_chosen:
            self._view = self._last_view(model.path) or self._view
        layers = model.layers
        if self.layer not in layers:
            with_weight = (
                name for name, group in layers.items() if any(t.role == "weight" for t in group)
            )
            self.layer = next(with_weight, next(iter(layers), ""))
        self.choose_layer(self.layer)
