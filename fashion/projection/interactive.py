"""The interactive map: one HTML page that needs only a browser to explore a catalogue's t-SNE map.

Why not Bokeh: with 7,500 items its page held 1.3 MB of library before any data, took 1.5 s to its first frame
and wanted 7,500 data URIs (it has no sprite sheets). Photos that find room as one zooms, the panel of nearest
items, keys, touch, dark mode, a phone's layout: all had to be our own JavaScript inside its callbacks.

The page holds everything: data as JSON, photos as a few WebP atlases, style and script (45 kB). Its content
policy names these two by hash and so forbids whatever else, any network above all. A catalogue's text enters
the page only as JSON with its angle brackets escaped, and the document only as text nodes.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
import numpy.typing as npt
import pandas as pd

from fashion.core.errors import ArtefactError, PhotoError
from fashion.core.escaping import source_hash
from fashion.core.files import write_whole

FACETS = ("department", "colour", "category")

COLUMNS = ("item", *FACETS, "garment_hex")

NO_COLOUR = "#8c8c8c"  # of a word or garment that has none: a grey that shows on light and on dark

HINT = "Scroll or pinch to zoom: photos appear. Choose an item to see what lies nearest."

MAP_WIDTH = 65535  # whole steps across the map's longer side: finer than a screen at the highest zoom

SHEET_COLUMNS = 32  # tiles a row; a full sheet is square: 2,048 px at 64 px a tile, which every browser decodes

#: Scripts of the map, in this order; the shop serves all but the last, and the first style.
SCRIPTS = ("static/map-canvas.js", "static/map-data.js", "static/map-page.js", "templates/map-report.js")

STYLES = ("static/map-page.css", "templates/map.css")

Floats = npt.NDArray[np.floating]

Integers = npt.NDArray[np.integer]


def write_map(
    path: Path,
    items: pd.DataFrame,
    xy: Floats,
    neighbours: Integers,
    similarity: Floats,
    thumbnails: Sequence[bytes],
    *,
    title: str,
    department_colours: dict[str, str],
    colour_words: dict[str, str],
    source_line: str,
) -> Path:
    """Write the map of a catalogue as one HTML file that opens from disk and loads nothing.

    Parameters
    ----------
    path : Path
        File to write; its folder is made, a file that stands there is replaced only by a whole one.
    items : DataFrame, n rows
        Columns `item` (unique), `colour`, `category`, `department` (text) and `garment_hex`, '#rrggbb' of the
        garment itself (where missing, grey).
    xy : ndarray of float, shape (n, 2)
        Places on the map, any unit; y points up, as in the figures.
    neighbours : ndarray of int, shape (n, k)
        Rows of `items`: the nearest of every item, nearest first, never the item itself; k from 1 to 9.
    similarity : ndarray of float, shape (n, k)
        Their similarities, shown as they are; a bar shows the part of [0, 1].
    thumbnails : sequence of n bytes
        JPEG or WebP photos, all square and of one size, as `photos.images.squared` makes them.
    title : str
        Heading of the page.
    department_colours, colour_words : dict of str to str
        '#rrggbb' of a word. Lacking there, a department is grey, a colour the median of its garments' own.
    source_line : str
        What the map was made of and how; stands below the filters.

    Returns
    -------
    Path
        The file. The same inputs give the same bytes.

    Raises
    ------
    ArtefactError
        If the arrays do not fit the items or each other, or a colour is not '#rrggbb'.
    PhotoError
        If a thumbnail cannot be decoded, is not square, or differs in size from the first.
    """
    _check(items, xy, neighbours, similarity, len(thumbnails), [department_colours, colour_words])
    sheets, edge = _sheets(thumbnails)
    data = {
        **map_fields(items, xy, department_colours, colour_words),
        **{"edge": edge, "columns": SHEET_COLUMNS, "nearest": neighbours.shape[1]},
        "neighbours": neighbours.ravel().tolist(),
        "similarity": np.rint(similarity.ravel().astype(np.float64) * 1000).astype(int).tolist(),
    }
    folder = files("fashion.projection")
    style = "\n".join((folder / name).read_text("utf-8") for name in STYLES)
    script = '"use strict";\n' + "\n".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    loader = jinja2.PackageLoader("fashion.projection")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    html = environment.get_template("map.html").render(
        {"title": title, "source_line": source_line, "data": data, "sheets": sheets, "nearest": data["nearest"]},
        **{"hint": HINT, "switch": False, "canvas_data": {}},
        **{"style": style, "style_hash": source_hash(style), "script": script, "script_hash": source_hash(script)},
    )
    return write_whole(path, lambda aside: aside.write_text(html, "utf-8", newline="\n"))


def map_fields(
    items: pd.DataFrame, xy: Floats, department_colours: dict[str, str], colour_words: dict[str, str]
) -> dict[str, Any]:
    """The data for the map's script: a catalogue's items, their words and colours, and their places.

    Parameters
    ----------
    items, xy, department_colours, colour_words
        As `write_map` takes them.

    Returns
    -------
    dict
        For JSON: `items` (names); `words` and, in the items' order, indices into them as `department`, `colour` and
        `category`; `departmentColours` and `swatches` of the words, `garment` of the items; `x`, `y` in whole steps
        from the upper left corner, `width` and `height` of all.
    """
    return {**_table(items, department_colours, colour_words), **_places(xy)}


def _check(
    items: pd.DataFrame, xy: Floats, near: Integers, scores: Floats, photos: int, words: list[dict[str, str]]
) -> None:
    """Raise ArtefactError with all that does not fit, since one stale file shows in several places."""
    if lacking := [name for name in COLUMNS if name not in items.columns]:
        raise ArtefactError(
            f"expected the columns {', '.join(COLUMNS)} in the items table; found no {', '.join(lacking)}. "
            "Run the notebook that writes it again, and give it garment_hex from the garments' Lab colours."
        )
    n = len(items)
    rows = near.ndim == 2 and len(near) == n and 1 <= near.shape[1] <= 9
    colours = {*words[0].values(), *words[1].values(), *items["garment_hex"].dropna().astype(str)}
    bad = sorted(colour for colour in colours if not re.fullmatch("#[0-9a-fA-F]{6}", colour))
    checks = {
        "no items at all": n == 0,
        "two items of one name": items["item"].duplicated().any(),
        "items that lack a word": items[["item", *FACETS]].isna().to_numpy().any(),
        f"places of shape {xy.shape} for ({n}, 2)": xy.shape != (n, 2),
        f"neighbours of shape {near.shape} for ({n}, 1 to 9)": not rows,
        f"neighbours outside the rows 0 to {n - 1}": near.size and (near.min() < 0 or near.max() >= n),
        "an item that is its own neighbour": rows and (near == np.arange(n)[:, None]).any(),
        f"similarities of shape {scores.shape} for {near.shape}": scores.shape != near.shape,
        "places or similarities not finite": not (np.isfinite(xy).all() and np.isfinite(scores).all()),
        f"{photos} thumbnails for {n} items": photos != n,
        f"colours that are not '#rrggbb', such as {bad[:1]}": bad,
    }  # fmt: skip
    if problems := [problem for problem, present in checks.items() if present]:
        raise ArtefactError(
            f"expected the map's inputs from one run over one items table; found {'; '.join(problems)}. "
            "Make the older ones again."
        )


def _sheets(thumbnails: Sequence[bytes]) -> tuple[list[str], int]:
    """Pack photos, in order and row by row, into atlases: base64 of WebP, and a tile's edge in pixels."""
    tiles: list[npt.NDArray[np.uint8]] = []
    for row, coded in enumerate(thumbnails):
        tile = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR) if coded else None
        if tile is None or tile.shape[0] != tile.shape[1] or (tiles and tile.shape != tiles[0].shape):
            seen = "cannot be decoded" if tile is None else f"has shape {tile.shape}"
            raise PhotoError(
                f"expected square thumbnails of one size; found: row {row} {seen}. Use photos.images.squared()."
            )
        tiles.append(tile)
    edge, across, sheets = len(tiles[0]), SHEET_COLUMNS, []
    for start in range(0, len(tiles), across**2):
        part = tiles[start : start + across**2]
        part += [np.full_like(part[0], 255)] * (-len(part) % across)
        sheet = cv2.vconcat([cv2.hconcat(part[at : at + across]) for at in range(0, len(part), across)])
        webp = cv2.imencode(".webp", sheet, [cv2.IMWRITE_WEBP_QUALITY, 82])[1]
        sheets.append(base64.b64encode(webp.tobytes()).decode("ascii"))
    return sheets, edge


