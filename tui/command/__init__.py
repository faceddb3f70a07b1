"""The command line: the app's entry point, and its answers as text or JSON."""
