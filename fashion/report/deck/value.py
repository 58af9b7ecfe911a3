"""The value of similar items: a model with its inputs in a TOML, every one with its source.

A month is worth visits x click rate x uplift x order rate x additional share x margin, less the running cost.
Each further figure follows from these in closed form (docs/value-model.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fashion.core.errors import FashionError
from fashion.core.paths import project_root
from fashion.core.texts import clean_text, read_toml

CASES = ("low", "base", "high")

SHARES = ("click_rate", "order_rate", "additional")

FACTORS = ("visits", "click_rate", "uplift", "order_rate", "additional", "margin")

NAMES = (*FACTORS, "running", "setup")

KEYS = (*CASES, "unit", "source")


class ValueModelError(FashionError):
    """An input of the value model is missing or out of range."""


@dataclass(frozen=True)
class Input:
    """One input: its value in each case, its unit, and where it comes from."""

    name: str
    low: float
    base: float
    high: float
    unit: str
    source: str


@dataclass(frozen=True)
class Outcome:
    """The value of a case.

    Attributes
    ----------
    clicks : float
        Additional clicks on suggestions a month.
    orders : float
        Additional orders a month.
    gross : float
        Additional margin a month, euros.
    net : float
        The same less the running cost.
    first_year : float
        Twelve months' net less the setup.
    months : float
        Until the setup is earned; infinite where the net is not positive.
    """

    clicks: float
    orders: float
    gross: float
    net: float
    first_year: float
    months: float


def read_inputs(path: Path | None = None) -> dict[str, Input]:
    """Read the inputs.

    Raises
    ------
    ValueModelError
        For a file that cannot be read, a missing or unknown key, a value that is no number or outside its range.
    """
    path = path or project_root() / "data/value-model.toml"
    tables = read_toml(path, ValueModelError)
    wrong = sorted(set(NAMES) ^ set(tables))
    if wrong:
        raise ValueModelError(
            f"expected the tables {', '.join(NAMES)} in {path}; found {', '.join(wrong)} missing or unknown. Add or "
            "remove these."
        )
    return {name: _input(path, name, tables[name]) for name in NAMES}


def _input(path: Path, name: str, table: object) -> Input:
    if not isinstance(table, Mapping) or set(table) != set(KEYS):
        held = ", ".join(sorted(table)) if isinstance(table, Mapping) else repr(table)
        raise ValueModelError(
            f"expected a table [{name}] with {', '.join(KEYS)} in {path}; found {held}. Fix that table."
        )
    most = 1.0 if name in SHARES else math.inf
    values = []
    for case in CASES:
        value = table[case]
        right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not right or not 0 <= value <= most:
            bounds = "from 0 to 1" if most == 1 else "of 0 or more"
            raise ValueModelError(
                f"expected a number {bounds} as {name}.{case} in {path}; found {value!r}. Fix that line."
            )
        values.append(float(value))
    texts = [clean_text(text).strip() if isinstance(text := table[key], str) else "" for key in ("unit", "source")]
    if not all(texts):
        raise ValueModelError(
            f"expected a unit and a source for {name} in {path}; found one missing. If there is no source, write "
            "'assumption'."
        )
    low, base, high = values if name in FACTORS else values[::-1]
    if not low <= base <= high:
        order = "low <= base <= high" if name in FACTORS else "low >= base >= high, as a cost is lower in a better case"
        raise ValueModelError(
            f"expected {order} for {name} in {path}; found {', '.join(map(str, values))}. Correct these numbers."
        )
    return Input(name, values[0], values[1], values[2], unit=texts[0], source=texts[1])


def outcome(values: Mapping[str, float]) -> Outcome:
    """The outcome of a choice of all inputs."""
    clicks = values["visits"] * values["click_rate"] * values["uplift"]
    orders = clicks * values["order_rate"] * values["additional"]
    gross = orders * values["margin"]
    net = gross - values["running"]
    months = values["setup"] / net if net > 0 else math.inf
    return Outcome(clicks, orders, gross, net, 12 * net - values["setup"], months)


def case(inputs: Mapping[str, Input], name: str) -> Outcome:
    """The outcome of the low, base or high case: every input at that value."""
    return outcome({key: getattr(given, name) for key, given in inputs.items()})


def sensitivity(inputs: Mapping[str, Input]) -> list[tuple[str, float, float]]:
    """Each input alone at its low and its high value, the others at their base: first year's value, widest first."""
    base = {name: given.base for name, given in inputs.items()}
    rows = []
    for name, given in inputs.items():
        ends = [outcome(base | {name: value}).first_year for value in (given.low, given.high)]
        rows.append((name, ends[0], ends[1]))
    return sorted(rows, key=lambda row: -abs(row[2] - row[1]))


def to_break_even(inputs: Mapping[str, Input], name: str, months: int = 12) -> float:
    """The value of a factor at which the base case earns its setup within `months`; infinite if none does."""
    base = {key: given.base for key, given in inputs.items()}
    each = math.prod(base[factor] for factor in FACTORS if factor != name)
    return (base["setup"] / months + base["running"]) / each if each else math.inf


def by_visits(inputs: Mapping[str, Input]) -> list[tuple[float, float]]:
    """Shops of five sizes, from the low to the high number of visits: visits a month, first year's value in euros.

    The steps are even on a scale of doublings, rounded to two digits; all other inputs stand at their base.
    """
    base = {name: given.base for name, given in inputs.items()}
    low, high = max(inputs["visits"].low, 1.0), max(inputs["visits"].high, 1.0)
    sizes = dict.fromkeys(two_digits(low * (high / low) ** (step / 4)) for step in range(5))
    return [(size, outcome(base | {"visits": size}).first_year) for size in sizes]


def two_digits(value: float, whole: Callable[[float], int] = round) -> float:
    """A number's first two digits, the rest zeros; `whole` rounds, such as `math.ceil`."""
    digits = max(0, math.floor(math.log10(value)) - 1) if value > 0 else 0
    return float(whole(value / 10**digits) * 10**digits)
