"""The value model is its formula, says which input matters, and refuses what makes no sense."""

import math

import pytest

from fashion.deck.value import CASES, FACTORS, NAMES, ValueModelError, case, outcome, read_inputs, sensitivity
from fashion.deck.value import uplift_to_break_even as needed
from fashion.errors import FashionError

BY_HAND = {
    "visits": 100_000, "click_rate": 0.05, "uplift": 0.2, "order_rate": 0.02, "additional": 0.5, "margin": 30,
    "running": 100, "setup": 2_000,
}  # fmt: skip


def test_a_case_by_hand():
    found = outcome(BY_HAND)  # 5,000 clicks, 1,000 more, 20 orders, 10 of them new
    assert found.gross == pytest.approx(300) and found.net == pytest.approx(200)
    assert found.first_year == pytest.approx(400) and found.months == pytest.approx(10)
    assert outcome(BY_HAND | {"uplift": 0}).months == math.inf and outcome(BY_HAND | {"uplift": 0}).net == -100


def test_shipped_inputs_have_units_and_sources_and_their_cases_are_in_order():
    inputs = read_inputs()
    assert tuple(inputs) == NAMES and all(given.unit and given.source for given in inputs.values())
    worth = [case(inputs, name).first_year for name in CASES]
    assert worth == sorted(worth)


def test_what_matters_most_comes_first_and_the_uplift_to_break_even_breaks_even():
    inputs = read_inputs()
    rows = sensitivity(inputs)
    widths = [abs(high - low) for _, low, high in rows]
    assert widths == sorted(widths, reverse=True) and {name for name, *_ in rows} == set(NAMES)
    base = {name: given.base for name, given in inputs.items()}
    assert outcome(base | {"uplift": needed(inputs)}).first_year == pytest.approx(0, abs=1e-6)
    assert outcome(base | {"uplift": needed(inputs, 6)}).months == pytest.approx(6)
    assert set(FACTORS) < set(NAMES)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("base = 0.04", "base = 1.4", "click_rate.base"), ("base = 0.04", 'base = "x"', "found 'x'"),
     ("[margin]", "[marge]", "marge, margin"), ("low = 10\n", "", "margin.low"),
     ('source = "assumption"', 'source = ""', "source"),
     ("[visits]", "[visits", "cannot be read"), ("base = 20\n", "base = -1\n", "margin.base")],
)  # fmt: skip
def test_bad_inputs_are_named(tmp_path, old, new, message):
    from fashion.paths import project_root

    text = (project_root() / "data/value-model.toml").read_text()
    assert old in text
    (tmp_path / "model.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ValueModelError, match=message):
        read_inputs(tmp_path / "model.toml")
    assert issubclass(ValueModelError, FashionError)
