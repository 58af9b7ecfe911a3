"""One query from an item, a photo, words, or words beside one of them."""

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
    """Make the query of an item or a photo, of words, or of words beside one of them.

    Parameters
    ----------
    recommender : Recommender
        Of the catalogue to search.
    item : str, optional
        An item's name.
    words : str, optional
        Such as "red dress"; beside an item or a photo they change it.
    photo : callable, optional
        In place of the item: returns the query of a photo (`photo_query.PhotoReader.query`). Called only when the other
        arguments are valid, since it may load a network.

    Raises
    ------
    QueryError
        When nothing is given, or both an item and a photo.
    LibraryError
        For a photo where a system library that reads photos is missing.
    """
    if (item is None and photo is None and words is None) or (item is not None and photo is not None):
        given = "nothing" if photo is None and item is None else "both an item and a photo"
        raise QueryError(f"expected an item or a photo, words, or words beside one of them; found {given}.")
    like = photo() if photo is not None else None
    if item is not None:
        like = recommender.item_query(item)
    if words is None:
        assert like is not None
        return like
    return recommender.words_query(words, like)
