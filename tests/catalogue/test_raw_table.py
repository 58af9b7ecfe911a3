"""Tables in every format give the same text."""

import datetime
import gzip
import io
import json
import tracemalloc
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shop_files import rows, workbook, write_table

from fashion.catalogue import raw_table
from fashion.catalogue.cells import flattened, text_of
from fashion.catalogue.raw_table import TableFormat, count_rows, read_raw
from fashion.catalogue.source import open_source
from fashion.core.errors import CatalogueError

ITEMS = rows(12)
TEXT = {
    name: ["" if row[name] is None else str(row[name]) for row in ITEMS]
    for name in ("id", "colour", "kind", "group", "title", "price")
}


def read(folder, name, data=None, wanted=None, known=(), photos=(), **form):
    if data is not None:
        (folder / name).write_bytes(data)
    return read_raw(open_source(folder, name), TableFormat(**form), wanted, known, photos)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("t.csv", {}, "text delimited by commas, in UTF-8"),
        ("t.csv", {"delimiter": ";", "encoding": "cp1252"}, "text delimited by semicolons, in Windows-1252"),
        ("t.csv", {"encoding": "utf-8-sig"}, "text delimited by commas, in UTF-8"),
        ("t.txt", {"encoding": "utf-16"}, "text delimited by tabs, in UTF-16"),
        ("t.tsv", {}, "text delimited by tabs, in UTF-8"),
        ("t.csv.gz", {"delimiter": "|"}, "text delimited by bars, in UTF-8, packed with gzip"),
        ("t.tsv.gz", {"encoding": "utf-16"}, "text delimited by tabs, in UTF-16, packed with gzip"),
        ("t.txt.gz", {"encoding": "cp1252"}, "text delimited by tabs, in Windows-1252, packed with gzip"),
        ("t.jsonl", {}, "JSON Lines, in UTF-8"),
        ("t.jsonl.gz", {"encoding": "utf-8-sig"}, "JSON Lines, in UTF-8, packed with gzip"),
        ("t.parquet", {}, "Parquet"),
        ("t.parquet", {"group": 5}, "Parquet"),
        ("t.xlsx", {}, "the sheet 'Items' of an Excel workbook (.xlsx)"),
        ("t.ods", {}, "the sheet 'Items' of an OpenDocument workbook (.ods)"),
    ],
)
def test_every_format_reads_alike(tmp_path, name, options, said):
    write_table(tmp_path / name, ITEMS, **options)
    whole = read(tmp_path, name)
    assert whole.header == list(TEXT) and whole.said == said
    assert whole.rows.to_dict("list") == TEXT
    assert whole.rows.index.tolist() == list(range(1, 13)) and whole.malformed.empty
    some = read(tmp_path, name, wanted=["price", "id", "#"], known=["kind"])
    assert some.header == list(TEXT) and set(some.rows) == {"id", "price", "#"}
    assert some.rows["price"].tolist() == TEXT["price"] and some.rows["#"].tolist()[-1] == "12"
    assert count_rows(open_source(tmp_path, name)) in (12, 11)  # about: a header or none


@pytest.mark.parametrize("name", ["odd", "odd.csv", "odd.parquet", "odd.xlsx"])
@pytest.mark.parametrize("kind", ["t.csv.gz", "t.jsonl", "t.parquet", "t.xlsx"])
def test_the_content_tells_the_format_whatever_the_name(tmp_path, name, kind):
    data = write_table(tmp_path / kind, ITEMS).read_bytes()
    assert read(tmp_path, name, data).rows.to_dict("list") == TEXT


def test_shards_are_one_table(tmp_path):
    for shard, ending in enumerate(("jsonl", "csv", "parquet")):
        write_table(tmp_path / f"part-{shard}.{ending}", ITEMS[4 * shard : 4 * shard + 4])
    (tmp_path / ".part-9.csv").write_text("left by a program")
    whole = read(tmp_path, "part-*")
    assert whole.rows.to_dict("list") == TEXT and whole.rows.index.tolist() == list(range(1, 13))
    assert whole.said == "JSON Lines, in UTF-8; text delimited by commas, in UTF-8; Parquet; 3 files"
    assert whole.shards == [("part-0.jsonl", 4), ("part-1.csv", 4), ("part-2.parquet", 4)]
    (tmp_path / "part-1.csv").write_text("id,kind\n1,top\n2,top,surplus\n")
    with pytest.raises(CatalogueError, match=r"expected the columns colour in .*part-1\.csv; found id, kind"):
        read(tmp_path, "part-*", wanted=["id", "colour"])
    some = read(tmp_path, "part-*", wanted=["id", "kind"])
    assert some.malformed.to_numpy().tolist() == [[6, "part-1.csv, line 3: 3 fields where the header has 2"]]
    assert some.rows.index.tolist() == [1, 2, 3, 4, 5, 7, 8, 9, 10]
    assert read(tmp_path, "part-?.csv").shards == [("part-1.csv", 2)]


