"""The learned embedding's layout: one part for each thing that is described, and one for looks.

If a query shows category k with probability p(k) and an item with g(k), independently, they agree with probability
sum over k of p(k) g(k): the inner product of the two distributions. So the parts of category, colour and each further
descriptive column hold the distributions themselves, and their products are expected agreement. The looks part holds
whitened principal components of the frozen vectors, of unit length: its products are cosines of looks.

Gallery vectors get one padding dimension that brings each part to unit length; queries have 0 there
(`Layout.queries`), so ranking by inner product equals ranking by cosine (Bachrach et al. 2014, Speeding Up the Xbox
Recommender System, section 3). Weights are applied to the query alone: changing them needs no other vectors. The last
part holds one number of the item, added to every similarity: its correction for hubs (`neighbours.hubs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fashion.catalogue.swatches import Swatches
from fashion.core.bounds import check_weight
from fashion.core.colour import delta_e, hex_to_lab
from fashion.core.defaults import COLOUR_WEIGHT, LOOKS_WEIGHT
from fashion.core.errors import ArtefactError
from fashion.neighbours.exact import filled, normalise

Float = NDArray[np.float32]

#: Share of a known word in an item's distribution; the rest is the network's prediction, since words err (notebook 01).
WORD_TRUST = 0.9

#: Weight of each further descriptive column, where category and colour have one together, and of all of them at most,
#: where no report has chosen others.
FURTHER_WEIGHT, MOST_FURTHER_WEIGHT = 0.1, 0.3

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


@dataclass(frozen=True)
class Layout:
    """The layout of a learned embedding's dimensions; enough to turn words into a query without a network.

    Attributes
    ----------
    categories, colours : tuple of str
        The network's words.
    projection : ndarray of float32, shape (categories, p)
        Takes distributions over categories to the category part.
    further : mapping of str to tuple of str
        Further descriptive column -> its words.
    looks : int
        Dimensions of the looks part.
    checksum : str
        Of the components that the looks are made with; vectors of another checksum do not fit.
    swatches : mapping of str to str
        Colour word -> `#rrggbb`, by which a queried colour has similar ones.
    further_shares : mapping of str to float
        Further column -> its weight where category and colour have one together; `FURTHER_WEIGHT` where it is not said.
    """

    categories: tuple[str, ...]
    colours: tuple[str, ...]
    projection: Float
    further: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    looks: int = 0
    checksum: str = ""
    swatches: Swatches = field(default_factory=dict)
    further_shares: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def words(self) -> dict[str, tuple[str, ...]]:
        """Column -> its words, in the order of its distribution."""
        return {"category": self.categories, "colour": self.colours, **self.further}

    @cached_property
    def parts(self) -> dict[str, slice]:
        """Part -> its dimensions: "category", "colour", further columns, "looks", "hub".

        The parts of words end in their padding dimension.
        """
        widths = {"category": self.projection.shape[1] + 1, "colour": len(self.colours) + 1}
        widths |= {column: len(words) + 1 for column, words in self.further.items()}
        widths |= {"looks": self.looks, "hub": 2}
        ends = np.cumsum(list(widths.values())).tolist()
        return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}

    @property
    def width(self) -> int:
        """Dimensions of the embedding."""
        return self.parts["hub"].stop

    @property
    def length(self) -> float:
        """Length of a gallery vector: each part that is not empty has length one."""
        return float(np.sqrt(len(self.parts) - (self.looks == 0)))

    def compose(self, distributions: Mapping[str, NDArray], looks: NDArray) -> Float:
        """Gallery vectors, float32, shape (n, width), without a correction for hubs.

        Parameters
        ----------
        distributions : mapping of str to ndarray of float, shapes (n, words)
            Of every column of `words`.
        looks : ndarray of float, shape (n, looks)
            Whitened components of the frozen vectors.
        """
        rows = np.zeros((len(looks), self.width), np.float32)
        for column in self.words:
            part = np.asarray(distributions[column], np.float32)
            rows[:, self.parts[column]] = filled(part @ self.projection if column == "category" else part)
        if self.looks:
            rows[:, self.parts["looks"]] = normalise(looks)
        rows[:, -1] = 1
        return rows

    def vector(self, **words: str | None) -> Float:
        """The query of a description in words, shape (width,): ``layout.vector(category="boots", colour="red")``.

        A part is zero where its word is missing or was not in the training set. A colour gets most of its part's
        weight, visually similar ones (`near_colours`) the rest, so that the next best shade follows.
        """
        query = np.zeros(self.width, np.float32)
        for column, word in words.items():
            known = self.words.get(column, ())
            if word not in known:
                continue
            part = np.array([name == word for name in known])
            if column == "colour":
                part = near_colours(word, known, self.swatches)
            start = self.parts[column].start
            row = part.astype(np.float32) @ self.projection if column == "category" else part
            query[start : start + len(row)] = row
        return query

    def weights(self, colour_weight: float = COLOUR_WEIGHT, looks_weight: float = LOOKS_WEIGHT) -> dict[str, float]:
        """Part -> its weight in a similarity; together 1.

        Parameters
        ----------
        colour_weight : float
            Share of the colour where it stands beside the category, 0 (category alone) to 1 (colour alone).
        looks_weight : float
            Share of the looks in the whole, 0 (words alone) to 1 (looks alone).

        Raises
        ------
        ValueError
            When a weight is outside [0, 1].

        Examples
        --------
        >>> Layout(("hat",), ("red",), np.eye(1, dtype=np.float32), looks=8).weights(0.25, 0.2)
        {'category': 0.6, 'colour': 0.2, 'looks': 0.2}
        """
        for name, weight in (("colour", colour_weight), ("looks", looks_weight)):
            check_weight(name, weight, ValueError)
        relative = {"category": 1 - colour_weight, "colour": colour_weight}
        usual = min(FURTHER_WEIGHT, MOST_FURTHER_WEIGHT / max(len(self.further), 1))
        relative |= {column: self.further_shares.get(column, usual) for column in self.further}
        scale = (1 - looks_weight) / sum(relative.values())
        return {name: round(scale * weight, 9) for name, weight in relative.items()} | {"looks": looks_weight}

    def queries(self, vectors: NDArray, weights: Mapping[str, float] | None = None) -> Float:
        """Queries whose products with gallery vectors are weighted sums of the parts' products, shape (n, width).

        Where a part of a query is zero, the others share its weight; looks shorter than one count by their length. The
        item's correction for hubs is added as it is.

        Parameters
        ----------
        vectors : ndarray of float, shape (n, width)
            From `compose` or `vector`.
        weights : mapping of str to float, optional
            From `weights`; the defaults if not given.
        """
        rows = np.array(vectors, np.float32)
        weights = self.weights() if weights is None else weights
        said = np.zeros((len(rows), len(weights)), np.float32)
        for place, name in enumerate(weights):
            part = self.parts[name]
            if name == "looks":
                said[:, place] = np.minimum(np.linalg.norm(rows[:, part], axis=1), 1)
                rows[:, part] = normalise(rows[:, part]) if self.looks else 0
            else:
                rows[:, part.stop - 1] = 0
                said[:, place] = np.any(rows[:, part] != 0, axis=1)
        # A query that states only what has no weight is answered by what it states, words as ever among themselves.
        spare = self.weights(looks_weight=0) | {"looks": 1.0}
        shares = said * np.array(list(weights.values()), np.float32)
        open_ones = shares.sum(axis=1) == 0
        shares[open_ones] = (said * np.array([spare[name] for name in weights], np.float32))[open_ones]
        total = shares.sum(axis=1, keepdims=True)
        shares /= np.where(total > 0, total, 1)
        for place, name in enumerate(weights):
            rows[:, self.parts[name]] *= shares[:, [place]]
        rows[:, -2:] = np.concatenate([total > 0, np.zeros_like(total)], axis=1)
        return rows

    def with_hubs(self, vectors: NDArray, correction: NDArray) -> Float:
        """Gallery vectors with their corrections for hubs, shape (n, width); each is within -1 and 1.

        Parameters
        ----------
        vectors : ndarray of float32, shape (n, width)
            From `compose`.
        correction : ndarray of float, shape (n,)
            Added to every similarity with the item.
        """
        rows = np.array(vectors, np.float32)
        rows[:, self.parts["hub"]] = filled(np.clip(correction, -1, 1)[:, np.newaxis])
        return rows

    def similarities(self, queries: NDArray, vectors: NDArray) -> dict[str, Float]:
        """Each part's similarity, of its best alternative: part -> (m,); parts that no query states are left out.

        Parameters
        ----------
        queries : ndarray of float, shape (q, width)
            Alternatives, as gallery vectors or from `vector`.
        vectors : ndarray of float, shape (m, width)
            Gallery vectors.
        """
        query_vectors, similarity = np.array(queries, np.float32), {}
        for name, part in self.parts.items():
            if name == "hub":
                continue
            inside = query_vectors[:, part] if name == "looks" else query_vectors[:, part.start : part.stop - 1]
            if name == "looks" and self.looks:
                inside = normalise(inside)
            if np.any(inside):
                similarity[name] = (inside @ np.asarray(vectors)[:, part][:, : inside.shape[1]].T).max(axis=0)
        return similarity


def require_present(description: dict[str, Any]) -> None:
    """Refuse what a report made by an earlier version wrote of its network.

    Raises
    ------
    ArtefactError
        When a key is missing.
    """
    missing = [key for key in ("further", "looks", "looks_checksum") if key not in description]
    if missing:
        raise ArtefactError(
            f"expected attributes.json as this version writes it; found none of {', '.join(missing)}: the report is an "
            "earlier version's. Run `make report` again."
        )


def near_colours(word: str, known: Sequence[str], swatches: Swatches) -> Float:
    """A colour word as a distribution over the known ones, shape (c,), float32, sum 1.

    `NEAR_SHARE` of it goes to other words in proportion to exp(-(CIEDE2000 / `NEAR_WIDTH`)^2); words without a swatch
    get none.

    Parameters
    ----------
    word : str
        One of the known ones.
    known : sequence of str, length c
    swatches : mapping of str to str
        Word -> `#rrggbb`.
    """
    own = np.array([name == word for name in known])
    shown = np.array([name in swatches and not mine for name, mine in zip(known, own, strict=True)])
    if word not in swatches or not shown.any():
        return own.astype(np.float32)
    lab = hex_to_lab([swatches[name] for name, seen in zip(known, shown, strict=True) if seen])
    near = np.zeros(len(own))
    near[shown] = np.exp(-((delta_e(lab, hex_to_lab(swatches[word])) / NEAR_WIDTH) ** 2))
    if near.sum() < 1e-6:  # no similar colour
        return own.astype(np.float32)
    return np.asarray((1 - NEAR_SHARE) * own + NEAR_SHARE * near / near.sum(), np.float32)
