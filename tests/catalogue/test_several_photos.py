"""Several photos an item: rows that repeat it, lists in a cell, further columns."""

import pandas as pd
import pytest
from conftest import draw, jpeg
from plain import photo_metadata
from shop_files import write_table

from fashion.catalogue import cleaning
from fashion.catalogue.definition import load_catalogue, open_catalogue
from fashion.catalogue.photo_pattern import listed
from fashion.catalogue.table import read_table
from fashion.core.errors import CatalogueError


@pytest.mark.parametrize(
    ("cell", "photos"),
    [
        ("", []),
        ("a.jpg", ["a.jpg"]),
        ("a,b", ["a,b"]),
        ("a.jpg,b.PNG ; c.webp|d.jpeg e.avif", ["a.jpg", "b.PNG", "c.webp", "d.jpeg", "e.avif"]),
        ("red, blue.jpg", ["red, blue.jpg"]),
        ("http://s/a,1.jpg?w=1,2,http://s/b https://s/c;//s/d",
         ["http://s/a,1.jpg?w=1,2", "http://s/b", "https://s/c", "//s/d"]),
        ("http://s/a b.jpg", ["http://s/a b.jpg"]),
        ("http://s/a.jpg, ", ["http://s/a.jpg"]),
        ('["a.jpg", "", null, {"src": "b.jpg"}, {"url": "c.jpg"}, 3]', ["a.jpg", "b.jpg", "c.jpg"]),
        ("['a.jpg', 'b.jpg']", ["a.jpg", "b.jpg"]),
        ("[]", []),
        ("[broken", ["[broken"]),
    ],
)  # fmt: skip
def test_lists_in_a_cell(cell, photos):
    assert listed(cell) == photos


TOML = """
name = "several"
title = "Several"
[source]
data = "clothes"
table = "items.csv"
photos = {photos}
[columns]
item = "id"
colour = "colour"
category = "kind"
"""


def shop(tmp_path, photos, *lines, files=()):
    """A catalogue, its table's rows and malformed ones."""
    (tmp_path / "clothes").mkdir(exist_ok=True)
    (tmp_path / "clothes/items.csv").write_text("\n".join(lines), encoding="utf-8")
    for name in files:
        (tmp_path / "clothes" / name).write_bytes(b"photo")
    (tmp_path / "mine.toml").write_text(TOML.format(photos=photos), encoding="utf-8")
    catalogue = load_catalogue(tmp_path / "mine.toml")
    return catalogue, *read_table(catalogue, open_catalogue(catalogue))


def test_further_columns_and_patterns(tmp_path):
    patterns = '["{photo}", "{back}", "{more}", "{id}_2.jpg"]'
    catalogue, rows, _ = shop(
        tmp_path, patterns, "id,colour,kind,photo,back,more", "1,red,top,1.jpg,http://s/b,x.jpg|1.jpg",
        "2,red,top,2.jpg,,", "3,red,top,3.jpg,none.jpg,", files=["1.jpg", "1_2.jpg", "x.jpg"],
    )  # fmt: skip
    assert catalogue.photos == "{photo}" and len(catalogue.more_photos) == 3
    assert rows["photo"].tolist() == ["1.jpg", "2.jpg", "3.jpg"]
    assert rows["more_photos"].tolist() == [("http://s/b", "x.jpg", "1_2.jpg"), (), ("none.jpg",)]
    assert cleaning.all_photos(rows) == ["1.jpg", "http://s/b", "x.jpg", "1_2.jpg", "2.jpg", "3.jpg", "none.jpg"]


def test_a_list_in_the_shown_column_and_a_file_whose_name_looks_like_one(tmp_path):
    lines = ["id,colour,kind,photo", '1,red,top,"a.jpg, b.jpg"', '2,red,top,"c.jpg, d.jpg"', "3,red,top,e.jpg"]
    _, rows, _ = shop(tmp_path, '"{photo}"', *lines, files=["c.jpg, d.jpg"])
    assert rows["photo"].tolist() == ["a.jpg", "c.jpg, d.jpg", "e.jpg"]
    assert rows["more_photos"].tolist() == [("b.jpg",), (), ()]
    _, rows, _ = shop(tmp_path, '"{photo}"', lines[0], lines[3])
    assert "more_photos" not in rows, "a catalogue of one photo an item is as before"


def test_rows_that_repeat_an_item_are_joined_and_counted(tmp_path):
    lines = [
        "shirt,red,top,http://s/1", "shirt,,,http://s/2", "shirt,red,top,http://s/3",  # as Shopify writes them
        "shirt,,,", "shirt,red,top,http://s/1",  # nothing new: an empty row, a repeated one
        "shirt,blue,top,http://s/4",  # another colour is another item of that name
        "dress,,,http://s/5", "dress,red,dress,http://s/6",  # the words come second
        ",red,top,http://s/7", ",red,top,http://s/8",
    ]  # fmt: skip
    catalogue, rows, malformed = shop(tmp_path, '"{photo}"', "id,colour,kind,photo", *lines)
    step, counts = cleaning.clean_table(catalogue, rows, malformed)
    assert counts.joined == 3 and counts.read == len(step.rows) + len(step.rejected) + counts.joined == 10
    found = step.rows.set_index("item")
    assert found["photo"].to_dict() == {"shirt": "http://s/1", "dress": "http://s/5"}
    assert found["more_photos"].to_dict() == {"shirt": ("http://s/2", "http://s/3"), "dress": ("http://s/6",)}
    assert step.rejected["reason"].value_counts().to_dict() == {"null row": 3, "duplicate item": 2}
    summary = cleaning.studied_summary(step, counts)
    assert summary["rows"].iloc[-1] == 3 and summary["reason"].iloc[-1] == "(joined)"


