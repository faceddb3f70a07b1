"""Damaged files: two outcomes are allowed, a model or one line of error."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from tensorpeek.loaders import LoadError, Model, open_model


def open_or_refuse(path: Path, content: bytes) -> Model | LoadError:
    """Write ``content``, open it and read everything; any other exception comes out."""
    path.write_bytes(content)
    try:
        model = open_model(path)
    except LoadError as error:
        return error
    for tensor in model.tensors:
        try:
            tensor.read()
        except LoadError as error:
            assert str(error)  # noqa: PT017
    return model


def mutated(sample: bytes) -> st.SearchStrategy[bytes]:
    """Return ``sample`` with up to four places overwritten, cut or grown by a few bytes."""
    change = st.tuples(st.integers(0, len(sample) - 1), st.binary(max_size=3), st.integers(0, 3))

    def apply(changes: list[tuple[int, bytes, int]]) -> bytes:
        content = bytearray(sample)
        for at, new, removed in changes:
            content[at : at + removed] = new
        return bytes(content)

    return st.lists(change, min_size=1, max_size=4).map(apply)
