"""`fashion sync`: bring a catalogue to its new table, without embedding photos again or retraining."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fashion.cli.options import folders, parent

if TYPE_CHECKING:
    from fashion.catalogue.definition import Catalogue
    from fashion.core.workspace import Workspace
    from fashion.recommendation.sync_items import Synced

TITLE = "bring a catalogue with a report to its new table"

TEXT = """Compare the whole new table of a catalogue with that of its report: new items are added, items missing from
the table are removed (but none while it has malformed rows, which may be theirs), and items with other words, titles,
prices, links or photos are renewed. Only new photos are embedded, and nothing is trained again; an interrupted run
resumes where it stopped, and a second one changes nothing. What changed, and whether retraining is due, is printed
and written to data/processed/<catalogue>/changes.json."""

EXAMPLES = """  fashion sync -c my-shop.toml
  fashion sync -c my-shop.toml --data export-of-today.zip"""

PARENTS = (parent("catalogue", "keep_unknown", "weights"), folders())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options specific to `fashion sync`."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="folder, zip or tar with the new table, in the catalogue's layout (default: the place in its TOML); "
        "photos of known items may be missing",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="remove missing items even if they are more than half of all, or the table has malformed rows",
    )


def run(arguments: argparse.Namespace) -> None:
    """Sync, and print a summary."""
    from fashion.recommendation.sync_items import sync

    with changing(arguments) as (workspace, catalogue):
        synced = sync(
            workspace, catalogue, arguments.data, weights=arguments.weights, keep_unknown=arguments.keep_unknown,
            force=arguments.force,
        )  # fmt: skip
        since = write_summary(workspace, synced)
    print("\n".join([*summary(synced, catalogue.title), *since]))


@contextmanager
def changing(arguments: argparse.Namespace, *, photos: bool = True) -> Iterator[tuple[Workspace, Catalogue]]:
    """The report that a command changes, locked and checked, and its catalogue; `photos` are to be read, too."""
    from fashion.catalogue.definition import load_catalogue
    from fashion.catalogue.identity import open_workspace
    from fashion.core.locking import only_one
    from fashion.recommendation.changes import EMBEDDINGS
    from fashion.report.integrity import require_answers

    catalogue = load_catalogue(arguments.catalogue)
    workspace = open_workspace(catalogue, arguments.processed, arguments.reports)
    workspace.need("attributes.npz")
    with only_one(workspace):
        require_answers(workspace, *(EMBEDDINGS if photos else ()), photo=photos)
        yield workspace, catalogue


def write_summary(workspace: Workspace, synced: Synced | None = None) -> list[str]:
    """Write changes.json: the last sync or removal, and the changes since the report; return these for a console."""
    from fashion.recommendation.drift import in_lines, since_report
    from fashion.recommendation.sync_items import as_json

    since: dict[str, Any] = since_report(workspace)
    last = {} if synced is None else {"last": as_json(synced)}
    made_for = {"items_checksum": workspace.items_checksum()}  # of the report
    path = workspace.write_json("changes", made_for | {"since_report": since} | last)
    return [*in_lines(since), f"  kept in    {path}"]


def summary(synced: Synced, title: str) -> list[str]:
    """The lines of a summary: what a sync added, removed, changed and left unchanged."""
    lines = [
        f"{title}: {len(synced.came)} added, {len(synced.went)} removed, {len(synced.renewed)} changed, of "
        f"{synced.read:,} rows in {synced.seconds:.1f} s ({synced.embedded} photos embedded, {synced.reused} vectors "
        "from the store)"
    ]
    came_and_went = {"added": synced.came, "removed": synced.went}
    lines += [f"  {verb:<10} {_some(names)}" for verb, names in came_and_went.items() if names]
    lines += [f"  changed    {column}: {_some(names)}" for column, names in synced.changed.items()]
    if rejected := [name for name in synced.kept if name not in synced.unsure]:
        lines.append(f"  unchanged  because their new rows were rejected: {_some(rejected)}")
    if synced.unsure:
        lines.append(
            f"  unchanged  because malformed rows may be theirs: {_some(synced.unsure)}. Correct these rows "
            "(below); if these items are really gone, add --force"
        )
    if synced.lost:
        lines.append(
            f"  no photo   {_some(synced.lost)}: the folder or archive that held it is gone. Put it back, or give data "
            "that hold these photos"
        )
    if len(synced.rejected):
        for reason, group in synced.rejected.groupby("reason", sort=False):
            first = group.iloc[0]
            lines.append(f"  skipped    {len(group)} × {reason}, first: row {first['row']}, {first['item']}")
    if synced.not_taken:
        lines.append(f"  left out   {synced.not_taken:,} rows outside the report's sample (LIMIT, FIRST)")
    for column, words in synced.untaught.items():
        lines += [f"  new word   {column} {word!r}, {count} items" for word, count in words.items()]
    return lines


def _some(names: list[str]) -> str:
    """A number of items, with the first."""
    return f"{len(names)}: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
