"""The runner is strict, re-does only what it must, and leaves nothing half done."""

import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time

import nbformat
import pandas as pd
import papermill
import pytest
from conftest import TOML, write_small_catalogue
from filelock import lock_descriptor, unlock_descriptor

from fashion.catalogue.source import open_source
from fashion.core import code_closure
from fashion.core.errors import ReportError, SettingsError, WeightsError
from fashion.core.locking import is_running, only_one
from fashion.core.paths import found_place, in_project, kept_place, project_root
from fashion.core.provenance import sha256_output
from fashion.core.workspace import Workspace
from fashion.photos import metadata
from fashion.report import build, engine, steps
from fashion.report.build import build_report, notebook_parameters
from fashion.report.runner import renew_text, run_notebook, strip_metadata
from fashion.report.steps import STEPS, Settings, State, declared_parameters, read_state, stale_because, write_state


def notebook(path, *codes, parameters="n = 1  # a number\nout = 'x'  # where to"):
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
    ]
    cells += [nbformat.v4.new_code_cell(code) for code in codes]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_parameters_reach_the_notebook_and_metadata_is_stripped(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "print(n + 1, out)")
    seconds = run_notebook(path, tmp_path / "out/a.ipynb", {"n": 41, "out": "é"})
    found = nbformat.read(tmp_path / "out/a.ipynb", as_version=4)
    assert found.cells[-1].outputs[0].text == "42 é\n" and seconds > 0
    assert str(tmp_path) not in (tmp_path / "out/a.ipynb").read_text(encoding="utf-8")
    assert "papermill" not in found.metadata and not list((tmp_path / "out").glob("*failed*"))


def test_unknown_parameter_is_an_error(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "1")
    with pytest.raises(ReportError, match=r"expected only a\.ipynb's parameters n, out; found m"):
        run_notebook(path, tmp_path / "b.ipynb", {"m": 1})


def test_failing_cell_says_what_and_keeps_what_ran(tmp_path):
    path = notebook(
        tmp_path / "a.ipynb",
        "print('before')",
        "from fashion.core.errors import PhotoError\nraise PhotoError('missing: x')",
    )
    with pytest.raises(ReportError, match=r"(?s)expected a\.ipynb .*found.*PhotoError: missing: x.*resumes here"):
        run_notebook(path, tmp_path / "b.ipynb", {})
    assert not (tmp_path / "b.ipynb").exists()
    assert "before" in (tmp_path / "b.failed.ipynb").read_text(encoding="utf-8")


def test_a_kernel_that_does_not_begin_in_time_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr("fashion.report.runner.START_LIMIT", 0)
    (tmp_path / "late").mkdir()
    (tmp_path / "late/sitecustomize.py").write_text("import time\ntime.sleep(4)\n")  # each Python begins late
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'late'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    path = notebook(tmp_path / "a.ipynb", "print('never')")
    with pytest.raises(
        ReportError, match=r"(?s)expected a\.ipynb to run to its end.*RuntimeError.*run the same command again"
    ):
        run_notebook(path, tmp_path / "b.ipynb", {})


@pytest.mark.parametrize("last", ["import time\ntime.sleep(60)", "import os\nos.kill(os.getpid(), 9)"])
def test_what_ran_before_an_endless_cell_or_a_dead_kernel_is_kept(tmp_path, fresh_kernels, monkeypatch, last):
    written, plain = [], papermill.engines.write_ipynb
    monkeypatch.setattr("papermill.engines.write_ipynb", lambda *given: written.append(given) or plain(*given))
    monkeypatch.setattr(engine, "SAVE_SECONDS", math.inf)
    path = notebook(tmp_path / "a.ipynb", *["print('be' + 'fore')"] * 5, last)
    with pytest.raises(
        ReportError, match=r"(?s)expected .* to run to its end.*The notebook up to there is .*b\.failed"
    ):
        run_notebook(path, tmp_path / "b.ipynb", {}, cell_limit=2)
    assert (tmp_path / "b.failed.ipynb").read_text(encoding="utf-8").count('"before\\n"') == 5
    assert len(written) == 2, "before, and at the end"


