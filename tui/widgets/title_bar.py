"""The top line: program, file, format, types, layers, parameters, warnings."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from tensorpeek.tui.file_names import shown_name
from tensorpeek.tui.number_text import short_count

if TYPE_CHECKING:
    from tensorpeek.loaders import Model


class TitleBar(Static):
    """Says what is open."""

    def show_model(self, model: Model) -> None:
        """Describe an open model."""
        line = self._start(shown_name(model.path))
        for part in model_facts(model):
            line.append(f"  {part}")
        if model.warnings:
            count = len(model.warnings)
            noun = "warning" if count == 1 else "warnings"
            line.append(f"  ! {count} {noun} (w)", self.app.theme_variables["warning"])
        self.update(line)

    def show_state(self, name: str, state: str) -> None:
        """Say what is being done with a file, or why it is not open."""
        line = self._start(name)
        line.append(f"  {state}")
        self.update(line)

    def _start(self, name: str) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(" tensorpeek", f"bold {self.app.theme_variables['primary']}")
        line.append(f"  {name}", "bold")
        return line


def model_facts(model: Model) -> list[str]:
    """Return format, most common type of weights, number of layers and parameters, as texts."""
    types = Counter(tensor.dtype for tensor in model.tensors if tensor.role == "weight")
    types = types or Counter(tensor.dtype for tensor in model.tensors)
    common = [name for name, _ in types.most_common(2)]
    layers = len(model.parameter_layers or model.layers)
    return [
        model.format,
        "/".join(common),
        f"{layers:,} layer" if layers == 1 else f"{layers:,} layers",
        f"{short_count(model.params)} params",
    ]
