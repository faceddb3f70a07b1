"""Damage valid models at random: readers open them or refuse them, and nothing else happens."""
