"""Keep the paths that a file names within its own folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath


def path_inside(folder: Path, location: str) -> Path | None:
    """Return the file ``location`` in ``folder``, or None if it would lie outside.

    Absolute paths, ``..`` and symbolic links that lead out of the folder are refused. Links may
    lead to ``blobs`` when the folder is a snapshot in the cache of the Hugging Face Hub: there
    all files are such links (huggingface_hub, "Understand caching").
    """
    parts = PurePosixPath(location)
    if "\0" in location or parts.is_absolute() or PureWindowsPath(location).anchor:
        return None
    if not parts.parts or ".." in PureWindowsPath(location).parts:
        return None
    path = folder / parts
    try:
        target, root = path.resolve(), folder.resolve()
    except (OSError, RuntimeError):  # a loop of links is a RuntimeError before Python 3.13
        return None
    inside = target.is_relative_to(root) or target.parent == _blobs(root)
    return path if inside else None


def _blobs(folder: Path) -> Path | None:
    """Return where the cache keeps the files of the snapshot that ``folder``, resolved, is in."""
    for snapshot in (folder, *folder.parents):
        if snapshot.parent.name == "snapshots":
            return snapshot.parent.parent / "blobs"
    return None
