"""Each row is kept or counted under one reason: nothing goes silently."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion.catalogue import cleaning
from fashion.catalogue.definition import Catalogue
from fashion.catalogue.translation import colour_hexes
from fashion.core.colour import hex_to_lab
from fashion.core.errors import CatalogueError, PhotoError, TranslationError


def rows(*records):
    frame = pd.DataFrame(records, columns=["item", "colour", "category", "department"])
    frame.insert(0, "row", range(1, len(frame) + 1))
    frame.insert(1, "photo", frame["item"] + ".jpg")
    return frame


NONE = pd.DataFrame(columns=["row", "item", "photo", "reason"])


def test_reasons_in_order():
    table = rows(
        ("a", "red", "shoe", "footwear"),
        ("b", "", "shoe", "footwear"),
        ("a", "red", "shoe", "footwear"),
        ("a", "blue", "shoe", "footwear"),
        ("c", "red", "lamp", "lighting"),
        ("d", "red", "", ""),
    )
    step = cleaning.start(table, NONE)
    step = cleaning.drop_null_rows(step, ["item", "colour", "category", "department"])
    step = cleaning.drop_duplicate_rows(step)
    step = cleaning.drop_departments(step, ["lighting"])
    assert step.rows["item"].tolist() == ["a"]
    found = step.rejected.set_index("row")[["reason", "detail"]].to_dict("index")
    assert found[2] == {"reason": "null row", "detail": "empty: colour"}
    assert found[6] == {"reason": "null row", "detail": "empty: category, department"}
    assert found[3] == {"reason": "duplicate row", "detail": "same as row 1"}
    assert found[4] == {"reason": "duplicate item", "detail": "same item as row 1"}
    assert found[5] == {"reason": "not a garment", "detail": "lighting"}


def found(sha256, problems=None, kinds=None):
    """Metadata of photos."""
    none = [""] * len(sha256)
    return pd.DataFrame({"problem": problems or none, "problem_kind": kinds or none, "sha256": sha256}, dtype=object)


def test_photos():
    table = rows(*[(name, "red", "shoe", "footwear") for name in "abcdef"])
    problems = ["", "missing: there is no 'b'", "missing half of c", "", "", "dead address: http://f: 404"]
    kinds = ["", PhotoError.MISSING, PhotoError.TRUNCATED, "", "", PhotoError.DEAD]
    step = cleaning.drop_photos(cleaning.start(table, NONE), found(["1", "", "2", "1", "3", ""], problems, kinds))
    assert step.rejected["detail"].tolist() == [problems[1], problems[5], problems[2], "same photo as a"]
    assert step.rows["item"].tolist() == ["a", "e"]
    assert step.rejected[["item", "reason"]].values.tolist() == [
        ["b", "missing photo"],
        ["f", "dead address"],
        ["c", "unreadable photo"],
        ["d", "identical photo"],
    ]
    assert step.rejected["detail"].iloc[-1] == "same photo as a"


def test_malformed_rows_are_counted():
    malformed = pd.DataFrame([{"row": 7, "item": "", "photo": "", "reason": "9 fields where the header has 8"}])
    step = cleaning.start(rows(("a", "red", "shoe", "footwear")), malformed)
    line = step.summary().set_index("reason").loc["malformed row"]
    assert line["rows"] == 1 and step.rejected["detail"].tolist() == ["9 fields where the header has 8"]


def test_unknown_reason_is_refused():
    step = cleaning.start(rows(("a", "red", "shoe", "footwear")), NONE)
    with pytest.raises(ValueError, match="expected a reason"):
        step.drop(pd.Series([True]), "because")


def test_summary_names_every_reason_even_at_zero():
    summary = cleaning.start(rows(("a", "red", "shoe", "footwear")), NONE).summary()
    assert summary["reason"].tolist() == list(cleaning.REASONS) and summary["rows"].sum() == 0


words = st.sampled_from(["", "x", "y", "lighting"])


@given(st.lists(st.tuples(st.sampled_from("abcd"), words, words, words), max_size=25))
def test_every_row_is_kept_or_rejected_once(records):
    table = rows(*records)
    step = cleaning.start(table, NONE)
    step = cleaning.drop_null_rows(step, ["item", "colour", "category", "department"])
    step = cleaning.drop_departments(cleaning.drop_duplicate_rows(step), ["lighting"])
    step = cleaning.drop_photos(step, found(step.rows["colour"].tolist()))
    assert sorted([*step.rows["row"], *step.rejected["row"]]) == table["row"].tolist()
    assert step.rows["item"].is_unique and not (step.rows == "").any().any()
    assert step.summary()["rows"].sum() == len(step.rejected)


def test_too_little_left_says_why():
    step = cleaning.start(rows(("a", "red", "shoe", "footwear"), ("b", "red", "shoe", "footwear")), NONE)
    missing = "missing: there is no 'a.jpg' in shop"
    step = cleaning.drop_photos(step, found(["", "1"], [missing, ""], [PhotoError.MISSING, ""]))
    cleaning.require_items(step, "shop", least=1)
    with pytest.raises(
        CatalogueError, match=r"(?s)at least 2 items.*found 1.*1 × missing photo.*a\.jpg.*correct `photos`"
    ):
        cleaning.require_items(step, "shop", least=2)


def catalogue_of(language, **more):
    return Catalogue("tiny", "Tiny", "t.csv", "photos/{item}", {"item": "file"}, Path("tiny.toml"), language, **more)


ITALIAN = rows(
    ("a", "ROSSO", "VESTITO", "VESTITI"),
    ("b", "BLU", "VESTITO", "VESTITI"),
    ("b", "BLU", "VESTITO", "VESTITI"),
    ("c", "", "VESTITO", "VESTITI"),
    ("lamp", "BLU", "Lampade da tavolo", "ILLUMINAZIONE"),
    ("d", "NERO", "VESTITO", "VESTITI"),
)
MALFORMED = pd.DataFrame({"row": [9], "item": [""], "photo": [""], "reason": ["5 fields where the header has 4"]})


def reasons(step):
    return step.rejected.set_index("row")["reason"].to_dict()


def test_a_table_is_cleaned_translated_and_counted():
    step, counts = cleaning.clean_table(catalogue_of("it"), ITALIAN, MALFORMED)
    assert step.rows["item"].tolist() == ["a", "b", "d"]
    assert step.rows[["colour", "colour_source"]].iloc[0].tolist() == ["red", "ROSSO"]
    why = {9: "malformed row", 4: "null row", 3: "duplicate row", 5: "not a garment"}
    assert reasons(step) == why
    assert counts == cleaning.Counts(read=7, considered=7, fit=3, not_taken=0)
    said = cleaning.join_photos(step, metadata_of(step.rows["photo"], ["#ff0000"] * 3)).as_dict() | counts.as_dict()
    assert said["rows_read"] == said["items"] + sum(said["dropped"].values()) + said["not_taken"] + said["rows_joined"]
    assert said["dropped"]["not a garment"] == sum(said["dropped_departments"].values()) == 1
    every, _ = cleaning.clean_table(catalogue_of("it"), ITALIAN, MALFORMED, garments_only=False)
    assert every.rows["item"].tolist() == ["a", "b", "lamp", "d"]
    first, counts = cleaning.clean_table(catalogue_of("it"), ITALIAN, MALFORMED, first=2, limit=1)
    assert first.rows["item"].tolist() == ["a", "b"] and counts == cleaning.Counts(7, 2, 2, 5)
    some, counts = cleaning.clean_table(catalogue_of("it"), ITALIAN, MALFORMED, limit=2)
    assert len(some.rows) == 2 and counts == cleaning.Counts(7, 7, 3, 1)
    table = cleaning.studied_summary(some, counts).set_index("reason")["rows"]
    assert table["(not taken)"] == 1 and table.sum() + len(some.rows) == 7


def test_an_addition_keeps_rows_without_a_colour_and_drops_items_that_are_there():
    step, _ = cleaning.clean_table(
        catalogue_of("it"), ITALIAN, NONE, known_items=frozenset({"a", "lamp"}), colour_optional=True
    )
    assert step.rows[["item", "colour"]].to_numpy().tolist() == [["b", "blue"], ["c", ""], ["d", "black"]]
    assert reasons(step) == {1: "item already there", 3: "duplicate row", 5: "item already there"}
    bare = rows(("x", "", "POLO", "")).drop(columns=["colour", "department"])
    step, _ = cleaning.clean_table(catalogue_of("en"), bare, NONE, colour_optional=True)
    assert step.rows[["colour", "colour_source", "department"]].to_numpy().tolist() == [["", "", "clothes"]]
    with pytest.raises(TranslationError):
        cleaning.clean_table(catalogue_of("it"), rows(("x", "MAUVEINE", "VESTITO", "VESTITI")), NONE)


def metadata_of(photos, shades):
    """Metadata of photos of one colour each, with bytes in place of pictures."""
    lab = hex_to_lab(shades)
    numbers = {"width": 4.0, "height": 6.0, "bytes": 90.0, "phash": "0" * 16}
    numbers |= {"edge_width": 2.0, "darkest": 9.0, "lightest": 99.0, "uneven_border": 0.0}
    found = pd.DataFrame(
        {"photo": photos, "problem": "", "problem_kind": "", "sha256": [f"{n:064x}" for n in range(len(photos))]}
    )
    found = found.assign(**numbers, garment_l=lab[:, 0], garment_a=lab[:, 1], garment_b=lab[:, 2])
    return found.assign(thumbnail=[bytes([n] * 768) for n in range(len(photos))], tile=b"jpeg")


def test_photos_are_joined_and_bad_or_repeated_ones_drop_their_items():
    table = rows(*((name, "red", "polo", "tops") for name in "abcde"))
    metadata = metadata_of(table["photo"], ["#ff0000"] * 5)
    metadata.loc[1, ["problem", "problem_kind", "sha256"]] = ["missing: gone", PhotoError.MISSING, ""]
    metadata.loc[3, "sha256"] = metadata.loc[2, "sha256"]
    known = pd.DataFrame({"item": ["old"], "sha256": [metadata.loc[4, "sha256"]]})
    step = cleaning.start(table, NONE)
    joined = cleaning.join_photos(step, metadata, known=known)
    assert joined.items["item"].tolist() == joined.cleaning.rows["item"].tolist() == ["a", "c"]
    assert reasons(joined.cleaning) == {2: "missing photo", 4: "identical photo", 5: "photo already there"}
    assert joined.thumbnails[:, 0].tolist() == [0, 2] and joined.thumbnails.shape == (2, 768)
    assert joined.items["garment_hex"].tolist() == ["#ff0000"] * 2 and joined.items["width"].tolist() == [4, 4]
    assert not joined.colour_was_measured.any() and list(joined.tiles) == [b"jpeg"] * 2
    said = joined.as_dict()
    assert said["items"] == said["photos"] == 2 and said["photos_left_out"] == 0 and said["colours"] == {"red": 2}
    assert {reason: n for reason, n in said["dropped"].items() if n} == {"missing photo": 1, "identical photo": 1}
    gone = cleaning.join_photos(step, metadata.assign(problem="missing: gone"), known=known)
    assert len(gone.items) == len(gone.thumbnails) == 0 and len(gone.cleaning.rejected) == 5


def test_a_colour_that_the_table_lacks_is_measured():
    table = rows(("a", "", "polo", "tops"), ("b", "red", "polo", "tops"))
    metadata = metadata_of(table["photo"], [colour_hexes()["blue"]] * 2)
    joined = cleaning.join_photos(cleaning.start(table, NONE), metadata)
    assert joined.items["colour"].tolist() == ["blue", "red"] and joined.colour_was_measured.tolist() == [True, False]
    few = cleaning.join_photos(cleaning.start(table, NONE), metadata, colour_words={"green": "#00ff00"})
    assert few.items["colour"].tolist() == ["green", "red"]
    none = cleaning.join_photos(cleaning.start(table.drop(columns="colour"), NONE), metadata)
    assert none.items["colour"].tolist() == ["blue", "blue"] and none.colour_was_measured.all()
    assert [made.as_dict()["colour_was_measured"] for made in (joined, none)] == [False, True]
