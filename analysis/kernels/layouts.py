"""Which axes of a convolution kernel are outputs, inputs and places in space."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tensorpeek.loaders import Model, Tensor

LONGEST = 128
"""Positions of a kernel along one axis, at most: longer axes are no kernel's sides."""

_POSSIBLE = {
    3: ("OIW", "IOW", "WIO", "OWI", "WCM"),
    4: ("OIHW", "IOHW", "HWIO", "HWOI", "OHWI", "HWCM", "1HWC"),
    5: ("OIDHW", "IODHW", "DHWIO", "DHWOI", "ODHWI"),
}
_KERAS = frozenset({"kernel", "depthwise_kernel", "pointwise_kernel"})
_NO_KERNEL = frozenset({"weight_g", "recurrent_kernel"})
_TRANSPOSED = re.compile(r"conv\w*transpose|transposed?_?conv|deconv|upconv|up_conv|convt\d?(\b|_)")
_DEPTHWISE = re.compile(r"depthwise_?conv\w*")


@dataclass(frozen=True, slots=True)
class KernelLayout:
    """The order of a kernel's axes, a letter each.

    O, C and M are output channels (C the channel of a depthwise kernel, M its multiplier), I and 1
    the inputs of a filter, D, H and W its depth, height and width.
    """

    name: str

    @property
    def outputs(self) -> tuple[int, ...]:
        """The axes that together number the filters, slowest first."""
        return self._axes("OCM")

    @property
    def axes(self) -> tuple[int, ...]:
        """The order (outputs, input, depth, height, width) for NumPy's ``transpose``.

        Axes that the kernel does not have are left out.
        """
        return (*self.outputs, *self._axes("I1"), *self._axes("DHW"))

    @property
    def has_input(self) -> bool:
        """Whether an axis numbers the inputs: a depthwise kernel of Keras has none."""
        return bool(self._axes("I1"))

    @property
    def is_transposed(self) -> bool:
        """Whether it is the kernel of a transposed convolution, as far as its order tells."""
        return self.name in {"IOW", "IOHW", "IODHW", "HWOI", "DHWOI"}

    @property
    def is_depthwise(self) -> bool:
        """Whether the order is one of depthwise convolutions."""
        return "C" in self.name

    def sides(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Return depth, height and width of a kernel of ``shape``; 1 for those it does not have."""
        depth, height, width = (
            shape[self.name.index(letter)] if letter in self.name else 1 for letter in "DHW"
        )
        return depth, height, width

    def _axes(self, letters: str) -> tuple[int, ...]:
        return tuple(self.name.index(letter) for letter in letters if letter in self.name)


def kernel_layout(tensor: Tensor, model: Model) -> KernelLayout | None:
    """Return how the axes of a convolution's weight stand, None if it is no such weight.

    Labels of Keras and Flax (``kernel``) and the format TFLite tell the order of the axes, all
    others have torch's and ONNX's. Transposed and depthwise convolutions are told by the names
    that layers are given (``conv2d_transpose``, ``deconv``), or by TFLite's axis of scales.
    """
    if tensor.role != "weight" or tensor.label in _NO_KERNEL:
        return None
    rank = len(tensor.shape)
    if rank not in _POSSIBLE or not tensor.params:
        return None
    layout = KernelLayout(_name(tensor, model, "DHW"[5 - rank :]))
    if max(layout.sides(tensor.shape)) > LONGEST or not _is_likely(tensor):
        return None
    return layout


def possible_layouts(shape: tuple[int, ...]) -> tuple[KernelLayout, ...]:
    """Return the known orders of a kernel of so many axes, whatever the lengths."""
    return tuple(map(KernelLayout, _POSSIBLE.get(len(shape), ())))


def _name(tensor: Tensor, model: Model, space: str) -> str:
    layer = tensor.layer.lower()
    last = re.split(r"[./]", layer)[-1]
    is_transposed = _TRANSPOSED.search(layer) is not None
    if tensor.label in _KERAS:
        if tensor.label == "depthwise_kernel" or _DEPTHWISE.match(last):
            return f"{space}CM" if len(space) < 3 else f"{space}IO"
        return f"{space}OI" if is_transposed else f"{space}IO"
    if model.format == "TFLite":
        return _tflite_name(tensor, model, space)
    return f"IO{space}" if is_transposed else f"OI{space}"


def _tflite_name(tensor: Tensor, model: Model, space: str) -> str:
    """Return CONV_3D's order, that of DEPTHWISE_CONV_2D or that of all others."""
    if len(space) == 3:
        return "DHWIO"
    quantization = tensor.quantization
    axis = quantization.axis if quantization is not None else None
    has_depthwise = "DEPTHWISE_CONV_2D" in model.metadata.get("weight layouts", "")
    if len(space) == 2 and tensor.shape[0] == 1 and has_depthwise and axis in {None, 3}:
        return "1HWC"
    return f"O{space}I"


def _is_likely(tensor: Tensor) -> bool:
    """Return whether three axes are a convolution's: projections of attention have three, too."""
    if len(tensor.shape) > 3 or tensor.label not in _KERAS:
        return True
    return "conv" in tensor.layer.lower()
