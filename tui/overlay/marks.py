"""The colors and the characters that tell outlines apart, one of each for every tensor."""

from __future__ import annotations

from dataclasses import dataclass

ON_DARK = ("#56b4e9", "#ffa41b", "#2fc58f", "#f0e442", "#ec8fc4", "#e8e8e8")
ON_LIGHT = ("#0072b2", "#c24e00", "#00785a", "#a83280", "#7a5c00", "#3a3a3a")
"""Colors that people with any kind of color vision tell apart, after Okabe and Ito (2008)."""

SIGNS = "●▲■◆○△"
ASCII_SIGNS = "o#x+@%"


@dataclass(frozen=True)
class Marks:
    """The style, empty without color, and the sign of each tensor."""

    styles: tuple[str, ...]
    signs: str

    @classmethod
    def of(cls, *, dark: bool, plain: bool, ascii_only: bool) -> Marks:
        """Return what suits the ground, a terminal without color, one without Unicode."""
        colors = ON_DARK if dark else ON_LIGHT
        signs = ASCII_SIGNS if ascii_only else SIGNS
        return cls(("",) * len(colors) if plain else colors, signs)
