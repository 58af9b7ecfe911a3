"""The product that an item is: its title, brand, price and link, where the catalogue's TOML names their columns."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from urllib.parse import urlsplit

#: Our columns of a product.
PRODUCT = ("title", "brand", "price", "link")


def web_link(text: object) -> str:
    """A link to a page of the web; empty for anything else, such as a script or a file.

    Examples
    --------
    >>> [web_link(text) for text in ("https://shop.example/1?a=b", "javascript:alert(1)", "/etc/passwd", None)]
    ['https://shop.example/1?a=b', '', '', '']
    """
    link = str(text or "").strip()
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    return link if parts.scheme in ("http", "https") and parts.hostname and link.isprintable() else ""


def product_line(item: Mapping[Hashable, object]) -> str:
    """Title, brand and price in a line; empty for an item without them.

    Examples
    --------
    >>> product_line({"title": "Tea dress", "brand": "", "price": "49 €", "colour": "red"})
    'Tea dress · 49 €'
    """
    said = [str(item.get(column) or "").strip() for column in PRODUCT[:3]]
    return " · ".join(word for word in said if word and word != "nan")
