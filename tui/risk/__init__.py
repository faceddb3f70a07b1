"""The screen of risk: a whole model at once, what quantizing it would cost, what to look at."""
