"""The package's code that makes a result: the modules that a piece of code needs, and a checksum of them."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from fashion.core.checksums import sha256_bytes, sha256_file, sha256_json
from fashion.core.errors import ReportError

#: The package's name, and its folder, wherever in it this module lies.
PACKAGE = __name__.partition(".")[0]

FOLDER = Path(__file__).resolve().parents[__name__.count(".") - 1]

#: What a package's `__init__.py` binds to offer names, and does not act by.
FACE_NAMES = {"__getattr__", "__dir__", "__all__", "__version__"}


@cache
def _module_file(name: str) -> Path | None:
    """The file of a module of the package, by its full dotted name; a package's is its `__init__.py`."""
    package, *parts = name.split(".")
    if package != PACKAGE or not all(part.isidentifier() for part in parts):
        return None
    path = FOLDER.joinpath(*parts)
    files = [path / "__init__.py"] + [path.with_suffix(".py")] * bool(parts)
    return next((file for file in files if file.is_file()), None)


@cache
def _module_code(name: str) -> str | None:
    path = _module_file(name)
    return path.read_text(encoding="utf-8") if path else None


def _is_package(name: str) -> bool:
    path = _module_file(name)
    return path is not None and path.name == "__init__.py"


def _unknown(name: str, where: str) -> ReportError:
    return ReportError(
        f"expected a module of {PACKAGE}; found no {name}, which {where} names. Correct the name there: what was made "
        "is kept by the code that made it, so the code must be known."
    )