def test_a_running_notebook_shows_what_ran(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "SAVE_SECONDS", 0)
    code = "from pathlib import Path\nprint(Path('b.failed.ipynb').read_text(encoding='utf-8').count('be' + 'fore'))"
    run_notebook(notebook(tmp_path / "a.ipynb", "print('before')", code), tmp_path / "b.ipynb", {})
    assert nbformat.read(tmp_path / "b.ipynb", as_version=4).cells[-1].outputs[0].text == "2\n", "code and output"


@pytest.mark.parametrize("tags", [[], ["parameters", "parameters"]])
def test_one_parameters_cell(tmp_path, tags):
    cells = [nbformat.v4.new_code_cell("a = 1", metadata={"tags": [tag]}) for tag in tags]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    with pytest.raises(ReportError, match=f"found {len(tags)}"):
        declared_parameters(tmp_path / "a.ipynb")


def test_every_notebook_declares_what_the_runner_gives():
    for step in STEPS:
        declared = set(declared_parameters(step.path))
        assert {"catalogue", "processed", "reports"} <= declared, step.notebook
    network = {"backbone", "weights", "runtime"}
    assert {"data", "limit", "first", "keep_unknown"} | network <= set(declared_parameters(STEPS[0].path))
    assert network | {"seed"} <= set(declared_parameters(STEPS[1].path))


def test_where_things_lie_is_no_part_of_what_is_read_or_left(tmp_path):
    inputs, outputs = set(), set()
    for place, words in (("a", "red"), ("b", "red"), ("b", "blue")):
        work = Workspace("x", tmp_path / place / "p", tmp_path / place / "r")
        data = tmp_path / place / "data"
        work.write_json(
            "source", {"data": str(data), "catalogue_toml": f"{data}.toml", "catalogue": "t", "title": words}
        )
        inputs.add(steps._input_checksum(work, "source.json"))
        outputs.add(sha256_output(work.path("source.json")))
    assert len(inputs) == len(outputs) == 2


def test_until_is_a_steps_number(tmp_path):
    with pytest.raises(SettingsError, match=r"one of 01, 02.*found '2'"):
        build_report(Settings(), processed=tmp_path / "p", reports=tmp_path / "r", until="2")


