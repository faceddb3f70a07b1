"""The keys that screens share, and how a key is made: what footer, help and palette show.

They are priority keys: those run in the order in which they were typed, however many arrive at
once over a slow line. A screen leaves letters to a field or menu that is being typed in.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType

from tensorpeek.tui.tabs import TABS

_LAYER = Binding.Group("layer", compact=True)
_BINS = Binding.Group("bins", compact=True)


def screen_key(  # noqa: PLR0913 (what a binding is made of, all by keyword)
    keys: str,
    action: str,
    tooltip: str,
    *,
    name: str,
    footer: str = "",
    shown_as: str | None = None,
    group: Binding.Group | None = None,
) -> Binding:
    """Return a priority key; ``footer`` is its word in the line of keys, none if it is empty."""
    return Binding(
        keys,
        action,
        footer or name.replace(".", " "),
        show=bool(footer),
        key_display=shown_as or keys.split(",", maxsplit=1)[0],
        priority=True,
        tooltip=tooltip,
        id=name,
        group=group,
    )


def widget_key(keys: str, action: str, tooltip: str, name: str) -> Binding:
    """Return a priority key of a widget, which the line of keys does not show."""
    return screen_key(keys, action, tooltip, name=name)


def bins_keys(prefix: str = "") -> list[Binding]:
    """Return the keys for more and fewer bins; their names begin with ``prefix``."""
    return [
        screen_key(
            "plus,equals_sign",
            "bins(1)",
            "More bins",
            name=f"{prefix}bins.more",
            footer="more",
            shown_as="+",
            group=_BINS,
        ),
        screen_key(
            "minus,underscore",
            "bins(-1)",
            "Fewer bins",
            name=f"{prefix}bins.fewer",
            footer="fewer",
            shown_as="-",
            group=_BINS,
        ),
    ]


CHOOSING_KEYS = [
    screen_key("slash", "find", "Find a layer", name="find", footer="find", shown_as="/"),
    screen_key("n,j", "layer(1)", "Next layer", name="layer.next", footer="next", group=_LAYER),
    screen_key(
        "p,k", "layer(-1)", "Previous layer", name="layer.previous", footer="prev", group=_LAYER
    ),
    screen_key("t", "tensor(1)", "Next tensor of the layer", name="tensor.next", footer="tensor"),
    screen_key("T", "tensor(-1)", "Previous tensor of the layer", name="tensor.previous"),
    screen_key(
        "right_square_bracket",
        "model(1)",
        "Next model, same layer",
        name="model.next",
        shown_as="]",
    ),
    screen_key(
        "left_square_bracket",
        "model(-1)",
        "Previous model, same layer",
        name="model.previous",
        shown_as="[",
    ),
    screen_key("v", "view", "Stored integers or dequantized floats", name="view", footer="view"),
]
"""The keys that lead to a tensor and to its view."""

CURSOR_CHOOSING_KEYS = [
    CHOOSING_KEYS[0],
    screen_key("n", "layer(1)", "Next layer", name="layer.next", footer="next", group=_LAYER),
    screen_key(
        "p", "layer(-1)", "Previous layer", name="layer.previous", footer="prev", group=_LAYER
    ),
    *CHOOSING_KEYS[3:],
]
"""The same where j and k move a cursor."""

TAB_KEYS = [
    screen_key(tab.key, f"show('{tab.name}')", tab.tooltip, name=f"show.{tab.name}") for tab in TABS
]
"""The keys that lead from screen to screen."""

COMMON_KEYS = [
    screen_key("y", "copy", "Copy what is shown as text", name="copy", footer="copy"),
    screen_key("Y", "copy_command", "Copy the command that prints this", name="copy.command"),
    screen_key("w", "warnings", "About the file: warnings, metadata", name="warnings"),
    screen_key("R", "reload", "Open the file again", name="reload"),
    screen_key(
        "E", "export", "Save the tensor's values (.npy) in this folder; Escape stops", name="export"
    ),
    screen_key("S", "picture", "Save a picture (SVG) in this folder", name="picture"),
    screen_key(
        "question_mark",
        "help",
        "All keys",
        name="help",
        footer="help",
        shown_as="?",
    ),
    screen_key("q", "quit", "Quit", name="quit", footer="quit"),
]
"""What every screen can do beside its own."""

FOCUS_KEYS = [
    Binding("tab", "app.focus_next", show=False, priority=True),
    Binding("shift+tab", "app.focus_previous", show=False, priority=True),
]
"""The keys that move the focus, in order with the others."""


def action_names(keys: Iterable[BindingType]) -> frozenset[str]:
    """Return the names of the actions of ``keys``, without their parameters."""
    return frozenset(key.action.partition("(")[0] for key in keys if isinstance(key, Binding))
