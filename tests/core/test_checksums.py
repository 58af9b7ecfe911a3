"""Checksums see what changes, and nothing else."""

import os

from fashion.core import checksums


def test_fingerprint_sees_names_sizes_and_times(tmp_path):
    (tmp_path / "a").write_text("1")
    first = checksums.fingerprint(tmp_path)
    assert checksums.fingerprint(tmp_path) == first
    (tmp_path / "b").write_text("2")
    second = checksums.fingerprint(tmp_path)
    os.utime(tmp_path / "a", (0, 0))
    assert len({first, second, checksums.fingerprint(tmp_path)}) == 3
    assert checksums.fingerprint(tmp_path / "a") != checksums.fingerprint(tmp_path / "b")
    third = checksums.fingerprint(tmp_path)
    (tmp_path / "photos/ab").mkdir(parents=True)
    (tmp_path / "photos/ab/abc").write_text("downloaded")
    assert checksums.fingerprint(tmp_path, [tmp_path / "photos"]) == third != checksums.fingerprint(tmp_path)
    # The folder itself, or one above it, leaves nothing out.
    assert checksums.fingerprint(tmp_path, [tmp_path, tmp_path.parent]) == checksums.fingerprint(tmp_path)


def test_checksums(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checksums.sha256_file(tmp_path / "a") == checksums.sha256_bytes(b"abc") == known
    assert checksums.sha256_json({"a": 1, "b": 2}) == checksums.sha256_json({"b": 2, "a": 1})
