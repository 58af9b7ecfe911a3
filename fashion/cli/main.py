"""The console command `fashion`: the same steps as the Makefile's, for scripts."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

import fashion
from fashion.cli import add as cli_add
from fashion.cli import deck as cli_deck
from fashion.cli import distribute as cli_distribute
from fashion.cli import doctor as cli_doctor
from fashion.cli import export as cli_export
from fashion.cli import recommend as cli_recommend
from fashion.cli import serve as cli_serve
from fashion.core.bounds import COUNTS, SEEDS, in_words, whole
from fashion.core.console import replace_unknown
from fashion.core.defaults import COLOUR_WEIGHT, LIST_LENGTH
from fashion.core.errors import CatalogueError, FashionError, did_you_mean

CATALOGUE_HELP = "name of a catalogue (sample, imagelab, fashion-product-images, hm) or the path of a .toml"


class Parser(argparse.ArgumentParser):
    """A parser that names the nearest of what it knows when it meets what it does not.

    Attributes
    ----------
    commands : dict of str to Parser
        The subcommands, of the parser that has such.
    """

    commands: dict[str, Parser]

    def error(self, message: str) -> NoReturn:
        """Print usage and the error, with the choice that was probably meant, and exit with 2."""
        wrong = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)$", message)
        super().error(message + did_you_mean(wrong[1], re.findall(r"[\w-]+", wrong[2])) if wrong else message)

    def unknown(self, rest: Sequence[str]) -> NoReturn:
        """`error` for arguments that a command does not have."""
        options = [name for action in self._actions for name in action.option_strings]
        # A long name's beginning is enough: --colr is near --colour, and means --colour-weight.
        begun = {re.sub(r"(?<=\w)-.*", "", name): name for name in options} | {name: name for name in options}
        hints = {f" Did you mean {begun[near]}?" for word in rest for near in self._nearest(word, begun)}
        self.error(f"unrecognized arguments: {' '.join(rest)}.{''.join(sorted(hints))}")

    @staticmethod
    def _nearest(word: str, names: Iterable[str]) -> list[str]:
        return difflib.get_close_matches(word.partition("=")[0], names, n=1) if word.startswith("--") else []


def _command(
    sub: argparse._SubParsersAction, name: str, title: str, text: str, example: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = sub.add_parser(
        name,
        help=title,
        description=text,
        epilog=f"examples:\n{example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_catalogue(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    data = parser.add_argument_group("which clothes")
    data.add_argument("--catalogue", "-c", default="sample", metavar="C", help=f"{CATALOGUE_HELP} (default: sample)")
    data.add_argument("--data", metavar="PATH", help="the catalogue's zip or folder, where it is not in data/raw")
    return data


def _add_unknown(data: argparse._ArgumentGroup) -> None:
    data.add_argument("--keep-unknown", action="store_true", help="pass words that the glossary lacks untranslated")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    data = _add_catalogue(parser)
    _add_unknown(data)
    part = data.add_mutually_exclusive_group()
    part.add_argument("--limit", type=whole(COUNTS), metavar="N", help="N items, a seeded sample within departments")
    part.add_argument(
        "--first", type=whole(COUNTS), metavar="N", help="the table's first N rows (the original study's slice)"
    )
    data.add_argument(
        "--seed",
        type=whole(SEEDS),
        default=0,
        metavar="N",
        help=f"of every random choice, {in_words(SEEDS)} (default: 0)",
    )
    data.add_argument("--queries", metavar="A,B", help="items to show in notebook 04, by name; drawn ones follow")
    lists = parser.add_argument_group("which recommendations")
    lists.add_argument(
        "--k", "-k", type=whole(COUNTS), default=LIST_LENGTH, metavar="N",
        help=f"how many for each item, in the report, the shop and `fashion recommend` (default: {LIST_LENGTH})",
    )  # fmt: skip
    lists.add_argument(
        "--colour-weight", type=cli_recommend.share, default=COLOUR_WEIGHT, metavar="W",
        help=f"share of the colour in the similarity, 0 (looks alone) to 1 (default: {COLOUR_WEIGHT:g})",
    )  # fmt: skip
    _add_network(parser)


def _add_network(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which network")
    group.add_argument(
        "--backbone", choices=["auto", "resnet50", "efficientnet-lite0"], default="auto",
        help="auto takes resnet50 if its weights are at hand or can be had, else efficientnet-lite0 (default: auto)",
    )  # fmt: skip
    group.add_argument("--weights", metavar="FILE", help="a Keras weights file for resnet50 (no top)")
    group.add_argument(
        "--size", type=whole(COUNTS), metavar="PX",
        help="edge of the network's input: efficientnet-lite0 takes 96, 128 ... 224 (default: 160), "
             "resnet50 32 to 1024 (default: 197)",
    )  # fmt: skip
    group.add_argument(
        "--runtime", choices=["auto", "openvino", "tensorflow"], default="auto",
        help="what computes the network; auto takes the fastest that is installed (default: auto)",
    )  # fmt: skip


def _add_folders(parser: argparse.ArgumentParser, *, reports: bool = True) -> None:
    group = parser.add_argument_group("where to")
    group.add_argument("--processed", type=Path, metavar="DIR", help="artefacts (default: data/processed)")
    if reports:
        group.add_argument("--reports", type=Path, metavar="DIR", help="reports (default: reports)")


def build_parser() -> Parser:
    """The command's parser, with a page of help for each subcommand."""
    parser = Parser(
        prog="fashion",
        description="Similar clothes by photo, colour and category: a reproducible study.",
        epilog="Each command has a page of its own: fashion COMMAND --help",
    )
    parser.add_argument("--version", action="version", version=f"fashion {fashion.__version__}")
    sub = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    parser.commands = sub.choices
    report = _command(
        sub, "report", "run the notebooks and write the report",
        "Run notebooks 01-06 in order and write reports/<catalogue>/index.html with every table and figure.\n"
        "What is done and unchanged is not done again; after a stop it goes on from what was done.",
        "  fashion report\n  fashion report -c imagelab --data imagelab.zip --limit 7500\n"
        "  fashion report -c my-shop.toml --backbone resnet50 --weights resnet50.h5",
    )  # fmt: skip
    _add_settings(report)
    _add_folders(report)
    embed = _command(
        sub, "embed", "embed a catalogue's photos",
        "Run the first two steps only: clean the catalogue and embed each photo by the frozen network.\n"
        "Photos that were embedded before, in whichever catalogue, are not embedded again.",
        "  fashion embed -c imagelab --data imagelab.zip",
    )  # fmt: skip
    _add_settings(embed)
    _add_folders(embed)
    recommend = _command(sub, "recommend", cli_recommend.TITLE, cli_recommend.TEXT, cli_recommend.EXAMPLES)
    cli_recommend.add_arguments(recommend)
    recommend.add_argument(
        "--catalogue", "-c", default="sample", metavar="C", help=f"{CATALOGUE_HELP} (default: sample)"
    )
    recommend.add_argument("--k", "-k", type=whole(COUNTS), metavar="N", help="how many (default: as in the report)")
    _add_folders(recommend)
    add = _command(sub, "add", cli_add.TITLE, cli_add.TEXT, cli_add.EXAMPLES)
    cli_add.add_arguments(add, CATALOGUE_HELP)
    _add_folders(add)
    spread = _command(sub, "distribute", cli_distribute.TITLE, cli_distribute.TEXT, cli_distribute.EXAMPLES)
    _add_catalogue(spread)
    _add_network(spread)
    cli_distribute.add_arguments(spread)
    _add_folders(spread, reports=False)
    export = _command(sub, "export", cli_export.TITLE, cli_export.TEXT, cli_export.EXAMPLES)
    export.add_argument("--catalogue", "-c", default="sample", metavar="C", help=f"{CATALOGUE_HELP} (default: sample)")
    cli_export.add_arguments(export)
    _add_folders(export)
    serve = _command(sub, "serve", cli_serve.TITLE, cli_serve.TEXT, cli_serve.EXAMPLES)
    serve.add_argument("--catalogue", "-c", default="sample", metavar="C", help=f"{CATALOGUE_HELP} (default: sample)")
    cli_serve.add_arguments(serve)
    _add_folders(serve)
    deck = _command(sub, "deck", cli_deck.TITLE, cli_deck.TEXT, cli_deck.EXAMPLES)
    deck.add_argument("--catalogue", "-c", default="sample", metavar="C", help=f"{CATALOGUE_HELP} (default: sample)")
    cli_deck.add_arguments(deck)
    _add_folders(deck)
    doctor = _command(sub, "doctor", cli_doctor.TITLE, cli_doctor.TEXT, cli_doctor.EXAMPLES)
    doctor.add_argument("--catalogue", "-c", default="sample", metavar="C", help=f"{CATALOGUE_HELP} (default: sample)")
    cli_doctor.add_arguments(doctor)
    _add_folders(doctor)
    data = _command(
        sub, "data", "make the sample, or check a catalogue's data",
        "Say whether a catalogue's table can be read, its words are known and its photos are there (the report\n"
        "opens them); the sample is made if it is missing.",
        "  fashion data\n  fashion data -c imagelab --data imagelab.zip",
    )  # fmt: skip
    _add_unknown(_add_catalogue(data))
    verify = _command(
        sub, "verify", "run the report twice and compare",
        "Run the report twice in fresh folders; numbers and figures must be equal, bit for bit.",
        "  fashion verify --limit 600",
    )  # fmt: skip
    _add_settings(verify)
    return parser


