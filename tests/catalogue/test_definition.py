"""TOML that is wrong, and the catalogues that come with the project."""

import pytest
from documents import ROOT, codes, table_with, text_of

from fashion.catalogue.definition import known_catalogues, load_catalogue, open_catalogue
from fashion.catalogue.photo_pattern import fill
from fashion.catalogue.toml_keys import known_keys
from fashion.core.errors import CatalogueError
from fashion.core.paths import in_project, kept_place


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
        (("[source]", "[sauce]"), r"tables source, .*; found the unknown table \[sauce\]\. Did you mean source\?"),
        (("title =", "titel ="), r"keys name, .*; found the unknown key 'titel'\. Did you mean title\?"),
        (('name = "mine"', "name = 3"), r"expected `name` in .*mine\.toml to be text; found 3\. Put it in quotes"),
        (('name = "mine"', 'name = "Mine/../x"'), "lower-case letters"),
        (('item = "id"', ""), r"none for item in \[columns\]"),
        (('table = "t.csv"', ""), r"none for table in \[source\]"),
        (('title = "Mine"', 'title = "Mine"\nlanguage = "French!"'), r"such as \"en\", .*; found 'French!'"),
        (("[columns]", "[columns"), "expected valid TOML"),
        (
            ('item = "id"', 'item = "id"\nphoto = "x"'),
            r"expected \[columns\] of .* that the study reserves; found photo\.",
        ),
        (("[columns]", '[table]\ndelimiter = "||"\n[columns]'), "one character"),
        (('"{id}.jpg"', '"{id.jpg"'), r"such as images/\{id\}.jpg; found '\{id.jpg', which cannot be read"),
        (("[columns]", "[table]\ndelimiter = '\"'\n[columns]"), "neither a quotation mark"),
        (('name = "mine"', 'name = "mine "'), "lower-case letters"),
        (('name = "mine"', 'name = "mine."'), "lower-case letters"),
        (('name = "mine"', 'name = "Embeddings"'), "lower-case letters"),
        (('name = "mine"', 'name = "photo_metadata"'), "lower-case letters"),
        (('name = "mine"', f'name = "{"m" * 65}"'), "at most 64 letters; found 65"),
        (
            ("[source]", "[table]\ndelimeter = ';'\n[source]"),
            r"keys delimiter, .* \[table\] of .* Did you mean delimiter",
        ),
        (("[source]", "[source]\nsecret = 1"), r"unknown key 'secret'\. Remove it"),
        (("[source]", "[limit]\ndefault = 1.5\n[source]"), r"`default` in \[limit\] .* a whole number; found 1\.5\."),
        (("[source]", "[limit]\ndefault = true\n[source]"), r"a whole number; found True\."),
        (
            ("[source]", '[similarity]\ncolumns = ["gendr"]\n[source]'),
            r"`columns` in \[similarity\] of .* found 'gendr'\. Add it to \[columns\]",
        ),
        (("[source]", '[evaluation]\nheld_out = ["itm"]\n[source]'), r"found 'itm'\. Did you mean item\?"),
        (("[source]", '[similarity]\ncolumns = ["category"]\n[source]'), r"found 'category': category, colour and"),
        (("[source]", '[cleaning]\ndrop_departments = "home"\n[source]'), r"to be a list of texts; found 'home'"),
        (("[source]", "[cleaning]\ndrop_departments = [1.5, []]\n[source]"), r"to be text; found \[\]"),
        (('title = "Mine"', 'title = "Mine"\nlimit = 9'), r"\[limit\] of .* to be a table; found 9"),
        (('item = "id"', "item = []"), r"`item` in \[columns\] .* to be text; found \[\]"),
        (
            ("[source]", "[other]"),
            r"unknown table \[other\]\. Remove it.*(?s:.)*none for table in \[source\], photos in",
        ),
        (('title = "Mine"', 'title = ""'), r"found none for title\."),
        (('title = "Mine"', 'title = " "'), r"`title` in .* to say something; found ' '\. Fill it in"),
        (('title = "Mine"', 'title = "\\u0007"'), r"`title` in .* to say something"),
        (('item = "id"', 'item = ""'), r"`item` in \[columns\] of .* to say something; found ''\. Fill it in"),
        (('item = "id"', 'item = "id"\ncolour = ""'), r"`colour` in \[columns\] of .* to say something"),
        (("[source]", '[table]\nencoding = "nonsense"\n[source]'), r"`encoding` in \[table\] .*; found 'nonsense'"),
        (("[source]", "[limit]\ndefault = -5\n[source]"), r"`default` in \[limit\] .* to be 0 or more; found -5\."),
        (("[source]", "[limit]\ndefault = 2147483648\n[source]"), r"to be less than 2147483648; found 2147483648\."),
        (('title = "Mine"', f"title = {'1' * 5000}"), r"expected valid TOML in .*mine\.toml"),
        (('title = "Mine"', f"title = {'[' * 3000}"), r"expected valid TOML in .*mine\.toml"),
        *(
            (('name = "mine"', f'name = "{name}"'), "own folder")
            for name in ("embeddings", "descriptors", "unpacked", "bench", "runs", "compare")
        ),
        *((('name = "mine"', f'name = "{name}"'), "Windows keeps") for name in ("con", "nul", "aux", "com1", "lpt9")),
        *((('name = "mine"', f'name = "{name}"'), r"found two: .*mine\.toml") for name in ("sample", "imagelab", "hm")),
    ],
)
def test_wrong_toml(tmp_path, change, complaint):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_catalogue(path).name == "mine"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(CatalogueError, match=complaint):
        load_catalogue(path)


