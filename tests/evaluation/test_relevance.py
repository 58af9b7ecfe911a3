"""Agreement with the query's words, against plain loops and all possible answers."""

import itertools

import numpy as np
import pytest
from conftest import ninety_items

from fashion.evaluation.relevance import BOTH, precision_at_k, random_expectation, random_neighbours, success_at_k

COLUMNS = ["department", "category", "colour"]


@pytest.fixture
def items():
    return ninety_items()


@pytest.fixture
def found():
    rng = np.random.default_rng(6)
    return np.stack([rng.permutation(np.delete(np.arange(90), query))[:6] for query in range(90)])


def agreeing(items, query, row, column):
    columns = ["category", "colour"] if column == BOTH else [column]
    return all(items.loc[query, name] == items.loc[row, name] for name in columns)


def test_agreement_and_success_are_the_loops(items, found):
    queries = np.arange(90)
    agreement = precision_at_k(items, found, queries, COLUMNS)
    success = success_at_k(items, found, queries, COLUMNS)
    assert list(agreement) == list(success) == [*COLUMNS, BOTH]
    for query, column in itertools.product(range(0, 90, 7), [*COLUMNS, BOTH]):
        hits = [agreeing(items, query, row, column) for row in found[query]]
        assert agreement[column].iloc[query] == pytest.approx(np.mean(hits))
        assert success[column].iloc[query] == float(any(hits))
    assert list(precision_at_k(items, found, queries, ["colour"])) == ["colour"]


def test_queries_may_be_some_rows_in_any_order(items, found):
    queries = np.array([40, 2, 77])
    part = precision_at_k(items, found[queries], queries, COLUMNS)
    whole = precision_at_k(items, found, np.arange(90), COLUMNS)
    assert part.to_numpy() == pytest.approx(whole.to_numpy()[queries])


def test_perfect_and_hopeless_recommendations(items):
    same = [[row, row] for row in range(90)]
    assert (precision_at_k(items, same, np.arange(90), COLUMNS) == 1).all(axis=None)
    other = items.groupby("department").head(1).index.to_numpy()
    hopeless = np.array(
        [[r for r in other if items.loc[r, "department"] != items.loc[q, "department"]] for q in range(90)]
    )
    assert (success_at_k(items, hopeless, np.arange(90), ["department"]) == 0).all(axis=None)


def test_random_expectation_is_the_mean_over_all_possible_answers(items):
    queries = np.array([0, 5, 9, 88])
    for gallery in (np.arange(90), np.arange(0, 90, 2), np.arange(1, 90, 2)):
        expected = random_expectation(items, queries, gallery, COLUMNS)
        for column in [*COLUMNS, BOTH]:
            shares = [np.mean([agreeing(items, q, r, column) for r in gallery if r != q]) for q in queries]
            assert expected[column] == pytest.approx(np.mean(shares))


def test_random_neighbours_score_what_is_expected(items):
    queries = np.repeat(np.arange(90), 60)
    drawn = random_neighbours(queries, np.arange(90), 6, 3)
    measured = precision_at_k(items, drawn, queries, COLUMNS).mean()
    expected = random_expectation(items, queries, np.arange(90), COLUMNS)
    for column in [*COLUMNS, BOTH]:
        assert measured[column] == pytest.approx(expected[column], abs=0.01)


def test_random_neighbours_are_distinct_uniform_and_never_the_query():
    gallery = np.array([2, 3, 5, 8, 13])
    queries = np.full(6000, 5)
    drawn = random_neighbours(queries, gallery, 3, 0)
    assert drawn.shape == (6000, 3)
    assert (np.diff(np.sort(drawn, axis=1), axis=1) > 0).all()
    rows, counts = np.unique(drawn, return_counts=True)
    assert rows.tolist() == [2, 3, 8, 13]
    assert counts / 18000 == pytest.approx(0.25, abs=0.02)
    assert np.unique(drawn[:, 0], return_counts=True)[1] / 6000 == pytest.approx(0.25, abs=0.03)
    assert (drawn == random_neighbours(queries, gallery, 3, 0)).all()
    assert (drawn != random_neighbours(queries, gallery, 3, 1)).any()
