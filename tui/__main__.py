"""Run ``tensorpeek`` as ``python -m tensorpeek.tui``."""

from tensorpeek.tui.command.entry import main

if __name__ == "__main__":
    main()
