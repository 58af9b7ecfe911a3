"""What the documents tell a reader to type works, and what they name is there."""

import functools
import importlib
import os
import re
import shlex
import shutil
import subprocess
import tomllib

import pytest
from documents import (
    DOCUMENTS,
    ROOT,
    anchors,
    blocks,
    calls,
    codes,
    commands_of,
    every_command,
    links,
    table_with,
    tables,
    text_of,
)

from fashion.cli.main import build_parser
from fashion.core.workspace import WRITERS
from fashion.report.deck import value
from tools.write_commands_page import subcommands, targets, variables

MAKEFILE = text_of(ROOT / "Makefile")
COMMANDS = every_command()
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
#: Programs of others, which readers have or get.
OTHERS = {"docker", "embedding-atlas", "git", "cd", "sudo", "apt-get", "conda", "pip", "uv", "curl", "wrk"}


# -- reading markdown --------------------------------------------------------------------------------------


def test_calls_and_tables_are_read_as_a_shell_and_a_reader_would():
    assert calls("A && make x Y='a b'  # why && not") == [("A",), ("make", "x", "Y=a b")]
    assert tables("| a | b |\n|---|:-:|\n| `x\\|y` | 1 |\n\n| c |\n|---|\n") == [[["a", "b"], ["`x|y`", "1"]], [["c"]]]
    assert codes("`a` and\n```sh\n`no`\n```\n`b c`") == ["a", "b c"]
    assert anchors("# What a report's `x` leaves, 2\n```\n# no\n```\n") == {"what-a-reports-x-leaves-2"}


def test_documents_and_their_commands_are_found():
    assert {"README.md", "docs/commands.md", "docs/reproducing.md", "data/README.md"} <= set(NAMES)
    assert len(commands_of("make")) > 15 and len(commands_of("fashion")) > 15 and len(commands_of("module")) > 3


# -- commands ----------------------------------------------------------------------------------------------


def test_every_program_is_known():
    unknown = {c.words[0]: c.document for c in COMMANDS if c.program not in {"make", "fashion", "module", *OTHERS}}
    assert not unknown, f"no test knows how to check these; add them to OTHERS or a test for them: {unknown}"


