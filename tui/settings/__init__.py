"""What a user prefers, and what the app remembers of the last time."""
