"""Photos in columns of Parquet files: one at a time, by several threads, never a file in memory."""

import io
import random
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from photo_errors import bad_photo
from shop_files import a_second_later

from fashion.catalogue import parquet
from fashion.catalogue.parquet import photo_name, place_of
from fashion.catalogue.source import open_source

BLOBS = [random.Random(n).randbytes(2000 + n) for n in range(60)]


@pytest.fixture
def groups(monkeypatch):
    """The row groups that were read, in order."""
    read, group = [], parquet._Photos.group
    monkeypatch.setattr(parquet._Photos, "group", lambda self, number: read.append(number) or group(self, number))
    return read


def write(folder, blobs=BLOBS, group=10, nested=True, name="t.parquet", kind=None, **options):
    folder.mkdir(exist_ok=True)
    column = pa.array(blobs, kind or pa.binary())
    if nested:
        column = pa.StructArray.from_arrays(
            [column, pa.array([f"{n}.jpg" for n in range(len(blobs))])], ["bytes", "path"]
        )
    table = pa.table({"id": [str(n) for n in range(len(blobs))], "image": column})
    pq.write_table(table, folder / name, row_group_size=group, **options)
    return open_source(folder, name, folder.parent / "kept")


def names(count=60, column="image.bytes", file="t.parquet"):
    return [photo_name(file, column, row) for row in range(1, count + 1)]


def test_names_are_in_the_tables_order_and_lead_back():
    several = [photo_name("a.parquet", "image.bytes", row) for row in (1, 2, 10, 999, 1000, 9_999_999)]
    assert several == sorted(several)
    assert [place_of(name, ["a.parquet"]).row for name in several] == [1, 2, 10, 999, 1000, 9_999_999]
    files = {"a.pq", "deep/x.parquet/part-0.parquet"}
    assert place_of("deep/x.parquet/part-0.parquet/a/b/0000002", files) == ("deep/x.parquet/part-0.parquet", "a/b", 2)
    assert place_of("a.pq/image/0000002", files) == ("a.pq", "image", 2)
    for name in ("a.pq", "a.pq/image", "a.pq/0000001", "b.pq/image/0000001", "images/010/0108775015", "a.pq/image/1",
                 "a.pq/image/0000001.jpg", ""):  # fmt: skip
        assert place_of(name, files) is None


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("group", [1, 7, 60])
def test_photos_are_their_rows(tmp_path, kind, nested, group):
    source = write(tmp_path / "set", group=group, nested=nested, kind=kind)
    column = "image.bytes" if nested else "image"
    shuffled = random.Random(0).sample(range(60), 60)
    assert [source.read(names(column=column)[row]) for row in shuffled] == [BLOBS[row] for row in shuffled]


def test_photos_nearly_in_order_read_each_row_group_once(tmp_path, groups):
    """As threads ask for them: none is more than a row group ahead."""
    source = write(tmp_path / "set")
    order = [start + row for start in range(0, 60, 6) for row in random.Random(start).sample(range(6), 6)]
    assert [source.read(names()[row]) for row in order] == [BLOBS[row] for row in order]
    assert groups == [0, 1, 2, 3, 4, 5]


def test_threads_read_at_random(tmp_path):
    source = write(tmp_path / "set")
    with ThreadPoolExecutor(8) as pool:
        order = random.Random(2).choices(range(60), k=300)
        assert list(pool.map(lambda row: source.read(names()[row]), order)) == [BLOBS[row] for row in order]
    assert len(source._stored._groups) == parquet.GROUPS_HELD


def test_the_table_is_read_without_the_photos(tmp_path, groups):
    write(tmp_path / "set", [bytes(2_000_000)] * 30, group=30, compression="none")
    before = pa.total_allocated_bytes()
    with (tmp_path / "set/t.parquet").open("rb") as stream:
        found = parquet.read_columns(stream)
        assert found.names == ["id", "image.bytes", "image.path"] and set(found.text) == {"id", "image.path"}
    assert pa.total_allocated_bytes() - before < 2_000_000 and groups == []


