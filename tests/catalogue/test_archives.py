"""Zip and tar give the files that a folder gives, whatever wrote them."""

import gzip
import io
import json
import random
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import write_small_catalogue
from photo_errors import bad_photo
from plain import photo_metadata
from shop_files import a_second_later, pack, rows, write_shop, write_table

from fashion.catalogue import archives, unpacked
from fashion.catalogue.cleaning import clean_table, join_photos
from fashion.catalogue.definition import load_catalogue, open_catalogue
from fashion.catalogue.source import open_source
from fashion.catalogue.table import read_table
from fashion.core.errors import CatalogueError

KINDS = ["", "clothes.zip", "clothes.tar", "clothes.tar.gz"]


@pytest.fixture
def folder(tmp_path):
    files = {"t.csv": b"id,kind\n1,top\n", "images/a.jpg": b"photo a", "images/b/c.jpg": b"photo c" * 999, "empty": b""}
    for name, data in files.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(data)
    return tmp_path / "set"


def tar(path, members, **options):
    """A tar of names and bytes, or of TarInfo."""
    with tarfile.open(path, "w", **options) as archive:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


TABLE = ("t.csv", b"id,kind\n1,top\n")


# -- every kind alike ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """Items with their photos' metadata, from a folder."""
    return items_of(write_shop(tmp_path_factory.mktemp("folder"), count=12))


def items_of(toml):
    """The first notebook's rows: read, cleaned, joined with the metadata of decoded photos."""
    entry = load_catalogue(toml)
    source = open_catalogue(entry, processed=toml.parent / "processed")
    table, malformed = read_table(entry, source)
    step, _ = clean_table(entry, table, malformed)
    return join_photos(step, photo_metadata(source, step.rows["photo"])).items


@pytest.mark.parametrize("packed", KINDS[1:])
def test_an_archive_gives_the_items_of_its_folder(tmp_path, studied, packed):
    items = items_of(write_shop(tmp_path, packed=packed, count=12))
    assert len(items) == 12 and items.equals(studied)


@pytest.mark.parametrize("packed", KINDS)
def test_photos_in_parquet_give_the_items_of_a_folder(tmp_path, studied, packed):
    items = items_of(write_shop(tmp_path, "train-*.parquet", packed, count=12, group=3))
    assert items["photo"].tolist()[4] == "train-00001-of-00003.parquet/image.bytes/0000001"
    assert items.drop(columns="photo").equals(studied.drop(columns="photo"))


@pytest.mark.parametrize("packed", KINDS)
@pytest.mark.parametrize("table", ["items.tsv.gz", "items.jsonl", "items.parquet", "items.xlsx", "items.ods"])
def test_every_table_in_every_source(tmp_path, studied, table, packed):
    entry = load_catalogue(write_shop(tmp_path, table, packed, count=12))
    source = open_catalogue(entry, processed=tmp_path / "processed")
    got, malformed = read_table(entry, source)
    assert malformed.empty and len(got) == 12
    for column in ("item", "photo", "category", "colour", "department", "title"):
        assert got[column].tolist() == studied[column].tolist()
    assert source.read(got["photo"][3]).startswith(b"\xff\xd8")
    plain = (source.read(table), source.stream(table).read())
    assert plain[0] == plain[1] and source.head(table, 4) == plain[0][:4]


@pytest.mark.parametrize("prefix", ["", "./", "top/", "./deep/er/"])
@pytest.mark.parametrize("options", [{}, {"format": tarfile.USTAR_FORMAT}, {"format": tarfile.GNU_FORMAT}])
def test_a_tar_reads_like_its_folder(folder, tmp_path, prefix, options):
    files = [(prefix + f.relative_to(folder).as_posix(), f.read_bytes()) for f in folder.rglob("*") if f.is_file()]
    source = open_source(tar(tmp_path / "set.tar", files, **options), "t.csv")
    plain = open_source(folder, "t.csv")
    assert source.base == prefix.removeprefix("./")
    assert [name.removeprefix(source.base) for name in source.names()] == plain.names()
    assert all(source.read(name) == plain.read(name) == source.stream(name).read() for name in plain.names())
    assert source.table_checksum() == plain.table_checksum()
    for name, said in (("images/none.jpg", "^missing"), ("images", "^missing"), ("../t.csv", "leads out")):
        with bad_photo(said):
            source.read(name)
    with bad_photo(r"^too large"):
        source.read("images/a.jpg", 3)


