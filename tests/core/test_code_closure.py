"""A change of code or data is seen; a change elsewhere is not."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
from fresh_process import fresh_processes, said_in

import fashion
from fashion.attributes import training
from fashion.catalogue.source import open_source
from fashion.core import code_closure
from fashion.core.errors import ReportError
from fashion.embedding import backbones, distributed, extraction, runtimes
from fashion.photos import descriptors, images, measures, metadata
from fashion.report import build
from fashion.report.steps import STEPS


def notebook(path, code, text="# Title"):
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_closure_follows_imports():
    needed = code_closure.closure_of(extraction)
    assert {"fashion", "fashion.embedding", "fashion.photos.images", "fashion.embedding.torch_weights"} <= set(needed)
    assert "fashion.report" not in needed and "fashion.plots.map" not in needed
    assert code_closure.code_closure("import numpy") == []
    assert "fashion.core.colour" in code_closure.code_closure("def f():\n    from fashion.core.colour import delta_e")
    assert {"fashion.web", "fashion.web.shop"} <= set(code_closure.code_closure("from fashion.web.shop import Shop"))


#: A package as it may become: foundations in a folder, a face, imports of every kind.
TREE = {
    "__init__.py": """
import lazy_loader
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["projection"], submod_attrs={"study": ["open", "Study"], "core.colour": ["mix"]})
__version__ = "1"
""",
    "core/__init__.py": "",
    "core/colour.py": "def mix(): ...",
    "study.py": "from .catalogue import table\nfrom fashion.core.colour import mix\ndef open(): ...\nclass Study: ...",
    "catalogue/__init__.py": "from fashion.catalogue.table import read",
    "catalogue/table.py": "from ..core import colour\ndef read(): ...",
    "catalogue/words.py": "WORDS = []",
    "embedding/__init__.py": """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from .networks import Network
def __getattr__(name):
    import importlib
    return getattr(importlib.import_module(f"fashion.embedding.{name.lower()}s"), name)
""",
    "embedding/networks.py": """
import typing
if typing.TYPE_CHECKING:
    from fashion.study import Study
else:
    from . import weights as kept
class Network: ...
""",
    "embedding/weights.py": "",
    "projection/__init__.py": "import lazy_loader\n"
    "__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)",
    "projection/__init__.pyi": "from .tsne import tsne as tsne\nfrom .page import write as write",
    "projection/tsne.py": "def tsne(): ...",
    "projection/page.py": "from importlib.resources import files\ndef write(): return files(__package__) / 'templates'",
    "projection/templates/map.js": "let x = 1;",
    "projection/templates/deep/map.css": "a {}",
    "web/__init__.py": "",
    "web/static/map.js": "",
    "web/shop.py": "import fashion.projection as p\ndef page():\n    return p.write('static/map.js')",
}


def children(*names):
    return {f"fashion.{name}" for name in names}


STUDY = children("study", "catalogue", "catalogue.table", "core", "core.colour")
#: Code -> the modules of `TREE` that it needs, besides `fashion`.
NEEDS = {
    "import fashion": set(),
    "import fashion\nfashion.mix()": children("core", "core.colour"),
    "import fashion as f\ndef g():\n    return f.open('sample').items": STUDY,
    "from fashion import Study as S": STUDY,
    "import fashion\nfashion.projection.tsne(1)": children("projection", "projection.tsne"),
    "from fashion import projection": children("projection"),
    "from fashion import projection as p\np.write": children("projection", "projection.page"),
    "from fashion.projection import *": children("projection", "projection.tsne", "projection.page"),
    "import fashion.catalogue.words": children("catalogue", "catalogue.table", "core", "core.colour",
                                               "catalogue.words"),
    "import fashion.catalogue.words as w": children("catalogue", "catalogue.table", "core", "core.colour",
                                                    "catalogue.words"),
    "from fashion.catalogue import read": children("catalogue", "catalogue.table", "core", "core.colour"),
    "from fashion.embedding import Network": children("embedding", "embedding.networks", "embedding.weights"),
    "import importlib\nimportlib.import_module('fashion.embedding.weights')": children("embedding",
                                                                                       "embedding.weights"),
    "from importlib import import_module\nimport_module(f'fashion.embedding.{x}')": children(
        "embedding", "embedding.networks", "embedding.weights"),
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from fashion.study import Study": None,
    "from fashion.web import shop": children("web", "web.shop", "projection", "projection.page"),
}  # fmt: skip
UNKNOWN = ["import fashion.nothing", "from fashion.core.nothing import x", "from fashion import nothing",
           "from fashion.catalogue import nothing", "import fashion.core.colour.mix"]  # fmt: skip

CHILD = """
import json, sys
OURS = {f"fashion.core.{name}" for name in ("code_closure", "checksums", "errors")}
from fashion.core import code_closure as p
from fashion.core.errors import ReportError
needs, unknown = json.load(sys.stdin)
def said(code):
    try:
        return p.code_closure(code, "notebook 09")
    except ReportError as error:
        return str(error)
