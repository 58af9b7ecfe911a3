"""A lock is held, free, or nobody can tell; only what is known to be free is swept."""

import os

import pytest

from fashion.core import locking
from fashion.core.errors import ReportError
from fashion.core.workspace import Workspace
from fashion.report.runner import LOCK, kernel_settings, sweep_kernels


def test_one_folder_for_artefacts_and_report_is_held_once(tmp_path):
    work = Workspace("x", tmp_path, tmp_path)
    with locking.only_one(work):
        assert locking.is_running(work)
        with pytest.raises(ReportError, match="another report"), locking.only_one(work):
            pass
    assert not locking.is_running(work)


def test_a_lock_is_held_or_free_or_unknown(tmp_path, monkeypatch):
    path = tmp_path / "lock"
    assert locking.is_held(path) is False
    with path.open("w") as stream:
        assert locking.try_lock(stream) and locking.is_held(path) is True
    assert locking.is_held(path) is False

    def unknown(*_, **__):
        raise OSError("this file system knows no locks")

    monkeypatch.setattr(locking, "lock_descriptor", unknown)
    assert locking.is_held(path) is None


def test_a_kernels_folder_is_swept_only_where_its_lock_is_known_to_be_free(tmp_path, monkeypatch):
    monkeypatch.setattr("fashion.report.runner.temporary_places", lambda: [tmp_path])
    with kernel_settings():
        (folder,) = tmp_path.iterdir()
        for path in (folder, folder / LOCK):
            os.utime(path, (0, 0))  # long ago, so that its age does not protect it
        assert sweep_kernels([tmp_path]) == []
        known = locking.lock_descriptor
        monkeypatch.setattr(locking, "lock_descriptor", lambda *_, **__: (_ for _ in ()).throw(OSError("none")))
        assert sweep_kernels([tmp_path]) == [] and folder.is_dir()
        monkeypatch.setattr(locking, "lock_descriptor", known)
    left = tmp_path / folder.name
    left.mkdir()
    (left / LOCK).touch()
    assert sweep_kernels([tmp_path]) == [], "a new folder's lock may not be taken yet"
    os.utime(left, (0, 0))
    assert sweep_kernels([tmp_path]) == [left] and not left.exists()
