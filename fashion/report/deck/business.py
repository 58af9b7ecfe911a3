"""The slides on the business: the value model's inputs, the value of its cases, what matters most, next steps."""

from __future__ import annotations

import math
from typing import Any

from fashion.core.numerals import number, percent, percent_as_set
from fashion.plots.style import PALETTE
from fashion.report.deck.slides import bar_chart, lead, new_slide, table, write
from fashion.report.deck.value import CASES, Input, by_visits, case, sensitivity, to_break_even, two_digits

ASSUMPTION = "assumption"

SHORT = {
    "visits": "number of visits", "click_rate": "click rate", "uplift": "uplift in clicks", "order_rate": "order rate",
    "additional": "share of additional orders", "margin": "margin of an order", "running": "running cost",
    "setup": "set-up cost",
}  # fmt: skip

MOST = 34
"""Signs of a source in the table; the notes have all of it."""


def _given(given: Input, name: str) -> str:
    value = getattr(given, name)
    share = "share" in given.unit or "relative" in given.unit
    return percent_as_set(value) if share else number(value)


def euros(value: float) -> str:
    """An amount with its sign before the currency: `-7,200`."""
    return f"{value:,.0f}" if abs(value) >= 0.5 else "0"


def when(months: float) -> str:
    """Months until the set-up cost is earned back."""
    if not math.isfinite(months):
        return "not earned back"
    count = math.ceil(months)
    return f"{count} month{'' if count == 1 else 's'}"


def _is_assumption(given: Input) -> bool:
    return given.source.lower().startswith(ASSUMPTION)


def assumptions(deck: Any, inputs: dict[str, Input], name: str) -> None:
    """Slide: the value model's inputs with their sources."""
    assumed = sum(map(_is_assumption, inputs.values()))
    count = "all" if assumed in (0, len(inputs)) else f"{assumed} of the"
    said = "are assumptions, to be replaced by the shop's own figures" if assumed else "come from a source"
    slide = new_slide(
        deck,
        "Table",
        f"Value model: {count} {len(inputs)} inputs {said}",
        "None of these was measured in the study; put the shop's own figures in the file and run make deck again. "
        "Sources in full: " + " ".join(f"{given.unit}: {given.source}." for given in inputs.values()),
        name,
    )
    lead(slide, "Margin a month = visits x click rate x uplift x order rate x additional share x margin of an order")
    rows: list[tuple[str, ...]] = [("input", *CASES, "where from")]
    for given in inputs.values():
        source = ASSUMPTION if _is_assumption(given) else given.source
        source = source if len(source) <= MOST else source[: MOST - 1].rstrip() + "…"
        rows.append((given.unit, *(_given(given, name) for name in CASES), source))
    text = "Table of the inputs. " + " ".join(f"{row[0]}: {', '.join(row[1:4])}, {row[4]}." for row in rows[1:])
    table(slide, rows, (5.6, 1.25, 1.25, 1.25, 2.6), text, row_height=0.46, numbers=(1, 2, 3))


def value(deck: Any, inputs: dict[str, Input], name: str) -> None:
    """Slide: the three cases, line by line."""
    outcomes = {name: case(inputs, name) for name in CASES}
    uplift = to_break_even(inputs, "uplift")
    needed = (
        f"{percent(uplift)} more clicks pay for it within a year" if math.isfinite(uplift) else "no uplift pays for it"
    )
    months = outcomes["base"].months
    earned = f"earned back in {when(months)}" if math.isfinite(months) else "not earned back"
    slide = new_slide(
        deck,
        "Table",
        f"Base case: {earned}; {needed}",
        f"From visits to euros, one line a step. The low case assumes {percent_as_set(inputs['uplift'].low)} more "
        f"clicks: it shows what is lost when customers do not care. In the base case {needed}, all else equal. "
        "The cases move every input at once, so low and high are edges, not forecasts.",
        f"{name}, arithmetic in docs/value-model.md; euros",
    )
    lead(slide, "Each column sets every input to its low, base or high value; euros")
    lines = [
        ("visits of item pages a month", [number(getattr(inputs["visits"], name)) for name in CASES]),
        ("additional clicks on suggestions a month", [number(round(outcomes[name].clicks)) for name in CASES]),
        ("additional orders a month", [number(round(outcomes[name].orders, 1)) for name in CASES]),
        ("additional margin a month", [euros(outcomes[name].gross) for name in CASES]),
        ("net of running cost, a month", [euros(outcomes[name].net) for name in CASES]),
        ("set-up cost, once", [euros(getattr(inputs["setup"], name)) for name in CASES]),
        ("first year", [euros(outcomes[name].first_year) for name in CASES]),
        ("set-up earned back after", [when(outcomes[name].months) for name in CASES]),
    ]
    rows = [("", *CASES), *((head, *cells) for head, cells in lines)]
    text = "Table of the cases low, base, high. " + " ".join(f"{head}: {', '.join(cells)}." for head, cells in lines)
    table(slide, rows, (5.2, 2.2, 2.2, 2.2), text, row_height=0.46, points=16, numbers=(1, 2, 3), strong=(7,))


