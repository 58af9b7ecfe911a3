"""Each run's kernels have a private folder outside the checkout: runs do not meet, and killed ones are swept."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import papermill
import pytest
from small_notebooks import notebook, printed

from fashion.core.errors import ReportError
from fashion.core.paths import project_root
from fashion.report import runner
from fashion.report.runner import FOLDER, LOCK, kernel_settings, run_notebook, sweep_kernels, temporary_places

pytestmark = pytest.mark.usefixtures("fresh_kernels")

#: What a kernel says of its own connection.
TELL = "import ipykernel, pathlib\nprint(pathlib.Path(ipykernel.get_connection_file()).read_text(encoding='utf-8'))"


@pytest.fixture
def places(tmp_path_factory, monkeypatch):
    """Temporary places of the test's own, the first with a short path."""
    place = Path(os.path.realpath(tmp_path_factory.mktemp("k")))
    monkeypatch.setattr(runner, "temporary_places", lambda: [place])
    return place


def test_the_folder_is_private_short_and_gone_at_the_end(places):
    with kernel_settings() as config:
        folder = Path(config.KernelManager.connection_file).parent
        assert folder.parent == places and stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert config.KernelManager.transport == "ipc" and config.KernelManager.ip == str(folder / "s")
        assert len(os.fsencode(f"{config.KernelManager.ip}-5")) <= 103
        assert sweep_kernels([places]) == [], "a folder in use is no leftover"
    assert list(places.iterdir()) == []


def test_a_notebook_runs_in_it_and_leaves_nothing(places, tmp_path):
    path = notebook(tmp_path / "a.ipynb", TELL)
    run_notebook(path, tmp_path / "b.ipynb", {})
    told = json.loads(printed(tmp_path / "b.ipynb"))
    assert told["transport"] == "ipc" and told["ip"].startswith(str(places)) and told["key"]
    assert list(places.iterdir()) == [] and sorted(p.name for p in tmp_path.iterdir()) == ["a.ipynb", "b.ipynb"]


def test_a_path_too_long_for_sockets_is_passed_over(tmp_path, monkeypatch):
    long, short = tmp_path / ("long" * 30), tmp_path / "s"
    long.mkdir()
    short.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    assert temporary_places() == [long, Path("/tmp")]
    monkeypatch.setattr(runner, "temporary_places", lambda: [long, Path("/tmp")])
    with kernel_settings() as config:
        assert config.KernelManager.transport == "ipc" and Path(config.KernelManager.ip).parent.parent == Path("/tmp")
    assert list(long.iterdir()) == []


def test_where_no_path_takes_sockets_kernels_talk_through_signed_tcp(tmp_path, monkeypatch):
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    monkeypatch.setattr(runner, "temporary_places", lambda: [long])
    run_notebook(notebook(tmp_path / "a.ipynb", TELL), tmp_path / "b.ipynb", {})
    told = json.loads(printed(tmp_path / "b.ipynb"))
    assert told["transport"] == "tcp" and told["ip"] == "127.0.0.1"
    assert len(told["key"]) >= 32 and told["signature_scheme"] == "hmac-sha256"
    assert list(long.iterdir()) == []


def test_a_port_that_was_taken_meanwhile_costs_a_second_start(tmp_path, monkeypatch):
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    monkeypatch.setattr(runner, "temporary_places", lambda: [long])
    plain, starts = papermill.execute_notebook, []

    def execute(*given, **more):
        starts.append(1)
        if len(starts) < 3:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return plain(*given, **more)

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    run_notebook(notebook(tmp_path / "a.ipynb", TELL), tmp_path / "b.ipynb", {})
    assert len(starts) == 3 and json.loads(printed(tmp_path / "b.ipynb"))["transport"] == "tcp"
    starts[:] = []
    monkeypatch.setattr(runner, "TCP_STARTS", 2)
    with pytest.raises(ReportError, match="died before replying"):
        run_notebook(notebook(tmp_path / "a.ipynb", TELL), tmp_path / "c.ipynb", {})
    assert len(starts) == 2


