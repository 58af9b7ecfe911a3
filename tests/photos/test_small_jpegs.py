"""Small JPEGs of photos: bounded, or square for the map."""

import cv2
import numpy as np
from photo_errors import bad_photo

from fashion.photos.images import bounded, squared


def test_bounded_keeps_the_aspect_and_never_enlarges() -> None:
    photo = np.full((300, 100, 3), (200, 30, 40), np.uint8)
    for edge, shape in ((150, (150, 50, 3)), (300, (300, 100, 3)), (900, (300, 100, 3))):
        found = cv2.imdecode(np.frombuffer(bounded(photo, edge), np.uint8), cv2.IMREAD_COLOR)
        assert found.shape == shape and np.abs(found[..., ::-1].astype(int) - photo[0, 0]).max() < 6


def test_a_square_keeps_the_whole_photo_and_fills_with_its_ground() -> None:
    photo = np.full((300, 100, 3), (200, 210, 220), np.uint8)
    photo[50:250, 25:75] = (180, 20, 30)
    coded = squared(photo, 60)
    small = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    assert small.shape == (60, 60, 3) and coded == squared(photo, 60) and len(coded) < 3000
    assert np.abs(small[30, 3] - (200, 210, 220)).max() < 12  # beside the photo: its ground
    assert np.abs(small[30, 30] - (180, 20, 30)).max() < 25
    red = small[..., 0] - small[..., 1] > 80
    assert abs(int(red.any(axis=1).sum()) - 40) <= 2 and abs(int(red.any(axis=0).sum()) - 10) <= 2  # 200:50 still
    with bad_photo("float64 of shape"):
        squared(np.zeros((4, 4, 3)), 48)  # type: ignore[arg-type]
