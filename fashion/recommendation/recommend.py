"""One query from an item, a photo, words, or words beside one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fashion.recommendation.filters import QueryError
from fashion.recommendation.queries import Query
from fashion.recommendation.recommender import Recommender


def make_query(
    recommender: Recommender,
    item: str | None = None,
    words: str | None = None,
    photo: Callable[[], Query] | None = None,
    like: Sequence[str] = (),
    unlike: Sequence[str] = (),
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
    like, unlike : sequence of str
        Further items that are liked, and items that are not: more like these, less like those.

    Raises
    ------
    QueryError
        When nothing is given, or both an item and a photo; for an item that there is not.
    LibraryError
        For a photo where a system library that reads photos is missing.
    """
    if (item is None and photo is None and words is None) or (item is not None and photo is not None):
        given = "nothing" if photo is None and item is None else "both an item and a photo"
        raise QueryError(
            f"expected an item or a photo, words, or words beside one of them; found {given}. Give one of these."
        )
    query = photo() if photo is not None else None
    if item is not None and (like or unlike):
        query = recommender.refined(None, [item, *like], unlike)
    elif item is not None:
        query = recommender.item_query(item)
    if words is not None:
        query = recommender.words_query(words, query)
    assert query is not None
    return query if item is not None else recommender.refined(query, like, unlike)
