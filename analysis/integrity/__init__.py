"""What is wrong with a model: damage, values that are no numbers, channels that say nothing."""

from tensorpeek.analysis.integrity.channels import channel_axis
from tensorpeek.analysis.integrity.findings import RULES, Finding, Rule, Severity, rule_of
from tensorpeek.analysis.integrity.model_check import check_model
from tensorpeek.analysis.integrity.tensor_check import TensorCheck, check_tensor

__all__ = [
    "RULES",
    "Finding",
    "Rule",
    "Severity",
    "TensorCheck",
    "channel_axis",
    "check_model",
    "check_tensor",
    "rule_of",
]
