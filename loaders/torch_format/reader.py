"""Open PyTorch's zip files: state_dicts, checkpoints, pickled modules, TorchScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.machine import interpret
from tensorpeek.loaders.inert_pickle.named_globals import foreign_classes, warnings_of
from tensorpeek.loaders.inert_pickle.values import Pickle, Record
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.torch_format.metadata import dictionary, metadata_of
from tensorpeek.loaders.torch_format.names import Found, found_at, name_tensors
from tensorpeek.loaders.torch_format.quantized import number
from tensorpeek.loaders.torch_format.rebuild import Rebuilder
from tensorpeek.loaders.torch_format.script import ScriptCode
from tensorpeek.loaders.torch_format.storages import Storages
from tensorpeek.loaders.torch_format.walk import Node, Walk
from tensorpeek.loaders.zip_archive import (
    MAGIC,
    Places,
    ZipArchive,
    parse_archive,
    read_directory,
)
from tensorpeek.loaders.zip_fields import ZipDamage

MAX_PICKLE = 1 << 28
"""Bytes of a pickle beyond which a file is refused."""

MAX_TENSORS = 1 << 20
"""Tensors beyond which a file is refused."""

_PICKLE = "data.pkl"
_CONSTANTS = "constants.pkl"
_SMALL = 1 << 10


def recognizes(file: WeightFile) -> bool:
    """Whether ``file`` is a zip archive that holds a PyTorch pickle, or is too damaged to tell."""
    if not file.head.startswith(MAGIC):
        return False
    try:
        return f"/{_PICKLE}".encode() in read_directory(file).content
    except LoadError:
        return True


def load(file: WeightFile) -> Model:
    """List the tensors of a PyTorch zip file; nothing in it is executed.

    Raises LoadError: truncated, damaged, not a PyTorch file, or without tensors.
    """
    archive = parse_archive(file, read_directory(file))
    folder = _folder(file, archive)
    script = f"{folder}{_CONSTANTS}" in archive.members
    with archive.places() as places:
        opened = _Opened(file, places, folder, _byteorder(places, folder))
        pickles = [
            opened.pickle(name) for name in ((_PICKLE, _CONSTANTS) if script else (_PICKLE,))
        ]
        walks = [Walk(pickle.root) for pickle in pickles]
        sections = _script_sections(places, folder) if script else _pickled_section
        found = list(opened.find(walks[0], "data/", sections))
        found += [one for walk in walks[1:] for one in opened.constants(walk)]
    if not found:
        raise LoadError(file.path, "holds no tensors")
    warnings = [line for pickle in pickles for line in warnings_of(pickle)]
    complete = all(walk.complete for walk in walks)
    return Model(
        path=file.path,
        format="TorchScript" if script else "PyTorch",
        tensors=name_tensors(found, str(file.path), strip=dictionary(pickles[0].root) is not None),
        metadata=_metadata(pickles[0]),
        warnings=(*dict.fromkeys(warnings), *_doubts(archive, complete=complete)),
    )


def _metadata(pickle: Pickle) -> dict[str, str]:
    classes = foreign_classes(pickle)
    own = {"pickled classes (not imported)": classes} if classes else {}
    return {**metadata_of(pickle), **own}


@dataclass(frozen=True, eq=False, slots=True)
class _Opened:
    """A PyTorch archive that is being read."""

    file: WeightFile
    places: Places
    folder: str
    byteorder: Literal["little", "big"]

    def pickle(self, name: str) -> Pickle:
        try:
            content = self.places.read(self.folder + name, MAX_PICKLE)
        except ZipDamage as error:
            raise LoadError(self.file.path, f"its {name} {error}") from error
        return interpret(str(self.file.path), content)

    def find(self, walk: Walk, storages: str, section: Callable[[Node], str]) -> Iterator[Found]:
        """Yield the tensors on a walk; their storages lie in the folder ``storages``."""
        rebuilder = Rebuilder(Storages(self.places, self.folder + storages, self.byteorder))
        for count, node in enumerate(walk.tensors()):
            if count >= MAX_TENSORS:
                raise LoadError(self.file.path, f"holds more than {MAX_TENSORS:,} tensors")
            if isinstance(node.value, Record):
                yield found_at(node.path, rebuilder.facts(node.value), section(node))
                continue
            facts = number(node.value)
            if facts is not None:  # equal numbers of two layers are not one shared tensor
                yield found_at(node.path, replace(facts, key=object()), section(node))

    def constants(self, walk: Walk) -> Iterator[Found]:
        """Yield the constants of TorchScript, which its code calls c0, c1, ..."""
        for one in self.find(walk, "constants/", lambda _: "constant"):
            yield replace(one, name=f"constants.c{one.name}")


def _folder(file: WeightFile, archive: ZipArchive) -> str:
    """Return the folder of the archive's pickle with its slash; the first member's, if it can."""
    first = next(iter(archive.members), "").partition("/")[0]
    if f"{first}/{_PICKLE}" in archive.members:
        return f"{first}/"
    names = [name for name in archive.members if name.endswith(f"/{_PICKLE}")]
    if not names:
        raise LoadError(file.path, "a zip archive, but not one of PyTorch")
    return min(names, key=len).removesuffix(_PICKLE)


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


def _doubts(archive: ZipArchive, *, complete: bool) -> list[str]:
    doubts = [
        f"holds two members named {clean(name, 120)}; the first one is shown"
        for name in archive.repeated[:4]
    ]
    if not complete:
        doubts.append("is nested too deeply or too large; some objects were not searched")
    return doubts
