"""A temperature is the likelihood's best, leaves the order, and the error of an honest prediction is small."""

import numpy as np
import pytest

from fashion.attributes.calibration import calibration_error, reliability, temperature
from fashion.attributes.layout import distribution


@pytest.mark.parametrize("heat", [0.7, 1.0, 3.0])
def test_the_planted_temperature_is_found(heat):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 5))
    honest = distribution(logits)
    classes = np.array([random.choice(5, p=p / p.sum()) for p in honest.astype(float)])
    classes[:50] = -1
    found = temperature(distribution(logits * heat), classes)
    assert found == pytest.approx(heat, rel=0.05)
    right = honest.argmax(axis=1) == classes
    assert calibration_error(reliability(honest[50:].max(axis=1), right[50:])) < 0.015


def test_without_known_classes_nothing_is_changed():
    assert temperature(np.full((3, 2), 0.5), np.array([-1, -1, -1])) == 1


def test_bins_hold_what_falls_into_them():
    table = reliability(np.array([0.0, 0.04, 0.5, 1.0]), np.array([0, 1, 1, 1]), bins=10)
    assert table["count"].tolist() == [2, 1, 1] and table["observed"].tolist() == [0.5, 1, 1]
    assert calibration_error(table) == pytest.approx((2 * 0.48 + 0.5 + 0) / 4)
