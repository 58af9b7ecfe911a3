"""What made a result: code, versions, parameters, inputs, machine."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from fashion.paths import project_root


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


#: The one key of results/*.json that may differ between runs: seconds and photos a second.
TIMING = "timing"


def without_timing(content: Any) -> Any:
    """A JSON value without what the key `timing` holds, at any depth."""
    if isinstance(content, dict):
        return {key: without_timing(value) for key, value in content.items() if key != TIMING}
    if isinstance(content, list):
        return [without_timing(value) for value in content]
    return content


def sha256_output(path: Path) -> str:
    """Hex SHA-256 of a file that a notebook left, the same whenever the same notebook ran on the same inputs.

    Of results/*.json it is that of the numbers, without timings, which no two runs share.
    """
    if path.suffix == ".json" and path.parent.name == "results":
        try:
            return sha256_json(without_timing(json.loads(path.read_text(encoding="utf-8"))))
        except ValueError:  # damaged: it has the checksum of its bytes, which is that of no whole file
            pass
    return sha256_file(path)


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_json(content: Any) -> str:
    """Hex SHA-256 of a JSON-able value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def fingerprint(path: Path) -> str:
    """Say whether a file or folder changed without reading it: names, sizes and times of change, hashed."""
    if path.is_file():
        files = [path]
    else:
        files = sorted(Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    marks = []
    for file in files:
        stat = file.lstat()  # a broken link is a file like any other here; reading it says what is wrong
        marks.append((file.relative_to(path).as_posix(), stat.st_size, stat.st_mtime_ns))
    return sha256_json(marks)


def _package_imports(code: str) -> set[str]:
    """Modules of `fashion` that a piece of Python imports anywhere, as bare names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module == "fashion":
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fashion."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            found.update(a.name.split(".")[1] for a in node.names if a.name.startswith("fashion."))
    return found


@cache
def _module_code(name: str) -> str | None:
    path = Path(__file__).parent / f"{name}.py"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def code_closure(code: str) -> list[str]:
    """Modules of the package that `code` needs, directly or through others, sorted."""
    needed: set[str] = set()
    waiting = _package_imports(code)
    while waiting:
        name = waiting.pop()
        text = _module_code(name)
        if text is None or name in needed:
            continue
        needed.add(name)
        waiting |= _package_imports(text)
    return sorted(needed)


@cache
def meaning(code: str) -> str:
    """Python without what does not change what it does: comments, docstrings, line breaks."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            # also the text below a constant or a field, which is its docstring
            node.body = [
                line for line in node.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            ]
    return ast.dump(tree)


def code_of(modules: Iterable[str]) -> str:
    """One checksum of what modules of the package do, and of the templates that they fill."""
    found = {name: sha256_bytes(meaning(_module_code(name) or "").encode()) for name in modules}
    if {"interactive", "page"} & set(found):
        folder = Path(__file__).parent / "templates"
        found |= {p.relative_to(folder).as_posix(): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    return sha256_json(found)


def code_checksum(notebook: Path) -> str:
    """One checksum of a notebook's cells and of every module of the package that they need."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    # Shell and magic lines are no Python; they are hashed with the cells but not parsed.
    code = "\n".join(re.sub(r"^\s*[%!].*$", "", text, flags=re.MULTILINE) for kind, text in sources if kind == "code")
    return sha256_json([sources, code_of(code_closure(code))])


def direct_dependencies() -> list[str]:
    """Names of the packages that pyproject.toml asks for, without the development ones."""
    project = tomllib.loads((project_root() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[<>=!~ ;\[]", line, maxsplit=1)[0] for line in project["dependencies"]]


def versions(packages: Iterable[str] | None = None) -> dict[str, str]:
    """Version of Python and of each package; "absent" for one that is not installed."""
    found = {"python": platform.python_version()}
    for package in packages if packages is not None else direct_dependencies():
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def commit() -> str:
    """The project's commit, with "+ changes" when the work tree differs; "unknown" outside a checkout."""
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=project_root(), capture_output=True, encoding="utf-8", check=True
        ).stdout.strip()
        # What a report renews itself does not make the code another one.
        status = subprocess.run(
            ["git", "status", "--porcelain", "--", ".", ":!README.md", ":!Images"],
            cwd=project_root(), capture_output=True, encoding="utf-8", check=True,
        ).stdout  # fmt: skip
    except (OSError, ValueError, subprocess.CalledProcessError):
        return "unknown"
    return head + (" + changes" if status.strip() else "")


def machine() -> dict[str, Any]:
    """Processor, cores, memory and system."""
    model = platform.processor() or platform.machine()
    memory = 0
    cpuinfo, meminfo = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if cpuinfo.is_file():
        match = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text(encoding="utf-8", errors="replace"))
        model = match.group(1) if match else model
    if meminfo.is_file():
        match = re.search(r"MemTotal:\s*(\d+) kB", meminfo.read_text(encoding="utf-8", errors="replace"))
        memory = int(match.group(1)) * 1024 if match else 0
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "system": platform.platform(),
    }
