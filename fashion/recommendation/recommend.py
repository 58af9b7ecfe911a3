"""The query that an item, a photo, a few words, or words beside one of them make."""

from __future__ import annotations

from collections.abc import Callable

from fashion.recommendation.filters import QueryError
from fashion.recommendation.queries import Query
from fashion.recommendation.recommender import Recommender


def make_query(
    recommender: Recommender,
    item: str | None = None,
    words: str | None = None,
    photo: Callable[[], Query] | None = None,
) -> Query:
    """The query that an item or a photo, words, or words beside one of them make.

    Parameters
    ----------
    recommender : Recommender
        Of the catalogue that is asked.
    item : str, optional
        An item's name.
    words : str, optional
        Such as "red dress"; beside an item or a photo they change it.
    photo : callable, optional
        In place of the item: gives the query of a photo (`photo_query.PhotoReader.query`). Called only when the rest
        is sound, since it may load a network.

    Raises
    ------
    QueryError
        When nothing is given, or both an item and a photo.
    LibraryError
        For a photo where a system library that reads photos is missing.
    """
    if (item is None and photo is None and words is None) or (item is not None and photo is not None):
        raise QueryError("expected an item or a photo, or words, or words beside one of them")
    like = photo() if photo is not None else None
    if item is not None:
        like = recommender.item_query(item)
    if words is None:
        assert like is not None
        return like
    return recommender.words_query(words, like)
