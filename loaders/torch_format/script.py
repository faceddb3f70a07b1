"""Which attributes of a TorchScript module are parameters and which are buffers.

The pickle does not say; the module's code lists them in two lines of names, which are read as text.
"""

from __future__ import annotations

import re
from typing import Literal

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.values import Global
from tensorpeek.loaders.zip_archive import Places
from tensorpeek.loaders.zip_fields import ZipDamage

Section = Literal["", "parameter", "buffer"]

MAX_CODE = 1 << 22
"""Bytes of code beyond which a class is not looked up."""

MAX_FILES = 4096
"""Files of code beyond which no more are looked at."""

_CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)
_LISTS = re.compile(r"^  __(parameters|buffers)__ = \[(.*)\]$", re.MULTILINE)
_NAME = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_SECTIONS: dict[str, Section] = {"parameters": "parameter", "buffers": "buffer"}


class ScriptCode:
    """The classes of a TorchScript archive; each file of code is read once, and never run."""

    def __init__(self, places: Places, folder: str) -> None:
        self._places = places
        self._folder = folder
        self._files: dict[str, dict[str, dict[str, Section]]] = {}

    def section(self, owner: object, name: str) -> Section:
        """Return what the attribute ``name`` of an object of the class ``owner`` is."""
        if not isinstance(owner, Global) or not owner.module.startswith("__torch__"):
            return ""
        classes = self._files.get(owner.module)
        if classes is None:
            if len(self._files) >= MAX_FILES:
                return ""
            classes = self._files[owner.module] = _classes(self._read(owner.module))
        return classes.get(owner.name, {}).get(name, "")

    def _read(self, module: str) -> str:
        name = f"{self._folder}code/{module.replace('.', '/')}.py"
        try:
            return self._places.read(name, MAX_CODE).decode("utf-8", "replace")
        except (KeyError, ZipDamage, LoadError):  # without its code a module still has its tensors
            return ""


def _classes(code: str) -> dict[str, dict[str, Section]]:
    starts = list(_CLASS.finditer(code))
    ends = [start.start() for start in starts[1:]] + [len(code)]
    return {
        start.group(1): _attributes(code[start.end() : end])
        for start, end in zip(starts, ends, strict=False)
    }


def _attributes(body: str) -> dict[str, Section]:
    found: dict[str, Section] = {}
    for match in _LISTS.finditer(body):
        section = _SECTIONS[match.group(1)]
        found.update(dict.fromkeys(_NAME.findall(match.group(2)), section))
    return found
