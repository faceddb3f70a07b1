"""Say which parts could not be put together, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.hf_quantization.parts import MisfitError, UnknownSchemeError

MAX_SCHEMES = 4
"""Unknown schemes that are named."""

Misfit = tuple[str, MisfitError | LoadError]
"""The name of the main part of a weight, and the reason."""


def misfit_warnings(misfits: Sequence[Misfit]) -> Iterator[str]:
    """Say which schemes are not known, then how many other weights are in parts, and why."""
    schemes = {str(error) for _, error in misfits if isinstance(error, UnknownSchemeError)}
    for scheme in sorted(schemes)[:MAX_SCHEMES]:
        yield clean(f"quantization scheme {scheme} is not known: its parts are shown as stored")
    others = [one for one in misfits if not isinstance(one[1], UnknownSchemeError)]
    if not others:
        return
    name, error = others[0]
    reason = error.reason if isinstance(error, LoadError) else str(error)
    what = "weight is" if len(others) == 1 else "weights are"
    yield clean(
        f"{len(others):,} quantized {what} shown as stored parts, such as {name[:120]}: {reason}"
    )
