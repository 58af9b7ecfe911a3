"""The command `fashion export`: a report's items and vectors for other tools and engines."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from fashion.cli.options import folders, parent
from fashion.core.bounds import COUNTS, whole

if TYPE_CHECKING:
    from fashion.study import Study

TITLE = "write a report's items and vectors to Parquet, or to a Qdrant server"

TEXT = """\
Write the items, vectors, map, neighbours and reasons of a catalogue's report to a Parquet file, in the columns that
embedding-atlas and FiftyOne read (docs/guide.md); or send items and vectors to a Qdrant server, for catalogues too
large for one machine (docs/scale.md). A stopped upload resumes where it stopped. QDRANT_API_KEY holds the
server's key."""

EXAMPLES = """  fashion export --to parquet
  fashion export -c imagelab --to imagelab.parquet --photos --k 20
  fashion export -c imagelab --to http://localhost:6333"""

PARENTS = (parent("catalogue"), folders())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fashion export`."""
    parser.add_argument("--to", required=True, metavar="WHERE",
                        help="parquet (CATALOGUE.parquet in this folder), a file that ends in .parquet, or the "
                        "address of a Qdrant server")  # fmt: skip
    parser.add_argument("--embedding", choices=["described", "learned", "frozen"], default="described",
                        help="which vectors (default: described)")  # fmt: skip
    parser.add_argument("--k", "-k", type=whole(COUNTS), metavar="N",
                        help="for Parquet: neighbours of each item (default: as in the report)")  # fmt: skip
    parser.add_argument("--photos", action="store_true", help="for Parquet: the photos' bytes as well")
    parser.add_argument("--remove-older", action="store_true",
                        help="for Qdrant: remove the collections of this run's earlier reports; wait until the shop "
                        "has switched to the new one")  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Export, and print the next step."""
    from fashion.core.errors import FashionError
    from fashion.study import Study

    study = Study(arguments.catalogue, processed=arguments.processed, reports=arguments.reports)
    to = arguments.to
    if re.match(r"https?://", to):
        _send(study, arguments)
    elif to == "parquet" or to.endswith(".parquet"):
        _write(study, arguments, Path(f"{study.name}.parquet" if to == "parquet" else to))
    else:
        raise FashionError(
            f"expected --to parquet, a file that ends in .parquet, or the address of a Qdrant server; found {to!r}. "
            "For example: fashion export --to parquet"
        )


def _write(study: Study, arguments: argparse.Namespace, path: Path) -> None:
    from fashion.recommendation.parquet_export import write_parquet

    recommender = study.recommender(arguments.embedding, approximate=False)
    xy = study.map()[["x", "y"]].to_numpy("float32") if study.workspace.path("map.parquet").is_file() else None
    files = [study.photos.file(row) for row in range(len(recommender.items))]
    photo = study.photos.read if arguments.photos else None
    write_parquet(recommender, path, xy=xy, files=files, photo=photo, k=arguments.k)
    print(f"{len(recommender.items):,} items, vectors of {recommender.vectors.shape[1]:,} dimensions: {path}")
    places = "--x x --y y" if xy is not None else "--vector vector"
    image = " --image image" if arguments.photos and xy is None else ""
    print(f"  embedding-atlas {path} {places} --neighbors neighbors{image}")


def _send(study: Study, arguments: argparse.Namespace) -> None:
    from fashion.recommendation.qdrant import connect, earlier_collections, remove_collection, upload

    client, folder = connect(arguments.to), study.workspace.processed
    recommender = study.recommender(arguments.embedding, approximate=False)
    name = upload(client, recommender, study.name, arguments.embedding, folder)
    print(f"{len(recommender.items):,} items in {name} at {arguments.to}")
    print(f"  fashion serve --catalogue {study.asked_as} --engine {arguments.to}")
    older = earlier_collections(client, study.name, arguments.embedding, name, folder)
    if arguments.remove_older:
        older = [other for other in older if remove_collection(client, other, folder)]
    if older:
        print(f"{'removed' if arguments.remove_older else 'from earlier reports (--remove-older)'}: {', '.join(older)}")
