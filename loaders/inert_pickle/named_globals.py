"""Which of the globals that a pickle names are dangerous, and which are merely foreign."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.imports import Import
from tensorpeek.loaders.inert_pickle.values import Global, Pickle, Record

MAX_LISTED = 40
"""Dangerous globals told one by one; a file that names more is beyond doubt."""

MAX_CLASSES = 6
"""Foreign classes told by name."""

MAX_IMPORTS = 1000
"""Names told of one file."""

LOAD_FROM_BYTES = Global("torch.storage", "_load_from_bytes")
"""How a plain pickle holds a storage: as the bytes of a file within the file."""

_MODULES = frozenset(
    {
        *("os", "posix", "nt", "posixpath", "ntpath", "subprocess", "_posixsubprocess", "sys"),
        *("socket", "_socket", "ssl", "shutil", "pathlib", "io", "_io", "tempfile", "glob"),
        *(
            "importlib",
            "imp",
            "pkgutil",
            "runpy",
            "code",
            "codeop",
            "pty",
            "pdb",
            "bdb",
            "cProfile",
        ),
        *("profile", "timeit", "trace", "doctest", "ctypes", "_ctypes", "cffi", "mmap", "signal"),
        *("pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "copyreg"),
        *("webbrowser", "http", "urllib", "requests", "aiohttp", "httpx", "ftplib", "smtplib"),
        *("telnetlib", "xmlrpc", "socketserver", "asyncio", "multiprocessing", "threading"),
        *("concurrent", "commands", "pip", "venv", "ensurepip", "setuptools", "linecache"),
        *("types", "inspect", "gc", "operator", "functools", "idlelib", "lib2to3", "zipimport"),
        *("sysconfig", "site", "fileinput", "winreg", "platform", "uuid", "test"),
    }
)
_PARTS = frozenset(
    {
        *("os", "sys", "subprocess", "builtins", "__builtin__", "__builtins__", "shutil", "socket"),
        *("ctypes", "importlib", "posix", "nt", "runpy", "pty", "__import__", "__globals__"),
        *("__subclasses__", "__getattribute__", "__reduce__", "__reduce_ex__", "__code__"),
        *("__loader__", "__class__", "__base__", "__mro__", "__dict__", "__init__"),
    }
)
_LAST = frozenset({"eval", "exec", "system", "popen", "Popen", "spawn", "check_output"})
_TORCH = (
    *("torch.hub", "torch.load", "torch.save", "torch.serialization.load", "torch.jit.load"),
    *("torch.serialization.save", "torch.storage._load_from_bytes", "torch.ops.load_library"),
    *("torch.utils.cpp_extension", "torch.utils.bottleneck", "torch.utils.collect_env"),
    *("torch.utils.model_zoo", "torch.classes.load_library", "torch._inductor", "torch.package"),
    *("torch.distributed.rpc", "torch.multiprocessing", "torch._ops.load_library"),
    *("torch.jit.unsupported_tensor_ops", "torch.utils._config_module"),
)
_HARMLESS_BUILTINS = frozenset(
    {
        *("set", "frozenset", "dict", "list", "tuple", "int", "float", "complex", "bool", "bytes"),
        *("bytearray", "str", "object", "slice", "range", "NoneType", "Ellipsis"),
        *("NotImplemented", "long", "unicode", "xrange"),
    }
)
_HARMLESS = frozenset(
    {
        *(Global("functools", name) for name in ("partial",)),
        *(Global("types", name) for name in ("SimpleNamespace",)),
        *(Global("operator", name) for name in ("add", "sub", "mul", "truediv", "getitem")),
        *(Global(module, "_reconstructor") for module in ("copyreg", "copy_reg")),
        *(Global("pathlib", name) for name in ("Path", "PosixPath", "WindowsPath")),
        *(Global("pathlib", name) for name in ("PurePath", "PurePosixPath", "PureWindowsPath")),
        *(Global("uuid", name) for name in ("UUID",)),
    }
)
_BUILTINS = frozenset({"builtins", "__builtin__"})
_OWN_ROOTS = frozenset({*_BUILTINS, "numpy", "__torch__", "collections", "_codecs"})
_OWN_MODULES = frozenset(
    {
        *("torch", "torch._utils", "torch._tensor", "torch.jit._pickle", "torch.serialization"),
        *("torch.nn.parameter", "torch.storage"),
    }
)


def warnings_of(pickle: Pickle, harmless: Collection[Global] = ()) -> list[str]:
    """Return one line for each dangerous global that a pickle names, but for ``harmless`` ones."""
    dangerous = _dangerous(pickle, harmless)
    lines = [
        f"names the global {clean(str(name), 120)} (never executed)"
        for name in dangerous[:MAX_LISTED]
    ]
    if len(dangerous) > MAX_LISTED:
        lines.append(f"names {len(dangerous) - MAX_LISTED:,} more dangerous globals")
    return lines


def imports_of(pickles: Iterable[Pickle], harmless: Collection[Global] = ()) -> tuple[Import, ...]:
    """Return what the pickles name, safe to show, the dangerous first; at most 1000 names."""
    found: dict[str, Import] = {}
    for pickle in pickles:
        dangerous = frozenset(_dangerous(pickle, harmless))
        called = {one.callee for one in pickle.records if isinstance(one.callee, Global)}
        for name in sorted(pickle.globals, key=lambda name: name not in dangerous)[:MAX_IMPORTS]:
            shown = clean(str(name))
            known = found.get(shown)
            one = Import(shown, name in dangerous, name in called)
            if known is None or (one.dangerous, one.called) > (known.dangerous, known.called):
                found[shown] = one
    return tuple(sorted(found.values(), key=lambda one: not one.dangerous)[:MAX_IMPORTS])


def _dangerous(pickle: Pickle, harmless: Collection[Global]) -> list[Global]:
    """Return the dangerous globals; ``getattr`` is none where it only looks up attributes."""
    plain = _BUILTINS if _looks_up_attributes_only(pickle.records) else frozenset()
    return [
        name
        for name in pickle.globals
        if is_dangerous(name)
        and name not in harmless
        and not (name.name == "getattr" and name.module in plain)
    ]


def foreign_classes(pickle: Pickle) -> str:
    """Return the harmless classes whose pickled objects it holds, which were not imported.

    An empty text if there are none; at most a few are named.
    """
    classes = _foreign_classes(pickle.records)
    shown = ", ".join(clean(str(name), 80) for name in classes[:MAX_CLASSES])
    more = len(classes) - MAX_CLASSES
    return f"{shown} and {more:,} more" if more > 0 else shown


def is_dangerous(name: Global) -> bool:
    """Whether calling ``name`` could run a command, read or write files, or load more code."""
    full = str(name)
    root, *parts = full.split(".")
    if name in _HARMLESS:
        return False
    if root in _BUILTINS:
        kind = full.rpartition(".")[2]
        return name.name not in _HARMLESS_BUILTINS and not kind.endswith(("Error", "Exception"))
    if root in _MODULES or not _PARTS.isdisjoint(parts) or parts[-1] in _LAST:
        return True
    return any(full == risky or full.startswith(f"{risky}.") for risky in _TORCH)


def _looks_up_attributes_only(records: tuple[Record, ...]) -> bool:
    """Whether each use of ``getattr`` takes a plain attribute of PyTorch or of a pickled object.

    So do the methods and functions that pickled modules refer to.
    """
    return all(
        _is_plain_look_up(record.arguments)
        for record in records
        if isinstance(record.callee, Global)
        and record.callee.name == "getattr"
        and record.callee.module in _BUILTINS
    )


def _is_plain_look_up(arguments: object) -> bool:
    if not isinstance(arguments, tuple) or len(arguments) != 2:
        return False
    target, name = arguments
    if not isinstance(name, str) or name in _PARTS or name in _LAST or name.startswith("__"):
        return False
    if isinstance(target, Global):
        return target.module.split(".")[0] == "torch" and not is_dangerous(target)
    return isinstance(target, Record)


def _foreign_classes(records: tuple[Record, ...]) -> list[Global]:
    found: dict[Global, None] = {}
    for record in records:
        callee = record.callee
        if isinstance(callee, Global) and callee not in found and not _is_own(callee):
            found[callee] = None
    return [name for name in found if not is_dangerous(name)]


def _is_own(name: Global) -> bool:
    return name.module in _OWN_MODULES or name.module.split(".")[0] in _OWN_ROOTS
