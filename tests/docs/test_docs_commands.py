"""The documents' `fashion` commands succeed on the small report."""

import json
import shlex

import pytest
from documents import ROOT, commands_of

from fashion.cli.main import main

#: Commands of `fashion` that are run on the small report. The others take minutes, do not end, or write into the
#: project: lint/test_docs.py parses their options, and the tests of their own modules run them.
RUN = {"recommend", "export", "deck", "data"}


@pytest.fixture(scope="module")
def fill(tiny, work, tmp_path_factory):
    """Puts the small catalogue's files and items in place of those that a document's command names."""
    folder = tmp_path_factory.mktemp("typed")
    photo = tiny / "clothes/images/10000000AAF.jpg"
    items = work.items()
    known = {column: set(items[column]) for column in ("colour", "category", "department")}

    def filled(words):
        words = list(words)
        own = ["--catalogue", str(tiny / "tiny.toml")]
        if words[0] != "data":
            own += ["--processed", str(tiny / "processed"), "--reports", str(tiny / "reports")]
        spared = {
            "--photo": str(photo),
            "--to": str(folder / "to.parquet"),
            "--save": str(folder / "picks.png"),
            "--value-model": str(ROOT / "data/value-model.toml"),
        }
        out, skip = [], False
        for place, word in enumerate(words):
            after = words[place + 1] if place + 1 < len(words) else ""
            if skip:
                skip = False
            elif word in ("-c", "--catalogue", "--data"):
                skip = True
            elif word in spared:
                out += [word, spared[word]]
                skip = True
            elif word == "--where":
                column, _, values = after.partition("=")
                fits = set(values.split(",")) <= known.get(column, set())
                out += [word, after if fits else f"{column}={sorted(known[column])[0]}"]
                skip = True
            elif word == "--unlike":
                out += [word, items["item"].iloc[-1]]
                skip = True
            elif words[0] == "recommend" and place and not any(before.startswith("-") for before in words[: place + 1]):
                out.append(items["item"].iloc[place - 1])
            else:
                out.append(word)
        return out + own

    return filled


def cheap():
    """One call for each set of options of each command in RUN."""
    found = {}
    for command in commands_of("fashion"):
        served = any(word.startswith("http") for word in command.words)  # by a server that is not here
        if len(command.words) > 2 and command.words[1] in RUN and not command.inline and not served:
            options = {"--catalogue" if word == "-c" else word for word in command.words if word.startswith("-")}
            found.setdefault((command.words[1], *sorted(options - {"--data"})), command)
    return list(found.values())


@pytest.mark.slow
@pytest.mark.parametrize("command", cheap(), ids=str)
def test_what_is_cheap_is_run(command, fill, work, capsys):
    before = work.report.joinpath("deck.pptx")
    kept = before.read_bytes() if before.is_file() else None
    words = fill(command.words[1:])
    assert main(words) == 0, f"{command} was run as fashion {shlex.join(words)}: {capsys.readouterr().err}"
    said = capsys.readouterr().out
    assert said.strip()
    if "--json" in words:
        assert json.loads(said)["recommendations"]
    if kept is not None:
        before.write_bytes(kept)
