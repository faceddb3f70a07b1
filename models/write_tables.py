"""Fill the tables of this folder's README with what tensorpeek measures in the samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tensorpeek.analysis import measure, quantization_facts
from tensorpeek.loaders import open_model
from tensorpeek.loaders.tensor import Tensor

FP32_HEADER = "| layer | tensor | shape | params | min | max | mean | std |"
INT8_HEADER = "| layer | shape | params | scale | zero point | int range | min | max | mean | std |"


def replace_block(readme: Path, name: str, rows: list[str]) -> None:
    """Put ``rows`` between the README's comments ``name:begin`` and ``name:end``.

    Raises ValueError where the README lacks one of them.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, _, rest = readme.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{readme.name} has no block {begin} ... {end}")
    block = "\n".join([begin, "", *rows, "", end])
    readme.write_text(before + block + after, encoding="utf-8")


def write_tables(folder: Path) -> None:
    """Measure ``resnet8.pt`` and ``resnet8_int8.pt`` in ``folder`` and fill its README."""
    rows = [
        "## FP32 tables",
        "",
        "`resnet8.pt`; std is the population's:",
        "",
        FP32_HEADER,
        _rule(FP32_HEADER),
    ]
    rows += _float_rows(folder / "resnet8.pt")
    rows += ["", "## INT8 tables", ""]
    rows += ["`resnet8_int8.pt`, weights; scale and zero point are the means over channels,"]
    rows += ["min to std those of the dequantized values:", "", INT8_HEADER, _rule(INT8_HEADER)]
    rows += _int8_rows(folder / "resnet8_int8.pt")
    replace_block(folder / "README.md", "tables", rows)


def _float_rows(path: Path) -> Iterator[str]:
    """Yield one row for each weight and bias."""
    for layer, tensors in open_model(path).layers.items():
        for tensor in tensors:
            if tensor.role in ("weight", "bias"):
                facts = f"| {layer} | {tensor.label} | {tensor.shape} | {tensor.params:,} |"
                yield f"{facts} {_moments(tensor)} |"


def _int8_rows(path: Path) -> Iterator[str]:
    """Yield one row for each quantized weight."""
    for layer, tensors in open_model(path).layers.items():
        for tensor in tensors:
            if tensor.role != "weight" or tensor.quantization is None:
                continue
            facts = quantization_facts(tensor, measure(tensor, "raw"))
            yield (
                f"| {layer} | {tensor.shape} | {tensor.params:,} | {facts.scale_mean:.6f} "
                f"| {facts.zero_point_mean:g} | [{facts.raw_min}, {facts.raw_max}] "
                f"| {_moments(tensor)} |"
            )


def _moments(tensor: Tensor) -> str:
    """Return min, max, mean and population std as four cells, four digits after the point."""
    found = measure(tensor, "dequantized").summary
    cells = (found.minimum, found.maximum, found.mean, found.std)
    return " | ".join(f"{value:.4f}" for value in cells)


def _rule(header: str) -> str:
    """Return the line that stands under a table's header."""
    return "|" + "---|" * (header.count("|") - 1)


if __name__ == "__main__":
    write_tables(Path(__file__).resolve().parent)
