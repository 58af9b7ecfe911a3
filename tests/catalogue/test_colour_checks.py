"""Colour words against photos: agreeing, swapped, doubtful, unknown."""

from conftest import WORDS

from fashion.catalogue.checks import check_label_plausibility, words_against_photos
from fashion.core.colour import hex_to_lab


def test_colour_words_hold_and_fail(items):
    check, table = check_label_plausibility(items, WORDS)
    assert check.passed
    assert check.value == 1
    assert (table["rank"] == 1).all()
    assert (table["nearest_word"] == table["colour"]).all()
    items["colour"] = items["colour"].map({"red": "navy", "navy": "white", "white": "black", "black": "red"})
    check, table = check_label_plausibility(items, WORDS)
    assert not check.passed
    assert check.value == 0
    assert (table["rank"] > 1).all()


def test_the_most_doubtful_label_comes_first_and_unknown_words_are_left_out(items):
    items.loc[17, "colour"] = "white"
    items.loc[17, ["garment_l", "garment_a", "garment_b"]] = hex_to_lab(WORDS["black"])
    items.loc[20:29, "colour"] = "tartan"
    check, table = check_label_plausibility(items, WORDS)
    assert check.passed
    assert len(table) == 190
    assert table.iloc[0]["item"] == "i017"
    assert table.iloc[0]["nearest_word"] == "black"
    assert table.iloc[0]["rank"] == 4
    nothing, empty = check_label_plausibility(items, {"tartan plaid": "#123456"})
    assert not nothing.passed
    assert len(empty) == 0


def test_words_against_photos_is_each_words_median(items):
    table = words_against_photos(items, WORDS).set_index("colour")
    assert table["items"].to_dict() == items["colour"].value_counts().to_dict()
    assert table["photo_hex"].to_dict() == WORDS
    assert table["median_distance"].max() < 0.01
    assert len(words_against_photos(items, {})) == 0
