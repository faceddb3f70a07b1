"""The screen of one tensor: its histogram, its range, its statistics and its scales."""
