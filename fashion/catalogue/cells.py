"""Cells and columns' names of any table as text: of typed ones, what a CSV file of the same table would hold."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from fashion.core.texts import clean_text


def text_of(value: Any) -> str:
    """A cell as text: empty for nothing, whole numbers without decimals, dates as year-month-day.

    Raises
    ------
    UnicodeDecodeError
        For bytes that are no text.

    Examples
    --------
    >>> [text_of(value) for value in (1000.0, 19.9, None, float("nan"), True, ["red", "blue"])]
    ['1000', '19.9', '', '', 'true', 'red, blue']
    """
    if isinstance(value, str):
        return value
    if value is None or value == {} or value != value:  # NaN, and pandas' NaT
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):  # a workbook knows no other numbers
        return f"{value:.0f}" if math.isfinite(value) and value.is_integer() and abs(value) < 1e21 else repr(value)
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list | tuple) and not any(isinstance(each, list | tuple | Mapping) for each in value):
        return ", ".join(filter(None, map(text_of, value)))
    if isinstance(value, list | tuple | Mapping):
        return json.dumps(value, ensure_ascii=False, default=text_of)
    return str(value)


def flattened(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """A JSON object's values by name, a nested one by both names: `image.path`.

    Examples
    --------
    >>> dict(flattened({"id": 7, "image": {"path": "7.jpg"}}))
    {'id': 7, 'image.path': '7.jpg'}
    """
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from flattened(value, f"{before}{name}.")
        else:
            yield before + name, value


def column_names(header: Iterable[str]) -> list[str]:
    """Clean names of columns; nameless and repeated ones get names of their own, so that none hides another.

    Examples
    --------
    >>> column_names([" id ", "price", "price", ""])
    ['id', 'price', 'price#2', '#1']
    """
    seen: dict[str, int] = {}
    names = []
    for raw in header:
        name = clean_text(raw).strip()
        seen[name] = seen.get(name, 0) + 1
        names.append(name if name and seen[name] == 1 else f"{name}#{seen[name]}")
    return names
