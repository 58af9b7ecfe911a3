"""Tables in every shape they come in, TOML that is wrong, and samples that keep the groups' shares."""

import numpy as np
import pandas as pd
import pytest
from conftest import HEADER
from hypothesis import given
from hypothesis import strategies as st

from fashion.catalogue import (
    known_catalogues,
    load_catalogue,
    open_catalogue,
    read_table,
    take_first,
    take_stratified,
)
from fashion.errors import CatalogueError
from fashion.source import open_source

ROWS = "a.jpg\tROSSO\tTè e Caffè\tTAVOLA & CUCINA\ttables & kitchen\t\t\t\nb.jpg\tBLU \tMOCASSINI \tCALZATURE\tfootwear\t\t\t\n"


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


def test_every_shipped_catalogue_loads():
    assert known_catalogues() == ["fashion-product-images", "hm", "imagelab", "sample"]
    for name in known_catalogues():
        catalogue = load_catalogue(name)
        assert catalogue.name == name and catalogue.terms and catalogue.citation and catalogue.is_shipped


GOOD = """
name = "mine"
title = "Mine"
[source]
table = "t.csv"
photos = "{id}.jpg"
[columns]
item = "id"
category = "kind"
"""


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("[source]", "[sauce]"), "unknown table .sauce."),
        (("title =", "titel ="), "unknown key 'titel'"),
        (('name = "mine"', "name = 3"), "expected str, found 3"),
        (('name = "mine"', 'name = "Mine/../x"'), "lower case letters"),
        (('item = "id"', ""), r"missing item in \[columns\]"),
        (('table = "t.csv"', ""), r"missing table in \[source\]"),
        (('title = "Mine"', 'title = "Mine"\nlanguage = "fr"'), "found 'fr'"),
        (("[columns]", "[columns"), "expected valid TOML"),
    ],
)
def test_wrong_toml(tmp_path, change, complaint):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_catalogue(path).name == "mine"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(CatalogueError, match=complaint):
        load_catalogue(path)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(CatalogueError, match=r"imagelab, sample.*'imagelap'"):
        load_catalogue("imagelap")


def test_own_data_place_is_relative_to_the_toml(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace('table = "t.csv"', 'table = "t.csv"\ndata = "clothes"'))
    assert load_catalogue(path).data == tmp_path / "clothes"
    with pytest.raises(CatalogueError, match=r"expected the data of Mine at .*clothes"):
        open_catalogue(load_catalogue(path))


def test_take_first():
    rows = pd.DataFrame({"row": range(1, 9)})
    assert take_first(rows, 3)["row"].tolist() == [1, 2, 3]


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    share=st.floats(0.01, 1.0),
    seed=st.integers(0, 5),
)
def test_stratified_sample_keeps_shares(sizes, share, seed):
    departments = np.repeat([f"d{i}" for i in range(len(sizes))], sizes)
    rows = pd.DataFrame({"row": range(len(departments)), "department": departments})
    limit = max(1, int(share * len(rows)))
    taken = take_stratified(rows, limit, seed)
    assert len(taken) == limit and taken["row"].is_monotonic_increasing and taken["row"].is_unique
    counts = taken["department"].value_counts().reindex([f"d{i}" for i in range(len(sizes))], fill_value=0)
    assert (np.abs(counts.to_numpy() - np.array(sizes) * limit / len(rows)) < 1).all()
    assert taken.equals(take_stratified(rows, limit, seed))
