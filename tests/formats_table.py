"""Make docs/formats.md: open a file of every format and scheme, and compare with the truth.

Run as a script (``make formats``) to write the page; a test compares it with what this makes.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scheme_files import FORMATS, Array, Sample

from tensorpeek.analysis import Summary, measure
from tensorpeek.loaders import Tensor, open_model

PAGE = Path(__file__).resolve().parents[1] / "docs" / "formats.md"

HEAD = """\
# Formats: what is read, what is refused, and how exact it is

Made by `make formats`; a test makes it again and compares. One small file of every format and
scheme is written (by the format's own library where there is one), opened with `tensorpeek`, and
compared with what another program finds in it:

- **values**: *bit-exact* where every bit of every value is the same (a NaN equals any NaN), else by
  how many units in the last place they differ at most. *Explained*: the raw integers of a scheme
  that no other program shows are checked against the dequantized values, which are `scale x code +
  offset` within each block to 4 roundings.
- **statistics**: minimum, maximum, and the numbers of zeros and of NaN are *equal* to those of the
  true values; mean and standard deviation (the population's), taken by NumPy in float64, differ by
  less than 1e-12 of the largest magnitude. They are of the finite values; complex ones count by
  magnitude.

A *view* is what is stored (raw) or what that stands for (dequantized); tensors that are not
quantized have one.
"""

PROSE = {
    "PyTorch": """\
Read: zip archives, TorchScript, and what PyTorch wrote before 1.6 (streams, tar archives, plain
pickles), in every protocol that PyTorch loads; sets of files by their `.bin.index.json`; state
dicts, pickled modules without their classes, packed parameters of quantized modules, sparse tensors
as their parts, NumPy arrays.
Pickles are interpreted: nothing that they name is imported or called, and all of it is listed.

Refused, because nothing true could be shown: pickles that are damaged or take more than the limits
on operations and text, zip members that overlap. Of more than about 18,000 tensors that share a few
storages only the first are listed, which a warning says. A tensor alone is listed with its error
when its storage is missing, encrypted or too short for its strides, and when its type is
complex32.""",
    "safetensors": """\
Read: every type of the format; floats of 6 bits are listed without values. Sets of files by their
index; a shard that is missing is named.

Refused, as the official library does: headers of more than 100 MB, with names or keys twice, with
tensors that overlap or leave gaps. Indices do not lead out of their folder.""",
    "Hugging Face quantization": """\
Read: the parts of a quantized weight, in safetensors and PyTorch files, as the one tensor that they
make up: by `config.json` where it stands beside the file, by what torchao says in the metadata and
HQQ in the pickle, else by names, types and shapes.

Refused: parts that do not fit together, and methods that are not known, are listed as stored, with
the reason, or the method's name, in a warning; among them are the layouts of kernels: Marlin, the
tiles of torchao. The libraries need a GPU, so the truth is their arithmetic, restated.""",
    "ONNX": """\
Read: every numeric type of TensorProto but the floats of 6 bits, in raw bytes, in typed fields and
in files beside the model; sparse initializers as the dense tensors that they stand for; weights
under DequantizeLinear, QLinear*, *Integer, QGemm, MatMulNBits, GatherBlockQuantized and QMoE as the
one tensor that they stand for, named after the node that uses it.

Refused: external data outside of the model's folder; strings are listed with that error. A weight
whose scale or zero point is computed, is missing or does not fit is shown as raw integers, with a
warning; those of other operators with scales are counted in one.""",
    "GGUF": """\
Read: versions 1 to 3, both byte orders, every current type of ggml, split models from any part.

Refused: headers that claim more than the file holds. A tensor alone is listed with its error when
its values lie beyond the end of the file, when its type is unknown, and, in big-endian files, when
the order of bytes within blocks of its type is not known.""",
    "TFLite": """\
Read: every numeric type; scales per tensor, per channel and by blocks; sparse tensors; buffers
within the FlatBuffer, after it, and in files beside it.

Refused: FlatBuffers whose offsets leave the file. A tensor alone is listed with its error when its
buffer is missing or too short; quantization of a custom kind is shown raw, with a warning.""",
    "Keras": """\
Read: HDF5 of TF-Keras and of Keras 3, `.keras` archives, chunks with gzip, shuffle and fletcher32;
kernels and embeddings of 8 and 4 bits with their scales as the one weight that they make up.
Needs the package h5py. libhdf5 lists the file in a process of its own, with limits on time and
memory, because damaged files are known to crash it; values are then read without it.

Refused: other filters, virtual datasets, values in other files. Code in configurations is never
decoded. Variables of GPTQ and AWQ are listed as stored, with a warning.""",
    "Flax": """\
Read: msgpack checkpoints of `flax.serialization`, arrays that are split into chunks among them.

Refused: damaged msgpack, checkpoints of more than half a million values. Element types
of less than a byte are listed with that error.""",
    "NumPy": """\
Read: `.npy` of versions 1 to 3, both orders of axes and of bytes; `.npz`, stored and deflated.

Refused: damaged headers. Object arrays (they are pickles), text, dates, structured types and
extended precision are listed with that error.""",
}

COLUMNS = (
    *("scheme", "type", "shape", "view", "min", "max", "mean", "std", "zeros", "NaN"),
    *("values", "statistics", "truth"),
)

TOLERANCE = 1e-12


@dataclass(frozen=True)
class Row:
    """What one view of one file gave."""

    cells: tuple[str, ...]
    is_exact: bool


def measure_all() -> dict[str, list[Row]]:
    """Write and read the files of every format; return what they gave."""
    found = {}
    for name, write in FORMATS.items():
        with tempfile.TemporaryDirectory(prefix="formats-") as folder:
            found[name] = [row for sample in write(Path(folder)) for row in rows_of(sample)]
    return found


def page(found: Mapping[str, Sequence[Row]]) -> str:
    """Return the text of the page."""
    total, exact = sum(map(len, found.values())), sum(row.is_exact for row in _all(found))
    tally = f"Of {total} views, {exact} are exact.\n"
    sections = [f"## {name}\n\n{PROSE[name]}\n\n{_table(rows)}" for name, rows in found.items()]
    return "\n".join([HEAD, tally, *sections])


def _all(found: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    for rows in found.values():
        yield from rows


def rows_of(sample: Sample) -> Iterator[Row]:
    """Open a file and compare each view of its tensor with the truth."""
    [tensor] = [each for each in open_model(sample.path).tensors if each.name == sample.tensor]
    for view in tensor.views:
        summary = measure(tensor, view).summary
        truth = sample.truths.get(view)
        found = tensor.read(view)
        if truth is None:
            values, statistics, by = _explained(tensor), _statistics(summary, found), "the values"
        else:
            values, statistics, by = verdict(found, truth), _statistics(summary, truth), sample.by
        shape = " x ".join(map(str, tensor.shape))
        cells = (
            *(sample.scheme, str(tensor.value_type(view)), shape),
            view if len(tensor.views) > 1 else "",
            *_numbers(summary),
            *(values, statistics, by),
        )
        yield Row(cells, values in {"bit-exact", "explained"} and statistics == "equal")


def verdict(found: Array, truth: Array) -> str:
    """Say how near two arrays are to each other."""
    if (found.dtype, found.shape) != (truth.dtype, truth.shape):
        return f"{truth.dtype} of {truth.shape} expected"
    here, there = (np.ascontiguousarray(each).reshape(-1) for each in (found, truth))
    bits = [each.view(np.uint8).reshape(-1, each.dtype.itemsize) for each in (here, there)]
    both_nan = (here != here) & (there != there)  # noqa: PLR0124 (of any type)
    differ = ~((bits[0] == bits[1]).all(axis=1) | both_nan)
    if not differ.any():
        return "bit-exact"
    apart = np.abs(here.astype(np.float64) - there.astype(np.float64)) / np.spacing(np.abs(there))
    return f"within {math.ceil(apart[differ].max())} ulp"


def _statistics(summary: Summary, values: Array) -> str:
    """Compare with what NumPy says of the values: name the measures that differ."""
    flat = np.abs(values).reshape(-1) if values.dtype.kind == "c" else values.reshape(-1)
    wide = flat if flat.dtype.kind in "iu" else flat.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    top = float(np.abs(finite.astype(np.float64)).max())
    checks = {
        "min": summary.minimum == finite.min(),
        "max": summary.maximum == finite.max(),
        "zeros": summary.zeros == np.count_nonzero(wide == 0),
        "NaN": summary.nan == np.count_nonzero(np.isnan(wide)),
        "mean": abs((summary.mean or 0) - float(finite.mean(dtype=np.float64))) <= TOLERANCE * top,
        "std": abs((summary.std or 0) - float(finite.std(dtype=np.float64))) <= TOLERANCE * top,
    }
    wrong = [name for name, is_right in checks.items() if not is_right]
    return f"{', '.join(wrong)} differ" if wrong else "equal"


def _explained(tensor: Tensor) -> str:
    """Check that values are an affine function of the codes within each block of a tensor."""
    quantization = tensor.quantization
    if quantization is None:
        return "not checked"
    width = quantization.block or tensor.shape[-1]
    codes, values = (
        tensor.read(view).astype(np.float64).reshape(-1, width) for view in ("raw", "dequantized")
    )
    for code, value in zip(codes, values, strict=True):
        low, high = code.argmin(), code.argmax()
        steps = code[high] - code[low]
        slope = (value[high] - value[low]) / steps if steps else 0.0
        rounding = 4 * np.finfo(np.float32).eps * np.abs(value).max()
        if np.abs(value[low] + (code - code[low]) * slope - value).max() > rounding:
            return "not affine"
    return "explained"


def _numbers(summary: Summary) -> Iterator[str]:
    for value in (summary.minimum, summary.maximum, summary.mean, summary.std):
        yield "" if value is None else f"{value:.6g}"
    yield from (str(summary.zeros), str(summary.nan))


def _table(rows: Sequence[Row]) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS), *(row.cells for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(page(measure_all()), encoding="utf-8")
