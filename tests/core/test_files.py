"""Sealed files: read as they were written, else absent; damaged ones are set aside with a warning."""

import errno
from pathlib import Path

import pytest

from fashion.core.files import read_or_set_aside, read_sealed, write_sealed


def written(path, text="12.5", made_by=""):
    return write_sealed(path, lambda aside: aside.write_text(text), made_by)


def read(path, made_by=""):
    return read_sealed(path, lambda whole: float(whole.read_text()), "it is computed again", made_by)


def test_a_sealed_file_is_read_and_leaves_nothing_else(tmp_path):
    path = written(tmp_path / "a/number.txt")
    assert read(path) == 12.5 and {file.name for file in path.parent.iterdir()} == {"number.txt", "number.sha256"}
    assert written(path, "3", "key") == path and read(path, "key") == 3.0 and read(path) is None


def test_a_changed_byte_is_told_though_it_can_be_read(tmp_path):
    path = written(tmp_path / "number.txt")
    path.write_text("12.6")
    with pytest.warns(UserWarning, match=r"number.txt as .*found it damaged \(its checksum.*computed again"):
        assert read(path) is None
    assert not path.exists() and path.with_suffix(".damaged").read_text() == "12.6"
    assert read(path) is None, "and no second warning"


@pytest.mark.parametrize("state", ["no seal", "no file", "another key", "seal of bytes"])
def test_what_is_not_finished_or_of_another_key_is_absent_without_a_word(tmp_path, state):
    path = written(tmp_path / "number.txt", made_by="old" if state == "another key" else "")
    if state.startswith("no "):
        path.with_suffix({"no seal": ".sha256", "no file": ".txt"}[state]).unlink()
    elif state == "seal of bytes":
        path.with_suffix(".sha256").write_bytes(b"\xff\xfe\xff")
    assert read(path) is None


def test_a_kill_between_file_and_seal_leaves_no_old_seal(tmp_path, monkeypatch):
    path = written(tmp_path / "number.txt")
    monkeypatch.setattr("fashion.core.files.sha256_file", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        written(path, "7")
    assert path.read_text() == "7" and not path.with_suffix(".sha256").exists()


def test_what_the_system_refuses_is_no_damage(tmp_path):
    def refused(path: Path) -> None:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    path = written(tmp_path / "number.txt")
    with pytest.raises(OSError, match="Too many open files"):
        read_or_set_aside(path, refused, "")
    assert read(path) == 12.5
