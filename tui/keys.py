"""The keys of the histogram screen: the one source of footer, help and command palette."""

from __future__ import annotations

from textual.binding import Binding

_LAYER = Binding.Group("layer", compact=True)
_BINS = Binding.Group("bins", compact=True)


def _key(  # noqa: PLR0913 (what a binding is made of, all by keyword)
    keys: str,
    action: str,
    tooltip: str,
    *,
    name: str,
    footer: str = "",
    shown_as: str | None = None,
    group: Binding.Group | None = None,
) -> Binding:
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


HISTOGRAM_KEYS = [
    _key("slash", "find", "Find a layer", name="find", footer="find", shown_as="/"),
    _key("n,j", "layer(1)", "Next layer", name="layer.next", footer="next", group=_LAYER),
    _key("p,k", "layer(-1)", "Previous layer", name="layer.previous", footer="prev", group=_LAYER),
    _key("t", "tensor(1)", "Next tensor of the layer", name="tensor.next", footer="tensor"),
    _key("T", "tensor(-1)", "Previous tensor of the layer", name="tensor.previous"),
    _key(
        "right_square_bracket",
        "model(1)",
        "Next model, same layer",
        name="model.next",
        shown_as="]",
    ),
    _key(
        "left_square_bracket",
        "model(-1)",
        "Previous model, same layer",
        name="model.previous",
        shown_as="[",
    ),
    _key("v", "view", "Stored integers or dequantized floats", name="view", footer="view"),
    _key(
        "plus,equals_sign",
        "bins(1)",
        "More bins",
        name="bins.more",
        footer="more",
        shown_as="+",
        group=_BINS,
    ),
    _key(
        "minus,underscore",
        "bins(-1)",
        "Fewer bins",
        name="bins.fewer",
        footer="fewer",
        shown_as="-",
        group=_BINS,
    ),
    _key("g", "log", "Logarithmic or linear counts", name="log", footer="log"),
    _key(
        "c",
        "scales",
        "Scales of channels or blocks, under the histogram",
        name="scales",
        footer="scales",
    ),
    _key("r", "range", "Enter a range", name="range", footer="range"),
    _key("d", "default_range", "Range from mean - std to mean + std", name="range.default"),
    _key("s", "statistics", "Statistics or histogram (narrow screens)", name="statistics"),
    _key("1", "page(1)", "Histogram", name="page.histogram"),
    _key("2", "page(2)", "Statistics (narrow screens)", name="page.statistics"),
    _key("y", "copy", "Copy the statistics", name="copy", footer="copy"),
    _key("Y", "copy_command", "Copy the command that prints this", name="copy.command"),
    _key("w", "warnings", "About the file: warnings, metadata", name="warnings"),
    _key("R", "reload", "Open the file again", name="reload"),
    _key("S", "picture", "Save a picture (SVG) in this folder", name="picture"),
    _key(
        "question_mark",
        "help",
        "All keys",
        name="help",
        footer="help",
        shown_as="?",
    ),
    _key("q", "quit", "Quit", name="quit", footer="quit"),
]
"""Every key of the histogram screen.

They are priority keys: those run in the order in which they were typed, however many arrive at
once over a slow line. The screen leaves letters to a field or menu that is being typed in.
"""

FOCUS_KEYS = [
    Binding("tab", "app.focus_next", show=False, priority=True),
    Binding("shift+tab", "app.focus_previous", show=False, priority=True),
]
"""The keys that move the focus, in order with the others."""

SCREEN_ACTIONS = frozenset(key.action.partition("(")[0] for key in HISTOGRAM_KEYS)
"""The names of the actions of :data:`HISTOGRAM_KEYS`."""
