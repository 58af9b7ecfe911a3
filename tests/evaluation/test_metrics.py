"""MAP@R and nDCG against definitions worked by hand and by plain loops."""

import math

import numpy as np
import pandas as pd
import pytest

from fashion.core.colour import delta_e, hex_to_lab
from fashion.evaluation.metrics import average_precision_at_r, ndcg_at_k
from fashion.evaluation.relevance import COLOUR_REACH, graded_relevance, ideal_gains, relevance, relevant_in_gallery


@pytest.fixture
def items():
    """120 items of 9 categories, some rare, in 3 departments, in random colours; two words are missing."""
    rng = np.random.default_rng(8)
    category = rng.choice(9, 120, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.06, 0.04, 0.03, 0.02])
    table = pd.DataFrame({
        "category": [f"category {c}" for c in category],
        "department": [f"department {c % 3}" for c in category],
        "colour": rng.choice(["red", "blue", "grey"], 120),
    })  # fmt: skip
    table[["garment_l", "garment_a", "garment_b"]] = rng.uniform([20, -30, -30], [80, 30, 30], (120, 3))
    table.loc[[5, 6], "category"] = None
    return table


@pytest.fixture
def ranking():
    rng = np.random.default_rng(9)
    return np.stack([rng.permutation(np.delete(np.arange(120), query))[:20] for query in range(0, 120, 3)])


QUERIES = np.arange(0, 120, 3)


def gain(items, query, row):
    """The definition, in words, for one pair."""
    one, other = items.loc[query], items.loc[row]
    if one["category"] is not None and one["category"] == other["category"]:
        kind = 1.0
    elif one["department"] == other["department"]:
        kind = 0.5
    else:
        return 0.0
    lab = ["garment_l", "garment_a", "garment_b"]
    difference = float(delta_e(one[lab].to_numpy(float), other[lab].to_numpy(float)))
    return kind * (1 + max(0.0, 1 - difference / COLOUR_REACH)) / 2


def test_relevance_is_the_same_word_and_a_missing_word_is_nobodys(items, ranking):
    found = relevance(items, ranking, QUERIES, "category")
    for line, query in enumerate(QUERIES):
        own = items.loc[query, "category"]
        assert found[line].tolist() == [own is not None and items.loc[r, "category"] == own for r in ranking[line]]
    assert not relevance(items, [[6, 1]], [5], "category").any()


def test_relevant_in_gallery_counts_all_but_the_query(items):
    gallery = np.arange(0, 120, 2)
    counts = relevant_in_gallery(items, np.arange(120), gallery, "category")
    for query in range(120):
        own = items.loc[query, "category"]
        others = [r for r in gallery if r != query and own is not None and items.loc[r, "category"] == own]
        assert counts[query] == len(others)


def test_average_precision_at_r_worked_by_hand():
    relevant = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 0, 0]], bool)
    total = np.array([3, 3, 3, 2])
    # (1/1 + 0 + 2/3) / 3; none in the first 3; all of the first 3; (0 + 1/2) / 2
    assert average_precision_at_r(relevant, total) == pytest.approx([5 / 9, 0, 1, 1 / 4])
    assert average_precision_at_r(relevant, total, limit=1) == pytest.approx([1, 0, 1, 0])
    assert average_precision_at_r(relevant, total, limit=99) == pytest.approx([5 / 9, 0, 1, 1 / 4])


def test_average_precision_at_r_is_the_loops(items):
    ranking = np.stack([np.random.default_rng(q).permutation(np.delete(np.arange(120), q)) for q in QUERIES])
    relevant = relevance(items, ranking, QUERIES, "category")
    total = relevant_in_gallery(items, QUERIES, np.arange(120), "category")
    assert (relevant.sum(axis=1) == total).all()
    found = average_precision_at_r(relevant, total)
    for line, size in enumerate(total):
        if not size:
            assert math.isnan(found[line])
            continue
        precisions = [relevant[line, : i + 1].mean() for i in range(size) if relevant[line, i]]
        assert found[line] == pytest.approx(sum(precisions) / size)


