"""Recommendations as a result: a table that shows itself as text, as pictures in a notebook, and as a figure."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from fashion.core.errors import FashionError
from fashion.recommendation.queries import Query
from fashion.recommendation.reasons import describe

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


#: Longer side of the pictures in a notebook, pixels, and how many of them are shown.
THUMBNAIL, MOST = 112, 60


@dataclass(frozen=True)
class Picks:
    """The answer to one query.

    Attributes
    ----------
    catalogue : str
        The catalogue's short name.
    embedding : str
        "described", "learned" or "frozen".
    query : Query
        What was asked, with what is known or seen of it.
    where : mapping of str to tuple of str
        The filters that held.
    table : DataFrame
        As `Recommender.answer` gives it: `rank`, `item`, `similarity`, the description's columns, `photo`, `reasons`.
    rows : ndarray of int, shape (m,)
        Rows of the answers in the items table.
    photo : bytes or None
        The query's photo, where it is no item of the catalogue.
    """

    catalogue: str
    embedding: str
    query: Query
    where: Mapping[str, tuple[str, ...]]
    table: pd.DataFrame
    rows: NDArray[np.integer]
    photo: bytes | None = None
    _caption: Callable[[], str] = field(kw_only=True)
    _read: Callable[[int], bytes] = field(kw_only=True)
    _draw: Callable[[Picks], Figure] = field(kw_only=True)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def source_line(self) -> str:
        """Catalogue, items, network: the caption."""
        return self._caption()

    @property
    def heading(self) -> str:
        """What was asked, in a line: the item's or photo's name, or the words, and the description."""
        said = describe(self.query.description)
        verb = ", seen as" if self.photo is not None else ":"
        return f"{self.query.title}{verb} {said}" if said else self.query.title

    def __repr__(self) -> str:
        if self.table.empty:
            return f"{self.heading}\n\nno other item fulfils the filter"
        shown = self.table.drop(columns=["photo"])
        return f"{self.heading}\n\n" + shown.to_string(index=False, formatters={"similarity": "{:.3f}".format})

    def to_dict(self) -> dict[str, Any]:
        """Query and recommendations as plain values, as `fashion recommend --json` prints them."""
        said = self.query.description
        return {
            "catalogue": self.catalogue,
            "embedding": self.embedding,
            "query": self.query.title,
            "description": {c: said[c] for c in ("colour", "category", "department") if said.get(c)},
            "where": {column: list(values) for column, values in self.where.items()},
            "recommendations": self.table.assign(similarity=self.table["similarity"].astype(float).round(6)).to_dict(
                "records"
            ),
        }

    def to_json(self) -> str:
        """`to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def photo_of(self, place: int | None = None) -> bytes | None:
        """The file's bytes of one answer's photo (0 is the first), or of the query's; None where it has none.

        Raises
        ------
        PhotoError
            When it has vanished.
        """
        if place is not None:
            return self._read(int(self.rows[place]))
        if self.photo is not None or self.query.row is None:
            return self.photo
        return self._read(self.query.row)

    def show(self) -> Figure:
        """Draw the query and its answers, with similarity, words and reasons.

        In a notebook the returned figure is the cell's output; elsewhere a window opens where there is a screen. Save
        it with ``picks.show().savefig("picks.png", bbox_inches="tight")``.

        Raises
        ------
        FashionError
            When photos are missing.
        """
        return self._draw(self)

    def _repr_html_(self) -> str:
        cards = [self._card(None, self.query.title, "query", describe(self.query.description))]
        for place, record in enumerate(self.table.head(MOST).to_dict("records")):
            first = f"{record['rank']} · {record['similarity']:.2f}"
            cards.append(self._card(place, record["item"], first, describe(record), record["reasons"]))
        notes = [] if len(self) else ["no other item fulfils the filter"]
        notes += [f"and {len(self) - MOST} more in .table"] if len(self) > MOST else []
        notes.append(self.source_line)
        return (
            f"<div><p><b>{html.escape(self.heading)}</b></p>"
            f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(cards)}</div>'
            + "".join(f'<p style="opacity:.7;font-size:85%">{html.escape(note)}</p>' for note in notes)
            + "</div>"
        )

    def _card(self, place: int | None, item: str, *lines: str) -> str:
        """One photo with its lines, all escaped."""
        picture = self._thumbnail(place)
        told = "".join(f'<div style="font-size:80%">{html.escape(line)}</div>' for line in lines if line)
        size = f"max-width:100%;max-height:{THUMBNAIL}px"
        image = f'<img src="{picture}" alt="{html.escape(item)}" style="{size}">' if picture else ""
        frame = "border-right:1px solid;padding-right:12px;" if place is None else ""
        return (
            f'<div style="{frame}width:{THUMBNAIL + 28}px">{image}'
            f'<div style="font-size:80%"><b>{html.escape(item)}</b></div>{told}</div>'
        )

    def _thumbnail(self, place: int | None) -> str:
        """A small JPEG as a data: address; empty where there is no photo, or it cannot be read: words remain."""
        import cv2

        from fashion.photos.images import decode, shrunk

        try:
            data = self.photo_of(place)
            small = shrunk(decode(data, edge=THUMBNAIL), 2 * THUMBNAIL) if data else None
        except FashionError:
            return ""
        if small is None:
            return ""
        jpeg = cv2.imencode(".jpg", small[:, :, ::-1].copy(), [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
