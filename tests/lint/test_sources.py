"""Syntax trees: nothing needs what Windows lacks, each text names its encoding, one formatter writes numbers."""

import ast
import json
import re
from itertools import pairwise

import pytest
from documents import DOCUMENTS
from windows import LACKING, POSIX

from fashion.core.paths import project_root

ROOT = project_root()
#: The shop's workers fork, after they have refused Windows.
LINUX_ONLY = {"workers.py"}


def python_of(path):
    """The Python of a module, or of a notebook's cells of code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


SOURCES = [*sorted((ROOT / "fashion").rglob("*.py")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]


def guarded(tree):
    """Nodes below a `try`, a conditional expression or an `if`/`and` that asks for what Windows lacks."""
    found = set()
    for node in ast.walk(tree):
        asks = isinstance(node, ast.Try) or (
            isinstance(node, ast.If | ast.IfExp | ast.BoolOp) and re.search("hasattr|os.name", ast.unparse(node))
        )
        if asks:
            found |= {id(inner) for inner in ast.walk(node)}
    return found


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name not in LINUX_ONLY], ids=lambda path: path.stem)
def test_nothing_needs_what_windows_lacks(path):
    tree = ast.parse(python_of(path))
    safe = guarded(tree)
    for node in ast.walk(tree):
        if id(node) in safe:
            continue
        if isinstance(node, ast.Import):
            assert not POSIX & {alias.name for alias in node.names}, f"{path}: {ast.unparse(node)}"
        elif isinstance(node, ast.ImportFrom):
            assert node.module not in POSIX, f"{path}: {ast.unparse(node)}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("os", "signal"):
            assert node.attr not in LACKING, f"{path}:{node.lineno}: {ast.unparse(node)}"
            # os.kill(process, 0) asks on Linux and ends the process on Windows.
            assert (node.value.id, node.attr) != ("os", "kill"), f"{path}:{node.lineno}"


def unnamed(code):
    """Calls that open text without naming its encoding: files, and the pipes of other programs."""
    tree = ast.parse(code)
    ours = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}  # `fashion.open` opens no file
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") in ours:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        given = {keyword.arg for keyword in node.keywords}
        texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        modes = [text for text in texts if re.fullmatch("[rwaxbt+]+", text)]
        if name == "open" and not re.search("Image|zip|file$", owner):
            wrong = not any("b" in mode for mode in modes) and "encoding" not in given
        elif name in ("read_text", "write_text"):
            wrong = "encoding" not in given and not {"utf-8", "utf-8-sig"} & set(texts)
        else:
            wrong = bool(given & {"text", "universal_newlines"}) and "encoding" not in given
        if wrong:
            yield f"{node.lineno}: {ast.unparse(node)[:100]}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_text_names_its_encoding(path):
    assert list(unnamed(python_of(path))) == []


def test_a_text_without_its_encoding_is_found():
    wrong = ["open('a')", "path.open('w')", "path.read_text()", "subprocess.run(x, text=True)"]
    assert len(list(unnamed("\n".join(wrong)))) == len(wrong)
    assert list(unnamed("open('a', 'rb')\npath.read_text(encoding='utf-8')\nImage.open(path)")) == []


#: Texts whose numbers are typed by hand.
TEXTS = [*DOCUMENTS, ROOT / "CHANGELOG.md", *sorted((ROOT / "notebooks").glob("*.ipynb"))]
#: Per cent with any space before it.
SPACED = re.compile(r"\d\s%(?![\w(])")
#: What prints numbers for readers; `numerals` is the one place that formats them.
PRINTING = [
    path
    for path in [*SOURCES, *sorted((ROOT / "tools").glob("*.py")), *sorted((ROOT / "benchmarks").glob("*.py"))]
    if path != ROOT / "fashion" / "core" / "numerals.py"
]


def bypasses(code, digits=True):
    """Strings that format a share, cosine or p-value themselves, or write per cent with a space.

    Looked at: format specs of f-strings, of templates for `str.format`, of `format` and of `%`. Of benchmarks (`digits`
    False), whose ratios and milliseconds have digits of their own, per cent alone.
    """
    own = r"%$|\.[2-4]f$" if digits else "%$"
    old = r"%[-+ ]?[\d.]*[fg]" if digits else r"%[-+ ]?[\d.]*[fg]%%"
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            spec = ast.unparse(node.format_spec)[2:-1]
            if re.search(own, spec) or re.search("p_value|p_holm", ast.unparse(node.value)):
                yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "format" and len(node.args) == 2:
            if isinstance(node.args[1], ast.Constant) and re.search(own, str(node.args[1].value)):
                yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
            if isinstance(node.left.value, str) and re.search(old, node.left.value):
                yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Constant | ast.JoinedStr):
            for part, after in pairwise(getattr(node, "values", [])):
                text = str(getattr(after, "value", ""))
                if isinstance(part, ast.FormattedValue) and part.format_spec is not None and text.startswith("%"):
                    yield f"{node.lineno}: {ast.unparse(node)}"
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "0" for part in parts)
            specs = re.findall(r"\{[\w.\[\]]*:([^{}]+)\}", text)
            if any(re.search(own, spec) for spec in specs) or SPACED.search(text):
                yield f"{node.lineno}: {text[:100]!r}"


@pytest.mark.parametrize("path", PRINTING, ids=lambda path: path.stem)
def test_numbers_for_readers_come_from_numerals(path):
    found = list(bypasses(python_of(path), digits="benchmarks" not in path.parts))
    assert found == [], f"{path}: format these by fashion.core.numerals, whose docstring has the rules"


def test_a_number_that_bypasses_numerals_is_found():
    wrong = [
        'f"{share:.0%} of the items"', 'f"{share:+.1%}"', 'f"p = {p_value:.2g}"', "f\"{d['p_holm']:.1f}\"",
        'f"V = {v:.3f}"', '"{score:.2f}".format', '"{:.3f}".format', '"{uneven:.0%} of the border"',
        'f"{share} % of it"', '"95 % intervals"', 'f"{100 * share:.0f}%"', '"%.3f" % cosine', 'format(v, ".3f")',
    ]  # fmt: skip
    assert [len(list(bypasses(line))) for line in wrong] == [1] * len(wrong)
    right = ['f"{percent(share)} of {n:,} in {seconds:.1f} s"', 'f"{a:>{width}}"', "number % 2", '"95% intervals"']
    assert not [found for line in right for found in bypasses(line)]
    assert not list(bypasses('f"{seconds:.2f}"', digits=False))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_documents_write_per_cent_without_a_space(path):
    assert not [line for line in path.read_text(encoding="utf-8").splitlines() if SPACED.search(line)]
