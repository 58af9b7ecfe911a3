"""The reference page of commands, docs/commands.md, from the Makefile and the console command's own pages of help.

`python -m tools.write_commands_page` rewrites its tables; a test fails if they are out of date.
"""

from __future__ import annotations

import argparse
import re
import sys

from fashion.cli.main import build_parser
from fashion.core.files import write_whole
from fashion.core.paths import project_root

MARKS = {
    name: (f"<!-- {name}: begin, written by `python -m tools.write_commands_page` -->", f"<!-- {name}: end -->")
    for name in ("make", "fashion")
}


def targets(makefile: str) -> dict[str, str]:
    """Each make target -> its description."""
    return dict(re.findall(r"^([a-z]+):.*?## (.+)$", makefile, flags=re.MULTILINE))


def variables(makefile: str) -> dict[str, tuple[str, str]]:
    """Variable -> the values that it takes, and what they mean: the lines that begin with `#?`."""
    lines = re.findall(r'^#\? ([A-Z_]+)=("[^"]*"|\S+) +(.+)$', makefile, flags=re.MULTILINE)
    return {name: (values, meaning) for name, values, meaning in lines}


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Name -> parser of each subcommand."""
    subparsers = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(subparsers.choices)


def _code(text: str) -> str:
    """Text for backticks in a table: on one line, with bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")


def _prose(text: str) -> str:
    """Text outside backticks: also without tags, since markdown lets HTML through."""
    return _code(text).replace("<", "&lt;")


def make_tables(makefile: str) -> str:
    """Targets and variables, in markdown."""
    rows = ["| target | what |", "|---|---|"]
    rows += [f"| `make {name}` | {_prose(meaning)} |" for name, meaning in targets(makefile).items()]
    rows += ["", "| variable | what |", "|---|---|"]
    rows += [
        f"| `{name}={_code(values)}` | {_prose(meaning)} |" for name, (values, meaning) in variables(makefile).items()
    ]
    return "\n".join(rows)


def option_name(action: argparse.Action) -> str:
    """An argument as it is written: `--limit N`, `-k N`, `ITEM`."""
    metavar = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else "")
    if isinstance(metavar, tuple):
        metavar = " ".join(metavar)
    if not action.option_strings:
        return metavar or action.dest
    taken = "" if action.nargs == 0 else metavar or action.dest.upper()
    return f"{', '.join(action.option_strings)} {taken}".strip()


def command_page(name: str, parser: argparse.ArgumentParser) -> str:
    """One subcommand: what it does, its options, its examples."""
    rows = [f"### `fashion {name}`", "", _prose(parser.description or ""), "", "| option | what |", "|---|---|"]
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            needed = " (needed)" if action.required and action.option_strings else ""
            rows.append(f"| `{_code(option_name(action))}` | {_prose(action.help or '')}{needed} |")
    examples = [line.strip() for line in (parser.epilog or "").splitlines() if line.startswith("  ")]
    return "\n".join([*rows, "", "```sh", *examples, "```"])


def renew(text: str, makefile: str, parser: argparse.ArgumentParser) -> str:
    """The page with its tables as Makefile and parser make them."""
    pages = "\n\n".join(command_page(name, sub) for name, sub in subcommands(parser).items())
    for name, table in (("make", make_tables(makefile)), ("fashion", pages)):
        begin, end = MARKS[name]
        head, rest = text.split(begin)
        text = f"{head}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    return text


def main() -> int:
    """Rewrite docs/commands.md's tables."""
    path = project_root() / "docs/commands.md"
    makefile = (project_root() / "Makefile").read_text(encoding="utf-8")
    text = renew(path.read_text(encoding="utf-8"), makefile, build_parser())
    write_whole(path, lambda aside: aside.write_text(text, encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
