"""Distributions, known words, and the vectors that descriptions make."""

from dataclasses import replace

import numpy as np
import pytest

from fashion.attributes.layout import (
    NEAR_SHARE,
    Layout,
    blend_words,
    distribution,
    near_colours,
    require_present,
)
from fashion.catalogue.translation import colour_hexes
from fashion.core.colour import delta_e, hex_to_lab
from fashion.core.errors import ArtefactError
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


def test_filled_rows_have_length_one():
    rows = filled(np.array([[0.6, 0.0], [1.0, 0.0], [0.0, 0.0], [1 + 1e-6, 0]]))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1) and np.allclose(rows[:, 2], [0.8, 0, 1, 0], atol=2e-3)


LAYOUT = Layout(
    ("boots", "hat"), ("red", "crimson", "blue", "house colour"), np.eye(2, dtype=np.float32), {"gender": ("m", "w")}, 3
)


def test_words_as_a_vector():
    vector = LAYOUT.vector(category="hat", colour="red")
    assert vector.shape == (LAYOUT.width,) == (3 + 5 + 3 + 3 + 2,)
    assert vector[:3].tolist() == [0, 1, 0] and vector[3:7].sum() == pytest.approx(1) and not vector[7:].any()
    assert not LAYOUT.vector(colour="red")[:3].any() and not LAYOUT.vector(category="unknown", size="M").any()
    assert LAYOUT.vector(gender="w")[LAYOUT.parts["gender"]].tolist() == [0, 1, 0]


def test_near_colours_follow_the_eye():
    hexes = colour_hexes()
    shares = near_colours("red", LAYOUT.colours, hexes)
    assert shares.sum() == pytest.approx(1) and shares[0] == pytest.approx(1 - NEAR_SHARE)
    apart = [delta_e(hex_to_lab(hexes["red"]), hex_to_lab(hexes[word])) for word in ("crimson", "blue")]
    assert apart[0] < apart[1] and shares[1] > 100 * shares[2] and shares[3] == 0
    assert near_colours("house colour", LAYOUT.colours, hexes).tolist() == [0, 0, 0, 1]
    assert near_colours("red", ("red",), hexes).tolist() == [1]
    own = {"red": "#d33a37", "crimson": "#000040", "blue": "#d03a30"}  # a shop whose blue is red
    assert near_colours("red", LAYOUT.colours, own)[2] > 100 * near_colours("red", LAYOUT.colours, own)[1]
    part = replace(LAYOUT, swatches=own).vector(colour="red")[LAYOUT.parts["colour"]]
    assert np.array_equal(part[:-1], near_colours("red", LAYOUT.colours, own))


def gallery(seed=1, n=5):
    """Gallery vectors, and each part's products."""
    random = np.random.default_rng(seed)
    seen = {column: random.dirichlet([0.3] * len(words), n) for column, words in LAYOUT.words.items()}
    looks = random.normal(size=(n, 3))
    unit = looks / np.linalg.norm(looks, axis=1, keepdims=True)
    return LAYOUT.compose(seen, looks), {c: p @ p.T for c, p in seen.items()} | {"looks": unit @ unit.T}


@pytest.mark.parametrize(("colour", "looks"), [(0.0, 0.0), (0.3, 0.2), (1.0, 0.5), (0.5, 1.0)])
def test_products_are_the_weighted_agreement_of_the_parts(colour, looks):
    rows, parts = gallery()
    weights = LAYOUT.weights(colour, looks)
    assert sum(weights.values()) == pytest.approx(1) and weights["looks"] == looks
    if colour not in (0, 1) and looks < 1:
        assert weights["colour"] / weights["category"] == pytest.approx(colour / (1 - colour))
    expected = sum(weight * parts[name] for name, weight in weights.items())
    assert np.allclose(LAYOUT.queries(rows, weights) @ rows.T, expected, atol=1e-6)
    # Gallery vectors are of one length, so the order by cosine is the order by agreement.
    assert np.allclose(np.linalg.norm(rows, axis=1), LAYOUT.length, atol=1e-6)
    similar = LAYOUT.similarities(rows[:1], rows)
    assert all(np.allclose(similar[name], parts[name][0], atol=1e-6) for name in parts)


def test_a_further_column_weighs_what_the_report_chose_and_the_others_their_usual():
    plain = replace(LAYOUT, further={"gender": ("m", "w"), "usage": ("sport", "formal")})
    heavier = replace(plain, further_shares={"gender": 0.3})
    weights, usual = heavier.weights(0.25, 0.2), plain.weights(0.25, 0.2)
    assert weights["gender"] / (weights["category"] + weights["colour"]) == pytest.approx(0.3)
    assert weights["usage"] / weights["category"] == pytest.approx(usual["usage"] / usual["category"])
    assert sum(weights.values()) == pytest.approx(1)


