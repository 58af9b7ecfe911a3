"""The command `fashion report`: runs the notebooks and writes the report."""

from __future__ import annotations

import argparse

from fashion.cli import deck
from fashion.cli.options import folders, parent, read_settings

TITLE = "run the notebooks and write the report"

TEXT = """\
Run notebooks 01-06 in order and write reports/<catalogue>/index.html with every table and figure. Re-runs skip steps
whose inputs have not changed; an interrupted run resumes where it stopped."""

EXAMPLES = """\
  fashion report
  fashion report -c imagelab --data imagelab.zip --limit 7500
  fashion report -c my-shop.toml --backbone resnet50 --weights resnet50.h5"""

PARENTS = (parent(), folders())


def run(arguments: argparse.Namespace, until: str | None = None) -> None:
    """Report; up to the notebook of number `until`, if given."""
    from fashion.report.build import build_report

    build_report(
        read_settings(arguments), processed=arguments.processed, reports=arguments.reports, until=until,
        companion=deck.accompany,
    )  # fmt: skip
