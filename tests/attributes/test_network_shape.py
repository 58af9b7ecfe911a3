"""The network's outputs follow the words."""

import numpy as np

from fashion.attributes.network import Architecture, build_network


def test_network_output_sizes_follow_the_words():
    scales = {"mean": np.zeros(20), "variance": np.ones(20), "colour_mean": np.zeros(9), "colour_variance": np.ones(9)}
    model = build_network(Architecture(20, 9, 7, 3), scales)
    out = model({"features": np.zeros((2, 20)), "colours": np.zeros((2, 9))})
    assert out["category"].shape == (2, 7) and out["colour"].shape == (2, 3)
