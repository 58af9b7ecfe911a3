"""Tables on a phone: one that is too wide gets upright headings, or is shown row by row."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from PIL import ImageFont

#: A table on a narrow screen, as `report.css` sets it, in pixels: its width on a phone 360 pixels wide, its font size,
#: and the padding beside a cell's text.
PHONE, LETTERS, SPACE = 331, 11.2, 8

#: The same under upright headings: the padding, the length at which a heading wraps, and its line height.
UPRIGHT_SPACE, UPRIGHT_LENGTH, UPRIGHT_LINE = 4, 128, 13.5

#: Lines that a cell may take; with more, its row is easier to read as a block.
LINES = 3

_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)

_ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}


def for_phones(page: str) -> str:
    """A page whose tables fit a phone: too wide ones get the class `upright`, or `stacked` with a `data-label` a cell.

    Every table gets its ARIA roles, as a `display` other than a table's removes them. Empty headings become cells.

    Parameters
    ----------
    page : str
        HTML; everything but its tables is returned unchanged.

    Returns
    -------
    str

    Examples
    --------
    >>> head, row = "<thead><tr><th></th><th>of it</th></tr></thead>", f"<tr><td>coat</td><td>{'long ' * 40}</td></tr>"
    >>> page = for_phones(f"<table>{head}{row}</table>")
    >>> page[:34], page.count('role="cell"'), page.count('data-label="of it"')
    ('<table class="stacked" role="table', 3, 1)
    """
    return _TABLE.sub(lambda match: _told(match[0]), page)


def _told(text: str) -> str:
    """One table with its roles, and with a class if it is too wide for a phone."""
    soup = BeautifulSoup(text, "html.parser")
    head = soup.select("thead tr > *")
    rows = [row.select("th, td") for row in soup.select("tr") if not row.find_parent("thead")]
    for cell in head:
        if not cell.get_text(strip=True):
            cell.name = "td"
    for tag in soup.select("table, thead, tbody, tr, th, td"):
        tag["role"] = _ROLES.get(tag.name) or ("columnheader" if tag.find_parent("thead") else "rowheader")
    way = way_to_show(head, rows)
    if way:
        table = soup.select("table")[0]
        table["class"] = " ".join([*(table.get("class") or []), way])
    if way == "upright":
        for cell in head:  # an inner element turns; a cell would not wrap
            inner = soup.new_tag("span")
            inner.extend(list(cell.contents))
            cell.append(inner)
    elif way == "stacked":
        for row in rows:
            for heading, cell in zip(head, row, strict=False):
                if label := _text(heading):
                    cell["data-label"] = label
    return str(soup)


def way_to_show(head: Sequence[Tag], rows: Sequence[Sequence[Tag]]) -> str:
    """The form of a table on a phone: "" as it is, "upright" (its headings), or "stacked" (its rows are blocks)."""
    if sum(_widths([head, *rows], SPACE)) <= PHONE:
        return ""
    turned = [math.ceil(1.25 * _length(cell) / UPRIGHT_LENGTH) * UPRIGHT_LINE + UPRIGHT_SPACE for cell in head]
    upright = [max(pair) for pair in zip(turned, _widths(rows, UPRIGHT_SPACE), strict=False)]
    return "upright" if head and sum(upright) <= PHONE else "stacked"


def _widths(rows: Sequence[Sequence[Tag]], space: float) -> list[float]:
    """Pixels that each column needs: for its longest word, and for at most `LINES` lines of a cell."""
    needed: dict[int, float] = {}
    for row in rows:
        for place, cell in enumerate(row):
            words = [_font(cell.name == "th").getlength(word) for word in _text(cell).split()]
            needed[place] = max(needed.get(place, 0), space + max(_length(cell) / LINES, *words, 0))
    return list(needed.values())


def _length(cell: Tag) -> float:
    return _font(cell.name == "th").getlength(_text(cell))


def _text(cell: Tag) -> str:
    return cell.get_text(" ", strip=True)


@cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: the widest of the usual sans-serif fonts."""
    import matplotlib  # here: a warm run need not load it

    folder = Path(matplotlib.get_data_path()) / "fonts/ttf"
    return ImageFont.truetype(folder / f"DejaVuSans{'-Bold' * bold}.ttf", LETTERS)
