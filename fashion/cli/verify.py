"""The command `fashion verify`: runs the report twice and compares."""

from __future__ import annotations

import argparse

from fashion.cli.options import parent, read_settings

TITLE = "run the report twice and compare"

TEXT = """\
Run the report twice in fresh folders; numbers and figures must be equal, bit for bit."""

EXAMPLES = """\
  fashion verify --limit 600"""

PARENTS = (parent(),)


def run(arguments: argparse.Namespace) -> None:
    """Report twice, and compare."""
    from fashion.report.verify import verify

    verify(read_settings(arguments))
