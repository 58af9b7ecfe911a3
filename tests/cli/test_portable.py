"""The code runs where there is no fcntl and no ipc (Windows), and on streams of any encoding."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import TOML, lend, write_small_catalogue
from windows import POSIX

from benchmarks.__main__ import main as benchmarks
from fashion.cli.main import main
from fashion.core.bounds import SEEDS, check_whole
from fashion.core.console import announce, print_json
from fashion.core.disk import alive
from fashion.core.errors import SettingsError
from fashion.core.paths import project_root
from fashion.core.progress import progress_bar
from fashion.core.workspace import Workspace
from fashion.report.build import notebook_parameters
from fashion.report.steps import STEPS, Settings

ROOT = project_root()

#: Runs in a fresh process, and in the kernels that it starts, before all else: our code finds none of these modules,
#: no socket files and no functions that Windows lacks.
WINDOWS_LIKE = f"""
import builtins, socket, sys
if not hasattr(builtins, "plain_import"):
    builtins.plain_import = builtins.__import__
    def importing(name, globals=None, *rest, **more):
        if name in {sorted(POSIX)!r} and str((globals or {{}}).get("__name__", "")).startswith("fashion"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return builtins.plain_import(name, globals, *rest, **more)
    builtins.__import__ = importing
"""
NO_SOCKETS = "import fashion.report.runner\nfashion.report.runner.takes_sockets = lambda _: False\n"


def below(folder):
    """Path -> size and time of change, of all below the checkout but what Python and the tests' tools keep."""
    skip = {".git", ".venv", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis"}
    found = {}
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in skip]
        found |= {p: (p.stat().st_size, p.stat().st_mtime_ns) for name in names if (p := Path(root, name)).is_file()}
    return found


def of_other_tests(path):
    """Whether other workers' tests may have made `path`: theirs, the checkout's own sample, finished or not, the
    photos that test_shop.py downloads, or the browser's screenshots.
    """
    inside, raw = path.relative_to(ROOT), Path("data/raw")
    made = inside.relative_to(raw).parts[0] if inside.is_relative_to(raw) else ""
    if made in ("sample", "bench-of-a-test") or made.startswith(".sample."):
        return True
    return inside.parts[0] == "tests" or inside.is_relative_to("reports/screens")


def can_mount():
    return sys.platform == "linux" and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


#: Makes the checkout and the user's home read-only at $SEEN, then runs the command.
READ_ONLY = """set -e
mount --bind "$ROOT" "$SEEN"
mount -o remount,ro,bind "$SEEN"
export HOME="$SEEN"
exec "$@"
"""


@pytest.mark.slow
def test_without_posix_modules_sockets_and_leave_to_write_a_catalogue_is_embedded_elsewhere(tmp_path, networks):
    """As root on Linux the checkout is read-only, and the sample is made beside the artefacts."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/sitecustomize.py").write_text(WINDOWS_LIKE, encoding="utf-8")
    lend(networks, tmp_path / "p")
    command = ["embed", "--size", "96", "--backbone", "efficientnet-lite0", "--processed", "p", "--reports", "r"]
    code, before, checkout, shell = NO_SOCKETS, below(ROOT), ROOT, []
    if mounted := can_mount():
        checkout = tmp_path / "checkout"
        checkout.mkdir()
        shell = ["unshare", "-m", "bash", "-c", READ_ONLY, "bash"]
        code += "import fashion.catalogue.sample.make as s\ns.make_sample.__kwdefaults__['count'] = 110\n"
        command += ["--limit", "90"]
    else:
        write_small_catalogue(tmp_path / "clothes", each=6)
        (tmp_path / "tiny.toml").write_text(TOML, encoding="utf-8")
        command += ["-c", "tiny.toml"]
    code += f"from fashion.cli.main import main\nimport sys\nsys.exit(main({command!r}))"
    path = os.pathsep.join([str(tmp_path / "hidden"), str(checkout), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*shell, sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "ascii", "ROOT": str(ROOT), "SEEN": str(checkout)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "? 2 of 2 steps run" in done.stdout, "what ASCII cannot show is replaced, and the work's status stays"
    assert (tmp_path / f"p/{'sample' if mounted else 'tiny'}/frozen.npy").is_file()
    assert (tmp_path / "p/.sample/annotation.txt").is_file() == mounted
    changed = below(ROOT).keys() ^ before.keys()
    assert not [path for path in changed if not of_other_tests(path)]


def test_help_and_import_need_no_posix_module(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(WINDOWS_LIKE, encoding="utf-8")
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    code = """
import fashion.core.locking, fashion.cli.doctor, fashion.web.app, fashion.report.build
from fashion.cli.main import main
for command in ("recommend", "doctor"):
    try:
        main([command, "--help"])
    except SystemExit as ended:
        print("ended with", ended.code)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    for command, said in zip(("recommend", "doctor"), done.stdout.split("ended with 0\n"), strict=False):
        assert f"usage: fashion {command}" in said, done.stderr
    assert done.stdout.count("ended with 0\n") == 2


def test_processes_are_told_from_dead_ones():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert alive(os.getpid()) and not alive(gone.pid) and alive(1) and alive(10**40)


def test_paths_on_two_drives_are_given_whole(tmp_path, monkeypatch):
    def two_drives(*_):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("fashion.report.build.os.path.relpath", two_drives)
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    found = notebook_parameters(Settings(), work, STEPS[0].path)
    assert found["processed"] == (tmp_path / "p").as_posix() and found["reports"] == (tmp_path / "r").as_posix()


# -- streams that are not UTF-8 ----------------------------------------------------------------------------
@pytest.fixture(params=["ascii", "latin-1", "cp1252"])
def narrow(request):
    """A stream that knows few letters; pytest sets its own standard output before each test, so tests take it."""
    return io.TextIOWrapper(io.BytesIO(), request.param)


def test_a_line_is_shown_as_far_as_it_can_be(narrow, monkeypatch):
    monkeypatch.setattr(sys, "stdout", narrow)
    announce("report · 赤 → done")
    said = narrow.buffer.getvalue().decode(narrow.encoding)
    assert said.endswith("? ? done\n") and said.startswith("report ")


def test_json_loses_nothing(narrow, monkeypatch):
    monkeypatch.setattr(sys, "stdout", narrow)
    content = {"title": "赤いドレス", "café": 1.5, "list": ["👗"]}
    print_json(content)
    narrow.flush()
    assert json.loads(narrow.buffer.getvalue().decode(narrow.encoding)) == content


def test_json_stays_readable_where_it_can(capsys):
    print_json({"title": "rosso è bello"})
    assert "è bello" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_the_command_ends_by_its_work_on_any_stream(encoding):
    code = "import sys\nfrom fashion.cli.main import main\nsys.exit(main(['data', '-c', '\u8d64']))"
    env = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, env=env)
    assert done.returncode == 1 and b"expected a catalogue" in done.stderr and b"Traceback" not in done.stderr