def test_folders_of_killed_runs_are_swept_and_no_others(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nimport fashion.report.runner\n"
        f"fashion.report.runner.temporary_places = lambda: [Path({str(tmp_path)!r})]\n"
        "with fashion.report.runner.kernel_settings():\n    print('in', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "in\n"
    (left,) = tmp_path.iterdir()
    assert sweep_kernels([tmp_path]) == [] and left.is_dir()
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.utime(left, (time.time() - 60,) * 2)  # new ones are left alone for some seconds
    others = [tmp_path / f"{FOLDER}young", tmp_path / "fashion-verify-x", tmp_path / "elsewhere"]
    for other in others:
        other.mkdir()
    (others[1] / LOCK).touch()
    (tmp_path / f"{FOLDER}link").symlink_to(others[2])
    old = tmp_path / f"{FOLDER}old"  # killed before it was locked
    old.mkdir()
    os.utime(old, (time.time() - 7200,) * 2)
    assert sorted(sweep_kernels([tmp_path, tmp_path / "none"])) == sorted([left, old])
    assert all(other.is_dir() for other in others) and (tmp_path / f"{FOLDER}link").is_symlink()


def test_a_run_sweeps(places, tmp_path):
    old = places / f"{FOLDER}old"
    old.mkdir()
    (old / LOCK).touch()
    os.utime(old, (time.time() - 60,) * 2)
    with kernel_settings():
        assert not old.exists()


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (ValueError("Invalid Signature: b'x'"), "ValueError: Invalid Signature"),
        (RuntimeError("Kernel didn't respond in 600 seconds"), "RuntimeError"),
        (TimeoutError("late"), "TimeoutError: late"),
        (KeyError("No such kernel named python3"), "KeyError"),
        (OSError(30, "Read-only file system", "x.ipynb"), "name other folders with --processed"),
    ],
)
def test_whatever_a_start_raises_says_what_to_do(tmp_path, monkeypatch, raised, words):
    """Raised where the connection file is written, the first thing of a start."""

    def fail(*_, **__):
        raise raised

    monkeypatch.setattr("jupyter_client.connect.ConnectionFileMixin.write_connection_file", fail)
    with pytest.raises(ReportError, match=r"a\.ipynb") as error:
        run_notebook(notebook(tmp_path / "a.ipynb", "1"), tmp_path / "b.ipynb", {})
    assert words in str(error.value) and "same command again" in str(error.value)


def test_zeromq_that_cannot_bind_is_an_error_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "takes_sockets", lambda _: True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr(runner, "temporary_places", lambda: [long])
    with pytest.raises(ReportError, match=r"expected a\.ipynb to run to its end"):
        run_notebook(notebook(tmp_path / "a.ipynb", "1"), tmp_path / "b.ipynb", {})


def test_a_process_ends_after_a_kernel_that_could_not_bind(tmp_path):
    """The failed start's sockets are closed; else the process hangs when ZeroMQ's context is collected."""
    code = (
        "import sys, tempfile\nfrom pathlib import Path\nfrom fashion.report import runner\n"
        "from fashion.core.errors import ReportError\nlong = Path(sys.argv[1])\ntempfile.tempdir = str(long)\n"
        "runner.takes_sockets = lambda _: True\nrunner.temporary_places = lambda: [long]\n"
        "try:\n    runner.run_notebook(Path(sys.argv[2]), Path(sys.argv[3]), {})\n"
        "except ReportError as error:\n    kept = [error]\n    kept.append(kept)\n"  # as whoever reports it may
        "del kept\nimport gc\ngc.collect()\nprint('told')\n"
    )
    long = tmp_path / ("long" * 30)
    long.mkdir()
    path = notebook(tmp_path / "a.ipynb", "1")
    command = [sys.executable, "-c", code, str(long), str(path), str(tmp_path / "b.ipynb")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)  # or never
    assert (done.returncode, done.stdout) == (0, "told\n"), done.stderr[-1000:]


@pytest.mark.slow
def test_runs_begun_at_one_moment_do_not_meet(tmp_path):
    """Four kernels side by side, from one folder of notebooks."""
    path = notebook(tmp_path / "a.ipynb", "import time\ntime.sleep(0.5)", "print('done')")
    code = (
        "import sys\nfrom pathlib import Path\nfrom fashion.report.runner import run_notebook\n"
        "run_notebook(Path(sys.argv[1]), Path(sys.argv[2]), {})"
    )

    def run(number):
        command = [sys.executable, "-c", code, str(path), str(tmp_path / f"{number}.out.ipynb")]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(run, range(4)))
    assert [done.returncode for done in ended] == [0] * 4, ended
    assert all(printed(tmp_path / f"{number}.out.ipynb") == "done\n" for number in range(4))
    assert [p.name for p in (project_root() / "notebooks").iterdir() if "ipc" in p.name] == []
