"""The screen that compares two models, layer by layer."""
