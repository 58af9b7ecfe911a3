"""A folder and a zip of the same files read alike, and names stay inside."""

import os
import struct
import tracemalloc
import zipfile

import pytest
from photo_errors import bad_photo

from fashion.catalogue.source import open_source
from fashion.core.checksums import sha256_bytes
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


# -- names that look equal -------------------------------------------------------------------------------------
def with_photos(folder, *names, table="t.csv"):
    for name in (table, *names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ("images/a.jpg", "images/a.jpg"),
        ("images/a.JPG", "images/a.jpg"),
        ("Images/A.jpg", "images/a.JPG"),
        ("images/a.jpg", "images/a"),
        ("images/a.JPG", "images/a"),
        ("images/a.jpeg", "images/a"),
        ("images/a.png", "IMAGES/A"),
        ("images/a.webp", "images/a"),
        ("images/1.5.jpg", "images/1.5"),
        ("images/caf\u00e9.jpg", "images/cafe\u0301.jpg"),
        ("images/cafe\u0301.jpg", "images/caf\u00e9"),
        ("images/\uff21.jpg", "images/a.jpg"),
        ("images/a.jpg", "./images//a.jpg"),
        ("images/a.jpg", "images/\u200ba.jpg"),
    ],
)
def test_a_name_that_looks_equal_finds_its_file(tmp_path, zipped, there, asked):
    folder = with_photos(tmp_path / "set", there)
    source = open_source(as_zip(folder, tmp_path / "set.zip", "top/") if zipped else folder, "t.csv")
    assert source.read(source.find(asked)) == there.encode()
    assert source.find(asked) == there or (not zipped and asked.startswith("./"))


@pytest.mark.skipif(os.name == "nt", reason="no file may be called so")
def test_a_folder_that_was_unpacked_with_backslashes_in_names(tmp_path):
    source = open_source(with_photos(tmp_path / "set", "images\\a.jpg"), "t.csv")
    assert source.read(source.find("images/a.jpg")) == source.read(source.find("images/a")) == b"images\\a.jpg"


def test_the_first_suffix_wins_and_two_files_that_look_equal_are_none(tmp_path):
    source = open_source(with_photos(tmp_path / "set", "1.png", "1.jpg", "2.webp", "2.png", "a.jpg"), "t.csv")
    assert [source.find(name) for name in ("1", "2", "3", "a", "t")] == ["1.jpg", "2.png", "3", "a.jpg", "t"]
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for name in ("t.csv", "A.jpg", "a.JPG", "b.jpg", "B.jpg"):
            archive.writestr(name, name)
    source = open_source(tmp_path / "two.zip", "t.csv")
    assert source.find("b.jpg") == "b.jpg" and source.find("B.jpg") == "B.jpg", "the name itself comes first"
    assert source.find("a.jpg") == "a.jpg" and source.find("a") == "a.JPG"
    with bad_photo(r"^missing: there is no 'a\.jpg' in two\.zip, and 2 files look like it: A\.jpg, a"):
        source.read("a.jpg")
    with bad_photo(r"^missing: there is no 'none\.jpg' in two\.zip$"):
        source.read("none.jpg")


def test_names_are_not_looked_for_outside_the_tables_folder(tmp_path):
    with_photos(tmp_path / "all", "set/t.csv", "other/a.jpg", "set/b.jpg", table="set/t.csv")
    source = open_source(tmp_path / "all", "t.csv")
    assert source.base == "set/" and source.find("B") == "b.jpg"
    for name in ("../other/a.jpg", "../OTHER/A.jpg", "A.jpg", "other/a"):
        with pytest.raises(PhotoError):
            source.read(source.find(name))


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_photos_may_lie_behind_a_link_and_a_link_may_lead_back(tmp_path):
    disk = with_photos(tmp_path / "disk", "A.JPG")
    folder = with_photos(tmp_path / "set")
    (folder / "images").symlink_to(disk)
    (folder / "back").symlink_to(folder)
    source = open_source(folder, "t.csv")
    assert source.names() == ["images/A.JPG", "images/t.csv", "t.csv"] and source.base == ""
    assert source.read(source.find("images/a")) == b"A.JPG"


def test_a_folder_is_no_photo(folder):
    source = open_source(folder, "annotation.txt")
    assert source.signature("images") == source.signature("") == "" and source.signature("images/a.jpg")


# -- tables by their names -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("there", "asked", "base", "tables"),
    [
        (["a/t-2.csv", "a/t-1.csv", "b/c/t-1.csv"], "t-*.csv", "a/", ["t-1.csv", "t-2.csv"]),
        (["a/data/t-1.csv", "a/data/t-2.csv", "a/t-1.csv"], "data/t-?.csv", "a/", ["data/t-1.csv", "data/t-2.csv"]),
        (["t-10.csv", "t-1.csv", "x/t-1.csv"], "t-?.csv", "", ["t-1.csv"]),
        (["Set/ITEMS.csv"], "items.CSV", "Set/", ["ITEMS.csv"]),
        (["cafe\u0301.csv", "x/caf\u00e9.csv"], "caf\u00e9.csv", "x/", ["caf\u00e9.csv"]),
        (["t[1].csv", "t1.csv"], "t[1].csv", "", ["t[1].csv"]),
        (["t[1].csv", "t1.csv"], "t[*].csv", "", ["t[1].csv"]),
        (["set/t.csv", "__MACOSX/set/._t.csv", "set/._t.csv"], "*.csv", "set/", ["t.csv"]),
    ],
)
def test_tables_are_found(tmp_path, there, asked, base, tables):
    with_photos(tmp_path / "set", *there[1:], table=there[0])
    source = open_source(tmp_path / "set", asked)
    assert (source.base, source.tables) == (base, tables)


