"""A folder and a zip of the same files read alike, and names stay inside."""

import struct
import tracemalloc
import zipfile

import pytest

from fashion.catalogue.source import open_source
from fashion.core.errors import CatalogueError, PhotoError
from fashion.photos import measures
from fashion.photos.measures import open_photo


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set/images").mkdir(parents=True)
    (tmp_path / "set/annotation.txt").write_text("header\n")
    (tmp_path / "set/images/a.jpg").write_bytes(b"photo")
    (tmp_path / "secret.txt").write_text("not yours")
    return tmp_path / "set"


def as_zip(folder, path, prefix=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize("prefix", ["", "imagelab/", "deep/er/"])
def test_zip_reads_like_the_folder(folder, tmp_path, prefix):
    plain = open_source(folder, "annotation.txt")
    zipped = open_source(as_zip(folder, tmp_path / "set.zip", prefix), "annotation.txt")
    for name in ("annotation.txt", "images/a.jpg"):
        assert plain.read(name) == zipped.read(name)
    assert zipped.base == prefix


def test_outer_folder_finds_the_table(folder):
    assert open_source(folder.parent, "annotation.txt").base == "set/"


def test_no_table_says_what_is_there(folder):
    with pytest.raises(CatalogueError, match=r"styles\.csv.*annotation\.txt.*DATA="):
        open_source(folder, "styles.csv")


def test_two_tables_at_one_depth_are_an_error(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "annotation.txt").write_text("header\n")
    with pytest.raises(CatalogueError, match=r"one/annotation\.txt, two/annotation\.txt"):
        open_source(tmp_path, "annotation.txt")


@pytest.mark.parametrize(
    "name",
    ["../secret.txt", "/etc/passwd", "images/../../secret.txt", "..\\secret.txt", "C:/Users/me/x.jpg", "C:x.jpg",
     "\\x.jpg", "\\\\host\\share\\x.jpg", "//host/share/x.jpg", "images\\..\\..\\secret.txt"],
)  # fmt: skip
def test_names_do_not_lead_out(folder, name):
    with pytest.raises(PhotoError, match="leads out"):
        open_source(folder, "annotation.txt").read(name)


@pytest.mark.parametrize("name", ["images/none.jpg", "images", "annotation.txt/x"])
def test_missing_is_told_apart(folder, name):
    with pytest.raises(PhotoError, match=r"^missing"):
        open_source(folder, "annotation.txt").read(name)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_of_more_bytes_than_allowed_is_refused_unread(folder, tmp_path, zipped, monkeypatch):
    source = open_source(as_zip(folder, tmp_path / "set.zip") if zipped else folder, "annotation.txt")
    assert source.read("images/a.jpg", 5) == source.read("images/a.jpg") == b"photo"
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was read"))
    monkeypatch.setattr(type(folder), "read_bytes", lambda *_: pytest.fail("it was read"))
    with pytest.raises(
        PhotoError, match=r"^too large: expected a file of at most 4 bytes; found .*a.jpg' with 5\. Save"
    ):
        source.read("images/a.jpg", 4)


def test_a_zip_that_names_too_small_a_size_is_unpacked_no_further(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotation.txt", "header\n")
        archive.writestr("a.jpg", bytes(50_000_000))
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", 50_000_000), struct.pack("<I", 1000)))
    source = open_source(path, "annotation.txt")
    tracemalloc.start()
    with pytest.raises(PhotoError, match=r"^unreadable"):
        source.read("a.jpg", 1000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000


def test_a_huge_member_of_a_zip_is_a_bad_photo_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(measures, "MOST_READ", 1_000_000)
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotation.txt", "header\n")
        archive.writestr("a.jpg", bytes(2_000_000))
    facts, photo = open_photo(open_source(tmp_path / "set.zip", "annotation.txt"), "a.jpg")
    assert photo is None and facts["problem"].startswith("too large") and "2,000,000" in facts["problem"]


def test_damaged_zip(folder, tmp_path):
    path = as_zip(folder, tmp_path / "set.zip")
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(CatalogueError, match="cannot be opened"):
        open_source(path, "annotation.txt")


def test_damaged_photo_in_a_zip(folder, tmp_path):
    path = as_zip(folder, tmp_path / "set.zip")
    data = bytearray(path.read_bytes())
    at = data.find(b"photo")
    data[at] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(PhotoError, match=r"^unreadable"):
        open_source(path, "annotation.txt").read("images/a.jpg")


def test_damaged_packed_photo_in_a_zip(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotation.txt", "header\n")
        archive.writestr("a.jpg", b"photo " * 500)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("a.jpg").header_offset + 30 + len("a.jpg")
    data = bytearray(path.read_bytes())
    data[start : start + 8] = b"\xff" * 8
    path.write_bytes(bytes(data))
    with pytest.raises(PhotoError, match=r"^unreadable"):
        open_source(path, "annotation.txt").read("a.jpg")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("annotation.txt", b"header\n", "found the table. Name its folder: DATA=.*set"),
        ("items.csv", b"id,kind\n", "found a text, items.csv. If it is the table"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "found a photo .JPEG.. Name the folder or zip"),
        ("mine.toml", b'name = "mine"', "found a catalogue's TOML. Name it as the catalogue, CATALOGUE=.*mine.toml"),
        ("set.rar", b"Rar!\x1a\x07\x01\x00", "found a RAR archive. Unpack it, and name the folder"),
        ("set.7z", b"7z\xbc\xaf\x27\x1c\x00", "found a 7z archive. Unpack it"),
        ("set.tar.gz", b"\x1f\x8b\x08\x00", "found a gzip file. Unpack it"),
        ("set.tar", bytes(257) + b"ustar\x0000" + bytes(248), "found a tar archive. Unpack it"),
        ("items.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "found an Excel workbook.*save the sheet as CSV .UTF-8."),
        ("set.parquet", b"PAR1\x15", "found a Parquet file"),
        ("set.zip", b"<html>", "found one that cannot be opened"),
        ("set.zip", b"", "found one that cannot be opened"),
    ],
)
def test_what_is_named_in_place_of_a_folder_is_told(tmp_path, name, data, said):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / name).write_bytes(data)
    with pytest.raises(CatalogueError, match=said):
        open_source(tmp_path / "set" / name, "annotation.txt")


def test_a_workbook_is_no_zip_of_tables(tmp_path):
    with zipfile.ZipFile(tmp_path / "items.xlsx", "w") as packed:
        packed.writestr("[Content_Types].xml", "x")
        packed.writestr("xl/workbook.xml", "x")
    with pytest.raises(CatalogueError, match=r"an Excel workbook \(.xlsx\).*save the sheet as CSV"):
        open_source(tmp_path / "items.xlsx", "items.csv")


def test_nothing_there(tmp_path):
    with pytest.raises(CatalogueError, match="found nothing"):
        open_source(tmp_path / "none.zip", "annotation.txt")
