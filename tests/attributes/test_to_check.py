"""Items to check: planted wrong words and photo faults come first, copies do not vouch for each other, none is lost."""

import numpy as np
import pandas as pd
import pytest

from fashion.attributes import to_check
from fashion.catalogue.checks import FAR
from fashion.core.colour import hex_to_lab

SWATCHES = {"red": "#c81e1e", "navy": "#1b2a52", "white": "#f4f4f4", "black": "#151515"}


@pytest.fixture
def shop(planted):
    """600 items whose vectors know the category, whose photos are sound and of their colour word."""
    items, vectors = planted
    items = items.assign(colour=[list(SWATCHES)[int(word[1])] for word in items["colour"]], department="d")
    items["item"] = items["photo"] = [f"i{row:03d}" for row in range(600)]
    items[["garment_l", "garment_a", "garment_b"]] = hex_to_lab([SWATCHES[word] for word in items["colour"]])
    sound = {"width": 128, "height": 128, "edge_width": 2.4, "darkest": 20.0, "lightest": 95.0, "uneven_border": 0.0}
    return items.assign(**sound), vectors


def doubts_of(items, vectors, groups=None):
    alone = np.arange(len(items)) if groups is None else groups
    return to_check.category_doubts(vectors, items, alone, 0)


def test_planted_categories_come_first_with_the_right_suggestion(shop):
    items, vectors = shop
    wrong = [7, 99, 250, 404, 555]
    given = items.copy()
    given.loc[wrong, "category"] = [f"k{(int(word[1]) + 2) % 5}" for word in items.loc[wrong, "category"]]
    found = doubts_of(given, vectors)
    worst = found.doubts.nlargest(5, "severity")
    assert set(worst["row"]) == set(wrong)
    assert worst.set_index("row")["suggested"].to_dict() == items.loc[wrong, "category"].to_dict()
    assert found.judged == 600 and found.agreed > 0.9 and found.confident >= 3 and not found.too_small
    assert len(doubts_of(items, vectors).doubts) < 0.03 * 600, "hardly any where all is right"


def test_copies_of_a_photo_do_not_vouch_for_each_other(shop):
    items, vectors = shop
    copies = np.flatnonzero(items["category"] == "k0")[:30]
    vectors, items = vectors.copy(), items.copy()
    vectors[copies] = vectors[copies[0]]
    items.loc[copies, "category"] = "k1"  # one picture, wrongly named thirty times
    groups = np.arange(600)
    groups[copies] = copies[0]
    assert set(copies) <= set(doubts_of(items, vectors, groups).doubts["row"])
    assert not set(copies) & set(doubts_of(items, vectors).doubts["row"]), "apart, they would have"


def test_small_categories_are_named_and_not_judged(shop):
    items, vectors = shop
    items = items.copy()
    items.loc[:3, "category"], items.loc[10:19, "category"] = "four", "ten copies"
    groups = np.arange(600)
    groups[10:20] = 10  # one picture
    found = doubts_of(items, vectors, groups)
    assert found.too_small == {"ten copies": 10, "four": 4} and found.judged == 586
    assert not set(found.doubts["suggested"]) & {"four", "ten copies"}


@pytest.mark.parametrize("words", [["one"] * 600, [f"k{row}" for row in range(600)]])
def test_a_catalogue_without_two_categories_to_judge(shop, words):
    items, vectors = shop
    found = doubts_of(items.assign(category=words), vectors)
    assert found.judged == 0 and found.agreed is None and found.doubts.empty
    table = to_check.items_to_check(items, found.doubts, to_check.colour_doubts(items, SWATCHES))
    assert table.empty
    assert to_check.summary_of(table, found)["kinds"] == {} and to_check.summary_of(table, found)["pairs"] == []


def test_colours_far_from_their_word(shop):
    items, _ = shop
    items = items.copy()
    row = int(np.flatnonzero(items["colour"] == "white")[0])
    items.loc[row, ["garment_l", "garment_a", "garment_b"]] = hex_to_lab(["#000000"])[0]
    far = int(np.flatnonzero(items["colour"] == "red")[0])
    items.loc[far, ["garment_l", "garment_a", "garment_b"]] = [55.0, 100.0, -90.0]  # far from every word
    found = to_check.colour_doubts(items, SWATCHES).set_index("row")
    assert set(found.index) == {row, far} and found.loc[row, "suggested"] == "black"
    assert found.loc[row, "severity"] == pytest.approx((95.7 - FAR) / 80, abs=0.03)
    assert to_check.colour_doubts(items, {"tartan": "#123456"}).empty
    many = items.assign(colour=items["colour"].where(items.index != far, "multi"))
    found = to_check.colour_doubts(many, SWATCHES | {"multi": "#777777"}).set_index("row")
    assert set(found.index) == {row}, "of a word of many colours nothing is far, and none is suggested"
    assert to_check.colour_doubts(items.assign(colour=None), SWATCHES).empty


def doubt(row, kind, severity, suggested=""):
    return pd.DataFrame([[row, kind, severity, suggested, "why"]], columns=to_check.DOUBT)


def test_doubts_of_an_item_are_joined_and_the_worst_comes_first(shop):
    items, _ = shop
    items = items.copy()
    items.loc[9, "lightest"] = 30.0
    table = to_check.items_to_check(
        items, doubt(4, "category", 0.5, "k3"), doubt(4, "colour", 0.6, "navy"), doubt(2, "category", 0.7, "=cmd"),
        doubt(5, "colour", 0.5, "red"),
    )  # fmt: skip
    assert table["item"].tolist() == ["i004", "i002", "i005", "i009"] and table["score"].is_monotonic_decreasing
    first = table.iloc[0]
    assert first["score"] == pytest.approx(1 - 0.5 * 0.4) and first["doubts"] == "colour; category"
    assert (first["suggested_category"], first["suggested_colour"]) == ("k3", "navy")
    assert first["evidence"] == "colour: why; category: why" and first["category"] == items["category"][4]
    dark = table.set_index("item").loc["i009"]
    assert dark["doubts"] == "dark" and dark["score"] == pytest.approx((70 - 40) / 60)
    assert dark["evidence"] == "dark: nothing lighter than 30 of 100, usual 95" and dark["suggested_colour"] == ""
    found = to_check.CategoryDoubts(pd.DataFrame(columns=to_check.DOUBT), 600, 0.9, {}, 1)
    assert to_check.summary_of(table, found) == {
        "items": 4, "kinds": {"category": 2, "colour": 2, "dark": 1}, "judged": 600, "agreed": 0.9, "confident": 1,
        "too_small": {}, "pairs": [
            {"labelled": "k1", "suggested": "k3", "items": 1}, {"labelled": "k2", "suggested": "=cmd", "items": 1},
        ],
    }  # fmt: skip