def _settings(arguments: argparse.Namespace):  # type: ignore[no-untyped-def]
    from fashion.core.texts import clean_text
    from fashion.report.steps import Settings

    names = ("catalogue", "data", "limit", "first", "backbone", "weights", "size", "runtime", "seed",
             "keep_unknown", "k", "colour_weight", "queries")  # fmt: skip
    told = {name: getattr(arguments, name) for name in names}
    return Settings(**told | {"queries": clean_text(arguments.queries) if arguments.queries else None})


def _data(arguments: argparse.Namespace) -> None:
    from fashion.catalogue.cleaning import clean_table, require_items
    from fashion.catalogue.definition import load_catalogue, open_catalogue
    from fashion.catalogue.identity import open_workspace
    from fashion.catalogue.table import read_table
    from fashion.core.checksums import sha256_file

    catalogue = load_catalogue(arguments.catalogue)
    open_workspace(catalogue)  # a report could not run where another catalogue has its name
    source = open_catalogue(catalogue, arguments.data)
    rows, malformed = read_table(catalogue, source)
    names = set(source.names())
    missing = [photo for photo in rows["photo"] if source.base + photo not in names]
    print(f"{catalogue.title}: {source.path}")
    if source.path.is_file():
        print(f"  sha256  {sha256_file(source.path)}")
    step, _ = clean_table(catalogue, rows, malformed, keep_unknown=arguments.keep_unknown)
    repeated = int(step.rejected["reason"].isin(["null row", "duplicate row", "duplicate item"]).sum())
    print(f"  table   {catalogue.table}: {len(rows)} rows, {len(malformed)} malformed, {repeated} null or repeated")
    for line in malformed.head(5).itertuples():
        print(f"          row {line.row}: {line.reason}")
    print(
        f"  photos  {len(rows) - len(missing)} of {len(rows)} at hand"
        + (f", missing e.g. {missing[0]}" if missing else "")
    )
    require_items(step, catalogue.title, least=1)
    counts = [f"{step.rows[c].nunique()} {c} words" for c in ("colour", "category", "department") if c in rows]
    known = "all known" if catalogue.language == "it" and not arguments.keep_unknown else "kept as they are"
    print(f"  words   {', '.join(counts)}: {known}")
    print(f"  terms   {catalogue.terms}")
    if len(missing) == len(rows):
        raise CatalogueError(
            f"expected photos such as {missing[0]!r} in {source.path}; found none of {len(rows)}. Correct `photos` in "
            f"{catalogue.path}, or the place of the data."
        )
    absent = step.rows["photo"].isin(missing)
    require_items(step.drop(absent, "missing photo", "missing: there is no such file"), catalogue.title, least=1)


