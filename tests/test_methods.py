"""How methods answer: the plain search, the recommender's own ranking, and whole rows of similarities."""

import numpy as np
import pandas as pd
import pytest

from fashion.description import Layout, filled
from fashion.methods import Method, posed
from fashion.neighbours import normalise, top_k
from fashion.recommender import Recommender

QUERIES = np.array([3, 50, 119])


@pytest.fixture(scope="module")
def tables():
    """120 items in two parts, as seen and as described; the colour begins at 5."""
    random = np.random.default_rng(7)
    found = []
    for peaked in (1.0, 0.2):
        kinds, shades = random.dirichlet(np.full(4, peaked), 120), random.dirichlet(np.full(6, peaked), 120)
        found.append(np.concatenate([filled(kinds), filled(shades)], axis=1))
    return found


def test_without_parts_it_is_the_search_by_cosine(tables):
    seen, described = tables
    own = posed(Method(seen, seen), QUERIES).answers(6)
    assert own[0].tolist() == top_k(seen, 6, QUERIES)[0].tolist()
    other = posed(Method(seen, described), QUERIES).answers(6, np.arange(0, 120, 2))
    assert other[0].tolist() == top_k(described, 6, QUERIES, np.arange(0, 120, 2), asking=seen[QUERIES])[0].tolist()


def test_with_parts_it_answers_as_the_recommender_does(tables):
    described = tables[1]
    items = pd.DataFrame({
        "item": [f"i{n}" for n in range(120)], "colour": "red", "category": "boots", "photo": "x.jpg",
    })  # fmt: skip
    layout = Layout(tuple("abcd"), tuple("uvwxyz"), np.eye(4, dtype=np.float32), 5)
    recommender = Recommender(items, normalise(described), layout)
    found, similarity = posed(Method(described, described, 5), QUERIES).answers(6)
    for place, query in enumerate(QUERIES):
        table = recommender.by_item(f"i{query}", 6)
        assert table["item"].tolist() == [f"i{row}" for row in found[place]]
        assert table["similarity"].to_numpy() == pytest.approx(similarity[place], abs=1e-6)
    everyone = recommender.nearest_of_all(6)
    assert everyone[0][QUERIES].tolist() == found.tolist()


@pytest.mark.parametrize("colour_from", [None, 5])
def test_similarities_of_a_whole_row_are_the_answers(tables, colour_from):
    seen, described = tables
    ready = posed(Method(seen, described, colour_from), QUERIES)
    found, similarity = ready.answers(6)
    rows = ready.similarities(np.arange(3))
    assert rows.shape == (3, 120) and rows.dtype == np.float32
    assert np.take_along_axis(rows, found, axis=1) == pytest.approx(similarity, abs=1e-6)
    rows[np.arange(3), QUERIES] = -1
    assert np.sort(rows, axis=1)[:, -6:][:, ::-1] == pytest.approx(similarity, abs=1e-6)
