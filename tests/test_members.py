"""A member of the attributes network: its sizes follow the words, and a batch does not change its answer."""

import numpy as np
import pytest

from fashion.members import SCALES, Architecture, Member, build_network, load_member


@pytest.fixture(scope="module")
def member():
    random = np.random.default_rng(0)
    palette = random.normal(size=(2, 3)).astype(np.float32)
    sizes = Architecture(20, 6 * (2 + 6), 7, 3)
    widths = (20, 20, sizes.colour_features, sizes.colour_features)
    scales = dict(zip(SCALES, (np.full(width, 0.5, np.float32) for width in widths), strict=True))
    return Member(build_network(sizes, scales), sizes, scales, palette)


def test_network_output_sizes_follow_the_words():
    scales = {"mean": np.zeros(20), "variance": np.ones(20), "colour_mean": np.zeros(9), "colour_variance": np.ones(9)}
    model = build_network(Architecture(20, 9, 7, 3), scales)
    out = model({"features": np.zeros((2, 20)), "colours": np.zeros((2, 9))})
    assert out["category"].shape == (2, 7) and out["colour"].shape == (2, 3)


def test_distributions_do_not_depend_on_the_batch_and_come_back_from_arrays(member):
    random = np.random.default_rng(1)
    features, grid = random.normal(size=(11, 20)), random.random((11, 16, 16, 7)).astype(np.float16)
    whole = member.distributions(features, grid)
    assert [part.shape for part in whole] == [(11, 7), (11, 3)]
    loaded = load_member(member.arrays(), vars(member.sizes))
    for other in (member.distributions(features, grid, batch=4), loaded.distributions(features, grid)):
        for found, expected in zip(other, whole, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)
