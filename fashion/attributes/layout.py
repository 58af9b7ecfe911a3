"""Descriptions as vectors: distributions over category and colour words, and how likely two descriptions agree.

If a query shows category k with probability p(k) and an item with g(k), independently, they agree with probability
sum over k of p(k) g(k): the inner product of the two distributions. The embedding holds the distributions as they are,
so that its products are expected agreements, the very thing that is wanted of the six recommendations.

An inner product becomes a cosine when each item is given one number more that brings it to length one, and each query a
zero there (Bachrach et al. 2014, Speeding Up the Xbox Recommender System, section 3). So the looks part and the colour
part of an item each end in such a number, and `as_queries` takes it off again for what asks.
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

#: Share of a known word in an item's distribution; the rest is what the network sees, since words err (notebook 01).
WORD_TRUST = 0.9

#: Frozen looks' share of the looks part. They order items of one category; more of them costs agreement
#: (ImageLab, both: .329 without, .330 at a tenth, .326 at a fifth; see docs/decisions.md).
LOOKS_SHARE = 0.1

#: Share of a colour asked for in words that goes to its neighbours for the eye, and over which CIEDE2000 it spreads.
NEAR_SHARE, NEAR_WIDTH = 0.2, 10.0


def distribution(logits: NDArray) -> Float:
    """Softmax of each row of `logits`, float32, rows summing to 1."""
    scaled = np.asarray(logits, np.float64)
    exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float32)


def blend_words(seen: Float, words: Iterable[object], known: Sequence[str], trust: float = WORD_TRUST) -> Float:
    """Mix known words into what the network sees: (1 - trust) x seen + trust x word.

    Parameters
    ----------
    seen : ndarray of float32, shape (n, c)
        Distributions, one row an item.
    words : iterable of n
        Each item's word; one that the network was never taught, or none at all, leaves the item's row as it is.
    known : sequence of str, length c
        The network's words in the order of the columns.
    trust : float
        0 (the photo alone) to 1 (the word alone).

    Returns
    -------
    ndarray of float32, shape (n, c)
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
    """The category's distribution, projected, beside the frozen looks, as rows (n, p + l) of length at most one.

    A product of two rows is (1 - `LOOKS_SHARE`) x expected agreement in category + `LOOKS_SHARE` x cosine of looks.

    Parameters
    ----------
    category : ndarray of float, shape (n, categories)
        Distributions.
    projection : ndarray of float32, shape (categories, p)
        As in `attributes.AttributesNetwork`.
    looks : ndarray of float, shape (n, l)
        Principal components of the frozen embedding.
    """
    kind = np.sqrt(1 - LOOKS_SHARE) * (category @ projection)
    return np.asarray(np.concatenate([kind, np.sqrt(LOOKS_SHARE) * normalise(looks)], axis=1), np.float32)


@dataclass(frozen=True)
class Layout:
    """How the numbers of a learned embedding are laid out; enough to turn words into a vector without a network.

    Attributes
    ----------
    categories, colours : tuple of str
        The network's words.
    projection : ndarray of float32, shape (categories, p)
    colour_from : int
        Index of the first number that belongs to the colour; before it stand the projected category, frozen looks,
        and the number that fills the looks part to length one. The colour part ends in such a number too.
    """

    categories: tuple[str, ...]
    colours: tuple[str, ...]
    projection: Float
    colour_from: int

    @property
    def width(self) -> int:
        """Numbers of the embedding."""
        return self.colour_from + len(self.colours) + 1

    def vector(self, category: str | None = None, colour: str | None = None) -> Float:
        """The query that a description in words makes, shape (width,).

        A part of which nothing is said, or a word that the network was not taught, is zero. A colour has most of its
        part's weight and its neighbours for the eye (`near_colours`) the rest, so that the next best shade follows.
        """
        found = np.zeros(self.width, np.float32)
        if category in self.categories:
            row = self.projection[self.categories.index(category)]
            found[: len(row)] = np.sqrt(1 - LOOKS_SHARE) * row
        if colour in self.colours:
            found[self.colour_from : -1] = near_colours(colour, self.colours)
        return found


def near_colours(word: str, known: Sequence[str]) -> Float:
    """A colour word as a distribution over the known ones, shape (c,), float32, sum 1.

    `NEAR_SHARE` of it goes to other words in proportion to exp(-(CIEDE2000 / `NEAR_WIDTH`)^2); words without a swatch
    in the glossary have no neighbours.

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
    if near.sum() < 1e-6:  # no neighbour for the eye
        return own.astype(np.float32)
    return np.asarray((1 - NEAR_SHARE) * own + NEAR_SHARE * near / near.sum(), np.float32)


def as_queries(vectors: NDArray, colour_from: int, colour_weight: float = COLOUR_WEIGHT) -> Float:
    """Rows that ask: product with rows that answer is (1 - w) x looks + w x colour.

    The balance is chosen by what asks; what answers stays as it is. Where a row says nothing of one part, the other has
    all the weight.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)
        As `attributes.AttributesNetwork.embed` or `Layout.vector` gives them.
    colour_from : int
        Index of the first number that belongs to the colour.
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
