"""Splits, intervals and tests: against plain loops, closed forms and full enumeration."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from conftest import ninety_items

from fashion.core.errors import ArtefactError
from fashion.evaluation.splits import split
from fashion.evaluation.statistics import bootstrap_interval, by_department, department_intervals, paired_difference
from fashion.neighbours.duplicates import duplicate_groups


@pytest.fixture
def items():
    return ninety_items()


def test_split_keeps_groups_together_and_departments_apart():
    rng = np.random.default_rng(0)
    items = pd.DataFrame({"department": rng.choice(["a", "b", "c"], 3000, p=[0.7, 0.25, 0.05])})
    pairs = rng.integers(0, 3000, (400, 2))
    groups = duplicate_groups(3000, pairs)
    part = split(items, groups, 5)
    assert set(part) == {"train", "validation", "test"}
    assert (part[pairs[:, 0]] == part[pairs[:, 1]]).all()
    for department in "abc":
        mine = part[(items["department"] == department).to_numpy()]
        assert (mine == "test").mean() == pytest.approx(0.2, abs=0.04)
        assert (mine == "validation").mean() == pytest.approx(0.1, abs=0.04)


def test_split_is_seeded_and_bounded(items):
    alone = np.arange(90)
    assert (split(items, alone, 1) == split(items, alone, 1)).all()
    assert (split(items, alone, 1) != split(items, alone, 2)).any()
    few = split(items, alone, 1, most=6)
    assert 0 < (few == "test").sum() <= 8  # at most 6, rounded within each of 3 departments
    without = split(items, alone, 1, validation=0)
    assert not (without == "validation").any()


@pytest.mark.parametrize("shares", [(0, 0.1), (0.5, 0.5), (0.2, -0.1), (1.2, 0)])
def test_split_refuses_shares_that_leave_nothing(items, shares):
    with pytest.raises(ValueError, match="expected shares"):
        split(items, np.arange(90), 0, test=shares[0], validation=shares[1])


def test_bootstrap_agrees_with_theory_and_with_plain_resampling():
    values = np.random.default_rng(0).choice([0, 1 / 6, 0.5, 1], 400, p=[0.5, 0.2, 0.2, 0.1])
    mean, low, high = bootstrap_interval(values, 7)
    assert mean == pytest.approx(values.mean())
    error = values.std() / math.sqrt(400)
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.15 * error)
    rng = np.random.default_rng(1)
    plain = np.quantile([rng.choice(values, 400).mean() for _ in range(2000)], [0.025, 0.975])
    assert (low, high) == pytest.approx(tuple(plain), abs=0.2 * error)


def test_bootstrap_of_many_distinct_values_agrees_with_theory():
    values = np.random.default_rng(0).exponential(size=900)
    mean, low, high = bootstrap_interval(values, 7)
    error = values.std() / math.sqrt(900)
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.2 * error)
    assert bootstrap_interval(values, 7) == (mean, low, high) != bootstrap_interval(values, 8)


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    covered = 0
    for seed in range(300):
        _, low, high = bootstrap_interval(rng.binomial(6, 0.4, 100) / 6, seed, level=0.9, resamples=500)
        covered += low <= 0.4 <= high
    assert covered / 300 == pytest.approx(0.9, abs=0.06)


def test_bootstrap_is_seeded_and_knows_its_edges():
    values = np.random.default_rng(0).random(50)
    assert bootstrap_interval(values, 1) == bootstrap_interval(values, 1) != bootstrap_interval(values, 2)
    narrow, wide = bootstrap_interval(values, 1, level=0.5), bootstrap_interval(values, 1, level=0.99)
    assert wide[1] < narrow[1] < narrow[2] < wide[2]
    assert bootstrap_interval([0.25] * 9, 0) == (0.25, 0.25, 0.25)
    assert bootstrap_interval([0.3], 0) == pytest.approx((0.3, 0.3, 0.3))
    for wrong in ([], [[0.1, 0.2]]):
        with pytest.raises(ValueError, match="one value a query"):
            bootstrap_interval(wrong, 0)


def test_sign_flips_are_those_of_full_enumeration():
    first = np.array([0.9, 0.5, 0.7, 0.2, 0.6, 1.0, 0.3, 0.4, 0.8])
    second = np.array([0.5, 0.6, 0.5, 0.2, 0.1, 0.7, 0.4, 0.1, 0.5])
    difference = first - second
    flips = np.array(list(itertools.product([-1, 1], repeat=9)))
    exact = np.mean(np.abs(flips @ difference) >= abs(difference.sum()) - 1e-12)
    found = paired_difference(first, second, 3, resamples=20_000)
    assert found.mean == pytest.approx(difference.mean())
    assert found.p_value == pytest.approx(exact, abs=0.01)
    assert found.low < found.mean < found.high


def test_the_test_is_honest_under_no_difference_and_sharp_under_one():
    rng = np.random.default_rng(2)
    p_values = [
        paired_difference(rng.binomial(6, 0.3, 80) / 6, rng.binomial(6, 0.3, 80) / 6, seed, resamples=400).p_value
        for seed in range(200)
    ]
    assert np.mean(np.array(p_values) < 0.1) == pytest.approx(0.1, abs=0.06)
    better = paired_difference(rng.random(200) + 0.3, rng.random(200), 0, resamples=999)
    assert better.p_value == 1 / 1000  # the least it can be: the observed arrangement counts
    assert better.low > 0
    mirrored = paired_difference(rng.random(200), rng.random(200) + 0.3, 0)
    assert mirrored.high < 0


def test_methods_that_never_differ_and_unequal_queries():
    same = paired_difference([0.5, 0.2], [0.5, 0.2], 0)
    assert (same.mean, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    assert set(same.as_dict()) == {"mean", "low", "high", "p_value"}
    with pytest.raises(ValueError, match="same queries for both"):
        paired_difference([0.1, 0.2], [0.1], 0)


def test_by_department_is_the_mean_of_its_queries(items):
    queries = np.array([3, 10, 11, 50, 60, 61, 62])
    shares = pd.Series([0.0, 1.0, 0.5, 0.25, 0.75, 1.0, 0.0])
    table = by_department(items, queries, {"one": shares, "other": 1 - shares})
    assert list(table) == ["one", "other"]
    assert len(table) == items["department"].iloc[queries].nunique()
    for name, line in table.iterrows():
        department, count = name.rsplit(" ", 1)
        mine = (items["department"].iloc[queries] == department).to_numpy()
        assert count == f"({mine.sum()})"
        assert line["one"] == pytest.approx(shares[mine].mean())
        assert line["other"] == pytest.approx(1 - shares[mine].mean())
    sizes = [int(name.rsplit("(", 1)[1][:-1]) for name in table.index]
    assert sizes == sorted(sizes, reverse=True)


def test_department_intervals_are_those_of_its_queries_alone(items):
    queries = np.arange(0, 90, 2)
    shares = {"one": np.random.default_rng(0).random(45), "other": np.zeros(45)}
    table = department_intervals(items, queries, shares, 5)
    department = items["department"].to_numpy()[queries]
    assert len(table) == 2 * len(set(department))
    assert (np.diff(table["queries"]) <= 0).all()
    for line in table.itertuples():
        expected = bootstrap_interval(shares[line.method][department == line.department], 5)
        assert (line.mean, line.low, line.high) == expected
        assert line.queries == (department == line.department).sum()


def test_a_catalogue_of_one_picture_cannot_be_split():
    items = pd.DataFrame({"department": ["tops"] * 30})
    with pytest.raises(ArtefactError, match="holds 30 of 30 items"):
        split(items, np.zeros(30, int), seed=0)
