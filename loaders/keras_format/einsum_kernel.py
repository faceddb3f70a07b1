"""The axes of the kernel of an EinsumDense layer, out of its equation."""

from __future__ import annotations

import math

from tensorpeek.loaders.keras_format.model_config import LayerConfig, shape_from


def reduced_axes(config: LayerConfig | None) -> tuple[bool, ...] | None:
    """Return for each axis of the kernel whether it is summed over; None if that is not told.

    It is not told either where the other axes change their order in the output. The axes of
    ``abc,cde->abde`` are (True, False, False).
    """
    parts = _parts(config)
    if parts is None:
        return None
    _, kernel, output = parts
    kept = [label for label in kernel if label in output]
    if [label for label in output if label in kernel] != kept or not kept:
        return None
    return tuple(label not in output for label in kernel)


def kernel_shape(config: LayerConfig | None, rows: int, columns: int) -> tuple[int, ...]:
    """Return the shape of a kernel that is stored as ``rows`` by ``columns``.

    That is (rows, columns) where the configuration does not tell another one that fits.
    """
    parts, reduced = _parts(config), reduced_axes(config)
    if config is None or parts is None or reduced is None or list(reduced) != _falling(reduced):
        return rows, columns
    inputs, kernel, output = parts
    sizes = _sizes(output[1:], shape_from(_listed(config.settings.get("output_shape"))))
    sizes |= _sizes(inputs, config.inputs)
    shape = tuple(sizes.get(label, 0) for label in kernel)
    split = sum(reduced)
    fits = (math.prod(shape[:split]), math.prod(shape[split:])) == (rows, columns)
    return shape if fits else (rows, columns)


def _falling(reduced: tuple[bool, ...]) -> list[bool]:
    return sorted(reduced, reverse=True)


def _listed(value: object) -> object:
    return [value] if type(value) is int else value


def _sizes(labels: str, shape: tuple[int | None, ...] | None) -> dict[str, int]:
    if shape is None or len(shape) != len(labels):
        return {}
    return {label: size for label, size in zip(labels, shape, strict=True) if size is not None}


def _parts(config: LayerConfig | None) -> tuple[str, str, str] | None:
    """Return the labels of the inputs, the kernel and the output."""
    equation = config.settings.get("equation") if config is not None else None
    if not isinstance(equation, str) or len(equation) > 200 or "." in equation:
        return None
    left, arrow, output = equation.replace(" ", "").partition("->")
    inputs, comma, kernel = left.partition(",")
    alike = (inputs + kernel + output).isalpha() and len(set(kernel)) == len(kernel)
    return (inputs, kernel, output) if arrow and comma and kernel and alike else None
