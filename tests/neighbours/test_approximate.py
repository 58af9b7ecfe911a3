"""The approximate index gives the exact answers but for a few, never a forbidden one, and survives damaged files."""

import numpy as np
import pytest
from usearch.index import Index

from fashion.neighbours import approximate
from fashion.neighbours.approximate import PASSED_OVER, nearest_rows, open_index
from fashion.neighbours.exact import nearest, normalise


@pytest.fixture(scope="module")
def table():
    """3,000 items around 40 styles."""
    random = np.random.default_rng(0)
    styles = random.normal(size=(40, 24))
    return normalise(styles[random.integers(0, 40, 3000)] + 0.4 * random.normal(size=(3000, 24)))


@pytest.fixture(scope="module")
def index(table, tmp_path_factory):
    return open_index(table, tmp_path_factory.mktemp("index") / "described.usearch", progress=False)


def test_recall_is_high_and_similarities_are_exact(index, table):
    assert index.recall(10, 200) > 0.98
    found, cosine = index.nearest(table[:50], 6)
    np.testing.assert_allclose(cosine, np.einsum("qd,qkd->qk", table[:50], table[found]), atol=1e-6)
    assert (np.diff(cosine, axis=1) <= 0).all()
    assert (index.nearest(table, 1)[0][:, 0] == np.arange(3000)).mean() > 0.98


def test_forbidden_rows_are_passed_over(index, table):
    shared = []
    for row in range(0, 3000, 60):
        exact, _ = nearest(table[row], table, 40)
        barred = exact[::2].astype(np.int64)
        found, _ = index.nearest(table[[row]], 10, barred)
        assert not set(found[0]) & set(barred) and len(found[0]) == 10
        shared.append(len(set(found[0]) & set(exact[1::2][:10])) / 10)
    assert np.mean(shared) > 0.96


def test_a_graph_of_one_block_is_always_the_same(table, tmp_path):
    paths = [tmp_path / f"{n}.usearch" for n in range(2)]
    for path in paths:
        open_index(table, path, progress=False)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_threads_join_after_the_first_block(table, tmp_path, monkeypatch):
    asked, add = [], Index.add
    monkeypatch.setattr(approximate, "BLOCK", 1000)
    monkeypatch.setattr(approximate.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(Index, "add", lambda *given, threads: asked.append(threads) or add(*given, threads=threads))
    index = open_index(table, tmp_path / "threads.usearch", progress=False)
    assert index.recall(10, 500) > 0.95 and (index.nearest(table, 1)[0][:, 0] == np.arange(3000)).mean() > 0.95
    assert asked == [1, 2, 2]


@pytest.mark.parametrize("seed", range(5))
def test_filters_are_exact(index, table, seed):
    random = np.random.default_rng(seed)
    mask = random.random(3000) < 0.3
    asking = table[random.integers(0, 3000, 2)]
    found = nearest_rows(index, asking, table, 6, mask, 5)
    expected = nearest(asking, table, 6, mask, 5, assume_unit=True)
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_without_an_index_nothing_is_approximate(table):
    found = nearest_rows(None, table[:1], table, 6, np.ones(3000, bool), 0)
    assert np.array_equal(found[0], nearest(table[:1], table, 6, None, 0)[0])


def test_rows_added_since_are_found_too(index, table):
    asking = np.flatnonzero(index.nearest(table[:100], 1)[0][:, 0] == np.arange(100))[:3]  # not missed by the graph
    joined = np.concatenate([table, normalise(table[asking] + 1e-3)])  # next to the queries
    mask = np.ones(3003, bool)
    index = index.now(joined, np.arange(3000))
    found, cosine = nearest_rows(index, 2 * joined[asking], joined, 6, mask, None)
    assert found[:, :2].tolist() == [[row, 3000 + place] for place, row in enumerate(asking)]
    assert (np.diff(cosine, axis=1) <= 0).all()
    mask[3001] = False
    one = int(asking[1])
    assert 3001 not in nearest_rows(index, joined[[one]], joined, 6, mask, one)[0]
    few = np.zeros(3003, bool)
    few[: PASSED_OVER + 1] = True
    assert nearest_rows(index, joined[[one]], joined, 6, few, one)[0].max() <= PASSED_OVER


def test_rows_gone_and_renewed_since_are_told(index, table):
    """Row 0 is gone, so that all move up by one; what is row 4 now was renewed, and stands next to row 9."""
    asked = next(row for row in range(10, 3000) if index.nearest(table[[row]], 1)[0][0, 0] == row)
    now = table[1:].copy()
    now[4] = normalise(table[[asked]] + 1e-3)[0]
    rows = np.arange(-1, 2999)
    rows[5] = -1
    changed = index.now(now, rows)
    asking = table[[0, 5, asked]]
    found, cosine = nearest_rows(changed, asking, now, 6, np.ones(2999, bool))
    expected, exact = nearest(asking, now, 6, assume_unit=True)
    shared = [len(np.intersect1d(*both)) for both in zip(found, expected, strict=True)]
    assert min(shared) >= 5 and found[2, :2].tolist() == [asked - 1, 4]
    assert np.allclose(np.einsum("qkd,qd->qk", now[found], asking), cosine, atol=1e-6) and cosine.max() <= 1 + 1e-6
    assert index.now(now, np.full(3000, -1)) is None
    assert exact.shape == cosine.shape


def test_a_file_is_used_again_and_built_anew_when_damaged_or_of_other_vectors(table, tmp_path, monkeypatch):
    path, built = tmp_path / "a.usearch", []
    save = approximate.write_sealed
    monkeypatch.setattr(approximate, "write_sealed", lambda *given: built.append(1) or save(*given))
    first = open_index(table[:500], path, progress=False)
    open_index(table[:500], path, progress=False)
    assert len(built) == 1 and len(first) == 500
    whole = path.read_bytes()
    path.write_bytes(whole[:900] + bytes([whole[900] ^ 1]) + whole[901:])  # one bit
    with pytest.warns(UserWarning, match="found it damaged .* the index is built again"):
        assert open_index(table[:500], path, progress=False).recall(5, 50) > 0.95 and len(built) == 2
    open_index(table[1:501], path, progress=False)
    assert len(built) == 3
    path.with_suffix(".sha256").write_text("{")
    open_index(table[1:501], path, progress=False)
    assert len(built) == 4
