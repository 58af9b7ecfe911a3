"""Palette histograms find the colours that are there, where they are."""

import numpy as np
import pytest
from conftest import COLOURS, draw

from fashion.attributes.palette import learn_palette, palette_features, regions
from fashion.photos.descriptors import GRID, colour_grid
from fashion.photos.measures import DecodedPhoto


@pytest.fixture(scope="module")
def grids():
    return np.stack(
        [colour_grid(DecodedPhoto(draw("VESTITO", rgb, seed))) for rgb in COLOURS.values() for seed in range(6)]
    )


def test_palette_holds_the_garments_colours(grids):
    palette = learn_palette(grids, seed=0, colours=4)
    assert palette.shape == (4, 3) and np.array_equal(palette, learn_palette(grids, seed=0, colours=4))
    seen = palette_features(grids, palette).astype(float)[:, :4]  # the whole photo
    best = seen.argmax(axis=1).reshape(4, 6)
    assert (best == best[:, :1]).all() and len(set(best[:, 0])) == 4


def test_shape_and_scale(grids):
    palette = learn_palette(grids, seed=0, colours=8)
    seen = palette_features(grids, palette, batch=5)
    assert seen.shape == (24, 6 * 14) and seen.dtype == np.float16 and np.isfinite(seen).all()
    assert np.array_equal(seen, palette_features(grids, palette, batch=24))
    counts = seen[:, : 6 * 8].astype(float).reshape(24, 6, 8)
    shares = (counts**2).sum(axis=2)
    inside = (grids[..., 6].astype(float) ** 2).reshape(24, GRID * GRID)
    assert shares[:, 0] == pytest.approx(inside.mean(axis=1), abs=0.01)


def test_bands_tell_top_from_bottom():
    grid = np.zeros((1, GRID, GRID, 7), np.float32)
    grid[..., 6] = 1
    grid[:, :16, :, 1], grid[:, 16:, :, 1] = 3, -3  # red above, green below
    palette = np.array([[0, 3 * 15 * 1.25, 0], [0, -3 * 15 * 1.25, 0]], np.float32)
    counts = palette_features(grid, palette)[0, :12].astype(float).reshape(6, 2) ** 2
    assert counts == pytest.approx(np.array([[0.5, 0.5], [0.5, 0.5], [1, 0], [1, 0], [0, 1], [0, 1]]), abs=1e-2)


def test_regions_cover_the_photo():
    where = regions()
    assert where[0].all() and np.array_equal(where[2:].sum(axis=0), np.ones(GRID * GRID))


def test_a_catalogue_of_empty_photos_still_has_a_palette():
    assert len(learn_palette(np.zeros((3, GRID, GRID, 7), np.float32), seed=0, colours=1)) == 1
