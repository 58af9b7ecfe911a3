"""`fashion recommend`: the items most similar to an item, a photo or a few words, as a table or as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

TITLE = "print the items most similar to an item, a photo or a few words"
TEXT = """Print the items of a reported catalogue that are most similar to ITEM, to a photo, or to what words ask for,
with the reasons. Words beside an item or a photo change it: --words blue means like this, in blue."""
EXAMPLES = """  fashion recommend 34125195UNF -c imagelab
  fashion recommend 34125195UNF -c imagelab -k 3 --where colour=red --where category=boots,sandals
  fashion recommend 34125195UNF -c imagelab --colour-weight 0.8 --hide-duplicates --json
  fashion recommend --words "vestito rosso" -c imagelab
  fashion recommend --photo holiday.jpg --words blue -c imagelab"""


def share(text: str) -> float:
    """A number from 0 to 1; argparse names the option where it is none."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1; found {text!r}")
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments, without catalogue, k and folders."""
    asked = parser.add_argument_group("what is asked for")
    asked.add_argument("item", metavar="ITEM", nargs="?", help="an item's name, as in items.parquet")
    asked.add_argument("--photo", metavar="FILE", help="a photo in place of an item; the network is loaded for it")
    asked.add_argument("--words", metavar="WORDS", help='such as "red dress", in English or Italian')
    asked.add_argument("--weights", metavar="FILE", help="with --photo: the weights file that the report was given")
    found = parser.add_argument_group("what is found")
    found.add_argument(
        "--where", action="append", default=[], metavar="COLUMN=VALUE[,VALUE]",
        help="keep only items with this value, in English or Italian; may be repeated, all must hold",
    )  # fmt: skip
    found.add_argument(
        "--embedding", choices=["described", "learned", "frozen"], default="described",
        help="described: photo and the items' own words; learned: the photo alone; frozen: the backbone alone "
        "(default: described)",
    )  # fmt: skip
    found.add_argument(
        "--colour-weight", type=share, metavar="W",
        help="share of the colour, 0 (looks alone) to 1 (colour alone) (default: as in the report)",
    )  # fmt: skip
    found.add_argument(
        "--hide-duplicates", action="store_true", help="leave out near-duplicates of the query and of each other"
    )
    found.add_argument(
        "--diversity", type=share, default=0.0, metavar="D",
        help="0 (by similarity alone) to 1: how unlike each other they shall be (default: 0)",
    )  # fmt: skip
    found.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(arguments: argparse.Namespace) -> None:
    """Answer and print."""
    from fashion.catalogue import load_catalogue
    from fashion.filters import parse_where
    from fashion.intact import require_answers
    from fashion.reasons import describe
    from fashion.recommendation import make_query
    from fashion.recommender import Recommender
    from fashion.workspace import Workspace

    workspace = Workspace(load_catalogue(arguments.catalogue).name, arguments.processed, arguments.reports)
    require_answers(workspace, arguments.embedding, photo=bool(arguments.photo))
    recommender = Recommender.from_workspace(workspace, arguments.embedding, arguments.colour_weight)
    where = parse_where(arguments.where, recommender.items)
    photo = Path(arguments.photo) if arguments.photo else None
    query = make_query(recommender, workspace, arguments.item, photo, arguments.words, weights=arguments.weights)
    table = recommender.answer(
        query, arguments.k, where, hide_duplicates=arguments.hide_duplicates, diversity=arguments.diversity
    )
    description = {c: query.description[c] for c in ("colour", "category", "department") if query.description.get(c)}
    if arguments.json:
        _print_json(arguments, query.title, description, where, table)
        return
    said = describe(query.description)
    verb = ", seen as" if photo else ":"
    print(f"{query.title}{verb} {said}\n" if said else f"{query.title}\n")
    if table.empty:
        print("no other item fulfils the filter")
        return
    shown = table.drop(columns=["photo"])
    print(shown.to_string(index=False, formatters={"similarity": "{:.3f}".format}))


def _print_json(
    arguments: argparse.Namespace, title: str, description: dict[str, object], where: dict, table: pd.DataFrame
) -> None:
    answer = {
        "catalogue": arguments.catalogue,
        "embedding": arguments.embedding,
        "query": title,
        "description": description,
        "where": {column: list(values) for column, values in where.items()},
        "recommendations": table.assign(similarity=table["similarity"].astype(float).round(6)).to_dict("records"),
    }
    print(json.dumps(answer, indent=2, ensure_ascii=False))
