"""A widget that draws its lines itself, in the colors of the style sheet."""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class LineWidget(Widget):
    """Knows the style of its background when lines are asked for: ``base_style``.

    It is looked up once for a paint: that goes through all that the widget lies in, and for each
    line it would take longer than many a line.
    """

    base_style = Style()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of a paint."""
        self.base_style = self.rich_style
        return super().render_lines(crop)