def test_average_precision_needs_rankings_as_long_as_r():
    with pytest.raises(ValueError, match="at least R = 3"):
        average_precision_at_r(np.ones((1, 2), bool), [3])
    with pytest.raises(ValueError, match="for 2 queries"):
        average_precision_at_r(np.ones((1, 2), bool), [1, 1])


def test_gains_are_the_definition(items, ranking):
    gains = graded_relevance(items, QUERIES, ranking)
    expected = [[gain(items, q, r) for r in rows] for q, rows in zip(QUERIES, ranking, strict=True)]
    assert gains == pytest.approx(np.array(expected))
    assert 0 <= gains.min() < 0.25 < 0.5 < gains.max() <= 1


def test_gains_of_a_wardrobe():
    """A red dress: the same dress, a blue one, a red skirt, a red shoe."""
    wardrobe = pd.DataFrame({
        "category": ["dress", "dress", "dress", "skirt", "shoe"],
        "department": ["clothes"] * 4 + ["footwear"],
    })  # fmt: skip
    lab = hex_to_lab(["#c01020", "#c01020", "#1020c0", "#c01020", "#c01020"])
    gains = graded_relevance(wardrobe, [0], [[1, 2, 3, 4]], lab)[0]
    assert gains.tolist() == [1, 0.5, 0.5, 0]
    unknown = lab.copy()
    unknown[1] = np.nan
    assert graded_relevance(wardrobe, [0], [[1]], unknown) == [[0.5]]


def test_ideal_is_the_best_of_all_gallery_rows(items):
    gallery = np.arange(0, 120, 2)
    for k in (1, 3, 12, 100):
        ideal = ideal_gains(items, QUERIES, gallery, k)
        for line, query in enumerate(QUERIES):
            every = sorted((gain(items, query, r) for r in gallery if r != query), reverse=True)
            assert ideal[line] == pytest.approx(([*every, *[0] * 100])[:k])


def test_ndcg_worked_by_hand():
    gains, ideal = [[0.5, 0.0, 1.0]], [[1.0, 0.5, 0.5]]
    expected = (0.5 + 1.0 / 2) / (1.0 + 0.5 / math.log2(3) + 0.5 / 2)
    assert ndcg_at_k(gains, ideal) == pytest.approx([expected])
    assert ndcg_at_k(ideal, ideal) == pytest.approx([1])
    assert ndcg_at_k([[0, 0, 0]], ideal) == [0]
    assert math.isnan(ndcg_at_k([[0, 0]], [[0, 0]])[0])


def test_ndcg_rewards_order_and_never_passes_one(items, ranking):
    gains = graded_relevance(items, QUERIES, ranking)
    ideal = ideal_gains(items, QUERIES, np.arange(120), 20)
    as_found = ndcg_at_k(gains, ideal)
    sorted_best, sorted_worst = np.sort(gains)[:, ::-1], np.sort(gains)
    assert (ndcg_at_k(sorted_worst, ideal) <= as_found + 1e-12).all()
    assert (as_found <= ndcg_at_k(sorted_best, ideal) + 1e-12).all()
    assert (ndcg_at_k(sorted_best, ideal) <= 1 + 1e-12).all()


def test_mistaken_arguments_are_refused(items, ranking):
    with pytest.raises(ValueError, match="a ranking that gains more"):
        ndcg_at_k([[1.0]], [[0.5]])
    with pytest.raises(ValueError, match="one shape"):
        ndcg_at_k([[1.0]], [[1.0, 1.0]])
    with pytest.raises(ValueError, match="at least 0"):
        ndcg_at_k([[-1.0]], [[1.0]])
    with pytest.raises(ValueError, match="at least 0"):
        ndcg_at_k([[np.nan]], [[1.0]])
    with pytest.raises(ValueError, match="0 to 119"):
        relevance(items, [[120]], [0], "category")
    with pytest.raises(ValueError, match="0 to 119"):
        relevance(items, [[-1]], [0], "category")
    with pytest.raises(ValueError, match=r"shapes \(40, 20\) and \(39,\)"):
        graded_relevance(items, QUERIES[1:], ranking)
    with pytest.raises(ValueError, match=r"expected lab of shape \(120, 3\)"):
        graded_relevance(items, QUERIES, ranking, np.zeros((119, 3)))
