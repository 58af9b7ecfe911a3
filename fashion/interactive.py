"""One HTML page, for a browser and nothing else, on which a catalogue's t-SNE map can be explored.

Why not Bokeh: tried with 7,500 items, its page held 1.3 MB of library before any data, took about 1.5 s to its first
frame, and wanted 7,500 separate data URIs (no sprite sheets, no WebGL for images). Photos that find room as one
zooms, the panel of nearest items, keys, touch, dark mode and a phone's layout would all have been our own JavaScript
inside its callbacks. The canvas page of ``templates/map*`` is 40 kB in all.

The page holds everything: data as JSON, photos as a few WebP atlases, its style and script. A content security
policy that names style and script by their hashes forbids whatever else, any network above all. A catalogue's text
enters the page only as JSON with its angle brackets escaped, and the document only as text nodes.
"""

import base64
import hashlib
import json
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

from fashion.errors import ArtefactError, PhotoError

FACETS = ("department", "colour", "category")
COLUMNS = ("item", *FACETS, "garment_hex")
NO_COLOUR = "#8c8c8c"  # of a word or garment that has none: a grey that shows on light and on dark
MAP_WIDTH = 65535  # whole steps across the map's longer side: finer than a screen at the highest zoom
SHEET_COLUMNS = 32  # tiles a row; sheets are square: 2,048 px at 64 px a tile, which every browser decodes
SCRIPTS = ("map-data.js", "map-canvas.js", "map-move.js", "map-page.js")
_HEX = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]