# -- JSON Lines --------------------------------------------------------------------------------------------
def test_json_lines(tmp_path):
    lines = [
        '{"id": 1, "image": {"path": "a.jpg", "size": {}}, "tags": ["new", 5, null], "price": 5.0}',
        "",
        '{"id": "2", "title": "a\\u2028b\\u0007\\nc", "price": null, "on": true}',
        "[1]",
        '{"id": 3',
        '{"id": 4, "parts": [{"a": 1}], "price": NaN}',
        "  ",
    ]
    raw = read(tmp_path, "t.jsonl", "\r\n".join(lines).encode())
    assert raw.header == ["id", "image.path", "image.size", "tags", "price", "title", "on", "parts"]
    assert raw.rows["id"].tolist() == ["1", "2", "4"] and raw.rows.index.tolist() == [1, 2, 5]
    assert raw.rows.loc[1].tolist()[1:5] == ["a.jpg", "", "new, 5", "5"]
    assert raw.rows.loc[2, ["title", "price", "on"]].tolist() == ["a b c", "", "true"]
    assert raw.rows.loc[5, ["parts", "price"]].tolist() == ['[{"a": 1}]', ""]
    assert [row for row, _ in raw.malformed.to_numpy()] == [3, 4]
    assert all(f"line {n}: no JSON object" in r for n, r in zip((4, 5), raw.malformed["reason"], strict=True))


def test_a_raw_separator_inside_json_ends_no_line(tmp_path):
    text = json.dumps({"id": "a\u2028b\x85c", "kind": "top"}, ensure_ascii=False) + "\n"
    raw = read(tmp_path, "t.jsonl", text.encode())
    assert raw.rows.to_numpy().tolist() == [["a b c", "top"]] and raw.malformed.empty


# -- workbooks ---------------------------------------------------------------------------------------------
def test_a_workbook_has_sheets(tmp_path):
    table = [["id", "kind", None, "kind"], [1, "top", 5, "x"], [], ["x", "bag\nred", 2.5, None]]
    data = workbook({"Notes": [], "Lists": [["red"]], "Items": table, "Old": [["id"], [9]]}, hidden=["Lists"])
    raw = read(tmp_path, "t.xlsx", data)
    assert raw.said == "the sheet 'Items' of an Excel workbook (.xlsx)"
    assert raw.header == ["id", "kind", "#1", "kind#2"] and raw.rows.index.tolist() == [1, 3]
    assert raw.rows.to_numpy().tolist() == [["1", "top", "5", "x"], ["x", "bag red", "2.5", ""]]
    assert read(tmp_path, "t.xlsx", sheet="Old").rows["id"].tolist() == ["9"]
    assert read(tmp_path, "t.xlsx", sheet="Lists").header == ["red"]
    assert read(tmp_path, "t.xlsx", sheet="Notes").header == []
    with pytest.raises(CatalogueError, match=r"sheet 'Item' in .*found Notes, Items, Old, Lists\. Did you mean Items"):
        read(tmp_path, "t.xlsx", sheet="Item")
    with pytest.raises(
        CatalogueError, match=r"expected the columns hue.*sheet 'Items'; for Notes or Old or Lists write"
    ):
        read(tmp_path, "t.xlsx", wanted=["hue"])
    with pytest.raises(CatalogueError, match=r"expected the columns id in .*; found no header"):
        read(tmp_path, "t.xlsx", workbook({"Empty": []}), wanted=["id"])


def test_a_table_below_empty_rows_is_found(tmp_path):
    raw = read(tmp_path, "t.xlsx", workbook({"A": [[], [], [None, "id"], [None, 7]]}))
    assert raw.header == ["#1", "id"] and raw.rows["id"].tolist() == ["7"] and raw.rows.index.tolist() == [1]


def test_a_title_above_a_workbooks_header_is_passed_over(tmp_path):
    raw = read(tmp_path, "t.xlsx", workbook({"A": [["Autumn stock"], [], ["id", "kind"], [7, "hat"]]}))
    assert raw.header == ["id", "kind"] and raw.rows.to_dict("list") == {"id": ["7"], "kind": ["hat"]}
    assert read(tmp_path, "u.xlsx", workbook({"A": [["id"], [7]]})).header == ["id"], "a table of one column"


def test_dates_and_truths_of_a_workbook(tmp_path):
    line = [datetime.date(2024, 1, 31), datetime.datetime(2024, 1, 31, 8, 30), True, 12345678901234567, 0.1]
    raw = read(tmp_path, "t.xlsx", workbook({"A": [list("abcde"), line]}))
    assert raw.rows.loc[1].tolist()[:3] == ["2024-01-31", "2024-01-31 08:30:00", "true"]
    assert raw.rows.loc[1, "d"].isdigit() and raw.rows.loc[1, "e"] == "0.1"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1000.0, "1000"), (-0.5, "-0.5"), (1e300, "1e+300"), (float("inf"), "inf"), (2**70, str(2**70)),
     (b"t\xc3\xa8", "tè"), (Decimal("5.90"), "5.9"), (Decimal("100"), "100"), (Decimal("1E+3"), "1000"),
     (datetime.time(8, 30), "08:30:00"),
     (datetime.datetime(2024, 1, 31), "2024-01-31"), ({}, ""), ([], ""), (["a", None, 2.0], "a, 2"),
     ([{"b": 1}], '[{"b": 1}]'), (datetime.datetime(2024, 1, 31, tzinfo=datetime.UTC), "2024-01-31 00:00:00+00:00")],
)  # fmt: skip
def test_cells_as_text(value, text):
    assert text_of(value) == text


