"""Find what is said of a model's quantization in the files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.hf_quantization.json_text import MAX_JSON, parse_mapping
from tensorpeek.loaders.registry import look_at
from tensorpeek.loaders.storage import FileSpan

_KEY = "quantization_config"
_FILES = (
    ("config.json", _KEY),
    ("quantize_config.json", ""),
    ("quant_config.json", ""),
    ("hf_quant_config.json", "quantization"),
)
_METHODS = {"quantize_config.json": "gptq", "quant_config.json": "awq"}


def read_configuration(folder: Path) -> tuple[Mapping[str, object] | None, tuple[str, ...]]:
    """Return the quantization configuration of the model in ``folder``, None if there is none.

    It is ``quantization_config`` in ``config.json``, also under ``text_config``; or what AutoGPTQ,
    AutoAWQ and ModelOpt write of their own. Files of more than 4 MiB and damaged ones are not
    read, which the warnings say.
    """
    warnings = []
    for name, key in _FILES:
        if not (folder / name).is_file():
            continue
        content = _content(folder / name)
        fields = parse_mapping(content) if content is not None else None
        if fields is None:
            warnings.append(
                f"{name} beside it cannot be read: nothing is known of its quantization"
            )
            continue
        found = _section(fields, key)
        if found is not None:
            return _named(found, name), tuple(warnings)
    return None, tuple(warnings)


def _section(fields: dict[str, object], key: str) -> dict[str, object] | None:
    if not key:
        return fields
    inner = fields.get("text_config")
    for mapping in (fields, inner if isinstance(inner, dict) else {}):
        section = mapping.get(key)
        if isinstance(section, dict):
            return section
    return None


def _named(config: dict[str, object], file: str) -> dict[str, object]:
    """Return a configuration with the method that the name of its file implies."""
    method = _METHODS.get(file)
    if method is None or isinstance(config.get("quant_method"), str):
        return config
    return {**config, "quant_method": method}


def _content(path: Path) -> bytes | None:
    try:
        file = look_at(path)
        size = file.identity.size
        if size > MAX_JSON:
            return None
        with FileSpan(str(path), 0, size, file.identity).open() as read:
            return bytes(read(0, size))
    except LoadError:
        return None
