"""The top line: program, file, format, types, layers, parameters, warnings."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import Static

from tensorpeek.tui.file_names import shown_name
from tensorpeek.tui.number_text import short_count

if TYPE_CHECKING:
    from tensorpeek.loaders import Model


class TitleBar(Static):
    """Says what is open and, at its right end, what is being written."""

    _line = Text()
    _work = ""

    def show_model(self, model: Model) -> None:
        """Describe an open model."""
        line = self._start(shown_name(model.path))
        for part in model_facts(model):
            line.append(f"  {part}")
        if model.warnings:
            count = len(model.warnings)
            noun = "warning" if count == 1 else "warnings"
            line.append(f"  ! {count} {noun} (w)", self.app.theme_variables["warning"])
        self._line = line
        self._show()

    def show_state(self, name: str, state: str) -> None:
        """Say what is being done with a file, or why it is not open."""
        line = self._start(name)
        line.append(f"  {state}")
        self._line = line
        self._show()

    def show_work(self, words: str) -> None:
        """Say what is being done in the background, whatever is open; empty for nothing."""
        if words != self._work:
            self._work = words
            self._show()

    def on_resize(self) -> None:
        """Use the room there is."""
        if self._work:
            self._show()

    def _show(self) -> None:
        line = self._line.copy()
        if self._work:
            room = max(self.size.width - cell_len(self._work) - 1, 0)
            line.truncate(max(room - 2, 0), overflow="ellipsis")
            line.pad_right(max(room - line.cell_len, 0))
            line.append(self._work, self.app.theme_variables["accent"])
        self.update(line, layout=False)

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
