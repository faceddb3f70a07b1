"""Malicious model files, made from public descriptions of attacks on pickles and zip archives.

Each is harmless if it runs after all: it would only make a file in a temporary folder.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path


def text(value: str) -> bytes:
    """Return the opcodes that push a text."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def call(name: str, *arguments: bytes) -> bytes:
    """Return the opcodes that call ``module name`` with what ``arguments`` push."""
    module, _, function = name.rpartition(" ")
    return f"c{module}\n{function}\n".encode() + b"(" + b"".join(arguments) + b"tR"


WEIGHT = call(
    "torch._utils _rebuild_tensor_v2",
    b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x04tQ",
    b"K\x00(K\x04t(K\x01t\x89",
    b"ccollections\nOrderedDict\n)R",
)


def zip_of(pickle: bytes, *, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip file as torch writes it, with this pickle and one storage."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        archive.writestr("m/data.pkl", pickle)
        archive.writestr("m/data/0", bytes(16))
        archive.writestr("m/version", b"3\n")
    return content.getvalue()


def beside_a_weight(evil: bytes) -> bytes:
    """Return the pickle of a weight and of something evil."""
    return b"\x80\x02}(" + text("w") + WEIGHT + text("evil") + evil + b"u."


def old_stream(saved: bytes) -> bytes:
    """Return what PyTorch wrote before 1.6, without storages."""
    return (
        b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."
        b"\x80\x02}."
        b"\x80\x02" + saved + b".\x80\x02]."
    )


def calls(marker: Path) -> dict[str, bytes]:
    """Return calls that would make the file ``marker``, or load code, by what they call."""
    command, code = text(f"touch {marker}"), text(f"open({str(marker)!r}, 'w')")
    opened = {"builtins.open": call("builtins open", text(str(marker)), text("w"))}
    return (
        opened | _calls_of_the_system(command) | _calls_of_code(code) | _calls_of_loaders(command)
    )


def _calls_of_the_system(command: bytes) -> dict[str, bytes]:
    """Return calls that start programs, change files or reach for the network."""
    address = b"(" + text("127.0.0.1") + b"K\x01t"
    return {
        "os.system": call("os system", command),
        "posix.system": call("posix system", command),
        "nt.system": call("nt system", command),
        "os.popen": call("os popen", command),
        "os.execv": call("os execv", text("/bin/touch"), b"]" + command + b"a"),
        "os.remove": call("os remove", command),
        "subprocess.Popen": call("subprocess Popen", command),
        "subprocess.check_output": call("subprocess check_output", command),
        "sys.setprofile": call("sys setprofile", b"cos\nsystem\n"),
        "socket.create_connection": call("socket create_connection", address),
        "webbrowser.open": call("webbrowser open", text("http://127.0.0.1/")),
        "urllib.request.urlopen": call("urllib.request urlopen", text("http://127.0.0.1/")),
        "pty.spawn": call("pty spawn", command),
        "shutil.rmtree": call("shutil rmtree", command),
    }


def _calls_of_code(code: bytes) -> dict[str, bytes]:
    """Return calls that run a text as Python."""
    return {
        "builtins.eval": call("builtins eval", code),
        "builtins.exec": call("builtins exec", code),
        "__builtin__.execfile": call("__builtin__ execfile", code),
        "builtins.compile": call("builtins compile", code, text("x"), text("exec")),
        "runpy._run_code": call("runpy _run_code", code, b"}"),
        "code.interact": call("code interact"),
        "timeit.timeit": call("timeit timeit", code),
        "pdb.run": call("pdb run", code),
        "numpy.testing.run_string": call("numpy.testing._private.utils exec", code),
    }


def _calls_of_loaders(command: bytes) -> dict[str, bytes]:
    """Return calls that load modules, libraries or other pickles, or lead to a function."""
    return {
        "builtins.__import__": call("builtins __import__", text("marker_module")),
        "builtins.getattr": call("builtins getattr", b"cos\npath\n", text("os")),
        "builtins.map": call("builtins map", b"cos\nsystem\n", b"]" + command + b"a"),
        "runpy.run_path": call("runpy run_path", command),
        "importlib.import_module": call("importlib import_module", text("marker_module")),
        "ctypes.CDLL": call("ctypes CDLL", command),
        "pickle.loads": call("pickle loads", b"B" + struct.pack("<I", 16) + b"cos\nsystem\n(Vx\n."),
        "_pickle.loads": call("_pickle loads", b"C\x10cos\nsystem\n(Vx\n."),
        "marshal.loads": call("marshal loads", b"C\x02ab"),
        "types.FunctionType": call("types FunctionType", b"}"),
        "operator.attrgetter": call("operator attrgetter", text("system")),
        "functools.reduce": call("functools reduce", b"cos\nsystem\n", b"]" + command + b"a"),
        "torch.hub.load": call("torch.hub load", text("evil/repository"), text("model")),
        "torch.load": call("torch load", command),
        "torch.serialization.load": call("torch.serialization load", command),
        "torch.jit.load": call("torch.jit load", command),
        "torch.ops.load_library": call("torch.ops load_library", command),
        "torch.utils.cpp_extension": call("torch.utils.cpp_extension load", command),
        "torch.storage._load_from_bytes": call(
            "torch.storage _load_from_bytes", _bytes(old_stream(call("os system", command)))
        ),
        "collections.abc.sys.modules": b"\x8c\x0fcollections.abc\x8c\x0bsys.modules\x93)R",
    }


def _bytes(content: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(content)) + content


def opcodes(marker: Path) -> dict[str, bytes]:
    """Return ways to bring a call about other than GLOBAL and REDUCE."""
    run = text(f"touch {marker}")
    return {
        "INST": b"(" + run + b"ios\nsystem\n",
        "OBJ": b"(cos\nsystem\n" + run + b"o",
        "NEWOBJ": b"cos\nsystem\n(" + run + b"t\x81",
        "NEWOBJ_EX": b"cos\nsystem\n(" + run + b"t}\x92",
        "STACK_GLOBAL": b"\x8c\x02os\x8c\x06system\x93(" + run + b"tR",
        "STACK_GLOBAL of memoized texts": b"\x8c\x02osq\x010\x8c\x06systemq\x020h\x01h\x02\x93"
         b"(" + run + b"tR",
        "BUILD with __setstate__": b"ca\nb\n)\x81}X\x0c\x00\x00\x00__setstate__cos\nsystem\nsb"
        + run + b"b",
        "BUILD with __dict__": b"ca\nb\n)\x81(}X\x08\x00\x00\x00__dict__cos\nsystem\ns}tb",
        "BUILD of a class": b"ca\nb\n}X\x06\x00\x00\x00__eq__cos\nsystem\nsb",
        "a persistent id": b"(" + text("storage") + b"cos\nsystem\n" + text("0") + b"tQ",
        "a storage type": WEIGHT.replace(b"ctorch\nFloatStorage", b"cos\nsystem"),
        "a tensor type": call(
            "torch._utils _rebuild_from_type_v2", b"cos\nsystem\n", b"N", b"(" + run + b"t"
        ),
        "a dictionary key": b"}" + call("os system", run) + b"K\x01s",
        "a hidden call": call("os system", run) + b"0N",
        "a call of a call": call("builtins getattr", b"cos\nsystem\n", text("__call__"))
        + b"(" + run + b"tR",
    }  # fmt: skip


def confusions() -> dict[str, bytes]:
    """Return pickles that break the rules of their language, or of what they describe."""
    return {
        "EXT1": b"\x82\x07)R",
        "EXT2": b"\x83\x07\x01)R",
        "EXT4": b"\x84\x07\x01\x00\x00)R",
        "a memo that was never put": b"h\x55",
        "a global of numbers": b"K\x01K\x02\x93",
        "a call of a number": b"K\x01)R",
        "a call with a number": b"cos\nsystem\nK\x01R",
        "items of a number": b"K\x01(K\x02K\x03u",
        "a tensor of texts": call("torch._utils _rebuild_tensor_v2", *[text("x")] * 6),
        "a tensor of nothing": call("torch._utils _rebuild_tensor_v2"),
        "a tensor of itself": b"ctorch._utils\n_rebuild_parameter\n](h\x09q\x09e\x85R",
        "a parameter in a list in itself": b"]q\x09ctorch._utils\n_rebuild_parameter\n(h\x09tRa",
        "an object in itself": b"ca\nb\n)\x81q\x09}X\x01\x00\x00\x00xh\x09sbh\x09h\x09b",
        "a long integer": b"\x8b\xff\xff\xff\x7f",
        "an integer of 100,000 digits": b"I" + b"9" * 100_000 + b"\n",
        "a text of an exabyte": b"\x8d" + struct.pack("<Q", 1 << 60),
        "bytes of an exabyte": b"\x8e" + struct.pack("<Q", 1 << 60),
        "a bytearray of an exabyte": b"\x96" + struct.pack("<Q", 1 << 60),
        "a negative length": b"T\xff\xff\xff\xff",
        "a frame of an exabyte": b"\x95" + struct.pack("<Q", 1 << 60),
        "an unknown opcode": b"\xff",
        "an unknown protocol": b"\x80\x63",
        "a shape of 2^62 squared": WEIGHT.replace(
            b"(K\x04t(K\x01t", b"(" + _huge() + _huge() + b"t(K\x00K\x00t"
        ),
        "a negative stride": WEIGHT.replace(b"(K\x01t", b"(J\xff\xff\xff\xfft"),
        "a storage offset past the end": WEIGHT.replace(b"K\x00(K\x04t", _huge() + b"(K\x04t"),
    }  # fmt: skip


def _huge() -> bytes:
    return b"\x8a\x08" + struct.pack("<q", 1 << 62)


MANY = 5_000_000
LAUGHS = b"".join(
    b"](" + bytes([104, level]) * 10 + b"eq" + bytes([level + 1]) for level in range(60)
)
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
STORAGE = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x04tQ"

BOMBS: dict[str, Callable[[], bytes]] = {
    "5 million lists": lambda: b"]" * MANY,
    "5 million dictionaries": lambda: b"}" * MANY,
    "lists 100,000 deep": lambda: b"]" * 100_000 + b"a" * 99_999,
    "tuples 100,000 deep": lambda: b"N" + b"\x85" * 100_000,
    "states 100,000 deep": lambda: b"ca\nb\n)R" * 100_000 + b"b" * 99_999,
    "arguments 100,000 deep": lambda: b"ca\nb\n" * 100_000 + b")R" + b"\x85R" * 99_999,
    "5 million marks": lambda: b"(" * MANY,
    "empty tuples from marks": lambda: b"(t" * MANY,
    "a million objects": lambda: b"ca\nb\nq\x01" + b"0h\x01)R" * 1_000_000,
    "500,000 states": lambda: b"ca\nb\nq\x01" + b"h\x01)R}b" * 500_000,
    "a million globals": lambda: b"".join(b"ca\n%d\n" % n for n in range(1_000_000)),
    "as many globals as are read": lambda: (
        b"](" + b"".join(b"cos\n%d\n" % n for n in range(16_000)) + b"e"
    ),
    "as many classes as are read": lambda: (
        b"](" + b"".join(b"ca\n%d\n)R" % n for n in range(16_000)) + b"e"
    ),
    "as many objects as are read": lambda: b"](ca\nb\nq\x010" + b"h\x01)R" * 400_000 + b"e",
    "as many states as are read": lambda: b"](ca\nb\nq\x010" + b"h\x01)R}NNsb" * 180_000 + b"e",
    "as many numbers as are read": lambda: b"]q\x01](" + b"N" * 3_000_000 + b"eh\x01\x86",
    "as many pairs as are read": lambda: b"}q\x01(" + text("ab") * 700_000 + b"uh\x01h\x01\x87",
    "as many attributes as are read": lambda: b"ca\nb\n)R}q\x01(" + text("ab") * 700_000 + b"ub",
    "as many keys as are read": lambda: (
        b"ccollections\nOrderedDict\n)R("
        + b"".join(text(str(n)) + b"]" for n in range(300_000))
        + b"u"
    ),
    "memo entries": lambda: b"N" + b"".join(b"r" + struct.pack("<I", n) for n in range(1_000_000)),
    "texts": lambda: text("ab") * 2_000_000,
    "long texts": lambda: text("é" * 2000) * 20_000,
    "floats": lambda: b"Gabcdefgh" * 3_000_000,
    "frames": lambda: (b"\x95" + bytes(8)) * 2_000_000,
    "20 million numbers in lists": lambda: b"]" + (b"(" + b"K\x01" * 10_000 + b"e") * 2_000,
    "long numbers": lambda: (b"\x8b\x00\x04\x00\x00" + b"\xff" * 1024) * 50_000,
    "a billion laughs": lambda: b"](" + WEIGHT + b"eq\x00" + LAUGHS,
    "a billion tuples": lambda: b"K\x01" + b"2\x86" * 100,
    "a wide list in 10,000 places": lambda: (
        b"](" + b"]" * 200_000 + b"eq\x05](" + b"h\x05" * 10_000 + b"e"
    ),
    "200,000 places of one tensor": lambda: WEIGHT + b"q\x05](" + b"h\x05" * 200_000 + b"e",
    "200,000 damaged tensors": lambda: REBUILD + b"q\x05](" + b"h\x05)R" * 200_000 + b"e",
    "30,000 tensors over one storage": lambda: (
        REBUILD
        + b"q\x05"
        + STORAGE
        + b"q\x06]("
        + b"".join(
            b"h\x05(h\x06K\x00(M" + struct.pack("<H", n) + b"K\x00t(K\x00K\x00t\x89NtR"
            for n in range(30_000)
        )
        + b"e"
    ),
    "30,000 streams within": lambda: (
        call("torch.storage _load_from_bytes", _bytes(old_stream(b"N"))) * 30_000
    ),
    "30,000 streams within one long text": lambda: (
        text(old_stream(b"N").decode("latin-1") + "é" * 100_000)
        + b"q\x05](c_codecs\nencode\nh\x05\x85Rq\x06ctorch.storage\n_load_from_bytes\nq\x07"
        + b"h\x07h\x06\x85R" * 30_000
        + b"e"
    ),
    "names of a megabyte": lambda: (
        b"}(" + text("k" * 1_000_000) + b"}(" + (text("a") + WEIGHT) * 50 + b"uu"
    ),
}
"""Pickles that are made to cost time or memory."""


def archives(evil: bytes) -> dict[str, bytes]:
    """Return zip files that lie about their members."""
    good = zip_of(beside_a_weight(evil))
    end = good.rindex(b"PK\x05\x06")
    entry = good.index(b"PK\x01\x02")
    start = good.index(b"PK\x03\x04")

    def changed(at: int, content: bytes) -> bytes:
        return good[:at] + content + good[at + len(content) :]

    zeros = zip_of(beside_a_weight(b"N") + bytes(100_000_000), method=zipfile.ZIP_DEFLATED)
    return {
        "an encrypted member": changed(entry + 8, b"\x01\x00"),
        "a data descriptor": changed(start + 6, b"\x08\x00"),
        "an unknown method": changed(entry + 10, b"\x63\x00"),
        "a member said to be compressed": changed(entry + 10, b"\x08\x00"),
        "another name in the local header": good.replace(b"m/data.pkl", b"m/evil.pkl", 1),
        "a local header elsewhere": changed(entry + 42, struct.pack("<I", 7)),
        "a member past the end": changed(entry + 42, struct.pack("<I", 1 << 30)),
        "a packed size past the end": changed(entry + 20, struct.pack("<I", 1 << 30)),
        "two different sizes": changed(entry + 24, struct.pack("<I", 7)),
        "zip64 sizes that are not there": changed(entry + 20, b"\xff" * 8),
        "a directory that starts elsewhere": changed(end + 16, struct.pack("<I", entry - 5)),
        "a directory of 4 GB": changed(end + 12, struct.pack("<I", 0xFFFFFFFE)),
        "a zip64 record past the end": good[:end]
        + b"PK\x06\x07" + struct.pack("<IQI", 0, 1 << 60, 1)
        + good[end : end + 8] + b"\xff" * 12 + b"\0\0",
        "no directory": good[:entry],
        "a pickle of 100 MB from 100 KB": zeros,
        "a storage of 1 GB from nothing": _storage_bomb(),
        "members that overlap": _overlapping(good),
        "members of the same name": _repeated(evil),
        "names that climb": _named("../../../../tmp/evil", evil),
        "absolute names": _named("/etc/passwd", evil),
        "a name with a null": _named("m/data/0\0.txt", evil),
        "a pickle before the zip": b"\x80\x02" + evil + b"." + good,
    }  # fmt: skip


def _storage_bomb() -> bytes:
    content = io.BytesIO()
    size = WEIGHT.replace(b"(K\x04t", b"(J\x00\x00\x00\x10t")
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", b"\x80\x02}(" + text("w") + size + b"u.")
        archive.writestr("m/data/0", bytes(1 << 22))
    lied = content.getvalue()
    return lied.replace(struct.pack("<I", 1 << 22), struct.pack("<I", 1 << 30))


def _overlapping(good: bytes) -> bytes:
    first = good.index(b"PK\x01\x02")
    second = good.index(b"PK\x01\x02", first + 4)
    return good[: second + 42] + good[first + 42 : first + 46] + good[second + 46 :]


def _repeated(evil: bytes) -> bytes:
    content = io.BytesIO(zip_of(beside_a_weight(b"N")))
    with zipfile.ZipFile(content, "a") as archive:
        archive.fp.seek(0, 2)
        archive.NameToInfo.clear()
        archive.writestr("m/data.pkl", beside_a_weight(evil))
    return content.getvalue()


def _named(name: str, evil: bytes) -> bytes:
    content = io.BytesIO(zip_of(beside_a_weight(evil)))
    with zipfile.ZipFile(content, "a") as archive:
        member = zipfile.ZipInfo("m/x")
        member.filename = name
        archive.writestr(member, b"evil")
    return content.getvalue()
