"""Read PyTorch's zip files: state_dicts, checkpoints, pickled modules, TorchScript."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.machine import Allowance, Source, interpret_at
from tensorpeek.loaders.inert_pickle.values import Record
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.storage import Deflated
from tensorpeek.loaders.torch_format.constants import constant_names
from tensorpeek.loaders.torch_format.contents import Contents
from tensorpeek.loaders.torch_format.names import Found
from tensorpeek.loaders.torch_format.script import ScriptCode
from tensorpeek.loaders.torch_format.storages import ArchiveStorages
from tensorpeek.loaders.torch_format.walk import Node
from tensorpeek.loaders.zip_archive import Places, ZipArchive, parse_archive, read_directory
from tensorpeek.loaders.zip_fields import ZipDamage

MAX_PACKED_PICKLE = 1 << 26
"""Bytes of a compressed pickle beyond which a file is refused: it has to be held in memory."""

PICKLE = "data.pkl"
_CONSTANTS = "constants.pkl"
_SMALL = 1 << 10
_ROOM = 256  # bytes that a storage takes at least, with two headers and its alignment


def load_archive(file: WeightFile) -> Model:
    """List the tensors of a zip file.

    Raises LoadError: truncated, damaged, not a PyTorch file, or without tensors.
    """
    archive = parse_archive(file, read_directory(file))
    folder = _folder(file, archive)
    script = f"{folder}{_CONSTANTS}" in archive.members
    storages = min(len(archive.members), file.identity.size // _ROOM)
    contents = Contents(file, Allowance.with_storages(storages))
    with archive.places() as places:
        opened = _Opened(contents, places, folder, _byteorder(places, folder))
        sections = _script_sections(places, folder) if script else _pickled_section
        contents.found += opened.find(PICKLE, "data/", sections)
        if script:
            contents.found += opened.constants(list(archive.members))
    contents.remarks += [
        f"holds two members named {clean(name, 120)}; the first one is shown"
        for name in archive.repeated[:4]
    ]
    return contents.model("TorchScript" if script else "PyTorch")


@dataclass(frozen=True, eq=False, slots=True)
class _Opened:
    """A PyTorch archive that is being read."""

    contents: Contents
    places: Places
    folder: str
    byteorder: Literal["little", "big"]

    def find(self, name: str, storages: str, section: Callable[[Node], str]) -> list[Found]:
        """Return the tensors of a pickle; their storages lie in the folder ``storages``."""
        path, allowance = str(self.contents.file.path), self.contents.allowance
        try:
            block = self.places.storage(self.folder + name)
        except ZipDamage as error:
            raise LoadError(path, f"its {name} {error}") from error
        if isinstance(block, Deflated) and block.nbytes > MAX_PACKED_PICKLE:
            reason = f"its {name} is compressed and larger than {MAX_PACKED_PICKLE:,} bytes"
            raise LoadError(path, reason)
        where = ArchiveStorages(self.places, self.folder + storages, self.byteorder, block)
        with block.open() as read:
            source = Source(path, read, block.nbytes)
            pickle = interpret_at(source, 0, allowance)
            found = self.contents.add(pickle, where, source, section)
            self.contents.follow(source, pickle.stop, f"the pickle in its {name}")
            return found

    def constants(self, members: list[str]) -> list[Found]:
        """Return the constants of TorchScript, named for what its code does with them."""
        found = self.find(_CONSTANTS, "constants/", lambda _: "constant")
        names = constant_names(self.places, self.folder, members) if found else {}
        return [replace(one, name=_constant_name(one.name, names)) for one in found]


def _constant_name(path: str, names: dict[str, str]) -> str:
    number, dot, rest = path.partition(".")
    known = names.get(number, f"constants.c{number}")
    if dot and known.endswith(".weight"):
        known = known.removesuffix(".weight")  # packed parameters bring their own labels
    return f"{known}{dot}{rest}"


def _folder(file: WeightFile, archive: ZipArchive) -> str:
    """Return the folder of the archive's pickle with its slash; the first member's, if it can."""
    first = next(iter(archive.members), "").partition("/")[0]
    if f"{first}/{PICKLE}" in archive.members:
        return f"{first}/"
    names = [name for name in archive.members if name.endswith(f"/{PICKLE}")]
    if not names:
        raise LoadError(file.path, "a zip archive, but not one of PyTorch")
    return min(names, key=len).removesuffix(PICKLE)


def _byteorder(places: Places, folder: str) -> Literal["little", "big"]:
    try:
        content = places.read(f"{folder}byteorder", _SMALL)
    except (KeyError, ZipDamage):
        return "little"
    return "big" if content.strip() == b"big" else "little"


def _pickled_section(node: Node) -> str:
    return node.section


def _script_sections(places: Places, folder: str) -> Callable[[Node], str]:
    code = ScriptCode(places, folder)

    def section(node: Node) -> str:
        owner = node.parent.value if node.parent is not None else None
        return code.section(owner.callee, node.name) if isinstance(owner, Record) else ""

    return section
