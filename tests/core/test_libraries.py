"""A missing system library is named, with what installs it, before anything runs; and `doctor` outlives it."""

import json
import os
import subprocess
import sys

import pytest
from conftest import write_small_catalogue

from fashion.core import libraries
from fashion.core.disk import hint
from fashion.core.errors import LibraryError
from fashion.core.paths import project_root

MISSING = "libGL.so.1: cannot open shared object file: No such file or directory"
ADVICE = "apt-get install libgl1 libglib2.0-0 libxcb1"


@pytest.fixture
def bare(tmp_path):
    """The environment of a server on which OpenCV cannot load libGL."""
    fake = tmp_path / "fake/cv2"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text(f"raise ImportError({MISSING!r}, name='cv2')\n")
    path = os.pathsep.join([str(fake.parent), str(project_root()), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path}


def fashion(environment, *words):
    command = [sys.executable, "-m", "fashion.cli.main", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=project_root())


def test_the_doctor_names_the_library_and_what_installs_it(bare, tmp_path):
    ended = fashion(bare, "doctor", "--json", "--processed", tmp_path / "p", "--reports", tmp_path / "r")
    assert ended.returncode == 1 and not ended.stderr
    told = json.loads(ended.stdout)
    (finding,) = [one for one in told["findings"] if one["name"] == "cv2"]
    assert not told["can_run"] and finding["state"] == "missing"
    assert "libGL.so.1" in finding["said"] and ADVICE in finding["advice"]
    assert "tensorflow" not in [one["name"] for one in told["findings"] if one["state"] == "missing"]


def test_make_env_says_it_too(bare):
    ended = subprocess.run([sys.executable, "-m", "fashion.core.libraries"], capture_output=True, text=True, env=bare)
    assert ended.returncode == 1 and "libGL.so.1, which cv2 loads" in ended.stderr and ADVICE in ended.stderr
    assert "-m fashion.core.libraries" in (project_root() / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["report", "serve", "data", "verify"])
def test_commands_that_read_photos_end_with_advice_and_no_notebook_is_begun(bare, tmp_path, command):
    folders = ["--processed", tmp_path / "p", "--reports", tmp_path / "r"]
    more = {
        "report": folders, "serve": [*folders, "--port", 0], "data": [], "verify": [],
    }[command]  # fmt: skip
    ended = fashion(bare, command, *more)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert "libGL.so.1" in ended.stderr and ADVICE in ended.stderr
    assert not list(tmp_path.glob("r/*/notebooks/*"))


@pytest.mark.slow
def test_with_a_report_items_are_answered_and_photos_are_told_why_not(bare, work, tiny, tmp_path):
    folders = ["-c", tiny / "tiny.toml", "--processed", work.processed_root, "--reports", work.report.parent]
    assert fashion(bare, "recommend", work.items()["item"][0], *folders).returncode == 0
    photo = next((tiny / "clothes/images").glob("*.jpg"))
    more = write_small_catalogue(tmp_path / "more", each=1)
    for words in (["recommend", "--photo", photo], ["add", "--data", more], ["serve", "--port", 0], ["report"]):
        ended = fashion(bare, *words, *folders)
        assert ended.returncode == 1 and "Traceback" not in ended.stderr, ended.stderr[-2000:]
        assert "libGL.so.1" in ended.stderr and ADVICE in ended.stderr
    doctor = fashion(bare, "doctor", "--processed", work.processed_root, "--reports", work.report.parent)
    assert doctor.returncode == 1 and "Traceback" not in doctor.stderr and "libGL.so.1" in doctor.stdout


def test_the_doctor_itself_needs_no_opencv():
    code = "import sys, fashion.cli.main, fashion.cli.doctor, fashion.cli.doctor_data; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=project_root()).returncode == 0


def test_this_machine_has_all():
    assert libraries.check() == {} and libraries.main() == 0
    libraries.require("cv2", "json")


def test_a_package_that_kills_its_process_is_named(tmp_path, monkeypatch):
    (tmp_path / "killer.py").write_text("import os, signal\nprint('hello')\nos.kill(os.getpid(), signal.SIGILL)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert libraries.check(["json", "killer", "no_such_module"]) == {
        "killer": "the process that loaded it ended with signal 4"
    }


@pytest.mark.parametrize(
    ("message", "library", "package"),
    [(MISSING, "libGL.so.1", "libgl1"),
     ("libgomp.so.1: cannot open shared object file: No such file or directory", "libgomp.so.1", "libgomp1"),
     ("libstdc++.so.6: cannot open shared object file: x", "libstdc++.so.6", "libstdc++6"),
     ("libgthread-2.0.so.0: cannot open shared object file", "libgthread-2.0.so.0", "libglib2.0-0"),
     ("Error loading shared library libXext.so.6: No such file", "libXext.so.6", "libxext6"),
     ("libodd-9.so.3: cannot open shared object file", "libodd-9.so.3", "the package of your system that has libodd"),
     ("No module named 'cv2'", "", ""), ("", "", "")],
)  # fmt: skip
def test_loaders_messages_are_read(message, library, package):
    assert libraries.missing_library(message) == library
    if library:
        assert package in libraries.install([library]) and package in hint(message)
        assert library in libraries.in_words(message, "cv2")
    else:
        assert libraries.in_words(message) == "" == hint(message)


def test_require_raises_our_own_error_for_libraries_alone(tmp_path, monkeypatch):
    (tmp_path / "broken_one.py").write_text(f"raise ImportError({MISSING!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        LibraryError, match=r"expected the system library libGL\.so\.1, which broken_one loads.*apt-get"
    ):
        libraries.require("broken_one")
    with pytest.raises(ModuleNotFoundError):
        libraries.require("no_such_module_at_all")
