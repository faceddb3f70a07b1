"""The screen that lays the distributions of marked tensors over each other."""
