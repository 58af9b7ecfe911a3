"""The geometric mean of two agreements: closed forms, and the search by it against brute force."""

import numpy as np
import pytest

from fashion.balance import FLOOR, Balance, geometric_mean, rough_means
from fashion.exact import search
from fashion.index import nearest_rows, open_index
from fashion.neighbours import nearest, normalise, top_k


@pytest.fixture(scope="module")
def rows():
    """600 unit rows in two parts of equal length, 12 and 9 numbers, as described items have."""
    random = np.random.default_rng(4)
    parts = [normalise(np.maximum(random.normal(size=(600, width)), 0)) for width in (12, 9)]
    return normalise(np.concatenate(parts, axis=1))


def brute(asking, rows, balance, query):
    looks = asking[query, :12].astype(float) @ rows[:, :12].T.astype(float)
    colour = asking[query, 12:].astype(float) @ rows[:, 12:].T.astype(float)
    weight = float(balance.weights[query])
    return (np.maximum(looks, 0) + FLOOR) ** (1 - weight) * (np.maximum(colour, 0) + FLOOR) ** weight - FLOOR


def test_closed_forms():
    first, second = np.array([0.0, 0.5, 1.0, -0.3]), np.array([1.0, 0.5, 1.0, 0.2])
    assert geometric_mean(first, second, 0.0) == pytest.approx(np.maximum(first, 0), abs=1e-6)
    assert geometric_mean(first, second, 1.0) == pytest.approx(np.maximum(second, 0), abs=1e-6)
    half = geometric_mean(first, second, 0.5)
    assert half[1:3] == pytest.approx([0.5, 1], abs=1e-6)
    assert half[0] == pytest.approx(np.sqrt(FLOOR * (1 + FLOOR)) - FLOOR)


@pytest.mark.parametrize("weight", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_it_never_exceeds_the_arithmetic_mean(weight):
    first, second = np.random.default_rng(0).random((2, 1000))
    mean = geometric_mean(first, second, weight)
    assert (mean <= (1 - weight) * first + weight * second + 1e-6).all() and (mean >= -1e-6).all()


def test_what_fits_in_both_comes_before_what_fits_in_one():
    one_only, both = geometric_mean(np.array([0.9, 0.45]), np.array([0.05, 0.45]), 0.5)
    assert (0.9 + 0.05) / 2 > 0.45 and both > one_only


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("block_rows", [None, 1, 7])
def test_the_search_is_brute_force(rows, weight, block_rows):
    balance = Balance(12, np.full(40, weight, np.float32))
    asking = rows[:40] * np.float32(2**0.5)
    found, similarity = search(asking, np.arange(40), rows, 8, np.arange(40), block_rows, balance=balance)
    for query in range(40):
        expected = brute(asking, rows, balance, query)
        expected[query] = -np.inf
        order = np.lexsort((np.arange(600), -expected.astype(np.float32)))[:8]
        assert similarity[query] == pytest.approx(expected[order], abs=2e-6)
        assert np.sort(expected[found[query]])[::-1] == pytest.approx(expected[order], abs=2e-6)


def test_the_bytes_depend_neither_on_the_block_nor_on_the_way(rows):
    balance = Balance(12, np.random.default_rng(1).random(600).astype(np.float32))
    asking = rows * np.float32(2**0.5)
    expected = top_k(rows, 6, asking=asking, assume_unit=True, balance=balance)
    for block_rows in (1, 50, 600):
        again = top_k(rows, 6, asking=asking, assume_unit=True, balance=balance, block_rows=block_rows)
        assert [part.tobytes() for part in again] == [part.tobytes() for part in expected]
    for query in (0, 599):
        one = nearest(asking[query], rows, 6, exclude=query, assume_unit=True, balance=balance[[query]])
        assert one[0].tobytes() == expected[0][query].tobytes()


def test_rough_means_are_near_enough_to_pick_candidates(rows):
    for weights in (np.full(30, 0.5), np.random.default_rng(2).random(30)):
        balance = Balance(12, weights.astype(np.float32))
        asking = rows[:30] * np.float32(2**0.5)
        rough = rough_means(asking, rows, balance)
        for query in range(30):
            assert rough[query] == pytest.approx(brute(asking, rows, balance, query), abs=1e-5)


def test_the_index_with_a_second_ranking_finds_what_the_exact_search_finds(rows, tmp_path):
    index = open_index(rows[:550], tmp_path / "x.usearch", progress=False)
    allowed = np.ones(600, bool)
    hits = []
    for query in range(0, 600, 10):
        balance = Balance(12, np.array([0.4], np.float32))
        asking = rows[query][np.newaxis] * np.float32(2**0.5)
        true, _ = nearest(asking, rows, 6, exclude=query, assume_unit=True, balance=balance)
        got, closeness = nearest_rows(index, asking, rows, 6, allowed, query, balance)
        assert query not in got and (np.diff(closeness) <= 0).all()
        hits.append(len(np.intersect1d(true, got)) / 6)
    assert np.mean(hits) > 0.98
