"""The rules of a check, and what breaks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule demands, as a sentence about what is wrong, and how bad it is to break it."""

    severity: Severity
    description: str


RULES: Mapping[str, Rule] = {
    "damaged-file": Rule("error", "The file cannot be opened as a model."),
    "damaged-tensor": Rule("error", "The values of a tensor cannot be read."),
    "missing-part": Rule("error", "A file that the model is made of is missing."),
    "overlapping-data": Rule("error", "Two tensors overlap in the file."),
    "dangerous-global": Rule("error", "A pickle names a function that could run code."),
    "nan": Rule("error", "A tensor holds NaN."),
    "infinity": Rule("error", "A tensor holds infinities."),
    "dead-tensor": Rule("warning", "All values of a weight are zero."),
    "constant-tensor": Rule("warning", "All values of a weight are equal."),
    "dead-channel": Rule("warning", "All values of an output channel are zero."),
    "constant-channel": Rule("warning", "All values of an output channel are equal."),
    "not-checked": Rule("warning", "Something could not be checked."),
    "doubtful-file": Rule("warning", "The reader of the file has a doubt about it."),
}
"""Every rule by its id."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: its id, the tensor (None for the whole file), what was found."""

    rule: str
    tensor: str | None
    message: str

    @property
    def severity(self) -> Severity:
        """How bad it is: that of the rule."""
        return RULES[self.rule].severity


_NOT_UNDERSTOOD = (
    "unknown",
    "not supported",
    "not understood",
    "no numeric values",
    "no data type",
)
_NO_FILE_MISSING = ("bytes are missing", "may be missing")


def rule_of(reason: str) -> str:
    """Return the rule that a reason why something cannot be read stands for.

    Types that are not understood are not damage: they are ``not-checked``.
    """
    if "overlap" in reason:
        return "overlapping-data"
    absent = "missing" in reason or "does not hold" in reason
    if absent and not any(words in reason for words in _NO_FILE_MISSING):
        return "missing-part"
    if any(words in reason for words in _NOT_UNDERSTOOD):
        return "not-checked"
    return "damaged-tensor"
