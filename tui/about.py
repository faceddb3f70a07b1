"""What to know about a file beside its tensors: warnings, metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tensorpeek.loaders.clean import clean

if TYPE_CHECKING:
    from tensorpeek.loaders import Model


def about_model(model: Model, colors: dict[str, str]) -> Group:
    """Return path, warnings and metadata; ``colors`` are the theme's variables."""
    warnings = [Text(f"! {line}", colors["warning"]) for line in model.warnings]
    table = Table.grid(padding=(0, 2))
    table.add_column(style=colors["plot-axis"])
    table.add_column(overflow="fold")
    for name, value in model.metadata.items():
        table.add_row(Text(name), Text(value))
    return Group(
        Text(clean(str(model.path)), "bold"),
        Text(),
        *(warnings or [Text("no warnings")]),
        Text(),
        table,
    )
