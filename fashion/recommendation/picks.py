"""Recommendations as a table that displays as text, as photos in a notebook, and as a figure."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.products import product_line, web_link
from fashion.core.errors import FashionError
from fashion.core.numerals import decimal, score
from fashion.recommendation.queries import Query
from fashion.recommendation.reasons import UNLIKE, describe

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


#: Height of the pictures in a notebook, pixels, and how many of them are shown.
THUMBNAIL, MOST = 112, 60


@dataclass(frozen=True)
class Picks:
    """The recommendations for one query.

    Attributes
    ----------
    catalogue : str
        The catalogue's short name.
    embedding : str
        "described", "learned" or "frozen".
    query : Query
        The query, with its known or recognised description.
    where : mapping of str to tuple of str
        The filters.
    table : DataFrame
        As `Recommender.answer` gives it: `rank`, `item`, `similarity`, the description's columns, `photo`, `reasons`.
    rows : ndarray of int, shape (m,)
        Rows of the recommendations in the items table.
    photo : bytes or None
        The query's photo, if it is not an item of the catalogue.
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
        """The query in a line: its name or words, and its description."""
        said = describe(self.query.description)
        verb = ", seen as" if self.photo is not None else ":"
        return f"{self.query.title}{verb} {said}" if said else self.query.title

    @property
    def notes(self) -> list[str]:
        """Notes on the list for its reader: nothing resembles the photo, nothing matches, how words were read."""
        notes = [UNLIKE] if self.query.unlike else []
        notes += self.query.reading.notes if self.query.reading is not None else []
        return notes if len(self) else [*notes, "no other item matches the filter"]

    def __repr__(self) -> str:
        shown = self.table.drop(columns=["photo"]).to_string(index=False, formatters={"similarity": decimal})
        return "\n\n".join([self.heading, *self.notes, *([shown] if len(self) else [])])

    def to_dict(self) -> dict[str, Any]:
        """Query and recommendations as plain values, as `fashion recommend --json` prints them."""
        said = self.query.description
        return {
            "catalogue": self.catalogue,
            "embedding": self.embedding,
            "query": self.query.title,
            "description": {c: said[c] for c in ("colour", "category", "department") if said.get(c)},
            "where": {column: list(values) for column, values in self.where.items()},
            "understood": self.query.reading.as_dict() if self.query.reading is not None else None,
            "resembles_nothing": self.query.unlike,
            "recommendations": self.table.assign(similarity=self.table["similarity"].astype(float).round(6)).to_dict(
                "records"
            ),
        }

    def to_json(self) -> str:
        """`to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def photo_of(self, place: int | None = None) -> bytes | None:
        """The bytes of one recommendation's photo (0 is the first), or of the query's; None if it has none.

        Raises
        ------
        PhotoError
            When it is missing.
        """
        if place is not None:
            return self._read(int(self.rows[place]))
        if self.photo is not None or self.query.row is None:
            return self.photo
        return self._read(self.query.row)

    def show(self) -> Figure:
        """Draw the query and its recommendations, with similarity, words and reasons.

        In a notebook the returned figure is the cell's output; elsewhere a window opens where there is a screen. Save
        it with ``picks.show().savefig("picks.png", bbox_inches="tight")``.

        Raises
        ------
        FashionError
            When photos are missing.
        """
        return self._draw(self)

    def _repr_html_(self) -> str:
        records = enumerate(self.table.head(MOST).to_dict("records"))
        cards = "".join(
            self._card(
                place,
                describe(r),
                f"{r['rank']} · {score(r['similarity'])}",
                product_line(r),
                r["item"],
                r["reasons"],
                link=web_link(r.get("link")),
            )
            for place, r in records
        )
        query = ""
        if self.photo is not None or self.query.row is not None:
            card = self._card(None, describe(self.query.description), "query", self.query.title)
            query = f'<div style="flex:none;width:{THUMBNAIL}px;padding-right:16px;border-right:1px solid">{card}</div>'
        notes = self.notes
        notes += [f"and {len(self) - MOST} more in .table"] if len(self) > MOST else []
        notes.append(self.source_line)
        return (
            f"<div><p><b>{html.escape(self.heading)}</b></p>"
            f'<div style="display:flex;gap:16px">{query}<div style="flex:1;display:grid;gap:16px 12px;'
            f'grid-template-columns:repeat(auto-fill,minmax({THUMBNAIL}px,1fr))">{cards}</div></div>'
            + "".join(f'<p style="opacity:.7;font-size:85%">{html.escape(note)}</p>' for note in notes)
            + "</div>"
        )

    def _card(self, place: int | None, title: str, *lines: str, link: str = "") -> str:
        """One photo with its lines, all escaped; the link, where there is one, leads to the product's page."""
        picture = self._thumbnail(place)
        style = f"display:block;width:100%;height:{THUMBNAIL}px;object-fit:contain;object-position:left"
        image = f'<img src="{picture}" alt="" style="{style}">' if picture else ""
        text = "<br>".join(html.escape(line) for line in lines if line)
        if link:
            text += f'<br><a href="{html.escape(link)}" rel="noopener">product page</a>'
        return (
            f'<div style="font-size:85%;line-height:1.4;overflow-wrap:anywhere">{image}<b>{html.escape(title)}</b>'
            f'<div style="opacity:.75">{text}</div></div>'
        )

    def _thumbnail(self, place: int | None) -> str:
        """A small JPEG as a data: address; empty where the photo is missing or damaged."""
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
