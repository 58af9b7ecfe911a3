"""Measures several ways of doing one thing, turn by turn, so that a machine that slows down slows them all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fashion.core.files import write_json
from fashion.core.provenance import commit, machine, versions

#: Edge of the matrices whose product gives the machine's peak.
PEAK_EDGE = 4096


@dataclass(frozen=True)
class Way:
    """One way of doing it.

    Attributes
    ----------
    name : str
    run : callable
        Does it once; returns the seconds that count, or None where all of the call counts.
    units : float
        What one call gets done: photos, queries, floating-point operations.
    """

    name: str
    run: Callable[[], float | None]
    units: float


def alternate(ways: Sequence[Way], rounds: int, *, warm: bool = True) -> pd.DataFrame:
    """Run every way once a round, each round beginning with another one.

    Parameters
    ----------
    ways : sequence of Way
    rounds : int
    warm : bool
        Run each once before, unmeasured.

    Returns
    -------
    DataFrame
        `way`, `round`, `seconds`, `rate` (units a second).
    """
    runs = []
    if warm:
        for way in ways:
            say(f"  warming {way.name}")
            way.run()
    for number in range(rounds):
        shift = number % len(ways)
        for way in [*ways[shift:], *ways[:shift]]:
            begin = time.perf_counter()
            counted = way.run()
            seconds = time.perf_counter() - begin if counted is None else counted
            say(f"  round {number + 1} of {rounds}: {way.name}: {way.units / seconds:,.4g} a second")
            runs.append({"way": way.name, "round": number, "seconds": seconds, "rate": way.units / seconds})
    return pd.DataFrame(runs)


def summarise(runs: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Median rates, and their ratios to one way's rate of the same round.

    Parameters
    ----------
    runs : DataFrame
        From `alternate`.
    reference : str
        The way that the others are compared with.

    Returns
    -------
    DataFrame
        In the order of measuring: `way`, `rate`, `rate_low`, `rate_high` (median, least, most), `ratio`, `ratio_low`,
        `ratio_high`.
    """
    wide = runs.pivot(index="round", columns="way", values="rate")
    order = runs["way"].drop_duplicates()
    rows = []
    for way in order:
        rate, ratio = wide[way], wide[way] / wide[reference]
        rows.append({
            "way": way, "rate": rate.median(), "rate_low": rate.min(), "rate_high": rate.max(),
            "ratio": ratio.median(), "ratio_low": ratio.min(), "ratio_high": ratio.max(),
        })  # fmt: skip
    return pd.DataFrame(rows)


def peak(edge: int = PEAK_EDGE) -> Way:
    """The product of two square float32 matrices: floating-point operations a second that the machine reaches."""
    left = np.random.default_rng(0).random((edge, edge), np.float32)
    product = np.empty_like(left)

    def multiply() -> None:
        np.matmul(left, left, out=product)

    return Way("matrix product", multiply, 2.0 * edge**3)


def resident() -> int:
    """The most memory that this process has held, bytes."""
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


#: Of the files of numbers: raised when a key is renamed, so that older files are measured again.
FORMAT = 2


def write(folder: Path, part: str, content: dict[str, Any]) -> Path:
    """Write a part's numbers with what they were measured on: `<folder>/<part>.json`."""
    provenance = {"format": FORMAT, "part": part, "commit": commit(), "machine": machine(), "versions": versions()}
    return write_json(folder / f"{part}.json", provenance | content)


def read(folder: Path, part: str) -> dict[str, Any] | None:
    """A part's numbers; None where it has not been measured, or was by a version with other keys."""
    path = folder / f"{part}.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content if content.get("format") == FORMAT else None
