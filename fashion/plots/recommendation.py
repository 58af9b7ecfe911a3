"""Figures of notebook 04: queries with their recommendations."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fashion.catalogue.products import product_line
from fashion.catalogue.source import Source
from fashion.catalogue.swatches import Swatches, hexes_of_colours
from fashion.core.numerals import score
from fashion.neighbours.exact import Neighbours
from fashion.plots.style import INK, PALETTE, QUIET, load_photos, photo_axes, wrapped
from fashion.recommendation.queries import Query
from fashion.recommendation.reasons import describe

#: Frame of a recommendation by whether category and colour match the query: colour and line, either tells them apart.
FRAMES = {
    (True, True): (PALETTE[0], "solid"), (True, False): (PALETTE[4], "dashed"), (False, True): (PALETTE[3], "dotted"),
    (False, False): ("#a8a29a", "solid"),
}  # fmt: skip

FRAME_WORDS = ("category and colour", "category alone", "colour alone", "neither")


def _caption(axes: Axes, item: pd.Series, first_line: str, colour: str) -> None:
    axes.text(0.0, -0.05, first_line, transform=axes.transAxes, fontsize=8.5, color=QUIET, va="top")
    swatch = plt.Rectangle((0.0, -0.235), 0.075, 0.075, transform=axes.transAxes, color=colour, clip_on=False, lw=0)
    axes.add_patch(swatch)
    axes.text(0.1, -0.16, str(item["colour"]), transform=axes.transAxes, fontsize=8.5, color=INK, va="top")
    axes.text(0.0, -0.275, wrapped(str(item["category"]), 17), transform=axes.transAxes, fontsize=8, color=INK,
              va="top", linespacing=1.05)  # fmt: skip


def recommendations(
    items: pd.DataFrame,
    source: Source,
    queries: Sequence[int],
    neighbours: NDArray,
    similarity: NDArray,
    swatches: Swatches,
    source_line: str,
    *,
    title: str,
) -> Figure:
    """One row a query: its photo, then its recommendations with rank, similarity, colour and category.

    Parameters
    ----------
    items : DataFrame
        The items table.
    source : Source
        Where the photos are.
    queries : sequence of int, length q
        Rows of the query items.
    neighbours, similarity : ndarray, shape (q, k)
        Rows of the recommendations, best first, and their cosines.
    swatches : mapping of str to str
        From `Run.swatches`.
    source_line, title : str
    """
    count, k = neighbours.shape
    hexes = hexes_of_colours(items["colour"], swatches)
    # Lengths in inches, so that head and foot keep their size however many queries there are.
    photo, gap, caption, head, foot = 1.3, 0.16, 0.82, 0.75, 0.25
    width = photo * (k + 1) + gap * (k + 2)
    height = head + count * (photo + caption) + foot
    figure, grid = plt.subplots(
        count, k + 2, figsize=(width, height), squeeze=False,
        gridspec_kw={
            "width_ratios": [1, gap / photo, *[1] * k], "left": 0.01, "right": 0.99, "top": 1 - head / height,
            "bottom": (foot + caption) / height, "hspace": caption / photo, "wspace": 0.12,
        },
    )  # fmt: skip
    for line, query in enumerate(queries):
        item = items.iloc[query]
        grid[line][1].axis("off")
        photo_axes(grid[line][0], load_photos(source, [item["photo"]])[0], frame=INK, width=2)
        _caption(grid[line][0], item, "query", hexes[item["colour"]])
        for axes, row, likeness, rank in zip(
            grid[line][2:], neighbours[line], similarity[line], range(1, k + 1), strict=True
        ):
            other = items.iloc[row]
            colour, line_style = FRAMES[other["category"] == item["category"], other["colour"] == item["colour"]]
            photo_axes(axes, load_photos(source, [other["photo"]])[0], frame=colour, width=2.4, line=line_style)
            _caption(axes, other, f"{rank} · {score(likeness)}", hexes[other["colour"]])
    handles = [plt.Line2D([], [], color=colour, linewidth=2.4, linestyle=style) for colour, style in FRAMES.values()]
    words = ["same " + FRAME_WORDS[0], *FRAME_WORDS[1:]]
    figure.text(0.01, 1 - 0.08 / height, title, va="top", fontsize=12.5, fontweight="bold")
    figure.legend(handles, words, loc="upper left", bbox_to_anchor=(0.0, 1 - 0.3 / height), fontsize=8.5, ncols=4,
                  columnspacing=1.4, handlelength=2.2, borderaxespad=0.4)  # fmt: skip
    figure.text(0.01, 0.04 / height, source_line, fontsize=8, color=QUIET, va="bottom")
    return figure


def nearest_items(
    items: pd.DataFrame,
    source: Source,
    rows: Sequence[int],
    nearest: Neighbours,
    swatches: Swatches,
    source_line: str,
    *,
    title: str,
) -> Figure:
    """`recommendations` for some rows of the neighbours of all items.

    Parameters
    ----------
    items, source, swatches, source_line, title
        As for `recommendations`.
    rows : sequence of int, length q
        Query items.
    nearest : (rows, similarity), ndarrays of shape (n, k)
        From `Recommender.nearest_of_all`.
    """
    chosen = list(rows)
    listed = nearest[0][chosen], nearest[1][chosen]
    return recommendations(items, source, chosen, *listed, swatches, source_line, title=title)


def query_results(
    queries: Sequence[tuple[NDArray | None, Query, pd.DataFrame]],
    source: Source,
    swatches: Swatches,
    source_line: str,
    *,
    title: str,
) -> Figure:
    """One row a query by photo or words: the query, then its recommendations with similarity and reason.

    Parameters
    ----------
    queries : sequence of (photo or None, Query, DataFrame)
        The query's photo, RGB, where it has one; the query; its table from `Recommender.answer`.
    source : Source
        Where the items' photos are.
    swatches : mapping of str to str
        From `Run.swatches`.
    source_line, title : str
    """
    k = max(1, *(len(table) for _, _, table in queries))
    photo, caption, head, foot = 1.45, 1.24, 0.5, 0.25
    width, height = (photo + 0.14) * (k + 1), head + len(queries) * (photo + caption) + foot
    figure, grid = plt.subplots(
        len(queries), k + 1, figsize=(width, height), squeeze=False,
        gridspec_kw={"left": 0.01, "right": 0.99, "top": 1 - head / height, "bottom": (foot + caption) / height,
                     "hspace": caption / photo, "wspace": 0.12},
    )  # fmt: skip
    hexes = hexes_of_colours((word for _, _, table in queries for word in table["colour"]), swatches)
    for line, (picture, query, table) in zip(grid, queries, strict=True):
        _draw_query(line[0], picture, query)
        for axes in line[1 + len(table) :]:
            axes.axis("off")
        photos = load_photos(source, list(table["photo"]))
        for axes, rgb, item in zip(line[1:], photos, table.to_dict("records"), strict=False):
            photo_axes(axes, rgb, frame=QUIET, width=1)
            _caption(axes, pd.Series(item), f"{item['rank']} · {score(item['similarity'])}", hexes[item["colour"]])
            reason = "\n".join(wrapped(part, 30) for part in item["reasons"].split("; ", 1))
            if product := product_line(item):
                reason = f"{shorten(product, 34, placeholder='…')}\n{reason}"
            axes.text(0.0, -0.49, reason, transform=axes.transAxes, fontsize=6.8, color=QUIET, va="top")
    figure.text(0.01, 1 - 0.08 / height, title, va="top", fontsize=12.5, fontweight="bold")
    figure.text(0.01, 0.04 / height, source_line, fontsize=8, color=QUIET, va="bottom")
    return figure


def _draw_query(axes: Axes, picture: NDArray | None, query: Query) -> None:
    """Draw the query's photo with its description, or its words alone."""
    if picture is None:
        axes.set_axis_off()
        axes.text(0.5, 0.5, wrapped(f"“{query.title}”", 14), transform=axes.transAxes, ha="center", va="center",
                  fontsize=11, color=INK)  # fmt: skip
        return
    photo_axes(axes, picture, frame=INK, width=2)
    axes.text(0.0, -0.05, wrapped(query.title, 20), transform=axes.transAxes, fontsize=8, color=QUIET, va="top")
    axes.text(0.0, -0.3, wrapped(describe(query.description), 20), transform=axes.transAxes, fontsize=8, color=INK,
              va="top", linespacing=1.05)  # fmt: skip