def _table(items: pd.DataFrame, departments: dict[str, str], colour_words: dict[str, str]) -> dict[str, Any]:
    """The items and their words, each word once and with its colour; items hold indices of words."""
    garment = items["garment_hex"].where(items["garment_hex"].notna(), NO_COLOUR).astype(str)
    medians = {word: np.median(_rgb(own), axis=0) for word, own in garment.groupby(items["colour"])}
    swatches = {word: "#" + bytes(rgb.astype(np.uint8)).hex() for word, rgb in medians.items()} | colour_words
    # Departments: most frequent first; colours: as in a fan of swatches; categories: by the alphabet.
    counts = items["department"].value_counts()
    words = {
        "department": sorted(counts.index, key=lambda word: (-counts[word], word)),
        "colour": sorted(items["colour"].unique(), key=lambda word: (_fan_order(swatches[word]), word)),
        "category": sorted(items["category"].unique()),
    }
    return {
        "items": items["item"].astype(str).tolist(),
        "words": words,
        **{facet: pd.Index(words[facet]).get_indexer(items[facet]).tolist() for facet in FACETS},
        "departmentColours": [departments.get(word, NO_COLOUR) for word in words["department"]],
        "swatches": [swatches[word] for word in words["colour"]],
        "garment": garment.tolist(),
    }


def _places(xy: Floats) -> dict[str, Any]:
    """The items' places as whole steps from the map's upper left corner, since a canvas counts downwards."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    step = MAP_WIDTH / max(float((high - low).max()), 1e-9)
    x, y = np.rint((xy - low).T.astype(np.float64) * step).astype(int)
    return {"x": x.tolist(), "y": (y.max() - y).tolist(), "width": int(x.max()), "height": int(y.max())}


def _rgb(colours: Iterable[str]) -> npt.NDArray[np.uint8]:
    """'#rrggbb' colours as uint8 of shape (n, 3)."""
    return np.array([list(bytes.fromhex(colour[1:])) for colour in colours], np.uint8)


def _fan_order(colour: str) -> tuple[int, float]:
    """A colour's sort key: greys first (CIELAB chroma under 9), then twelve hues from red, each from light to dark."""
    lab = cv2.cvtColor(_rgb([colour])[None].astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    lightness, a, b = lab[0, 0].tolist()
    return (-1 if np.hypot(a, b) < 9 else int(np.degrees(np.arctan2(b, a)) % 360 // 30), -lightness)
