"""The app's own themes, and the plot's colors in every theme."""

from __future__ import annotations

from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

DARK = Theme(
    name="tensorpeek-dark",
    primary="#ff8c00",
    secondary="#4da3c7",
    accent="#ffb454",
    foreground="#d8d8d8",
    background="#101114",
    surface="#191b20",
    panel="#22252c",
    warning="#ffb454",
    error="#ff5f5f",
    success="#7bc275",
    dark=True,
    variables={"footer-key-foreground": "#ff8c00", "footer-background": "#191b20"},
)

LIGHT = Theme(
    name="tensorpeek-light",
    primary="#c25a00",
    secondary="#1f6f8f",
    accent="#a34a00",
    foreground="#23262b",
    background="#fafafa",
    surface="#f0f0ee",
    panel="#e3e3df",
    warning="#a35a00",
    error="#c62828",
    success="#2e7d32",
    dark=False,
    variables={"footer-key-foreground": "#c25a00", "footer-background": "#f0f0ee"},
)

THEMES = (DARK, LIGHT)
"""Registered beside Textual's own themes; the first is the default."""


def plot_variables(variables: dict[str, str], *, dark: bool) -> dict[str, str]:
    """Return the plot's color variables for a theme whose variables are ``variables``.

    Bars in range take the theme's primary color, the rest a gray between its foreground and
    background. Themes of terminal colors, which have no red, green and blue, get fixed ones.
    """
    defaults = DARK if dark else LIGHT
    front = _color(variables.get("foreground"), defaults.foreground)
    back = _color(variables.get("background"), defaults.background)
    return {
        "plot-inside": _color(variables.get("primary"), defaults.primary).hex6,
        "plot-outside": back.blend(front, 0.45).hex6,
        "plot-axis": back.blend(front, 0.6).hex6,
        "plot-cursor": back.blend(_color(variables.get("secondary"), defaults.secondary), 0.3).hex6,
    }


def theme_names() -> list[str]:
    """Return the names of all themes, the app's own first."""
    return [*(own.name for own in THEMES), *BUILTIN_THEMES]


def text_colors(variables: dict[str, str]) -> dict[str, str]:
    """Return the variables that color texts as Rich names colors.

    Themes of terminal colors have names (``ansi_blue``) that only Textual knows.
    """
    names = ("primary", "accent", "warning", "error")
    return {name: Color.parse(variables[name]).rich_color.name for name in names}


def _color(text: str | None, fallback: str | None) -> Color:
    for candidate in (text, fallback):
        try:
            color = Color.parse(candidate or "")
        except ColorParseError:
            continue
        if color.ansi is None and color.a == 1:
            return color
    return Color(128, 128, 128)
