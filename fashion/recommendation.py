"""recommend(): the items most similar to an item, to a photo, or to a few words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fashion.filters import QueryError, parse_where
from fashion.queries import Query
from fashion.recommender import Recommender
from fashion.workspace import Workspace


def recommend(
    item: str | None = None,
    catalogue: str = "sample",
    k: int | None = None,
    where: Sequence[str] = (),
    embedding: str = "described",
    colour_weight: float | None = None,
    *,
    photo: str | Path | None = None,
    words: str | None = None,
    hide_duplicates: bool = False,
    diversity: float = 0.0,
) -> pd.DataFrame:
    """The `k` items of a reported catalogue that are most similar to an item, a photo or a few words.

    Parameters
    ----------
    item : str, optional
        Name of an item.
    photo : str or Path, optional
        A photo's file, of the catalogue or not; in place of `item`. The network is loaded for it.
    words : str, optional
        Such as "red dress" or "vestito rosso"; beside an item or a photo they change it ("blue": like this, in blue).

    Others as in `Recommender.from_workspace` and `Recommender.answer`; `where` as `parse_where` reads it.

    Raises
    ------
    QueryError
        When nothing, or both an item and a photo, are given, or a word is not the catalogue's.

    Examples
    --------
    >>> recommend("34125195UNF", "imagelab", where=["colour=red"])  # doctest: +SKIP
    >>> recommend(words="vestito rosso", catalogue="imagelab")  # doctest: +SKIP
    >>> recommend(photo="holiday.jpg", words="blue", catalogue="imagelab")  # doctest: +SKIP
    """
    workspace = Workspace(catalogue)
    recommender = Recommender.from_workspace(workspace, embedding, colour_weight)
    query = make_query(recommender, workspace, item, photo, words)
    return recommender.answer(
        query, k, parse_where(where, recommender.items), hide_duplicates=hide_duplicates, diversity=diversity
    )


def make_query(
    recommender: Recommender,
    workspace: Workspace,
    item: str | None = None,
    photo: str | Path | None = None,
    words: str | None = None,
    *,
    weights: str | Path | None = None,
) -> Query:
    """The query that an item or a photo, words, or both together make; `weights` as in `photo_query.PhotoReader`.

    Raises
    ------
    QueryError
        When nothing is given, or both an item and a photo.
    """
    if (item is None and photo is None and words is None) or (item is not None and photo is not None):
        raise QueryError("expected an item or a photo, or words, or words beside one of them")
    like = None
    if photo is not None:
        from fashion.photo_query import PhotoReader  # loads the network

        like = PhotoReader(workspace, recommender, weights).query_file(photo)
    elif item is not None:
        like = recommender.item_query(item)
    if words is None:
        assert like is not None
        return like
    return recommender.words_query(words, like)
