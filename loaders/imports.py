"""The classes and functions that a file names, which running it would import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a file refers to, such as ``torch._utils._rebuild_tensor_v2``.

    ``dangerous`` names could run a command, read or write files, or load more code; ``called``
    ones would not only be imported but called. Nothing of it ever happens here.
    """

    name: str
    dangerous: bool
    called: bool
