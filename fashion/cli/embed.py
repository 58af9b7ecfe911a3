"""The command `fashion embed`: the first two steps of a report."""

from __future__ import annotations

import argparse

from fashion.cli import report
from fashion.cli.options import folders, parent

TITLE = "embed a catalogue's photos"

TEXT = """\
Run the first two notebooks only: clean the catalogue and embed each photo with the frozen network. Photos embedded
before, for any catalogue, are not embedded again."""

EXAMPLES = """\
  fashion embed -c imagelab --data imagelab.zip"""

PARENTS = (parent(), folders())


def run(arguments: argparse.Namespace) -> None:
    """Clean and embed."""
    report.run(arguments, until="02")