def pattern(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("{id}.jpg", text))
    return load_catalogue(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{id:08d}.jpg", r"with the format '08d'.* every value is text.* write \{id:0>8\}"),
        ("{id:08}.jpg", r"write \{id:0>8\}"),  # Python fills text up at its end: 1000 would be 10000000
        ("{id:=8}.jpg", r"write \{id:0>8\}"),
        ("{id:.0f}.jpg", r"'.0f'.* write \{id\}"),
        ("{id:,}.jpg", r"write \{id\}"),
        ("{id:x}.jpg", r"write \{id\}"),
        ("{id:0>9999999999}.jpg", "with the format"),
        ("{id!z}.jpg", r"the conversion !z.* write \{id\}"),
        ("{id!r}.jpg", "the conversion !r"),
        ("{id:{width}}.jpg", r"one column inside another.* \{id:0>8\}"),
        ("{}.jpg", r"whose \{\} names no column"),
        ("{:0>8}.jpg", r"whose \{\} names no column"),
        ("{0}.jpg", r"whose \{0\} names no column"),
        ("{ }.jpg", "names no column"),
        ("one.jpg", "which names no column"),
        ("{{id}}.jpg", "which names no column"),
        ("{id", "cannot be read"),
        ("id}", "cannot be read"),
    ],
)
def test_patterns_of_photos_are_checked_before_anything_is_read(tmp_path, text, said):
    with pytest.raises(CatalogueError, match=f"(?i)such as images.*{said}") as caught:
        pattern(tmp_path, text)
    assert repr(text) in str(caught.value) and "mine.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [("{id:0>8}.jpg", "00001234.jpg"), ("{id:.3}/{id}.jpg", "123/1234.jpg"), ("{id!s}{kind}", "1234a"),
     ("{id:*<06}", "1234**"), ("{{{id:s}}}", "{1234}"), ("{id:>6.2}", "    12"), ("{image.path}", "7.jpg"),
     ("x{{y}}-{Size [cm]}/{id.__class__}}}", "x{y}-5/c}")],
)  # fmt: skip
def test_patterns_that_fill_text(tmp_path, text, name):
    """Columns are named as they are written: a point or a bracket in a name looks into nothing."""
    row = {"id": "1234", "kind": "a", "image.path": "7.jpg", "Size [cm]": "5", "id.__class__": "c"}
    filled = fill(pattern(tmp_path, text).photos, {column: [value, value] for column, value in row.items()})
    assert filled == [name, name]


