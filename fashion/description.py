"""Descriptions as vectors: distributions over category and colour words, what is known of them, and their cosine.

The embedding of an item has two parts of length one. The looks part holds the square roots of the category's
distribution and a share of frozen looks, the colour part the square roots of the colour's distribution. The cosine of
two such roots is how much the distributions overlap (Bhattacharyya 1946), so near-equal words count in part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fashion.colour import delta_e, hex_to_lab
from fashion.neighbours import normalise
from fashion.translation import colour_hexes

Float = NDArray[np.float32]

#: Share of a known word in an item's distribution; the rest is what the network sees, since words err (notebook 01).
WORD_TRUST = 0.9
#: Frozen looks' share of the looks part's cosine. They order items of one category; more of them costs agreement in
#: category (ImageLab: .716 without, .713 at a tenth, .703 at a third; see docs/decisions.md).
LOOKS_SHARE = 0.1
#: Share of a colour asked for in words that goes to its neighbours for the eye, and over which CIEDE2000 it spreads.
NEAR_SHARE, NEAR_WIDTH = 0.2, 10.0
#: Share of the colour in the cosine where the user asks for none.
COLOUR_WEIGHT = 0.5


def distribution(logits: NDArray, temperature: float = 1.0) -> Float:
    """Softmax of `logits` / `temperature`, float32, rows summing to 1; below 1 a temperature sharpens."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    exponents = np.exp(scaled)
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


def looks_part(category: NDArray, projection: Float, looks: NDArray | None = None) -> Float:
    """Unit rows (n, p + l): the category's distribution, projected, beside `LOOKS_SHARE` of unit frozen looks (n, l).

    Parameters
    ----------
    category : ndarray of float, shape (n, categories)
        Distributions.
    projection : ndarray of float32, shape (categories, p)
        As in `attributes.AttributesNetwork`.
    looks : ndarray of float, shape (n, l), optional
        Principal components of the frozen embedding.
    """
    kind = normalise(np.sqrt(category).astype(np.float32) @ projection)
    if looks is None:
        return kind
    return normalise(np.concatenate([np.sqrt(1 - LOOKS_SHARE) * kind, np.sqrt(LOOKS_SHARE) * normalise(looks)], axis=1))


@dataclass(frozen=True)
class Layout:
    """How the numbers of a learned embedding are laid out; enough to turn words into a vector without a network.

    Attributes
    ----------
    categories, colours : tuple of str
        The network's words.
    projection : ndarray of float32, shape (categories, p)
    colour_from : int
        Index of the first number that belongs to the colour; from p to there are frozen looks.
    """

    categories: tuple[str, ...]
    colours: tuple[str, ...]
    projection: Float
    colour_from: int

    @property
    def width(self) -> int:
        """Numbers of the embedding."""
        return self.colour_from + len(self.colours)

    def vector(self, category: str | None = None, colour: str | None = None) -> Float:
        """The vector of a description in words, shape (width,).

        A part of which nothing is said, or a word that the network was not taught, is zero. A colour has most of its
        part's weight and its neighbours for the eye (`near_colours`) the rest, so that the next best shade follows.
        """
        found = np.zeros(self.width, np.float32)
        if category in self.categories:
            kind = np.zeros((1, len(self.categories)), np.float32)
            kind[0, self.categories.index(category)] = 1
            found[: self.projection.shape[1]] = looks_part(kind, self.projection)[0]
        if colour in self.colours:
            found[self.colour_from :] = np.sqrt(near_colours(colour, self.colours))
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


def balanced_query(vector: NDArray, colour_from: int, colour_weight: float = COLOUR_WEIGHT) -> Float:
    """Scale a query's parts so that its product with unscaled vectors is (1 - w) x looks + w x colour.

    So the balance is chosen for each query and the gallery stays as it is. Where the query has one part only, that
    part has all the weight.

    Parameters
    ----------
    vector : ndarray of float, shape (d,)
        A row as `attributes.AttributesNetwork.embed` or `Layout.vector` gives it.
    colour_from : int
        Index of the first number that belongs to the colour.
    colour_weight : float
        w, 0 (looks alone) to 1 (colour alone).

    Raises
    ------
    ValueError
        When the weight is outside [0, 1].
    """
    if not 0 <= colour_weight <= 1:
        raise ValueError(f"expected a colour weight from 0 (looks alone) to 1 (colour alone); found {colour_weight}")
    parts = [np.asarray(vector[:colour_from], np.float64), np.asarray(vector[colour_from:], np.float64)]
    lengths = [float(np.linalg.norm(part)) for part in parts]
    weight = 1.0 if lengths[0] == 0 else 0.0 if lengths[1] == 0 else colour_weight
    scaled = [
        part * (share / length if length else 0.0)
        for part, share, length in zip(parts, (1 - weight, weight), lengths, strict=True)
    ]
    return np.concatenate(scaled).astype(np.float32)
