"""Distributions, known words, and the vectors that descriptions make."""

import numpy as np
import pytest

from fashion.colour import delta_e, hex_to_lab
from fashion.description import (
    LOOKS_SHARE,
    NEAR_SHARE,
    Layout,
    balanced_query,
    blend_words,
    distribution,
    looks_part,
    near_colours,
)
from fashion.translation import colour_hexes


def test_distribution_is_a_softmax_that_temperature_sharpens():
    logits = np.array([[0.0, np.log(3.0)], [1000.0, 0.0]])
    assert np.allclose(distribution(logits), [[0.25, 0.75], [1, 0]])
    assert np.allclose(distribution(logits[:1], 0.5), [[0.1, 0.9]])


def test_known_words_are_mixed_in_and_unknown_ones_change_nothing():
    seen = np.array([[0.2, 0.8], [0.5, 0.5], [0.4, 0.6]], np.float32)
    mixed = blend_words(seen, ["a", "new", None], ("a", "b"), trust=0.9)
    assert np.allclose(mixed, [[0.92, 0.08], [0.5, 0.5], [0.4, 0.6]]) and mixed.dtype == np.float32
    assert np.allclose(seen[0], [0.2, 0.8]), "what was given is not written over"
    with pytest.raises(ValueError, match="one word for each of 3"):
        blend_words(seen, ["a"], ("a", "b"))


def test_looks_part_weighs_category_and_looks():
    category, looks = np.array([[1.0, 0], [1.0, 0], [0, 1.0]]), np.array([[2.0, 0], [0, 5.0], [2.0, 0]])
    part = looks_part(category, np.eye(2, dtype=np.float32), looks)
    cosine = part @ part.T
    assert np.allclose(np.linalg.norm(part, axis=1), 1)
    assert cosine[0, 1] == pytest.approx(1 - LOOKS_SHARE) and cosine[0, 2] == pytest.approx(LOOKS_SHARE)


LAYOUT = Layout(("boots", "hat"), ("red", "crimson", "blue", "house colour"), np.eye(2, dtype=np.float32), 5)


def test_words_as_a_vector():
    vector = LAYOUT.vector("hat", "red")
    assert vector.shape == (9,) == (LAYOUT.width,)
    assert np.allclose(vector[:5], [0, 1, 0, 0, 0]) and np.linalg.norm(vector[5:]) == pytest.approx(1)
    assert not LAYOUT.vector(None, "red")[:5].any() and not LAYOUT.vector("unknown", None).any()


def test_near_colours_follow_the_eye():
    shares = near_colours("red", LAYOUT.colours)
    assert shares.sum() == pytest.approx(1) and shares[0] == pytest.approx(1 - NEAR_SHARE)
    hexes = colour_hexes()
    apart = [delta_e(hex_to_lab(hexes["red"]), hex_to_lab(hexes[word])) for word in ("crimson", "blue")]
    assert apart[0] < apart[1] and shares[1] > 100 * shares[2] and shares[3] == 0
    assert near_colours("house colour", LAYOUT.colours).tolist() == [0, 0, 0, 1]
    assert near_colours("red", ("red",)).tolist() == [1]


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_balance_is_set_on_the_query_alone(weight):
    random = np.random.default_rng(1)
    parts = [random.normal(size=(4, d)) for d in (3, 2)]
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts]
    gallery = np.concatenate(unit, axis=1)
    expected = (1 - weight) * unit[0] @ unit[0][0] + weight * unit[1] @ unit[1][0]
    assert np.allclose(gallery @ balanced_query(7 * gallery[0], 3, weight), expected, atol=1e-6)


def test_a_part_that_stands_alone_has_all_the_weight():
    assert np.allclose(balanced_query(np.array([0, 0, 3.0, 4.0]), 2, 0.2), [0, 0, 0.6, 0.8])
    assert np.allclose(balanced_query(np.array([3.0, 4.0, 0, 0]), 2, 0.9), [0.6, 0.8, 0, 0])
    assert not balanced_query(np.zeros(4), 2, 0.5).any()
    with pytest.raises(ValueError, match="expected a colour weight"):
        balanced_query(np.ones(4), 2, -0.1)
