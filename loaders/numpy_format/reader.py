"""Open .npy and .npz files: arrays as tensors, pickled objects never."""

from __future__ import annotations

from functools import partial

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.naming import role_of, split_name, unique_names
from tensorpeek.loaders.numpy_format.array_header import (
    MAGIC,
    ArrayHeader,
    ArrayProblem,
    HeaderBudget,
    decode_header,
)
from tensorpeek.loaders.numpy_format.member import begin
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.storage import Deflated, FileSpan
from tensorpeek.loaders.storage_part import part_of
from tensorpeek.loaders.tensor import Tensor
from tensorpeek.loaders.zip_archive import MAGIC as ZIP_MAGIC
from tensorpeek.loaders.zip_archive import Places, ZipArchive, parse_archive, read_directory
from tensorpeek.loaders.zip_fields import ZipDamage

FORMAT = "NumPy"

MAX_MEMBERS = 1 << 17
"""Arrays beyond which a file is refused."""

_SUFFIX = ".npy"


def recognizes(file: WeightFile) -> bool:
    """Whether ``file`` is an .npy array, or a zip archive that holds only such."""
    if file.head.startswith(MAGIC):
        return True
    if not file.head.startswith(ZIP_MAGIC):
        return False
    try:
        members = parse_archive(file, read_directory(file)).members
    except LoadError:
        return False
    return bool(members) and all(name.endswith(_SUFFIX) for name in members)


def load(file: WeightFile) -> Model:
    """List the arrays of a file; their values are read later, and nothing is unpickled.

    An array of an archive that cannot be read is listed with its error. Raises LoadError.
    """
    if file.head.startswith(MAGIC):
        return _load_array(file)
    archive = parse_archive(file, read_directory(file))
    if len(archive.members) > MAX_MEMBERS:
        raise LoadError(file.path, f"holds more than {MAX_MEMBERS:,} arrays")
    names = unique_names(name.removesuffix(_SUFFIX) for name in archive.members)
    tensors, budget = [], HeaderBudget()
    with archive.places() as places:
        for member, name in zip(archive.members, names, strict=True):
            header, whole = _member(places, member, budget)
            tensors.append(_tensor(name, header, whole))
    return Model(path=file.path, format=FORMAT, tensors=tuple(tensors), warnings=_doubts(archive))


def _load_array(file: WeightFile) -> Model:
    whole = FileSpan(str(file.path), 0, file.identity.size, file.identity)
    [name] = unique_names([file.path.name.removesuffix(_SUFFIX)])
    try:
        header = _read_header(whole, HeaderBudget())
    except ArrayProblem as error:
        raise LoadError(file.path, str(error)) from error
    after = 0 if header.error else whole.nbytes - header.start - header.nbytes
    warnings = (f"{after:,} bytes follow the array and are not shown",) if after else ()
    tensor = _tensor(name, header, whole)
    return Model(path=file.path, format=FORMAT, tensors=(tensor,), warnings=warnings)


def _member(
    places: Places, member: str, budget: HeaderBudget
) -> tuple[ArrayHeader, FileSpan | Deflated]:
    """Return header and place of an array in an archive; if it has none, a header that says why."""
    whole: FileSpan | Deflated = FileSpan(places.archive.path, 0, 0, places.archive.identity)
    try:
        whole = places.storage(member)
        return _read_header(whole, budget), whole
    except (ArrayProblem, ZipDamage) as error:
        problem = str(error)
    except LoadError as error:
        problem = error.reason
    return ArrayHeader(0, "uint8", Layout.contiguous((0,)), 0, clean(problem)), whole


def _read_header(whole: FileSpan | Deflated, budget: HeaderBudget) -> ArrayHeader:
    """Read the header of an array and check that its values are there.

    Raises ArrayProblem and LoadError.
    """
    header = decode_header(partial(begin, whole), budget)
    has = whole.nbytes - header.start
    if header.nbytes > has:
        raise ArrayProblem(f"truncated: its values need {header.nbytes:,} bytes of {has:,}")
    return header


def _tensor(name: str, header: ArrayHeader, whole: FileSpan | Deflated) -> Tensor:
    layer, label = split_name(name.replace("/", "."))
    readable = header.error is None
    return Tensor(
        name=name,
        layer=name[: len(layer)],
        label=name[-len(label) :],
        role=role_of(label),
        shape=header.layout.shape,
        dtype=header.dtype,
        storage=part_of(whole, header.start, header.nbytes) if readable else None,
        layout=header.layout if readable else None,
        stored_nbytes=header.nbytes,
        error=header.error,
        source=whole.path if isinstance(whole, FileSpan) else whole.span.path,
    )


def _doubts(archive: ZipArchive) -> tuple[str, ...]:
    return tuple(
        f"holds two members named {clean(name, 120)}; the first one is shown"
        for name in archive.repeated[:4]
    )
