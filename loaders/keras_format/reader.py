"""Open Keras files: HDF5 by itself, or within the zip archive of Keras 3."""

from __future__ import annotations

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.keras_format.listing import list_tensors
from tensorpeek.loaders.keras_format.model_config import ModelConfig, read_config
from tensorpeek.loaders.keras_format.names import is_keras3, name_datasets
from tensorpeek.loaders.keras_format.outline import Outline
from tensorpeek.loaders.keras_format.quantized_layers import join_layers
from tensorpeek.loaders.keras_format.separate_process import read_outline
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.safetensors_format.json_object import JsonError, parse_object
from tensorpeek.loaders.storage import Deflated, FileSpan
from tensorpeek.loaders.zip_archive import MAGIC as ZIP_MAGIC
from tensorpeek.loaders.zip_archive import Places, ZipArchive, parse_archive, read_directory
from tensorpeek.loaders.zip_fields import ZipDamage

MAGIC = b"\x89HDF\r\n\x1a\n"

MAX_CONFIG = 1 << 26
"""Bytes of a configuration beyond which it is not read."""

LAYOUT = "convolution kernels (height, width, in, out), dense kernels (in, out)"

_STARTS = (0, 512, 1024, 2048)
_CONFIG, _METADATA = "config.json", "metadata.json"
_WEIGHTS, _PICKLED = "model.weights.h5", "model.weights.npz"


def recognizes(file: WeightFile) -> bool:
    """Whether ``file`` is an HDF5 file, or a zip archive with the members of a Keras model."""
    if any(file.head.startswith(MAGIC, start) for start in _STARTS):
        return True
    if not file.head.startswith(ZIP_MAGIC):
        return False
    try:
        names = parse_archive(file, read_directory(file)).members
    except LoadError:
        return False
    return _WEIGHTS in names or _PICKLED in names or {_CONFIG, _METADATA} <= names.keys()


def load(file: WeightFile) -> Model:
    """List the tensors of a Keras file; values are read later, and no code in it is decoded.

    Kernels keep the order of axes that Keras stores, which the metadata tell. Raises LoadError:
    damaged, truncated, without tensors, or h5py is not installed.
    """
    if file.head.startswith(ZIP_MAGIC):
        return _load_archive(file)
    place = FileSpan(str(file.path), 0, file.identity.size, file.identity)
    outline = read_outline(place)
    text = outline.text("", "model_config")
    config = ModelConfig() if text is None else read_config(text)
    metadata = _facts(outline)
    return _model(file, place, outline, config, metadata)


def _load_archive(file: WeightFile) -> Model:
    archive = parse_archive(file, read_directory(file))
    if _WEIGHTS not in archive.members:
        what = f"{_PICKLED} holds pickled Python objects, which are never loaded"
        reason = what if _PICKLED in archive.members else f"holds no {_WEIGHTS}"
        raise LoadError(file.path, reason)
    with archive.places() as places:
        config = _config(places)
        metadata = _metadata(places)
        try:
            place = places.storage(_WEIGHTS)
        except ZipDamage as error:
            raise LoadError(file.path, f"its {_WEIGHTS} {error}") from error
    outline = read_outline(place)
    model = _model(file, place, outline, config, {**metadata, **_facts(outline)})
    return Model(
        path=model.path,
        format=model.format,
        tensors=model.tensors,
        metadata=model.metadata,
        warnings=(*model.warnings, *_doubts(archive)),
    )


def _model(
    file: WeightFile,
    place: FileSpan | Deflated,
    outline: Outline,
    config: ModelConfig,
    metadata: dict[str, str],
) -> Model:
    named = name_datasets(outline, config)
    tensors, doubts = join_layers(named, list_tensors(named, place), config)
    if not tensors:
        raise LoadError(file.path, "holds no tensors")
    archived = file.head.startswith(ZIP_MAGIC)
    keras = archived or is_keras3(outline) or bool(metadata)
    kind = "Keras 3" if archived or is_keras3(outline) else "Keras HDF5" if keras else "HDF5"
    return Model(
        path=file.path,
        format=kind,
        tensors=tensors,
        metadata={**metadata, "kernel layout": LAYOUT} if keras else metadata,
        warnings=(*config.warnings, *map(clean, outline.warnings), *doubts),
    )


def _facts(outline: Outline) -> dict[str, str]:
    """Return version and backend of Keras, as TF-Keras writes them beside the weights."""
    found = {}
    for name in ("keras_version", "backend"):
        text = outline.text("", name) or outline.text("model_weights", name)
        if text is not None:
            found[name] = clean(text)
    if not found and outline.texts("", "layer_names"):
        found["weights of"] = "Keras"
    return found


def _config(places: Places) -> ModelConfig:
    try:
        return read_config(places.read(_CONFIG, MAX_CONFIG))
    except KeyError:
        return ModelConfig()
    except ZipDamage as error:
        return ModelConfig(warnings=(f"its {_CONFIG} {error}",))
    except LoadError as error:
        return ModelConfig(warnings=(f"its {_CONFIG}: {error.reason}",))


def _metadata(places: Places) -> dict[str, str]:
    try:
        found = parse_object(places.read(_METADATA, MAX_CONFIG))
    except (KeyError, ZipDamage, LoadError, JsonError):
        return {}
    texts = [(name, text) for name, text in found.items() if isinstance(text, str)]
    return {clean(name): clean(text) for name, text in texts[:16]}


def _doubts(archive: ZipArchive) -> tuple[str, ...]:
    return tuple(
        f"holds two members named {clean(name, 120)}; the first one is shown"
        for name in archive.repeated[:4]
    )
