"""Photos given as arrays look as their files would."""

import cv2
import numpy as np
import pytest

from fashion.core.errors import PhotoError
from fashion.embedding.photo_vectors import rgb_of
from fashion.photos.images import decode


def test_transparent_pixels_of_an_array_are_laid_on_white_as_those_of_its_file():
    rgba = np.random.default_rng(0).integers(0, 256, (31, 17, 4), np.uint8)
    before = rgba.copy()
    png = cv2.imencode(".png", rgba[..., [2, 1, 0, 3]])[1].tobytes()
    assert np.array_equal(rgb_of(rgba), decode(png)) and np.array_equal(rgba, before)
    assert (rgb_of(np.zeros((8, 8, 4), np.uint8)) == 255).all()


def test_other_arrays():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(rgb_of(grey), np.dstack([grey] * 3))
    with pytest.raises(PhotoError, match="expected photo as RGB of uint8"):
        rgb_of(np.zeros((3, 4, 2), np.uint8))