def test_objects_are_flat():
    assert dict(flattened({"a": {"b": {"c": 1}, "d": []}, "e": {}})) == {"a.b.c": 1, "a.d": [], "e": {}}


# -- Parquet -----------------------------------------------------------------------------------------------
def parquet(columns, metadata=None):
    table, data = pa.table(columns), io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata or {}), data)
    return data.getvalue()


def test_types_of_parquet(tmp_path):
    data = parquet({
        "id": pa.array([1, None, 3], pa.int64()),
        "price": pa.array([19.9, None, 5.0], pa.float32()),
        "word": pa.array(["a", "b", "a"]).dictionary_encode(),
        "when": pa.array([datetime.datetime(2024, 1, 31), None, datetime.datetime(2024, 1, 31, 8)], pa.timestamp("ns")),
        "tags": pa.array([["x", "y"], None, []]),
        "text": pa.array([b"t\xc3\xa8", None, b"x"], pa.binary()),
        " odd\n": pa.array(["1", "2", "3"]),
        "image": pa.array([{"bytes": b"\xff\xd8\xff", "path": "a.jpg"}, None, {"bytes": None, "path": "c.jpg"}]),
    })  # fmt: skip
    raw = read(tmp_path, "t.parquet", data)
    assert raw.header == ["id", "price", "word", "when", "tags", "text", "odd", "image.bytes", "image.path"]
    assert raw.photos == {"text", "image.bytes"}
    assert raw.rows.drop(columns="tags").to_numpy().T.tolist() == [
        ["1", "", "3"], ["19.9", "", "5"], ["a", "b", "a"], ["2024-01-31", "", "2024-01-31 08:00:00"],
        ["1", "2", "3"], ["a.jpg", "", "c.jpg"],
    ]  # fmt: skip
    assert raw.rows["tags"].tolist() == ["x, y", "", ""]
    some = read(tmp_path, "t.parquet", wanted=["text", "odd", "image.bytes"], photos=["image.bytes"])
    assert some.rows.to_dict("list") == {"text": ["tè", "", "x"], "odd": ["1", "2", "3"]}
    assert some.photo_names("image.bytes")[2] == "t.parquet/image.bytes/0000003"
    with pytest.raises(CatalogueError, match=r"expected text in each of \[columns\].*For photos in a column, write"):
        read(tmp_path, "t.parquet", wanted=["image.bytes"])
    with pytest.raises(
        CatalogueError,
        match=r"expected the columns image in .*; found .*\. In image are image\.bytes, image\.path: name one",
    ):
        read(tmp_path, "t.parquet", wanted=["image"])


def test_words_of_class_labels(tmp_path):
    features = {"kind": {"_type": "ClassLabel", "names": ["top", "bag"]}, "id": {"_type": "Value"}}
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    data = parquet({"id": ["a", "b", "c", "d"], "kind": pa.array([1, 0, -1, None], pa.int64())}, about)
    assert read(tmp_path, "t.parquet", data).rows["kind"].tolist() == ["bag", "top", "", ""]
    for broken in (b"{", b"[]", b'{"info": 5}', b'{"info": {"features": {"kind": 7}}}'):
        data = parquet({"kind": pa.array([1, 0], pa.int64())}, {"huggingface": broken})
        assert read(tmp_path, "t.parquet", data).rows["kind"].tolist() == ["1", "0"]


@pytest.mark.parametrize("cut", [4, 100, -1, -20])
def test_damaged_parquet_says_so(tmp_path, cut):
    data = write_table(tmp_path / "whole.parquet", ITEMS).read_bytes()
    with pytest.raises(CatalogueError, match=r"expected a Parquet file in .*t\.parquet; found one that cannot be read"):
        read(tmp_path, "t.parquet", data[:cut])


def test_damaged_gzip_says_so(tmp_path):
    data = bytearray(gzip.compress(b"id,kind\n1,top\n" * 50, mtime=0))
    data[20] ^= 0xFF
    with pytest.raises(CatalogueError, match=r"found it damaged.*Fetch it again"):
        read(tmp_path, "t.csv.gz", bytes(data))


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_table, "MOST_UNPACKED", 2_000_000)
    bomb = gzip.compress(b"id,kind\n" + bytes(50_000_000), mtime=0)
    tracemalloc.start()
    with pytest.raises(CatalogueError, match=r"at most 0\.002 GB in t\.csv\.gz; found more.*unpack it and split it"):
        read(tmp_path, "t.csv.gz", bomb)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
