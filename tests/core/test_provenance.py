"""Versions, machine and commit as a report states them."""

import subprocess

import pytest

from fashion.core import provenance
from fashion.core.paths import project_root


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