def thumbnail(rgb: npt.NDArray[np.uint8], edge: int = 64) -> bytes:
    """Make the small square photo that the map shows.

    The whole photo is kept, reduced by area averaging; what a square has to spare is filled with the median
    colour of the photo's border, which on a studio photo is its background.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)
        Photo, sRGB.
    edge : int
        Edge of the square in pixels, 48 to 64 for the map.

    Returns
    -------
    bytes
        JPEG, quality 90. The same photo gives the same bytes.

    Raises
    ------
    PhotoError
        If `rgb` is not such an array or is empty.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise PhotoError(
            f"A thumbnail needs a photo as uint8 of shape (height, width, 3), found {rgb.dtype} of shape "
            f"{rgb.shape}; decode the photo with fashion.photos first."
        )
    height, width = rgb.shape[:2]
    scale = edge / max(height, width)
    small_height, small_width = max(1, round(height * scale)), max(1, round(width * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(rgb, (small_width, small_height), interpolation=method)
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    square = np.empty((edge, edge, 3), np.uint8)
    square[:] = np.median(border, axis=0).astype(np.uint8)
    top, left = (edge - small_height) // 2, (edge - small_width) // 2
    square[top : top + small_height, left : left + small_width] = small
    bgr = np.ascontiguousarray(square[..., ::-1])
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])


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
        Columns `item` (unique), `colour`, `category`, `department` (text) and `garment_hex`, the garment's own
        colour as '#rrggbb' (where missing, grey).
    xy : ndarray of float, shape (n, 2)
        Places on the map, any unit; y points up, as in the figures.
    neighbours : ndarray of int, shape (n, k)
        Rows of `items`: the nearest of every item, nearest first, never the item itself; k is 6 here, 1 to 9.
    similarity : ndarray of float, shape (n, k)
        Their similarities, shown as they are; a bar shows the part of [0, 1].
    thumbnails : sequence of n bytes
        JPEG or WebP photos, all square and of one size, as `thumbnail` makes them.
    title : str
        Heading of the page.
    department_colours : dict of str to str
        '#rrggbb' of a department; a department without one is shown grey.
    colour_words : dict of str to str
        '#rrggbb' of a colour word; a word without one gets the median of its garments' own colours.
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
    _check(
        items,
        xy,
        neighbours,
        similarity,
        len(thumbnails),
        [*department_colours.values(), *colour_words.values()],
    )
    sheets, edge = _sheets(thumbnails)
    data = _data(items, xy, neighbours, similarity, department_colours, colour_words)
    data |= {"edge": edge, "columns": SHEET_COLUMNS, "perSheet": SHEET_COLUMNS**2}
    folder = files("fashion") / "templates"
    style = (folder / "map.css").read_text("utf-8")
    script = '"use strict";\n' + "\n".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (folder / "map.html").read_text("utf-8")
    )
    html = page.render(
        dict(title=title, source_line=source_line, nearest=neighbours.shape[1], sheets=sheets),
        dict(data=_script_safe(data), style=style, script=script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    aside.write_text(html, "utf-8", newline="\n")
    return aside.replace(path)


def _check(
    items: pd.DataFrame,
    xy: Floats,
    neighbours: Integers,
    similarity: Floats,
    photos: int,
    colours: Iterable[str],
) -> None:
    """Raise ArtefactError with all that does not fit, since one stale file shows in several places."""
    n, found = len(items), []
    if lacking := [name for name in COLUMNS if name not in items.columns]:
        raise ArtefactError(
            f"The map needs the columns {', '.join(COLUMNS)}; the items table lacks {', '.join(lacking)} (it has "
            f"{', '.join(map(str, items.columns))}). Run the notebook that writes the items table again."
        )
    if n == 0:
        found.append("no items at all")
    if items["item"].duplicated().any():
        found.append(f"items that stand twice, such as {items['item'][items['item'].duplicated()].iloc[0]!r}")
    if items[["item", *FACETS]].isna().to_numpy().any():
        found.append("items without a colour, category, department or name")
    if xy.shape != (n, 2) or not np.isfinite(xy).all():
        found.append(f"places of shape {xy.shape}, or not all finite, for shape ({n}, 2)")
    if neighbours.ndim != 2 or len(neighbours) != n or not 1 <= neighbours.shape[1] <= 9:
        found.append(f"neighbours of shape {neighbours.shape} for shape ({n}, 1 to 9)")
    elif neighbours.min(initial=0) < 0 or neighbours.max(initial=0) >= n:
        found.append(f"neighbours from {neighbours.min()} to {neighbours.max()} for rows 0 to {n - 1}")
    elif (neighbours == np.arange(n)[:, None]).any():
        found.append("an item that is its own neighbour")
    if similarity.shape != neighbours.shape or not np.isfinite(similarity).all():
        found.append(f"similarities of shape {similarity.shape}, or not finite, for shape {neighbours.shape}")
    if photos != n:
        found.append(f"{photos} thumbnails for {n} items")
    own = items["garment_hex"].dropna().astype(str)
    if bad := [value for value in [*colours, *own.unique()] if not _HEX.fullmatch(value)]:
        found.append(f"colours that are not '#rrggbb', such as {bad[0]!r}")
    if found:
        raise ArtefactError(
            f"The map's inputs do not fit together: {'; '.join(found)}. "
            "They must all come from one run over one items table: make the older ones again."
        )


def _sheets(thumbnails: Sequence[bytes]) -> tuple[list[str], int]:
    """Pack photos, in order and row by row, into atlases: base64 of WebP, and the edge of a tile in pixels."""
    tiles: list[npt.NDArray[np.uint8]] = []
    for row, coded in enumerate(thumbnails):
        tile = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR) if coded else None
        if tile is None or tile.shape[0] != tile.shape[1] or (tiles and tile.shape != tiles[0].shape):
            seen = "cannot be decoded" if tile is None else f"has shape {tile.shape}"
            raise PhotoError(
                f"Thumbnails must be square photos of one size; that of row {row} ({len(coded)} bytes) {seen}; "
                "make them all with thumbnail()."
            )
        tiles.append(tile)
    edge, sheets = tiles[0].shape[0], []
    for start in range(0, len(tiles), SHEET_COLUMNS**2):
        part = tiles[start : start + SHEET_COLUMNS**2]
        sheet = np.full((-(-len(part) // SHEET_COLUMNS) * edge, SHEET_COLUMNS * edge, 3), 255, np.uint8)
        for at, tile in enumerate(part):
            top, left = at // SHEET_COLUMNS * edge, at % SHEET_COLUMNS * edge
            sheet[top : top + edge, left : left + edge] = tile
        coded_sheet = cv2.imencode(".webp", sheet, [cv2.IMWRITE_WEBP_QUALITY, 82])[1]
        sheets.append(base64.b64encode(coded_sheet.tobytes()).decode("ascii"))
    return sheets, edge


def _data(
    items: pd.DataFrame,
    xy: Floats,
    neighbours: Integers,
    similarity: Floats,
    department_colours: dict[str, str],
    colour_words: dict[str, str],
) -> dict[str, Any]:
    """All that the script reads, as plain lists: words once, items as indices into them."""
    garment = items["garment_hex"].where(items["garment_hex"].notna(), NO_COLOUR).astype(str)
    swatches = {
        word: colour_words.get(word) or _median_colour(garment[items["colour"] == word])
        for word in items["colour"].unique()
    }
    # Departments: commonest first; colours: as in a fan of swatches; categories: by the alphabet.
    counts = items["department"].value_counts()
    words = {
        "department": sorted(counts.index, key=lambda word: (-counts[word], word)),
        "colour": sorted(swatches, key=lambda word: (_fan_order(swatches[word]), word)),
        "category": sorted(items["category"].unique()),
    }
    low, high = xy.min(axis=0), xy.max(axis=0)
    step = MAP_WIDTH / max(float((high - low).max()), 1e-9)
    places = np.rint((xy.astype(np.float64) - low) * step).astype(int)
    width, height = np.rint((high - low).astype(np.float64) * step).astype(int).tolist()
    return {
        "items": items["item"].astype(str).tolist(),
        "words": words,
        **{facet: pd.Index(words[facet]).get_indexer(items[facet]).tolist() for facet in FACETS},
        "departmentColours": [department_colours.get(word, NO_COLOUR) for word in words["department"]],
        "swatches": [swatches[word] for word in words["colour"]],
        "garment": garment.tolist(),
        "x": places[:, 0].tolist(),
        "y": (height - places[:, 1]).tolist(),  # a canvas counts downwards
        "width": width,
        "height": height,
        "nearest": int(neighbours.shape[1]),
        "neighbours": neighbours.ravel().tolist(),
        "similarity": np.rint(similarity.ravel().astype(np.float64) * 1000).astype(int).tolist(),
    }


def _lab(colour: str) -> npt.NDArray[np.float32]:
    """'#rrggbb' as CIELAB, shape (3,)."""
    rgb = np.array([[[int(colour[at : at + 2], 16) for at in (1, 3, 5)]]], np.float32) / 255
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)[0, 0], np.float32)


def _fan_order(colour: str) -> tuple[int, float]:
    """Greys (chroma under 9) by lightness, then hues in 12 sectors from red, light to dark within each."""
    lightness, a, b = (float(value) for value in _lab(colour))
    sector = int((np.degrees(np.arctan2(b, a)) % 360) // 30)
    return (-1 if np.hypot(a, b) < 9 else sector, -lightness)


def _median_colour(colours: pd.Series) -> str:
    """Median of '#rrggbb' colours, channel by channel."""
    channels = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours]
    return "#" + "".join(f"{int(value):02x}" for value in np.median(channels, axis=0))


def _script_safe(data: dict[str, Any]) -> str:
    """JSON that can stand inside a script element, whatever words it holds."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    """Source expression of the content security policy that allows this very text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
