"""The suite's forked kernels are used, are as clean as fresh ones, and end as these do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from forked_kernel import SOCKET
from small_notebooks import notebook, printed

from fashion.core.errors import ReportError
from fashion.report.runner import run_notebook

pytestmark = pytest.mark.skipif(SOCKET not in os.environ, reason="this system does not fork kernels: all are fresh")

#: What a kernel has loaded before it loads anything.
LOADED = "import sys\nprint('tensorflow' in sys.modules, any(name.split('.')[0] == 'fashion' for name in sys.modules))"

#: A kernel's process, written to a file.
WHO = "import os, pathlib\npathlib.Path('{}').write_text(str(os.getpid()))"


def told(tmp_path, *codes):
    run_notebook(notebook(tmp_path / "a.ipynb", *codes), tmp_path / "b.ipynb", {})
    return printed(tmp_path / "b.ipynb").strip()


def test_they_have_loaded_others_packages_and_nothing_of_ours(tmp_path):
    assert told(tmp_path, LOADED) == "True False"


def test_fresh_ones_have_loaded_nothing(tmp_path, fresh_kernels):
    assert told(tmp_path, LOADED) == "False False"


@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "MPLCONFIGDIR"])
def test_what_is_read_at_loading_makes_a_fresh_one(tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "7" if name == "PYTHONHASHSEED" else str(tmp_path))
    assert told(tmp_path, LOADED) == "False False"


def test_folder_environment_and_mask_are_the_runs_own(tmp_path, monkeypatch):
    monkeypatch.setenv("OF_THE_RUN", "é")
    mask = os.umask(0o027)
    try:
        found = told(
            tmp_path, "import os, sys", "mask = os.umask(0)\nprint(os.getcwd(), os.environ['OF_THE_RUN'], oct(mask))"
        )
    finally:
        os.umask(mask)
    assert found == f"{tmp_path} é 0o27"
    monkeypatch.delenv("OF_THE_RUN")
    assert told(tmp_path, "import os", "print(os.environ.get('OF_THE_RUN'))") == "None"


def test_an_endless_cell_is_stopped_and_no_process_stays(tmp_path):
    path = notebook(tmp_path / "a.ipynb", WHO.format(tmp_path / "who"), "while True: pass")
    with pytest.raises(ReportError, match=r"CellTimeoutError|timed out"):
        run_notebook(path, tmp_path / "b.ipynb", {}, cell_limit=5)
    assert gone(int((tmp_path / "who").read_text()))


def test_a_kernel_that_is_killed_is_an_error(tmp_path):
    path = notebook(tmp_path / "a.ipynb", f"import os, signal\nos.kill(os.getpid(), {int(signal.SIGKILL)})")
    with pytest.raises(ReportError, match="DeadKernelError"):
        run_notebook(path, tmp_path / "b.ipynb", {})
    assert nbformat.read(Path(tmp_path / "b.failed.ipynb"), as_version=4).cells


def test_a_kernel_whose_runner_is_killed_ends(tmp_path):
    path, who = notebook(tmp_path / "a.ipynb", WHO.format(tmp_path / "who"), "while True: pass"), tmp_path / "who"
    run = "import sys; from pathlib import Path; from fashion.report.runner import run_notebook; "
    run += "run_notebook(Path(sys.argv[1]), Path(sys.argv[2]), {})"
    runner = subprocess.Popen([sys.executable, "-c", run, str(path), str(tmp_path / "b.ipynb")])
    deadline = time.monotonic() + 300
    while not (who.exists() and who.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    runner.kill()
    runner.wait()
    assert gone(int(who.read_text()))


def gone(process, seconds=20):
    """Whether a process ends soon."""
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not Path(f"/proc/{process}").exists()
