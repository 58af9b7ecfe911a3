"""One part of the benchmarks in a process of its own: `python -m benchmarks PART OPTIONS`, options as JSON."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.processes import child


def _memory(options: dict[str, Any]) -> dict[str, Any]:
    counts = (500, 1_000) if options["quick"] else (2_000, 20_000)
    return {"runs": [child("memory-of", count) for count in counts]}


def main() -> int:
    """Run the part that the command line names."""
    from fashion.core.console import replace_unknown
    from fashion.core.errors import FashionError
    from fashion.core.files import write_json

    replace_unknown()
    part, options = sys.argv[1], json.loads(sys.argv[2])
    out = Path(options.pop("out"))
    try:
        results = _measure(part, options)
    except FashionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    write_json(out, results)
    return 0


def _measure(part: str, options: dict[str, Any]) -> dict[str, Any]:
    """Results of a part or of a piece of one: by default of `run` in the module of this name."""
    if part == "memory-of":
        from benchmarks import embedding

        return embedding.memory(*options["given"])
    if part == "single":
        from benchmarks import neighbours

        count = options["given"][0]
        return neighbours.single(count, 256, 1_000)
    if part == "report-until":
        from benchmarks import shop

        return shop.until(*options["given"])
    if part == "memory":
        return _memory(options)
    results: dict[str, Any] = importlib.import_module(f"benchmarks.{part}").run(options)
    return results


if __name__ == "__main__":
    sys.exit(main())
