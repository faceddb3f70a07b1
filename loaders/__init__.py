"""From bytes on disk to models of lazy tensors; nothing that is read is ever executed."""

from tensorpeek.loaders.discover import find_models
from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.errors import CancelledError, LoadError
from tensorpeek.loaders.imports import Import
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.registry import FORMATS, open_model
from tensorpeek.loaders.tensor import CHUNK, ROLES, Tensor, View

__all__ = [
    "CHUNK",
    "DTYPES",
    "FORMATS",
    "ROLES",
    "CancelledError",
    "DType",
    "Import",
    "LoadError",
    "Model",
    "Quantization",
    "Tensor",
    "View",
    "find_models",
    "open_model",
]
