"""recommend(): the items most similar to one of the catalogue, with filters and the reason for each."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes import COLOUR_WEIGHT, weighted
from fashion.errors import ArtefactError, FashionError
from fashion.neighbours import nearest, normalise
from fashion.translation import GLOSSARIES, english_of, normalise_word
from fashion.workspace import Workspace

#: Columns of an item that describe it, where its catalogue has them.
DESCRIPTION = ("colour", "category", "department", "gender", "season")

Where = Mapping[str, Sequence[str]]


class QueryError(FashionError):
    """A query names an item, a column or a word that the catalogue does not have."""


def _near(word: str, known: Iterable[str]) -> str:
    hits = difflib.get_close_matches(word, [str(k) for k in known], n=3)
    return f"; near: {', '.join(hits)}" if hits else ""


def parse_where(conditions: Sequence[str], items: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Read filters such as `colour=red` or `category=boots,sandals` (any of these); several must all hold.

    Words may be English or Italian.

    Raises
    ------
    QueryError
        For a condition without `=`, an unknown column, or a value that no item has.
    """
    where: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        column, sign, values = condition.partition("=")
        column = column.strip()
        if not sign or not values.strip():
            raise QueryError(f"expected a filter like colour=red; found {condition!r}")
        if column not in items:
            raise QueryError(
                f"expected a column of the catalogue in {condition!r}; it has "
                f"{', '.join(c for c in items.columns if items[c].dtype == object)}"
            )
        known = {normalise_word(str(value)): str(value) for value in items[column].unique()}
        chosen = []
        for value in values.split(","):
            english = english_of(value, column) if column in GLOSSARIES else None
            hit = known.get(normalise_word(value)) or known.get(normalise_word(english or ""))
            if hit is None:
                raise QueryError(f"no item has {column} {value.strip()!r}{_near(value, known.values())}")
            chosen.append(hit)
        if column in where:  # all conditions must hold, also two on one column
            chosen = [value for value in where[column] if value in chosen]
            if not chosen:
                raise QueryError(f"no item can fulfil all conditions on {column}: {', '.join(conditions)}")
        where[column] = tuple(chosen)
    return where


def where_mask(items: pd.DataFrame, where: Where | None) -> NDArray[np.bool_]:
    """Rows that fulfil every condition, shape (n,)."""
    mask = np.ones(len(items), bool)
    for column, values in (where or {}).items():
        mask &= items[column].astype(str).isin(list(values)).to_numpy()
    return mask


def describe(item: Mapping[Hashable, object]) -> str:
    """Say an item's description in words: `red · long-sleeved shirt`."""
    parts = [str(item[column]) for column in ("colour", "category") if item.get(column)]
    return " · ".join(parts)


def reasons(query: Mapping[Hashable, object], found: Mapping[Hashable, object], parts: Mapping[str, float]) -> str:
    """Why an item is recommended, in words: what the two descriptions share, and how alike they are in each part.

    Parameters
    ----------
    query, found : mapping
        Descriptions of the two items.
    parts : mapping of str to float
        What was compared ("looks", "colour") -> its cosine.
    """
    shared = [c for c in DESCRIPTION if c in query and query.get(c) and query.get(c) == found.get(c)]
    # Who shares the category shares its department: saying both is noise.
    if "category" in shared and "department" in shared:
        shared.remove("department")
    words = f"same {' and '.join(shared)}" if shared else "another colour and category"
    return "; ".join([words, *(f"{name} {cosine:.2f}" for name, cosine in parts.items())])


