"""Name the constants of frozen TorchScript for the operators that its code gives them to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.zip_archive import Places
from tensorpeek.loaders.zip_fields import ZipDamage

MAX_CODE = 1 << 22
"""Bytes of code, in all files together, that are searched."""

_LABELS = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "conv_transpose1d"), ("", "weight", "bias")),
    **dict.fromkeys(("conv_transpose2d", "conv_transpose3d"), ("", "weight", "bias")),
    **dict.fromkeys(("_convolution", "linear"), ("", "weight", "bias")),
    "batch_norm": ("", "weight", "bias", "running_mean", "running_var"),
    "instance_norm": ("", "weight", "bias", "running_mean", "running_var"),
    "layer_norm": ("", "", "weight", "bias"),
    "group_norm": ("", "", "weight", "bias"),
    "embedding": ("weight",),
    "addmm": ("bias", "", "weight"),
    "prelu": ("", "weight"),
}
_CALL = re.compile(r"\b(?:torch|ops\.quantized)\.(\w{1,60})\(")
_CONSTANT = re.compile(r"CONSTANTS\.c(\d{1,9})")


def constant_names(places: Places, folder: str, members: Sequence[str]) -> dict[str, str]:
    """Return names by number: ``conv2d_1.weight`` is the weight of the first convolution.

    The code is read as text. A constant of several calls is named for the first; those of
    operators without a weight have no name here.
    """
    names: dict[str, str] = {}
    calls: Counter[str] = Counter()
    for code in _code(places, folder, members):
        for operator, arguments in _calls(code):
            labels = _LABELS.get(operator.removesuffix("_relu"), ())
            named = [
                (constant[1], label)
                for argument, label in zip(arguments, labels, strict=False)
                if label and (constant := _CONSTANT.fullmatch(argument)) is not None
            ]
            calls[operator] += bool(named)
            for number, label in named:
                names.setdefault(number, f"{operator}_{calls[operator]}.{label}")
    return names


def _code(places: Places, folder: str, members: Sequence[str]) -> Iterator[str]:
    left = MAX_CODE
    for member in members:
        if not member.startswith(f"{folder}code/") or not member.endswith(".py"):
            continue
        try:
            content = places.read(member, left)
        except (ZipDamage, LoadError):  # without its code a constant still has its values
            continue
        left -= len(content)
        yield content.decode("utf-8", "replace")


def _calls(code: str) -> Iterator[tuple[str, list[str]]]:
    """Yield operators and their first arguments, in the order of the text."""
    for match in _CALL.finditer(code):
        end = code.find("\n", match.end(), match.end() + 400)
        text = code[match.end() : end if end >= 0 else match.end() + 400]
        yield match[1], _split(text)


def _split(text: str) -> list[str]:
    """Split arguments at the commas that lie in no brackets, up to the one that ends the call."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if character in "([":
            depth += 1
        elif character in ")]" and depth:
            depth -= 1
        elif (character == "," or character in ")]") and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
            if character != ",":
                return parts
    return [*parts, text[start:].strip()]
