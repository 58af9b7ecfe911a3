"""Swatches: a word's own garments, or a list of names; robust against wrong labels, patterns and few garments."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from fashion.catalogue import swatches
from fashion.catalogue.checks import FAR, SPREAD, check_label_plausibility, doubtful_distance
from fashion.catalogue.swatches import (
    LEAST_GARMENTS,
    catalogue_swatches,
    english_colours,
    listed_colours,
    of_one_colour,
)
from fashion.catalogue.translation import colour_hexes, glossary_folder
from fashion.core.colour import delta_e, hex_to_lab, lab_to_hex


def shop(seed=0, **words):
    """Items of each word: its garments' colour, how many there are, and their spread in CIELAB."""
    random = np.random.default_rng(seed)
    parts = []
    for word, (colour, count, spread) in words.items():
        lab = random.normal(hex_to_lab(colour), spread, (count, 3))
        parts.append(pd.DataFrame(lab, columns=list(swatches.GARMENT)).assign(colour=word.replace("_", " ")))
    items = pd.concat(parts).sample(frac=1, random_state=seed).reset_index(drop=True)
    names = [f"i{n}" for n in range(len(items))]
    return items.assign(item=names, photo=names, category="x", department="y")


def apart(one, other):
    return float(delta_e(hex_to_lab(one), hex_to_lab(other)))


def test_a_swatch_is_what_the_catalogues_own_garments_show():
    items = shop(blue=("#1f3a93", 40, 3), red=("#c03028", 40, 3))
    found = catalogue_swatches(items, {"blue": "#566173", "red": "#0000ff"})
    assert list(found) == ["blue", "red"]
    for word, colour in (("blue", "#1f3a93"), ("red", "#c03028")):
        assert apart(found[word], colour) < 2
        lab = items.loc[items["colour"] == word, list(swatches.GARMENT)].median()
        assert apart(found[word], lab_to_hex(lab.to_numpy())) < 1, "nothing pulls, so it is the plain median"


def test_fewer_garments_than_needed_take_the_listed_colour_and_none_without_a_list():
    items = shop(blue=("#1f3a93", LEAST_GARMENTS - 1, 1), red=("#c03028", LEAST_GARMENTS, 1), odd=("#777777", 3, 1))
    found = catalogue_swatches(items, {"blue": "#123456", "red": "#123456"})
    assert found["blue"] == "#123456" and apart(found["red"], "#c03028") < 2 and "odd" not in found
    assert catalogue_swatches(items.head(0), {"blue": "#123456"}) == {}
    assert catalogue_swatches(items[items["colour"] == "odd"].head(1), {"odd": "#010203"}) == {"odd": "#010203"}


def test_patterned_garments_and_wrong_labels_do_not_pull_a_word_to_grey():
    """Two in five garments of each word are measured as the grey that all patterns and persons are measured as."""
    clean = shop(green=("#2f8a4a", 100, 4), black=("#1a1a1a", 100, 4), red=("#b03030", 100, 4))
    mixed = shop(1, green=("#8d8a86", 70, 4), black=("#8d8a86", 70, 4), red=("#8d8a86", 70, 4))
    items = pd.concat([clean, mixed], ignore_index=True)
    found = catalogue_swatches(items, {})
    for word, colour in (("green", "#2f8a4a"), ("black", "#1a1a1a"), ("red", "#b03030")):
        plain = lab_to_hex(items.loc[items["colour"] == word, list(swatches.GARMENT)].median().to_numpy())
        assert apart(found[word], colour) < 0.5 * apart(plain, colour)


def test_the_order_of_the_rows_and_of_a_large_catalogue_matters_little(monkeypatch):
    items = shop(blue=("#1f3a93", 120, 4), red=("#c03028", 30, 4))
    whole = catalogue_swatches(items, {})
    assert catalogue_swatches(items, {}) == whole
    monkeypatch.setattr(swatches, "MOST_GARMENTS", 40)
    drawn = catalogue_swatches(items, {})
    assert all(apart(drawn[word], whole[word]) < 3 for word in whole)


def test_shops_english_names_are_known():
    """Two shops' published words of colour; what names no colour is left out."""
    one_word = """blue silver black grey green purple white beige brown bronze teal copper pink maroon red khaki orange
        yellow charcoal gold steel tan multi magenta lavender cream peach olive skin burgundy rust rose mauve metallic
        mustard taupe nude""".split()  # noqa: SIM905
    two = ["Navy Blue", "Off White", "Coffee Brown", "Sea Green", "Grey Melange", "Lime Green", "Turquoise Blue"]
    myntra = [*one_word, *two, "Mushroom Brown", "Fluorescent Green"]
    hm = ["Bronze/Copper", "Greenish Khaki", "Greyish Beige", "Light Turquoise", "Other Pink", "Transparent"]
    found = listed_colours([*myntra, *hm, "NA", "Unknown", "赤", ""])
    assert set(found) == {*myntra, *hm}
    assert found["Other Pink"] == found["pink"] and found["Bronze/Copper"] == found["copper"]
    hue = {"navy blue": "#1b2a52", "charcoal": "#36393d", "off white": "#f6f3ea", "camel": "#c19a6b", "teal": "#0b7a75"}
    for word, colour in hue.items():
        assert apart(listed_colours([word])[word], colour) < 15, word
    assert listed_colours(["dark gray", "multi-colored"]).keys() == {"dark gray", "multi-colored"}


