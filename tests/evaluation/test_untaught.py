"""What was never taught is compared as by hand, and words that were taught count in no title."""

import numpy as np
import pandas as pd
import pytest

from fashion.evaluation.protocol import same_words
from fashion.evaluation.untaught import GREY, TITLE, Untaught, title_words, untaught_columns, untaught_table
from fashion.neighbours.exact import normalise, top_k

ITEMS = pd.DataFrame({
    "item": list("abcd"), "category": ["shirts", "shirts", "dress", "shirts"],
    "colour": ["navy blue", "red", "red", None],
    "gender": ["men", "men", "women", ""],
    "title": ["Puma Men Striped Navy Blue Shirt", "Puma Men Red Shirts", "", "Nike striped shirt"],
})  # fmt: skip


def test_columns_are_the_catalogues_or_the_usual_ones():
    assert untaught_columns(ITEMS, ["category", "colour"]) == ["gender"]
    assert untaught_columns(ITEMS, ["category", "gender"]) == []
    assert untaught_columns(ITEMS, ["category"], ["colour", "title", "none"]) == ["colour"]


def test_titles_lose_the_words_that_were_taught():
    words = title_words(ITEMS, ["category", "colour", "gender"])
    assert words[0] == {"puma", "striped"} and words[1] == {"puma"} and words[2] == frozenset()


def test_titles_of_a_translated_catalogue_lose_its_own_words():
    shop = pd.DataFrame({
        "title": ["Camicia Blu Mare"], "category": ["shirts"], "category_source": ["CAMICIA"], "colour": ["blue"],
        "colour_source": ["BLU"],
    })  # fmt: skip
    assert title_words(shop, ["category", "colour"]) == [{"mare"}]


def test_scores_are_those_by_hand():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (4, 12)).astype(np.uint8)
    pixels[1] = 255 - pixels[0]
    untaught = Untaught(ITEMS, ["gender"], pixels, ["category", "colour", "gender"])
    assert untaught.measures == ["gender", TITLE, GREY]
    scores = untaught.scores([[1, 2], [0, 3], [0, 1], [0, 1]], [0, 1, 2, 3])
    assert scores["gender"][:3].tolist() == [0.5, 0.5, 0] and np.isnan(scores["gender"][3])
    assert scores[TITLE][0] == pytest.approx((1 / 2 + 0) / 2) and np.isnan(scores[TITLE][2])
    assert scores[GREY][0] < 0 or np.isfinite(scores[GREY]).all()
    one = untaught.scores([[1]], [0])[GREY][0]
    assert one == pytest.approx(-1, abs=1e-4), "a negative is the opposite"
    table = untaught_table({("m", "whole"): np.array([[1], [0]])}, untaught, np.array([0, 1]), 0)
    assert table["column"].tolist() == untaught.measures and table["queries"].tolist() == [2, 2, 2]


def test_same_words_come_first_and_looks_decide_among_them():
    random = np.random.default_rng(1)
    items = pd.DataFrame({"category": random.choice(["a", "b"], 60), "colour": random.choice(["r", "g", None], 60)})
    looks = normalise(random.normal(size=(60, 5)))
    queries, gallery = same_words(items, looks)
    rows = top_k(gallery, 59, query_vectors=normalise(queries))[0]
    codes = [pd.factorize(items[c], use_na_sentinel=False)[0] for c in items]
    for query in range(60):
        score = [sum(code[query] == code[row] for code in codes) for row in rows[query]]
        assert score == sorted(score, reverse=True)
        own = [row for row, same in zip(rows[query], score, strict=True) if same == 2]
        assert own == sorted(own, key=lambda row: -float(looks[row] @ looks[query]))
