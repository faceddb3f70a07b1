"""Write what PyTorch wrote before it had a zip archive and no version writes any more."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
from pathlib import Path

import torch


class _Tensors(pickle.Pickler):
    """Write tensors as PyTorch 0.1 did: as the number under which they lie in the archive."""

    def persistent_id(self, value: object) -> str | None:
        return str(id(value)) if isinstance(value, torch.Tensor) else None


def write_tar(written: dict[str, torch.Tensor], path: Path) -> None:
    """Write a tar archive of storages, tensors over them, and a pickle that refers to those."""
    storages, tensors, saved = io.BytesIO(), io.BytesIO(), io.BytesIO()
    kinds = {torch.float32: torch.FloatStorage, torch.int64: torch.LongStorage}
    bases = {tensor.untyped_storage().data_ptr(): tensor for tensor in written.values()}
    pickle.dump(len(bases), storages, 2)
    for key, tensor in bases.items():
        pickle.dump((key, "cpu", kinds[tensor.dtype]), storages, 2)
        raw = bytes(tensor.untyped_storage())
        storages.write(struct.pack("<q", len(raw) // tensor.element_size()) + raw)
    pickle.dump([], storages, 2)
    pickle.dump(len(written), tensors, 2)
    for tensor in written.values():
        key = (id(tensor), tensor.untyped_storage().data_ptr(), kinds[tensor.dtype])
        pickle.dump(key, tensors, 2)
        numbers = (*tensor.shape, *tensor.stride(), tensor.storage_offset())
        tensors.write(
            struct.pack("<ii", tensor.dim(), 0) + struct.pack(f"<{len(numbers)}q", *numbers)
        )
    _Tensors(saved, 2).dump(written)
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as archive:
        for name, content in (("storages", storages), ("tensors", tensors), ("pickle", saved)):
            member = tarfile.TarInfo(name)
            member.size = len(content.getvalue())
            archive.addfile(member, io.BytesIO(content.getvalue()))
