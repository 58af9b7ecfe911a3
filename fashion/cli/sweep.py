"""`fashion sweep`: a report for each combination of backbones, sizes and seeds, then their comparison."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from fashion.cli import deck
from fashion.cli.options import folders, parent, read_settings
from fashion.core.bounds import COUNTS, SEEDS, whole
from fashion.embedding.encoder_files import several
from fashion.report.steps import Settings
from fashion.report.sweep import SWEPT, runs_of

TITLE = "report on each combination of backbones, sizes and seeds, and compare them"

TEXT = """\
Report on each combination of the values of --backbone, --size and --seed, each a run of its own (runs/<its values>),
then compare all with the first. Photos are read once, and embedded once for each network and size; a sweep that was
stopped resumes where it was."""

EXAMPLES = """\
  fashion sweep --backbone efficientnet-lite0,models/fashion-siglip
  fashion sweep -c imagelab --limit 2000 --backbone efficientnet-lite0,efficientnet-lite1 --size 160,224"""


OTHERS = [setting.name for setting in fields(Settings) if setting.name not in SWEPT]

PARENTS = (parent(*OTHERS), folders(run=False))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that take several values."""
    swept = parser.add_argument_group("swept options: values separated by commas; at least one option needs several")
    network = "frozen network, as of `fashion report`"
    swept.add_argument("--backbone", type=several, default=[], metavar="NAME|PATH,...", help=network)
    size = "input resolution of the network in pixels"
    swept.add_argument("--size", type=_values(whole(COUNTS)), default=[], metavar="PX,...", help=size)
    swept.add_argument("--seed", type=_values(whole(SEEDS)), default=[], metavar="N,...", help="random seed")


def _values(read: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def values(text: str) -> list[Any]:
        return [read(one.strip()) for one in text.split(",") if one.strip()]

    return values


def run(arguments: argparse.Namespace) -> None:
    """Make the report of each combination, and compare them."""
    from fashion.catalogue.definition import load_catalogue
    from fashion.core.console import announce
    from fashion.core.workspace import Workspace
    from fashion.report.build import build_report
    from fashion.report.comparison import open_compared, write_comparison
    from fashion.report.runs import place_of_run, share_stores

    values = {name: getattr(arguments, name) for name in SWEPT}
    usual = argparse.Namespace(**vars(arguments) | {name: getattr(Settings, name) for name in SWEPT})
    runs = runs_of(read_settings(usual), values)
    catalogue = load_catalogue(arguments.catalogue).name
    for number, (name, settings) in enumerate(runs.items(), start=1):
        announce(f"run {number} of {len(runs)}: {name}")
        processed, reports = place_of_run(name, arguments.processed, arguments.reports)
        share_stores(processed)
        build_report(settings, processed=processed, reports=reports, companion=deck.accompany)
    compared = [open_compared(f"{name}/{catalogue}", arguments.processed, arguments.reports) for name in runs]
    root = Workspace("any", arguments.processed, arguments.reports).report.parent
    print(write_comparison(compared, root / "compare" / f"sweep-{catalogue}"))
