"""What all screens keep of the tensors that were measured."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorpeek.analysis import DistributionCache


@cache
def known_distributions() -> DistributionCache:
    """Return the one cache of this process, made when it is first needed."""
    from tensorpeek.analysis import DistributionCache

    return DistributionCache()