def test_links_and_names_that_stand_twice(tmp_path):
    def link(name, target, kind):
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        return info, b""

    long = "deep/" * 40 + "x.jpg"
    source = open_source(
        tar(tmp_path / "set.tar", [
            TABLE, ("a.jpg", b"old"), ("a.jpg", b"new"), (long, b"long"), link("hard.jpg", "a.jpg", tarfile.LNKTYPE),
            link("b/soft.jpg", "../a.jpg", tarfile.SYMTYPE), link("b/twice.jpg", "soft.jpg", tarfile.SYMTYPE),
            link("out.jpg", "../../etc/passwd", tarfile.SYMTYPE), link("round.jpg", "round.jpg", tarfile.SYMTYPE),
            ("back\\slash.jpg", b"windows"), ("T\udce8.jpg", b"latin"),
        ], encoding="utf-8", errors="surrogateescape"),
        "t.csv",
    )  # fmt: skip
    for name in ("a.jpg", "hard.jpg", "b/soft.jpg", "b/twice.jpg"):
        assert source.read(name) == b"new"
    assert source.read(long) == b"long" and source.read("back/slash.jpg") == b"windows"
    assert source.read("Tè.jpg") == b"latin"
    assert not {"out.jpg", "round.jpg"} & set(source.names())


@pytest.mark.parametrize("packed", KINDS[1:])
def test_threads_read_at_once(tmp_path, packed):
    folder = tmp_path / "set"
    names = [f"{n}.jpg" for n in range(40)]
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(random.Random(name).randbytes(5000))
    write_table(folder / "t.csv", rows(3))
    source = open_source(pack(folder, tmp_path / packed), "t.csv", tmp_path / "kept")
    shuffled = random.Random(1).sample(names * 5, 200)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(source.read, shuffled)) == [(folder / name).read_bytes() for name in shuffled]


