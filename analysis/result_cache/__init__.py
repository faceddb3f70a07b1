"""Results kept on disk, so that a second look at a file costs nothing."""

from tensorpeek.analysis.result_cache.database import CacheFacts
from tensorpeek.analysis.result_cache.folder import (
    FOLDER_VARIABLE,
    CacheUnavailableError,
    cache_folder,
)
from tensorpeek.analysis.result_cache.result_cache import LIMIT, ResultCache
from tensorpeek.analysis.result_cache.result_keys import MEASURES, ResultKey, result_key

__all__ = [
    "FOLDER_VARIABLE",
    "LIMIT",
    "MEASURES",
    "CacheFacts",
    "CacheUnavailableError",
    "ResultCache",
    "ResultKey",
    "cache_folder",
    "result_key",
]
