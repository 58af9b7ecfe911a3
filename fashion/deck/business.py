"""The slides that tell of the business: inputs of the value model, what they are worth, what matters, what next."""

from __future__ import annotations

import math
from typing import Any

from fashion.deck.paper import MARGIN, TOP, WIDTH, bar_chart, new_slide, table, write
from fashion.deck.value import CASES, Input, case, sensitivity, uplift_to_break_even


def assumptions(deck: Any, inputs: dict[str, Input]) -> None:
    """The value model's inputs with their sources."""
    slide = new_slide(
        deck,
        "The value model's inputs, and where they come from",
        "Margin a month = visits x click rate x uplift x order rate x additional share x margin of an order. None of "
        "these was measured here; they are to be replaced by the shop's own (data/value-model.toml).",
        "data/value-model.toml",
    )
    rows: list[tuple[str, ...]] = [("input", *CASES, "source")]
    for given in inputs.values():
        source = given.source.split(":")[0]
        rows.append((given.unit, *(_number(getattr(given, name)) for name in CASES), source))
    table(slide, rows, (6.6, 1.2, 1.2, 1.2, 1.7), TOP)


def _number(value: float) -> str:
    return f"{value:.0%}" if 0 < value < 1 else f"{value:,.0f}"


def _when(months: float) -> str:
    return f"earned back in {math.ceil(months)} months" if math.isfinite(months) else "never earned back"


def value(deck: Any, inputs: dict[str, Input]) -> None:
    """What the three cases are worth."""
    found = {name: case(inputs, name) for name in CASES}
    needed = uplift_to_break_even(inputs)
    slide = new_slide(
        deck,
        f"Base case: {_when(found['base'].months)}; within a year if clicks rise by {needed:.0%}",
        "The low case assumes no more clicks at all: it shows what is lost then.",
        "data/value-model.toml; euros",
    )
    bar_chart(
        slide,
        list(CASES),
        [("first year", [found[name].first_year for name in CASES])],
        (MARGIN, TOP, 6.6, 4.9),
        "Bars, first year's value in euros: " + ", ".join(f"{n} {found[n].first_year:,.0f}" for n in CASES),
        form="#,##0",
    )
    lines = []
    for name in CASES:
        lines.append(f"{name}: {found[name].net:,.0f} euros a month net, {_when(found[name].months)}")
    write(
        slide,
        [*lines, "An A/B test of four weeks would replace the one input that only a test can tell: the uplift."],
        7.8,
        TOP + 0.4,
        WIDTH - MARGIN - 7.8,
        4,
        20,
    )


def what_matters(deck: Any, inputs: dict[str, Input]) -> None:
    """Which input matters most."""
    rows = sensitivity(inputs)
    slide = new_slide(
        deck,
        "Which input matters most",
        "Each input alone from its low to its high value, the others at their base.",
        "data/value-model.toml; euros in the first year",
    )
    names = [name.replace("_", " ") for name, _, _ in rows]
    ends = [("at its low value", [low for _, low, _ in rows]), ("at its high value", [high for _, _, high in rows])]
    bar_chart(
        slide,
        names,
        ends,
        (MARGIN, TOP, WIDTH - 2 * MARGIN, 5.2),
        "Bars, first year's value with one input at its low or high value: "
        + "; ".join(f"{name} {low:,.0f} to {high:,.0f}" for name, (_, low, high) in zip(names, rows, strict=True)),
        form="#,##0",
    )


def next_steps(deck: Any, source: str) -> None:
    """What to do next, and when to stop."""
    slide = new_slide(
        deck,
        "Next steps",
        "Each step can stop the project at little cost.",
        source,
    )
    write(
        slide,
        [
            "1.  Two weeks: the shop's own catalogue in `make report`; its buyers look at the worst suggestions.",
            "2.  One week: the shop window as a prototype, ten customers watched.",
            "3.  Four weeks: an A/B test of clicks; its result takes the place of the uplift assumed here.",
            "4.  Only then: build it in, with what the test showed as the measure of success.",
        ],
        MARGIN,
        TOP + 0.2,
        WIDTH - 2 * MARGIN,
        4.8,
        24,
    )