def test_a_stored_file_of_a_zip_is_read_in_place_and_a_packed_one_from_a_copy(tmp_path):
    data = bytes(range(256)) * 400
    for name, how in (("stored.zip", zipfile.ZIP_STORED), ("packed.zip", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(tmp_path / name, "w", how) as archive:
            archive.writestr("t.csv", TABLE[1])
            archive.writestr("a.bin", data)
        kept = tmp_path / f"kept-{name}"
        source = open_source(tmp_path / name, "t.csv", kept)
        assert source.needs_copy("a.bin") == (how == zipfile.ZIP_DEFLATED)
        with source.stream("a.bin") as stream:
            assert stream.read(10) == data[:10] and stream.seek(-5, 2) == len(data) - 5
            assert stream.read() == data[-5:] and stream.read() == b"" and stream.seek(1000) == 1000
            assert stream.read(600) == data[1000:1600] and stream.tell() == 1600
        assert len(list(kept.glob("*.bin"))) == (how == zipfile.ZIP_DEFLATED)


# -- names in zips --------------------------------------------------------------------------------------------
def zip_with_bytes(path, *names):
    """A zip whose members' names are these bytes, not said to be UTF-8, as older programs write them."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(*TABLE)
        for number, raw in enumerate(names):
            archive.writestr(f"{number:#>{len(raw)}}", f"photo {number}")
    data = path.read_bytes()
    for number, raw in enumerate(names):
        data = data.replace(f"{number:#>{len(raw)}}".encode(), raw)
    path.write_bytes(data)
    return open_source(path, "t.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp850", "cp1252"])
def test_names_that_do_not_say_their_encoding(tmp_path, encoding):
    source = zip_with_bytes(tmp_path / "set.zip", "Tè/Größe.jpg".encode(encoding), b"plain.jpg")
    found = source.find("Tè/Größe.jpg")
    assert source.read(found) == b"photo 0" and source.read("plain.jpg") == b"photo 1"
    assert (found == "Tè/Größe.jpg") == (encoding != "cp1252")


def test_a_zip_with_backslashes(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("set\\t.csv", TABLE[1])
        archive.writestr("set\\images\\a.jpg", "photo")
    source = open_source(tmp_path / "set.zip", "t.csv")
    assert source.base == "set/" and source.read("images/a.jpg") == b"photo"


# -- damage ----------------------------------------------------------------------------------------------------
def test_a_tar_that_ends_early_is_refused(folder, tmp_path):
    data = pack(folder, tmp_path / "set.tar").read_bytes()
    for cut in (512 + 100, 1024 + 10, len(data) - 9000):
        (tmp_path / "set.tar").write_bytes(data[:cut])
        with pytest.raises(CatalogueError, match=r"a tar file at .*set\.tar; found one that cannot be opened.*Fetch"):
            open_source(tmp_path / "set.tar", "t.csv")


def test_a_damaged_head_in_a_tar_is_not_its_end(tmp_path):
    path = tar(tmp_path / "set.tar", [TABLE, ("a.jpg", b"a"), ("b.jpg", b"b")])
    data = bytearray(path.read_bytes())
    data[1024 + 150] ^= 0xFF  # the second file's checksum
    path.write_bytes(bytes(data))
    with pytest.raises(CatalogueError, match=r"the tar header at byte 1,024 is damaged"):
        open_source(tmp_path / "set.tar", "t.csv")


def test_a_file_that_the_tar_lost_after_its_index_is_unreadable(folder, tmp_path):
    path = pack(folder, tmp_path / "set.tar")
    source = open_source(path, "t.csv")
    path.write_bytes(path.read_bytes()[:1500])
    with bad_photo(r"^unreadable: .*images/b/c\.jpg.*the tar is truncated inside this file"):
        source.read("images/b/c.jpg")


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_tar_gz_leaves_no_copy(folder, tmp_path, damage):
    data = bytearray(pack(folder, tmp_path / "set.tar.gz").read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    else:
        data[-6] ^= 0xFF  # gzip's checksum
    (tmp_path / "set.tar.gz").write_bytes(bytes(data))
    with pytest.raises(CatalogueError, match=r"found one that cannot be opened.*Fetch it again"):
        open_source(tmp_path / "set.tar.gz", "t.csv", tmp_path / "kept")
    assert list((tmp_path / "kept").glob("*")) == []


def test_a_gzip_file_that_is_no_tar_is_told(tmp_path):
    (tmp_path / "set.tar.gz").write_bytes(gzip.compress(b"x" * 2000))
    with pytest.raises(CatalogueError, match=r"found a gzip file\. Unpack it, and name the folder"):
        open_source(tmp_path / "set.tar.gz", "t.csv", tmp_path / "kept")


# -- what is kept -----------------------------------------------------------------------------------------------
def test_a_tar_gz_is_unpacked_once_and_again_when_it_changes(folder, tmp_path, monkeypatch, capfd):
    made = []
    monkeypatch.setattr(archives.TarSource, "_gunzip", made_by(archives.TarSource._gunzip, made))
    path, kept = tmp_path / "set.tar.gz", tmp_path / "kept"
    pack(folder, path)
    signatures = [open_source(path, "t.csv", kept).signature("images/a.jpg") for _ in range(2)]
    assert len(made) == 1 and signatures[0] == signatures[1] != ""
    assert "unpacking" in capfd.readouterr().err
    (folder / "images/a.jpg").write_bytes(b"another")
    with a_second_later(path):
        pack(folder, path)
    source = open_source(path, "t.csv", kept)
    assert len(made) == 2 and source.read("images/a.jpg") == b"another"
    assert source.signature("images/a.jpg") != signatures[0]
    assert len(list(kept.glob("*.tar"))) == 1, "the copy of the earlier one is gone"


def made_by(write, made):
    def counted(self, aside):
        made.append(aside)
        return write(self, aside)

    return counted


def test_a_disk_that_takes_no_copy_says_what_to_do(folder, tmp_path, monkeypatch):
    def full(path, write):
        raise OSError(28, "No space left on device")

    path = pack(folder, tmp_path / "set.tar.gz")
    monkeypatch.setattr(unpacked, "write_whole", full)
    with pytest.raises(CatalogueError, match=r"expected to unpack .*No space left.*or unpack it yourself and name"):
        open_source(path, "t.csv", tmp_path / "kept")


def test_a_tars_index_is_kept_and_believed_only_when_it_is_whole(folder, tmp_path, monkeypatch):
    path, kept, read = pack(folder, tmp_path / "set.tar"), tmp_path / "kept", []
    index = archives._index
    monkeypatch.setattr(archives, "_index", lambda path: read.append(path) or index(path))
    first = open_source(path, "t.csv", kept)
    again = open_source(path, "t.csv", kept)
    assert len(read) == 1 and again.names() == first.names()
    assert again.read("images/b/c.jpg") == first.read("images/b/c.jpg")
    (file,) = kept.glob("*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"images/a.jpg": [0, 5, 0]}))
    with pytest.warns(UserWarning, match="the tar is indexed again"):
        assert open_source(path, "t.csv", kept).read("images/a.jpg") == b"photo a"
    (folder / "images/a.jpg").write_bytes(b"longer than it was")
    with a_second_later(path):
        pack(folder, path)
    assert open_source(path, "t.csv", kept).read("images/a.jpg") == b"longer than it was"
    before = len(read)
    assert open_source(path, "t.csv").read("images/a.jpg") == b"longer than it was"  # the doctor's way: keeps nothing
    assert len(read) == before + 1


def test_a_photo_that_changes_in_a_tar_changes_its_signature(folder, tmp_path):
    path = pack(folder, tmp_path / "set.tar")
    before = open_source(path, "t.csv").signature("images/a.jpg")
    (folder / "images/a.jpg").write_bytes(b"photo A")  # of the same length
    with a_second_later(path):
        pack(folder, path)
    assert before != open_source(path, "t.csv").signature("images/a.jpg") != ""
    assert open_source(path, "t.csv").signature("images/none.jpg") == ""


def test_the_shipped_layout_as_a_tar(tmp_path):
    path = pack(write_small_catalogue(tmp_path / "set", each=1), tmp_path / "imagelab.tar")
    entry = load_catalogue("imagelab")
    got, _ = read_table(entry, open_catalogue(entry, path, tmp_path / "processed"))
    assert len(got) == 12 and got["photo"][0] == "images/10000000AAF.jpg"


def test_copies_go_with_their_archives(folder, tmp_path):
    kept = tmp_path / "kept"
    one, two = (pack(folder, tmp_path / f"{name}.tar.gz") for name in ("one: a set", "two"))
    for path in (one, two):
        assert open_source(path, "t.csv", kept).read("images/a.jpg") == b"photo a"
    assert len(list(kept.glob("*.tar"))) == 2
    one.unlink()
    assert open_source(two, "t.csv", kept).read("images/a.jpg") == b"photo a"
    (copy,) = kept.glob("*.tar")
    assert (kept / f"{copy.stem}.of").read_text(encoding="utf-8") == str(two.resolve())
    assert len(list(kept.glob("*.of"))) == 1


@pytest.mark.parametrize("unmounted", ["folder is gone", "folder is empty", "no right to look", "too long a name"])
def test_a_copy_stays_where_its_archive_may_only_be_out_of_reach(tmp_path, monkeypatch, unmounted):
    kept, drive = tmp_path / "kept", tmp_path / "drive"
    kept.mkdir()
    (kept / "copy.tar").write_bytes(b"unpacked")
    original = drive / ("a" * 300 if unmounted == "too long a name" else "set.tar.gz")
    (kept / "copy.of").write_text(str(original), encoding="utf-8")
    if unmounted != "folder is gone":
        drive.mkdir()
    if unmounted in ("no right to look", "too long a name"):
        (drive / "other").touch()
    stat = Path.stat
    if unmounted == "no right to look":  # as for any user but root

        def refused(path, **more):
            if path == original:
                raise PermissionError(13, "Permission denied")
            return stat(path, **more)

        monkeypatch.setattr(Path, "stat", refused)
    unpacked.tidy(kept)
    assert (kept / "copy.tar").exists()
    monkeypatch.undo()
    drive.mkdir(exist_ok=True)
    (drive / "other").touch()
    (kept / "copy.of").write_text(f"{drive / 'set.zip'}: table.parquet", encoding="utf-8")
    unpacked.tidy(kept)
    assert list(kept.iterdir()) == []