def test_shards_in_two_folders_of_one_depth_are_an_error(tmp_path):
    with_photos(tmp_path, "one/t-1.csv", "two/t-1.csv", table="one/t-2.csv")
    with pytest.raises(CatalogueError, match=r"expected one table 't-\*\.csv'.*found 3.*Name its folder too"):
        open_source(tmp_path, "t-*.csv")
    with pytest.raises(CatalogueError, match=r"expected the table 'u-\*\.csv'"):
        open_source(tmp_path, "u-*.csv")


def test_the_checksum_of_a_table_is_its_files_and_that_of_shards_theirs(tmp_path):
    folder = with_photos(tmp_path / "set", "u-1.csv", "u-2.csv")
    assert open_source(folder, "t.csv").table_checksum() == sha256_bytes(b"t.csv")
    before = open_source(folder, "u-*.csv").table_checksum()
    assert before != open_source(folder, "u-1.csv").table_checksum()
    (folder / "u-2.csv").write_text("changed")
    assert open_source(folder, "u-*.csv").table_checksum() != before


@pytest.mark.parametrize(
    "name",
    ["../secret.txt", "/etc/passwd", "images/../../secret.txt", "..\\secret.txt", "C:/Users/me/x.jpg", "C:x.jpg",
     "\\x.jpg", "\\\\host\\share\\x.jpg", "//host/share/x.jpg", "images\\..\\..\\secret.txt"],
)  # fmt: skip
def test_names_do_not_lead_out(folder, name):
    with bad_photo("leads out"):
        open_source(folder, "annotation.txt").read(name)


@pytest.mark.parametrize("name", ["images/none.jpg", "images", "annotation.txt/x"])
def test_missing_is_told_apart(folder, name):
    with bad_photo(r"^missing"):
        open_source(folder, "annotation.txt").read(name)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_of_more_bytes_than_allowed_is_refused_unread(folder, tmp_path, zipped, monkeypatch):
    source = open_source(as_zip(folder, tmp_path / "set.zip") if zipped else folder, "annotation.txt")
    assert source.read("images/a.jpg", 5) == source.read("images/a.jpg") == b"photo"
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was read"))
    monkeypatch.setattr(type(folder), "read_bytes", lambda *_: pytest.fail("it was read"))
    with bad_photo(r"^too large: expected a file of at most 4 bytes; found .*a.jpg' with 5\. Save"):
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
    with bad_photo(r"^unreadable"):
        source.read("a.jpg", 1000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000


def test_a_huge_member_of_a_zip_is_a_bad_photo_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(measures, "MOST_READ", 1_000_000)
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotation.txt", "header\n")
        archive.writestr("a.jpg", bytes(2_000_000))
    metadata, photo = open_photo(open_source(tmp_path / "set.zip", "annotation.txt"), "a.jpg")
    assert photo is None and metadata["problem"].startswith("too large") and "2,000,000" in metadata["problem"]


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
    with bad_photo(r"^unreadable"):
        open_source(path, "annotation.txt").read("images/a.jpg")


def test_the_advice_fits_what_is_wrong_with_a_file(folder, tmp_path, monkeypatch):
    path = as_zip(folder, tmp_path / "set.zip")
    data = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # each file says that it is encrypted
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + flags] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(PhotoError, match=r"is encrypted.*Unpack it yourself, and name the folder\."):
        open_source(path, "annotation.txt").read("images/a.jpg")
    source = open_source(folder, "annotation.txt")

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(source, "_read", denied)
    with pytest.raises(PhotoError, match=r"Permission denied.*Change its permissions\."):
        source.read("images/a.jpg")


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
    with bad_photo(r"^unreadable"):
        open_source(path, "annotation.txt").read("a.jpg")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("annotation.txt", b"header\n", "found the table. Name its folder: DATA=.*set"),
        ("items.csv", b"id,kind\n", "found a text, items.csv. If it is the table"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "found a photo .JPEG.. Name the folder, zip or tar"),
        ("mine.toml", b'name = "mine"', "found a catalogue's TOML. Name it as the catalogue, CATALOGUE=.*mine.toml"),
        ("set.rar", b"Rar!\x1a\x07\x01\x00", "found a RAR archive. Unpack it, and name the folder"),
        ("set.7z", b"7z\xbc\xaf\x27\x1c\x00", "found a 7z archive. Unpack it"),
        ("set.tar.gz", b"\x1f\x8b\x08\x00", "found a gzip file. Unpack it"),
        ("set.tar", bytes(257) + b"ustar\x0000" + bytes(248), "found one that cannot be opened"),
        ("items.csv.gz", b"\x1f\x8b\x08\x00", "found a gzip file. Name its folder.*items.csv.gz as `table`"),
        (
            "items.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "found an Excel workbook.*Name its folder.*items.xls as `table`",
        ),
        ("set.parquet", b"PAR1\x15", "found a Parquet file. Name its folder.*set.parquet as `table`"),
        ("set.zip", b"<html>", "found one that cannot be opened"),
        ("set.zip", b"", "found one that cannot be opened"),
        ("annotation.txt", b"PAR1", "found the table. Name its folder: DATA=.*set .fashion.\\.$"),
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
    with pytest.raises(CatalogueError, match=r"an Excel workbook \(.xlsx\). Name its folder.*items.xlsx as `table`"):
        open_source(tmp_path / "items.xlsx", "items.csv")


def test_a_source_without_a_table_yet(folder):
    source = open_source(folder)
    assert source.tables == [] and source.read("images/a.jpg") == b"photo"
    source.locate("annotation.txt")
    assert source.tables == ["annotation.txt"]


def test_nothing_there(tmp_path):
    with pytest.raises(CatalogueError, match="found nothing"):
        open_source(tmp_path / "none.zip", "annotation.txt")
