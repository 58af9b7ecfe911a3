"""The package's and the notebooks' syntax trees: nothing needs what Windows lacks, and each text names its encoding."""

import ast
import json
import re

import pytest
from windows import LACKING, POSIX

from fashion.core.paths import project_root

ROOT = project_root()
#: Forks, after it told Windows that it cannot.
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