@dataclass(frozen=True)
class Recommender:
    """A catalogue's items with the unit vectors of one embedding.

    Attributes
    ----------
    items : DataFrame
        The items table, index 0..n-1.
    vectors : ndarray of float32, shape (n, d)
        Unit rows in the table's order.
    colour_from : int or None
        Index of the first number that belongs to the colour, where the embedding has such a part.
    """

    items: pd.DataFrame
    vectors: NDArray[np.float32]
    colour_from: int | None = None

    @classmethod
    def from_workspace(
        cls, workspace: Workspace, embedding: str = "learned", colour_weight: float | None = None
    ) -> Recommender:
        """Open what a report left.

        Parameters
        ----------
        workspace : Workspace
        embedding : str
            "learned" or "frozen".
        colour_weight : float, optional
            Share of the colour in the learned embedding's cosine, 0 (looks alone) to 1 (colour alone); half if not
            given. Nothing is trained again for it.

        Raises
        ------
        ArtefactError
            When there is no report yet, or its table and vectors do not fit together.
        QueryError
            For a weight outside 0-1, or with the frozen embedding, which has no colour part.
        """
        items = workspace.items()
        vectors = workspace.vectors(embedding)
        made_for = workspace.json("attributes" if embedding == "learned" else "backbone")["items_checksum"]
        if len(items) != len(vectors) or made_for != workspace.items_checksum():
            raise ArtefactError(
                f"expected vectors of the {len(items)} items of {workspace.path('items.parquet')} in "
                f"{workspace.path(embedding + '.npy')}; found {len(vectors)} made for another table. "
                f"Run `make report CATALOGUE={workspace.catalogue}` again."
            )
        if embedding != "learned":
            if colour_weight is not None:
                raise QueryError("a colour weight needs the learned embedding; the frozen one has no colour part")
            return cls(items, normalise(vectors))
        colour_from = int(workspace.json("attributes")["colour_from"])
        try:
            balanced = weighted(vectors, colour_from, COLOUR_WEIGHT if colour_weight is None else colour_weight)
        except ValueError as error:
            raise QueryError(str(error)) from error
        return cls(items, normalise(balanced), colour_from)

    def row_of(self, item: str) -> int:
        """Row of an item by its name (with or without the photo's suffix).

        Raises
        ------
        QueryError
            When the catalogue has no such item.
        """
        names = self.items["item"]
        hit = np.flatnonzero((names == item) | (self.items["photo"].str.rsplit("/", n=1).str[-1] == item))
        if not len(hit):
            raise QueryError(
                f"expected an item of the catalogue; found {item!r}{_near(item, names)}. Its {len(names)} items "
                f"are called like {names.iloc[0]!r}; rejected ones stand in rejected.csv."
            )
        return int(hit[0])

    def by_item(self, item: str, k: int = 6, where: Where | None = None) -> pd.DataFrame:
        """The `k` items most similar to `item` by cosine, itself excluded.

        Parameters
        ----------
        item : str
            Its name.
        k : int
            How many, at least 1; fewer come back where the filter leaves fewer.
        where : mapping of str to sequence of str, optional
            Column -> allowed values; exact, from `parse_where`.

        Returns
        -------
        DataFrame
            `rank` (from 1), `item`, `similarity` (cosine), the description's columns, `photo`, `reasons`.
        """
        if k < 1:
            raise QueryError(f"expected at least one recommendation, k >= 1; found {k}")
        row = self.row_of(item)
        mask = where_mask(self.items, where)
        index, similarity = nearest(self.vectors[row], self.vectors, k, mask=mask, exclude=row, assume_unit=True)
        return self._table(row, index, similarity)

    def _parts(self, row: int, other: int) -> dict[str, float]:
        """Cosine of two items in each part of the embedding."""
        ends = [0, self.vectors.shape[1]] if self.colour_from is None else [0, self.colour_from, self.vectors.shape[1]]
        found = {}
        for name, begin, end in zip(("looks", "colour"), ends[:-1], ends[1:], strict=False):
            a, b = self.vectors[row, begin:end].astype(float), self.vectors[other, begin:end].astype(float)
            length = float(np.linalg.norm(a) * np.linalg.norm(b))
            if length > 0:
                found[name] = float(a @ b) / length
        return found

    def _table(self, row: int, index: NDArray[np.integer], similarity: NDArray[np.floating]) -> pd.DataFrame:
        query = self.items.iloc[row].to_dict()
        found = self.items.iloc[index]
        columns = [column for column in DESCRIPTION if column in found]
        table = found[["item", *columns, "photo"]].reset_index(drop=True)
        table.insert(0, "rank", np.arange(1, len(found) + 1))
        table.insert(2, "similarity", similarity)
        records = found.to_dict("records")
        table["reasons"] = [
            reasons(query, record, self._parts(row, int(other))) for record, other in zip(records, index, strict=True)
        ]
        return table


def recommend(
    item: str,
    catalogue: str = "sample",
    k: int = 6,
    where: Sequence[str] = (),
    embedding: str = "learned",
    colour_weight: float | None = None,
) -> pd.DataFrame:
    """The `k` items of a reported catalogue that are most similar to `item`; see `Recommender.by_item`.

    Examples
    --------
    >>> recommend("34125195UNF", "imagelab", where=["colour=red"])  # doctest: +SKIP
    """
    recommender = Recommender.from_workspace(Workspace(catalogue), embedding, colour_weight)
    return recommender.by_item(item, k, parse_where(where, recommender.items))
