"""Shared by all figures: style, palettes, photos, swatches, bars, and the line that names the source."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from fashion.catalogue.source import Source
from fashion.catalogue.translation import colours_of_departments as colours_of_departments
from fashion.core import fonts
from fashion.core.bounds import MOST_READ
from fashion.core.escaping import table as table
from fashion.photos.images import RGB, decode

INK, QUIET, LINE = "#22201d", "#6b655d", "#d9d4cc"

#: Okabe and Ito's palette, safe for colour-blind readers, for methods and other few classes.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000")

#: Colour map of every heat map: perceptually uniform, safe for colour-blind readers.
HEAT = "cividis"

#: Colour map of differences from what is expected, white at none: purple and orange, apart for colour-blind readers.
DIVERGING = "PuOr_r"

#: Least shorter side of a decoded photo, pixels: twice what is drawn.
SHOWN = 400


def use_style() -> None:
    """Set matplotlib's style for the study; call it once at the head of a notebook."""
    sns.set_theme(style="ticks", context="notebook")
    fonts.quiet()  # seaborn draws some figures itself, before `Workspace.show` gives them their fonts
    matplotlib.rcParams.update({
        "figure.dpi": 110,
        "figure.facecolor": "white",
        "font.size": 10.5,
        "axes.titlesize": 12.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.labelsize": 10.5,
        "axes.labelcolor": INK,
        "axes.edgecolor": QUIET,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.labelsize": 9.5,
        "ytick.labelsize": 9.5,
        "legend.frameon": False,
        "savefig.facecolor": "white",
        "svg.hashsalt": "fashion",
        "text.parse_math": False,  # a catalogue's word with two dollar signs is no formula
    })  # fmt: skip


def _plain_numbers(axes: Axes) -> None:
    """Plain numbers at logarithmic axes: matplotlib's powers are formulas, which the style switches off."""
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log" and isinstance(axis.get_major_formatter(), LogFormatter):
            low, high = axis.get_view_interval()
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e3 * low else (1.0,)))
            axis.set_major_formatter("{x:,.10g}")
            axis.set_minor_formatter(NullFormatter())


def sign(figure: Figure, source_line: str) -> Figure:
    """Write the source (catalogue, items, backbone) at the foot of a finished figure."""
    for axes in figure.axes:
        _plain_numbers(axes)
    figure.text(0.0, -0.02, source_line, ha="left", va="top", fontsize=8, color=QUIET)
    return figure


def colours_of_categories(items: pd.DataFrame) -> dict[str, str]:
    """Colour of each category: that of the department with most of its items."""
    home = items.groupby("category")["department"].agg(lambda departments: departments.mode().iloc[0])
    palette = colours_of_departments(sorted(items["department"].unique()))
    return {str(category): palette[department] for category, department in home.items()}


def readable_on(hex_colour: str) -> str:
    """Black or white, whichever has the higher contrast on `hex_colour` (WCAG relative luminance)."""
    rgb = np.array(matplotlib.colors.to_rgb(hex_colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "black" if float(linear @ [0.2126, 0.7152, 0.0722]) > 0.179 else "white"


def letters_without_font(words: Iterable[str]) -> dict[str, str]:
    """Letters that no installed font has, and the warning to print and to report; empty where there are none."""
    letters = fonts.lacking(words)
    return {"letters_without_font": letters, "warning": fonts.sentence(letters)} if letters else {}


def load_photos(source: Source, photos: Sequence[str]) -> list[RGB]:
    """Decode a few photos for a figure."""
    return [decode(source.read(photo, MOST_READ), photo, SHOWN) for photo in photos]


def photo_axes(axes: Axes, rgb: RGB, *, frame: str | None = None, width: float = 2.5, line: str = "solid") -> None:
    """Draw one photo without axes; `frame` is the colour of a border, `line` its style."""
    axes.imshow(rgb, interpolation="lanczos", interpolation_stage="rgba")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(frame is not None)
        spine.set_color(frame or LINE)
        spine.set_linewidth(width)
        spine.set_linestyle(line)


def photo_grid(
    source: Source,
    photos: Sequence[str],
    labels: Sequence[str],
    title: str,
    source_line: str,
    *,
    frames: Sequence[str] | None = None,
    columns: int = 10,
    height: float = 1.75,
) -> Figure:
    """Photos in rows, each with a label of a few lines under it.

    Parameters
    ----------
    source : Source
    photos, labels : sequence of str, length n
    title, source_line : str
    frames : sequence of str, length n, optional
        Colours of the photos' borders.
    columns : int
    height : float
        Inches of a row, of which 1.3 are the photo.
    """
    rows = max(-(-len(photos) // columns), 1)
    figure, grid = plt.subplots(
        rows, columns, figsize=(columns * 1.3, rows * height), layout="constrained", squeeze=False
    )
    for axes in grid.flat:
        axes.axis("off")
    borders = frames or [LINE] * len(photos)
    for axes, rgb, label, border in zip(grid.flat, load_photos(source, photos), labels, borders, strict=False):
        axes.axis("on")
        photo_axes(axes, rgb, frame=border, width=5 if frames else 1)
        axes.set_xlabel(label, fontsize=8)
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return sign(figure, source_line)


def wrapped(text: str, width: int = 18) -> str:
    """Break a label into lines of at most `width` characters."""
    return textwrap.fill(text, width, break_long_words=False)


def shortened(text: str, most: int = 36) -> str:
    """A label of at most `most` characters: a longer one would leave its figure no room.

    Examples
    --------
    >>> shortened("sunglasses", 6)
    'sungl…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def swatch_line(axes: Axes, hexes: Sequence[str], *, axis: Literal["x", "y"]) -> None:
    """Draw each class's own colour beside its tick: a strip under the x axis ("x") or left of the y axis ("y")."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # axes that are drawn on stand in a figure
    width, height = figure.get_size_inches()
    # A tenth of an inch, as a share of the axes, which take about three quarters of the figure.
    tenth = 0.1 / (0.75 * (height if axis == "x" else width))
    for place, hex_colour in enumerate(hexes):
        along, across = float(place) - 0.5, -1.3 * tenth
        corner, size = ((along, across), (1.0, tenth)) if axis == "x" else ((across, along), (tenth, 1.0))
        transform = axes.get_xaxis_transform() if axis == "x" else axes.get_yaxis_transform()
        patch = plt.Rectangle(corner, *size, transform=transform, color=hex_colour, clip_on=False, lw=0)
        axes.add_patch(patch)
    axes.tick_params(axis=axis, pad=12, length=0)


def bars(
    axes: Axes,
    labels: Sequence[str],
    values: Sequence[float] | NDArray[Any],
    colours: Sequence[str],
    *,
    unit: str,
    written: Callable[[float], str] = "{:,.0f}".format,
) -> None:
    """Horizontal bars with their values beside them as `written`, the first on top, thin edges for pale colours."""
    places = np.arange(len(labels))
    axes.barh(places, values, color=list(colours), edgecolor=QUIET, linewidth=0.4, height=0.78)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.tick_params(axis="y", length=0)
    top = max(values) if len(values) else 1
    for place, value in zip(places, values, strict=True):
        axes.text(value + top * 0.01, float(place), written(value), va="center", fontsize=8.5, color=QUIET)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.margins(x=0.1)
