"""The keys of the table of tensors."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from tensorpeek.tui.keys import CHOOSING_KEYS, COMMON_KEYS, FOCUS_KEYS, TAB_KEYS, screen_key

_ROW = Binding.Group("row", compact=True)
_SORT = Binding.Group("sort", compact=True)

_MODEL_KEYS = [key for key in CHOOSING_KEYS if key.id in {"model.next", "model.previous", "view"}]

_EXPORT = screen_key(
    "E",
    "export",
    "Save the marked tensors or a module (.safetensors), or this one (.npy); Escape stops",
    name="export",
)

LAYERS_KEYS: list[BindingType] = [
    screen_key(
        "slash", "filter", "Filter the tensors", name="filter", footer="filter", shown_as="/"
    ),
    screen_key("n,j", "row(1)", "Next row", name="row.next", footer="next", group=_ROW),
    screen_key("p,k", "row(-1)", "Previous row", name="row.previous", footer="prev", group=_ROW),
    screen_key("down", "step(1)", "Next row", name="row.down"),
    screen_key("up", "step(-1)", "Previous row", name="row.up"),
    screen_key("pagedown,ctrl+d", "page(1)", "A page down", name="page.down"),
    screen_key("pageup,ctrl+u", "page(-1)", "A page up", name="page.up"),
    screen_key("home", "jump(0)", "First row", name="row.first"),
    screen_key("end,G", "jump(1)", "Last row", name="row.last"),
    screen_key(
        "enter", "open", "Histogram of the tensor", name="open", footer="open", shown_as="Enter"
    ),
    screen_key(
        "less_than_sign,comma",
        "sort(-1)",
        "Sort by the column to the left",
        name="sort.left",
        footer="sort",
        shown_as="<",
        group=_SORT,
    ),
    screen_key(
        "greater_than_sign,full_stop",
        "sort(1)",
        "Sort by the column to the right, or click it",
        name="sort.right",
        footer="sort",
        shown_as=">",
        group=_SORT,
    ),
    screen_key("r", "reverse", "Reverse the order", name="sort.reverse", footer="reverse"),
    screen_key("h", "shift(-1)", "More columns to the left", name="columns.left"),
    screen_key("l", "shift(1)", "More columns to the right", name="columns.right"),
    screen_key("left", "left", "Columns to the left; in a tree: fold", name="left"),
    screen_key("right", "right", "Columns to the right; in a tree: unfold", name="right"),
    screen_key("g", "group", "Tree of modules, or plain list", name="group", footer="tree"),
    screen_key("space", "fold", "Fold or unfold the module", name="fold"),
    screen_key("f", "fold_all", "Fold or unfold all modules", name="fold.all", footer="fold all"),
    screen_key("m,x", "mark", "Mark the tensor or the module", name="mark", footer="mark"),
    screen_key("M", "mark_all", "Mark all that are listed", name="mark.all"),
    screen_key("u", "unmark", "Unmark all", name="unmark"),
    screen_key(
        "C", "compare", "Compare the last two marked tensors, overlaid", name="marked.compare"
    ),
    screen_key(
        "o",
        "overlay",
        "Distributions of the marked tensors over each other",
        name="marked.overlay",
    ),
    screen_key(
        "c",
        "condition",
        "Condition of a large matrix, or of the marked",
        name="condition",
    ),
    screen_key("escape", "escape", "Drop the filter; else pause measuring", name="escape"),
    *_MODEL_KEYS,
    *TAB_KEYS,
    *(_EXPORT if key.id == "export" else key for key in COMMON_KEYS),
    *FOCUS_KEYS,
]
"""Every key of the screen. Those of :data:`TABLE_ACTIONS` are left to menus that have the focus."""

TABLE_ACTIONS = frozenset({"step", "page", "jump", "open", "left", "right", "fold", "escape"})
"""Actions whose keys mean something else in a menu."""

MOVING_ACTIONS = frozenset({"step", "page"})
"""Those of them that are left to the table while a filter is typed."""

TREE_ACTIONS = frozenset({"fold", "fold_all"})
"""Actions that have a use in a tree alone."""