#: Commands with a module of their own.
COMMANDS = {
    "recommend": cli_recommend, "add": cli_add, "distribute": cli_distribute, "export": cli_export, "serve": cli_serve,
    "deck": cli_deck, "doctor": cli_doctor,
}  # fmt: skip


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command in COMMANDS:
        return COMMANDS[arguments.command].run(arguments) or 0
    if arguments.command == "data":
        _data(arguments)
    elif arguments.command == "verify":
        from fashion.report.verify import verify

        verify(_settings(arguments))
    else:
        from fashion.report.build import build_report

        until = "02" if arguments.command == "embed" else None
        build_report(
            _settings(arguments), processed=arguments.processed, reports=arguments.reports, until=until,
            companion=cli_deck.accompany,
        )  # fmt: skip
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, 130 when stopped by the keyboard, else 1. Without a command it lists them all.

    1 is an error that says what to do, or, from `doctor`, that a report cannot run.
    """
    replace_unknown()
    parser = build_parser()
    given = [re.sub(r"^--color\b", "--colour", word) for word in (sys.argv[1:] if arguments is None else arguments)]
    if not given:
        parser.print_help()
        return 0
    parsed, rest = parser.parse_known_args(given)
    if rest:
        parser.commands[parsed.command].unknown(rest)
    try:
        return _run(parsed)
    except FashionError as error:
        print(f"fashion {parsed.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; what is done is kept, the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except ImportError as error:
        from fashion.core.libraries import in_words as told

        words = told(str(error), error.name or "a package")
        if not words:
            raise
        print(f"fashion {parsed.command}: {words}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a folder that may not be written to
        from fashion.core.disk import in_words

        print(f"fashion {parsed.command}: {in_words(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
