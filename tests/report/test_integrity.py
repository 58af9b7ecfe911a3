"""A flipped byte in any file of a report is seen before anything is answered from it, and by the report itself."""

import json
import shutil

import numpy as np
import pytest
from conftest import lend

from fashion.cli.main import main
from fashion.core.errors import ArtefactError
from fashion.core.files import write_json
from fashion.core.provenance import TIMING
from fashion.core.workspace import WRITERS, Workspace
from fashion.report.build import notebook_parameters
from fashion.report.integrity import changed, recorded, require_answers, require_intact
from fashion.report.runner import run_notebook
from fashion.report.steps import STEPS, read_state, stale_because
from fashion.web.shop import open_shop

pytestmark = pytest.mark.slow  # by the report that it is about; the tests themselves are quick


def flip(path):
    """One bit of the middle byte."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x04
    path.write_bytes(bytes(data))


@pytest.fixture
def copy(work, tmp_path):
    """A copy of the report that may be harmed; results and figures among it."""
    shutil.copytree(work.processed, tmp_path / "processed/tiny")
    shutil.copytree(work.report, tmp_path / "reports/tiny")
    return Workspace("tiny", tmp_path / "processed", tmp_path / "reports")


@pytest.fixture
def folders(copy, tiny, tmp_path):
    return ["-c", str(tiny / "tiny.toml"), "--processed", str(tmp_path / "processed"),
            "--reports", str(tmp_path / "reports")]  # fmt: skip


def test_every_artefact_result_and_figure_is_remembered(copy):
    known = recorded(copy)
    assert {copy.path(name) for name in WRITERS} <= set(known)
    assert {copy.report / f"results/{step.number}.json" for step in STEPS} <= set(known)
    assert len([path for path in known if path.suffix == ".png"]) >= 20
    assert changed(copy) == {}
    require_intact(copy)


def test_a_flipped_byte_in_each_kind_of_file_is_found_and_its_notebook_runs_again(copy):
    kinds = {}
    for path, (_, notebook) in recorded(copy).items():
        kinds.setdefault((path.suffix, path.parent == copy.processed), (path, notebook))
    assert {suffix for suffix, _ in kinds} >= {".json", ".parquet", ".npy", ".npz", ".csv", ".png", ".html", ".ipynb"}
    for path, notebook in kinds.values():
        whole = path.read_bytes()
        flip(path)
        assert changed(copy) == {path: notebook}
        step = next(step for step in STEPS if step.notebook == notebook)
        assert f"{path.name} is damaged" in stale_because(copy, step, read_state(copy, step).key)
        path.write_bytes(whole)
    assert changed(copy) == {}


def test_flipped_vectors_would_be_read_without_a_word_and_are_refused(copy, folders, capsys):
    item = copy.items()["item"].iloc[0]
    flip(copy.path("described.npy"))
    assert len(copy.vectors("described")) == len(copy.items())  # an array still
    assert main(["recommend", item, *folders]) == 1
    assert "described.npy (notebook 03-attributes)" in capsys.readouterr().err
    assert main(["recommend", item, *folders, "--embedding", "frozen"]) == 0
    assert main(["export", "--to", str(copy.processed / "out.parquet"), *folders]) == 1
    with pytest.raises(ArtefactError, match=r"(?s)described\.npy.*fashion report --catalogue \S*tiny"):
        open_shop(copy)
    flip(copy.path("described.npy"))
    flip(copy.path("max_pooled.npy"))
    require_answers(copy, "described")
    with pytest.raises(ArtefactError, match=r"max_pooled\.npy"):
        require_answers(copy, "described", photo=True)


def test_timings_may_differ_and_nothing_else(copy):
    timed = 0
    for step in STEPS:
        path = copy.report / f"results/{step.number}.json"
        whole, numbers = path.read_bytes(), json.loads(path.read_text(encoding="utf-8"))
        if TIMING not in numbers:
            continue
        timed += 1
        numbers[TIMING] = {name: 1e6 for name in numbers[TIMING]}
        write_json(path, numbers)
        assert changed(copy) == {} and stale_because(copy, step, read_state(copy, step).key) == ""
        write_json(path, numbers | {"more": 1})
        assert changed(copy) == {path: step.notebook}
        path.write_bytes(whole[:-9])
        assert changed(copy) == {path: step.notebook}, "cut off"
        path.write_bytes(whole)
    assert timed >= 4


def test_a_notebook_run_again_by_hand_leaves_the_report_whole(copy, settings, folders, networks, tmp_path):
    """As an analyst does in JupyterLab: the notebook alone, its parameters those of the report, nothing remembered.

    The same for notebook 05 is in end_to_end/test_notebooks.py, with the executed notebook.
    """
    lend(networks, tmp_path / "processed")
    seconds = copy.results("01")[TIMING]
    run_notebook(STEPS[0].path, tmp_path / "01.ipynb", notebook_parameters(settings, copy, STEPS[0].path))
    assert copy.results("01")[TIMING] != seconds and changed(copy) == {}
    assert main(["deck", *folders]) == 0


def test_slides_are_not_made_of_changed_numbers(copy, folders, capsys):
    path = copy.report / "results/06.json"
    path.write_text(path.read_text().replace("0.", "1.", 1))
    assert main(["deck", *folders]) == 1 and "06.json" in capsys.readouterr().err


def test_a_flipped_byte_in_a_change_is_found(copy, folders, tiny, tmp_path, capsys):
    from fashion.core.checksums import sha256_file
    from fashion.recommendation.changes import ARRAYS, made_with

    folder = copy.processed / "changes/0123456789abcdef"
    folder.mkdir(parents=True)
    new = copy.items().head(2).assign(item=["n1", "n2"], added="0123456789abcdef", near_duplicate_of="")
    new.to_parquet(folder / "items.parquet", index=False)
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", np.array(copy.vectors(name)[:2]))

    facts = {
        "kind": "add", "number": 1, "catalogue": "tiny", "data": "new items", "table": "t", "removed": [],
        "made_with": made_with(copy),
    }  # fmt: skip
    files = {path.name: sha256_file(path) for path in folder.iterdir()}
    (folder / "change.json").write_text(json.dumps(facts | {"files": files}))
    require_answers(copy, "described")
    flip(folder / "described.npy")
    with pytest.raises(ArtefactError, match=r"rm -r .*0123456789abcdef && fashion add .*/new items'"):
        require_answers(copy, "described")


def test_a_report_without_states_is_not_judged(tmp_path):
    work = Workspace("mine", tmp_path / "p", tmp_path / "r")
    work.write_json("source", {})
    assert changed(work) == {}
    require_intact(work)
