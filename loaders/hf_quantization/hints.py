"""What a model's configuration says of its quantization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tensorpeek.loaders.clean import clean

KNOWN = frozenset(
    {
        "gptq",
        "awq",
        "bitsandbytes",
        "compressed-tensors",
        "fp8",
        "hqq",
        "fbgemm_fp8",
        "modelopt",
        "modelopt_fp4",
        "mxfp4",
    }
)
"""Methods whose parts are put together."""

_SHOWN = (
    "quant_method",
    "quant_algo",
    "format",
    "checkpoint_format",
    "version",
    "bits",
    "group_size",
    "sym",
    "desc_act",
)


@dataclass(frozen=True, slots=True)
class Hints:
    """Where shapes alone leave a choice: absent ones are None. ``group`` -1 is a whole row."""

    method: str | None = None
    form: str = ""
    bits: int | None = None
    group: int | None = None
    block: tuple[int, int] | None = None

    @property
    def is_known(self) -> bool:
        """Whether weights of this method are put together; also if no method is named."""
        return self.method is None or self.method in KNOWN


def hints_of(config: Mapping[str, object] | None) -> Hints:
    """Read a quantization configuration, which may hold anything."""
    if config is None:
        return Hints()
    schemes = [config, *_weight_schemes(config)]
    form = config.get("checkpoint_format") or config.get("version") or config.get("format")
    return Hints(
        method=_method(config),
        form=form.lower() if isinstance(form, str) else "",
        bits=_agreed(schemes, ("bits", "w_bit", "num_bits")),
        group=_agreed(schemes, ("group_size", "q_group_size")),
        block=_block(schemes),
    )


def metadata_of(config: Mapping[str, object] | None) -> dict[str, str]:
    """Return what is worth showing of a configuration, safe to show."""
    shown = {} if config is None else {key: config.get(key) for key in _SHOWN}
    return {
        f"quantization {key}": clean(str(value), 120)
        for key, value in shown.items()
        if isinstance(value, str | int)
    }


def _method(config: Mapping[str, object]) -> str | None:
    method = config.get("quant_method")
    if isinstance(method, str) and method:
        return clean(method, 120).lower()
    return "modelopt" if isinstance(config.get("quant_algo"), str) else None


def _weight_schemes(config: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield what compressed-tensors says of weights, for each group of layers."""
    groups = config.get("config_groups")
    for group in groups.values() if isinstance(groups, dict) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        if isinstance(weights, dict):
            yield weights


def _agreed(schemes: list[Mapping[str, object]], keys: tuple[str, ...]) -> int | None:
    """Return the one integer that is said, None where several are."""
    values = {scheme.get(key) for scheme in schemes for key in keys if _is_small(scheme.get(key))}
    only = values.pop() if len(values) == 1 else None
    return only if isinstance(only, int) else None


def _is_small(value: object) -> bool:
    return type(value) is int and -1 <= value < 1 << 31


def _block(schemes: list[Mapping[str, object]]) -> tuple[int, int] | None:
    """Return the size of a block, rows by columns."""
    for scheme in schemes:
        size = scheme.get("weight_block_size") or scheme.get("block_structure")
        if isinstance(size, list) and len(size) == 2 and all(map(_is_small, size)):
            high, wide = size
            if high > 0 and wide > 0:
                return high, wide
    return None
