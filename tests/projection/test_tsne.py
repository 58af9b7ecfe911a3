"""The map: the same bytes, neighbours kept, new items where they belong. One map of 240 items serves most."""

import hashlib
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from sklearn.decomposition import PCA

from fashion.core.errors import ArtefactError, SettingsError
from fashion.neighbours.exact import normalise, top_k
from fashion.projection.tsne import PHASES, Map, _start, map_trustworthiness, neighbour_recall, place_new, tsne_map

GROUPS, OF_EACH, DIMENSIONS = 6, 40, 32


def garments(seed, of_each=OF_EACH):
    """Six groups of vectors about six directions, and each one's group."""
    centres = np.random.default_rng(0).normal(size=(GROUPS, DIMENSIONS))
    group = np.repeat(np.arange(GROUPS), of_each)
    noise = np.random.default_rng(seed).normal(size=(len(group), DIMENSIONS))
    return (centres[group] + 0.5 * noise).astype(np.float32), group


@pytest.fixture(scope="module")
def vectors():
    return garments(1)[0]


@pytest.fixture(scope="module")
def reports():
    return []


@pytest.fixture(scope="module")
def chart(vectors, reports):
    return tsne_map(vectors, 3, progress=lambda *report: reports.append(report))


def of_the_same_group(chart, xy, group, k=5):
    """Share of the k nearest map items that are of one's own group."""
    distances = np.linalg.norm(xy[:, np.newaxis] - chart.xy, axis=2)
    return (garments(1)[1][np.argsort(distances, axis=1)[:, 1 : k + 1]] == group[:, np.newaxis]).mean()


def test_groups_become_islands(chart):
    group = garments(1)[1]
    assert chart.xy.shape == (240, 2)
    assert chart.xy.dtype == np.float32
    assert of_the_same_group(chart, chart.xy, group) > 0.99
    assert chart.xy.max(axis=0) + chart.xy.min(axis=0) == pytest.approx(0, abs=1e-4)


def test_optimisation_is_what_makes_it_good(vectors, chart):
    """The start, two principal components, keeps fewer neighbours than the map."""
    _, _, axes = np.linalg.svd(chart.unit - chart.unit.mean(axis=0), full_matrices=False)
    start = chart.unit @ axes[:2].T
    assert neighbour_recall(vectors, chart.xy) > neighbour_recall(vectors, start) + 0.1
    assert map_trustworthiness(chart.unit, chart.xy) > 0.9


def test_the_same_seed_gives_the_same_bytes_in_other_processes_with_other_threads(vectors, tmp_path):
    np.save(tmp_path / "vectors.npy", vectors[::2])
    code = (
        "import sys, hashlib, numpy as np; from fashion.projection.tsne import place_new, tsne_map;"
        "v = np.load(sys.argv[1]); m = tsne_map(v, 7, threads=int(sys.argv[2]), perplexity=10);"
        "new = place_new(m, v[:9] + 0.01, threads=int(sys.argv[2]));"
        "print(hashlib.sha256(m.xy.tobytes() + new.tobytes()).hexdigest(), m.divergence)"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "vectors.npy"), threads],
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert found[0] == found[1]


def test_another_seed_and_another_start_give_another_map(vectors):
    part = vectors[::4]
    maps = [tsne_map(part, 1), tsne_map(part, 2), tsne_map(part, 1, initialisation="random")]
    digests = {hashlib.sha256(one.xy.tobytes()).digest() for one in maps}
    assert len(digests) == 3
    assert all(one.perplexity == pytest.approx(59 / 3) for one in maps)  # lowered from 30: only 60 items


def test_many_items_have_a_lower_perplexity_unless_one_is_given(vectors, monkeypatch):
    part = vectors[::2]
    assert tsne_map(part, 1).perplexity == 30
    monkeypatch.setattr("fashion.projection.tsne.MANY", len(part))
    assert tsne_map(part, 1).perplexity == 15 and tsne_map(part, 1, perplexity=20).perplexity == 20


def test_progress_is_told_and_changes_nothing(vectors, chart, reports):
    total = sum(steps for steps, _ in PHASES)
    assert [done for done, _, _ in reports] == list(range(50, total + 1, 50))
    assert {of for _, of, _ in reports} == {total}
    assert all(later < earlier for earlier, later in pairwise(kl for done, _, kl in reports if done > 300))
    assert tsne_map(vectors, 3).xy.tobytes() == chart.xy.tobytes()


def test_new_items_land_among_their_own(chart):
    fresh, group = garments(99, of_each=10)
    xy = place_new(chart, fresh)
    assert xy.shape == (60, 2)
    assert xy.dtype == np.float32
    assert of_the_same_group(chart, xy, group) > 0.95


def test_known_items_are_placed_near_themselves(vectors, chart):
    shift = np.linalg.norm(place_new(chart, vectors) - chart.xy, axis=1)
    apart = np.linalg.norm(chart.xy - chart.xy[::-1], axis=1)
    assert np.median(shift) < 0.15 * np.median(apart)


def test_a_new_items_place_does_not_depend_on_the_others(vectors, chart):
    fresh, _ = garments(99, of_each=2)
    before = chart.xy.tobytes()
    together = place_new(chart, fresh)
    alone = np.concatenate([place_new(chart, row[np.newaxis]) for row in fresh])
    assert together.tobytes() == alone.tobytes()
    assert chart.xy.tobytes() == before  # openTSNE moves the map it places on; ours must not move


