"""The command `fashion export`: a report's vectors for a distributed search engine."""

from __future__ import annotations

import argparse
from pathlib import Path

from fashion.cli.options import folders, parent

TITLE = "write a report's vectors for a search engine"

TEXT = """\
Write a reported catalogue's vectors and descriptions as requests for Qdrant's HTTP interface: one creates the
collection, the others fill it. For catalogues too large for one machine (docs/scale.md)."""

EXAMPLES = "  fashion export -c imagelab --to /tmp/imagelab-qdrant"

PARENTS = (parent("catalogue"), folders())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `fashion export`."""
    parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="folder to write the requests to")
    parser.add_argument("--embedding", choices=["described", "learned", "frozen"], default="described",
                        help="which vectors (default: described)")  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Export, and say how to send."""
    from fashion.recommendation.qdrant import export
    from fashion.study import Study

    study = Study(arguments.catalogue, processed=arguments.processed, reports=arguments.reports)
    name, recommender = study.name, study.recommender(arguments.embedding, approximate=False)
    paths = export(recommender, name, arguments.to)
    print(f"{len(recommender.items):,} items in {len(paths) - 1} requests and {paths[0]}")
    print(
        f"PUT collection.json to /collections/{name}, each payload index to /collections/{name}/index, and the points"
    )
    print(f"to /collections/{name}/points, in any order; sending twice changes nothing.")
