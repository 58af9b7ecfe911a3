"""Provenance of a result: versions, commit and machine; and its files' checksums, timings aside."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fashion.core.checksums import sha256_file, sha256_json
from fashion.core.paths import project_root
from fashion.core.workspace import PLACES, WRITTEN_AT

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

    Of results/*.json it is that of the numbers, without timings, which no two runs share; of source.json that of what
    it says but for where things lie, so that a notebook that is run again after a move leaves the report whole.
    """
    places = PLACES.get(path.stem, ()) if path.suffix == ".json" else ()
    try:
        if path.suffix == ".json" and path.parent.name == "results":
            return sha256_json(without_timing(json.loads(path.read_text(encoding="utf-8"))))
        if places:
            content = json.loads(path.read_text(encoding="utf-8"))
            return sha256_json({k: v for k, v in content.items() if k not in (*places, WRITTEN_AT, "catalogue")})
    except (ValueError, AttributeError):  # damaged: it has the checksum of its bytes, which is that of no whole file
        pass
    return sha256_file(path)


def direct_dependencies() -> list[str]:
    """Names of the packages that pyproject.toml asks for, without the development ones."""
    project = tomllib.loads((project_root() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[<>=!~ ;\[]", line, maxsplit=1)[0] for line in project["dependencies"]]


#: Packages that are not needed, but read more photos where they are installed.
OPTIONAL = ("pillow-heif",)


def installed_version(package: str) -> str:
    """Version of a package; empty where it is missing.

    One that was found is remembered, as a process keeps what it has loaded; what is missing is looked for again.
    """
    try:
        return _found(package)
    except PackageNotFoundError:
        return ""


@cache
def _found(package: str) -> str:
    return version(package)


def versions(packages: Iterable[str] | None = None) -> dict[str, str]:
    """Version of Python and of each package, the direct ones and `OPTIONAL` if not given; "absent" where missing."""
    versions = {"python": platform.python_version()}
    for package in packages if packages is not None else (*direct_dependencies(), *OPTIONAL):
        versions[package] = installed_version(package) or "absent"
    return versions


def commit() -> str:
    """The project's commit, with "+ changes" when the work tree differs; "unknown" outside a checkout."""
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=project_root(), capture_output=True, encoding="utf-8", check=True
        ).stdout.strip()
        status = subprocess.run(
            ["git", "status", "--porcelain"], cwd=project_root(), capture_output=True, encoding="utf-8", check=True
        ).stdout
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