def test_a_step_reads_only_what_lower_numbers_wrote():
    written: set[str] = set()
    for step in STEPS:
        assert set(step.reads) <= written, step.notebook
        written |= set(step.writes)
        cells = nbformat.read(step.path, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        used = {name for name in written if f'("{name.split(".")[0]}")' in code} - set(step.writes)
        if step.number != "01":
            used |= {"items.parquet"}
        assert used <= set(step.reads), f"{step.notebook} reads {used - set(step.reads)} without saying so"


def test_parameters_are_relative_to_the_project(tmp_path):
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    settings = Settings(data=str(tmp_path / "d.zip"), limit=5)
    found = notebook_parameters(settings, work, STEPS[0].path)
    for name, target in (
        ("processed", tmp_path / "p"),
        ("reports", tmp_path / "r"),
        ("data", tmp_path / "d.zip"),
    ):
        assert not os.path.isabs(found[name])
        assert in_project(found[name]) == target
    assert found["limit"] == 5 and "queries" not in found
    own = notebook_parameters(Settings(), Workspace("sample"), STEPS[1].path)
    defaults = {}
    exec("\n".join(declared_parameters(STEPS[1].path).values()), defaults)
    assert (own["processed"], own["reports"]) == (defaults["processed"], defaults["reports"])
    assert in_project(None) is None and in_project(tmp_path) == tmp_path


def test_places_are_kept_so_that_what_lies_together_moves_together(tmp_path):
    artefacts = tmp_path / "a/processed"
    for place, kept in [
        (tmp_path / "a/clothes.zip", "../clothes.zip"), (artefacts / "x", "x"), (tmp_path / "b", str(tmp_path / "b")),
        (project_root() / "data/raw", str(project_root() / "data/raw")),
    ]:  # fmt: skip
        assert kept_place(place, artefacts) == kept
        assert found_place(kept, artefacts) == place
    own = project_root() / "data/processed"
    assert kept_place(project_root() / "data/raw/sample", own) == "../raw/sample"
    assert kept_place(project_root() / "photos", own) == "../../photos"
    assert kept_place(tmp_path, own) == str(tmp_path)


def test_keys_and_kept_metadata_are_the_same_after_a_move_together_and_others_elsewhere(tmp_path):
    def keys(root, data):
        work = Workspace("tiny", root / "processed", root / "reports")
        settings = Settings(str(root / "tiny.toml"), str(data), backbone="resnet50", weights=str(root / "w.keras"))
        shards = metadata.metadata_folder(work.processed_root, open_source(data, "annotation.txt")).name
        return [steps.step_key(work, step, settings) for step in STEPS] + [shards]

    def source(root):
        return Workspace("tiny", root / "processed").json("source")

    one, two, copied = (tmp_path / name for name in ("one", "far/away/two", "copied"))
    write_small_catalogue(one / "clothes", each=1)
    (one / "tiny.toml").write_text(TOML)
    (one / "w.keras").write_bytes(b"weights")
    places = {"data": str(one / "clothes"), "catalogue_toml": str(one / "tiny.toml")}
    Workspace("tiny", one / "processed").write_json("source", places)
    assert source(one) == places
    shutil.copytree(one, two)
    shutil.copytree(one / "processed", copied / "processed")
    assert source(two) == {"data": str(two / "clothes"), "catalogue_toml": str(two / "tiny.toml")}
    assert source(copied) == places, "artefacts that were copied without their data find those"
    first = keys(one, one / "clothes")
    assert keys(two, two / "clothes") == first
    apart = keys(two, one / "clothes")
    assert apart[0] != first[0] and apart[-1] != first[-1]
    assert str(tmp_path) not in json.loads((one / "processed/tiny/source.json").read_text())["data"]


def test_a_notebook_that_is_run_by_hand_says_what_a_report_renews(tmp_path, capsys, monkeypatch):
    work, step = Workspace("sample", tmp_path / "p", tmp_path / "r"), STEPS[4]

    def said(**numbers):
        work.write_results("05", numbers)
        return capsys.readouterr().out

    work.write_table("map", pd.DataFrame({"x": [1.0]}))
    assert "There is no report of this notebook yet: `fashion report --catalogue sample --processed " in said()
    write_state(work, step, State("k", {}, steps.checksums(work, step)))
    assert "each file that it wrote is the report's own" in said()
    work.write_table("map", pd.DataFrame({"x": [2.0]}))
    assert "Other than in the report: map.parquet. `fashion report --catalogue sample --processed " in said()
    work.write_table("map", pd.DataFrame({"x": [1.0]}))
    assert "Other than in the report: 05.json. " in said(k=4), "numbers count, too"
    with build.relayed(tmp_path):
        assert said() == ""


def test_key_depends_on_its_own_parameters_only(tmp_path, monkeypatch):
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    embedding, mapping = STEPS[1], STEPS[4]
    assert steps.step_key(work, embedding, Settings()) == steps.step_key(work, embedding, Settings(limit=9))
    assert steps.step_key(work, embedding, Settings()) != steps.step_key(work, embedding, Settings(seed=1))
    assert steps.step_key(work, mapping, Settings()) == steps.step_key(work, mapping, Settings(backbone="resnet50"))
    fetched = steps.step_key(work, embedding, Settings())
    monkeypatch.setattr(steps, "cached_file", lambda: embedding.path)  # as if the run had fetched weights
    assert steps.key_after(fetched) == steps.step_key(work, embedding, Settings()) != fetched
    before = steps.step_key(work, mapping, Settings())
    assert steps.key_after(before) == before
    work.write_json("source", {"changed": True})
    assert steps.step_key(work, mapping, Settings()) != before


def test_a_table_may_lie_beside_the_folders_that_a_report_fills(tmp_path):
    write_small_catalogue(tmp_path, each=1)
    (tmp_path / "tiny.toml").write_text(TOML)
    work = Workspace("tiny", tmp_path / "processed", tmp_path / "reports")
    settings = Settings(str(tmp_path / "tiny.toml"), str(tmp_path), backbone="efficientnet-lite0")
    before = steps.step_key(work, STEPS[0], settings)
    for folder in (work.processed, work.report):
        folder.mkdir(parents=True)
        (folder / "made.txt").write_text("by a report")
    assert steps.step_key(work, STEPS[0], settings) == before
    (tmp_path / "annotation.txt").write_text("another table")
    assert steps.step_key(work, STEPS[0], settings) != before


def test_stale_and_why(tmp_path):
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    step = STEPS[5]
    assert "not run yet" in stale_because(work, step, "k")
    work.write_json("metrics", {"a": 1})
    work.write_results("06", {"a": 1})
    write_state(work, step, State("k", {}, steps.checksums(work, step)))
    assert stale_because(work, step, "k") == ""
    assert "changed" in stale_because(work, step, "other")
    path = work.path("metrics.json")
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))
    assert stale_because(work, step, "k") == "metrics.json is damaged or was edited"
    path.unlink()
    assert stale_because(work, step, "k") == "metrics.json is missing"
    steps.state_path(work, step).write_text("{half")
    assert read_state(work, step) == State()


