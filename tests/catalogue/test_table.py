"""Tables in every shape they come in."""

import gzip
import io
import zipfile

import pytest
from conftest import HEADER
from shop_files import workbook

from fashion.catalogue.definition import load_catalogue
from fashion.catalogue.source import open_source
from fashion.catalogue.table import read_table
from fashion.core.errors import CatalogueError

ROWS = "a.jpg\tROSSO\tTè e Caffè\tTAVOLA & CUCINA\ttables & kitchen\t\t\t\n"
ROWS += "b.jpg\tBLU \tMOCASSINI \tCALZATURE\tfootwear\t\t\t\n"


def read(tmp_path, content, catalogue):
    (tmp_path / "annotation.txt").write_bytes(content)
    return read_table(catalogue, open_source(tmp_path, "annotation.txt"))


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{ROWS}".encode(),
        f"{HEADER}\n{ROWS}".encode("utf-8-sig"),
        f"{HEADER}\n{ROWS}".encode("latin-1"),
        f"{HEADER}\n{ROWS}".replace("\n", "\r\n").encode(),
        f"{HEADER}\n{ROWS}".strip().encode(),
    ],
    ids=["utf-8", "bom", "latin-1", "crlf", "no last newline"],
)
def test_every_encoding_reads_alike(tmp_path, imagelab, content):
    rows, malformed = read(tmp_path, content, imagelab)
    assert list(rows.columns) == ["row", "photo", "item", "colour", "category", "department"]
    assert rows.loc[0].tolist() == [1, "images/a.jpg", "a", "ROSSO", "Tè e Caffè", "TAVOLA & CUCINA"]
    assert rows.loc[1, ["colour", "category"]].tolist() == ["BLU", "MOCASSINI"]
    assert malformed.empty


def test_short_rows_are_filled_and_long_ones_rejected(tmp_path, imagelab):
    content = f"{HEADER}\na.jpg\tROSSO\nb.jpg\tBLU\tx\ty\tz\t\t\t\tsurplus\nc.jpg\tBLU\tx\ty\tz\t\t\t\t\t\n\n"
    rows, malformed = read(tmp_path, content.encode(), imagelab)
    assert rows["item"].tolist() == ["a", "c"] and rows.loc[0, "category"] == ""
    assert malformed.to_dict("records") == [
        {"row": 2, "item": "", "photo": "", "reason": "line 3: 9 fields where the header has 8"}
    ]


def test_missing_column_says_which_and_where(tmp_path, imagelab):
    with pytest.raises(CatalogueError, match=r"expected the columns color.*found filename, colour.*imagelab\.toml"):
        read(tmp_path, b"filename\tcolour\tmicro_category\tmacro_category\na\tb\tc\td\n", imagelab)


def test_a_quotation_mark_swallows_no_row(tmp_path, imagelab):
    lines = [f"{n}.jpg\tROSSO\tx\ty\tz\t\t\t" for n in range(50)]
    lines[5] = '5.jpg\t"ROSSO\tx\ty\tz\t\t\t'
    rows, malformed = read(tmp_path, "\n".join([HEADER, *lines, ""]).encode(), imagelab)
    assert len(rows) == 50 and malformed.empty and rows.loc[5, "colour"] == '"ROSSO'
    (tmp_path / "articles.csv").write_text(
        "article_id,prod_name,product_type_name,product_group_name,colour_group_name\n"
        + "".join(f"00{n},{chr(34) if n == 3 else ''}top,Vest,Garment,Black\n" for n in range(9))
    )
    rows, malformed = read_table(load_catalogue("hm"), open_source(tmp_path, "articles.csv"))
    assert len(rows) == 8 and malformed[["row", "item", "photo"]].to_numpy().tolist() == [[4, "", ""]]
    assert malformed["reason"].tolist() == [
        "line 5: a quotation mark begins a cell and is not closed at the cell's end"
    ]


def test_photos_of_one_stem_stay_two_items(tmp_path, imagelab):
    content = f"{HEADER}\n1.jpg\tROSSO\tx\ty\tz\t\t\t\n1.png\tROSSO\tx\ty\tz\t\t\t\n"
    assert read(tmp_path, content.encode(), imagelab)[0]["item"].tolist() == ["1.jpg", "1.png"]


@pytest.mark.parametrize("content", [b"", HEADER.encode(), f"{HEADER}\n\n".encode()])
def test_empty_table(tmp_path, imagelab, content):
    with pytest.raises(CatalogueError, match="expected"):
        read(tmp_path, content, imagelab)


