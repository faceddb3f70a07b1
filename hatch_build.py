"""Link the packages under ``.dev/tensorpeek`` for editable installs, and compile the kernels."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ("analysis", "loaders", "tui")

KERNELS = Path("analysis", "compiled")

FLAGS = ("-std=gnu99", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-Wno-psabi")

SAME_BITS = ("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
"""No product is fused with a sum, so that results do not depend on the processor."""

CLONES = '"default","arch=x86-64-v3","arch=x86-64-v4"'
"""Processors for which functions are compiled anew; the best one is chosen on loading."""

WARNING = "the kernels were not compiled, NumPy does their work, several times slower"


class TensorpeekBuild(BuildHookInterface):  # type: ignore[type-arg]
    """Make links in editable builds; put the compiled kernels into every build if possible."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepare one build. Without a compiler it goes on with a warning, and NumPy."""
        root = Path(self.root)
        if version == "editable":
            link_packages(root)
            library = root / KERNELS / "kernels.so"
            library.unlink(missing_ok=True)
            self._compile(root, library)
            return
        self._folder = tempfile.mkdtemp(prefix="tensorpeek-")
        library = Path(self._folder, "kernels.so")
        if self._compile(root, library):
            build_data["force_include"][str(library)] = f"{KERNELS.as_posix()}/kernels.so"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform_tag()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was compiled for a wheel."""
        if version != "editable":
            shutil.rmtree(self._folder, ignore_errors=True)

    def _compile(self, root: Path, library: Path) -> bool:
        reason = compile_kernels(root / KERNELS, library)
        if reason is not None:
            self.app.display_warning(f"{WARNING}: {reason}")
        return reason is None


def link_packages(root: Path) -> None:
    """Create the links that ``dev-mode-dirs`` puts on the import path."""
    folder = root / ".dev" / "tensorpeek"
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        link = folder / package
        if not link.is_symlink():
            link.symlink_to(Path("..", "..", package), target_is_directory=True)


def compile_kernels(folder: Path, library: Path) -> str | None:
    """Compile the sources in ``folder`` to ``library``; return why that failed, None if it did not.

    The compiler is ``CC``, else the first of ``cc``, ``gcc`` and ``clang`` that there is. Where it
    can, one library serves several generations of processors. It appears whole or not at all.
    """
    named = os.environ.get("CC")
    found = (shutil.which(name) for name in ("cc", "gcc", "clang"))
    compiler = shlex.split(named) if named else [next(filter(None, found), "")]
    if not compiler or not shutil.which(compiler[0]):
        return "there is no C compiler"
    unfinished = library.with_name(f"{library.name}.{os.getpid()}")
    version = f"-DTENSORPEEK_VERSION={version_of(folder)}u"
    ends = [version, str(folder / "kernels.c"), "-o", str(unfinished), "-lm"]
    messages: list[str] = []
    for clones in ([f"-DTENSORPEEK_CLONES={CLONES}"], []):
        command = [*compiler, *FLAGS, *SAME_BITS, *clones, *ends]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")  # noqa: PLW1510, S603
        if done.returncode == 0:
            unfinished.replace(library)
            return None
        unfinished.unlink(missing_ok=True)
        messages = done.stderr.splitlines()
    return next((line for line in messages if "error" in line), "the compiler failed")


def version_of(folder: Path) -> int:
    """Return a checksum of the sources, as ``library.py`` takes it: a stale library has another."""
    version = 0
    for source in sorted([*folder.glob("*.c"), *folder.glob("*.inc")]):
        version = zlib.crc32(source.read_bytes(), version)
    return version


def platform_tag() -> str:
    """Return the tag of machines that run what was just compiled here."""
    if sys.platform == "darwin":
        release = platform.mac_ver()[0].split(".")
        # From macOS 11 on tags count whole releases.
        release = [release[0], "0"] if int(release[0]) > 10 else release[:2]
        return f"macosx_{'_'.join(release)}_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
