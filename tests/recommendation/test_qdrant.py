"""What is exported is enough to answer as we do: read back, ranked by inner product, filtered by payload."""

import json
import uuid

import numpy as np
import pandas as pd
import pytest
from conftest import SIX_ITEMS

from fashion.attributes.layout import Layout, blend_words
from fashion.neighbours.exact import normalise
from fashion.recommendation import qdrant
from fashion.recommendation.qdrant import export, point_id
from fashion.recommendation.recommender import Recommender

CATEGORIES, COLOURS = ("boots", "sandals", "short dress"), ("red", "blue", "green")


@pytest.fixture
def recommender():
    random = np.random.default_rng(0)
    items = pd.concat([SIX_ITEMS] * 4, ignore_index=True).assign(item=[f"it'em {n}" for n in range(24)])
    layout = Layout(CATEGORIES, COLOURS, np.eye(3, dtype=np.float32), looks=5)
    seen = {column: random.dirichlet(np.ones(3), 24).astype(np.float32) for column in layout.words}
    told = {column: blend_words(seen[column], items[column], words, 0.6) for column, words in layout.words.items()}
    rows = layout.with_hubs(layout.compose(told, random.normal(size=(24, 5))), random.normal(0, 0.1, 24))
    return Recommender(items, normalise(rows), layout)


def test_the_engine_would_answer_as_we_do(recommender, tmp_path, monkeypatch):
    monkeypatch.setattr(qdrant, "POINTS", 7)
    head, *rest = export(recommender, "shop", tmp_path)
    made = json.loads(head.read_text())
    assert made["vectors"]["size"] == recommender.vectors.shape[1] and made["vectors"]["distance"] == "Dot"
    assert {"field_name": "colour", "field_schema": "keyword"} in made["payload_indexes"]
    points = [point for path in rest for point in json.loads(path.read_text())["points"]]
    assert [len(json.loads(path.read_text())["points"]) for path in rest] == [7, 7, 7, 3]
    vectors = np.array([point["vector"] for point in points], np.float32)
    assert np.array_equal(vectors, recommender.vectors)
    for weight in (0.1, 0.5, 0.9):
        query = recommender.item_query("it'em 3")
        asking = recommender._scaled(query.vectors, recommender._weights(weight, 0.3))[0]
        for where in (None, {"colour": ("red",)}):
            allowed = [
                n for n, p in enumerate(points)
                if p["payload"]["item"] != "it'em 3" and (where is None or p["payload"]["colour"] == "red")
            ]  # fmt: skip
            best = sorted(allowed, key=lambda n: -float(vectors[n] @ asking))[:5]
            expected = recommender.answer(query, 5, where, colour_weight=weight, looks_weight=0.3)[
                "similarity"
            ].to_numpy()
            assert (vectors[best] @ asking) == pytest.approx(expected, abs=1e-6)


def test_identifiers_are_the_items_own_and_valid():
    assert point_id("a", "x") == point_id("a", "x") != point_id("b", "x")
    assert uuid.UUID(point_id("a", "é 'x'")).version == 5


def test_missing_words_travel_as_null(recommender):
    items = recommender.items.assign(colour=[None] * 24)
    point = qdrant.points(items.head(1), recommender.vectors[:1], "shop", ["colour"])[0]
    assert point["payload"]["colour"] is None and json.dumps(point, allow_nan=False)
