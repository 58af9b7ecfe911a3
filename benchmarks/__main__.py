"""`python -m benchmarks`: measures the project against its peers and the machine, and writes reports/bench."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from fashion.core.bounds import positive

PARTS = ("embedding", "memory", "curve", "neighbours", "tsne", "run", "shop", "load")

#: Parts that run only when they are named: each takes many minutes more.
NAMED_ONLY = ("run", "shop", "load")

TITLE = "measure speed against peers and the machine"

TEXT = """\
Measure this project against its peers and the machine, side by side in one run: embedding, its memory, quality against
cost, neighbours, the map, the whole run, a shop's export from file to report, and the shop window under load. Each part
runs in its own process and is written when it is done, so --missing resumes a stopped run; the part run keeps each
report as soon as it is made. The part load writes its results, then exits with an error if an answer failed or memory
grew by more than a tenth (not with --quick)."""

EXAMPLES = """  python -m benchmarks -c imagelab
  python -m benchmarks --only neighbours,tsne
  python -m benchmarks --only load --minutes 2"""


def build_parser() -> argparse.ArgumentParser:
    """The options of `python -m benchmarks`."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=TEXT, epilog=f"examples:\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--catalogue", "-c", default="sample", metavar="C", help="with a report (default: sample)")
    parser.add_argument("--data", metavar="PATH", help="the catalogue's folder, zip or tar, where it has moved")
    parts = f"parts to measure, of {', '.join(PARTS)} (default: all but {', '.join(NAMED_ONLY)})"
    parser.add_argument("--only", metavar="A,B", help=parts)
    parser.add_argument(
        "--sizes",
        metavar="A,B",
        help="of run: sample, numbers of items, all (default: sample,1000,5000,20000,all); of shop: products "
        "(default: 10000)",
    )
    parser.add_argument("--missing", action="store_true", help="only what has not been measured yet")
    parser.add_argument("--minutes", type=positive, metavar="N", help="of mixed load, in the part load (default: 10)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to prove that all of it runs")
    parser.add_argument("--processed", type=Path, metavar="DIR", help="artefacts (default: data/processed)")
    parser.add_argument("--reports", type=Path, metavar="DIR", help="reports (default: reports)")
    return parser


def run(arguments: argparse.Namespace) -> None:
    """Measure and write."""
    from benchmarks import harness, load, page
    from benchmarks.processes import spawn
    from fashion.catalogue.identity import open_workspace
    from fashion.core.errors import FashionError
    from fashion.core.paths import project_root

    names = arguments.only.split(",") if arguments.only else [name for name in PARTS if name not in NAMED_ONLY]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise FashionError(
            f"expected only the parts {', '.join(PARTS)}; found {', '.join(unknown)}. Correct --only (make: ONLY)."
        )
    open_workspace(arguments.catalogue, arguments.processed, arguments.reports)
    reports = arguments.reports or project_root() / "reports"
    folder = reports / "bench"
    options = {
        "quick": arguments.quick, "missing": arguments.missing, "sizes": arguments.sizes,
        "catalogue": arguments.catalogue, "data": arguments.data,
        "processed": str(arguments.processed) if arguments.processed else None, "reports": str(reports),
        "minutes": arguments.minutes,
    }  # fmt: skip
    failed: list[str] = []
    wrong: list[str] = []
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
            results = json.loads(out.read_text(encoding="utf-8"))
            harness.write(folder, name, results | {"quick": arguments.quick})
            wrong += load.faults(results) if name == "load" and not arguments.quick else []
    page.write(folder)
    harness.say(f"{folder / 'README.md'}")
    if failed:
        raise FashionError(
            f"expected every part to end; found that {', '.join(failed)} did not. See the message above."
        )
    if wrong:
        raise FashionError(
            "expected a shop window without errors under load; found\n  "
            + "\n  ".join(wrong)
            + f"\nWhat was measured stands in {folder / 'load.json'}. Look at what the shop window said, above."
        )


def main(arguments: list[str] | None = None) -> int:
    """Measure; returns 1 after an error, which says what to do."""
    from fashion.core.errors import FashionError

    try:
        run(build_parser().parse_args(arguments))
    except FashionError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
