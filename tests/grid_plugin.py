"""A file of a plugin that adds a grid of its own."""

from __future__ import annotations

PLUGIN = """
import numpy as np
from tensorpeek.analysis.grids import Arrangement, Grid

class Columns(Grid):
    name = "columns"
    description = "one column for each layer"

    def arrange(self, sizes, aspect):
        def places(layer, start, stop):
            return np.arange(start, stop), np.full(stop - start, layer)

        return Arrangement(max(sizes), len(sizes), places)
"""
