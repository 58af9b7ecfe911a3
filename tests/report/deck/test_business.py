"""The slides of the business say what the inputs are."""

from dataclasses import replace

import pytest

from fashion.report.deck.business import assumptions
from fashion.report.deck.template import new_deck
from fashion.report.deck.value import read_inputs


@pytest.mark.parametrize(
    ("sourced", "title"),
    [(0, "all 8 inputs are assumptions"), (1, "7 of the 8 inputs are assumptions"),
     (8, "all 8 inputs come from a source")],
)  # fmt: skip
def test_how_many_inputs_are_assumptions(sourced, title):
    inputs = read_inputs()
    for name in list(inputs)[:sourced]:
        inputs[name] = replace(inputs[name], source="the shop's own analytics")
    deck = new_deck()
    assumptions(deck, inputs, "a.toml")
    assert deck.slides[0].shapes.title.text.startswith(f"Value model: {title}")
