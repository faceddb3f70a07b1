"""Measure a model by tensorpeek: what peers.py measures, nothing more. Prints JSON.

Run as a script: ``python benchmarks/same_measures.py FILE [--no-spectra] [--threads N]``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from tensorpeek.analysis import measure
from tensorpeek.analysis.diagnosis.blas_threads import one_blas_thread
from tensorpeek.analysis.diagnosis.grids import IntegerGrid
from tensorpeek.analysis.diagnosis.held import held
from tensorpeek.analysis.diagnosis.matrix_ranges import matrix_ranges
from tensorpeek.analysis.diagnosis.outliers import outliers
from tensorpeek.analysis.diagnosis.quantization_error import quantization_errors
from tensorpeek.analysis.diagnosis.shape_moments import shape_moments
from tensorpeek.analysis.diagnosis.sparsity import sparsity, sparsity_buckets
from tensorpeek.analysis.diagnosis.spectrum import spectrum
from tensorpeek.analysis.diagnosis.trials import Trial
from tensorpeek.analysis.diagnosis.weight_matrix import weight_matrix
from tensorpeek.analysis.stopping import never
from tensorpeek.loaders import Tensor, open_model

TRIALS = [Trial(IntegerGrid(8, symmetric), "tensor") for symmetric in (True, False)]
DEAD = 1e-6


def main() -> None:
    """Measure every tensor of a file, the largest first."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("file")
    parser.add_argument("--no-spectra", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    task = partial(measures, spectra=not options.no_spectra)
    tensors = sorted(open_model(options.file).tensors, key=lambda tensor: -tensor.params)
    with one_blas_thread(), ThreadPoolExecutor(options.threads) as threads:
        names = [tensor.name for tensor in tensors]
        found = dict(zip(names, threads.map(task, tensors), strict=True))
    print(json.dumps(found))


def measures(tensor: Tensor, *, spectra: bool) -> dict[str, Any]:
    """Return the measures of one tensor."""
    tensor = held(tensor, never)
    distribution = measure(tensor, foreseen=sparsity_buckets)
    matrix = weight_matrix(tensor, "dequantized", distribution.summary)
    found: dict[str, Any] = {
        "basic": distribution.summary,
        "shape": shape_moments(tensor, "dequantized", distribution),
        "outliers": outliers(distribution),
        "sparsity": sparsity(tensor, "dequantized", distribution),
    }
    errors = quantization_errors(matrix, None, distribution, TRIALS)
    facts = {name: dataclasses.asdict(record) for name, record in found.items()}
    facts["int8"] = [dataclasses.asdict(error) for error in errors]
    if matrix.channels > 1:
        ranges = matrix_ranges(matrix)
        facts["dead_rows"] = int(((ranges.high <= DEAD) & (ranges.low >= -DEAD)).sum())
        facts["dead_columns"] = int((ranges.largest <= DEAD).sum())
        if spectra:
            facts["spectrum"] = dataclasses.asdict(spectrum(matrix))
    return facts


if __name__ == "__main__":
    main()