def test_every_problem_is_told_at_once_a_line_each(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("title =", "titel =").replace('name = "mine"', "name = 3"))
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3 and all(line.startswith("expected ") and "; found " in line for line in lines)


def test_what_was_checked_is_not_checked_again(tmp_path, monkeypatch):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + "5 = 7\n")
    first, asked = load_catalogue(path), []
    assert first.columns == {"item": "id", "category": "kind", "5": "7"}
    monkeypatch.setattr("fashion.catalogue.toml_keys.check_toml", lambda *_: asked.append(1))
    assert load_catalogue(path, {"mine": first.content}.get) == first and not asked
    load_catalogue(path, {"other": first.content}.get)
    assert asked == [1]


def test_texts_of_a_toml_are_without_control_characters(tmp_path):
    path = tmp_path / "mine.TOML"
    head = 'title = "My\\u000bshop\\u0007\\n"\nterms = "a\\u0000b\\nc"\ncitation = "\\u0085d"\nobtain = "\\u009de"'
    text = GOOD.replace('title = "Mine"', head).replace('"kind"', '"ki\\nnd\\u0002"')
    path.write_bytes(text.encode("utf-8-sig"))
    found = load_catalogue(path)
    assert (found.title, found.terms, found.citation, found.obtain) == ("My shop", "ab\nc", " d", "e")
    assert found.columns["category"] == "ki nd"


def test_a_file_that_is_no_toml_is_said_to_be_one(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("id\n")
    with pytest.raises(CatalogueError, match=r"That is a file, but no \.toml"):
        load_catalogue(path)


def test_every_key_is_documented():
    """data/README.md's table of keys is the reader's."""
    said = {}
    for row in table_with(text_of(ROOT / "data/README.md"), "key", "needed", "what"):
        names = codes(row[0])
        table = names.pop(0).strip("[]") if names[0].startswith("[") else ""
        said.setdefault(table, set()).update(names)
    known = {table: set(keys) for table, keys in known_keys().items()}
    assert known.pop("columns") <= said.pop("columns")
    assert said == known, "data/README.md, Your own: keys differ"
    for name in known_catalogues():
        assert f"\n## `{name}`\n" in text_of(ROOT / "data/README.md"), f"data/README.md has no part on {name}"


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(CatalogueError, match=r"imagelab, sample.*'imagelap'"):
        load_catalogue("imagelap")


def test_a_place_at_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "me"))
    (tmp_path / "me/clothes").mkdir(parents=True)
    (tmp_path / "me/clothes/t.csv").write_text("id,kind\n")
    path = tmp_path / "me/mine.toml"
    path.write_text(GOOD.replace('table = "t.csv"', 'table = "t.csv"\ndata = "~/clothes"'))
    found = load_catalogue("~/mine.toml")
    assert found.path == path and found.data == tmp_path / "me/clothes"
    assert open_catalogue(found).path == open_catalogue(found, "~/clothes").path
    assert in_project("~/clothes") == found.data and in_project("data") == ROOT / "data"
    assert kept_place("~/clothes", tmp_path / "me/processed") == "../clothes"


def test_own_data_place_is_relative_to_the_toml(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace('table = "t.csv"', 'table = "t.csv"\ndata = "clothes"'))
    assert load_catalogue(path).data == tmp_path / "clothes"
    with pytest.raises(CatalogueError, match=r"expected the data of Mine at .*clothes"):
        open_catalogue(load_catalogue(path))


def test_a_column_of_colours_may_be_written_as_americans_do(tmp_path):
    def columns(more):
        path = tmp_path / "mine.toml"
        path.write_text(GOOD + more)
        return load_catalogue(path).columns

    assert columns('color = "tint"')["colour"] == "tint" and "color" not in columns('color = "tint"')
    with pytest.raises(CatalogueError, match="found 'colour': category, colour and looks count anyway"):
        columns('color = "tint"\n[similarity]\ncolumns = ["color"]')
    assert columns('colour = "tint"\ncolor = "shade"').items() >= {"colour": "tint", "color": "shade"}.items()
