"""TOML that is wrong, and the catalogues that come with the project."""

import pytest
from documents import ROOT, codes, table_with, text_of

from fashion.catalogue import _TABLES, REQUIRED, known_catalogues, load_catalogue, open_catalogue
from fashion.errors import CatalogueError


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
        (('item = "id"', 'item = "id"\nphoto = "x"'), r"may not name photo"),
        (("[columns]", '[table]\ndelimiter = "||"\n[columns]'), "one character"),
        (('"{id}.jpg"', '"{id.jpg"'), "is a pattern such as"),
    ],
)
def test_wrong_toml(tmp_path, change, complaint):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_catalogue(path).name == "mine"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(CatalogueError, match=complaint):
        load_catalogue(path)


def test_every_key_is_documented():
    """data/README.md's table of keys is the reader's."""
    said = {}
    for row in table_with(text_of(ROOT / "data/README.md"), "key", "needed", "what"):
        names = codes(row[0])
        table = names.pop(0).strip("[]") if names[0].startswith("[") else ""
        said.setdefault(table, set()).update(names)
    columns = said.pop("columns")
    assert said == {table: set(keys) for table, keys in _TABLES.items()}, "data/README.md, Your own: keys differ"
    assert set(REQUIRED) <= columns
    for name in known_catalogues():
        assert f"\n## `{name}`\n" in text_of(ROOT / "data/README.md"), f"data/README.md has no part on {name}"


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(CatalogueError, match=r"imagelab, sample.*'imagelap'"):
        load_catalogue("imagelap")


def test_own_data_place_is_relative_to_the_toml(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace('table = "t.csv"', 'table = "t.csv"\ndata = "clothes"'))
    assert load_catalogue(path).data == tmp_path / "clothes"
    with pytest.raises(CatalogueError, match=r"expected the data of Mine at .*clothes"):
        open_catalogue(load_catalogue(path))
