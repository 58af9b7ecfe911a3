"""The command `fashion doctor`: what is installed, at hand and missing, on one page."""

from __future__ import annotations

import argparse

TITLE = "say what is installed, at hand and missing, and what to do"
TEXT = """\
Look at Python, the packages and the system libraries that they load, weights, catalogues, reports (whole, stale,
running, damaged), programs, disk, memory, folders and the clock. It changes nothing. Ends with 0 when a report on the
catalogue can run, else with 1."""
EXAMPLES = "  fashion doctor\n  fashion doctor -c imagelab --data imagelab.zip\n  fashion doctor --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `fashion doctor`."""
    parser.add_argument("--data", metavar="PATH", help="the catalogue's zip or folder, where it is not in data/raw")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a page")


def run(arguments: argparse.Namespace) -> int:
    """Look and print; 0 when a report can run."""
    from fashion.console import print_json
    from fashion.doctor import as_json, can_run, examine, page
    from fashion.workspace import Workspace

    work = Workspace("any", arguments.processed, arguments.reports)
    findings = examine(work, arguments.catalogue, arguments.data)
    if arguments.json:
        print_json(as_json(findings))
    else:
        print(page(findings))
    return 0 if can_run(findings) else 1