print(json.dumps({
    "needs": [p.code_closure(code) for code in needs], "unknown": [said(code) for code in unknown],
    "files": {name: [file.name for file in p.data_files(name)] for name in p.all_modules()},
    "keys": {name: p.code_of(p.closure_of(name)) for name in p.all_modules() if name not in OURS},
}))
"""


@pytest.fixture
def tree(tmp_path):
    """`TREE` on disk, with this project's code_closure.py in its core; a function that asks it in a process."""
    for name, text in TREE.items():
        file = tmp_path / "fashion" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for name in ("code_closure", "checksums", "errors"):
        shutil.copy(code_closure.FOLDER / f"core/{name}.py", tmp_path / f"fashion/core/{name}.py")

    def ask(needs=(), unknown=()):
        return json.loads(in_process(CHILD, tmp_path, json.dumps([list(needs), list(unknown)])))

    ask.folder = tmp_path / "fashion"
    return ask


def in_process(code, root, given=""):
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, input=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_closure_sees_sub_packages_faces_and_every_kind_of_import(tree):
    said = tree(NEEDS, UNKNOWN)
    for (code, needed), got in zip(NEEDS.items(), said["needs"], strict=True):
        assert set(got) == (set() if needed is None else needed | {"fashion"}), code
    for code, message in zip(UNKNOWN, said["unknown"], strict=True):
        assert re.match(r"expected a module of fashion; found no fashion\.\S+, which notebook 09 names", message), code


def test_keys_follow_files_that_a_module_fills_but_not_a_face(tree):
    before = tree()
    assert before["files"]["fashion.projection.page"] == ["map.css", "map.js"]
    assert before["files"]["fashion.web.shop"] == ["map.js"] and before["files"]["fashion.study"] == []
    changes = {
        "projection/templates/map.js": {"projection.page", "web.shop"},
        "web/static/map.js": {"web.shop"},
        "core/colour.py": {"core.colour", "study", "catalogue", "catalogue.table", "catalogue.words"},
        "catalogue/__init__.py": {"catalogue", "catalogue.table", "catalogue.words", "study"},
    }
    for name, changed in changes.items():
        file = tree.folder / name
        text = file.read_text()
        file.write_text(text + "\nlet = 2\n")
        after = tree()["keys"]
        assert {n for n, key in after.items() if before["keys"][n] != key} == {f"fashion.{n}" for n in changed}, name
        file.write_text(text)
    face = tree.folder / "__init__.py"
    face.write_text(face.read_text().replace('["open", "Study"]', '["open", "Study", "more"]').replace('"1"', '"2"'))
    assert tree()["keys"] == before["keys"], "a name more in the face changes no result"
    face.write_text(face.read_text() + "\nimport os\nos.environ['X'] = '1'\n")
    assert all(key != before["keys"][name] for name, key in tree()["keys"].items()), "what the face does, all import"


def test_a_face_that_is_computed_is_an_error(tree):
    (tree.folder / "core/other.py").write_text("from fashion.projection import tsne")
    (tree.folder / "projection/__init__.py").write_text("def attach(*a): ...\nTABLE = {}\nattach(__name__, TABLE)")
    with pytest.raises(AssertionError, match="expected plain tables of names in what"):
        tree(["import fashion.core.other"])


@pytest.mark.parametrize(
    "code",
    ["e = embedding\ne.backbones.load_backbone()", "(lambda m: m.features)(embedding)", "getattr(embedding, 'x')"],
)
def test_a_chapter_that_is_passed_on_counts_with_all_that_it_offers(code):
    needed = code_closure.code_closure(f"from fashion import embedding\n{code}")
    assert set(code_closure.face_of("fashion.embedding").values()) <= set(needed)