def test_na_is_a_word_and_h_and_m_names_its_folders(tmp_path):
    (tmp_path / "styles.csv").write_text(
        "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName\n"
        '15970,Men,Apparel,Topwear,Shirts,NA,Fall,2011,Casual,"Check, shirt"\n'
    )
    rows, _ = read_table(load_catalogue("fashion-product-images"), open_source(tmp_path, "styles.csv"))
    assert rows.loc[0, ["colour", "photo", "title"]].tolist() == ["NA", "images/15970.jpg", "Check, shirt"]
    (tmp_path / "articles.csv").write_text(
        "article_id,prod_name,product_type_name,product_group_name,colour_group_name\n"
        "0108775015,Strap top,Vest top,Garment Upper body,Black\n"
    )
    rows, _ = read_table(load_catalogue("hm"), open_source(tmp_path, "articles.csv"))
    assert rows.loc[0, ["item", "photo"]].tolist() == ["0108775015", "images/010/0108775015.jpg"]


SHOP = """
name = "mine"
title = "Mine"
[source]
table = "t.csv"
photos = "{id}.jpg"
[table]
delimiter = "DELIMITER"
encoding = "ENCODING"
[columns]
item = "id"
category = "kind"
title = "title"
"""


def shop(tmp_path, data, delimiter=",", encoding="auto", toml=SHOP):
    text = toml.replace("DELIMITER", delimiter).replace("ENCODING", encoding)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    (tmp_path / "t.csv").write_bytes(data)
    return read_table(load_catalogue(tmp_path / "mine.toml"), open_source(tmp_path, "t.csv"))


LINES = "id,title,kind\n1,men\u2019s \u201cbest\u201d \u2013 5 \u20ac,top\n2,Tè,skirt\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (LINES.encode("utf-16"), "auto"),
        (b"\xfe\xff" + LINES.encode("utf-16-be"), "auto"),
        (LINES.encode("utf-16-le"), "auto"),
        (LINES.encode("utf-16-be"), "auto"),
        (LINES.encode("utf-32"), "auto"),
        (LINES.encode("cp1252"), "auto"),
        (LINES.encode("cp1252"), "latin-1"),
        (LINES.encode("cp1252"), "cp1252"),
        (LINES.encode("utf-8-sig"), "utf-8"),
        (LINES.encode("utf-8-sig"), "latin-1"),
        (LINES.encode("utf-16"), "utf-16-le"),
    ],
)
def test_encodings_of_windows(tmp_path, data, encoding):
    rows, malformed = shop(tmp_path, data, encoding=encoding)
    assert rows["title"].tolist() == ["men\u2019s \u201cbest\u201d \u2013 5 \u20ac", "Tè"] and malformed.empty
    assert rows["item"].tolist() == ["1", "2"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "rot13", "idna"])
def test_an_encoding_that_does_not_fit_says_so(tmp_path, encoding):
    with pytest.raises(CatalogueError, match=rf"expected text in {encoding}.*Save the file as UTF-8"):
        shop(tmp_path, LINES.encode("cp1252"), encoding=encoding)


def test_control_characters_are_taken_out(tmp_path):
    signs = "".join(map(chr, [*range(9), 11, 12, *range(14, 32), *range(127, 160), 0x2028, 0x2029, 0xFFFE, 0xFFFF]))
    text = (
        f"id,ti\x07tle,kind\n1\x00,\x02red\x0bdress\x0c,top\x07\n2,a\x85b\x1bc\u2028d\x1fe,sk\x9dirt\n3,x{signs}y,top\n"
    )
    rows, malformed = shop(tmp_path, text.encode())
    assert malformed.empty and rows["item"].tolist() == ["1", "2", "3"] and rows["photo"].tolist()[0] == "1.jpg"
    assert rows["category"].tolist() == ["top", "skirt", "top"]
    assert rows["title"].tolist()[:2] == ["red dress", "a bc d e"]
    assert rows.loc[2, "title"].isprintable() and set(rows.loc[2, "title"]) == {"x", " ", "y"}


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=,", "sep=\t"])
def test_a_first_line_for_excel_is_no_header(tmp_path, first):
    rows, malformed = shop(tmp_path, f"{first}\r\nid;title;kind\r\n1;a;top\r\n2;a;top;x\r\n".encode(), delimiter=";")
    assert rows[["row", "item", "title"]].to_numpy().tolist() == [[1, "1", "a"]]
    assert malformed["reason"].tolist() == ["line 4: 4 fields where the header has 3"]


def test_a_control_character_may_be_the_delimiter(tmp_path):
    rows, _ = shop(tmp_path, b"id\x01title\x01kind\n1\x01a\x02b\x01top\n", delimiter="\\u0001")
    assert rows[["item", "title", "category"]].to_numpy().tolist() == [["1", "ab", "top"]]


@pytest.mark.parametrize("first", ["", "sep=;\r\n", "\n"])
def test_a_delimiter_that_nobody_named_is_found(tmp_path, first):
    rows, malformed = shop(tmp_path, f"{first}id;title;kind\n1;red, soft;top\n2;a,b,c,d;bag\n".encode(), "auto")
    assert rows["title"].tolist() == ["red, soft", "a,b,c,d"] and malformed.empty
    with pytest.raises(CatalogueError, match=r"expected the columns id, kind, title in .*; found one\."):
        shop(tmp_path, b"one\n1\n", "auto")


