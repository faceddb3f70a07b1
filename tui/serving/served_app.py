"""The app as a browser shows it: ``python -m tensorpeek.tui.serving.served_app PATH...``."""

from __future__ import annotations

import sys

from tensorpeek.tui.app import TensorpeekApp
from tensorpeek.tui.settings.settings_file import read_settings


def main() -> None:
    """Run the app on the paths of the command line; it writes no file."""
    TensorpeekApp(sys.argv[1:], settings=read_settings(), read_only=True).run()


if __name__ == "__main__":
    main()
