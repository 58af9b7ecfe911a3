"""`fashion add`: new items beside a catalogue with a report, without embedding the others again or retraining."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fashion.cli.options import folders, parent

if TYPE_CHECKING:
    from fashion.recommendation.add_items import Added

TITLE = "add new items to a catalogue with a report"

TEXT = """Add the new items of a folder, zip or tar to a catalogue with a report. Only their photos are embedded, and
nothing is trained again; rows without a colour get the colour word nearest to their photo. Rows and photos that the
catalogue already has are skipped, so a second run changes nothing."""

EXAMPLES = """  fashion add -c imagelab --data new-arrivals.zip
  fashion add -c my-shop.toml --data autumn/"""

PARENTS = (parent("catalogue", "keep_unknown", "weights"), folders())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options specific to `fashion add`."""
    parser.add_argument(
        "--data", metavar="PATH", required=True, help="folder, zip or tar of the new items, in the catalogue's layout"
    )


def run(arguments: argparse.Namespace) -> None:
    """Add the items, and print a summary."""
    from fashion.cli.sync import changing, write_summary
    from fashion.recommendation.add_items import add

    with changing(arguments) as (workspace, catalogue):
        added = add(
            workspace, catalogue, arguments.data, weights=arguments.weights, keep_unknown=arguments.keep_unknown
        )
        since = write_summary(workspace)
    print("\n".join([*summary(added, catalogue.title), *since]))


def summary(added: Added, title: str) -> list[str]:
    """The lines of a summary: what was added, what was skipped, and which words are new."""
    count = 0 if added.change is None else len(added.change.items)
    lines = [f"{title}: {count} of {added.read} rows added in {added.seconds:.1f} s"]
    if added.change is not None:
        lines[0] += f" ({added.embedded} photos embedded, {added.reused} vectors from the store)"
    for reason, group in added.rejected.groupby("reason", sort=False):
        first = group.iloc[0]
        lines.append(f"  skipped    {len(group)} × {reason}, first: row {first['row']}, {first['item']}")
    for column, words in added.untaught.items():
        for word, items in words.items():
            lines.append(
                f"  new word   {column} {word!r}, {items} item{'s' if items > 1 else ''}: kept, and found by filter; "
                "the network learns it at the next report with these items"
            )
    if added.change is not None:
        lines.append(f"  kept in    {added.change.folder}")
    return lines
