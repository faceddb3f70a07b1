"""The numbers of TFLite's schema (schema.fbs, versions 3 to 3d): fields, types, operators."""

from __future__ import annotations

from enum import IntEnum

IDENTIFIER = b"TFL3"
"""Stands at bytes 4 to 8 of a file."""


class ModelField(IntEnum):
    """Fields of the root table."""

    VERSION = 0
    OPERATOR_CODES = 1
    SUBGRAPHS = 2
    DESCRIPTION = 3
    BUFFERS = 4
    METADATA = 6
    EXTERNAL_GROUPS = 8
    EXTERNAL_BUFFERS = 9


class CodeField(IntEnum):
    """Fields of OperatorCode: a number of 8 bits, since 3a also one of 32; the larger counts."""

    OLD_CODE = 0
    CUSTOM = 1
    CODE = 3


class SubgraphField(IntEnum):
    """Fields of SubGraph."""

    TENSORS = 0
    OPERATORS = 3
    NAME = 4


class TensorField(IntEnum):
    """Fields of Tensor."""

    SHAPE = 0
    TYPE = 1
    BUFFER = 2
    NAME = 3
    QUANTIZATION = 4
    SPARSITY = 6
    EXTERNAL_BUFFER = 10


class OperatorField(IntEnum):
    """Fields of Operator."""

    CODE_INDEX = 0
    INPUTS = 1
    OUTPUTS = 2


class BufferField(IntEnum):
    """Fields of Buffer; offset and size (3c) are used where the data lie behind the flatbuffer."""

    DATA = 0
    OFFSET = 1
    SIZE = 2


class ExternalField(IntEnum):
    """Fields of ExternalBuffer (3d); those of a group are its name, number 0."""

    ID = 0
    GROUP = 1
    OFFSET = 2
    LENGTH = 3
    PACKING = 4


class MetadataField(IntEnum):
    """Fields of Metadata."""

    NAME = 0
    BUFFER = 1


class QuantizationField(IntEnum):
    """Fields of QuantizationParameters."""

    SCALE = 2
    ZERO_POINT = 3
    DETAILS_TYPE = 4
    DETAILS = 5
    DIMENSION = 6


class DetailsField(IntEnum):
    """Fields of BlockwiseQuantization and of MultiAxisQuantization.

    Number 3 is the shape of a block in the one, the quantized dimensions in the other.
    """

    SCALES = 0
    ZERO_POINTS = 1
    BLOCK_SIZE = 2
    SHAPE_OR_DIMENSIONS = 3


class Details(IntEnum):
    """What the union QuantizationDetails holds."""

    NONE = 0
    CUSTOM = 1
    BLOCKWISE = 2
    MULTI_AXIS = 3


class SparsityField(IntEnum):
    """Fields of SparsityParameters."""

    TRAVERSAL_ORDER = 0
    BLOCK_MAP = 1
    DIMENSIONS = 2


class DimensionField(IntEnum):
    """Fields of DimensionMetadata."""

    FORMAT = 0
    DENSE_SIZE = 1
    SEGMENTS_TYPE = 2
    SEGMENTS = 3
    INDICES_TYPE = 4
    INDICES = 5


INDEX_TYPES = {1: "int32", 2: "uint16", 3: "uint8"}
"""Types of the vector in each variant of the union SparseIndexVector."""

TENSOR_TYPES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    8: "complex64",
    9: "int8",
    10: "float64",
    11: "complex128",
    12: "uint64",
    15: "uint32",
    16: "uint16",
    17: "int4",
    18: "bfloat16",
    19: "int2",
    20: "uint4",
    21: "float8_e4m3fn",
    22: "float8_e5m2",
}
"""The element type of each TensorType."""

WITHOUT_VALUES = {
    5: "string tensor: has no numeric values",
    13: "resource handle: has no values",
    14: "variant tensor: has no values",
}
"""Why a tensor of another TensorType has no numbers."""


class Op(IntEnum):
    """The builtin operators whose inputs have a known meaning."""

    ADD = 0
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEQUANTIZE = 6
    EMBEDDING_LOOKUP = 7
    FULLY_CONNECTED = 9
    LSTM = 16
    MUL = 18
    RNN = 24
    SVDF = 27
    CUSTOM = 32
    EMBEDDING_LOOKUP_SPARSE = 33
    SEQUENCE_RNN = 35
    GATHER = 36
    TRANSPOSE = 39
    SUB = 41
    DIV = 42
    SEQUENCE_LSTM = 44
    PRELU = 54
    TRANSPOSE_CONV = 67
    DENSIFY = 124
    BATCH_MATMUL = 126
    CONV_3D = 132
    CONV_3D_TRANSPOSE = 141
