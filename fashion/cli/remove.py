"""`fashion remove`: items leave a catalogue with a report at once."""

from __future__ import annotations

import argparse

from fashion.cli.options import folders, parent

TITLE = "remove items from a catalogue with a report"

TEXT = """Take items out of a catalogue with a report: recommendations, searches, the shop and exports no longer
show them. The report itself is left as it was made; its next run reads the table, so take them out of that, too."""

EXAMPLES = "  fashion remove -c my-shop.toml 34045703RTF 34146363APF"

PARENTS = (parent("catalogue"), folders())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the argument of `fashion remove`: the items."""
    parser.add_argument("items", nargs="+", metavar="ITEM", help="an item's name, or its photo's file name")


def run(arguments: argparse.Namespace) -> None:
    """Remove the items, and print a summary."""
    from fashion.cli.sync import changing, write_summary
    from fashion.recommendation.sync_items import remove

    with changing(arguments, photos=False) as (workspace, catalogue):
        removed = remove(workspace, catalogue, arguments.items)
        since = write_summary(workspace, removed)
    print("\n".join([f"{catalogue.title}: {len(removed.went)} removed: {', '.join(removed.went)}", *since]))
