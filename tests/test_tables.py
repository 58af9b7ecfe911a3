"""Tables in every shape they come in."""

import pytest
from conftest import HEADER

from fashion.catalogue import load_catalogue
from fashion.errors import CatalogueError
from fashion.source import open_source
from fashion.tables import read_table

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
        {"row": 2, "item": "", "photo": "", "reason": "9 fields where the header has 8"}
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
    assert (len(rows) == 3 and "6 lines" in malformed["reason"].iloc[0]) or "7 lines" in malformed["reason"].iloc[0]


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
