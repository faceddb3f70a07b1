"""Results kept on disk, so that a second look at a file costs nothing."""

from tensorpeek.analysis.result_cache.folder import (
    FOLDER_VARIABLE,
    CacheFacts,
    CacheUnavailableError,
    cache_folder,
)
from tensorpeek.analysis.result_cache.result_cache import (
    LIMIT,
    ResultCache,
    find_record,
    keep_record,
)
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
    "find_record",
    "keep_record",
    "result_key",
]