def test_every_public_name_is_known_to_the_closure_by_its_home():
    homes = code_closure.face_of("fashion")
    assert sorted(homes) == sorted(fashion.__all__)
    for name, home in homes.items():
        assert getattr(fashion, name).__module__ == home
        assert home in code_closure.code_closure(f"import fashion\nfashion.{name}")


def test_every_data_file_of_the_package_is_seen_by_a_module():
    seen = {path for name in code_closure.all_modules() for path in code_closure.data_files(name)}
    files = {path for path in code_closure.FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in files - seen if path.suffix not in (".py", ".pyi") and path.name != "py.typed"} == set()


@pytest.fixture(scope="module")
def loaded():
    with fresh_processes() as modules_after:
        yield modules_after


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.number)
def test_what_a_notebook_imports_lies_in_its_closure(step, loaded):
    cells = [cell.source for cell in nbformat.read(step.path, as_version=4).cells if cell.cell_type == "code"]
    nodes = list(ast.walk(ast.parse("\n".join(cells))))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    bound = {alias.asname or alias.name.split(".")[0] for node in imports for alias in node.names}
    # What a chapter offers by name is loaded when the name is used.
    used = [node for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node).split(".")[0] in bound]
    found = loaded("\n".join(ast.unparse(node) for node in [*imports, *used] if "(" not in ast.unparse(node)))
    assert len(found) > 5 and found <= set(code_closure.notebook_closure(step.path))


@pytest.mark.parametrize(
    "makers",
    [(images.decode, backbones.Backbone), (measures.measure, descriptors.describe), (runtimes,), (extraction,),
     (distributed,), (training,), (build,), ("fashion.web.app",)],
    ids=lambda makers: str(getattr(makers[-1], "__name__", makers[-1])),
)  # fmt: skip
def test_what_makes_an_artefact_imports_no_more_than_its_closure(makers, loaded):
    names = [m if isinstance(m, str) else getattr(m, "__module__", m.__name__) for m in makers]
    found = loaded("\n".join(f"import {name}" for name in names))
    assert set(names) <= found <= set(code_closure.closure_of(*makers))


def test_code_checksum_sees_cells_and_modules(tmp_path, monkeypatch):
    path = notebook(tmp_path / "a.ipynb", "%matplotlib inline\nfrom fashion.catalogue import cleaning\nx = 1")
    first = code_closure.code_checksum(path)
    notebook(path, "%matplotlib inline\nfrom fashion.catalogue import cleaning\nx = 2")
    second = code_closure.code_checksum(path)
    assert first != second
    real = code_closure._module_code
    changed = {"fashion.catalogue.cleaning": "x = 1"}
    monkeypatch.setattr(code_closure, "_module_code", lambda name: changed.get(name) or real(name))
    assert code_closure.code_checksum(path) != second
    changed.clear()
    changed["fashion.plots.map"] = "x = 1"
    assert code_closure.code_checksum(path) == second


@pytest.mark.parametrize("code", ["%%time\nfrom fashion.core import colour",
                                  "!ls\nfiles = !ls\nfrom fashion.core import colour",
                                  "for n in [1]:\n    %time n\nfrom fashion.core import colour",
                                  "x = (7\n% 2)\nfrom fashion.core import colour"])  # fmt: skip
def test_a_cell_with_magic_lines_is_read_around_them(tmp_path, code):
    assert "fashion.core.colour" in code_closure.notebook_closure(notebook(tmp_path / "a.ipynb", code))


def test_a_cell_that_is_no_python_and_a_module_that_is_none(tmp_path):
    assert code_closure.notebook_closure(notebook(tmp_path / "a.ipynb", "%%bash\nfor x in *; do echo; done")) == []
    path = notebook(tmp_path / "09-new.ipynb", "from fashion import cleanin")
    with pytest.raises(ReportError, match=r"found no fashion\.cleanin, which 09-new\.ipynb names"):
        code_closure.code_checksum(path)
    with pytest.raises(ReportError, match=r"found no fashion\.no_such_module, which a key names"):
        code_closure.code_of(["fashion.no_such_module"])
    with pytest.raises(ReportError, match=r"found no weights"):
        code_closure.closure_of("weights")


