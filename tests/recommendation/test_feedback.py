"""More like these, less like that: Rocchio part by part, and what a simulated customer gains by it."""

import numpy as np
import pandas as pd
import pytest

from fashion.attributes.layout import Layout, blend_words
from fashion.neighbours.exact import normalise
from fashion.recommendation.feedback import DISLIKED, LIKED, moved
from fashion.recommendation.feedback_trial import feedback_trial
from fashion.recommendation.filters import QueryError
from fashion.recommendation.known_item import TEXTS, WORDS, known_item_trial
from fashion.recommendation.recommend import make_query
from fashion.recommendation.recommender import Recommender

KINDS, SHADES = ("boots", "dress", "shirt"), ("red", "blue", "green", "black")


@pytest.fixture(scope="module")
def shop():
    rng, n = np.random.default_rng(0), 240
    items = pd.DataFrame({
        "item": [f"i{n}" for n in range(n)], "photo": [f"{n}.jpg" for n in range(n)],
        "colour": rng.choice(SHADES, n), "category": rng.choice(KINDS, n),
        "title": [f"model {chr(97 + n % 26)}{chr(97 + n // 26)}{chr(97 + n % 7)}" for n in range(n)],
    })  # fmt: skip
    layout = Layout(KINDS, SHADES, np.eye(3, dtype=np.float32), {}, 6, "x", {})
    told = {
        column: blend_words(np.full((n, len(words)), 1 / len(words), np.float32), items[column], words, 0.9)
        for column, words in layout.words.items()
    }
    return Recommender(items, normalise(layout.compose(told, rng.normal(size=(n, 6)))), layout, np.arange(n))


def test_each_part_moves_by_rocchios_rule_and_keeps_its_scale(shop):
    layout, parts = shop.layout, shop.layout.parts
    raw = shop.vectors * np.float32(layout.length)
    query, good, bad = raw[:1], raw[1:3], raw[3:5]
    found = moved(query, good, bad, layout)
    colour = (query + LIKED * good.mean(axis=0)) / (1 + LIKED) - DISLIKED * bad.mean(axis=0)
    assert found[:, parts["colour"]] == pytest.approx(np.maximum(colour[:, parts["colour"]], 0), abs=1e-6)
    assert np.linalg.norm(found[:, parts["looks"]]) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(found[:, parts["hub"]], query[:, parts["hub"]])
    open_one = layout.vector(category="boots")[np.newaxis]
    filled = moved(open_one, good, bad[:0], layout)
    assert filled[:, parts["colour"]] == pytest.approx(good[:, parts["colour"]].mean(axis=0, keepdims=True), abs=1e-6)
    assert np.array_equal(moved(query, good[:0], bad[:0], layout)[:, parts["colour"]], query[:, parts["colour"]])


def test_what_was_chosen_is_not_returned_and_its_colour_counts(shop):
    items = shop.items
    red = items[(items["colour"] == "red") & (items["category"] == "boots")]["item"].tolist()
    blue = items[(items["colour"] == "blue") & (items["category"] == "boots")]["item"].tolist()
    query = shop.refined(shop.words_query("boots"), [red[0]], [blue[0]])
    table = shop.answer(query, 6)
    assert {red[0], blue[0]}.isdisjoint(table["item"]) and (table["category"] == "boots").all()
    assert set(table["colour"]) == {"red"}
    both = shop.answer(make_query(shop, red[0], like=[blue[0]]), 4, looks_weight=0)
    assert set(both["colour"]) <= {"red", "blue"} and {red[0], blue[0]}.isdisjoint(both["item"])
    assert both["reasons"].str.startswith("same colour and category").all()
    blue_now = shop.answer(make_query(shop, red[0], "in blue", like=[red[1]]), 5)
    assert set(blue_now["colour"]) == {"blue"}


def test_feedback_needs_something_to_begin_with(shop):
    with pytest.raises(QueryError, match="liked"):
        shop.refined(None, [], ["i0"])
    with pytest.raises(QueryError, match="found 'nobody'"):
        shop.refined(None, ["nobody"])
    query = shop.item_query("i0")
    assert shop.refined(query) is query


def test_a_simulated_customer_gains_by_saying_what_she_likes(shop):
    table = feedback_trial(shop, np.arange(0, 240, 8)).set_index(["start", "feedback"])["mean"]
    assert table["words", "liked"] > table["words", "none"] + 0.2
    assert table["words", "both"] >= table["words", "none"]


def test_a_title_finds_its_item_where_the_texts_are_searched(shop):
    table = known_item_trial(shop, np.arange(240), 6, most=40).set_index(["method", "measure"])["mean"]
    assert table[TEXTS, "MRR"] == table[TEXTS, "Success@6"] == 1, "each title is its own"
    assert table[WORDS, "MRR"] == 0, "no word of a title is the catalogue's"
    bare = Recommender(shop.items.drop(columns="title"), shop.vectors, shop.layout)
    assert known_item_trial(bare, np.arange(240), 6).empty
