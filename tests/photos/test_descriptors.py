"""Colour pictures and histograms mean what they say."""

import cv2
import numpy as np
import pytest
from conftest import COLOURS, draw

from fashion.photos.descriptors import (
    GRID,
    HOG_EDGE,
    LAB_SCALE,
    NONE,
    colour_grid,
    describe,
    ground_lab,
    lab_histogram,
    oriented_gradients,
)
from fashion.photos.images import resize
from fashion.photos.measures import MEASURED, DecodedPhoto, to_lab


def test_grid_holds_the_garments_colour_where_the_garment_is():
    rgb = draw("VESTITO", COLOURS["ROSSO"], 0)
    grid = colour_grid(DecodedPhoto(rgb)).astype(float)
    assert grid.shape == (GRID, GRID, 7)
    inside = DecodedPhoto(rgb).garment.reshape(GRID, 4, GRID, 4).mean(axis=(1, 3))
    assert np.corrcoef(grid[..., 6].ravel(), inside.ravel())[0, 1] > 0.9
    red = to_lab(np.array([[COLOURS["ROSSO"]]], np.uint8))[0, 0] - [ground_lab(to_lab(rgb))[0], 0, 0]
    full = inside == 1
    assert np.abs(np.median(grid[full][:, :3], axis=0) * LAB_SCALE - red).max() < 3
    assert np.abs(grid[inside == 0][:, :3]).mean() < 0.15  # the ground is the zero point


def test_histogram_is_a_unit_vector_whose_cosine_is_shared_colour():
    red, again = (lab_histogram(DecodedPhoto(draw("VESTITO", COLOURS["ROSSO"], seed))) for seed in (0, 1))
    blue = lab_histogram(DecodedPhoto(draw("VESTITO", COLOURS["BLU"], 0)))
    shoe = lab_histogram(DecodedPhoto(draw("BALLERINA", COLOURS["ROSSO"], 0)))
    assert np.linalg.norm(red) == pytest.approx(1, abs=1e-5)
    assert min(red @ again, red @ shoe) > 0.7 > 0.3 > red @ blue, "colour alone counts, not the ground, nor the kind"


def test_a_large_photo_is_described_as_it_looks_small():
    one, other = draw("VESTITO", COLOURS["ROSSO"], 0), draw("BALLERINA", COLOURS["BLU"], 1)
    large = cv2.resize(one, (4 * MEASURED, 4 * MEASURED), interpolation=cv2.INTER_CUBIC)
    same, seen, unlike = (describe(DecodedPhoto(rgb)) for rgb in (one, large, other))
    assert DecodedPhoto(large).rgb.shape == (MEASURED, MEASURED, 3) and DecodedPhoto(one).rgb is one
    for name, row in same.items():
        near, far = (np.abs(row.astype(float) - found[name]).mean() for found in (seen, unlike))
        assert near < 0.35 * far, f"{name}: {near} of {far}"


def test_oriented_gradients_are_scikit_images():
    from skimage.feature import hog

    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    for rgb in (draw("VESTITO", COLOURS["ROSSO"], 0), draw("BALLERINA", COLOURS["NERO"], 1), noise):
        grey = cv2.cvtColor(resize(rgb, HOG_EDGE), cv2.COLOR_RGB2GRAY)
        expected = hog(grey.astype(float), orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2))
        assert oriented_gradients(rgb) == pytest.approx(expected, abs=1e-6)
    blank = oriented_gradients(np.full((64, 64, 3), 128, np.uint8))
    assert blank.shape == (1764,) and not blank.any()


def test_oriented_gradients_know_the_shape_and_not_the_colour():
    red, blue = (oriented_gradients(draw("VESTITO", COLOURS[word], 0)) for word in ("ROSSO", "BLU"))
    shoe = oriented_gradients(draw("BALLERINA", COLOURS["ROSSO"], 0))
    cosine = [one @ other / np.linalg.norm(one) / np.linalg.norm(other) for one, other in ((red, blue), (red, shoe))]
    assert cosine[0] > 0.8 > cosine[1]


def test_a_photos_descriptors_have_the_shapes_and_types_that_are_said():
    found = describe(DecodedPhoto(draw("VESTITO", COLOURS["ROSSO"], 0)))
    assert found.keys() == NONE.keys()
    for name, none in NONE.items():
        assert (found[name].shape, found[name].dtype) == (none.shape[1:], none.dtype), name
        assert np.isfinite(found[name]).all() and found[name].any(), name
