"""The colors and lines of figures, light for paper and dark for screens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Severity


@dataclass(frozen=True)
class FigureTheme:
    """The colors of parts, as ``#rrggbb``."""

    name: str
    ground: str
    ink: str
    muted: str
    faint: str
    inside: str
    outside: str
    curve: str
    severities: dict[Severity, str]
    color_map: str

    @property
    def is_dark(self) -> bool:
        """Whether light lies on dark."""
        return self.name == "dark"

    def settings(self) -> dict[str, Any]:
        """Return what matplotlib is told, besides fonts."""
        return {
            "figure.facecolor": self.ground,
            "savefig.facecolor": self.ground,
            "axes.facecolor": self.ground,
            "axes.edgecolor": self.muted,
            "axes.labelcolor": self.muted,
            "axes.titlecolor": self.ink,
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.labelsize": 9,
            "axes.formatter.limits": (-4, 5),
            "grid.color": self.faint,
            "grid.linewidth": 0.7,
            "text.color": self.ink,
            "xtick.color": self.muted,
            "ytick.color": self.muted,
            "xtick.labelsize": 8.5,
            "ytick.labelsize": 8.5,
            "xtick.major.size": 3,
            "ytick.major.size": 0,
            "ytick.minor.size": 0,
            "xtick.minor.size": 0,
            "legend.facecolor": self.ground,
            "legend.edgecolor": "none",
            "legend.framealpha": 0.85,
            "legend.fontsize": 8.5,
            "hatch.linewidth": 0.6,
            "image.interpolation": "nearest",
            "image.composite_image": False,
        }


LIGHT = FigureTheme(
    name="light",
    ground="#ffffff",
    ink="#1f2328",
    muted="#5c636b",
    faint="#e4e6e8",
    inside="#f28500",
    outside="#b4bac1",
    curve="#0b6fa4",
    severities={
        "Excellent": "#0b6fa4",
        "Good": "#3a9a4b",
        "Warning": "#e8a200",
        "Critical": "#cc2f3b",
    },
    color_map="blue-orange",
)

DARK = FigureTheme(
    name="dark",
    ground="#101114",
    ink="#e2e4e8",
    muted="#9aa1ab",
    faint="#272a31",
    inside="#ff8c00",
    outside="#626873",
    curve="#5ab4e0",
    severities={
        "Excellent": "#5ab4e0",
        "Good": "#7bc275",
        "Warning": "#ffc04d",
        "Critical": "#ff5f5f",
    },
    color_map="blue-orange",
)

THEMES = {"light": LIGHT, "dark": DARK}
