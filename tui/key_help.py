"""Every key with what it does, read off the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType

_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "underscore": "_",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "dollar_sign": "$",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "comma": ",",
    "full_stop": ".",
    "left": "←",
    "right": "→",
}


def key_rows(bindings: Iterable[BindingType]) -> list[tuple[str, str]]:
    """Return (keys, what they do) for each binding that says what it does."""
    return [
        (key_text(binding), binding.tooltip)
        for binding in bindings
        if isinstance(binding, Binding) and binding.tooltip
    ]


def key_text(binding: Binding) -> str:
    """Return the keys of a binding as they are written on a keyboard."""
    return "  ".join(_key_name(key) for key in binding.key.split(","))


def key_table(rows: Iterable[tuple[str, str]], color: str, *, ascii_only: bool) -> Table:
    """Return the rows as a table, the keys in ``color``."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style=f"bold {color}", no_wrap=True)
    table.add_column()
    for keys, meaning in rows:
        shown = keys.replace("←", "left").replace("→", "right") if ascii_only else keys
        table.add_row(Text(shown), Text(meaning))
    return table


def _key_name(key: str) -> str:
    *modifiers, last = key.strip().split("+") if key.strip() != "+" else ["plus"]
    name = _NAMES.get(last, last)
    if modifiers == ["ctrl"]:
        return f"^{name}"
    return "+".join([*modifiers, name])