def test_bars_are_of_ascii_where_blocks_cannot_be_shown(monkeypatch):
    class Terminal(io.TextIOWrapper):
        def isatty(self):
            return True

    for encoding, blocks in (("ascii", False), ("utf-8", True)):
        stream = Terminal(io.BytesIO(), encoding)
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.delenv("FASHION_PROGRESS", raising=False)
        with progress_bar(2, "photos", done=1) as bar:
            bar.refresh()
        stream.flush()
        assert ("█" in stream.buffer.getvalue().decode(encoding)) == blocks


# -- numbers out of their bounds ---------------------------------------------------------------------------
OUTSIDE = {
    "--seed": ["-1", "4294967296", "1.5", "x", "9" * 5000], "--limit": ["0", "-1", str(2**31)],
    "--first": ["0", str(10**30)], "--size": ["0", "-3"],
}  # fmt: skip
OTHERS = {
    "serve": {"--port": ["-1", "65536"], "--threads": ["0", "100000"], "--photos-per-minute": ["0"],
              "--photos-at-once": ["-2"]},
    "distribute": {"--workers": ["0", "-1", "100000"]},
    "recommend": {"-k": ["0", "-1", str(2**31)], "--diversity": ["nan", "-0.1"], "--colour-weight": ["1.1", "inf"]},
}  # fmt: skip
COMMANDS = {"report": OUTSIDE, "embed": OUTSIDE, "verify": OUTSIDE, **OTHERS}
CASES = [(name, option, value) for name, o in COMMANDS.items() for option, values in o.items() for value in values]


@pytest.mark.parametrize(("command", "option", "value"), CASES, ids=lambda text: text[:20])
def test_numbers_out_of_bounds_are_refused_at_once(capsys, command, option, value):
    needed = ["--shared", "x"] if command == "distribute" else []
    with pytest.raises(SystemExit) as ended:
        given = f"{option}={value}" if option.startswith("--") else f"{option}{value}"
        benchmarks([given]) if command == "bench" else main([command, *needed, given])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "expected a" in said and "found" in said and len(said) < 3000
    if option == "--seed":
        assert "from 0 to 4294967295" in said


@pytest.mark.parametrize(
    "given",
    [{"seed": -1}, {"seed": 2**32}, {"seed": 1.0}, {"seed": True}, {"seed": None}, {"seed": "1"}, {"limit": 0},
     {"limit": -5}, {"first": 0}, {"size": 0}, {"limit": 5, "first": 5}],
)  # fmt: skip
def test_settings_from_python_are_held_to_the_same(given):
    with pytest.raises(SettingsError, match=f"expected .*{next(iter(given))}.*found.*(Correct|Leave one out)"):
        Settings(**given)


@pytest.mark.parametrize(
    "given",
    [{"backbone": "resnet"}, {"runtime": "fast"}, {"queries": ["a"]}, {"keep_unknown": "no"}, {"colour_weight": "0.5"},
     {"catalogue": 3}, {"data": 7}],
)  # fmt: skip
def test_settings_of_another_kind_are_refused_at_once(given):
    with pytest.raises(SettingsError, match=f"expected {next(iter(given))}.*found"):
        Settings(**given)


def test_a_path_is_a_text_among_settings():
    assert Settings(catalogue=Path("x.toml"), data=Path("d")) == Settings(catalogue="x.toml", data="d")


def test_the_ends_of_the_range_are_seeds():
    for seed in (0, 2**32 - 1, np.uint32(7)):
        assert Settings(seed=seed).seed == seed
        check_whole("seed", seed, SEEDS)
        np.random.RandomState(seed)


def test_makefile_and_help_say_the_range():
    from fashion.cli.main import build_parser
    from tools.write_commands_page import subcommands, variables

    assert "4294967295" in variables((ROOT / "Makefile").read_text(encoding="utf-8"))["SEED"][1]
    assert "4294967295" in subcommands(build_parser())["report"].format_help()
    assert Path(ROOT / "docs/commands.md").read_text(encoding="utf-8").count("4294967295") >= 3
