"""Lock, pyproject.toml and environment.yml say the same; nothing names a download address."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from fashion.core.paths import project_root

ROOT = project_root()
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def locked():
    """Name -> pinned requirements (more than one where a marker tells Pythons apart)."""
    found = {}
    for line in re.sub(r"\\\n\s*", " ", LOCK).splitlines():
        if line and not line.startswith(("#", " ")):
            requirement = Requirement(line.split("--hash")[0].strip())
            found.setdefault(requirement.name.lower().replace("_", "-"), []).append(
                (requirement, line.count("--hash=sha256:"))
            )
    return found


def test_every_package_is_pinned_with_hashes_and_no_address():
    assert len(locked()) > 100
    for name, entries in locked().items():
        for requirement, hashes in entries:
            assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), name
            assert hashes >= 1, name
    assert "://" not in LOCK and "-index" not in LOCK and "find-links" not in LOCK


EXTRAS = PROJECT["optional-dependencies"]
ASKED = [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]
PACKAGE = sorted((ROOT / "fashion").rglob("*.py"))


@pytest.mark.parametrize("line", [line for line in ASKED if not line.startswith("fashion[")])
def test_direct_dependencies_are_locked_within_their_bounds(line):
    wanted = Requirement(line)
    entries = locked().get(wanted.name.lower())
    assert entries, f"{wanted.name} is in pyproject.toml and not in requirements.lock: run `make lock`"
    for requirement, _ in entries:
        version = str(requirement.specifier).removeprefix("==")
        assert wanted.specifier.contains(version), f"{wanted} is locked at {version}: run `make lock`"


def test_every_direct_dependency_has_a_reason_on_its_line():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for line in ASKED:
        assert re.search(re.escape(f'"{line}"') + r",\s+# \S", text), f"{line} has no reason on its line"


def test_nothing_is_installed_by_the_projects_name():
    """No index has the project: under its name there is somebody else's package."""
    places = [ROOT / "README.md", ROOT / "data/README.md", *(ROOT / "docs").glob("*.md"), *PACKAGE]
    assert not [path for path in places if re.search(r"install '?fashion\b|fashion\[", path.read_text("utf-8"))]


def test_the_users_packages_are_all_there():
    card = [
        "jupyterlab",
        "tensorflow",
        "pandas",
        "numpy",
        "matplotlib",
        "seaborn",
        "scikit-learn",
        "swifter",
        "opencv-python",
        "papermill",
    ]
    assert set(card) <= {Requirement(line).name for line in PROJECT["dependencies"]}
    assert str(locked()["pandas"][0][0].specifier).startswith("==2.3.")
    assert "torch" not in locked()


def test_conda_takes_the_same_pins():
    import yaml

    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert conda["name"] == PROJECT["name"]
    python = next(line for line in conda["dependencies"] if isinstance(line, str) and line.startswith("python"))
    version = python.split("=")[1]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(f"{version}.0")
    pip = next(line["pip"] for line in conda["dependencies"] if isinstance(line, dict))
    assert "-r requirements.lock" in pip and "--require-hashes" in pip
    assert not [line for line in pip if re.match(r"\w", line)], "pins belong into the lock alone"


def test_what_is_installed_is_what_is_locked():
    from importlib.metadata import version

    for name, entries in locked().items():
        for requirement, _ in entries:
            if requirement.marker is None or requirement.marker.evaluate(default_environment()):
                try:
                    installed = version(name)
                except ModuleNotFoundError:
                    installed = "absent"
                assert requirement.specifier.contains(installed, prereleases=True), f"{name}: {installed}"


def test_imports_load_no_tensorflow():
    code = (
        "import sys, fashion; from fashion import load_catalogue, Study, embed, tsne, build_report; "
        "import fashion.cli.main, fashion.report.steps, fashion.embedding.backbones; "
        "print([m for m in ('tensorflow', 'keras', 'torch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_notebooks_are_committed_without_outputs_and_tell_their_question():
    import nbformat

    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert [path.stem[:2] for path in notebooks] == ["01", "02", "03", "04", "05", "06"]
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells), path.name
        first, last = notebook.cells[0].source, notebook.cells[-1].source
        assert first.startswith("# ") and "**Question.**" in first, path.name
        assert "**Limits.**" in last, path.name
        assert any(cell.source == "## Findings" for cell in notebook.cells[-4:]), path.name
        tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
        assert len(tagged) == 1, path.name
        assert all("#" in line for line in tagged[0].source.splitlines()), f"{path.name}: a parameter has no comment"