def metadata_of(photos):
    """Metadata of photos: name -> its content, or its problem after an exclamation mark."""
    blank = {"thumbnail": bytes(768), "tile": b"", "width": 9, "height": 9, "bytes": 9, "phash": "0" * 16}
    return pd.DataFrame(
        [
            {"photo": name, "problem": text[1:] if text[:1] == "!" else "", "sha256": text.lstrip("!")} | blank
            | {"problem_kind": text[1:].partition(":")[0] if text[:1] == "!" else ""}
            | {"garment_l": 50.0, "garment_a": 0.0, "garment_b": 0.0}
            for name, text in photos.items()
        ]
    )  # fmt: skip


def table_of(**photos):
    names = list(photos)
    return pd.DataFrame(
        {"row": range(1, len(names) + 1), "photo": [p[0] for p in photos.values()],
         "more_photos": [tuple(p[1:]) for p in photos.values()], "item": names, "colour": "red", "category": "top",
         "department": "clothes"}
    )  # fmt: skip


def test_the_first_good_photo_is_shown_and_bad_ones_are_listed():
    rows = table_of(a=["1", "2", "3", "4"], b=["5", "6"], c=["7", "8"], d=["1b"])
    metadata = metadata_of(
        {"1": "!dead address: 1: 404", "2": "two", "3": "three", "4": "three", "5": "five", "6": "!truncated",
         "7": "!missing: 7", "8": "!missing: 8", "1b": "five"}
    )  # fmt: skip
    joined = cleaning.join_photos(cleaning.Cleaning(rows), metadata)
    assert joined.items[["item", "photo", "sha256"]].to_numpy().tolist() == [["a", "2", "two"], ["b", "5", "five"]]
    assert "more_photos" not in joined.items
    photos = joined.photos.to_numpy().tolist()
    assert photos == [[0, "2", "two"], [0, "3", "three"], [1, "5", "five"]], "the same content counts once"
    assert joined.cleaning.rejected[["item", "reason"]].to_numpy().tolist() == [
        ["c", "missing photo"], ["d", "identical photo"],
    ]  # fmt: skip
    assert joined.left_out[["item", "photo", "reason"]].to_numpy().tolist() == [
        ["a", "1", "dead address"], ["b", "6", "unreadable photo"],
    ]  # fmt: skip
    assert "stays, with its other photos" in joined.left_out["detail"][0]
    assert joined.rejected["item"].tolist() == ["c", "d", "a", "b"]


def test_a_photo_of_many_items_shows_none_of_them():
    many = cleaning.CROWD + 1
    rows = table_of(**{f"i{n}": [f"own{n}", "sizes", "pair" if n < 2 else f"back{n}"] for n in range(many)})
    metadata = metadata_of({name: name for name in cleaning.all_photos(rows)})
    photos = cleaning.join_photos(cleaning.Cleaning(rows), metadata).photos
    assert len(photos) == 2 * many and "sizes" not in set(photos["photo"]) and sum(photos["photo"] == "pair") == 2


def test_wrong_patterns_are_named(tmp_path):
    for photos, complaint in (
        ("[]", r"`photos` in \[source\] .* or a list of them .*; found an empty list"),
        ('["{photo}", "{back"]', r"found '\{back', which cannot be read"),
        ("3", r"`photos` in \[source\] .* to be text; found 3"),
        ('["{photo}", 3]', r"to be text; found 3"),
    ):
        with pytest.raises(CatalogueError, match=complaint):
            shop(tmp_path, photos, "id,colour,kind,photo,back", "1,red,top,1.jpg,2.jpg")


def test_data_counts_joined_rows(tmp_path, capsys):
    from fashion.cli.main import main

    lines = ["a,red,top,1.jpg", "a,,,2.jpg", "b,red,bag,3.jpg"]
    shop(tmp_path, '"{photo}"', "id,colour,kind,photo", *lines)
    for number in (1, 2, 3):
        (tmp_path / f"clothes/{number}.jpg").write_bytes(jpeg(draw("VESTITO", (200, 30, 30), number)))
    assert main(["data", "-c", str(tmp_path / "mine.toml")]) == 0
    assert "2 to study; 1 joined, as they add photos to an item" in capsys.readouterr().out


def test_photos_in_several_columns_of_bytes(tmp_path):
    """Each is read from its own column; an empty cell of a further one is no photo."""
    photos = [jpeg(draw("VESTITO", (200, 30, 30), number)) for number in range(6)]
    items = [
        {"id": f"i{n}", "colour": "red", "kind": "dress", "image": {"bytes": photos[n]},
         "image_2": {"bytes": photos[3 + n] if n else None}}
        for n in range(3)
    ]  # fmt: skip
    write_table(tmp_path / "clothes/items.parquet", items)
    toml = TOML.replace("items.csv", "items.parquet").format(photos='["{image.bytes}", "{image_2.bytes}"]')
    (tmp_path / "mine.toml").write_text(toml, encoding="utf-8")
    catalogue = load_catalogue(tmp_path / "mine.toml")
    source = open_catalogue(catalogue)
    rows, _ = read_table(catalogue, source)
    assert [source.read(rows["photo"][n]) for n in range(3)] == photos[:3]
    assert [source.read(rows["more_photos"][n][0]) for n in (1, 2)] == photos[4:]
    metadata = photo_metadata(source, cleaning.all_photos(rows))
    joined = cleaning.join_photos(cleaning.Cleaning(rows.assign(department="clothes")), metadata)
    assert joined.photos["row"].tolist() == [0, 1, 1, 2, 2] and joined.rejected.empty
