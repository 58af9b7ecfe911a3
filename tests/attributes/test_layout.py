"""Distributions, known words, and the vectors that descriptions make."""

import numpy as np
import pytest

from fashion.attributes.layout import (
    LOOKS_SHARE,
    NEAR_SHARE,
    Layout,
    as_queries,
    blend_words,
    distribution,
    looks_of,
    near_colours,
)
from fashion.catalogue.translation import colour_hexes
from fashion.core.colour import delta_e, hex_to_lab
from fashion.neighbours.exact import filled


def test_distribution_is_a_softmax_without_overflow():
    assert np.allclose(distribution(np.array([[0.0, np.log(3.0)], [1000.0, 0.0]])), [[0.25, 0.75], [1, 0]])


def test_known_words_are_mixed_in_and_unknown_ones_change_nothing():
    seen = np.array([[0.2, 0.8], [0.5, 0.5], [0.4, 0.6]], np.float32)
    mixed = blend_words(seen, ["a", "new", None], ("a", "b"), trust=0.9)
    assert np.allclose(mixed, [[0.92, 0.08], [0.5, 0.5], [0.4, 0.6]]) and mixed.dtype == np.float32
    assert np.allclose(seen[0], [0.2, 0.8]), "what was given is not written over"
    with pytest.raises(ValueError, match="one word for each of 3"):
        blend_words(seen, ["a"], ("a", "b"))


def test_looks_weigh_expected_agreement_and_frozen_looks():
    category, looks = np.array([[1.0, 0], [0.5, 0.5], [0, 1.0]]), np.array([[2.0, 0], [0, 5.0], [2.0, 0]])
    rows = looks_of(category, np.eye(2, dtype=np.float32), looks)
    products = rows @ rows.T
    assert products[0, 1] == pytest.approx((1 - LOOKS_SHARE) * 0.5) and products[0, 2] == pytest.approx(LOOKS_SHARE)
    assert products[1, 1] == pytest.approx((1 - LOOKS_SHARE) * 0.5 + LOOKS_SHARE)


def test_filled_rows_have_length_one():
    rows = filled(np.array([[0.6, 0.0], [1.0, 0.0], [0.0, 0.0], [1 + 1e-6, 0]]))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1) and np.allclose(rows[:, 2], [0.8, 0, 1, 0], atol=2e-3)


LAYOUT = Layout(("boots", "hat"), ("red", "crimson", "blue", "house colour"), np.eye(2, dtype=np.float32), 6)


def test_words_as_a_vector():
    vector = LAYOUT.vector("hat", "red")
    assert vector.shape == (11,) == (LAYOUT.width,) and vector[5] == vector[-1] == 0
    assert np.allclose(vector[:5], [0, np.sqrt(1 - LOOKS_SHARE), 0, 0, 0]) and vector[6:].sum() == pytest.approx(1)
    assert not LAYOUT.vector(None, "red")[:6].any() and not LAYOUT.vector("unknown", None).any()


def test_near_colours_follow_the_eye():
    shares = near_colours("red", LAYOUT.colours)
    assert shares.sum() == pytest.approx(1) and shares[0] == pytest.approx(1 - NEAR_SHARE)
    hexes = colour_hexes()
    apart = [delta_e(hex_to_lab(hexes["red"]), hex_to_lab(hexes[word])) for word in ("crimson", "blue")]
    assert apart[0] < apart[1] and shares[1] > 100 * shares[2] and shares[3] == 0
    assert near_colours("house colour", LAYOUT.colours).tolist() == [0, 0, 0, 1]
    assert near_colours("red", ("red",)).tolist() == [1]


def answering(seed=1, n=5):
    """Rows of two filled parts, of 3 and 2 numbers, with the two products that they stand for."""
    random = np.random.default_rng(seed)
    looks, colour = random.dirichlet([0.3] * 3, n), random.dirichlet([0.3] * 2, n)
    return np.concatenate([filled(looks), filled(colour)], axis=1), looks @ looks.T, colour @ colour.T


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_what_asks_chooses_the_balance_and_products_are_expected_agreements(weight):
    rows, looks, colour = answering()
    asking = as_queries(rows, 4, weight)
    assert np.allclose(asking @ rows.T, (1 - weight) * looks + weight * colour, atol=1e-6)
    # Answers are of one length, so the order by cosine is the order by expected agreement.
    assert np.allclose(np.linalg.norm(rows, axis=1), np.sqrt(2), atol=1e-6)


def test_expected_agreement_is_how_often_draws_agree():
    random = np.random.default_rng(0)
    p, q = np.array([[0.7, 0.2, 0.1]]), np.array([[0.3, 0.3, 0.4]])
    draws = [random.choice(3, 40_000, p=x[0]) for x in (p, q)]
    product = (
        as_queries(np.concatenate([filled(p), filled(p)], axis=1), 4, 0.5)
        @ np.concatenate([filled(q), filled(q)], axis=1).T
    )
    assert product[0, 0] == pytest.approx((draws[0] == draws[1]).mean(), abs=0.01)


def test_a_part_that_stands_alone_has_all_the_weight():
    rows = np.array([[0, 0, 0.5, 0.6, 0.4, 0.5], [0.6, 0.4, 0.5, 0, 0, 0.5], [0, 0, 0, 0, 0, 0.0]])
    asking = as_queries(rows, 3, 0.2)
    assert np.allclose(asking, [[0, 0, 0, 0.6, 0.4, 0], [0.6, 0.4, 0, 0, 0, 0], [0] * 6])
    with pytest.raises(ValueError, match="expected a colour weight"):
        as_queries(rows, 3, -0.1)