def test_a_file_of_one_large_row_group_is_copied_once_in_small_ones(tmp_path, monkeypatch, groups):
    monkeypatch.setattr(parquet, "MOST_GROUP", 50_000)
    monkeypatch.setattr(parquet, "COPIED_GROUP", 20_000)
    source = write(tmp_path / "set", group=60)
    assert [source.read(name) for name in names()] == BLOBS
    (copy,) = (tmp_path / "kept").glob("*.parquet")
    metadata = pq.ParquetFile(copy).metadata
    assert metadata.num_columns == 1 and metadata.num_rows == 60 and metadata.num_row_groups == len(groups) > 6
    again = open_source(tmp_path / "set", "t.parquet", tmp_path / "kept")
    made = copy.stat().st_mtime_ns
    assert again.read(names()[37]) == BLOBS[37] and copy.stat().st_mtime_ns == made
    flipped = bytearray(copy.read_bytes())
    flipped[flipped.index(BLOBS[37]) + 1000] ^= 1
    copy.write_bytes(bytes(flipped))
    with bad_photo(r"^unreadable: .*0000038.*"):
        open_source(tmp_path / "set", "t.parquet", tmp_path / "kept").read(names()[37])
    with a_second_later(tmp_path / "set/t.parquet"):
        write(tmp_path / "set", BLOBS[::-1], group=60)
    changed = open_source(tmp_path / "set", "t.parquet", tmp_path / "kept")
    assert changed.read(names()[0]) == BLOBS[-1]
    assert len(list((tmp_path / "kept").glob("*.parquet"))) == 1, "the copy of the earlier one is gone"
    assert open_source(tmp_path / "set", "t.parquet", tmp_path / "other").read(names()[59]) == BLOBS[0]


def test_a_copy_holds_a_few_photos_at_a_time(tmp_path):
    """Of 40 MB in one row group; pages are of 1,024 rows or more, so photos are small here."""
    stream = io.BytesIO()
    table = pa.table({"image": pa.array([bytes([n % 256]) * 4000 for n in range(10_000)], pa.binary())})
    pq.write_table(table, stream, compression="none", use_dictionary=False)
    del table
    source = parquet._column_of(lambda: io.BytesIO(stream.getvalue()), "image")
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    most = []

    class Writer(pq.ParquetWriter):
        def write_batch(self, batch, row_group_size=None):
            most.append(pool.bytes_allocated() - before)
            super().write_batch(batch, row_group_size)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pq, "ParquetWriter", Writer)
        parquet._copy_column(source, tmp_path / "copy.parquet", 100)
    assert max(most) < 20_000_000 and len(most) == 100
    assert pq.read_table(tmp_path / "copy.parquet").column(0)[9_999].as_py() == bytes([9_999 % 256]) * 4000


def test_rows_without_photos_and_rows_that_are_not_there(tmp_path):
    source = write(tmp_path / "set", [b"a", None, b""])
    assert source.read(names()[0]) == b"a" and source.read(names()[2]) == b""
    for name in (names()[1], names()[3], photo_name("t.parquet", "image.bytes", 0), names(1, "photo")[0],
                 names(1, "image")[0], names(1, "id")[0][:-1] + "x", names(1, file="none.parquet")[0]):  # fmt: skip
        with bad_photo(r"^missing: there is no"):
            source.read(name)
    for name in (names(1, file="../t.parquet")[0], names(1, file="C:/t.parquet")[0]):
        with bad_photo("leads out"):
            source.read(name)
    with bad_photo(r"^too large: .* at most 0 bytes; found 't\.parquet/image\.bytes/0000001'"):
        source.read(names()[0], 0)


def test_the_signature_is_the_files(tmp_path):
    source = write(tmp_path / "set")
    assert source.signature(names()[0]) == source.signature(names()[9]) == source.signature("t.parquet") != ""
    assert source.signature(names(1, file="none.parquet")[0]) == ""
    before = source.signature(names()[0])
    assert write(tmp_path / "set", BLOBS[1:]).signature(names()[0]) != before


def test_damage_is_a_bad_photo_and_no_crash(tmp_path):
    source = write(tmp_path / "set", compression="gzip", use_dictionary=False)
    data = bytearray((tmp_path / "set/t.parquet").read_bytes())
    at = pq.ParquetFile(tmp_path / "set/t.parquet").metadata.row_group(2).column(1).data_page_offset
    data[at + 40 : at + 4000] = b"\xff" * 3960
    (tmp_path / "set/t.parquet").write_bytes(bytes(data))
    assert source.read(names()[0]) == BLOBS[0]
    with bad_photo(r"^unreadable: 't\.parquet/image\.bytes/0000022'"):
        source.read(names()[21])
    (tmp_path / "set/t.parquet").write_bytes(b"PAR1")
    with bad_photo(r"^unreadable"):
        open_source(tmp_path / "set", "t.parquet").read(names()[0])
