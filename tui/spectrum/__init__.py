"""The screen of singular values: pictures, measures, what noise would have."""
