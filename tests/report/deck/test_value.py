"""The value model is its formula, says which input matters, and refuses what makes no sense."""

import math
from dataclasses import replace

import pytest

from fashion.core.errors import FashionError
from fashion.core.paths import project_root
from fashion.report.deck.value import (
    CASES,
    FACTORS,
    NAMES,
    ValueModelError,
    by_visits,
    case,
    outcome,
    read_inputs,
    sensitivity,
    to_break_even,
)

BY_HAND = {
    "visits": 100_000, "click_rate": 0.05, "uplift": 0.2, "order_rate": 0.02, "additional": 0.5, "margin": 30,
    "running": 100, "setup": 2_000,
}  # fmt: skip


def test_a_case_by_hand():
    found = outcome(BY_HAND)  # 5,000 clicks, 1,000 more, 20 orders, 10 of them new
    assert found.clicks == pytest.approx(1_000) and found.orders == pytest.approx(10)
    assert found.gross == pytest.approx(300) and found.net == pytest.approx(200)
    assert found.first_year == pytest.approx(400) and found.months == pytest.approx(10)
    assert outcome(BY_HAND | {"uplift": 0}).months == math.inf and outcome(BY_HAND | {"uplift": 0}).net == -100


def test_shipped_inputs_have_units_and_sources_and_their_cases_are_in_order():
    inputs = read_inputs()
    assert tuple(inputs) == NAMES and all(given.unit and given.source for given in inputs.values())
    worth = [case(inputs, name).first_year for name in CASES]
    assert worth == sorted(worth)


def test_the_shipped_base_case_in_closed_form():
    found = case(read_inputs(), "base")
    clicks = 1_000_000 * 0.04 * 0.10
    net = clicks * 0.02 * 0.5 * 20 - 150
    assert (found.clicks, found.net) == pytest.approx((clicks, net))
    assert (found.first_year, found.months) == pytest.approx((12 * net - 15_000, 15_000 / net))
    needed = 15_000 / 12 + 150  # a month, to earn the set-up in a year
    assert to_break_even(read_inputs(), "uplift") == pytest.approx(needed / (1_000_000 * 0.04 * 0.02 * 0.5 * 20))
    assert to_break_even(read_inputs(), "visits") == pytest.approx(needed / (0.04 * 0.10 * 0.02 * 0.5 * 20))


def test_shops_of_five_sizes():
    rows = by_visits(read_inputs())
    assert [visits for visits, _ in rows] == [200_000, 450_000, 1_000_000, 2_200_000, 5_000_000]
    assert rows[0][1] == pytest.approx(12 * (160 - 150) - 15_000)
    assert [value for _, value in rows] == sorted(value for _, value in rows)


def test_what_matters_most_comes_first_and_the_uplift_to_break_even_breaks_even():
    inputs = read_inputs()
    rows = sensitivity(inputs)
    widths = [abs(high - low) for _, low, high in rows]
    assert widths == sorted(widths, reverse=True) and {name for name, *_ in rows} == set(NAMES)
    base = {name: given.base for name, given in inputs.items()}
    assert outcome(base | {"uplift": to_break_even(inputs, "uplift")}).first_year == pytest.approx(0, abs=1e-6)
    assert outcome(base | {"uplift": to_break_even(inputs, "uplift", 6)}).months == pytest.approx(6)
    assert set(FACTORS) < set(NAMES)
    assert to_break_even(inputs | {"click_rate": replace(inputs["click_rate"], base=0.0)}, "visits") == math.inf


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("base = 0.04", "base = 1.4", "click_rate.base"), ("base = 0.04", 'base = "x"', "found 'x'"),
     ("[margin]", "[marge]", "marge, margin"), ("low = 10\n", "", r"\[margin\].*found base, high"),
     ('source = "assumption"', 'source = ""', "source"),
     ("[visits]", "[visits", "expected valid TOML"), ("base = 20\n", "base = -1\n", "margin.base"),
     ("high = 5_000_000", "high = inf", "visits.high.*inf"), ("high = 5_000_000", "high = nan", "visits.high.*nan"),
     ("low = 0.02", "low = 0.05", "expected low <= base <= high for click_rate.*0.05, 0.04, 0.08"),
     ("low = 300", "low = 30", "as a cost is lower"), ("base = 0.04", "base = true", "found True"),
     ("base = 0.04", "basis = 0.04", "click_rate.*found basis"), ("[visits]", "margin = 3\n[visits]", "valid TOML"),
     ('unit = "visits of item pages a month"', "unit = 3", "unit")],
)  # fmt: skip
def test_bad_inputs_are_named(tmp_path, old, new, message):
    text = (project_root() / "data/value-model.toml").read_text()
    assert old in text
    (tmp_path / "model.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ValueModelError, match=message):
        read_inputs(tmp_path / "model.toml")
    assert issubclass(ValueModelError, FashionError)


def test_files_that_are_no_value_model_are_named(tmp_path):
    path = tmp_path / "model.toml"
    for content in (b"\xff\xfe", b"visits = 3\n", "\n".join(f"{name} = 3" for name in NAMES).encode()):
        path.write_bytes(content)
        with pytest.raises(ValueModelError, match=r"model\.toml"):
            read_inputs(path)
    with pytest.raises(ValueModelError, match="cannot be read"):
        read_inputs(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_inputs_as_windows_saves_them(tmp_path, encoding):
    text = (project_root() / "data/value-model.toml").read_text(encoding="utf-8")
    path = tmp_path / "shop.toml"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert read_inputs(path) == read_inputs()
    unit = read_inputs()["visits"].unit
    path.write_bytes(text.replace(f'unit = "{unit}"', 'unit = "vis\\u0007its\\u000ba month"', 1).encode(encoding))
    assert read_inputs(path)["visits"].unit == "visits a month"
