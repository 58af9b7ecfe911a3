"""Prices as numbers: "1.299,00 €" and "€1,299.00" are one price."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

#: A number as people write it: digits, parted by points, commas, apostrophes or spaces.
NUMBER = r"\d+(?:[.,'’\s]\d+)*"


def price_number(text: str) -> float:
    """A price as a number, without its currency: the first number of the text; NaN where there is none.

    Of two kinds of signs the last one begins the decimals. A single one does unless three digits follow it ("1.299" is
    a thousand and more, "0.299" is not).

    Examples
    --------
    >>> [price_number(text) for text in ("49.90", "€ 49,90", "1.299,00 €", "1,299", "1 299 kr", "from 20 to 30")]
    [49.9, 49.9, 1299.0, 1299.0, 1299.0, 20.0]
    >>> price_number("on request")
    nan
    """
    hit = re.search(NUMBER, text)
    if hit is None:
        return float("nan")
    written = re.sub(r"['’\s]", "", hit[0])
    signs = re.findall(r"[.,]", written)
    if signs and (len(set(signs)) == 2 or (len(signs) == 1 and not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", written))):
        whole, _, rest = written.rpartition(signs[-1])
        return float(re.sub(r"[.,]", "", whole) + "." + rest)
    return float(re.sub(r"[.,]", "", written))


def price_numbers(texts: Iterable[object]) -> NDArray[np.float64]:
    """`price_number` of each, shape (n,)."""
    return np.array([price_number(str(text)) for text in texts], np.float64)
