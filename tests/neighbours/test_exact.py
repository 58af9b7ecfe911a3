"""The exact search: against a brute force that shares no code with it, and on ugly inputs."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from fashion.core.errors import ArtefactError
from fashion.neighbours.exact import candidates, cosines, cross_top_k, nearest, normalise, search, top_k


def brute_force(vectors, k, query, gallery, exclude_self=True):
    """One query's neighbours by Python's own sort on float64 cosines, rounded as promised."""
    table = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(table, axis=1)
    answers = []
    for row in gallery:
        if exclude_self and row == query:
            continue
        product = lengths[row] * lengths[query]
        cosine = table[row] @ table[query] / product if product else 0.0
        answers.append((-np.float32(cosine), row))
    return [row for _, row in sorted(answers)[:k]]


@pytest.fixture
def vectors():
    """300 non-negative rows as a backbone gives them: half zeros, lengths from 0.01 to 1,000."""
    rng = np.random.default_rng(5)
    rows = np.maximum(rng.normal(size=(300, 40)), 0) * 10.0 ** rng.uniform(-2, 3, (300, 1))
    return rows.astype(np.float32)


def test_every_neighbour_is_the_brute_forces(vectors):
    indices, similarity = top_k(vectors, 7)
    assert indices.dtype == np.int32
    assert similarity.dtype == np.float32
    for query in range(300):
        assert indices[query].tolist() == brute_force(vectors, 7, query, range(300))
    assert (np.diff(similarity, axis=1) <= 0).all()


def test_queries_and_gallery_are_rows_of_the_table(vectors):
    queries, gallery = np.array([250, 3, 10]), np.array([10, 299, 3, 77, 5, 150])  # unsorted on purpose
    indices, _ = top_k(vectors, 4, queries, gallery)
    for query, row in zip(queries, indices, strict=True):
        assert row.tolist() == brute_force(vectors, 4, query, gallery)
    with_self, similarity = top_k(vectors, 4, queries, gallery, exclude_self=False)
    assert with_self[:, 0].tolist()[1:] == [3, 10]  # 250 is not in the gallery
    assert similarity[1:, 0] == pytest.approx(1)


def test_a_gallery_of_most_rows_is_searched_where_it_lies(vectors, monkeypatch):
    gallery = np.setdiff1d(np.arange(300), [0, 3, 299])
    queries = np.array([250, 3, 10])
    indices, similarity = top_k(vectors, 4, queries, gallery)
    for query, row in zip(queries, indices, strict=True):
        assert row.tolist() == brute_force(vectors, 4, query, gallery)
    copied = vectors[gallery]
    there = np.array([normalise(copied)[np.searchsorted(gallery, row)] for row in indices])
    assert similarity == pytest.approx(np.einsum("qkd,qd->qk", there, normalise(vectors)[queries]), abs=1e-6)
    with_self = top_k(vectors, 4, queries, gallery, exclude_self=False)[0]
    assert with_self[[0, 2], 0].tolist() == [250, 10] and 3 not in with_self[1]


def test_queries_may_ask_with_vectors_that_are_not_their_rows(vectors):
    queries, gallery = np.array([250, 3, 10]), np.array([10, 299, 3, 77, 5, 150])
    asking = np.random.default_rng(1).random((3, 40)).astype(np.float32)
    indices, similarity = top_k(vectors, 4, queries, gallery, query_vectors=asking)
    together = np.concatenate([vectors, asking])
    for place, (query, row) in enumerate(zip(queries, indices, strict=True)):
        assert row.tolist() == brute_force(together, 4, 300 + place, gallery[gallery != query])
    own = top_k(vectors, 7, queries, query_vectors=vectors[queries], block_rows=2)
    assert [part.tobytes() for part in own] == [part.tobytes() for part in top_k(vectors, 7, queries)]
    with_self, _ = top_k(vectors, 1, queries, query_vectors=vectors[queries], exclude_self=False)
    assert with_self[:, 0].tolist() == queries.tolist()
    unit = normalise(vectors)
    scaled = top_k(unit, 4, queries, gallery, query_vectors=normalise(asking), assume_unit=True)
    assert scaled[1].tobytes() == similarity.tobytes()
    with pytest.raises(ValueError, match="one vector for each of 3 queries; found 2"):
        top_k(vectors, 4, queries, query_vectors=asking[:2])
    with pytest.raises(ValueError, match="query of 40 dimensions, as the vectors have; found 39"):
        top_k(vectors, 4, queries, query_vectors=asking[:, :39])


def test_self_is_excluded_by_its_number_and_twins_stay():
    """The usual trap: dropping the last column of a sort as "self" drops the wrong one of two twins."""
    rows = np.random.default_rng(0).random((50, 16)).astype(np.float32)
    rows[[7, 20, 33]] = rows[7]
    indices, similarity = top_k(rows, 3)
    assert not (indices == np.arange(50)[:, np.newaxis]).any()
    assert indices[7, :2].tolist() == [20, 33]
    assert indices[20, :2].tolist() == [7, 33]
    assert indices[33, :2].tolist() == [7, 20]
    assert (similarity[[7, 20, 33], :2] == 1).all()


@pytest.mark.parametrize("dimensions", [3, 17, 257])
def test_ties_go_to_the_lower_row_wherever_they_stand_in_a_block(dimensions):
    """Forty identical rows: a plain float32 matrix product may give them different last bits."""
    rng = np.random.default_rng(dimensions)
    rows = rng.random((400, dimensions)).astype(np.float32)
    same = np.sort(rng.choice(np.arange(1, 400), 40, replace=False))
    rows[same] = rows[0] * 1.0001 + 0.001
    indices, similarity = top_k(rows, 40, queries=[0], block_rows=1)
    assert indices[0].tolist() == same.tolist()
    assert len(np.unique(similarity)) == 1


@pytest.mark.parametrize("block_rows", [1, 2, 7, 64, 1000])
def test_the_bytes_do_not_depend_on_the_block(vectors, block_rows):
    expected = top_k(vectors, 11)
    found = top_k(vectors, 11, block_rows=block_rows)
    assert [part.tobytes() for part in found] == [part.tobytes() for part in expected]


def test_the_bytes_do_not_depend_on_the_threads():
    code = (
        "import numpy as np, hashlib; from fashion.neighbours.exact import top_k;"
        "v = np.random.default_rng(1).random((1500, 96), np.float32);"
        "print(hashlib.sha256(b''.join(a.tobytes() for a in top_k(v, 9))).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(digests) == 1


def test_a_nearly_constant_table_is_ranked_exactly():
    """Cosines closer than the matrix product's rounding error: all rows are candidates."""
    rng = np.random.default_rng(3)
    rows = (1 + 1e-4 * rng.random((200, 64))).astype(np.float32)
    indices, _ = top_k(rows, 5, queries=[0, 100])
    unit = normalise(rows)
    for query, row in zip([0, 100], indices, strict=True):
        cosine = (unit.astype(np.float64) @ unit[query].astype(np.float64)).astype(np.float32)
        order = [other for other in np.lexsort((np.arange(200), -cosine)) if other != query]
        assert row.tolist() == order[:5]


