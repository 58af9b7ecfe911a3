"""Photo faults: blurred, dark, light, odd size, odd shape, patterned background, from what was measured of each photo.

A photo is at fault where a measure is beyond its limit. The limits, and why:

- *blurred*: the sharpest edges are twice as wide as the catalogue's median (one octave). Measured blur depends on how a
  catalogue's photos were reduced, so only a comparison with them means something.
- *odd size*, *odd shape*: side, or ratio of the sides, is half or double the median (one octave): another source, a
  thumbnail, a banner. Networks see a square, in which such a garment has another shape.
- *dark*: not even the lightest hundredth of the photo reaches lightness 60. Product photos have a light background, and
  others nearly always something light.
- *light*: even the darkest hundredth is lighter than 85, so the garment hardly stands out from white. An over-exposed
  photo of a black garment is not found: it may as well be a good photo of a grey one.
- *patterned background*: more than half of the border is not of the border's own median colour. Then no colour is the
  background, and what is measured as garment is not. Several people beside each other give the same.

What is usual in a catalogue is no fault. A limit in octaves grows to `SPREADS` robust standard deviations where the
catalogue varies (by median and MAD; Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers, take 3.5). Any other
fault is not looked for where the median photo has it: if most photos are taken on a carpet, a carpet is not listed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.numerals import percent

Values = NDArray[np.float64]

#: Robust standard deviations from the median beyond which a photo is unusual.
SPREADS = 3.5

#: Median absolute deviation to standard deviation, of a normal distribution.
MAD_TO_SIGMA = 1.4826

#: Octaves from the median at which a blur, size or shape could not be worse: a factor of eight.
WORST_OCTAVES = 3.0


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes
    ----------
    name : str
    measure : callable
        Items table -> values, shape (n,); the larger, the worse.
    level : float
        The limit, or the least one.
    worst : float
        The value that has severity 1.
    reason : str
        Format of the evidence, from the item's columns and their medians (`usual`).
    varies : bool
        Whether the limit grows where the catalogue varies.
    """

    name: str
    measure: Callable[[pd.DataFrame], Values]
    level: float
    worst: float
    reason: str
    varies: bool = False

    def limit(self, values: Values) -> float:
        """The value beyond which a photo is at fault, in a catalogue with these values."""
        usual = float(np.median(values))
        if self.varies:
            return max(self.level, usual + SPREADS * MAD_TO_SIGMA * float(np.median(np.abs(values - usual))))
        return self.level if usual <= self.level else self.worst


def octaves(values: pd.Series | Values) -> Values:
    """The number of doublings by which each value is above the median."""
    known = np.asarray(values, np.float64)
    return np.log2(known / np.median(known))


FAULTS = (
    Fault(
        "blurred", lambda items: octaves(items["edge_width"]), 1.0, WORST_OCTAVES,
        "sharpest edges {edge_width:.1f} pixels wide, usual {usual[edge_width]:.1f}", varies=True,
    ),
    Fault(
        "dark", lambda items: 100 - items["lightest"].to_numpy(np.float64), 40.0, 100.0,
        "nothing lighter than {lightest:.0f} of 100, usual {usual[lightest]:.0f}",
    ),
    Fault(
        "light", lambda items: items["darkest"].to_numpy(np.float64), 85.0, 100.0,
        "nothing darker than {darkest:.0f} of 100, usual {usual[darkest]:.0f}",
    ),
    Fault(
        "odd size", lambda items: np.abs(octaves(np.sqrt(items["width"] * items["height"]))), 1.0, WORST_OCTAVES,
        "{width:.0f} × {height:.0f} pixels, usual {usual[width]:.0f} × {usual[height]:.0f}", varies=True,
    ),
    Fault(
        "odd shape", lambda items: np.abs(octaves(items["width"] / items["height"])), 1.0, WORST_OCTAVES,
        "{width:.0f} × {height:.0f} pixels, usual {usual[width]:.0f} × {usual[height]:.0f}", varies=True,
    ),
    Fault(
        "patterned background", lambda items: items["uneven_border"].to_numpy(np.float64), 0.5, 1.0,
        "{uneven} of the border are not of its median colour",
    ),
)  # fmt: skip


def photo_faults(items: pd.DataFrame) -> pd.DataFrame:
    """The photos that are at fault.

    Parameters
    ----------
    items : DataFrame
        With the columns of `measures.METADATA`, index 0..n-1.

    Returns
    -------
    DataFrame
        One line a fault: `row`, `kind` (the fault's name), `severity` (0 at the limit, 1 as bad as can be), `reason`.
    """
    columns = ["edge_width", "darkest", "lightest", "uneven_border", "width", "height"]
    usual = items[columns].median().to_dict()
    lines = []
    for fault in FAULTS if len(items) else ():
        values = fault.measure(items)
        limit = fault.limit(values)
        rows = np.flatnonzero(values > limit)
        severity = np.minimum((values[rows] - limit) / max(fault.worst - limit, 1e-9), 1.0)
        measured = items.iloc[rows][columns].itertuples(index=False)
        for row, severe, values_of in zip(rows, severity, measured, strict=True):
            own = dict(zip(columns, values_of, strict=True))
            reason = fault.reason.format(**own, uneven=percent(own["uneven_border"]), usual=usual)
            lines.append({"row": int(row), "kind": fault.name, "severity": float(severe), "reason": reason})
    return pd.DataFrame(lines, columns=["row", "kind", "severity", "reason"])
