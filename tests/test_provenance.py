"""A change of code or data is seen; a change elsewhere is not."""

import os
import subprocess
from types import SimpleNamespace

import nbformat
import pytest

from fashion import embedding, facts_store, parts, provenance, reading
from fashion.paths import project_root
from fashion.source import open_source


def notebook(path, code, text="# Title"):
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_closure_follows_imports():
    needed = provenance.code_closure("from fashion import embedding")
    assert {"embedding", "pixels", "source", "errors", "workspace"} <= set(needed)
    assert "photos" not in needed, "how photos are measured is nothing to their vectors"
    assert "report" not in needed and "plots_map" not in needed
    assert provenance.code_closure("import numpy") == []
    assert "colour" in provenance.code_closure("def f():\n    from fashion.colour import delta_e")


def test_code_checksum_sees_cells_and_modules(tmp_path, monkeypatch):
    path = notebook(tmp_path / "a.ipynb", "%matplotlib inline\nfrom fashion import cleaning\nx = 1")
    first = provenance.code_checksum(path)
    notebook(path, "%matplotlib inline\nfrom fashion import cleaning\nx = 2")
    second = provenance.code_checksum(path)
    assert first != second
    real = provenance._module_code
    changed = {"cleaning": "x = 1"}
    monkeypatch.setattr(provenance, "_module_code", lambda name: changed.get(name) or real(name))
    assert provenance.code_checksum(path) != second
    changed.clear()
    changed["plots_map"] = "x = 1"
    assert provenance.code_checksum(path) == second


def test_what_is_kept_of_photos_hangs_on_the_code_that_made_it(tmp_path, monkeypatch):
    backbone = SimpleNamespace(name="small", size=96, weights_checksum="0" * 64)
    runtime = SimpleNamespace(name="none", version="0")
    (tmp_path / "annotation.txt").write_text("x")
    source = open_source(tmp_path, "annotation.txt")
    monkeypatch.setattr(parts, "tools", lambda job: (source, backbone, runtime))

    def keys():
        return [
            embedding.store_key(backbone), facts_store.facts_folder(tmp_path, source).name,
            reading.open_descriptors(tmp_path).folder.name, parts.made_by(None, "data"),
        ]  # fmt: skip

    real, changed = provenance._module_code, {}
    monkeypatch.setattr(provenance, "_module_code", lambda name: changed.get(name) or real(name))
    before = keys()
    assert keys() == before
    changed["pixels"] = "x = 1"
    assert all(now != then for now, then in zip(keys(), before, strict=True))
    del changed["pixels"]
    changed["photos"] = "x = 1"
    assert [now == then for now, then in zip(keys(), before, strict=True)] == [True, False, False, False]


def test_comments_docstrings_and_layout_do_not_count_but_code_does():
    plain = provenance.meaning("def f(x):\n    return x + 1\n")
    assert plain == provenance.meaning(
        '"""Module."""\n\n# why\ndef f(x):\n    """Docs."""\n    return (x\n        + 1)'
    )
    assert plain != provenance.meaning("def f(x):\n    return x + 2\n")
    assert provenance.meaning("x = 'a'") != provenance.meaning("x = 'b'")


def test_outputs_do_not_count(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "1")
    first = provenance.code_checksum(path)
    found = nbformat.read(path, as_version=4)
    found.cells[1].outputs = [nbformat.v4.new_output("stream", text="hello")]
    nbformat.write(found, path)
    assert provenance.code_checksum(path) == first


def test_fingerprint_sees_names_sizes_and_times(tmp_path):
    (tmp_path / "a").write_text("1")
    first = provenance.fingerprint(tmp_path)
    assert provenance.fingerprint(tmp_path) == first
    (tmp_path / "b").write_text("2")
    second = provenance.fingerprint(tmp_path)
    os.utime(tmp_path / "a", (0, 0))
    assert len({first, second, provenance.fingerprint(tmp_path)}) == 3
    assert provenance.fingerprint(tmp_path / "a") != provenance.fingerprint(tmp_path / "b")


def test_checksums(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert provenance.sha256_file(tmp_path / "a") == provenance.sha256_bytes(b"abc") == known
    assert provenance.sha256_json({"a": 1, "b": 2}) == provenance.sha256_json({"b": 2, "a": 1})


def test_versions_and_machine():
    found = provenance.versions()
    assert found["pandas"].startswith("2.3") and "absent" not in found.values()
    assert provenance.versions(["no-such-package"])["no-such-package"] == "absent"
    machine = provenance.machine()
    assert machine["cores"] >= 1 and machine["system"]


def test_commit_is_the_checkouts(monkeypatch, tmp_path):
    if not (project_root() / ".git").exists():
        pytest.skip("this is no git checkout")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project_root(), capture_output=True, text=True
    ).stdout.strip()
    assert provenance.commit().startswith(head)
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit() == "unknown"