def test_every_import_of_the_package_is_a_direct_dependency():
    import ast
    from importlib.metadata import packages_distributions

    homes = packages_distributions()
    needed = {Requirement(line).name.lower().replace("_", "-") for line in PROJECT["dependencies"]}
    # Optional ones are for those who ask for them.
    extras = {"runtimes.py": ["fast"], "distributed.py": ["cluster"], "headers.py": ["heic"], "encoder.py": ["fast"],
              "graphs.py": ["fast", "onnx"], "text.py": ["fast", "onnx", "text"], "qdrant.py": ["qdrant"]}  # fmt: skip
    for path in PACKAGE:
        asked = [line for extra in extras.get(path.name, []) for line in EXTRAS[extra]]
        wanted = needed | {Requirement(line).name.lower().replace("_", "-") for line in asked}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in filter(None, names):
                top = name.split(".")[0]
                if top in sys.stdlib_module_names or top == "fashion":
                    continue
                homes_of = {home.lower().replace("_", "-") for home in homes.get(top, [top])}
                # Keras comes with TensorFlow, which pins the one that fits it.
                homes_of |= {"tensorflow"} if top == "keras" else set()
                assert homes_of & wanted, f"{path.name} imports {top}, which pyproject.toml does not ask for"


def test_every_dependency_is_used():
    """Tools that are run, not imported, stand in `run`; all others must be imported somewhere."""
    from importlib.metadata import packages_distributions

    run = {"jupyterlab", "ipykernel", "pyarrow"}
    text = "\n".join(p.read_text(encoding="utf-8") for p in [*PACKAGE, *(ROOT / "notebooks").glob("*.ipynb")])
    modules = {}
    for module, homes in packages_distributions().items():
        for home in homes:
            modules.setdefault(home.lower().replace("_", "-"), set()).add(module)
    for line in [*PROJECT["dependencies"], *EXTRAS["fast"], *EXTRAS["cluster"]]:
        name = Requirement(line).name.lower().replace("_", "-")
        ways = r"\b(import|from) {0}\b|find_spec\(.{0}.\)"
        used = any(re.search(ways.format(re.escape(m)), text) for m in modules.get(name, {name}))
        assert used or name in run, f"{name} is not used"


#: A Python that says of itself that it is 3.14, and otherwise does what it is asked.
NEWER = """#!{bash}
exec {python} -c 'import sys; sys.version_info = (3, 14, 0); exec(sys.argv[1])' "$2"
"""


@pytest.mark.skipif(not (shutil.which("make") and shutil.which("bash")), reason="needs make and bash")
@pytest.mark.parametrize("target", ["env", "doctor"])
def test_make_says_which_python_to_install_where_there_is_only_a_newer_one(tmp_path, target):
    for name in ("bash", "make"):
        (tmp_path / name).symlink_to(shutil.which(name))
    python = tmp_path / "python3"
    python.write_text(NEWER.format(bash=shutil.which("bash"), python=sys.executable))
    python.chmod(0o755)
    command = ["make", "--no-print-directory", "-C", str(ROOT), target, f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and not (tmp_path / "venv").exists()
    assert "expected Python 3.11, 3.12 or 3.13" in said and "found Python 3.14" in said
    assert "uv python install 3.13" in said and "apt-get install python3 python3-venv" in said and "PYTHON=" in said


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_installing_the_package_prints_nothing(tmp_path):
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if "-m pip install" in line and "-e ." in line]
    command = (
        line.strip("\t &;\\").replace("$(BIN)/python", f"'{sys.executable}'") + f" --target '{tmp_path / 'aside'}'"
    )
    ended = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert list((tmp_path / "aside").glob("fashion-*.dist-info"))
