"""The command `fashion bench`: measures, and writes reports/bench."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

PARTS = ("embedding", "memory", "curve", "neighbours", "tsne", "run")

TITLE = "measure speed against peers and the machine"
TEXT = """\
Measure this project against its peers and the machine, side by side in one run: embedding, its memory, quality against
cost, neighbours, the map, and the whole run. Each part runs in a process of its own and is written when it is done, so
a run that was stopped goes on with --missing; of the part run, each report is kept as soon as it is there."""

EXAMPLES = "  fashion bench -c imagelab\n  fashion bench --only neighbours,tsne -c imagelab"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `fashion bench`."""
    parser.add_argument("--catalogue", "-c", default="sample", metavar="C", help="with a report (default: sample)")
    parser.add_argument("--data", metavar="PATH", help="the catalogue's zip or folder, where it has moved")
    parser.add_argument("--only", metavar="A,B", help=f"parts to measure, of {', '.join(PARTS)} (default: all but run)")
    parser.add_argument(
        "--sizes",
        metavar="A,B",
        help="of part run: sample, numbers of items, all (default: sample,1000,5000,20000,all)",
    )
    parser.add_argument("--missing", action="store_true", help="only what has not been measured yet")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to prove that all of it runs")


def run(arguments: argparse.Namespace) -> None:
    """Measure and write."""
    from fashion.bench import harness, page
    from fashion.bench.__main__ import spawn
    from fashion.errors import FashionError
    from fashion.paths import project_root

    names = arguments.only.split(",") if arguments.only else list(PARTS[:-1])
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise FashionError(
            f"expected parts of {', '.join(PARTS)}; found {', '.join(unknown)}. Mend --only (make: ONLY)"
        )
    reports = arguments.reports or project_root() / "reports"
    folder = reports / "bench"
    options = {
        "quick": arguments.quick, "missing": arguments.missing, "sizes": arguments.sizes,
        "catalogue": arguments.catalogue, "data": arguments.data,
        "processed": str(arguments.processed) if arguments.processed else None, "reports": str(reports),
    }  # fmt: skip
    failed = []
    for name in names:
        if arguments.missing and name != "run" and harness.read(folder, name):  # run looks at each report by itself
            harness.say(f"[{name}] measured before")
            continue
        harness.say(f"[{name}]")
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / "found.json"
            if spawn(name, options, out):
                failed.append(name)
                continue
            harness.write(folder, name, json.loads(out.read_text(encoding="utf-8")) | {"quick": arguments.quick})
    page.write(folder)
    harness.say(f"{folder / 'README.md'}")
    if failed:
        raise FashionError(f"expected every part to end; {', '.join(failed)} did not: the message stands above")