def test_a_map_from_stored_arrays_places_alike(chart, tmp_path):
    fresh, _ = garments(5, of_each=1)
    np.savez(tmp_path / "map.npz", xy=chart.xy, unit=chart.unit)
    stored = np.load(tmp_path / "map.npz")
    again = Map(stored["xy"], stored["unit"], 0.0, 30.0)
    assert place_new(again, fresh).tobytes() == place_new(chart, fresh).tobytes()


def test_ugly_tables_still_give_finite_maps(vectors):
    part = vectors[:30].copy()
    part[3] = 0
    part[10:20] = part[10]
    assert np.isfinite(tsne_map(part, 0).xy).all()
    assert np.isfinite(tsne_map(np.ones((6, 3)), 0).xy).all()  # all the same
    assert tsne_map(vectors[:4, :2], 0).xy.shape == (4, 2)
    assert place_new(tsne_map(part, 0), np.zeros((1, DIMENSIONS))).shape == (1, 2)


def test_arguments_that_do_not_fit_are_refused(vectors, chart):
    with pytest.raises(ArtefactError, match=r"at least 4 items.*Take more items"):
        tsne_map(vectors[:3], 0)
    with pytest.raises(ArtefactError, match=r"found shape \(240, 1\)\. Take vectors of more dimensions"):
        tsne_map(vectors[:, :1], 0)
    vectors_with_nan = vectors.copy()
    vectors_with_nan[5, 5] = np.nan
    with pytest.raises(ArtefactError, match="row 5 of 240"):
        tsne_map(vectors_with_nan, 0)
    with pytest.raises(SettingsError, match="initialisation"):
        tsne_map(vectors, 0, initialisation="spectral")
    with pytest.raises(SettingsError, match="perplexity"):
        tsne_map(vectors, 0, perplexity=0)
    with pytest.raises(ValueError, match="of 32 dimensions, as the vectors have; found 31"):
        place_new(chart, vectors[:, :31])
    with pytest.raises(ValueError, match="positions of shape"):
        place_new(Map(chart.xy[:5], chart.unit, 0.0, 30.0), vectors[:2])
    assert place_new(chart, np.empty((0, DIMENSIONS))).shape == (0, 2)


def brute_force_recall(vectors, xy, k, rows=None):
    expected, _ = top_k(vectors, k)
    shares = []
    for row in range(len(xy)) if rows is None else rows:
        distances = np.linalg.norm(xy - xy[row], axis=1)
        distances[row] = np.inf
        shares.append(len(set(np.argsort(distances)[:k]) & set(expected[row])) / k)
    return np.mean(shares)


def test_neighbour_recall_is_the_brute_forces(vectors, chart):
    for k in (1, 10):
        assert neighbour_recall(vectors, chart.xy, k) == pytest.approx(brute_force_recall(vectors, chart.xy, k))
    anywhere = np.random.default_rng(0).random((240, 2))
    assert neighbour_recall(vectors, anywhere, 10) == pytest.approx(10 / 239, abs=0.02)
    assert neighbour_recall(vectors, anywhere, 239) == 1


def test_neighbour_recall_of_a_part_is_that_of_those_who_ask(vectors, chart):
    asked = np.sort(np.random.default_rng(3).choice(len(vectors), 50, replace=False))
    part = neighbour_recall(vectors, chart.xy, 10, seed=3, limit=50)
    assert part == pytest.approx(brute_force_recall(vectors, chart.xy, 10, asked))


def test_neighbour_recall_of_a_circle_is_perfect_and_twins_do_no_harm():
    angle = np.linspace(0, 1.5, 40) ** 1.3
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert neighbour_recall(circle, circle, 3) == 1
    assert 0 <= neighbour_recall(circle, np.zeros((40, 2)), 3) <= 1  # every item in one place
    with pytest.raises(ValueError, match=r"expected xy of shape \(40, 2\)"):
        neighbour_recall(circle, circle[:39], 3)


def test_trustworthiness_is_the_formulas():
    rng = np.random.default_rng(4)
    unit, xy = normalise(rng.normal(size=(40, 5))), rng.random((40, 2)).astype(np.float32)
    n, k, penalty = 40, 6, 0
    for row in range(n):
        cosine_rank = np.argsort(np.argsort([-(unit[row] @ other) for other in unit], kind="stable"))  # self: 0
        distances = np.linalg.norm(xy - xy[row], axis=1)
        distances[row] = np.inf
        penalty += sum(max(0, cosine_rank[other] - k) for other in np.argsort(distances)[:k])
    expected = 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty
    assert map_trustworthiness(unit, xy, k) == pytest.approx(expected)


def test_trustworthiness_of_a_part_is_seeded(chart):
    parts = [map_trustworthiness(chart.unit, chart.xy, 5, seed=seed, limit=100) for seed in (1, 1, 2)]
    assert parts[0] == parts[1] != parts[2]
    assert parts[0] == pytest.approx(map_trustworthiness(chart.unit, chart.xy, 5), abs=0.05)
    shuffled = Map(np.random.default_rng(0).permutation(chart.xy), chart.unit, 0.0, 30.0)
    assert map_trustworthiness(shuffled.unit, shuffled.xy, 5) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("count", [4, 20, 60])
def test_a_map_starts_along_the_principal_components_by_either_way(count):
    """Fewer vectors than dimensions are decomposed themselves, more by their scatter matrix: scikit-learn's PCA."""
    rows = np.random.default_rng(count).normal(size=(count, 30)).astype(np.float32)
    start = _start(rows, 0, "pca") - 1e-6 * np.random.default_rng(0).normal(size=(count, 2))
    expected = PCA(2, svd_solver="full").fit_transform(rows.astype(np.float64))
    expected *= 1e-4 / expected[:, 0].std()
    assert np.abs(start) == pytest.approx(np.abs(expected), abs=1e-10)
