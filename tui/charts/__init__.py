"""Charts in characters: cells, axes, bars and dots that several screens draw with."""