def _only_for_types(node: ast.stmt) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`, whose body never runs."""
    test = getattr(node, "test", None)
    named = (isinstance(test, ast.Name) and test.id) or (isinstance(test, ast.Attribute) and test.attr)
    return isinstance(node, ast.If) and named == "TYPE_CHECKING"


class _References(ast.NodeVisitor):
    """References to the package in a piece of Python, as they are written; `_reached` resolves them.

    Parameters
    ----------
    package : str
        To which relative imports are relative; empty where there are none.
    face : bool
        The piece is a package's `__init__.py`. Its `__getattr__` loads what others ask for, not what it needs.
    """

    def __init__(self, package: str = "", face: bool = False) -> None:
        self.package, self.face = package, face
        self.modules: set[str] = set()  # imported
        self.names: set[tuple[str, str]] = set()  # (module, name) of `from module import name`
        self.prefixes: set[str] = set()  # how the names of modules begin that are put together when the code runs
        self.strings: set[str] = set()
        self.bound: set[tuple[str, str]] = set()  # (name in the code, dotted name) of each import
        self.chains: set[tuple[str, ...]] = set()  # (name in the code, attribute, attribute of that, ...)
        self.bare: set[str] = set()  # names that stand alone, and may be used by another name afterwards

    def visit_If(self, node: ast.If) -> None:
        for child in node.orelse if _only_for_types(node) else [node.test, *node.body, *node.orelse]:
            self.visit(child)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.bare.add(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if not (self.face and node.name in FACE_NAMES):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.split(".")[0] == PACKAGE:
                self.modules.add(alias.name)
                self.bound.add((alias.asname, alias.name) if alias.asname else (PACKAGE, PACKAGE))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = _absolute(node, self.package)
        if module.split(".")[0] == PACKAGE:
            for alias in node.names:
                self.names.add((module, alias.name))
                self.bound.add((alias.asname or alias.name, f"{module}.{alias.name}"))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        names, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.chains.add((inner.id, *reversed(names)))
        else:
            self.visit(inner)

    def visit_Call(self, node: ast.Call) -> None:
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in ("import_module", "__import__") and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and str(name.value).split(".")[0] == PACKAGE:
                self.modules.add(str(name.value))
            elif isinstance(name, ast.JoinedStr) and name.values and isinstance(name.values[0], ast.Constant):
                begin = str(name.values[0].value)
                self.prefixes |= {begin} if begin.startswith(f"{PACKAGE}.") else set()
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.strings.add(node.value)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The full name of the module in `from module import ...`, which may be relative to `package`."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


@cache
def _references(code: str, package: str = "", face: bool = False) -> _References:
    references = _References(package, face)
    references.visit(ast.parse(code))
    return references


def _references_of(name: str) -> _References:
    is_package = _is_package(name)
    return _references(_module_code(name) or "", name if is_package else name.rpartition(".")[0], is_package)


def face_of(package: str) -> dict[str, str]:
    """The names that a package offers without loading them: name -> the module that is its home.

    They are read, not imported: from the imports under `if TYPE_CHECKING:` in its `__init__.py`, from those in its
    `__init__.pyi`, and from what it gives to lazy_loader's `attach`.
    """
    file = _module_file(package)
    stub = file.with_name("__init__.pyi") if file else None
    texts = [_module_code(package) or "", stub.read_text(encoding="utf-8") if stub and stub.is_file() else ""]
    return dict(_face(package, *texts)) if _is_package(package) else {}


@cache
def _face(package: str, code: str, stub: str) -> tuple[tuple[str, str], ...]:
    face: dict[str, str] = {}
    tree = ast.parse(code)
    typed = [line for node in tree.body if isinstance(node, ast.If) and _only_for_types(node) for line in node.body]
    for line in typed + ast.parse(stub).body:
        if isinstance(line, ast.ImportFrom):
            home = _absolute(line, package)
            for alias in line.names:
                inner = f"{home}.{alias.name}"
                face[alias.asname or alias.name] = inner if _module_code(inner) is not None else home
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "attach":
            given = dict(zip(["submodules", "submod_attrs"], node.args[1:], strict=False))
            given |= {word.arg: word.value for word in node.keywords if word.arg}
            try:
                tables = {key: ast.literal_eval(value) or () for key, value in given.items()}
            except ValueError:
                raise ReportError(
                    f"expected plain tables of names in what {package} gives to `attach`; found something computed. "
                    "Write the names there as they are: keys of kept results follow them without running the code."
                ) from None
            face |= {name: f"{package}.{name}" for name in tables.get("submodules", ())}
            homes = dict(tables.get("submod_attrs", ()))
            face |= {name: f"{package}.{home}" for home, names in homes.items() for name in names}
    return tuple(face.items())


@cache
def _own_names(code: str) -> set[str]:
    """Names that a piece of Python itself binds: by import, assignment, `def` or `class`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _reached(references: _References, where: str) -> set[str]:
    """The modules that references lead to, by full name."""
    modules = set(references.modules)
    for module, name in references.names:
        modules.add(module)
        inner, face = f"{module}.{name}", face_of(module)
        if name == "*":
            modules.update(face.values())
            continue
        if name in face:
            modules.add(face[name])
        if _module_code(inner) is not None:
            modules.add(inner)
        elif _is_package(module) and name not in face and name not in _own_names(_module_code(module) or ""):
            raise _unknown(inner, where)
    homes = {(short, full) for short, full in references.bound if _module_code(full) is not None}
    for short, full in homes:
        modules.update(*(_along(full, chain[1:]) for chain in references.chains if chain[0] == short))
        if short in references.bare:  # passed on or given another name: all that it offers may be used
            modules.update(face_of(full).values())
    for prefix in references.prefixes:
        modules.update(name for name in all_modules() if name.startswith(prefix))
    return modules


def _along(module: str, attributes: Iterable[str]) -> set[str]:
    """The modules that an expression such as `fashion.web.shop` reaches, from `module` on."""
    modules: set[str] = set()
    for attribute in attributes:
        inner, home = f"{module}.{attribute}", face_of(module).get(attribute)
        modules |= {home} if home else set()
        if _module_code(inner) is None:
            break
        modules.add(inner)
        module = inner
    return modules


@cache
def all_modules() -> list[str]:
    """Every module and package of the package by its full name, sorted."""
    names = []
    for path in FOLDER.rglob("*.py"):
        parts = path.relative_to(FOLDER).with_suffix("").parts
        names.append(".".join([PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts)]))
    return sorted(names)


def _closure(waiting: dict[str, str]) -> list[str]:
    """`waiting` (a module's full name -> what names it) and all that these need, sorted."""
    needed: set[str] = set()
    while waiting:
        name, where = waiting.popitem()
        if name in needed:
            continue
        if _module_code(name) is None:
            raise _unknown(name, where)
        needed.add(name)
        if "." in name:  # importing a.b.c runs a and a.b
            waiting[name.rpartition(".")[0]] = name
        waiting |= dict.fromkeys(_reached(_references_of(name), name), name)
    return sorted(needed)


def code_closure(code: str, where: str = "the code") -> list[str]:
    """Modules of the package that a piece of code needs, directly or through others.

    Imports count wherever they stand, also in functions, but not under `if TYPE_CHECKING:`, as these never run. Of a
    package that loads its names when they are used, only the homes of the names that are used count. What
    `import_module` is given as an f-string may be any module that begins so; a wholly computed name is not seen.

    Parameters
    ----------
    code : str
        Python.
    where : str
        What it is called in an error.

    Returns
    -------
    list of str
        Full dotted names, sorted; with a module go the packages that it lies in.

    Raises
    ------
    ReportError
        When the code, or what it needs, names a module that there is not.
    """
    return _closure(dict.fromkeys(_reached(_references(code), where), where))


def closure_of(*makers: str | ModuleType | Callable[..., Any]) -> list[str]:
    """Modules of the package that modules or functions need, with their own.

    Parameters
    ----------
    *makers : str, module, or function
        What makes an artefact: a module or its full dotted name, or a function or class, which stands for its module.

    Returns
    -------
    list of str
        As `code_closure`.

    Raises
    ------
    ReportError
        As `code_closure`.
    """
    names = [
        maker if isinstance(maker, str) else maker.__name__ if isinstance(maker, ModuleType) else maker.__module__
        for maker in makers
    ]
    return _closure(dict.fromkeys(names, "a key"))


@cache
def meaning(code: str) -> str:
    """Python reduced to what it does: without comments, docstrings, line breaks, imports for types alone."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            # also the text below a constant or a field, which is its docstring
            node.body = [
                line for line in node.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            ]
    tree.body = [line for line in tree.body if not (_only_for_types(line) and not getattr(line, "orelse", None))]
    return ast.dump(tree)


def _without_face(code: str) -> str:
    """A package's `__init__.py` without the table of the names that it offers: that says where things lie, no more.

    The closure follows the names that are used to their homes: another home is seen there.
    """
    tree = ast.parse(code)
    kept = []
    for line in tree.body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        names = {node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name)}
        private = isinstance(getattr(line, "value", None), ast.Dict) and all(name.startswith("_") for name in names)
        table = names and (names <= FACE_NAMES or private)
        if not (table or getattr(line, "name", "") in FACE_NAMES):
            kept.append(line)
    tree.body = kept
    return ast.unparse(tree)


@cache
def _code_checksum_of(code: str, face: bool) -> str:
    return sha256_bytes(meaning(_without_face(code) if face else code).encode())


def data_files(module: str) -> list[Path]:
    """Files other than Python that a module names: in a folder such as templates/ beside it.

    A string in the module that names such a file or folder counts, or one that begins with it; so does what lies so in
    another package of ours that a string names, as `importlib.resources.files` takes it.
    """
    file = _module_file(module)
    return list(_named_files(file, _references_of(module))) if file else []


@cache  # for the life of the process, as modules are
def _named_files(file: Path, references: _References) -> tuple[Path, ...]:
    strings = references.strings
    named = [other for name in strings if (other := _module_file(name)) and _is_package(name)]
    paths: set[Path] = set()
    for folder in {file.parent, *(other.parent for other in named)}:
        for text in strings:
            first = text.split("/")[0]
            place = folder / first
            if first in ("", ".", "..", "__pycache__") or len(first) > 99 or not re.fullmatch(r"[\w.-]+", first):
                continue
            if place.is_dir() and not (place / "__init__.py").exists():
                paths.update(path for path in place.rglob("*") if path.is_file())
            elif place.is_file():
                paths.add(place)
    return tuple(sorted(path for path in paths if path.suffix not in (".py", ".pyc", ".pyi")))


def code_of(modules: Iterable[str]) -> str:
    """One checksum of what modules of the package do, and of the files that they fill or show, such as templates.

    Parameters
    ----------
    modules : iterable of str
        Full dotted names, as `closure_of` gives them.

    Raises
    ------
    ReportError
        For a module that there is not.
    """
    checksums = {}
    for name in modules:
        text = _module_code(name)
        if text is None:
            raise _unknown(name, "a key")
        checksums[name] = _code_checksum_of(text, _is_package(name))
        checksums |= {path.relative_to(FOLDER).as_posix(): sha256_file(path) for path in data_files(name)}
    return sha256_json(checksums)


def code_checksum(notebook: Path) -> str:
    """One checksum of what a notebook's code cells do, and of every module of the package that they need.

    Text and comments do not count: they are renewed without running anything (`runner.renew_text`).
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [
        (cell_meaning("".join(cell["source"])), sorted(cell["metadata"].get("tags", [])))
        for cell in cells
        if cell["cell_type"] == "code"
    ]
    return sha256_json([code, code_of(notebook_closure(notebook))])


def cell_meaning(cell: str) -> str:
    """The meaning of a code cell: as `meaning`, with its last line's value and the `;` that hides it.

    A cell with shell or magic lines counts as it is written.
    """
    try:
        tree = ast.parse(cell)
    except (SyntaxError, ValueError):
        return cell
    last = ast.unparse(tree.body[-1]) if tree.body and isinstance(tree.body[-1], ast.Expr) else ""
    silent = {tokenize.COMMENT, tokenize.NEWLINE, tokenize.NL, tokenize.DEDENT, tokenize.ENDMARKER}
    words = [word.string for word in tokenize.generate_tokens(io.StringIO(cell).readline) if word.type not in silent]
    return f"{meaning(cell)}\n{last}\n{words[-1:] == [';']}"


def notebook_closure(notebook: Path) -> list[str]:
    """Modules of the package that a notebook's cells need; as `code_closure`."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [_as_python("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    return code_closure("\n".join(text for text in code if text is not None), notebook.name)


def _as_python(cell: str) -> str | None:
    """A cell's Python without shell and magic lines; None where it is not valid."""
    plain = re.sub(r"^([ \t]*)(?:[%!?]|[\w, ]+=\s*[%!]).*$", r"\1pass", cell, flags=re.MULTILINE)
    for text in (cell, plain):
        try:
            ast.parse(text)
            return text
        except (SyntaxError, ValueError):
            continue
    return None
