"""Whole rankings: MAP@R against loops and ir-measures, rank correlation against SciPy and closed forms."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from fashion.evaluation.metrics import average_precisions, leading, rank_correlations, similarities
from fashion.neighbours.exact import normalise, top_k


@pytest.fixture
def scored(planted):
    """Cosines of 40 queries with all 600 items, the query itself put last, and which items are of its category."""
    items, vectors = planted
    unit = normalise(vectors)
    queries = np.arange(0, 600, 15)
    cosine = similarities(unit[queries], unit)
    cosine[np.arange(40), queries] = -np.inf
    category = items["category"].to_numpy()
    relevant = category[queries][:, np.newaxis] == category
    relevant[np.arange(40), queries] = False
    return queries, cosine, relevant


def test_similarities_are_cosines_however_the_gallery_is_cut(monkeypatch):
    unit = normalise(np.random.default_rng(0).normal(size=(50, 9)))
    whole = similarities(unit[:7], unit)
    assert whole == pytest.approx(unit[:7].astype(float) @ unit.astype(float).T, abs=1e-7)
    monkeypatch.setattr("fashion.evaluation.metrics.ROWS", 8)
    assert similarities(unit[:7], unit).tobytes() == whole.tobytes()


def test_leading_is_a_stable_sort_at_every_depth():
    row = np.array([0.5, 0.1, 0.5, 0.9, 0.5, -np.inf, 0.1])
    order = [3, 0, 2, 4, 1, 6, 5]
    for depth in range(8):
        assert leading(row, depth).tolist() == order[:depth]


def test_whole_rankings_begin_as_the_exact_search_does(planted, scored):
    queries, cosine, _ = scored
    found = top_k(planted[1], 20, queries)[0]
    assert [leading(row, 20).tolist() for row in cosine] == found.tolist()


def test_average_precision_at_r_is_the_loops(scored):
    _, cosine, relevant = scored
    found = average_precisions(cosine, relevant)
    for line, (row, wanted) in enumerate(zip(cosine, relevant, strict=True)):
        order = sorted(range(600), key=lambda place, row=row: (-row[place], place))[: wanted.sum()]
        hits = [wanted[place] for place in order]
        precisions = [np.mean(hits[: rank + 1]) for rank in range(len(hits)) if hits[rank]]
        assert found[line] == pytest.approx(sum(precisions) / wanted.sum())
    assert average_precisions(relevant.astype(float), relevant) == pytest.approx(np.ones(40))
    relevant[3] = False
    assert np.isnan(average_precisions(cosine, relevant)[3])


def test_average_precision_at_r_is_ir_measures_with_the_cutoff_at_r(scored):
    ir_measures = pytest.importorskip("ir_measures")
    _, cosine, relevant = scored
    found = average_precisions(cosine, relevant)
    for line in range(0, 40, 4):
        total = int(relevant[line].sum())
        order = leading(cosine[line], 600)
        run = {"q": {str(place): float(-rank) for rank, place in enumerate(order)}}
        judged = {"q": {str(place): int(relevant[line, place]) for place in order}}
        expected = ir_measures.calc_aggregate([ir_measures.AP @ total], judged, run)[ir_measures.AP @ total]
        assert found[line] == pytest.approx(expected)


def test_rank_correlation_is_scipys_ties_and_all():
    random = np.random.default_rng(3)
    similarity, gains = random.random((30, 80)), random.choice([0, 0, 0, 0.25, 0.5, 0.9], (30, 80))
    expected = [spearmanr(one, other)[0] for one, other in zip(similarity, gains, strict=True)]
    assert rank_correlations(similarity, gains) == pytest.approx(expected)


def test_rank_correlation_of_one_order_its_inverse_and_none():
    row = np.array([[0.1, 0.4, 0.9, 0.2]])
    assert rank_correlations(row, np.exp(row))[0] == pytest.approx(1)
    assert rank_correlations(row, -row)[0] == pytest.approx(-1)
    assert rank_correlations([[1, 2, 3]], [[1, 3, 2]])[0] == pytest.approx(
        1 - 6 * 2 / (3 * 8)
    )  # 1 - 6 sum d^2 / n(n^2-1)
    assert np.isnan(rank_correlations(row, np.zeros((1, 4)))[0])