def sizes(deck: Any, inputs: dict[str, Input], name: str) -> None:
    """Slide: break-even by size of shop."""
    rows = by_visits(inputs)
    visits = to_break_even(inputs, "visits")
    pays = (
        f"from about {two_digits(visits, math.ceil):,.0f} visits a month"
        if math.isfinite(visits)
        else "at no number of visits"
    )
    slide = new_slide(
        deck,
        "Chart and text",
        f"It pays for itself within the first year {pays}",
        "Only visits vary here; everything else stays at the base case. Below that size the set-up and running cost "
        "exceeds the first year's margin. Double-click the chart to "
        "edit its numbers.",
        f"{name}; euros in the first year, set-up taken off",
    )
    names = [f"{size:,.0f} visits" for size, _ in rows]
    values = [value for _, value in rows]
    bar_chart(
        slide,
        names,
        [("first year, euros", values)],
        "Bar chart, first year's value in euros by visits of item pages a month: "
        + "; ".join(f"{visits:,.0f}: {value:,.0f}" for visits, value in rows),
        form="#,##0",
        marked=[place for place, value in enumerate(values) if value >= 0],
    )
    write(
        slide,
        [
            f"Assumed: {percent_as_set(inputs['uplift'].base)} more clicks by suggestions that match.",
            "Blue: pays for itself within a year; grey: does not.",
            f"Running cost is assumed equal for every size: {euros(inputs['running'].base)} euros a month.",
        ],
    )


def what_matters(deck: Any, inputs: dict[str, Input], name: str) -> None:
    """Slide: the inputs by their effect, the largest first."""
    rows, base = sensitivity(inputs), case(inputs, "base").first_year
    names = [SHORT[name] for name, _, _ in rows]
    lows, highs = [low - base for _, low, _ in rows], [high - base for _, _, high in rows]
    slide = new_slide(
        deck,
        "Chart",
        f"What matters most is the {names[0]}, then the {names[1]}: measure these first",
        "Each input alone goes from its low to its high value; the others stay at the base case, worth "
        f"{euros(base)} euros in the first year. The bars show the change. The shop knows visits and click rate "
        "today; only an A/B test can measure the uplift.",
        f"{name}; change of the first year's value against the base case, euros",
    )
    bar_chart(
        slide,
        names,
        [("at its low value", lows), ("at its high value", highs)],
        "Bar chart, change of the first year's value with one input at its low and high value: "
        + "; ".join(f"{n} {low:+,.0f} and {high:+,.0f}" for n, low, high in zip(names, lows, highs, strict=True)),
        form="+#,##0;-#,##0;0",
        shades=("#a8a29a", PALETTE[0]),
        overlap=100,
    )


def next_steps(deck: Any, inputs: dict[str, Input], name: str) -> None:
    """Slide: next steps, and when to stop."""
    uplift = to_break_even(inputs, "uplift")
    mark = f"at {percent(uplift)} more clicks or above" if math.isfinite(uplift) else "if the figures allow"
    slide = new_slide(
        deck,
        "Table",
        "Next: seven weeks to an A/B test's result; each step can stop the project cheaply",
        "What we ask for today is the first step only: the catalogue's table and photos, and two hours of a buyer. "
        f"The weeks are estimates. The test's target of {mark.removeprefix('at ')} is the base case's break-even "
        "within a year; it moves with the shop's own visits and margin.",
        f"weeks are estimates of this study; break-even from {name}",
    )
    lead(slide, "Decision asked for today: step 1, the shop's own catalogue in a report")
    rows = [
        ("step", "time", "what", "continue if"),
        (
            "1",
            "2 weeks",
            "The shop's own catalogue in a report; buyers look at the worst suggestions",
            "buyers would show them",
        ),
        ("2", "1 week", "The shop as a prototype, tested with ten customers", "customers use it"),
        ("3", "4 weeks", "A/B test of clicks on suggestions; its result replaces the assumed uplift", mark),
        ("4", "then", "Roll it out; the test's result is the target", "reviewed each season"),
    ]
    text = "Table of four steps. " + " ".join(f"{a}, {b}: {c}; continue if: {d}." for a, b, c, d in rows[1:])
    table(slide, rows, (0.8, 1.2, 6.1, 3.3), text, row_height=0.8, points=16)