def test_which_list_comes_first():
    ours = colour_hexes()
    assert listed_colours(["blue", "petrol"], "it") == {"blue": ours["blue"], "petrol": ours["petrol"]}
    assert listed_colours(["blue"], "it", {"blue": "#010203"}) == {"blue": "#010203"}
    english = listed_colours(["blue", "lead grey"], "en")
    assert english["blue"] == english_colours()["blue"] != ours["blue"] and english["lead grey"] == ours["lead grey"]
    assert listed_colours(["charcoal"], "it")["charcoal"] == english_colours()["charcoal"], "which ours lacks"


def test_our_list_of_shop_words_holds_only_what_the_survey_lacks():
    from matplotlib.colors import XKCD_COLORS

    table = pd.read_csv(glossary_folder() / "shop-colours.csv", dtype=str, keep_default_na=False)
    assert list(table["english"]) == sorted(set(table["english"]))
    assert table["srgb"].str.fullmatch("#[0-9a-f]{6}").all() and set(table["many"]) == {"", "yes"}
    assert not set(table["english"]) & {name.removeprefix("xkcd:") for name in XKCD_COLORS}
    assert not set(table["english"]) & set(colour_hexes())


def test_words_of_many_colours_name_none():
    told = dict.fromkeys(["multi", "Multi-coloured", "floral print", "blue", "multicolor", "leopard"], "#123456")
    assert list(of_one_colour(told)) == ["blue"]


def test_a_query_needs_no_matplotlib():
    code = (
        "import sys, fashion.catalogue.swatches as s; s.of_one_colour({'red': '#ff0000'}); s.swatches_of({}); "
        "print([m for m in ('matplotlib', 'scipy.spatial', 'skimage') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


# -- doubtful labels ----------------------------------------------------------------------------------------------


def doubtful(items, listed=None):
    found = of_one_colour(catalogue_swatches(items, listed or listed_colours(items["colour"].unique())))
    _, table = check_label_plausibility(items, found)
    return set(table.loc[table["distance"] > table["limit"], "item"]), table


def test_a_shade_of_the_shops_own_is_not_doubtful_and_a_wrong_word_is():
    items = shop(green=("#3c7c4b", 60, 3), navy_blue=("#2b3350", 60, 3), multi=("#8a8580", 30, 25))
    swapped = items.index[(items["colour"] == "green")][:3]
    items.loc[swapped, "colour"] = "navy blue"
    wrong, table = doubtful(items)
    assert wrong == set(items.loc[swapped, "item"])
    assert "multi" not in set(table["colour"]) and set(table["item"].head(3)) == wrong
    far = table["distance"].to_numpy() / table["limit"].to_numpy()
    assert (np.diff(far) <= 1e-9).all(), "the furthest beyond its limit first"
    green = items.loc[items["colour"] == "green", list(swatches.GARMENT)].to_numpy()
    by_list = delta_e(green, hex_to_lab(listed_colours(["green"])["green"]))
    assert (by_list > FAR).sum() > 20, "by a list many a right one would be"


def test_a_word_that_spreads_has_a_limit_of_its_own():
    items = shop(blue=("#5070a0", 200, 14), red=("#c03028", 60, 2))
    _, table = doubtful(items)
    limits = table.groupby("colour")["limit"].first()
    middle = table.loc[table["colour"] == "blue", "distance"].median()
    assert limits["red"] == FAR and limits["blue"] == pytest.approx(max(FAR, SPREAD * middle))
    assert (table["distance"] > table["limit"]).mean() < 0.05


def test_words_of_few_garments_are_judged_by_what_lists_are_off_by_in_this_shop():
    """Photos are paler than a list: words with three garments each are all 25 from it, and one is altogether wrong."""
    colours = pd.Series(["teal"] * 3 + ["rust"] * 3 + ["plum"] * 3 + ["red"] * 20)
    distances = np.array([25.0, 24, 26, 25, 25, 27, 24, 25, 70] + [5.0] * 20)
    limit = doubtful_distance(colours, distances)
    assert (limit[:9] == SPREAD * 25).all() and (limit[9:] == FAR).all()
    assert np.flatnonzero(distances > limit).tolist() == [8]
    assert doubtful_distance(colours.head(0), distances[:0]).shape == (0,)
