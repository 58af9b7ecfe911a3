"""What similar items could be worth: a model with its inputs in a TOML, every one with its source.

A month is worth visits x click rate x uplift x order rate x additional share x margin, less the running cost.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fashion.errors import FashionError
from fashion.paths import project_root

CASES = ("low", "base", "high")
SHARES = ("click_rate", "order_rate", "additional")
FACTORS = ("visits", "click_rate", "uplift", "order_rate", "additional", "margin")
NAMES = (*FACTORS, "running", "setup")


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
    """What a case is worth.

    Attributes
    ----------
    gross : float
        Additional margin a month, euros.
    net : float
        The same less the running cost.
    first_year : float
        Twelve months' net less the setup.
    months : float
        Until the setup is earned; infinite where the net is not positive.
    """

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
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueModelError(f"expected the value model's inputs in {path}; it cannot be read: {error}") from error
    wrong = sorted(set(NAMES) ^ set(found))
    if wrong:
        raise ValueModelError(f"expected the tables {', '.join(NAMES)} in {path}; wrong or missing: {', '.join(wrong)}")
    return {name: _input(path, name, found[name]) for name in NAMES}


def _input(path: Path, name: str, table: Mapping[str, object]) -> Input:
    most = 1.0 if name in SHARES else math.inf
    values = []
    for case in CASES:
        value = table.get(case)
        right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
        if not right:
            top = "1" if most == 1 else "any size"
            raise ValueModelError(
                f"expected a number from 0 to {top} as {name}.{case} in {path}; found {value!r}. Mend that line"
            )
        values.append(float(value))  # type: ignore[arg-type]
    texts = [str(table.get(key, "")).strip() for key in ("unit", "source")]
    if not all(texts):
        raise ValueModelError(f"expected a unit and a source for {name} in {path}; write 'assumption' where it is one")
    low, base, high = values
    return Input(name, low, base, high, unit=texts[0], source=texts[1])


def outcome(values: Mapping[str, float]) -> Outcome:
    """What a choice of all inputs is worth."""
    gross = math.prod(values[name] for name in FACTORS)
    net = gross - values["running"]
    months = values["setup"] / net if net > 0 else math.inf
    return Outcome(gross, net, 12 * net - values["setup"], months)


def case(inputs: Mapping[str, Input], name: str) -> Outcome:
    """What the low, base or high case is worth: every input at that value."""
    return outcome({key: getattr(given, name) for key, given in inputs.items()})


def sensitivity(inputs: Mapping[str, Input]) -> list[tuple[str, float, float]]:
    """Each input alone at its low and its high value, the others at their base: first year's value, widest first."""
    base = {name: given.base for name, given in inputs.items()}
    found = []
    for name, given in inputs.items():
        ends = [outcome(base | {name: value}).first_year for value in (given.low, given.high)]
        found.append((name, ends[0], ends[1]))
    return sorted(found, key=lambda row: -abs(row[2] - row[1]))


def uplift_to_break_even(inputs: Mapping[str, Input], months: int = 12) -> float:
    """The uplift at which the base case earns its setup in so many months."""
    base = {name: given.base for name, given in inputs.items()}
    per_uplift = math.prod(base[name] for name in FACTORS if name != "uplift")
    return (base["setup"] / months + base["running"]) / per_uplift if per_uplift else math.inf
