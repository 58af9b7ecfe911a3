"""One formatter: halves go up as in a spreadsheet, 0% and 100% are exact, and a sentence rounds what a table shows."""

import math
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from fashion.core.numerals import decimal, interval, number, p_value, percent, percent_as_set, shown_share


@pytest.mark.parametrize("thousandths", range(0, 1001, 7))
def test_a_sentence_rounds_the_tables_number(thousandths):
    share = thousandths / 1000
    written = Decimal(decimal(share))
    if 0.01 <= share < 0.995:
        assert percent(share) == f"{(written * 100).quantize(Decimal(1), ROUND_HALF_UP)}%"
    assert shown_share(share) == pytest.approx(float(Decimal(percent(share)[:-1]) / 100), abs=1e-12)


def test_halves_go_up_whatever_the_binary_number():
    assert [decimal(x) for x in (0.0005, 0.1325, 0.8075, 2.6665)] == ["0.001", "0.133", "0.808", "2.667"]
    assert round(0.8125, 3) == 0.812 and decimal(0.8125) == "0.813"  # NumPy, pandas and Python round to even
    assert decimal(np.float32(0.25)) == "0.250" and decimal(-0.1325, "+") == "-0.133"


@pytest.mark.parametrize("share", [1e-9, 0.0004, 0.0049, 0.9951, 0.99999])
def test_nothing_is_called_none_or_all_that_is_not(share):
    assert percent(share) not in ("0%", "100%", "0.0%", "100.0%")
    assert percent(0) == "0%" and percent(1.0) == "100%" and percent(np.float64(1)) == "100%"


def test_near_the_ends_one_decimal_and_differences_below_zero():
    assert [percent(x) for x in (0.0094, 0.01, 0.9949, 0.9951)] == ["0.9%", "1%", "99.5%", "99.5%"]
    assert percent(math.nan) == percent(math.inf) == ""
    assert [percent(x) for x in (-0.05, -0.0001, -0.9999, 1.0003)] == ["-5%", "-0.1%", "-99.9%", "100.1%"]
    assert [percent(x) for x in (-1, 2.3)] == ["-100%", "230%"]
    assert [percent(x, "+") for x in (0.0112, -0.2, 1, 0)] == ["+1%", "-20%", "+100%", "+0%"]


def test_what_somebody_set_keeps_its_digits():
    assert [percent_as_set(x) for x in (0, 0.005, 0.025, 0.07, 1, 1.5)] == ["0%", "0.5%", "2.5%", "7%", "100%", "150%"]
    assert [number(x) for x in (0, 0.004, 0.25, 9.999, 12.5, 2_000_000)] == ["0", "0", "0.25", "10", "13", "2,000,000"]


def test_intervals_and_p_values():
    assert interval(0.5, 0.25, 0.75) == "0.500 [0.250, 0.750]"
    assert interval(0.1, -0.05, 0.2, "+") == "+0.100 [-0.050, +0.200]"
    assert p_value(0.05) == "p = 0.050" and p_value(1.0) == "p = 1.000" and p_value(1e-9) == "p < 0.001"
    assert p_value(0.0044, 0.0044) == "p < 0.005" and p_value(0.0044) == "p = 0.004"
