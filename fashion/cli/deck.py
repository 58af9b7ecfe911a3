"""The command `fashion deck`: a report's business case as slides."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fashion.cli.options import folders, parent
from fashion.core.console import announce

if TYPE_CHECKING:
    from fashion.core.workspace import Workspace


TITLE = "write the business case as slides"

TEXT = """\
Write reports/<catalogue>/deck.pptx: the business case with the report's figures, editable charts and a value model
whose inputs are in data/value-model.toml."""

EXAMPLES = "  fashion deck -c sample\n  fashion deck -c imagelab --value-model my-shop.toml"

PARENTS = (parent("catalogue"), folders())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fashion deck`."""
    parser.add_argument(
        "--value-model", type=Path, metavar="FILE", help="inputs of the value model (default: data/value-model.toml)"
    )


def accompany(workspace: Workspace) -> None:
    """Write the slides with a report, by the project's own value model; without a trained network, say why not."""
    from fashion.report.deck.build import build_deck

    if why := workspace.json("attributes").get("untrained", ""):
        (workspace.report / "deck.pptx").unlink(missing_ok=True)
        announce(f"{why} Recommendations follow looks and measured colour; slides are not written.")
        return
    print(build_deck(workspace), flush=True)


def run(arguments: argparse.Namespace) -> None:
    """Write the slides."""
    from fashion.catalogue.identity import open_workspace
    from fashion.report.deck.build import build_deck
    from fashion.report.integrity import ANSWERS, require_intact

    workspace = open_workspace(arguments.catalogue, arguments.processed, arguments.reports)
    read = [workspace.path(name) for name in (*ANSWERS, "described.npy")]
    require_intact(workspace, [*read, *(workspace.report / "results").glob("*.json")])
    print(build_deck(workspace, arguments.value_model))
