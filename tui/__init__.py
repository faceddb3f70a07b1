"""From numbers to screens and printed pages: the terminal app and the command."""