#: Module that changes -> which of vectors, metadata, descriptors, and distributed parts are made again.
STALE = {
    "embedding.torch_weights": "vectors parts", "embedding.backbones": "vectors parts",
    "embedding.efficientnet": "vectors parts", "embedding.resnet50": "vectors parts",
    "photos.images": "vectors metadata descriptors parts", "photos.headers": "vectors metadata descriptors parts",
    "photos.measures": "metadata descriptors parts", "photos.descriptors": "descriptors parts",
    # neither what keeps, shows and checks things nor the passes over photos make the numbers
    "photos.store": "", "catalogue.source": "", "photos.metadata": "", "embedding.extraction": "",
    "core.workspace": "", "plots.style": "", "report.steps": "", "neighbours.exact": "", "__init__": "",
}  # fmt: skip


@pytest.mark.parametrize("module", STALE)
def test_what_is_kept_of_photos_hangs_on_the_code_that_made_it(tmp_path, monkeypatch, module):
    backbone = SimpleNamespace(name="small", size=96, weights_checksum="0" * 64)
    runtime = SimpleNamespace(name="none", version="0")
    (tmp_path / "annotation.txt").write_text("x")
    source = open_source(tmp_path, "annotation.txt")
    monkeypatch.setattr(distributed, "tools", lambda job: (source, backbone, runtime))

    def keys():
        return {
            "vectors": extraction.store_key(backbone), "metadata": metadata.metadata_folder(tmp_path, source).name,
            "descriptors": extraction.open_descriptors(tmp_path).folder.name,
            "parts": distributed.made_by(None, "data"),
        }  # fmt: skip

    real, more = code_closure._module_code, ""
    name = "fashion" if module == "__init__" else f"fashion.{module}"
    monkeypatch.setattr(code_closure, "_module_code", lambda n: real(n) + more if n == name else real(n))
    before = keys()
    assert keys() == before
    more = "\n# a remark\n"
    assert keys() == before
    more = "\n_NEW = {'a': 1}\n"
    assert {what for what, key in keys().items() if key != before[what]} == set(STALE[module].split())


def test_another_reader_of_the_pytorch_weights_makes_kept_vectors_stale(tmp_path):
    """In a copy of the package whose torch_weights.py is edited as one would edit it."""
    shutil.copytree(code_closure.FOLDER, tmp_path / "fashion", ignore=shutil.ignore_patterns("__pycache__"))
    ask = """
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from fashion.embedding.extraction import open_store
backbone = SimpleNamespace(name="small", size=96, weights_checksum="0" * 64, dimension=2, multilayer_dimensions=3)
store, photo = open_store(Path("kept"), backbone), "ab" * 32
print(photo in store)
if photo not in store:
    store.add([photo], {"embedding": np.ones((1, 2), np.float32), "multilayer": np.ones((1, 3), np.float32)})
"""
    reader = tmp_path / "fashion/embedding/torch_weights.py"
    text = reader.read_text(encoding="utf-8")
    edited = text.replace("def read_torch_state_dict(", "def read_torch_state_dict(*, ", 1)
    assert edited != text
    with fresh_processes(said_in) as said:
        assert [said(str(tmp_path), ask) for _ in range(2)] == ["False\n", "True\n"]
        reader.write_text(text.replace('"""', '"""Another first line. ', 1), encoding="utf-8")
        assert said(str(tmp_path), ask) == "True\n"
        reader.write_text(edited, encoding="utf-8")
        assert [said(str(tmp_path), ask) for _ in range(2)] == ["False\n", "True\n"]


def test_no_key_is_made_from_a_list_of_modules():
    for name in code_closure.all_modules():
        for node in ast.walk(ast.parse(code_closure._module_code(name))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "code_of":
                made = node.args[0]
                assert isinstance(made, ast.Call) and made.func.id in ("closure_of", "notebook_closure"), name


def test_comments_docstrings_and_layout_do_not_count_but_code_does():
    plain = code_closure.meaning("def f(x):\n    return x + 1\n")
    assert plain == code_closure.meaning(
        '"""Module."""\n\n# why\ndef f(x):\n    """Docs."""\n    return (x\n        + 1)'
    )
    assert plain != code_closure.meaning("def f(x):\n    return x + 2\n")
    assert code_closure.meaning("x = 'a'") != code_closure.meaning("x = 'b'")


def test_outputs_do_not_count(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "1")
    first = code_closure.code_checksum(path)
    found = nbformat.read(path, as_version=4)
    found.cells[1].outputs = [nbformat.v4.new_output("stream", text="hello")]
    nbformat.write(found, path)
    assert code_closure.code_checksum(path) == first
