"""docs/commands.md names every make target and variable, every option of `fashion`, and every environment variable."""

import ast
import os
import re
import shlex
import subprocess
from dataclasses import fields

import pytest
from documents import ROOT, codes, table_with, text_of

from fashion.cli.main import build_parser
from fashion.report.steps import Settings
from tools.write_commands_page import renew, subcommands, targets, variables

PAGE = ROOT / "docs/commands.md"
MAKEFILE = text_of(ROOT / "Makefile")
AGAIN = "run `python -m tools.write_commands_page`"


def test_the_page_is_in_step_with_makefile_and_parser():
    assert renew(text_of(PAGE), MAKEFILE, build_parser()) == text_of(PAGE), f"docs/commands.md is out of date: {AGAIN}"


def test_every_target_says_what_it_does():
    phony = set(re.search(r"^\.PHONY: (.+)$", MAKEFILE, flags=re.MULTILINE)[1].split())
    defined = set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, flags=re.MULTILINE))
    assert defined == phony, "a target of the Makefile is not in .PHONY, or the other way round"
    silent = defined - set(targets(MAKEFILE))
    assert not silent, f"write `## what it does` behind the target and its needs: {', '.join(sorted(silent))}"


def test_every_variable_that_a_user_may_set_is_explained_and_used():
    used = set(re.findall(r"\$\(([A-Z_]+)\)|\$\(if \$\(([A-Z_]+)\)", MAKEFILE))
    used = {name for pair in used for name in pair if name}
    own = set(re.findall(r"^([A-Z_]+) *:?= ", MAKEFILE, flags=re.MULTILINE))
    explained = set(variables(MAKEFILE))
    to_set = used - own - {"MAKEFILE_LIST", "MAKE", "CATALOG", "COLOR_WEIGHT"}
    assert to_set - explained == set(), (
        f"add a line `#? NAME=value   what` at the Makefile's head, then {AGAIN}: {', '.join(to_set - explained)}"
    )
    assert explained - to_set == set(), f"explained in the Makefile, but used nowhere: {', '.join(explained - to_set)}"
    assert len(variables(MAKEFILE)) == len(re.findall(r"^#\?", MAKEFILE, flags=re.MULTILINE)), "a line #? is malformed"


def test_makefile_knows_every_setting_and_no_other():
    names = {field.name for field in fields(Settings) if field.metadata["group"]}
    recipe = re.search(r"^CLOTHES = (.+\n)+?(?=\n)", MAKEFILE, flags=re.MULTILINE)[0]
    assert {name.replace("-", "_") for name in re.findall(r"--([a-z-]+)", recipe)} == names
    assert set(re.findall(r"\$\(if \$\(([A-Z_]+)\)", recipe)) | {"CATALOGUE"} == {
        *(name.upper() for name in names), "VECTORS"  # another word for BACKBONE
    }  # fmt: skip
    assert {name.upper() for name in names} <= set(variables(MAKEFILE))


@pytest.mark.parametrize(
    "target", ["report", "add", "verify", "deck", "compare", "sweep", "serve", "distribute", "doctor", "data"]
)
def test_no_variable_gives_a_command_an_option_that_it_does_not_know(target, tmp_path):
    values = {name: "1" for name in variables(MAKEFILE)} | {"BACKBONE": "auto", "RUNTIME": "auto", "PYTHON": "python3"}
    values |= {"ENGINE": "http://localhost:6333"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    (tmp_path / "bin").mkdir()
    for name in ("bin/fashion", "stamp"):  # an environment that is newer than the lock: nothing is to be set up
        (tmp_path / name).touch(0o755)
    places = [f"VENV={tmp_path}", f"STAMP={tmp_path / 'stamp'}"]
    command = ["make", "-n", target, *places, *(f"{name}={value}" for name, value in values.items())]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=clean, check=True).stdout
    calls = re.findall(r"bin/fashion ((?:[^;\\\n]|\\\n)+)", said)
    parsed = build_parser().parse_args(shlex.split(calls[-1].replace("\\\n", " ")))
    assert parsed.command == target and getattr(parsed, "catalogue", "1") == "1"


