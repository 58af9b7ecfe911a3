"""Nothing that is read can run code: no pickle is opened, in whichever artefact it hides."""

import ast
import json
import os
import re
import warnings

import numpy as np
import pytest

from fashion.attributes.checkpoint import StateFile
from fashion.core.errors import ArtefactError
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace
from fashion.embedding.extraction import EmbeddingStore
from fashion.recommendation.changes import ARRAYS, _open

#: Calls that open pickles, by their last names; `load` is judged by its arguments and its module.
OPENERS = re.compile(r"^(read_pickle|Unpickler|unsafe_load|full_load|load_model)$")
LOADERS = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "torch"}
PACKAGE = sorted((project_root() / "fashion").rglob("*.py"))


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.stem)
def test_no_module_opens_pickles(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            # Keras's own format, which holds no pickles, without the layers that bring code.
            safe = any(word.arg == "safe_mode" and getattr(word.value, "value", 0) is True for word in node.keywords)
            assert safe or not OPENERS.match(node.func.attr), f"{path.name}:{node.lineno}"
            assert not (owner in LOADERS and node.func.attr in ("load", "loads", "open")), f"{path.name}:{node.lineno}"
            if (owner, node.func.attr) == ("np", "load"):
                allowed = {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
                assert allowed.get("allow_pickle") is False, f"{path.name}:{node.lineno}: allow_pickle=False, in words"


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.fixture
def hostile(tmp_path):
    """An array that runs a command when NumPy may unpickle it; at the end of the test it must not have run."""
    marker = tmp_path / "was-here"
    array = np.array([Hostile(marker)], dtype=object)
    yield array
    assert not marker.exists()
    np.save(tmp_path / "proof.npy", array, allow_pickle=True)
    np.load(tmp_path / "proof.npy", allow_pickle=True)  # the attack is real
    assert marker.exists()


def test_vectors_and_arrays_are_refused(hostile, tmp_path):
    work = Workspace("mine", tmp_path / "p")
    work.processed.mkdir(parents=True)
    np.save(work.path("frozen.npy"), hostile, allow_pickle=True)
    np.savez(work.path("selection.npz"), name=hostile)
    for read in (lambda: work.vectors("frozen"), lambda: work.arrays("selection")):
        with pytest.raises(ArtefactError, match="to be readable; found it damaged"):
            read()


def test_a_part_of_the_store_and_a_training_state_are_set_aside(hostile, tmp_path):
    folder = tmp_path / "store/key"
    folder.mkdir(parents=True)
    np.savez(folder / "part-00.npz", sha256=np.zeros((1, 32), np.uint8), embedding=hostile)
    with pytest.warns(UserWarning, match="damaged"):
        assert len(EmbeddingStore(tmp_path / "store", "key", {"embedding": 1})) == 0

    class Model:
        variables, optimizer, trainable_variables = (np.zeros(1),), None, ()

    state = StateFile(tmp_path, "member-1", "ab")
    np.savez(state.path, variable_0000=hostile, history=hostile, columns=np.array(["loss"]))
    model = Model()
    model.optimizer = type("Optimizer", (), {"variables": [], "build": lambda *_: None})()
    with pytest.warns(UserWarning, match="training starts over"):
        assert state.restore(model).empty


def test_a_change_is_refused(hostile, tmp_path):
    import pandas as pd

    pd.DataFrame({"item": ["a"]}).to_parquet(tmp_path / "items.parquet")
    told = {"kind": "add", "number": 1, "catalogue": "x", "data": "y", "made_with": {}, "removed": []}
    (tmp_path / "change.json").write_text(json.dumps(told))
    for name in ARRAYS:
        np.save(tmp_path / f"{name}.npy", hostile, allow_pickle=True)
    with warnings.catch_warnings(), pytest.raises(ValueError, match="objects in dtype"):
        warnings.simplefilter("error")
        _open(tmp_path)
