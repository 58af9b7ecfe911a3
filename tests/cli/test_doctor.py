"""The doctor names what is there and what is missing, says what to do, and changes nothing."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from shop_files import write_shop

from fashion.cli import doctor, doctor_data
from fashion.cli.doctor import as_json, can_run, examine, page
from fashion.cli.doctor_data import Finding
from fashion.cli.main import main
from fashion.core.locking import only_one
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace
from fashion.report.steps import STEPS, state_path


@pytest.fixture(autouse=True)
def lock_as_it_is():
    """Read before a test pretends other versions: it is kept."""
    assert doctor.locked()


@pytest.fixture
def nothing(tmp_path):
    """Folders in which nothing was made yet."""
    return Workspace("any", tmp_path / "data/processed", tmp_path / "reports")


def named(findings, name):
    return next(finding for finding in findings if finding.name == name)


def test_before_anything_was_made(nothing, tmp_path):
    findings = examine(nothing)
    assert can_run(findings) and not list(tmp_path.iterdir()), "it changes nothing"
    assert named(findings, "Python").state == "ok" and named(findings, "packages").state == "ok"
    assert named(findings, "sample").state == "ok" and named(findings, "reports").advice == "make report"
    assert {finding.section for finding in findings} == {
        "installed", "programs", "weights", "catalogues", "reports", "room",
    }  # fmt: skip
    for finding in findings:
        assert finding.state in ("ok", "note", "missing") and finding.said
        assert finding.advice or finding.state == "ok", f"{finding.name}: what is to be done?"


def test_no_tensorflow_and_soon(tmp_path):
    code = (
        "import sys; from fashion.cli.main import main\n"
        f"code = main(['doctor', '--processed', {str(tmp_path / 'p')!r}, '--reports', {str(tmp_path / 'r')!r}])\n"
        "sys.exit(code or any(name in sys.modules for name in ('tensorflow', 'openvino', 'keras')))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0 and ended.stdout.splitlines()[-1] == "A report can run: make report", ended


def test_page_fits_and_json_says_the_same(nothing, capsys):
    folders = ["--processed", str(nothing.processed_root), "--reports", str(nothing.report.parent)]
    assert main(["doctor", *folders]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 120 and len(text.splitlines()) < 80
    assert main(["doctor", *folders, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["can_run"] is True
    assert all(finding["name"] in text for finding in found["findings"])


def test_what_is_missing_ends_with_1_and_says_what_to_do(nothing, tmp_path, capsys, monkeypatch):
    assert main(["doctor", "-c", "imagelab", "--data", str(tmp_path / "none.zip")]) == 1
    said = capsys.readouterr().out
    assert "! imagelab" in said and "none.zip" in said and "DATA=" in said and "cannot run: imagelab" in said
    assert main(["doctor", "-c", "no-such-shop"]) == 1
    monkeypatch.setattr(doctor, "installed_version", lambda name: "" if name in ("pandas", "tensorflow") else "0.0")
    found = list(doctor.installed())
    assert named(found, "packages").state == named(found, "tensorflow").state == "missing"
    assert (
        "missing: pandas, tensorflow" in named(found, "packages").said and "make env" in named(found, "packages").advice
    )
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 1))
    assert "PYTHON=" in named(list(doctor.installed()), "Python").advice


def test_another_version_is_a_note(monkeypatch):
    real = doctor.installed_version
    monkeypatch.setattr(doctor, "installed_version", lambda name: "9.9" if name == "pandas" else real(name))
    found = named(list(doctor.installed()), "packages")
    assert found.state == "note" and "pandas 9.9, not" in found.said


def test_programs_and_what_each_is_for(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None if name == "wrk" else f"/usr/bin/{name}")
    found = list(doctor.programs())
    assert [finding.name for finding in found] == ["chromium", "libreoffice", "pdftoppm", "wrk"]
    assert named(found, "wrk").state == "note" and "apt-get install wrk" in named(found, "wrk").advice


def test_one_of_two_chromiums_is_enough(monkeypatch):
    there = "chromium-headless-shell"
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}" if name == there else None)
    found = named(list(doctor.programs()), "chromium")
    assert found.state == "ok" and found.said.startswith(f"/usr/bin/{there}")
    there = "chromium"
    assert named(list(doctor.programs()), "chromium").state == "ok"
    there = ""
    found = named(list(doctor.programs()), "chromium")
    assert found.state == "note" and "apt-get install chromium-headless-shell" in found.advice


def test_weights_and_where_they_are_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    found = named(list(doctor.weights()), "resnet50")
    assert found.state == "note" and str(tmp_path / "models") in found.said and "WEIGHTS=" in found.advice
    assert named(list(doctor.weights()), "efficientnet-lite0").said.endswith(".pth")
    (tmp_path / "models").mkdir()
    path = tmp_path / "models/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    path.write_bytes(b"cut short")
    assert "another size" in named(list(doctor.weights()), "resnet50").said
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: None)
    assert named(list(doctor.weights()), "efficientnet-lite0").state == "missing"


def test_room(nothing, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**10, 9 * 10**9, 10**9))
    monkeypatch.setattr(doctor, "_memory", lambda: 10**9)
    found = list(doctor.room(nothing, 0))
    assert named(found, "disk").state == "missing" and "1.0 GB free" in named(found, "disk").said
    assert named(found, "memory").state == "note" and "LIMIT" in named(found, "memory").advice
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    found = list(doctor.room(nothing, 0))
    assert (
        named(found, "folder of artefacts").state == "missing"
        and "--processed" in named(found, "folder of artefacts").advice
    )


def test_a_clock_behind_the_files(nothing, monkeypatch):
    assert named(list(doctor.room(nothing, 0)), "clock").state == "ok"
    monkeypatch.setattr(doctor.time, "time", lambda: 0.0)
    found = named(list(doctor.room(nothing, 0)), "clock")
    assert found.state == "note" and "minutes newer" in found.said and "set the clock" in found.advice


def test_lock_lines_for_other_systems_are_not_asked_for():
    names = doctor.locked()
    assert len(names) > 100 and "pandas" in names and "numpy" in names
    if os.name == "posix":
        assert "pywinpty" not in names, "the lock has it for Windows"


def test_rows_are_those_of_the_table_or_none(small_folder, tmp_path):
    assert doctor_data.rows_of("imagelab", str(small_folder)) == 48
    assert doctor_data.rows_of("imagelab", str(tmp_path / "none")) == 0 == doctor_data.rows_of("no-such-shop", None)


@pytest.mark.parametrize("table", ["items.csv.gz", "items.jsonl", "items.xlsx", "train-*.parquet"])
@pytest.mark.parametrize("packed", ["", "clothes.tar", "clothes.zip"])
def test_rows_of_every_format(tmp_path, table, packed):
    toml = write_shop(tmp_path, table, packed, count=12)
    expected = 0 if (table, packed) == ("train-*.parquet", "clothes.zip") else 11 if "jsonl" in table else 12
    assert doctor_data.rows_of(str(toml), None) == expected
    found = named(list(doctor_data.data(str(toml))), "shop")
    assert found.state == "ok" and found.said == f"available: {tmp_path / (packed or 'clothes')}"


def test_a_tar_gz_is_left_packed(tmp_path, monkeypatch):
    toml = write_shop(tmp_path, packed="clothes.tar.gz", count=3)
    monkeypatch.setattr("fashion.catalogue.archives.unpack", lambda *_: pytest.fail("it was unpacked"))
    found = named(list(doctor_data.data(str(toml))), "shop")
    assert found.state == "ok" and "the first report unpacks it" in found.said
    assert doctor_data.rows_of(str(toml), None) == 0


def test_page_marks_what_is_missing():
    text = page([Finding("a", "one", "ok", "fine"), Finding("b", "two", "missing", "gone", "fetch it")])
    assert text.splitlines() == [
        "A", "  one  fine", "", "B", "! two  gone", "       -> fetch it", "", "A report cannot run: two.",
    ]  # fmt: skip
    assert as_json([])["can_run"] is True


def test_the_make_target_is_there():
    text = (project_root() / "Makefile").read_text(encoding="utf-8")
    assert "fashion doctor" in text and "tests/faults/kills.py" in text


# -- reports ---------------------------------------------------------------------------------------------
@pytest.fixture
def copy(work, tmp_path):
    shutil.copytree(work.processed, tmp_path / "processed/tiny")
    shutil.copytree(work.report, tmp_path / "reports/tiny")
    return Workspace("tiny", tmp_path / "processed", tmp_path / "reports")


def of_report(work, name="tiny"):
    return named(list(doctor_data.reports(work)), name)


def test_a_report_that_runs_is_not_in_its_own_way(tmp_path, monkeypatch):
    work = Workspace("tiny", tmp_path / "p", tmp_path / "r")
    (work.processed / "steps").mkdir(parents=True)
    (work.report / "notebooks").mkdir(parents=True)
    mine, dead = work.processed / f".map.{os.getpid()}.parquet", work.processed / ".map.4194305.parquet"
    for file in (mine, dead):
        file.write_bytes(bytes(2 * 10**6))
    (work.report / "notebooks/03-attributes.failed.ipynb").write_text("{}")
    measured = tmp_path / "r/bench/run/.working-1-x/reports/tiny/notebooks/04-recommendation.failed.ipynb"
    measured.parent.mkdir(parents=True)
    measured.write_text("{}")
    with only_one(work):
        assert of_report(work, "leftovers").said == "2 MB half-written", "what the running report is at is no leftover"
    said = of_report(work, "leftovers").said
    assert "set aside: 03-attributes.failed.ipynb" in said and "04-" not in said

    def taken_away(folders):
        yield dead
        dead.unlink(missing_ok=True)
        yield dead

    monkeypatch.setattr(doctor_data, "half_written", taken_away)
    assert of_report(work, "leftovers").said.startswith("2 MB half-written")


def test_runs_are_reports_with_their_names(nothing):
    for processed in (nothing.processed_root, nothing.processed_root / "runs/lite"):
        (processed / "sample/steps").mkdir(parents=True)
    advice = {finding.name: finding.advice for finding in doctor_data.reports(nothing)}
    assert advice["sample"].startswith("fashion report --catalogue sample --processed ")
    assert advice["lite/sample"].startswith("fashion report --catalogue sample --run lite --processed ")
    run = Workspace("any", nothing.processed_root / "runs/lite", nothing.report.parent / "runs/lite")
    assert {"lite/sample"} == {finding.name for finding in doctor_data.reports(run)} - {"locks", "leftovers"}


@pytest.mark.slow
def test_states_of_a_report(copy, work):
    assert of_report(copy).said.startswith("complete, finished 20") and of_report(copy).state == "ok"
    with only_one(copy):
        assert of_report(copy).said.startswith("runs now") and "held: tiny" in of_report(copy, "locks").said
    assert of_report(copy, "locks").state == "ok"

    path = copy.path("map.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:80] + bytes([whole[80] ^ 1]) + whole[81:])
    assert "by checksum: map.parquet" in of_report(copy).said and "fashion report --catalogue" in of_report(copy).advice
    path.write_bytes(whole)

    old = time.time() - 9e8
    for file in copy.processed.rglob("*"):
        os.utime(file, (old, old))
    assert of_report(copy).state == "ok", "times of files say nothing"

    path.unlink()
    assert "missing: map.parquet" in of_report(copy).said
    path.write_bytes(whole)

    half = copy.processed / ".frozen.4194305.npy"
    half.write_bytes(bytes(10**6))
    assert "1 MB half-written" in of_report(copy, "leftovers").said
    state = state_path(copy, STEPS[3])
    told = json.loads(state.read_text())
    state.write_text(json.dumps(told | {"key": "another"}))
    assert "notebook 04 would run again" in of_report(copy).said
    state.unlink()
    assert "to do: 04" in of_report(copy).said and of_report(copy).state == "note"
