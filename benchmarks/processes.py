"""Each part of the benchmarks in a process of its own, and what they share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

#: Settings of the environment that slow NumPy's matrix products on some machines; none of ours.
SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def environment() -> dict[str, str]:
    """This process's environment without the settings that slow NumPy."""
    return {name: value for name, value in os.environ.items() if name not in SLOWING}


def command_of(part: str, options: dict[str, Any]) -> list[str]:
    """The command that runs a part in a process of its own."""
    return [sys.executable, "-m", "benchmarks.part", part, json.dumps(options)]


def spawn(part: str, options: dict[str, Any], out: Path) -> int:
    """Run a part in a fresh process, without settings that slow NumPy; its JSON goes to `out`."""
    return subprocess.run(command_of(part, options | {"out": str(out)}), env=environment(), check=False).returncode


def child(part: str, *given: Any) -> dict[str, Any]:
    """Run a piece of a part in a fresh process, which has its own memory; return its results."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        if spawn(part, {"given": given}, out):
            raise RuntimeError(f"the benchmark's child process {part} {given} failed; its message stands above")
        results: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return results


def report_of(options: dict[str, Any]) -> tuple[Any, Any]:
    """The workspace and the source of the catalogue that the benchmarks were given."""
    from fashion.catalogue.addresses import Downloads, downloads_folder
    from fashion.catalogue.identity import open_workspace
    from fashion.catalogue.source import open_source
    from fashion.catalogue.unpacked import unpacked_folder

    work = open_workspace(options["catalogue"], options.get("processed"), options.get("reports"))
    record = work.json("source")
    kept = unpacked_folder(work.processed_root)
    downloads = Downloads(downloads_folder(work.catalogue))
    return work, open_source(Path(options["data"] or record["data"]), record["table"], kept, downloads)


def vectors_of(options: dict[str, Any], name: str) -> tuple[NDArray | None, str]:
    """A report's vectors, and which report and vectors they are; None and an empty text where there is no report."""
    from fashion.core.errors import FashionError

    try:
        work, _ = report_of(options)
        return work.vectors(name), f"{work.json('source')['title']}, {name}"
    except FashionError:
        return None, ""
