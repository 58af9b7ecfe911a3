"""Cached metadata is used, only for the same photo and code, and only where the photo was good."""

import os

import pandas as pd
import pytest
from conftest import write_small_catalogue
from plain import photo_metadata

from fashion.catalogue.source import open_source
from fashion.photos.metadata import in_order, kept_metadata, metadata_folder, signatures_of, write_metadata


@pytest.fixture
def clothes(tmp_path):
    folder = write_small_catalogue(tmp_path / "clothes", each=1)
    (folder / "images/broken.jpg").write_bytes(b"no photo")
    source = open_source(folder, "annotation.txt")
    return source, sorted(f"images/{path.name}" for path in (folder / "images").iterdir())


def keep(source, names, root, **changes):
    return write_metadata(root, source, photo_metadata(source, names).assign(**changes), signatures_of(source, names))


def test_kept_metadata_equal_what_would_be_measured_and_a_bad_photo_is_not_kept(clothes, tmp_path):
    source, names = clothes
    keep(source, names[:5], tmp_path)
    keep(source, names[3:], tmp_path)  # a second part, some photos twice
    kept = kept_metadata(tmp_path, source, signatures_of(source, names))
    assert sorted(kept["photo"]) == names[:-1], "all but the broken one"
    asked = [names[3], names[0], names[3]]
    pd.testing.assert_frame_equal(in_order([kept], asked), photo_metadata(source, asked))
    asked = [names[3], names[-1], names[0]]
    both = in_order([photo_metadata(source, names[-1:]), kept], asked)
    pd.testing.assert_frame_equal(both, photo_metadata(source, asked))


def test_a_photo_that_changed_or_came_is_not_kept_and_the_others_are(clothes, tmp_path):
    source, names = clothes
    keep(source, names, tmp_path)
    (source.path / "images/more.jpg").write_bytes((source.path / names[0]).read_bytes())
    os.utime(source.path / names[1], ns=(0, 12345))
    (source.path / names[2]).unlink()
    kept = kept_metadata(tmp_path, source, signatures_of(source, [*names, "images/more.jpg"]))
    assert sorted(kept["photo"]) == sorted({*names[:-1]} - {*names[1:3]})


def test_none_kept_or_damaged_or_of_another_place(clothes, tmp_path):
    source, names = clothes
    signatures = signatures_of(source, names)
    assert kept_metadata(tmp_path, source, signatures).empty
    path = keep(source, names[:2], tmp_path, sha256="wrong")
    keep(source, names[2:4], tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.warns(UserWarning, match="damaged"):
        assert sorted(kept_metadata(tmp_path, source, signatures)["photo"]) == names[2:4]
    assert path.with_suffix(".damaged").exists()
    other = open_source(write_small_catalogue(tmp_path / "other", each=1), "annotation.txt")
    assert metadata_folder(tmp_path, other) != metadata_folder(tmp_path, source)


def test_a_zips_photos_are_known_by_their_checksums(clothes, tmp_path):
    import zipfile

    source, names = clothes
    with zipfile.ZipFile(tmp_path / "clothes.zip", "w") as packed:
        for name in [*names, "annotation.txt"]:
            packed.write(source.path / name, name)
    zipped = open_source(tmp_path / "clothes.zip", "annotation.txt")
    signatures = signatures_of(zipped, [*names, "images/none.jpg"])
    assert len(set(signatures.values())) == len(signatures) and signatures["images/none.jpg"] == ""
    keep(zipped, names, tmp_path)
    assert len(kept_metadata(tmp_path, zipped, signatures)) == len(names) - 1


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_a_flipped_byte_is_found_wherever_it_is(clothes, tmp_path, share):
    source, names = clothes
    path = keep(source, names, tmp_path)
    data = bytearray(path.read_bytes())
    data[int(share * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.warns(UserWarning, match="damaged"):
        assert kept_metadata(tmp_path, source, signatures_of(source, names)).empty


def test_a_part_without_its_seal_was_not_finished(clothes, tmp_path):
    source, names = clothes
    path = keep(source, names, tmp_path)
    path.with_suffix(".sha256").unlink()
    assert kept_metadata(tmp_path, source, signatures_of(source, names)).empty
    keep(source, names, tmp_path)
    assert not kept_metadata(tmp_path, source, signatures_of(source, names)).empty