def test_memory_stays_below_the_stated_bound():
    rows = normalise(np.random.default_rng(2).random((6000, 8), np.float32))
    cores = os.cpu_count()
    tracemalloc.start()
    top_k(rows, 5, block_rows=max(100 // cores, 1), assume_unit=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    table_and_result = rows.nbytes + 6000 * 5 * (8 + 4 + 4) * 2
    assert peak < 9 * 100 * 6000 + table_and_result + cores * 4 * 2**20  # and candidates, rescored 2 MiB at a time
    assert peak < 4 * 6000 * 6000 / 10


def test_normalise_has_length_one_at_any_scale_and_keeps_zero():
    rows = np.array([[3, 4], [0, 0], [1e-42, 0], [3e38, 3e38], [-2e-30, 0]], np.float32)
    unit = normalise(rows)
    assert unit.dtype == np.float32
    assert unit[0] == pytest.approx([0.6, 0.8])
    assert unit[1].tolist() == [0, 0]
    assert np.linalg.norm(unit[[2, 3, 4]], axis=1) == pytest.approx(1)
    assert normalise(np.array([[1e200, 1e200]]))[0] == pytest.approx([0.5**0.5] * 2)
    assert normalise(unit) == pytest.approx(unit)


def test_a_zero_row_is_similar_to_nothing(vectors):
    vectors[4] = 0
    indices, similarity = top_k(vectors, 299, queries=[4])
    assert (similarity == 0).all()
    assert indices[0].tolist() == [row for row in range(300) if row != 4]
    assert 4 not in top_k(vectors, 200, queries=[0])[0]


def test_scaling_does_not_change_neighbours(vectors):
    scale = 2.0 ** np.random.default_rng(0).integers(-5, 5, (300, 1))
    assert (top_k(vectors, 6)[0] == top_k(vectors * scale, 6)[0]).all()


def test_nearest_agrees_with_top_k_to_the_byte(vectors):
    indices, similarity = top_k(vectors, 6)
    unit = normalise(vectors)
    for query in (0, 17, 299):
        found, cosine = nearest(vectors[query], unit, 6, exclude=query, assume_unit=True)
        assert found.tobytes() == indices[query].tobytes()
        assert cosine.tobytes() == similarity[query].tobytes()


def test_nearest_filters_before_it_searches(vectors):
    mask = np.zeros(300, bool)
    mask[[299, 5, 8, 120]] = True
    found, _ = nearest(vectors[5], vectors, 3, mask, exclude=5)
    assert found.tolist() == brute_force(vectors, 3, 5, [8, 120, 299])
    found, _ = nearest(vectors[5], vectors, 50, mask, exclude=[5, 8])
    assert sorted(found) == [120, 299]  # fewer than k, as the filter leaves only two
    assert mask.sum() == 4  # the caller's mask is not written to
    found, similarity = nearest(vectors[5], vectors, 3, np.zeros(300, bool))
    assert len(found) == len(similarity) == 0


def test_cross_top_k_is_top_k_of_new_rows(vectors):
    new = vectors[:20] + 0.1
    together = np.concatenate([vectors, new])
    expected = top_k(together, 5, np.arange(300, 320), np.arange(300))
    found = cross_top_k(new, vectors, 5, block_rows=3)
    assert found[0].tobytes() == expected[0].tobytes()
    assert found[1].tobytes() == expected[1].tobytes()


def test_empty_queries_are_no_error(vectors):
    indices, similarity = top_k(vectors, 3, queries=[])
    assert indices.shape == similarity.shape == (0, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_damaged_vectors_name_the_row(vectors, bad):
    vectors[123, 7] = bad
    for call in (
        lambda: normalise(vectors),
        lambda: top_k(vectors, 3),
        lambda: nearest(vectors[0], vectors, 3),
    ):
        with pytest.raises(ArtefactError, match="found NaN or infinity in row 123 of 300"):
            call()


@pytest.mark.parametrize("shape", [(3,), (0,), (3, 0), (2, 2, 2)])
def test_a_table_of_another_shape_is_refused(shape):
    with pytest.raises(ArtefactError, match=r"expected vectors of shape \(n, d\)"):
        normalise(np.zeros(shape))


def test_arguments_that_do_not_fit_are_refused_with_both_numbers(vectors):
    with pytest.raises(ValueError, match=r"expected k from 1 to 299, .* found 300"):
        top_k(vectors, 300)
    assert top_k(vectors, 300, exclude_self=False)[0].shape == (300, 300)
    with pytest.raises(ValueError, match=r"expected k from 1 to 2, .* found 3"):
        top_k(vectors, 3, queries=[1], gallery=[1, 2, 3])
    assert top_k(vectors, 3, queries=[0], gallery=[1, 2, 3])[0].shape == (1, 3)
    with pytest.raises(ValueError, match="expected k from 1 to 0"):
        top_k(vectors, 1, gallery=[])
    with pytest.raises(ValueError, match="found 0"):
        nearest(vectors[0], vectors, 0)
    with pytest.raises(ValueError, match=r"expected rows from 0 to 299 in .*; found 5 to 300"):
        top_k(vectors, 3, queries=[5, 300])
    with pytest.raises(ValueError, match="found -1 to"):
        nearest(vectors[0], vectors, 3, exclude=-1)
    with pytest.raises(ValueError, match="found one more than once"):
        top_k(vectors, 1, gallery=[1, 2, 2])
    with pytest.raises(ValueError, match=r"expected row numbers in .*; found bool"):
        top_k(vectors, 1, queries=np.ones(300, bool))
    with pytest.raises(ValueError, match=r"expected a mask of bool, shape \(300,\)"):
        nearest(vectors[0], vectors, 3, mask=np.ones(299, bool))
    with pytest.raises(ValueError, match="expected a mask of bool"):
        nearest(vectors[0], vectors, 3, mask=np.arange(300))
    with pytest.raises(ValueError, match="query of 40 dimensions, as the vectors have; found 39"):
        nearest(vectors[0, :39], vectors, 3)
    with pytest.raises(ValueError, match="query of 40 dimensions, as the vectors have; found 39"):
        cross_top_k(vectors[:2, :39], vectors, 3)
    with pytest.raises(ValueError, match="block_rows"):
        top_k(vectors, 3, block_rows=0)


def test_the_engine_sums_pairs_alike_wherever_they_stand():
    unit = normalise(np.random.default_rng(9).random((5, 1280)))
    alone = cosines(unit, unit, np.array([1]), np.array([2]))
    many = cosines(unit, unit, np.full(999, 1), np.full(999, 2))
    assert (many == alone).all()
    places, _ = search(unit, np.array([1]), unit, 2, np.array([1]))
    assert 1 not in places


@pytest.mark.parametrize("width", [700, 4096, 4097, 5003, 64 * 70 - 1])
@pytest.mark.parametrize("k", [1, 6, 300])
def test_candidates_are_all_that_may_be_among_the_best(width, k):
    random = np.random.default_rng(width + k)
    rough = random.normal(size=(7, width)).astype(np.float32)
    rough[1] = rough[1].round(1)  # ties
    rough[2, : width // 2] = -np.inf
    rough[3] = np.sort(rough[3])
    rough[4, -k:] = 9  # the best at the end, some of them in the tail
    groups = width // 64
    rough[5] = -np.inf  # few places may be given, all of one group where k allows
    rough[5, np.arange(width)[::groups][: max(k, 8)] if k < 30 else slice(0, k)] = 0.5
    query, answer = candidates(rough, k, 0.01)
    limit = np.sort(rough, axis=1)[:, -k, np.newaxis]
    assert np.isfinite(limit).all()
    sure = [tuple(pair) for pair in np.argwhere(rough >= limit)]
    found = list(zip(query.tolist(), answer.tolist(), strict=True))
    assert found == sorted(set(found)) and set(sure) <= set(found)
    assert len(found) < len(sure) + 7 * max(30, k) * 2, "few more than needed"
