"""The graphs of a TFLite model as records: tensors, operators, who uses what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.tflite_format.flatbuffer import FlatFile, Table
from tensorpeek.loaders.tflite_format.schema import (
    CodeField,
    ModelField,
    OperatorField,
    SubgraphField,
    TensorField,
)

MAX_DIMENSIONS = 32
"""Dimensions of a tensor; NumPy stops at 64."""


@dataclass(slots=True, eq=False)
class TensorRecord:
    """One Tensor table; ``problem`` says why its shape makes no sense."""

    table: Table
    subgraph: Subgraph
    index: int
    name: str
    shape: tuple[int, ...]
    type: int
    buffer: int
    external: int
    problem: str | None = None
    uses: list[Use] = field(default_factory=list)
    producer: OperatorRecord | None = None


@dataclass(slots=True, eq=False)
class OperatorRecord:
    """One Operator: its builtin code, the tensors it reads (-1: left out) and writes."""

    order: int
    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Use(NamedTuple):
    """The input number ``slot`` of an operator."""

    operator: OperatorRecord
    slot: int


@dataclass(slots=True, eq=False)
class Subgraph:
    """One SubGraph."""

    name: str
    tensors: list[TensorRecord] = field(default_factory=list)
    operators: list[OperatorRecord] = field(default_factory=list)

    def tensor(self, index: int) -> TensorRecord | None:
        """Return a tensor, None for an input that is left out or does not exist."""
        return self.tensors[index] if 0 <= index < len(self.tensors) else None

    def input(self, operator: OperatorRecord, slot: int) -> TensorRecord | None:
        """Return an input of an operator."""
        return self.tensor(operator.inputs[slot]) if 0 <= slot < len(operator.inputs) else None


def root_of(file: FlatFile) -> Table:
    """Return the Model table. Raises LoadError."""
    return file.table(file.target(0))


def read_subgraphs(model: Table) -> list[Subgraph]:
    """Read all graphs of a model. Raises LoadError."""
    codes = [_code(table) for table in model.tables(ModelField.OPERATOR_CODES)]
    subgraphs = []
    order = 0
    for table in model.tables(ModelField.SUBGRAPHS):
        subgraph = Subgraph(table.text(SubgraphField.NAME))
        for index, each in enumerate(table.tables(SubgraphField.TENSORS)):
            subgraph.tensors.append(_tensor(each, subgraph, index))
        for each in table.tables(SubgraphField.OPERATORS):
            subgraph.operators.append(_operator(each, codes, order))
            order += 1
        _connect(subgraph)
        subgraphs.append(subgraph)
    return subgraphs


def _code(table: Table) -> int:
    return max(table.integer(CodeField.OLD_CODE, "b"), table.integer(CodeField.CODE, "i"))


def _tensor(table: Table, subgraph: Subgraph, index: int) -> TensorRecord:
    vector = table.vector(TensorField.SHAPE, 4)
    shape: tuple[int, ...] = ()
    problem = None
    if vector is not None and vector.count > MAX_DIMENSIONS:
        problem = f"has {vector.count:,} dimensions"
    elif vector is not None:
        shape = table.file.integers(vector, "i")
        if min(shape, default=0) < 0:
            shape, problem = (), f"has a negative size: {list(shape)}"
    return TensorRecord(
        table=table,
        subgraph=subgraph,
        index=index,
        name=table.text(TensorField.NAME),
        shape=shape,
        type=table.integer(TensorField.TYPE, "b"),
        buffer=table.integer(TensorField.BUFFER, "I"),
        external=table.integer(TensorField.EXTERNAL_BUFFER, "I"),
        problem=problem,
    )


def _operator(table: Table, codes: list[int], order: int) -> OperatorRecord:
    index = table.integer(OperatorField.CODE_INDEX, "I")
    if index >= len(codes):
        raise LoadError(table.file.path, f"damaged: operator {order:,} has code {index:,}")
    inputs = table.integers(OperatorField.INPUTS)
    return OperatorRecord(order, codes[index], inputs, table.integers(OperatorField.OUTPUTS))


def _connect(subgraph: Subgraph) -> None:
    for operator in subgraph.operators:
        for slot, index in enumerate(operator.inputs):
            tensor = subgraph.tensor(index)
            if tensor is not None:
                tensor.uses.append(Use(operator, slot))
        for index in operator.outputs:
            tensor = subgraph.tensor(index)
            if tensor is not None:
                tensor.producer = operator
