"""Agreement by gallery size and by vector length, against the plain search and the SVD."""

import numpy as np
import pandas as pd
import pytest

from fashion.evaluation.curves import (
    COLOUR_WEIGHTS,
    by_colour_weight,
    by_embedding_length,
    by_gallery_size,
    directions,
    gallery_sizes,
)
from fashion.evaluation.protocol import CEILING, RANDOM, best_possible
from fashion.evaluation.relevance import BOTH, precision_at_k, random_expectation
from fashion.neighbours.exact import filled, normalise, top_k

QUERIES = np.arange(0, 600, 8)
COLUMNS = ["category", "colour"]


def test_gallery_sizes():
    assert gallery_sizes(59_591, 6) == [1000, 2000, 5000, 10_000, 20_000, 50_000, 59_591]
    assert gallery_sizes(2999, 6) == [50, 100, 200, 500, 1000, 2000, 2999]
    assert gallery_sizes(180, 6) == [50, 100, 180]
    assert gallery_sizes(30, 6) == [30] and gallery_sizes(100, 6) == [50, 100]


def test_gallery_curve_is_the_search_in_nested_galleries(planted):
    items, vectors = planted
    told = np.roll(vectors, 1, axis=1)
    methods = {"own": (vectors, vectors), "two tables": (vectors, told)}
    table = by_gallery_size(methods, items, QUERIES, 6, COLUMNS, 3)
    order = np.random.default_rng(3).permutation(600)
    for size in (50, 200, 600):
        gallery = np.sort(order[:size])
        answers = {
            "own": top_k(vectors, 6, QUERIES, gallery)[0],
            "two tables": top_k(told, 6, QUERIES, gallery, query_vectors=vectors[QUERIES])[0],
        }
        part = table[table["size"] == size].set_index(["method", "column"])["mean"]
        for method, found in answers.items():
            expected = precision_at_k(items, found, QUERIES, COLUMNS).mean()
            assert [part[method, c] for c in [*COLUMNS, BOTH]] == pytest.approx(expected.tolist())
        chance = random_expectation(items, QUERIES, gallery, COLUMNS)
        assert part[RANDOM].to_dict() == pytest.approx(chance.to_dict())
        best = best_possible(items, QUERIES, gallery, 6, [*COLUMNS, BOTH]).mean()
        assert part[CEILING].to_dict() == pytest.approx(best.to_dict())
    ceiling = table[(table["method"] == CEILING) & (table["column"] == BOTH)]["mean"]
    assert (np.diff(ceiling) >= 0).all()  # a gallery that holds another holds its right answers


def test_directions_are_the_svds_of_unit_rows(planted):
    vectors = planted[1]
    training = np.arange(0, 600, 2)
    found = directions(normalise(vectors), training)
    _, _, expected = np.linalg.svd(normalise(vectors[training]).astype(float), full_matrices=False)
    assert np.abs((found.T * expected).sum(axis=1)) == pytest.approx(np.ones(40), abs=1e-3)  # but for the sign
    assert found.T @ found == pytest.approx(np.eye(40), abs=1e-5)


def test_directions_of_fewer_rows_than_dimensions_lose_no_product(planted):
    vectors = normalise(planted[1])[:25]
    found = directions(vectors, np.arange(25))
    turned = vectors @ found
    assert found.shape == (40, 25) and turned @ turned.T == pytest.approx(vectors @ vectors.T, abs=1e-5)
    lengths = np.linalg.norm(turned, axis=0)
    assert (np.diff(lengths) < 1e-6).all() and found.T @ found == pytest.approx(np.eye(25), abs=1e-5)


def test_length_curve_ends_at_the_uncut_embedding(planted):
    items, vectors = planted
    training = np.setdiff1d(np.arange(600), QUERIES)
    table = by_embedding_length({"one": (vectors, vectors)}, items, training, QUERIES, 6, COLUMNS, 0)
    assert list(dict.fromkeys(table["length"])) == [8, 16, 32, 40]
    part = table[table["column"] == "category"].set_index("length")["mean"]
    whole = precision_at_k(items, top_k(vectors, 6, QUERIES)[0], QUERIES, COLUMNS)
    assert part[40] == pytest.approx(whole["category"].mean())
    turned = normalise(vectors) @ directions(normalise(vectors), training)[:, :16]
    cut = precision_at_k(items, top_k(turned, 6, QUERIES)[0], QUERIES, COLUMNS)
    assert part[16] == pytest.approx(cut["category"].mean(), abs=1e-9)


def test_cut_products_of_two_sided_embeddings_keep_their_order(planted):
    items, vectors = planted
    part = np.abs(vectors[:, :15])
    answering = filled(part / np.linalg.norm(part, axis=1).max())
    asking = np.c_[answering[:, :-1], np.zeros(len(answering))]
    training = np.setdiff1d(np.arange(600), QUERIES)
    table = by_embedding_length({"two": (asking, answering)}, items, training, QUERIES, 6, COLUMNS, 0)
    turn = directions(normalise(asking), training)[:, :8]
    products = (normalise(asking)[QUERIES] @ turn) @ (normalise(answering) @ turn).T
    products[np.arange(len(QUERIES)), QUERIES] = -np.inf
    expected = precision_at_k(items, np.argsort(-products, axis=1, kind="stable")[:, :6], QUERIES, COLUMNS)
    row = table[(table["length"] == 8) & (table["column"] == "category")]
    assert row["mean"].item() == pytest.approx(expected["category"].mean(), abs=1e-3)


def test_the_weight_of_colour_moves_lists_from_the_category_to_the_colour():
    """Vectors that hold both words: the weight decides which of them the neighbours share."""
    random = np.random.default_rng(0)
    category, colour = random.integers(0, 5, 120), random.integers(0, 5, 120)
    items = pd.DataFrame({"category": [f"k{c}" for c in category], "colour": [f"c{c}" for c in colour]})
    parts = np.eye(5)[category], np.eye(5)[colour]
    queries = np.arange(0, 120, 3)
    weighted = {w: np.concatenate([(1 - w) * parts[0], w * parts[1]], axis=1)[queries] for w in (0.0, 0.5, 1.0)}
    table = by_colour_weight(weighted, np.concatenate(parts, axis=1), items, queries, 3, ["category", "colour"], 0)
    wide = table.pivot(index="weight", columns="column", values="mean")
    assert wide.loc[0.0, "category"] == wide.loc[1.0, "colour"] == 1
    assert wide.loc[0.0, "colour"] < 0.5 and wide.loc[1.0, "category"] < 0.5
    assert wide["category and colour"].idxmax() == 0.5
    assert (table["low"] <= table["mean"]).all() and (table["mean"] <= table["high"]).all()
    assert len(COLOUR_WEIGHTS) == 11 and {0.0, 1.0} <= set(COLOUR_WEIGHTS)
