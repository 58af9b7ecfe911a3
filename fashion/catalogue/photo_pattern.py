"""The pattern of `photos`: a photo's name as a text with the table's columns in braces; and cells that list several."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping, Sequence

#: What parts the photos of a list: space or a sign before an address, or after a photo's suffix.
_BETWEEN = re.compile(r"[\s,;|]+(?=https?://|//\w)|(?<=\.jpg|jpeg|\.png|webp|\.gif|avif)\s*[,;|\s]\s*", re.IGNORECASE)

#: Text before a column, the column's name, and how its value is filled up or cut; the last has no name.
Piece = tuple[str, str | None, str]


#: Behind a colon, no format but a part of the column's name.
_OF_NAME = re.compile(r"[^\W\d_][\w ]{2,}")


def name_and_spec(name: str, spec: str) -> tuple[str, str]:
    """A column's name, which may hold a colon, and how its value is filled up or cut.

    Examples
    --------
    >>> name_and_spec("g", "image_link"), name_and_spec("id", "0>8")
    (('g:image_link', ''), ('id', '0>8'))
    """
    return (f"{name}:{spec}", "") if _OF_NAME.fullmatch(spec) else (name, spec)


def pieces_of(pattern: str) -> list[Piece]:
    """The pieces of a pattern that was checked (`toml_keys`).

    A column's name is taken as it is written: `image.bytes` is a column of that name, not a part of a value.
    """
    pieces: list[Piece] = []
    for text, name, spec, _ in string.Formatter().parse(pattern):
        pieces.append((text, None, "") if name is None else (text, *name_and_spec(name, spec or "")))
    return pieces


def columns_of(pattern: str) -> list[str]:
    """The columns that a pattern names, each once.

    Examples
    --------
    >>> columns_of("{shop}/{id:0>8}-{shop}.jpg")
    ['shop', 'id']
    """
    return list(dict.fromkeys(name for _, name, _ in pieces_of(pattern) if name))


def column_alone(pattern: str) -> str | None:
    """The column of a pattern that is nothing else, as `{image.bytes}`; None for any other."""
    pieces = pieces_of(pattern)
    return pieces[0][1] if len(pieces) == 1 and not pieces[0][0] and not pieces[0][2] else None


def fill(pattern: str, columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The pattern with each row's values.

    Examples
    --------
    >>> fill("images/{id:0>4}.jpg", {"id": ["7", "12345"]})
    ['images/0007.jpg', 'images/12345.jpg']
    """
    names = [""] * len(columns[columns_of(pattern)[0]])
    for text, column, spec in pieces_of(pattern):
        if column:
            names = [f"{name}{text}{value:{spec}}" for name, value in zip(names, columns[column], strict=True)]
        else:
            names = [name + text for name in names]
    return names


def listed(cell: str) -> list[str]:
    """The photos that a cell lists: addresses or file names, parted by spaces, commas, semicolons or bars; or JSON.

    Names are parted after their suffix alone. A cell that is no such list is one photo; an empty one is none.
    Objects in JSON have theirs under `src` or `url`.

    Examples
    --------
    >>> listed("https://shop/1,2.jpg, https://shop/3.jpg")
    ['https://shop/1,2.jpg', 'https://shop/3.jpg']
    >>> listed("front.jpg|back.jpg"), listed('["a", "b"]'), listed("red, blue.jpg"), listed("")
    (['front.jpg', 'back.jpg'], ['a', 'b'], ['red, blue.jpg'], [])
    """
    if cell.startswith("[") and cell.endswith("]"):
        try:
            values = json.loads(cell)
        except (ValueError, RecursionError):
            values = re.findall(r"'([^']*)'", cell) or [cell]  # as Python writes a list
        objects = [value.get("src") or value.get("url") if isinstance(value, dict) else value for value in values]
        return [value.strip() for value in objects if isinstance(value, str) and value.strip()]
    return [name for part in _BETWEEN.split(cell) if (name := part.strip(" \t,;|"))]
