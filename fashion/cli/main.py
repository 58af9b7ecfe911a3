"""The console command `fashion`: the same steps as the Makefile's, for scripts."""

from __future__ import annotations

import argparse
import ast
import difflib
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import NoReturn

import fashion
from fashion.catalogue.definition import known_catalogues
from fashion.cli import (
    add,
    compare,
    data,
    deck,
    distribute,
    doctor,
    embed,
    export,
    init,
    recommend,
    remove,
    report,
    serve,
    sweep,
    sync,
    verify,
)
from fashion.core.console import replace_unknown
from fashion.core.errors import FashionError, SettingsError, close_spellings, did_you_mean
from fashion.report.runs import place_of_run, share_stores


class Parser(argparse.ArgumentParser):
    """A parser that names the nearest of what it knows when it meets what it does not.

    Attributes
    ----------
    commands : dict of str to Parser
        The subcommands, of the parser that has such.
    """

    commands: dict[str, Parser]

    def error(self, message: str) -> NoReturn:
        """Print usage and the error in this project's format, with the choice that was probably meant; exit with 2."""
        see = f"See `{self.prog} --help`."
        message = re.sub(r"^the following arguments are required: (.*)", rf"expected \1; found none. {see}", message)
        message = re.sub(r"(?<=: )expected (one|at least one) argument$", rf"\g<0>; found none. {see}", message)
        message = re.sub(r"(?<=: )ignored explicit argument (.*)", rf"expected no value; found \1. {see}", message)
        message = re.sub(r"^ambiguous option: (.*) could match (.*)", r"expected one of \2; found \1.", message)
        if wrong := re.search(r"""invalid choice: ('.*'|".*") \(choose from (.*)\)$""", message):
            found, known = ast.literal_eval(wrong[1]), re.findall(r"[\w-]+", wrong[2])
            near = did_you_mean(found, known)
            message = message[: wrong.start()] + f"expected one of {', '.join(known)}; found {found!r}.{near}"
        super().error(message)

    def unknown(self, rest: Sequence[str]) -> NoReturn:
        """`error` for arguments that a command does not have."""
        options = [name for action in self._actions for name in action.option_strings]
        # A long name's beginning is enough: --colr is near --colour, and means --colour-weight.
        begun = {re.sub(r"(?<=\w)-.*", "", name): name for name in options} | {name: name for name in options}
        hints = {f" Did you mean {begun[near]}?" for word in rest for near in self._nearest(word, begun)}
        if "--catalogue" in options:
            is_path = rest[0].lower().endswith(".toml")
            near = rest[:1] if is_path else close_spellings(rest[0], known_catalogues(), 1)
            hints |= {f" Did you mean --catalogue {shlex.quote(name)}?" for name in near}
        self.error(
            f"expected arguments that `{self.prog} --help` lists; found {shlex.join(rest)}.{''.join(sorted(hints))}"
        )

    @staticmethod
    def _nearest(word: str, names: Iterable[str]) -> list[str]:
        return difflib.get_close_matches(word.partition("=")[0], names, n=1) if re.match("--.", word) else []


#: Commands in the order of `fashion --help`; each module has TITLE, TEXT, EXAMPLES, PARENTS and run().
COMMANDS: dict[str, ModuleType] = {
    "init": init, "report": report, "embed": embed, "recommend": recommend, "add": add, "sync": sync,
    "remove": remove, "distribute": distribute, "export": export, "serve": serve, "deck": deck, "compare": compare,
    "sweep": sweep, "doctor": doctor, "data": data, "verify": verify,
}  # fmt: skip


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
    for name, module in COMMANDS.items():
        command = sub.add_parser(
            name, help=module.TITLE, description=module.TEXT, epilog=f"examples:\n{module.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter, parents=module.PARENTS,
        )  # fmt: skip
        if hasattr(module, "add_arguments"):
            module.add_arguments(command)
    return parser


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
        if getattr(parsed, "run", None):
            parsed.processed, parsed.reports = place_of_run(parsed.run, parsed.processed, parsed.reports)
            if parsed.command in ("report", "embed", "distribute"):
                share_stores(parsed.processed)
        return COMMANDS[parsed.command].run(parsed) or 0
    except SettingsError as error:
        parser.commands[parsed.command].error(str(error))
    except FashionError as error:
        print(f"fashion {parsed.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; finished steps are kept, and the same command resumes there", file=sys.stderr)
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
