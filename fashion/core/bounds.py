"""Bounds of the numbers that a user may give, for the command line and for Python alike."""

from __future__ import annotations

import argparse
import math
import operator
from collections.abc import Callable
from numbers import Real

from fashion.core.errors import SettingsError

#: Seeds that NumPy, scikit-learn and Keras all take.
SEEDS = range(2**32)

#: Counts of items, rows, photos: from one to the most that a 32-bit integer holds.
COUNTS = range(1, 2**31)

#: Threads or processes that this machine is asked for.
WORKERS = range(1, 1001)

PORTS = range(2**16)
"""TCP ports; 0 lets the system choose one."""

#: Bytes that a photo's file may have: it is read whole before its header is looked at.
MOST_READ = 2**28


def in_words(allowed: range) -> str:
    """The bounds as a phrase: "at least 1" or "from 0 to 4294967295"."""
    return f"at least {allowed[0]}" if allowed == COUNTS else f"from {allowed[0]} to {allowed[-1]}"


def check_whole(
    name: str, value: object, allowed: range, error: type[Exception] = SettingsError, advice: str = ""
) -> None:
    """Raise `error` unless `value` is a whole number in `allowed`.

    Parameters
    ----------
    name : str
        Of the setting, as Python has it: "seed".
    value : object
        An int, or a NumPy integer; a truth value is no number here.
    allowed : range
    error : type
    advice : str
        What to do; where to set it in a command, if not given.
    """
    try:
        fits = not isinstance(value, bool) and operator.index(value) in allowed  # type: ignore[arg-type]
    except TypeError:
        fits = False
    if not fits:
        advice = advice or f"Correct {name} (fashion: --{name.replace('_', '-')}, make: {name.upper()})."
        raise error(f"expected {name} as a whole number {in_words(allowed)}; found {value!r}. {advice}")


def whole(allowed: range) -> Callable[[str], int]:
    """A type for argparse: text -> a whole number in `allowed`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = allowed[0] - 1
        if value not in allowed:
            raise argparse.ArgumentTypeError(f"expected a whole number {in_words(allowed)}; found {text[:40]!r}")
        return value

    return read


def is_number(value: object) -> bool:
    """Whether a value is a real number, Python's or NumPy's; booleans do not count."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_share(what: str, value: float, error: type[Exception] = SettingsError) -> float:
    """Return a number from 0 to 1 unchanged; raise `error` on anything else, saying that `what` was expected."""
    if not (is_number(value) and 0 <= value <= 1):
        raise error(f"expected {what}; found {value!r}. Give a number in that range.")
    return value


def check_weight(name: str, weight: float, error: type[Exception] = SettingsError) -> float:
    """Return a weight of colour or looks unchanged; raise `error` unless it is from 0 (nothing) to 1 (alone)."""
    return check_share(f"a {name} weight from 0 (ignored) to 1 (it alone)", weight, error)


def positive(text: str) -> float:
    """A type for argparse: text -> a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0; found {text[:40]!r}")
    return value


def share(text: str) -> float:
    """A type for argparse: text -> a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1; found {text[:40]!r}")
    return value
