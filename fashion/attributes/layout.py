"""The learned embedding's layout: distributions over category and colour words whose products are expected agreement.

If a query shows category k with probability p(k) and an item with g(k), independently, they agree with probability
sum over k of p(k) g(k): the inner product of the two distributions. The embedding holds the distributions themselves,
so its products are expected agreement, the very quantity that recommendations should maximise.

Gallery vectors get one padding dimension that brings each part, looks and colour, to unit length; queries have 0 there
(`as_queries`), so ranking by inner product equals ranking by cosine (Bachrach et al. 2014, Speeding Up the Xbox
Recommender System, section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fashion.catalogue.translation import colour_hexes
from fashion.core.colour import delta_e, hex_to_lab
from fashion.core.defaults import COLOUR_WEIGHT
from fashion.neighbours.exact import normalise

Float = NDArray[np.float32]

#: Share of a known word in an item's distribution; the rest is the network's prediction, since words err (notebook 01).
WORD_TRUST = 0.9

#: Frozen vectors' share of the looks part. They order items of one category; a larger share costs precision
#: (ImageLab, both: .329 without, .330 at a tenth, .326 at a fifth; see docs/decisions.md).
LOOKS_SHARE = 0.1

#: Share of a queried colour word that goes to visually similar colours, and the CIEDE2000 over which it spreads.
NEAR_SHARE, NEAR_WIDTH = 0.2, 10.0


def distribution(logits: NDArray) -> Float:
    """Softmax of each row of `logits`, float32, shape (n, c).

    Examples
    --------
    >>> distribution(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]], dtype=float32)
    """
    scaled = np.asarray(logits, np.float64)
    exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float32)


def blend_words(seen: Float, words: Iterable[object], known: Sequence[str], trust: float = WORD_TRUST) -> Float:
    """Mix known words into the prediction: (1 - trust) x seen + trust x word, shape (n, c).

    Parameters
    ----------
    seen : ndarray of float32, shape (n, c)
        Predicted distributions, one row an item.
    words : iterable of n
        Each item's word; the row stays as it is where the word is missing or was not in the training set.
    known : sequence of str, length c
        The network's words in the order of the columns.
    trust : float
        0 (the photo alone) to 1 (the word alone).

    Returns
    -------
    ndarray of float32, shape (n, c)

    Examples
    --------
    >>> blend_words(np.array([[0.5, 0.5], [0.5, 0.5]]), ["red", "plum"], ["blue", "red"], trust=0.5)
    array([[0.25, 0.75],
           [0.5 , 0.5 ]], dtype=float32)
    """
    place = {word: column for column, word in enumerate(known)}
    codes = np.array([place.get(str(word), -1) for word in words], np.int64)
    if codes.shape != (len(seen),):
        raise ValueError(f"expected one word for each of {len(seen)} items; found {len(codes)}")
    told = np.flatnonzero(codes >= 0)
    mixed = np.array(seen, np.float32)
    mixed[told] *= 1 - trust
    mixed[told, codes[told]] += trust
    return mixed


def looks_of(category: NDArray, projection: Float, looks: NDArray) -> Float:
    """The looks part, shape (n, p + l), rows of length at most one: projected category beside frozen vectors.

    A product of two rows is (1 - `LOOKS_SHARE`) x expected agreement in category + `LOOKS_SHARE` x cosine of looks.

    Parameters
    ----------
    category : ndarray of float, shape (n, categories)
        Distributions.
    projection : ndarray of float32, shape (categories, p)
        As in `network.AttributesNetwork`.
    looks : ndarray of float, shape (n, l)
        Principal components of the frozen vectors.
    """
    kind = np.sqrt(1 - LOOKS_SHARE) * (category @ projection)
    return np.asarray(np.concatenate([kind, np.sqrt(LOOKS_SHARE) * normalise(looks)], axis=1), np.float32)


@dataclass(frozen=True)
class Layout:
    """The layout of a learned embedding's dimensions; enough to turn words into a query without a network.

    Attributes
    ----------
    categories, colours : tuple of str
        The network's words.
    projection : ndarray of float32, shape (categories, p)
    colour_from : int
        Index of the colour part's first dimension; before it are the projected category, the frozen vectors and a
        padding dimension. The colour part ends in a padding dimension too.
    """

    categories: tuple[str, ...]
    colours: tuple[str, ...]
    projection: Float
    colour_from: int

    @property
    def width(self) -> int:
        """Dimensions of the embedding."""
        return self.colour_from + len(self.colours) + 1

    def vector(self, category: str | None = None, colour: str | None = None) -> Float:
        """The query of a description in words, shape (width,).

        A part is zero where its word is missing or was not in the training set. A colour gets most of its part's
        weight, visually similar ones (`near_colours`) the rest, so that the next best shade follows.
        """
        query = np.zeros(self.width, np.float32)
        if category in self.categories:
            row = self.projection[self.categories.index(category)]
            query[: len(row)] = np.sqrt(1 - LOOKS_SHARE) * row
        if colour in self.colours:
            query[self.colour_from : -1] = near_colours(colour, self.colours)
        return query


def near_colours(word: str, known: Sequence[str]) -> Float:
    """A colour word as a distribution over the known ones, shape (c,), float32, sum 1.

    `NEAR_SHARE` of it goes to other words in proportion to exp(-(CIEDE2000 / `NEAR_WIDTH`)^2); words without a swatch
    in the glossary get none.

    Parameters
    ----------
    word : str
        One of the known ones.
    known : sequence of str, length c
    """
    own = np.array([name == word for name in known])
    swatches = colour_hexes()
    shown = np.array([name in swatches and not mine for name, mine in zip(known, own, strict=True)])
    if word not in swatches or not shown.any():
        return own.astype(np.float32)
    lab = hex_to_lab([swatches[name] for name, seen in zip(known, shown, strict=True) if seen])
    near = np.zeros(len(own))
    near[shown] = np.exp(-((delta_e(lab, hex_to_lab(swatches[word])) / NEAR_WIDTH) ** 2))
    if near.sum() < 1e-6:  # no similar colour
        return own.astype(np.float32)
    return np.asarray((1 - NEAR_SHARE) * own + NEAR_SHARE * near / near.sum(), np.float32)


def as_queries(vectors: NDArray, colour_from: int, colour_weight: float = COLOUR_WEIGHT) -> Float:
    """Queries whose product with gallery vectors is (1 - w) x looks + w x colour, shape (n, d).

    The weight is applied to the query alone. Where one of its parts is zero, the other gets all the weight.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)
        From `AttributesNetwork.embed` or `Layout.vector`.
    colour_from : int
        Index of the colour part's first dimension.
    colour_weight : float
        w, 0 (looks alone) to 1 (colour alone).

    Returns
    -------
    ndarray of float32, shape (n, d)

    Raises
    ------
    ValueError
        When the weight is outside [0, 1].
    """
    if not 0 <= colour_weight <= 1:
        raise ValueError(f"expected a colour weight from 0 (looks alone) to 1 (colour alone); found {colour_weight}")
    rows = np.array(vectors, np.float32)
    rows[:, [colour_from - 1, -1]] = 0
    looks, colour = rows[:, :colour_from], rows[:, colour_from:]
    says = [np.any(part != 0, axis=1) for part in (looks, colour)]
    weight = np.where(~says[0], 1.0, np.where(~says[1], 0.0, colour_weight)).astype(np.float32)[:, np.newaxis]
    return np.concatenate([looks * (1 - weight), colour * weight], axis=1)
