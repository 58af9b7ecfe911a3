"""Simulated customers' photos show the garment on another ground; crops keep the middle."""

import numpy as np
import pytest
from conftest import draw

from fashion.photos.customer_photos import CROPS, HEIGHT, WIDTHS, crops, simulate
from fashion.photos.measures import DecodedPhoto

RED = (200, 30, 30)


@pytest.fixture(scope="module")
def photo():
    return DecodedPhoto(draw("VESTITO", RED, 1))


def red_share(rgb):
    rgb = rgb.astype(int)
    return float(((rgb[..., 0] > 1.8 * rgb[..., 1]) & (rgb[..., 0] > 1.8 * rgb[..., 2])).mean())


def test_the_garment_stays_and_the_ground_changes(photo):
    seen = [simulate(photo, np.random.default_rng(n)) for n in range(30)]
    assert all(rgb.shape[0] == HEIGHT and rgb.shape[1] in WIDTHS and rgb.dtype == np.uint8 for rgb in seen)
    assert {rgb.shape[1] for rgb in seen} == set(WIDTHS)
    assert np.median([red_share(rgb) for rgb in seen]) > 0.05, "the dress is in most of them"
    corners = np.array([rgb[:5, :5].mean(axis=(0, 1)) for rgb in seen])
    assert corners.std(axis=0).min() > 20, "the original's ground is always light grey"


def test_the_seed_decides_everything(photo):
    one, same, other = (simulate(photo, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(one, same) and (one.shape != other.shape or not np.array_equal(one, other))


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (128, 128)])
def test_a_photo_of_any_shape_and_without_a_garment_is_simulated(shape):
    plain = DecodedPhoto(np.full((*shape, 3), 240, np.uint8))
    assert simulate(plain, np.random.default_rng(0)).shape[0] == HEIGHT


def test_crops_are_the_middle():
    rgb = np.zeros((40, 30, 3), np.uint8)
    rgb[5:35] = 1  # the rows of the middle square
    square, inner = crops(rgb)
    assert square.shape == (30, 30, 3) and (square == 1).all() and inner.shape == (34, 26, 3)
    assert len(crops(np.zeros((1, 1, 3), np.uint8))) == len(CROPS)
    assert all(min(crop.shape[:2]) >= 1 for crop in crops(np.zeros((1, 7, 3), np.uint8)))
