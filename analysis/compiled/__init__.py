"""The inner loops in C, where a compiler built them; NumPy computes the same where not."""

from tensorpeek.analysis.compiled.library import VARIABLE, Engine, engine

__all__ = ["VARIABLE", "Engine", "engine"]
