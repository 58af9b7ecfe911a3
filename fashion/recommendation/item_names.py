"""Items by name."""

from __future__ import annotations

import pandas as pd

from fashion.core.errors import near_words
from fashion.recommendation.filters import QueryError


class ItemNames:
    """Rows of an items table by item's name, or else by its photo's file name; the first one where two share a name.

    Parameters
    ----------
    items : DataFrame
        With `item` and `photo`.

    Examples
    --------
    >>> names = ItemNames(pd.DataFrame({"item": ["a", "b"], "photo": ["images/a.jpg", "images/b.jpg"]}))
    >>> names.row("b"), names.row("b.jpg"), "c" in names
    (1, 1, False)
    """

    def __init__(self, items: pd.DataFrame) -> None:
        self._items = items["item"]
        self._rows: dict[str, int] = {}
        photos = items["photo"].str.rsplit("/", n=1).str[-1]
        for names in (self._items, photos):
            for row, name in enumerate(names):
                self._rows.setdefault(name, row)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def row(self, name: str) -> int:
        """The row of an item.

        Raises
        ------
        QueryError
            When no item has the name, with near names.
        """
        row = self._rows.get(name) if isinstance(name, str) else None
        if row is None:
            raise QueryError(
                f"expected an item of the catalogue; found {name!r}{near_words(str(name), self._items)}. "
                f"Its {len(self._items):,} items have names like {self._items.iloc[0]!r}; rejected.csv lists the "
                "rejected ones."
            )
        return row
