"""Colours: sRGB to CIELAB and back, how far two colours look apart, and what a colour is called."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Lab = NDArray[np.float64]


def hex_to_lab(colours: str | Iterable[str]) -> Lab:
    """Turn `#rrggbb` into CIELAB (D65, 2 degrees).

    Parameters
    ----------
    colours : str or iterable of str
        sRGB, six hexadecimal digits, with or without `#`.

    Returns
    -------
    ndarray of float64, shape (3,) for one colour, (n, 3) for several
        L 0-100, a and b about -128 to 127.

    Raises
    ------
    ValueError
        For a word that is no such colour.
    """
    from skimage.color import rgb2lab

    words = [colours] if isinstance(colours, str) else list(colours)
    rgb = np.array([_channels(word) for word in words], np.float64).reshape(-1, 3)
    lab = np.asarray(rgb2lab(rgb / 255), np.float64)
    return lab[0] if isinstance(colours, str) else lab


def lab_to_hex(lab: ArrayLike) -> str | list[str]:
    """Turn CIELAB, shape (3,) or (n, 3), into `#rrggbb`; what sRGB cannot show is clipped to what it can."""
    from skimage.color import lab2rgb

    table = _lab(lab)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-image's, of colours outside XYZ
        rgb = np.rint(255 * lab2rgb(table)).astype(int)
    words = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in rgb]
    return words[0] if np.ndim(lab) == 1 else words


def delta_e(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """CIEDE2000 difference of CIELAB colours, shapes (..., 3), broadcast: 0 equal, about 1 just noticeable.

    CIE 142-2001, with kL = kC = kH = 1; Sharma, Wu & Dalal, Color Research and Application 30:21-30, 2005.

    Returns
    -------
    ndarray of float64
        At least 0; the shape of the arguments without the last axis. NaN where a colour has one.
    """
    from skimage.color import deltaE_ciede2000

    # Broadcast here: scikit-image 0.26 gives wrong shapes, silently, for arguments of unlike dimensions.
    one, other = np.broadcast_arrays(np.asarray(first, np.float64), np.asarray(second, np.float64))
    return np.asarray(deltaE_ciede2000(one, other), np.float64)


def distances_to_words(lab: ArrayLike, words: Mapping[str, str]) -> NDArray[np.float64]:
    """CIEDE2000 difference of n colours from each of w words, in the mapping's order: shape (n, w)."""
    table = _lab(lab)
    reference = hex_to_lab(words.values())
    result = np.empty((len(table), len(reference)))
    for start in range(0, len(table), 4096):  # the formula makes about twenty arrays of this size
        result[start : start + 4096] = delta_e(table[start : start + 4096, np.newaxis], reference)
    return result


def nearest_colour_word(lab: ArrayLike, words: Mapping[str, str]) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Name colours by the word whose own colour looks nearest.

    Parameters
    ----------
    lab : array, shape (n, 3)
        CIELAB.
    words : mapping of word to `#rrggbb`
        Of two words with one colour, the first wins.

    Returns
    -------
    words : ndarray of str, shape (n,)
    differences : ndarray of float64, shape (n,)
        CIEDE2000.

    Raises
    ------
    ValueError
        When there is no word, a colour is NaN, or the shape is another.
    """
    if not words:
        raise ValueError("expected at least one colour word; found none")
    table = _lab(lab)
    if not np.isfinite(table).all():
        row = int(np.argmin(np.isfinite(table).all(axis=1)))
        raise ValueError(
            f"expected finite Lab colours; found others in row {row} of {len(table)}. "
            "Leave out garments without a colour."
        )
    distances = distances_to_words(table, words)
    best = distances.argmin(axis=1)
    return np.array(list(words), dtype=np.str_)[best], distances[np.arange(len(best)), best]


def _channels(word: str) -> list[int]:
    digits = word.removeprefix("#") if isinstance(word, str) else ""
    if len(digits) != 6 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
        raise ValueError(f"expected a colour like #1f3a93; found {word!r}")
    return [int(digits[place : place + 2], 16) for place in (0, 2, 4)]


def _lab(lab: ArrayLike) -> Lab:
    table = np.atleast_2d(np.asarray(lab, np.float64))
    if table.ndim != 2 or table.shape[1] != 3:
        raise ValueError(f"expected lab of shape (3,) or (n, 3); found {np.shape(lab)}")
    return table
