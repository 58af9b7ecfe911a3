"""`fashion compare`: two or more reports side by side."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from fashion.cli.options import folders

TITLE = "compare two or more reports, side by side"

TEXT = """Compare reports with the first one named: Precision@k of four methods with paired intervals on the queries
that all have held out, what differs in parameters and provenance, and figures beside each other, as index.html,
comparison.md and comparison.json."""

EXAMPLES = """  fashion compare lite/sample siglip/sample
  fashion compare sample seed1/sample seed2/sample --to seeds"""

PARENTS = (folders(run=False),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options specific to `fashion compare`."""
    parser.add_argument("compared", metavar="REPORT", nargs="+", help="a report, as CATALOGUE or RUN/CATALOGUE")
    parser.add_argument("--to", type=Path, metavar="DIR", help="folder of the pages (default: reports/compare/<names>)")


def run(arguments: argparse.Namespace) -> None:
    """Compare, and say where the page is."""
    from fashion.core.workspace import Workspace
    from fashion.report.comparison import open_compared, write_comparison

    reports = [open_compared(name, arguments.processed, arguments.reports) for name in arguments.compared]
    names = "_".join(re.sub(r"[^\w.-]+", "-", name) for name in arguments.compared)
    root = Workspace("any", arguments.processed, arguments.reports).report.parent
    print(write_comparison(reports, arguments.to or root / "compare" / names))
