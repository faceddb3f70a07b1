"""Values to take away: tensors written as .npy, .npz, .safetensors or .csv, chunk by chunk."""

from tensorpeek.tui.export.exporting import FORMATS, export, export_problem
from tensorpeek.tui.export.item import Item

__all__ = ["FORMATS", "Item", "export", "export_problem"]
