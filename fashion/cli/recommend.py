"""`fashion recommend`: the items most similar to an item, a photo or a few words, as a table or as JSON."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fashion.core.console import print_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure


TITLE = "print the items most similar to an item, a photo or a few words"

TEXT = """Print the items of a reported catalogue that are most similar to ITEM, to a photo, or to what words ask for,
with the reasons. Words beside an item or a photo change it: --words blue means like this, in blue."""

EXAMPLES = """  fashion recommend 42161895WWF
  fashion recommend 42161895WWF -k 3 --where colour=red --where category=sandals,trainers
  fashion recommend 42161895WWF --colour-weight 0.8 --hide-duplicates --json
  fashion recommend 42161895WWF --save picks.png
  fashion recommend --words "vestito rosso"
  fashion recommend --photo my.jpg --words blue"""


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
    found.add_argument("--save", type=Path, metavar="FILE", help="draw the answer with its photos: .png, .svg or .pdf")


def run(arguments: argparse.Namespace) -> None:
    """Answer and print."""
    from fashion.study import Study

    study = Study(
        arguments.catalogue, processed=arguments.processed, reports=arguments.reports, weights=arguments.weights
    )
    picks = study.recommend(
        arguments.item, photo=arguments.photo, words=arguments.words, k=arguments.k, where=arguments.where,
        embedding=arguments.embedding, colour_weight=arguments.colour_weight,
        hide_duplicates=arguments.hide_duplicates, diversity=arguments.diversity,
    )  # fmt: skip
    if arguments.json:
        print_json(picks.to_dict() | {"catalogue": arguments.catalogue})
    else:
        print(picks)
    if arguments.save:
        _save(picks.show(), arguments.save)


def _save(figure: Figure, path: Path) -> None:
    """Write the figure in the format that the path's ending names.

    Raises
    ------
    QueryError
        For an ending that no format has.
    """
    from fashion.recommendation.filters import QueryError

    endings = sorted(figure.canvas.get_supported_filetypes())
    if path.suffix.lstrip(".").lower() not in endings:
        raise QueryError(f"expected --save with a file that ends in .{', .'.join(endings)}; found {str(path)!r}.")
    figure.savefig(path, dpi=150, bbox_inches="tight")
