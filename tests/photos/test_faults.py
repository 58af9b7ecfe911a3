"""Photo faults: each kind is found where it was planted and nowhere else, and what is usual is no fault."""

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import COLOURS, draw

from fashion.photos.faults import FAULTS, SPREADS, photo_faults
from fashion.photos.measures import DecodedPhoto, measure

KINDS = ("BALLERINA", "VESTITO", "PANTALONI")


def measured(photos):
    """The items table of such photos, as far as faults need it."""
    return pd.DataFrame([measure(DecodedPhoto(rgb)) for rgb in photos]).drop(columns=["thumbnail", "tile", "phash"])


@pytest.fixture(scope="module")
def sound():
    """36 drawn photos without a fault."""
    return [draw(kind, colour, seed) for kind in KINDS for colour in COLOURS.values() for seed in range(3)]


def patterned(rgb):
    """The photo's garment on squares of four colours."""
    squares = np.array([[200, 40, 40], [40, 90, 200], [230, 220, 60], [20, 20, 20]], np.uint8)
    row, column = np.mgrid[:128, :128] // 16
    return np.where(DecodedPhoto(rgb).garment[..., np.newaxis], rgb, squares[(row + 2 * column) % 4])


SPOILT = {
    "blurred": lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 3),
    "dark": lambda rgb: (rgb * 0.3).astype(np.uint8),
    "light": lambda rgb: (255 - (255 - rgb.astype(float)) * 0.1).astype(np.uint8),
    "odd size": lambda rgb: cv2.resize(rgb, (48, 48), interpolation=cv2.INTER_AREA),
    "odd shape": lambda rgb: cv2.resize(rgb, (200, 80), interpolation=cv2.INTER_AREA),
    "patterned background": patterned,
}


def test_every_kind_has_a_photo_that_is_spoilt_so():
    assert list(SPOILT) == [fault.name for fault in FAULTS]


@pytest.mark.parametrize("kind", SPOILT)
def test_a_planted_fault_is_found_and_nothing_else(sound, kind):
    spoilt = [3, 17, 29, 33]
    photos = [SPOILT[kind](rgb) if row in spoilt else rgb for row, rgb in enumerate(sound)]
    table = photo_faults(measured(photos))
    assert table["row"].tolist() == spoilt and set(table["kind"]) == {kind}
    assert table["severity"].between(0, 1, inclusive="right").all() and table["reason"].str.len().min() > 10


def test_sound_photos_have_none_and_what_is_usual_is_no_fault(sound):
    assert photo_faults(measured(sound)).empty
    for kind, spoil in SPOILT.items():
        assert photo_faults(measured([spoil(rgb) for rgb in sound])).empty, kind
    assert list(photo_faults(measured(sound).head(0))) == ["row", "kind", "severity", "reason"]


def test_more_of_a_fault_is_more_severe(sound):
    blurs = [cv2.GaussianBlur(sound[0], (0, 0), sigma) for sigma in (3, 5, 8)]
    severity = photo_faults(measured([*sound, *blurs]))["severity"]
    assert len(severity) == 3 and severity.is_monotonic_increasing and severity.is_unique


def test_the_limit_of_sizes_grows_where_the_catalogue_varies(sound):
    plain = measured(sound)
    octaves = np.linspace(-1.5, 1.5, len(plain))
    varied = plain.assign(width=np.round(256 * 2**octaves), height=np.round(256 * 2**octaves))
    assert (np.abs(octaves) > 1).sum() > 10 and photo_faults(varied)["row"].tolist() == []
    fault = next(fault for fault in FAULTS if fault.name == "odd size")
    values = fault.measure(varied)
    sigma = 1.4826 * np.median(np.abs(values - np.median(values)))
    assert fault.limit(values) == pytest.approx(np.median(values) + SPREADS * sigma)
    assert fault.limit(fault.measure(plain)) == fault.level


def test_the_reason_names_the_photos_own_number_and_the_usual_one(sound):
    items = measured(sound)
    items.loc[5, ["width", "height"]] = [40, 30]
    (reason,) = photo_faults(items)["reason"]
    assert reason == "40 × 30 pixels, usual 128 × 128"
    items = measured(sound)
    items.loc[5, "uneven_border"] = 0.9996
    (reason,) = photo_faults(items)["reason"]
    assert reason == "99.9% of the border are not of its median colour", "not all of it"
