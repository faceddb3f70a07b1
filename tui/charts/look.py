"""How the parts of a chart look: in color, without color, in ASCII."""

from __future__ import annotations

from dataclasses import dataclass

from textual.color import Color, ColorParseError

from tensorpeek.tui.bar_columns import EIGHTHS

FILLS = {"signal": "█", "noise": "░", "rest": "▒"}
"""What fills a bar where there is no color to tell bars apart."""

ASCII_FILLS = {"signal": "#", "noise": ":", "rest": "."}

COLORS = {
    "signal": "plot-inside",
    "noise": "plot-outside",
    "axis": "plot-axis",
    "title": "foreground",
    "curve": "secondary",
    "mark": "warning",
    "Excellent": "secondary",
    "Good": "success",
    "Warning": "warning",
    "Critical": "error",
}
"""The theme variable of each part."""


@dataclass(frozen=True)
class Look:
    """The ``colors`` of parts as Rich names them, and whether there is color and Unicode."""

    colors: dict[str, str]
    ascii_only: bool
    plain: bool

    @classmethod
    def of(cls, variables: dict[str, str], *, ascii_only: bool, plain: bool) -> Look:
        """Take the colors out of a theme's variables."""
        known = {part: _rich_name(variables[name]) for part, name in COLORS.items()}
        known["rest"] = _between(variables["plot-outside"], variables["background"])
        return cls(known, ascii_only, plain)

    def style(self, part: str, *, bold: bool = False) -> str:
        """Return the style of a part."""
        color = "" if self.plain else self.colors[part]
        return f"bold {color}".strip() if bold else color

    def on(self, part: str, ground: str) -> str:
        """Return the style of a part that stands on another one's color."""
        if self.plain or not ground:
            return self.style(part)
        return f"{self.style(part)} on {self.style(ground)}"

    def cell(self, part: str, eighths: int, *, is_lowest: bool) -> tuple[str, str]:
        """Return letter and style of a cell that a bar fills from below by so many eighths."""
        full = eighths >= 8
        if self.ascii_only:
            some = "_" if is_lowest and eighths else " "
            return (ASCII_FILLS[part] if eighths >= 4 else some), self.style(part)
        if self.plain and part != "signal":
            some = "." if is_lowest and eighths else " "
            return (FILLS[part] if eighths >= 4 else some), ""
        return EIGHTHS[min(eighths, 8)], self.on(part, part if full else "")


def _rich_name(text: str) -> str:
    """Return a color as Rich names it; those of terminal themes have names of Textual's own."""
    try:
        return Color.parse(text).rich_color.name
    except ColorParseError:
        return text


def _between(text: str, ground: str) -> str:
    """Return a color halfway to the background, or the color itself on a terminal's own."""
    color, behind = Color.parse(text), Color.parse(ground)
    return _rich_name(text) if behind.ansi is not None else behind.blend(color, 0.5).hex6
