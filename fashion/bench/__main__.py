"""One part of the benchmarks in a process of its own: `python -m fashion.bench PART OPTIONS`, options as JSON."""

from __future__ import annotations

import importlib
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


def spawn(part: str, options: dict[str, Any], out: Path) -> int:
    """Run a part in a fresh process, without settings that slow NumPy; its JSON goes to `out`."""
    clean = {name: value for name, value in os.environ.items() if name not in SLOWING}
    command = [sys.executable, "-m", "fashion.bench", part, json.dumps(options | {"out": str(out)})]
    return subprocess.run(command, env=clean, check=False).returncode


def child(part: str, *given: Any) -> dict[str, Any]:
    """What a piece of a part finds in a fresh process, whose memory is its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        if spawn(part, {"given": given}, out):
            raise RuntimeError(f"the benchmark's child process {part} {given} failed; its message stands above")
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return found


def report_of(options: dict[str, Any]) -> tuple[Any, Any]:
    """The workspace and the source of the catalogue that the benchmarks were given."""
    from fashion.identity import open_workspace
    from fashion.source import open_source

    work = open_workspace(options["catalogue"], options.get("processed"), options.get("reports"))
    facts = work.json("source")
    return work, open_source(Path(options["data"] or facts["data"]), facts["table"])


def vectors_of(options: dict[str, Any], name: str) -> tuple[NDArray | None, str]:
    """An artefact of vectors, and whose it is; None where there is no report."""
    from fashion.errors import FashionError

    try:
        work, _ = report_of(options)
        return work.vectors(name), f"{work.json('source')['title']}, {name}"
    except FashionError:
        return None, ""


def _memory(options: dict[str, Any]) -> dict[str, Any]:
    counts = (500, 1_000) if options["quick"] else (2_000, 20_000)
    return {"runs": [child("memory-of", count) for count in counts]}


def main() -> int:
    """Run the part that the command line names."""
    from fashion.console import replace_unknown
    from fashion.errors import FashionError
    from fashion.workspace import write_json

    replace_unknown()
    part, options = sys.argv[1], json.loads(sys.argv[2])
    out = Path(options.pop("out"))
    try:
        found = _measure(part, options)
    except FashionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    write_json(out, found)
    return 0


def _measure(part: str, options: dict[str, Any]) -> dict[str, Any]:
    """A piece of a part, or a part: a module of this package with a function `run`, if not told otherwise."""
    if part == "memory-of":
        from fashion.bench import embedding

        return embedding.memory(*options["given"])
    if part == "single":
        from fashion.bench import neighbours

        count = options["given"][0]
        return neighbours.single(count, 256, 1_000)
    if part == "memory":
        return _memory(options)
    found: dict[str, Any] = importlib.import_module(f"fashion.bench.{part}").run(options)
    return found


if __name__ == "__main__":
    sys.exit(main())