def test_columns_and_words_that_look_equal_are_equal(tmp_path):
    """Accents in two forms, and signs that nobody sees, in the TOML, the header and the cells."""
    toml = SHOP.replace('"kind"', '"Gr\u00f6\u00dfe"').replace("{id}.jpg", "{i\u200bd}.jpg")
    text = "\ufeffid,title,Gro\u0308\u00dfe\u200b\n1\u200b,cafe\u0301,to\u00adp\n2,caf\u00e9,top\n"
    rows, _ = shop(tmp_path, text.encode(), toml=toml)
    assert rows["category"].tolist() == ["top", "top"] and rows["title"].nunique() == 1
    assert rows["photo"].tolist() == ["1.jpg", "2.jpg"] and rows["item"].tolist() == ["1", "2"]


def test_photos_without_suffix_and_ids_that_lost_their_zeros(tmp_path):
    for name in ("00000007.JPG", "00000012.webp"):
        (tmp_path / name).write_bytes(b"photo")
    data = workbook({"Items": [["id", "title", "kind"], [7, "a", "top"], [12, "b", "top"], [99, "c", "top"]]})
    rows, _ = shop(tmp_path, data, toml=SHOP.replace("{id}.jpg", "{id:0>8}"))
    assert rows["photo"].tolist() == ["00000007.JPG", "00000012.webp", "00000099"]
    assert rows["item"].tolist() == ["7", "12", "99"]


def test_a_table_without_names_of_items_is_numbered(tmp_path):
    text = SHOP.replace('"id"', '"#"')
    rows, malformed = shop(tmp_path, b"id,title,kind\na,x,top\nb,x,top,surplus\nc,x,bag\n", toml=text)
    assert rows["item"].tolist() == ["1", "3"] and rows["photo"].tolist() == ["a.jpg", "c.jpg"]
    assert malformed["row"].tolist() == [2]
    rows, _ = shop(tmp_path, b"#,id,title,kind\n70,a,x,top\n80,b,x,top\n", toml=text)
    assert rows["item"].tolist() == ["70", "80"]


def test_photos_named_as_on_windows_are_found(tmp_path):
    rows, _ = shop(tmp_path, b"id,title,kind\nimages\\1,a\\b,top\n")
    assert rows.loc[0, ["photo", "title"]].tolist() == ["images/1.jpg", "a\\b"]


def test_line_breaks_in_our_columns_become_spaces(tmp_path):
    text = 'id,title,"kind"\r\n1,"Soft\r\njersey\n\nred",top\r\n"2","a\rb\tc","skirt\n"\r\n'
    rows, malformed = shop(tmp_path, text.encode())
    assert malformed.empty
    assert rows["title"].tolist() == ["Soft jersey  red", "a b c"] and rows["category"].tolist() == ["top", "skirt"]


def test_a_cell_may_be_longer_than_csv_likes(tmp_path):
    rows, malformed = shop(tmp_path, f'id,title,kind\n1,"{"x" * 200_000}",top\n2,{"y" * 200_000},top\n'.encode())
    assert malformed.empty and rows["title"].str.len().tolist() == [200_000, 200_000]


def book(names):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        for name in names:
            packed.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (book(["[Content_Types].xml", "xl/workbook.xml"]), "an Excel workbook.*save the sheet as CSV .UTF-8."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(900), "an Excel workbook.*save the sheet as CSV .UTF-8."),
        (book(["mimetype", "content.xml", "META-INF/manifest.xml"]), "an OpenDocument workbook.*save the sheet as CSV"),
        (book(["a.csv"]), r"a zip archive\. Unpack it"),
        (gzip.compress(b"%PDF-1.7", mtime=0), r"a PDF\. Name a table"),
        (gzip.compress(b"id,title,kind\n", mtime=0)[:-3], "packed with gzip; found it damaged.*Fetch it again"),
        (b"PAR1" + bytes(99), "a Parquet file .* cannot be read.*Fetch it again"),
        (b"%PDF-1.7", r"a PDF\. Name a table"),
        (b"<html><table><tr><td>id</td>", "HTML or XML.*save it as CSV"),
        (b'[{"id": 1}]', "JSON.*save it as CSV"),
        (b"id;title;kind\n1;a;top\n", 'delimiter = ";"'),
        (b"id\ttitle\tkind\n1\ta\ttop\n", r'delimiter = "\\t"'),
        (b"sep=;\r\nid;title;kind\r\n1;a;top\r\n", 'delimiter = ";"'),
        (b"sep=~\nid~title~kind\n1~a~top\n", 'delimiter = "~"'),
    ],
)
def test_what_is_no_table_is_named(tmp_path, data, said):
    with pytest.raises(CatalogueError, match=said) as caught:
        shop(tmp_path, data)
    assert str(caught.value).isprintable()


def test_all_rows_malformed_says_why(tmp_path):
    with pytest.raises(CatalogueError, match=r"found none; 2 rows are malformed, the first: row 1, line 2: 4 fields"):
        shop(tmp_path, b"id,title,kind\n1,2,3,4\n1,2,3,5\n")
