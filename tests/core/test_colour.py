"""Colours against the published CIEDE2000 test data and known sRGB values."""

import re

import numpy as np
import pytest

from fashion.core.colour import delta_e, distances_to_words, hex_to_lab, lab_to_hex, nearest_colour_word

#: From the supplement of Sharma, Wu & Dalal 2005: pairs chosen to find wrong implementations.
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
]
WORDS = {"black": "#000000", "white": "#ffffff", "red": "#ff0000", "navy": "#000080", "beige": "#f5f5dc"}


@pytest.mark.parametrize(("first", "second", "expected"), SHARMA)
def test_ciede2000_is_the_published_one_both_ways(first, second, expected):
    assert delta_e(first, second) == pytest.approx(expected, abs=1e-4)
    assert delta_e(second, first) == pytest.approx(expected, abs=1e-4)


def test_delta_e_broadcasts_like_one_by_one():
    """scikit-image alone gives shape (3,) for the second of these."""
    rng = np.random.default_rng(0)
    table, reference = rng.uniform(-50, 90, (6, 3)), rng.uniform(-50, 90, (4, 3))
    expected = np.array([[float(delta_e(row, other)) for other in reference] for row in table])
    assert delta_e(table[:, np.newaxis], reference) == pytest.approx(expected)
    assert delta_e(table[0], reference) == pytest.approx(expected[0])
    assert delta_e(reference, table[0]) == pytest.approx(expected[0])
    assert np.isnan(delta_e([np.nan, 0, 0], [1, 2, 3]))


def test_known_colours_in_lab():
    assert hex_to_lab("#ffffff") == pytest.approx([100, 0, 0], abs=0.01)
    assert hex_to_lab("000000") == pytest.approx([0, 0, 0], abs=0.01)
    assert hex_to_lab("#FF0000") == pytest.approx([53.24, 80.09, 67.20], abs=0.01)
    assert hex_to_lab(["#00ff00", "#0000ff"]) == pytest.approx(
        np.array([[87.74, -86.18, 83.18], [32.30, 79.19, -107.86]]), abs=0.02
    )
    assert hex_to_lab([]).shape == (0, 3)


def test_hex_survives_the_way_there_and_back():
    rng = np.random.default_rng(1)
    words = [f"#{value:06x}" for value in [0, 0xFFFFFF, 0x808080, *rng.integers(0, 1 << 24, 500)]]
    assert lab_to_hex(hex_to_lab(words)) == words
    assert lab_to_hex(hex_to_lab("#1f3a93")) == "#1f3a93"


def test_colours_that_srgb_cannot_show_are_clipped_not_wrapped():
    assert lab_to_hex([200, 0, 0]) == "#ffffff"
    assert lab_to_hex([-5, 0, 0]) == "#000000"
    assert re.fullmatch("#[0-9a-f]{6}", lab_to_hex([5, 0, 120]))


@pytest.mark.parametrize("bad", ["", "#fff", "red", "#12345g", "#1234567", "# 12345", None])
def test_a_word_that_is_no_colour_is_refused_by_name(bad):
    with pytest.raises(ValueError, match="expected a colour like"):
        hex_to_lab([bad])


def test_the_nearest_word_is_the_least_difference():
    rng = np.random.default_rng(2)
    lab = hex_to_lab([f"#{value:06x}" for value in rng.integers(0, 1 << 24, 5000)])  # more than one block
    words, differences = nearest_colour_word(lab, WORDS)
    table = distances_to_words(lab, WORDS)
    assert table.shape == (5000, 5)
    for row in (0, 4095, 4096, 4999):
        single = {word: float(delta_e(lab[row], hex_to_lab(colour))) for word, colour in WORDS.items()}
        assert words[row] == min(single, key=single.get)
        assert differences[row] == pytest.approx(min(single.values()))
        assert table[row] == pytest.approx(list(single.values()))


def test_every_word_is_nearest_to_itself():
    words, differences = nearest_colour_word(hex_to_lab(WORDS.values()), WORDS)
    assert words.tolist() == list(WORDS)
    assert differences == pytest.approx(0, abs=1e-6)


def test_nothing_to_choose_from_or_to_name_is_an_error():
    with pytest.raises(ValueError, match="at least one colour word"):
        nearest_colour_word([[50, 0, 0]], {})
    with pytest.raises(ValueError, match="row 1 of 2"):
        nearest_colour_word([[50, 0, 0], [np.nan, 0, 0]], WORDS)
    with pytest.raises(ValueError, match=r"expected lab of shape \(3,\) or \(n, 3\)"):
        nearest_colour_word([[50, 0]], WORDS)