def test_only_one_report_at_a_time(tmp_path):
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    with only_one(work), pytest.raises(ReportError, match="another report"), only_one(work):
        pass
    with only_one(work):
        pass


def test_a_look_at_the_lock_does_not_refuse_a_report(tmp_path, monkeypatch):
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    with only_one(work):
        pass
    with (work.processed / ".lock").open(encoding="utf-8") as looking:
        assert lock_descriptor(looking.fileno(), blocking=False)
        monkeypatch.setattr("fashion.core.locking.time.sleep", lambda _: unlock_descriptor(looking.fileno()))
        with only_one(work):
            assert is_running(work)


def test_lock_is_free_after_a_kill(tmp_path):
    code = (
        "import sys, time\nfrom fashion.core.workspace import Workspace\nfrom fashion.core.locking import only_one\n"
        f"with only_one(Workspace('sample', {str(tmp_path / 'p')!r}, {str(tmp_path / 'r')!r})):\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    with pytest.raises(ReportError), only_one(work):
        pass
    process.kill()
    process.wait()
    with only_one(work):
        pass


def test_progress_of_a_kernel_reaches_the_console(tmp_path, capfd):
    with build.relayed(tmp_path):
        path = notebook(
            tmp_path / "a.ipynb",
            "from fashion.core.progress import tracked\nlist(tracked(range(7), 7, 'sheep counted', 'sheep'))",
        )
        run_notebook(path, tmp_path / "b.ipynb", {})
    assert "sheep counted" in capfd.readouterr().err
    assert "sheep counted" not in "".join(
        str(cell.get("outputs", "")) for cell in nbformat.read(tmp_path / "b.ipynb", as_version=4).cells
    )


def test_strip_metadata_makes_runs_equal(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "print(1)")
    run_notebook(path, tmp_path / "b.ipynb", {"n": 2})
    run_notebook(path, tmp_path / "c.ipynb", {"n": 2})
    assert (tmp_path / "b.ipynb").read_bytes() == (tmp_path / "c.ipynb").read_bytes()
    assert json.loads((tmp_path / "b.ipynb").read_text())["metadata"]["kernelspec"]["name"] == "python3"
    assert strip_metadata(nbformat.read(path, as_version=4)).cells[0].id == "cell-00"


def edited(path, change):
    """Let `change` edit the cells of a notebook as a person would."""
    found = nbformat.read(path, as_version=4)
    change(found.cells)
    nbformat.write(found, path)


def test_text_and_comments_are_renewed_and_outputs_stay(tmp_path):
    path, output = notebook(tmp_path / "a.ipynb", "print(n)", "n + 1"), tmp_path / "b.ipynb"
    run_notebook(path, output, {"n": 2})
    before = output.read_bytes()
    assert not renew_text(path, output) and output.read_bytes() == before

    def change(cells):
        cells.insert(0, nbformat.v4.new_markdown_cell("# A title\nwith *words*"))
        cells.insert(3, nbformat.v4.new_markdown_cell("Between."))
        cells[2].source = "# why\n" + cells[2].source
        cells[-1].source = "n + 1  # one more"

    edited(path, change)
    key = code_closure.code_checksum(path)
    assert renew_text(path, output) and not renew_text(path, output)
    renewed = nbformat.read(output, as_version=4)
    nbformat.validate(renewed)
    sources = [cell.source for cell in renewed.cells]
    assert [source for source in sources if "# Parameters" not in source] == [
        cell.source for cell in nbformat.read(path, as_version=4).cells
    ]
    run_notebook(path, tmp_path / "c.ipynb", {"n": 2})
    assert (tmp_path / "c.ipynb").read_bytes() == output.read_bytes(), "what a run would have given"
    edited(path, lambda cells: cells.pop(0))
    assert code_closure.code_checksum(path) == key
    assert renew_text(path, output)
    run_notebook(path, tmp_path / "c.ipynb", {"n": 2})
    assert (tmp_path / "c.ipynb").read_bytes() == output.read_bytes()


@pytest.mark.parametrize(
    ("one", "other"),
    [("n + 1", "n + 2"), ("n + 1", "n + 1;"), ("'a'", "'b'"), ("n", "n\n'c'"), ("%pwd", "%ls"), ("n", "n\nn"),
     ("if n:\n    n", "if n:\n    pass")],
)  # fmt: skip
def test_another_code_is_another_key_and_not_put_over_old_outputs(tmp_path, one, other):
    path, output = notebook(tmp_path / "a.ipynb", one), tmp_path / "b.ipynb"
    shutil.copy(path, output)
    first, before = code_closure.code_checksum(path), output.read_bytes()
    notebook(path, other)
    assert code_closure.code_checksum(path) != first
    assert not renew_text(path, output) and output.read_bytes() == before


@pytest.mark.parametrize(
    ("one", "other"),
    [("n + 1", "n + 1  # why;"), ("n + 1;", "n + 1;  # quiet"), ("f(\n1)", "f(1)"),
     ("def f():\n    'What.'\n    return 1", "def f():\n    return 1"), ("", "# only a remark")],
)  # fmt: skip
def test_a_remark_is_no_other_key(tmp_path, one, other):
    path = notebook(tmp_path / "a.ipynb", one)
    first = code_closure.code_checksum(path)
    notebook(path, other)
    assert code_closure.code_checksum(path) == first


def test_threads_end():
    deadline = time.monotonic() + 20
    while (left := [t.name for t in threading.enumerate() if "relay" in t.name]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


@pytest.mark.parametrize(
    ("backbone", "weights", "size", "words"),
    [("efficientnet-lite0", None, 100, r"a multiple of 32 from 96 to 224 pixels, as SIZE; found 100"),
     ("efficientnet-lite0", __file__, 100, r"efficientnet-lite0 takes, a multiple of 32.*found 100"),
     ("auto", __file__, 20, r"resnet50 takes, from 32 to 1024 pixels, as SIZE; found 20"),
     ("auto", None, 20, r"resnet50 takes.*efficientnet-lite0 takes.*found 20\..*197 for resnet50, 160 for eff")],
)  # fmt: skip
def test_a_size_that_no_network_asked_for_takes_is_told_before_anything_runs(tmp_path, backbone, weights, size, words):
    said = []
    settings = Settings(backbone=backbone, weights=weights, size=size)
    with pytest.raises(WeightsError, match=words):
        build_report(settings, processed=tmp_path / "p", reports=tmp_path / "r", say=said.append)
    assert not said and not list(tmp_path.rglob("*.ipynb"))
