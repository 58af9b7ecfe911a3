"""Facts are taken from where they are kept, only for the same data and code, and only where the photo was good."""

import contextlib

import pandas as pd
import pytest
from conftest import write_small_catalogue

from fashion import facts_store
from fashion.facts_store import facts_of, facts_path, write_facts
from fashion.photos import photo_facts
from fashion.source import open_source


@pytest.fixture
def clothes(tmp_path):
    folder = write_small_catalogue(tmp_path / "clothes", each=1)
    (folder / "images/broken.jpg").write_bytes(b"no photo")
    source = open_source(folder, "annotation.txt")
    return source, sorted(f"images/{path.name}" for path in (folder / "images").iterdir())


def plain(source, names):
    return photo_facts(source, names, progress=False)


def test_kept_facts_are_not_measured_again_and_equal_what_would_be(clothes, tmp_path, monkeypatch):
    source, names = clothes
    facts = plain(source, names)
    write_facts(tmp_path / "p", source, facts)
    measured = []
    monkeypatch.setattr(facts_store, "photo_facts", lambda s, n, **k: measured.extend(n) or photo_facts(s, n, **k))
    asked = [names[3], names[0], names[-1], names[0]]
    found = facts_of(source, asked, tmp_path / "p", progress=False)
    assert measured == [names[-1]], "the broken one alone is looked at again"
    pd.testing.assert_frame_equal(found, plain(source, asked))


def test_none_kept_or_damaged_or_of_other_data_means_measuring(clothes, tmp_path):
    source, names = clothes
    pd.testing.assert_frame_equal(facts_of(source, names, tmp_path, progress=False), plain(source, names))
    path = write_facts(tmp_path, source, plain(source, names[:2]).assign(sha256="wrong"))
    path.write_bytes(path.read_bytes()[:-20])
    pd.testing.assert_frame_equal(facts_of(source, names, tmp_path, progress=False), plain(source, names))
    (source.path / "images/more.jpg").write_bytes((source.path / names[0]).read_bytes())
    assert facts_path(tmp_path, source) != path


def test_a_flipped_byte_anywhere_is_found(clothes, tmp_path, monkeypatch):
    """A flipped bit of a number is a number, and parquet reads it without a word."""
    source, names = clothes
    facts = plain(source, names)
    monkeypatch.setattr(facts_store, "photo_facts", lambda *_, **__: facts)
    path = write_facts(tmp_path, source, facts)
    whole, unseen = path.read_bytes(), 0
    for at in range(4, len(whole), 199):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with contextlib.suppress(Exception):
            unseen += not pd.read_parquet(path).equals(facts)
        assert facts_of(source, names, tmp_path, progress=False) is facts, f"byte {at}"
    assert unseen, "without its checksum it would have been taken"