@functools.cache
def dry_run(words):
    """What make would do; the environment counts as there."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "-n", "-o", ".venv/.made-from-lock", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=clean)


@pytest.mark.parametrize("command", commands_of("make"), ids=str)
def test_make(command):
    if "TARGET" in command.words:  # the pattern of all calls
        return
    known = variables(MAKEFILE)
    words = tuple(word.strip("[]") for word in command.words[1:])  # `[NAME=value]` may be left out
    for word in words:
        name, given, _ = word.partition("=")
        if given:
            assert name in known, f"{command}: the Makefile has no variable {name}"
        else:
            assert name in targets(MAKEFILE), f"{command}: the Makefile has no target {name}"
    ended = dry_run(words)
    assert ended.returncode == 0, f"{command}: {ended.stderr}"
    for line in ended.stdout.replace("\\\n", " ").splitlines():
        if "/bin/fashion " in line:
            mention = command.inline and len(command.words) < 3  # such as `make add`, which needs its DATA
            if not mention:
                check_options(shlex.split(line.split("/bin/fashion ", 1)[1]), f"{command} runs {line}")


def test_every_variable_reaches_a_command():
    """Each variable stands in what some target would do, or, where it is a switch, changes it."""
    values = {name: f"value-of-{name}" for name in set(variables(MAKEFILE)) - {"PYTHON"}}
    every = tuple(sorted(set(targets(MAKEFILE)) - {"help", "env", "clean"}))
    said = dry_run((*every, *(f"{name}={value}" for name, value in values.items()))).stdout
    switches = [name for name, value in values.items() if value not in said]
    assert len(switches) < 5, switches
    for name in switches:
        assert dry_run((*every, f"{name}=1")).stdout != dry_run(every).stdout, f"{name} changes nothing"


def check_options(words, where):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("argparse.ArgumentParser.error", lambda self, message: pytest.fail(f"{where}: {message}"))
        try:
            build_parser().parse_args(words)
        except SystemExit as ended:  # --help
            assert not ended.code, where


@pytest.mark.parametrize("command", commands_of("fashion"), ids=str)
def test_fashion(command):
    rest = list(command.words[1:])
    if command.inline and len(rest) <= 1:
        assert set(rest) <= {*subcommands(build_parser()), "COMMAND"}, f"{command}: there is no such subcommand"
    elif rest[0] != "COMMAND":
        check_options(rest, command)


@pytest.mark.parametrize("command", commands_of("module"), ids=str)
def test_modules_that_are_run(command):
    name = command.words[2]
    if name == "fashion.cli.main":
        check_options(list(command.words[3:]), command)
    elif name.split(".")[0] in ("fashion", "benchmarks", "tools"):
        place = importlib.util.find_spec(name)
        assert place, f"{command}: there is no module {name}"
        runs = importlib.util.find_spec(f"{name}.__main__") if place.submodule_search_locations else place
        assert runs and "__main__" in text_of(ROOT / runs.origin), f"{command}: {name} cannot be run"


@pytest.mark.parametrize("name", NAMES)
def test_examples_in_python_and_toml_are_sound(name):
    for language, content in blocks(text_of(ROOT / name)):
        if language == "python":
            compile(content, name, "exec")
        elif language == "toml":
            tomllib.loads(content)
        else:
            known = ("", "sh", "bash", "console", "json", "html")
            assert language in known, f"{name}: no test knows blocks of {language!r}"


# -- what is named -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    home = ROOT / name
    for target in links(text_of(home)):
        if "://" in target:
            continue
        place, _, part = target.partition("#")
        there = (home.parent / place).resolve() if place else home
        assert there.exists(), f"{name} links to {target}, which is not there"
        if part and there.suffix == ".md":
            assert part in anchors(text_of(there)), f"{name} links to {target}; that page has no such heading"


#: Made by runs or put there by users, not in git.
MADE = ("reports/", "data/raw", "data/processed", "raw/", "processed/")
FIRSTS = {path.name for path in [*ROOT.iterdir(), *(ROOT / "data").iterdir()] if path.is_dir()}


@pytest.mark.parametrize("name", NAMES)
def test_paths_that_are_named_exist(name):
    home = (ROOT / name).parent
    for code in codes(text_of(ROOT / name)):
        path = code.removeprefix("./")
        if not re.fullmatch(r"\.?[\w*-][\w.*-]*(/[\w.*-]+)*/?", path) or "/" not in path or path.startswith(MADE):
            continue
        if path.split("/")[0] in FIRSTS:
            hits = [hit for base in (ROOT, home, ROOT / "data") for hit in base.glob(path.rstrip("/"))]
            assert hits, f"{name} names {code}, which is not there"


def resolves(dotted):
    """Whether `fashion.a.b` or `a.b` is a module of the package or a name in one."""
    parts = dotted.removeprefix("fashion.").split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(["fashion", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


MODULES = {path.stem for path in (ROOT / "fashion").iterdir() if path.suffix == ".py" or path.is_dir()}
FILES = ("html", "json", "npy", "npz", "parquet", "csv", "py", "toml", "md", "png", "pptx", "ipynb")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_package_and_its_artefacts_exist(name):
    first_names = {"fashion"} | (MODULES if name != "docs/results.md" else set())  # whose keys look like names
    for code in codes(text_of(ROOT / name)):
        bare = re.sub(r"\(.*\)$", "", code)
        if not re.fullmatch(r"\w+(\.\w+)+", bare):
            continue
        first, last = bare.split(".")[0], bare.rsplit(".", 1)[1]
        if last in ("npy", "npz", "parquet"):
            assert bare in WRITERS, (
                f"{name} names the artefact {bare}, which nothing writes (fashion.core.workspace.WRITERS)"
            )
        elif last not in FILES and first in first_names:
            assert resolves(bare), f"{name} names {code}, which the package has not"


def test_every_key_of_the_value_model_is_described():
    """docs/value-model.md's table has each input, and its text what each input has."""
    text = text_of(ROOT / "docs/value-model.md")
    rows = table_with(text, "key", "range", "what")
    said = [name for row in rows for name in codes(row[0])]
    assert sorted(said) == sorted(value.NAMES), (
        "docs/value-model.md: its table and fashion.report.deck.value.NAMES differ"
    )
    shares = {name for row in rows if row[1] == "0 to 1" for name in codes(row[0])}
    assert shares == set(value.SHARES), "docs/value-model.md: which inputs are shares, from 0 to 1"
    inner = next(line for line in text.splitlines() if line.startswith("Each has"))
    given = tomllib.loads(text_of(ROOT / "data/value-model.toml"))
    assert all(set(table) == set(codes(inner)) for table in given.values()), "docs/value-model.md: Each has ..."


def test_every_artefact_is_described_with_its_notebook():
    said = {}
    for row in table_with(text_of(ROOT / "docs/reproducing.md"), "artefact", "notebook", "what"):
        said |= dict.fromkeys(codes(row[0]), row[1])
    assert said == {name: notebook[:2] for name, notebook in WRITERS.items()}, "docs/reproducing.md: its artefacts"


def test_every_document_is_found_from_the_readme():
    """A page that nothing links to or names is not read."""
    seen, left = set(), ["README.md"]
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        text = text_of(ROOT / name)
        named = [t.split("#")[0] for t in links(text)] + [c for c in codes(text) if c.endswith(".md")]
        for target in filter(None, named):
            for base in ((ROOT / name).parent, ROOT):
                place = (base / target).resolve()
                if place in DOCUMENTS:
                    left.append(str(place.relative_to(ROOT)))
    lost = set(NAMES) - seen
    assert not lost, f"link these from README.md or a page that it links to: {', '.join(sorted(lost))}"


def test_make_is_there():
    assert shutil.which("make")
