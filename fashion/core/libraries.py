"""System libraries that compiled packages load, such as libGL for OpenCV: which one is missing, and what installs it.

A package index delivers none of them, and minimal servers and container images lack some.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable

from fashion.core.errors import LibraryError

#: Beginning of a library's file name -> the package that has it in Debian and Ubuntu, and in Fedora.
PACKAGES = {
    "libGL.": ("libgl1", "libglvnd-glx"),
    "libglib-2.0.": ("libglib2.0-0", "glib2"),
    "libgthread-2.0.": ("libglib2.0-0", "glib2"),
    "libxcb.": ("libxcb1", "libxcb"),
    "libX11.": ("libx11-6", "libX11"),
    "libXext.": ("libxext6", "libXext"),
    "libXrender.": ("libxrender1", "libXrender"),
    "libSM.": ("libsm6", "libSM"),
    "libICE.": ("libice6", "libICE"),
    "libgomp.": ("libgomp1", "libgomp"),
    "libstdc++.": ("libstdc++6", "libstdc++"),
    "libgcc_s.": ("libgcc-s1", "libgcc"),
    "libgfortran.": ("libgfortran5", "libgfortran"),
    "libquadmath.": ("libquadmath0", "libquadmath"),
    "libtbb.": ("libtbb12", "tbb"),
}

#: What OpenCV's window code loads. The loader names one missing library at a time, and a server that lacks one lacks
#: the others too: all are named at once.
OPENCV = ("libGL.", "libglib-2.0.", "libxcb.")

#: As glibc's loader says it, and musl's.
_MISSING = (
    re.compile(r"\b(lib[\w.+-]+\.so[\d.]*): cannot open shared object file"),
    re.compile(r"shared library (lib[\w.+-]+\.so[\d.]*)\b"),
)

#: Compiled packages that are imported by the check, as that is quick.
IMPORTED = ("numpy", "cv2", "pyarrow", "PIL.Image", "usearch.index")

#: Compiled packages that are slow to import: the loader opens one file of each, without running any Python of theirs.
OPENED = {
    "scipy": "linalg/_fblas*.so",
    "sklearn": "utils/_openmp_helpers*.so",
    "matplotlib": "ft2font*.so",
    "tensorflow": "libtensorflow_cc.so*",
    "openvino": "libs/libopenvino.so*",
}

#: Runs in a process of its own: a package built for another processor ends its process instead of raising.
_CHECK = """
import ctypes, glob, importlib, importlib.util, json, os, sys
imported, opened = json.loads(sys.argv[1])
def say(name, message): print(json.dumps([name, message]), flush=True)
for name in imported:
    say(name, None)
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        pass
    except Exception as error:
        say(name, f"{type(error).__name__}: {error}")
for name, pattern in opened.items():
    say(name, None)
    spec = importlib.util.find_spec(name)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), pattern)))[:1]:
            try:
                ctypes.CDLL(path, mode=os.RTLD_LAZY)
            except OSError as error:
                say(name, f"OSError: {error}")
say("", None)
"""


def missing_library(message: str) -> str:
    """The system library that an error's message says is missing, such as `libGL.so.1`; empty for any other message."""
    match = next(filter(None, (pattern.search(message) for pattern in _MISSING)), None)
    return match[1] if match else ""


def install(libraries: Iterable[str]) -> str:
    """Instructions to install system libraries, as a phrase.

    Examples
    --------
    >>> install(["libgomp.so.1"])
    'apt-get install libgomp1 (Debian, Ubuntu), or dnf install libgomp (Fedora)'
    """
    libraries = list(libraries)
    if any(name.startswith((*OPENCV, "libgthread-2.0.")) for name in libraries):
        libraries = [*(f"{name}so" for name in OPENCV), *libraries]
    known = [next((p for begin, p in PACKAGES.items() if name.startswith(begin)), None) for name in libraries]
    pairs = list(dict.fromkeys(packages for packages in known if packages))
    said = []
    if pairs:
        debian, fedora = (" ".join(dict.fromkeys(names)) for names in zip(*pairs, strict=True))
        said.append(f"apt-get install {debian} (Debian, Ubuntu), or dnf install {fedora} (Fedora)")
    strange = [name for name, packages in zip(libraries, known, strict=True) if packages is None]
    if strange:
        said.append(f"the package of your system that has {', '.join(strange)}")
    return "; and ".join(said)


def in_words(message: str, package: str = "a package") -> str:
    """An error's text, with advice, on the system library that a message says is missing; empty where it names none."""
    name = missing_library(message)
    if not name:
        return ""
    return (
        f"expected the system library {name}, which {package} loads; found none on this machine. Install it: "
        f"{install([name])}. Then run the same command again."
    )


def require(*modules: str) -> None:
    """Import modules, so that a missing system library is reported at once and not in the middle of a run.

    Raises
    ------
    LibraryError
        When a system library is missing; says which, and what installs it.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except (ImportError, OSError) as error:
            said = in_words(str(error), module)
            if not said:
                raise
            raise LibraryError(said) from error


def check(imported: Iterable[str] = IMPORTED) -> dict[str, str]:
    """Compiled package -> why it cannot be loaded, for each that cannot; those that are not installed are left out.

    Every package is tried in another process, in about a second: no network is loaded.
    """
    asked = json.dumps([list(imported), OPENED])
    ended = subprocess.run(
        [sys.executable, "-c", _CHECK, asked], capture_output=True, encoding="utf-8", errors="replace", timeout=300
    )
    reasons: dict[str, str] = {}
    last = ""
    for line in ended.stdout.splitlines():
        try:
            last, message = json.loads(line)
        except ValueError:  # a package that greets
            continue
        if message:
            reasons[last] = message
    if last:  # it did not come to its end
        how = f"signal {-ended.returncode}" if ended.returncode < 0 else f"status {ended.returncode}"
        reasons[last] = f"the process that loaded it ended with {how}"
    return reasons


def main() -> int:
    """Say which system libraries are missing; 1 where one is, as `make env` wants it."""
    problems = check()
    for package, message in problems.items():
        print(in_words(message, package) or f"expected {package} to load; found {message[:500]}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