def test_variables_may_be_spelt_as_americans_do():
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "-n", "-o", ".venv/.made-from-lock", "report", "CATALOG=hm", "COLOR_WEIGHT=0.7"]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=clean, check=True).stdout
    assert '--catalogue "hm"' in said and '--colour-weight "0.7"' in said


def test_bare_make_prints_all_of_it():
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(["make"], capture_output=True, text=True, cwd=ROOT, env=clean, check=True).stdout
    for target, meaning in targets(MAKEFILE).items():
        assert re.search(rf"^  make {target} +{re.escape(meaning)}$", said, flags=re.MULTILINE), target
    for name, (values, meaning) in variables(MAKEFILE).items():
        assert re.search(rf"^  {name}={re.escape(values)} +{re.escape(meaning)}$", said, flags=re.MULTILINE), name


def test_every_option_says_what_it_does():
    for name, parser in subcommands(build_parser()).items():
        for action in parser._actions:
            wordy = len((action.help or "").split()) >= 2
            assert wordy, (
                f"fashion {name} {'/'.join(action.option_strings) or action.dest}: give it a `help` of some words"
            )
        assert "examples:" in (parser.epilog or ""), f"fashion {name} has no examples"


def test_a_new_option_puts_the_page_out_of_step():
    parser = build_parser()
    subcommands(parser)["deck"].add_argument("--gold", metavar="G", help="a | b <c>")
    changed = renew(text_of(PAGE), MAKEFILE, parser)
    assert changed != text_of(PAGE) and "| `--gold G` | a \\| b &lt;c> |" in changed
    assert renew(changed, MAKEFILE, build_parser()) == text_of(PAGE)


# -- environment variables --------------------------------------------------------------------------------


def constants(tree):
    """Names that a module gives to texts."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def name_of(node, names):
    """The text that an expression stands for: a constant, a name for one, or an f-string of both; None for others."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.JoinedStr):
        parts = [name_of(part.value if isinstance(part, ast.FormattedValue) else part, names) for part in node.values]
        return None if None in parts else "".join(parts)
    return None


def is_environ(node):
    return isinstance(node, ast.Attribute) and node.attr == "environ"


def environment_variables(source):
    """Variables that a module reads or sets by name."""
    tree = ast.parse(source)
    names, found = constants(tree), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and is_environ(node.value):
            found.add(name_of(node.slice, names))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if is_environ(node.func.value) or node.func.attr == "getenv":
                found.add(name_of(node.args[0], names))
        elif isinstance(node, ast.AugAssign) and is_environ(node.target) and isinstance(node.value, ast.Dict):
            found |= {name_of(key, names) for key in node.value.keys}
    return found - {None}


def test_the_search_sees_every_way_of_asking():
    source = """
import os
V = "B"
os.environ.get("A"); os.environ[V]; os.environ.setdefault(f"{V}_C", "1"); os.getenv("D"); os.environ |= {"E": "1"}
for name in ("F",): os.environ.pop(name)
{}.get("G")
"""
    assert environment_variables(source) == {"A", "B", "B_C", "D", "E"}


def test_every_environment_variable_is_documented():
    read = set()
    for path in sorted((ROOT / "fashion").rglob("*.py")):
        read |= environment_variables(path.read_text(encoding="utf-8"))
    rows = table_with(text_of(PAGE).split("## Environment variables")[1], "variable", "what")
    said = {code for row in rows for code in codes(row[0])}
    assert {"FASHION_ROOT", "KERAS_HOME", "FASHION_RESNET50_URL"} <= read
    assert read - said == set(), f"add to docs/commands.md, Environment variables: {', '.join(sorted(read - said))}"
    assert said - read == set(), f"in docs/commands.md, but read nowhere: {', '.join(sorted(said - read))}"
