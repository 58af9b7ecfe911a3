"""Resemblance is the largest cosine, block by block, without a photo's own group."""

import numpy as np

from fashion.neighbours import resemblance as module
from fashion.neighbours.resemblance import resemblance


def test_equals_brute_force_across_blocks(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 7)
    random = np.random.default_rng(0)
    photos, gallery = random.normal(size=(9, 6)), random.normal(size=(40, 6))
    cosines = photos @ gallery.T / np.linalg.norm(photos, axis=1)[:, None] / np.linalg.norm(gallery, axis=1)
    np.testing.assert_allclose(resemblance(photos, gallery), cosines.max(axis=1), atol=1e-6)
    lengths = np.linalg.norm(gallery, axis=1)
    np.testing.assert_allclose(resemblance(photos, gallery, lengths=lengths), cosines.max(axis=1), atol=1e-6)
    groups, own = np.arange(40) % 5, np.arange(9) % 5
    apart = np.where(own[:, None] == groups, -1, cosines)
    np.testing.assert_allclose(resemblance(photos, gallery, own=own, groups=groups), apart.max(axis=1), atol=1e-6)


def test_nothing_to_compare_with_is_minus_one():
    photo = np.ones((1, 2))
    assert resemblance(photo, photo, own=np.array([0]), groups=np.array([0])).tolist() == [-1]
    assert resemblance(photo, np.empty((0, 2))).tolist() == [-1]
