"""Whatever types and shapes parts have: a model, values or a LoadError, and never more."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors_files import entry, file_of

from tensorpeek.analysis import measure
from tensorpeek.loaders import LoadError, open_model

Parts = dict[str, tuple[str, list[int]]]

SCHEMES: list[Parts] = [
    {
        "qweight": ("I32", [4, 32]),
        "qzeros": ("I32", [2, 4]),
        "scales": ("F16", [2, 32]),
        "g_idx": ("I32", [32]),
    },
    {"qweight": ("I32", [32, 4]), "qzeros": ("I32", [2, 4]), "scales": ("F16", [2, 32])},
    {"qweight": ("I32", [8, 32]), "qzeros": ("I32", [8, 1]), "scales": ("F16", [8, 8])},
    {"weight": ("I8", [4, 8]), "SCB": ("F32", [4]), "weight_format": ("U8", [])},
    {
        "weight": ("I8", [4, 8]),
        "weight_scale": ("F32", [4, 2]),
        "weight_zero_point": ("I8", [4, 2]),
    },
    {"weight": ("U8", [4, 16]), "weight_scale": ("F8_E4M3", [4, 2]), "weight_scale_2": ("F32", [])},
    {"weight": ("F8_E4M3", [4, 8]), "weight_scale_inv": ("F32", [2, 2])},
    {
        "weight_packed": ("I32", [32, 4]),
        "weight_scale": ("F16", [32, 2]),
        "weight_shape": ("I64", [2]),
        "weight_zero_point": ("I32", [4, 2]),
        "weight_g_idx": ("I32", [32]),
    },
    {
        "weight_packed": ("U8", [4, 16]),
        "weight_scale": ("F8_E4M3", [4, 2]),
        "weight_global_scale": ("F32", [1]),
    },
    {"x_blocks": ("U8", [2, 4, 1, 16]), "x_scales": ("U8", [2, 4, 1])},
    {"qweight": ("I16", [2, 64]), "qzeros": ("F16", [8, 8]), "scales": ("F16", [8, 8])},
    {"B": ("I32", [4, 8]), "s": ("F16", [1, 8]), "codes": ("U8", [4]), "codebooks": ("F16", [4])},
    {
        "weight": ("U8", [16, 1]),
        "weight.absmax": ("U8", [2]),
        "weight.quant_map": ("F32", [16]),
        "weight.quant_state.bitsandbytes__nf4": ("U8", [1]),
        "weight.nested_absmax": ("F32", [1]),
        "weight.nested_quant_map": ("F32", [256]),
    },
]
SHAPE = (32).to_bytes(8, "little") * 2
BYTES = {
    "I8": 1,
    "U8": 1,
    "F8_E4M3": 1,
    "F8_E8M0": 1,
    "I16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "F32": 4,
    "I64": 8,
    "F64": 8,
}
STATE = {
    "shape": [4, 8],
    "blocksize": 16,
    "dtype": "float16",
    "nested_blocksize": 2,
    "nested_offset": 1.0,
}
TORCHAO: Parts = {
    "_weight_qdata": ("I8", [8, 32]),
    "_weight_scale": ("F32", [8, 1]),
    "_weight_zero_point": ("I8", [8, 1]),
}
CLASSES = [
    *("Int8Tensor", "IntxUnpackedToInt8Tensor", "Float8Tensor", "Int4Tensor"),
    *("MXTensor", "NVFP4Tensor", "Int4TilePackedTo4dTensor"),
]
anything = st.sampled_from([None, True, "x", 1e300, {}, -1, 1 << 70, [[]], [1 << 62] * 3])
sizes = st.lists(st.sampled_from([0, 1, 2, 4, 8, 16, 32, 64]), max_size=3)
dtypes = st.builds(
    lambda name: {"_type": "torch.dtype", "_data": name},
    st.sampled_from(["float32", "bfloat16", "float16", "int4", "float4_e2m1fn_x2", 3]),
)
attributes = st.fixed_dictionaries(
    {
        "block_size": st.one_of(sizes, st.just([1, 32]), st.sampled_from([16, 32]), anything),
        "dtype": st.one_of(dtypes, anything),
        "orig_dtype": st.one_of(dtypes, anything),
        "elem_dtype": st.one_of(dtypes, anything),
        "target_dtype": st.one_of(dtypes, anything),
        "shape": st.one_of(sizes, anything),
        "is_swizzled_scales": st.booleans(),
    }
)
shapes = st.lists(st.sampled_from([0, 1, 2, 3, 4, 8, 16, 32]), max_size=4)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Draw a file of the parts of one scheme, of which some are missing or of another shape."""
    header: dict[str, Any] = {}
    content = b""
    schemes = [*SCHEMES, *(TORCHAO,) * 8]
    parts = dict(draw(st.sampled_from(schemes)))
    if "_weight_qdata" in parts:
        described = {"_type": draw(st.sampled_from(CLASSES)), "_data": draw(attributes)}
        texts = {"layer.weight": json.dumps(described), "tensor_names": "[]"}
        header["__metadata__"] = texts
    for label in draw(st.lists(st.sampled_from(sorted(parts)), max_size=2)):
        kind, shape = parts[label]
        parts[label] = draw(
            st.one_of(
                st.tuples(st.sampled_from(sorted(BYTES)), st.just(shape)),
                st.tuples(st.just(kind), shapes),
                st.tuples(st.sampled_from(sorted(BYTES)), shapes),
            )
        )
    for label, (kind, shape) in parts.items():
        if draw(st.integers(0, 19)) == 0:
            continue
        count = BYTES[kind] * math.prod(shape)
        values = draw(st.sampled_from([b"\0", b"\xff", b"\x07\x81\x3c"])) * count
        values = SHAPE if label == "weight_shape" and draw(st.booleans()) else values
        values = values[:count].ljust(count, b"\0")
        state = json.dumps(STATE).encode()
        if "quant_state" in label and draw(st.booleans()):
            values = state
        sizes = [len(state)] if values is state else shape
        place = (len(content), len(content) + len(values))
        header[f"layer.{label}"] = entry("U8" if values is state else kind, sizes, *place)
        content += values
    header["other"] = entry("U8", [1], len(content), len(content) + 1)
    return file_of(header, content + b"\0")


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files())
def test_any_parts_give_values_or_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    model = open_model(path)
    for tensor in model.tensors:
        for view in tensor.views:
            try:
                assert tensor.read(view).shape == tensor.shape
                assert measure(tensor, view).summary.count <= tensor.params
            except LoadError:
                joined = tensor.parts and view == "dequantized"
                assert joined, "only values that need a group of a column may fail"
