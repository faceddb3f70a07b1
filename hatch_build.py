"""Link the three packages under ``.dev/tensorpeek`` so that editable installs see them."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ("analysis", "loaders", "tui")


class DevLinks(BuildHookInterface):  # type: ignore[type-arg]
    """Make ``.dev/tensorpeek/<package>`` point at ``<package>``, for editable builds only."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Create the links that ``dev-mode-dirs`` puts on the import path."""
        if version != "editable":
            return
        folder = Path(self.root, ".dev", "tensorpeek")
        folder.mkdir(parents=True, exist_ok=True)
        for package in PACKAGES:
            link = folder / package
            if not link.is_symlink():
                link.symlink_to(Path("..", "..", package), target_is_directory=True)
