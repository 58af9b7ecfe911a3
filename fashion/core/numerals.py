"""Numbers as people read them: the only place that formats shares, cosines, p-values and per cent.

The rules, for sentences, tables, figures, slides, the shop and documents; `tests/lint/test_sources.py` holds them:

- per cent without a space, as in British prose: 86%, also where it is typed by hand ("95% interval"); on an axis the
  unit is in its label ("Precision@6, %");
- 0% and 100% only where exact (`percent`); a share that somebody set, with all its digits (`percent_as_set`);
- shares, differences and cosines as numbers: three decimals, halves up (`decimal`, `interval`);
- a similarity or score beside a picture or within a reason: two decimals (`score`);
- amounts and weights: at most two decimals (`number`);
- a number beside its limit: with the decimals that tell the two apart (`apart`);
- a p-value at or below the least that its test can give: as below it (`p_value`);
- counts from a thousand on with commas: 2,848.

Seconds, bytes and pixels need no more than Python's own formats.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
            "eleventh", "twelfth")  # fmt: skip


def number_word(count: int) -> str:
    """A count in a sentence: in words up to twelve, then in figures.

    Examples
    --------
    >>> number_word(6), number_word(24)
    ('six', '24')
    """
    return WORDS[count] if 0 <= count < len(WORDS) else f"{count:,}"


def ordinal_word(place: int) -> str:
    """A place in a list: in words up to twelve, then in figures.

    Examples
    --------
    >>> ordinal_word(6), ordinal_word(21), ordinal_word(113)
    ('sixth', '21st', '113th')
    """
    if 0 <= place < len(ORDINALS):
        return ORDINALS[place]
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place:,}{ending}"


def decimal(value: float, sign: str = "") -> str:
    """A share, difference or cosine with three decimals, half up, as every table, figure and sentence writes it.

    Halves of the written number go up, so that NumPy's, Python's and a spreadsheet's rules agree. Never "-0.000".

    Examples
    --------
    >>> decimal(0.1325), decimal(0.0125, "+"), decimal(-0.0001), decimal(float("nan"))
    ('0.133', '+0.013', '0.000', '')
    """
    if not math.isfinite(value):
        return ""
    return f"{_half_up(value, 3):{sign}.3f}"


def score(value: float) -> str:
    """A similarity or score beside a picture or within a reason: two decimals, halves up.

    Examples
    --------
    >>> score(0.714), score(0.995)
    ('0.71', '1.00')
    """
    return f"{_half_up(value, 2):.2f}"


def apart(value: float, limit: float) -> tuple[str, str]:
    """A number and the limit that it is held to, with the decimals that tell the two apart; whole numbers as they are.

    Examples
    --------
    >>> apart(0.0931, 0.1), apart(0.1004, 0.1), apart(0, 0), apart(float("nan"), 0.9)
    (('0.093', '0.100'), ('0.1004', '0.1000'), ('0', '0'), ('', '0.900'))
    """
    if isinstance(value, int) and isinstance(limit, int):
        return f"{value:,}", f"{limit:,}"
    places = next((n for n in range(3, 10) if value == limit or _half_up(value, n) != _half_up(limit, n)), 3)
    return (f"{_half_up(value, places):.{places}f}" if math.isfinite(value) else ""), f"{limit:.{places}f}"


def number(value: float) -> str:
    """An amount: whole from 10 on, else with at most two decimals.

    Examples
    --------
    >>> number(1_000_000), number(12.5), number(0.5), number(0.001)
    ('1,000,000', '13', '0.5', '0')
    """
    return f"{_half_up(value, 0 if abs(value) >= 10 else 2).normalize():,f}"


def interval(mean: float, low: float, high: float, sign: str = "") -> str:
    """A mean with its interval: "0.512 [0.498, 0.527]"; with `sign` "+", each number is signed."""
    return f"{decimal(mean, sign)} [{decimal(low, sign)}, {decimal(high, sign)}]"


def percent(share: float, sign: str = "") -> str:
    """A share or change in per cent, with one decimal near 0 and 1: 0% and 100% only where exact.

    It is `decimal` in per cent, so that rounding a table's number gives the sentence's; empty if not finite.

    Examples
    --------
    >>> percent(0.866), percent(0.2446), percent(0.008), percent(0.9996), percent(1), percent(float("nan"))
    ('87%', '25%', '0.8%', '99.9%', '100%', '')
    >>> percent(2.3), percent(-0.05), percent(0.0112, "+")
    ('230%', '-5%', '+1%')
    """
    if not math.isfinite(share):
        return ""
    if share in (-1, 0, 1):
        return f"{100 * int(share):{sign}}%"
    per_mille = _half_up(share, 3) * 1000
    if abs(per_mille) in (0, 1000):
        per_mille += 1 if share * 1000 > per_mille else -1
    size = abs(per_mille)
    return f"{_half_up(per_mille / 10, 0 if 10 <= size < 995 or size >= 1005 else 1):{sign}}%"


def percent_as_set(share: float) -> str:
    """A share that somebody set, in per cent with all its digits: an assumption is not rounded.

    Examples
    --------
    >>> percent_as_set(0.025), percent_as_set(0.1), percent_as_set(0)
    ('2.5%', '10%', '0%')
    """
    return f"{(Decimal(repr(float(share))) * 100).normalize():f}%"


def shown_share(share: float) -> float:
    """The share that `percent` writes, for charts that write their own labels.

    Examples
    --------
    >>> shown_share(0.2446), shown_share(0.008)
    (0.25, 0.008)
    """
    return float(Decimal(percent(share).removesuffix("%")) / 100)


def p_value(p: float, floor: float = 0.0) -> str:
    """A p-value; one at the floor of its test is written as below it.

    Parameters
    ----------
    p : float
    floor : float
        The smallest that the test can give.

    Examples
    --------
    >>> p_value(0.0213), p_value(0.0039, 0.0039), p_value(0.00002)
    ('p = 0.021', 'p < 0.004', 'p < 0.001')
    """
    if p <= floor * (1 + 1e-9) or p < 0.0005:
        bound = max(Decimal(repr(float(p))).quantize(Decimal("0.001"), ROUND_CEILING), Decimal("0.001"))
        return f"p < {bound}"
    return f"p = {decimal(p)}"


def _half_up(value: float | Decimal, digits: int) -> Decimal:
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) + 0
