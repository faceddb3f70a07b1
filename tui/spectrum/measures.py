"""The measures of a spectrum as rows of text, and the words for one singular value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorpeek.tui.number_text import number, percent, size
from tensorpeek.tui.statistics_table import Row, Section

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum, SpectrumCost
    from tensorpeek.analysis.diagnosis.power_law import PowerLaw
    from tensorpeek.loaders import Tensor


def spectrum_sections(found: FullSpectrum, *, by_median: bool) -> list[Section]:
    """Return the measures in groups: values, ranks, energy, noise, tail."""
    known = found.spectrum
    values = (
        Row("matrix", f"{known.rows:,} × {known.columns:,}"),
        Row("largest", number(known.largest)),
        Row("smallest", number(known.smallest)),
        Row("condition", number(known.condition, 5)),
        Row("nuclear norm", number(known.nuclear_norm)),
        Row("method", known.method),
    )
    return [
        values,
        _ranks(found),
        *_energy(found),
        _noise(found, by_median=by_median),
        _tail(known.power_law),
    ]


def _ranks(found: FullSpectrum) -> Section:
    known = found.spectrum
    return (
        Row("rank", f"{number(known.rank)} of {found.values.size:,}"),
        Row("stable rank", number(known.stable_rank, 5)),
        Row("entropy rank", number(known.entropy_rank, 5)),
        Row("effective rank", f"{known.effective_rank:,}"),
        Row("rank 90", f"{known.rank_90:,}"),
        Row("rank 99", f"{known.rank_99:,}"),
    )


def _energy(found: FullSpectrum) -> list[Section]:
    shares = found.spectrum.energy_percent.items()
    rows = tuple(Row(f"energy in {first}", percent(share)) for first, share in shares)
    return [rows] if rows else []


def _noise(found: FullSpectrum, *, by_median: bool) -> Section:
    if found.bulk is None:
        return ()
    bulk = found.bulk
    return (
        Row("noise by", "median" if by_median else "std of elements"),
        Row("noise sigma", number(bulk.sigma, 5)),
        Row("noise edges", f"{number(bulk.low, 4)} … {number(bulk.high, 4)}"),
        Row("above noise", f"{bulk.above(found.values):,} of {found.values.size:,}"),
        Row("below noise", f"{bulk.below(found.values):,}"),
    )


def _tail(law: PowerLaw | None) -> Section:
    if law is None:
        return (Row("alpha", "–"),)
    return (
        Row("alpha", f"{law.alpha:.4g} ± {law.alpha_error:.2g}"),
        Row("KS distance", number(law.distance, 4)),
        Row("tail", f"{law.tail:,} from {number(law.xmin, 4)}"),
    )


def value_words(found: FullSpectrum, index: int) -> str:
    """Return what is to be said about one singular value (from 0)."""
    from tensorpeek.tui.spectrum.energy_picture import energy_percent

    values = found.values
    value = float(values[index])
    parts = [f"σ {index + 1:,}/{values.size:,} = {number(value, 5)}"]
    if values[0]:
        shares = energy_percent(values)
        own = float(shares[index]) - (float(shares[index - 1]) if index else 0.0)
        parts += [f"energy {percent(max(own, 0.0))}", f"cum {percent(float(shares[index]))}"]
    bulk = found.bulk
    if bulk is not None:
        place = "above" if value > bulk.high else "below" if value < bulk.low else "within"
        parts.append(f"{place} noise ({number(bulk.low, 3)} … {number(bulk.high, 3)})")
    return "  ".join(parts)


def cost_words(cost: SpectrumCost) -> str:
    """Return how large a matrix is and what its spectrum takes, in words."""
    seconds = cost.seconds
    time = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f"{cost.rows:,} × {cost.columns:,}: about {time} and {size(cost.nbytes)}"


def no_matrix_words(tensor: Tensor) -> str:
    """Return why a tensor is no matrix."""
    if not tensor.params:
        return "no values: an empty tensor has no spectrum"
    shape = "×".join(map(str, tensor.shape)) or "a scalar"
    return f"a spectrum needs a matrix, and this is a vector ({shape})"
