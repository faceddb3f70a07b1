"""The heatmap screen: a tensor, or a whole model in one grid, as a picture."""