def test_without_looks_and_further_columns_two_parts_are_left():
    plain = Layout(("a", "b"), ("red",), np.eye(2, dtype=np.float32))
    rows = plain.compose({"category": np.eye(2), "colour": np.ones((2, 1))}, np.empty((2, 0)))
    assert np.allclose(np.linalg.norm(rows, axis=1), plain.length) and plain.weights(0.5, 0)["looks"] == 0
    assert np.allclose(plain.queries(rows, plain.weights(0.5, 0)) @ rows.T, [[1, 0.5], [0.5, 1]])


def test_looks_of_half_a_length_count_half():
    rows, parts = gallery()
    halved = rows.copy()
    halved[:, LAYOUT.parts["looks"]] *= 0.5
    weights = LAYOUT.weights(0.5, 0.4)
    words = {name: weight for name, weight in weights.items() if name != "looks"}
    expected = (sum(w * parts[n] for n, w in words.items()) + 0.2 * parts["looks"]) / (sum(words.values()) + 0.2)
    assert np.allclose(LAYOUT.queries(halved, weights) @ rows.T, expected, atol=1e-6)
    assert np.allclose(LAYOUT.similarities(halved[:1], rows)["looks"], parts["looks"][0], atol=1e-6)


def test_further_columns_never_outweigh_category_and_colour():
    many = Layout(("a",), ("r",), np.eye(1, dtype=np.float32), {f"c{n}": ("x", "y") for n in range(12)})
    weights = many.weights(0.5, 0.0)
    assert weights["category"] + weights["colour"] == pytest.approx(1 / 1.3, abs=1e-6)
    assert sum(weights.values()) == pytest.approx(1, abs=1e-6)


def test_an_earlier_versions_report_is_refused_with_what_to_do():
    with pytest.raises(ArtefactError, match=r"none of further, looks, looks_checksum.*(make|fashion) report"):
        require_present({"categories": []})


def test_a_correction_for_hubs_is_added_to_every_similarity_and_keeps_the_length():
    rows, _ = gallery()
    plain = LAYOUT.queries(rows) @ rows.T
    corrected = LAYOUT.with_hubs(rows, np.linspace(-0.3, 0.2, 5))
    assert np.allclose(LAYOUT.queries(corrected) @ corrected.T, plain + np.linspace(-0.3, 0.2, 5), atol=1e-6)
    assert np.allclose(np.linalg.norm(corrected, axis=1), LAYOUT.length, atol=1e-6)


def test_expected_agreement_is_how_often_draws_agree():
    random = np.random.default_rng(0)
    layout = Layout(("a", "b", "c"), ("red",), np.eye(3, dtype=np.float32))
    p, q = np.array([[0.7, 0.2, 0.1]]), np.array([[0.3, 0.3, 0.4]])
    draws = [random.choice(3, 40_000, p=x[0]) for x in (p, q)]
    none = np.empty((1, 0))
    ask, answer = (layout.compose({"category": x, "colour": np.ones((1, 1))}, none) for x in (p, q))
    product = layout.queries(ask, layout.weights(0, 0)) @ answer.T
    assert product[0, 0] == pytest.approx((draws[0] == draws[1]).mean(), abs=0.01)


def test_parts_that_a_query_leaves_open_share_their_weight():
    rows, _ = gallery()
    for words in ({"colour": "red"}, {"category": "hat"}, {"category": "hat", "colour": "red"}):
        query = LAYOUT.vector(**words)[np.newaxis]
        products = LAYOUT.queries(query, LAYOUT.weights(0.25, 0.4)) @ rows.T
        alone = {name: (LAYOUT.similarities(query, rows)[name]) for name in words}
        share = {"category": 0.75, "colour": 0.25} if len(words) == 2 else dict.fromkeys(words, 1.0)
        assert np.allclose(products[0], sum(share[name] * alone[name] for name in words), atol=1e-6)
    both = LAYOUT.vector(category="hat", colour="red")[np.newaxis]
    alone = LAYOUT.queries(both, LAYOUT.weights(0.25, 1.0)) @ rows.T  # looks alone, and words are all that is stated
    similar = LAYOUT.similarities(both, rows)
    assert np.allclose(alone[0], (similar["category"] + similar["colour"]) / 2, atol=1e-6) and alone.max() <= 1
    query = LAYOUT.vector(colour="red")[np.newaxis]
    only = LAYOUT.queries(query, LAYOUT.weights(0.5, 1.0)) @ rows.T  # looks alone, and none are shown
    assert np.allclose(only[0], LAYOUT.similarities(query, rows)["colour"], atol=1e-6)
    assert not LAYOUT.queries(np.zeros((1, LAYOUT.width))).any()
    for wrong in ({"colour_weight": -0.1}, {"looks_weight": 1.1}):
        with pytest.raises(ValueError, match=r"weight from 0 .ignored. to 1"):
            LAYOUT.weights(**wrong)
