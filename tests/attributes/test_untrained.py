"""Where no network is trained: looks keep their distances, colours are read as measured, words are the catalogue's."""

import numpy as np
import pandas as pd
import pytest

from fashion.attributes.network import load_network
from fashion.attributes.palette import measured_colours
from fashion.attributes.untrained import LEAST_TAUGHT, untrained_network, usual_weights, why_untrained
from fashion.neighbours.exact import normalise, top_k
from fashion.photos.descriptors import LAB_SCALE
from fashion.recommendation.photo_query import likeliest_words

COLOURS = {"red": (0.4, 0.5, 0.3), "blue": (0.3, 0.1, -0.5), "white": (0.9, 0.0, 0.0)}


@pytest.fixture
def twelve():
    """12 items of 3 colours in one category: features (n, 20) and colour grids whose middle is the garment."""
    random = np.random.default_rng(0)
    words = [*COLOURS] * 4
    grid = np.zeros((12, 32, 32, 7), np.float32)
    for row, word in enumerate(words):
        grid[row, 8:24, 8:24, :3] = np.array(COLOURS[word]) + random.normal(0, 0.01, 3)
        grid[row, 8:24, 8:24, 6] = 1
    items = pd.DataFrame({"category": "clothes", "colour": words, "fit": ["slim", "wide", ""] * 4})
    return items, random.normal(0, 1, (12, 20)).astype(np.float32), grid


def test_measured_colours_are_the_garments_alone(twelve):
    items, _, grid = twelve
    expected = np.array([COLOURS[word] for word in items["colour"]])
    scale = np.array([0.8, 1.25, 1.25]) * LAB_SCALE
    assert np.abs(measured_colours(grid) / scale - expected).max() < 0.05


def test_the_colour_of_a_photo_is_read_and_no_category_is_guessed(twelve):
    items, features, grid = twelve
    items = items.assign(category=["hat", "bag"] * 6)
    network = untrained_network(features, grid, items, seed=0, further=["fit"])
    seen = network.distributions(features, grid)
    assert [network.colours[k] for k in seen["colour"].argmax(axis=1)] == items["colour"].tolist()
    first = {column: seen[column][0] for column in ("colour", "category")}
    assert likeliest_words(first, network.layout.words) == {"colour": "red"}, "and no word of an even guess is said"
    assert np.allclose(seen["category"], 0.5) and np.allclose(seen["fit"], 0.5)
    assert all(np.allclose(values.sum(axis=1), 1) for values in seen.values())
    assert network.parameters == 0 and network.layout.further == {"fit": ("slim", "wide")}
    other = untrained_network(features, grid, items.assign(category="x"), 0)
    assert usual_weights(network).looks < usual_weights(other).looks and usual_weights(other).hub_strength == 0


def test_neighbours_by_looks_alone_are_those_of_the_centred_features(twelve):
    """With as many components as items, whitened ones would all be equally far apart."""
    items, features, grid = twelve
    network = untrained_network(features, grid, items, seed=0)
    looks = normalise(network.looks(features))
    centred = normalise(features - features.mean(axis=0))
    assert np.allclose(looks @ looks.T, centred @ centred.T, atol=1e-4)
    layout, vectors = network.layout, network.embed(features, grid)
    alone = layout.queries(vectors, layout.weights(0.5, 1.0))
    assert np.array_equal(top_k(vectors, 3, query_vectors=alone)[0], top_k(centred, 3)[0])


def test_known_words_count_and_the_network_can_be_loaded_again(twelve):
    items, features, grid = twelve
    items = items.assign(category=["hat", "bag"] * 6)
    network = untrained_network(features, grid, items, seed=0, further=["fit"])
    again = load_network(network.arrays(), network.description())
    assert np.array_equal(network.embed(features, grid), again.embed(features, grid))
    described = again.embed(features, grid, items)
    part = again.layout.parts["category"]
    agreement = described[:, part][:, :2] @ described[:, part][:, :2].T
    same = items["category"].to_numpy()[:, None] == items["category"].to_numpy()
    assert agreement[same].min() > agreement[~same].max()


@pytest.mark.parametrize(
    ("count", "categories", "colours", "measured", "trained"),
    [
        (LEAST_TAUGHT - 1, 3, 3, False, False),
        (LEAST_TAUGHT, 3, 3, False, True),
        (LEAST_TAUGHT, 1, 3, False, True),
        (LEAST_TAUGHT, 3, 3, True, True),
        (LEAST_TAUGHT, 1, 3, True, False),
        (LEAST_TAUGHT, 1, 1, False, False),
    ],
)
def test_a_network_is_trained_where_there_is_enough_to_learn(count, categories, colours, measured, trained):
    items = pd.DataFrame({
        "category": [f"k{n % categories}" for n in range(count)], "colour": [f"c{n % colours}" for n in range(count)],
    })  # fmt: skip
    assert bool(why_untrained(items, measured)) != trained
