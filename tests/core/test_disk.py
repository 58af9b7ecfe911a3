"""What killed runs leave is swept, and what the disk refuses is said in words."""

import errno
import os
import subprocess
import sys

import pytest

from fashion.cli.main import main
from fashion.core.disk import hint, in_words, sweep
from fashion.core.errors import FashionError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.npy"), r"'a\.npy'.*No space.*make room.*same command"),
        (OSError("12 requested and 5 written"), "12 requested.*make room"),
        (OSError(errno.EROFS, "Read-only file system", "x"), "other folders with --processed"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "owner or permissions"),
        (OSError(errno.EIO, "Input/output error"), "a file.*The disk reports an error"),
        (OSError(errno.EXDEV, "Cross-device link"), "Fix the cause"),
    ],
)
def test_each_refusal_says_what_to_do(error, words):
    with pytest.raises(FashionError, match=words):
        raise FashionError(in_words(error))


def test_a_full_disk_is_told_from_other_failures():
    for said in ("[Errno 28] No space left on device", "96 requested and 0 written"):
        assert "full" in hint(said)
    assert hint("[Errno 2] No such file or directory") == ""


def test_halves_of_dead_processes_are_swept_and_no_others(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    deep = tmp_path / "deep/er"
    deep.mkdir(parents=True)
    kept = [tmp_path / "items.parquet", tmp_path / f".frozen.{os.getpid()}.npy", tmp_path / ".lock", deep / ".a.b.npy"]
    halves = [
        tmp_path / f".items.{gone.pid}.parquet",
        deep / f".part-00ff.{gone.pid}.npz",
        deep / f".a.{gone.pid}.sha256",
    ]
    for path in [*kept, *halves]:
        path.write_text("x")
    assert sorted(sweep([tmp_path, tmp_path / "none"])) == sorted(halves)
    assert all(path.exists() for path in kept) and not any(path.exists() for path in halves)


def test_the_command_ends_without_a_traceback(monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "frozen.npy")

    monkeypatch.setattr("fashion.report.build.build_report", full)
    assert main(["report"]) == 1
    assert "fashion report: expected to read or write 'frozen.npy'" in capsys.readouterr().err
