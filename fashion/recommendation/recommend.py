"""One query from an item, a photo, words, or words beside one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fashion.recommendation.filters import QueryError
from fashion.recommendation.queries import Query
from fashion.recommendation.recommender import Recommender


def make_query(
    recommender: Recommender,
    item: str | None = None,
    words: str | None = None,
    photo: Callable[[], Query] | None = None,
    like: str | Sequence[str] = (),
    unlike: str | Sequence[str] = (),
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
    like, unlike : str or sequence of str
        Further items that are liked, and items that are not: more like these, less like those. Liked items alone are
        a query too.

    Raises
    ------
    QueryError
        When nothing is given, or both an item and a photo; for an item that there is not, or words that are no text.
    LibraryError
        For a photo where a system library that reads photos is missing.
    """
    like, unlike = _names("like", like), _names("unlike", unlike)
    nothing = item is None and photo is None and words is None and not (like or unlike)
    if nothing or (item is not None and photo is not None):
        given = "nothing" if nothing else "both an item and a photo"
        raise QueryError(
            f"expected an item or a photo, words, or words beside one of them; found {given}. Give one of these."
        )
    if words is not None and not isinstance(words, str):
        raise QueryError(f'expected words as one string; found {words!r}. Write them like "red dress".')
    query = photo() if photo is not None else None
    if item is not None and not (like or unlike):
        query = recommender.item_query(item)
    elif item is not None or (photo is None and words is None):
        query = recommender.refined(None, like if item is None else [item, *like], unlike)
        like, unlike = [], []
    if words is not None:
        query = recommender.words_query(words, query)
    return recommender.refined(query, like, unlike)


def _names(argument: str, given: str | Iterable[str]) -> list[str]:
    """Items' names as a list; one name may stand alone."""
    if not isinstance(given, Iterable):
        raise QueryError(f"expected {argument} as a list of items; found {given!r}. Give their names.")
    return [given] if isinstance(given, str) else list(given)
