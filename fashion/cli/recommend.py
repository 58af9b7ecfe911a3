"""`fashion recommend`: the items most similar to an item, a photo or a few words, as a table or as JSON."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fashion.cli.options import engine, folders, parent
from fashion.core.bounds import COUNTS, share, whole
from fashion.core.console import print_json

if TYPE_CHECKING:
    import pandas as pd

#: Endings of a saved figure's file.
ENDINGS = (".png", ".svg", ".pdf")

TITLE = "print the items most similar to an item, a photo or a few words"

TEXT = """Print the items of a catalogue with a report that are most similar to ITEM, to a photo or to a few words,
with the reasons. Words beside an item or a photo modify it: --words blue means like this, in blue."""

EXAMPLES = """  fashion recommend 42161895WWF
  fashion recommend 42161895WWF -k 3 --where colour=red --where category=sandals,trainers
  fashion recommend 42161895WWF --colour-weight 0.8 --hide-duplicates --json
  fashion recommend 42161895WWF --save picks.png
  fashion recommend --words "vestito rosso"
  fashion recommend --words "shirt, not black"
  fashion recommend --photo my.jpg --words blue
  fashion recommend 42161895WWF 34045703RTF --unlike 34146363APF
  fashion recommend 42161895WWF --engine http://localhost:6333"""

#: The endings in words.
_SAVED = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"

PARENTS = (parent("catalogue", "weights"), folders(), engine())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options specific to `fashion recommend`."""
    query = parser.add_argument_group("query")
    query.add_argument("items", metavar="ITEM", nargs="*", help="name of an item; several: more like all of these")
    query.add_argument("--photo", metavar="FILE", help="photo, in place of an item")
    query.add_argument(
        "--words",
        metavar="WORDS",
        help='words such as "red dress, not short", and "under 50" where items have prices, in English or Italian; '
        "free text where the report's encoder has a text tower",
    )
    query.add_argument(
        "--unlike", action="append", default=[], metavar="ITEM", help="an item to be less like; may be repeated"
    )
    results = parser.add_argument_group("results")
    results.add_argument(
        "--where", action="append", default=[], metavar="COLUMN=VALUE[,VALUE]",
        help="only items with one of these values, in English or Italian; if repeated, all must hold",
    )  # fmt: skip
    results.add_argument(
        "--embedding", choices=["described", "learned", "frozen"],
        help="described: photo and the items' own words; learned: photo alone; frozen: backbone alone "
        "(default: described)",
    )  # fmt: skip
    results.add_argument("--k", "-k", type=whole(COUNTS), metavar="N", help="how many (default: as in the report)")
    results.add_argument(
        "--colour-weight", type=share, metavar="W",
        help="weight of colour beside the category, from 0 (category alone) to 1 (colour alone) (default: as in the "
        "report)",
    )  # fmt: skip
    results.add_argument(
        "--looks-weight", type=share, metavar="W",
        help="weight of looks, from 0 (words alone) to 1 (looks alone) (default: as in the report)",
    )  # fmt: skip
    results.add_argument(
        "--hide-duplicates", action="store_true", help="no near-duplicates of the query or of each other"
    )
    results.add_argument(
        "--diversity", type=share, metavar="D",
        help="how diverse the list should be, from 0 (ignore) to 1 (default: 0)",
    )  # fmt: skip
    results.add_argument("--json", action="store_true", help="print JSON instead of a table")
    results.add_argument("--save", type=Path, metavar="FILE", help=f"save results and photos as {_SAVED}")


def run(arguments: argparse.Namespace) -> None:
    """Answer and print."""
    from fashion.study import Study

    if arguments.save:
        _check_ending(arguments.save)
    study = Study(
        arguments.catalogue, processed=arguments.processed, reports=arguments.reports, weights=arguments.weights,
        engine=arguments.engine,
    )  # fmt: skip
    written = [name for name in arguments.items if "=" in name]
    if written:
        _check_no_filter(written, study.items)
    picks = study.recommend(
        arguments.items[0] if arguments.items else None, photo=arguments.photo, words=arguments.words,
        like=arguments.items[1:], unlike=arguments.unlike, k=arguments.k, where=arguments.where,
        embedding=arguments.embedding or "described", colour_weight=arguments.colour_weight,
        looks_weight=arguments.looks_weight, hide_duplicates=arguments.hide_duplicates,
        diversity=arguments.diversity or 0.0,
    )  # fmt: skip
    if arguments.json:
        print_json(picks.to_dict() | {"catalogue": arguments.catalogue})
    else:
        print(picks)
        if study.untrained:
            print(f"\n{study.untrained} Looks, measured colour and the catalogue's own words count.")
    if arguments.save:
        picks.show().savefig(arguments.save, dpi=150, bbox_inches="tight")
        print(f"saved as {arguments.save}", file=sys.stderr)


def _check_ending(path: Path) -> None:
    """Raise QueryError for a file that ends in none of `ENDINGS`."""
    from fashion.recommendation.filters import QueryError

    if path.suffix.lower() not in ENDINGS:
        raise QueryError(
            f"expected --save with a file that ends in {_SAVED}; found {str(path)!r}. Use one of these endings."
        )


def _check_no_filter(names: list[str], items: pd.DataFrame) -> None:
    """Raise QueryError for `colour=red` in an item's place."""
    from fashion.catalogue.translation import british
    from fashion.recommendation.filters import QueryError

    for name in names:
        column, sign, _ = name.partition("=")
        if sign and british(column) in items:
            raise QueryError(f"expected the name of an item; found {name!r}. Write a filter as --where {name}.")
