"""The screen of all tensors: a table that is filled while one looks."""
