"""Figures of notebook 01: the catalogue's counts, photos and checks."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fashion.catalogue.source import Source
from fashion.catalogue.swatches import Swatches, hexes_of_colours
from fashion.plots.style import (
    DIVERGING,
    PALETTE,
    QUIET,
    bars,
    colours_of_departments,
    load_photos,
    photo_axes,
    photo_grid,
    shortened,
    sign,
    wrapped,
)


def counts_by_department(items: pd.DataFrame, source_line: str) -> Figure:
    """Items by department, each bar in the department's fixed colour."""
    counts = items["department"].value_counts()
    colours = colours_of_departments(sorted(counts.index))
    figure, axes = plt.subplots(figsize=(9, 0.6 + 0.3 * max(len(counts), 3)), layout="constrained")
    bars(axes, list(counts.index), counts.to_numpy(), [colours[d] for d in counts.index], unit="items")
    axes.set_title("Items by department")
    return sign(figure, source_line)


def counts_by_category(items: pd.DataFrame, source_line: str, most: int = 30) -> Figure:
    """Items of the most frequent categories, in the colour of the department that holds most of them."""
    counts = items["category"].value_counts()
    shown = counts.head(most)
    home = items.groupby("category")["department"].agg(lambda d: d.mode().iloc[0])
    colours = colours_of_departments(sorted(items["department"].unique()))
    figure, axes = plt.subplots(figsize=(9, 0.8 + 0.27 * len(shown)), layout="constrained")
    bars(axes, list(shown.index), shown.to_numpy(), [colours[home[c]] for c in shown.index], unit="items")
    rest = f"; the other {len(counts) - most} hold {counts.iloc[most:].sum():,}" if len(counts) > most else ""
    axes.set_title(f"Items by category: {len(shown)} of {len(counts)}{rest}")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colours[d]) for d in dict.fromkeys(home[shown.index])]
    axes.legend(handles, list(dict.fromkeys(home[shown.index])), title="department", loc="center left",
                bbox_to_anchor=(1.0, 0.5), fontsize=8.5)  # fmt: skip
    return sign(figure, source_line)


def counts_by_colour(items: pd.DataFrame, swatches: Swatches, source_line: str) -> Figure:
    """Items by colour word, each bar in its own colour."""
    counts = items["colour"].value_counts()
    hexes = hexes_of_colours(counts.index, swatches)
    columns = 2 if len(counts) > 25 else 1
    size = int(np.ceil(len(counts) / columns))
    figure, grid = plt.subplots(
        1, columns, figsize=(9, 0.8 + 0.26 * size), layout="constrained", squeeze=False, sharex=True
    )
    for axes, first in zip(grid[0], range(0, len(counts), size), strict=True):
        part = counts.iloc[first : first + size]
        bars(axes, list(part.index), part.to_numpy(), [hexes[c] for c in part.index], unit="items")
    figure.suptitle("Items by colour", x=0.01, ha="left", fontweight="bold", fontsize=12.5)
    return sign(figure, source_line)


def colour_by_department(items: pd.DataFrame, swatches: Swatches, source_line: str) -> Figure:
    """Heat map: how much more, or less, of each department has a colour than of the catalogue; percentage points."""
    table = pd.crosstab(items["department"], items["colour"])
    table = table.loc[table.sum(axis=1).sort_values(ascending=False).index]
    hexes = hexes_of_colours(table.columns, swatches)
    order = _by_hue(hexes)
    usual = table.sum() / len(items)
    excess = (table.div(table.sum(axis=1), axis=0) - usual)[order] * 100
    width = 4 + 0.17 * len(order) if len(order) > 20 else 9
    rows = max(len(table), 4)  # below that the figure keeps its height, so that swatches and names have room
    most = max(float(np.percentile(np.abs(excess), 99)), 1)
    figure, axes = plt.subplots(figsize=(width, 1.9 + 0.3 * rows), layout="constrained")
    sns.heatmap(
        excess, ax=axes, cmap=DIVERGING, vmin=-most, vmax=most, rasterized=True, linewidths=0.4, linecolor="white",
        annot=_signed(excess) if len(order) <= 16 else None, fmt="", annot_kws={"fontsize": 8.5},
        cbar_kws={"label": "% of the department less\n% of the catalogue", "shrink": 0.9},
        xticklabels=[shortened(word, 30) for word in order],
        yticklabels=[f"{shortened(str(d))} ({n:,})" for d, n in table.sum(axis=1).items()],
    )  # fmt: skip
    for place, colour in enumerate(order):
        below, height = (len(table) * part / rows for part in (0.12, 0.42))
        swatch = plt.Rectangle((place, len(table) + below), 1, height, color=hexes[colour], clip_on=False, lw=0)
        axes.add_patch(swatch)
    axes.tick_params(axis="x", rotation=90, pad=max(10, 190 / rows), length=0, labelsize=8.5)
    axes.tick_params(axis="y", rotation=0, length=0)
    axes.set(xlabel="colour", ylabel="")
    axes.set_title("Colours of a department, more (+) or less (-) than in the catalogue")
    return sign(figure, source_line)


def _signed(excess: pd.DataFrame) -> NDArray[np.object_]:
    """Whole percentage points with their sign; none where they round to nothing."""
    return np.array(
        [[f"{value:+.0f}" if abs(value) >= 0.5 else "" for value in row] for row in excess.to_numpy()], object
    )


def _by_hue(hexes: Mapping[str, str]) -> list[str]:
    """Colour words by hue; near-neutral ones last, from light to dark."""
    import matplotlib.colors

    def place(word: str) -> tuple[int, float, float]:
        hue, saturation, value = matplotlib.colors.rgb_to_hsv(matplotlib.colors.to_rgb(hexes[word]))
        return (1, -value, 0.0) if saturation < 0.12 else (0, round(float(hue) * 12) / 12, -value)

    return sorted(hexes, key=place)


def contact_sheet(
    items: pd.DataFrame, source: Source, source_line: str, seed: int, rows: int = 6, columns: int = 10
) -> Figure:
    """Random photos from every department, with colour and category under each."""
    chosen = items.groupby("department", group_keys=False).sample(frac=1, random_state=seed)
    chosen = chosen.assign(_turn=chosen.groupby("department").cumcount()).sort_values(["_turn", "department"])
    chosen = chosen.head(rows * columns).sort_values(["department", "category"])
    figure, grid = plt.subplots(rows, columns, figsize=(columns * 1.3, rows * 1.62), layout="constrained")
    for axes in grid.flat:
        axes.axis("off")
    photos = load_photos(source, list(chosen["photo"]))
    for axes, rgb, (_, item) in zip(grid.flat, photos, chosen.iterrows(), strict=False):
        axes.axis("on")
        photo_axes(axes, rgb)
        axes.set_xlabel(wrapped(f"{item['colour']} {item['category']}", 20), fontsize=7, labelpad=2)
    figure.suptitle(f"{len(photos)} random items from every department", x=0.01, ha="left", fontweight="bold")
    return sign(figure, source_line)


def photo_sizes(items: pd.DataFrame, source_line: str) -> Figure:
    """The photos' file sizes; before them width against height, one dot a size, where there are several."""
    sizes = items.groupby(["width", "height"]).size().reset_index(name="items")
    count = min(len(sizes), 2)
    figure, grid = plt.subplots(1, count, figsize=(9, 3.4), layout="constrained", squeeze=False)
    if len(sizes) > 1:
        left = grid[0][0]
        share = sizes["items"] / sizes["items"].sum()
        left.scatter(sizes["width"], sizes["height"], s=30 + 500 * share, color=PALETTE[0], alpha=0.6)
        for _, size in sizes.nlargest(4, "items").iterrows():
            left.annotate(
                f"{size['width']} × {size['height']}: {size['items']:,}", (size["width"], size["height"]),
                xytext=(12, 10), textcoords="offset points", fontsize=9,
            )  # fmt: skip
        low, high = sizes[["width", "height"]].to_numpy().min(), sizes[["width", "height"]].to_numpy().max()
        left.set(
            xlabel="width, pixels", ylabel="height, pixels", title="Photo size in pixels",
            xlim=(low * 0.8, high * 1.25), ylim=(low * 0.8, high * 1.25),
        )  # fmt: skip
    right = grid[0][-1]
    right.hist(items["bytes"] / 1024, bins=50, color=PALETTE[0], edgecolor="white", linewidth=0.3)
    right.set(xlabel="file size, KiB", ylabel="photos", title="File size of the photos")
    return sign(figure, source_line)


def word_against_photo(table: pd.DataFrame, source_line: str) -> Figure:
    """Each colour word's colour by the lists, the typical garment of its items, and the distance between the two.

    Parameters
    ----------
    table : DataFrame
        `colour`, `word_hex`, `photo_hex`, `median_distance` (CIEDE2000 of the items to their word), `items`.
    source_line : str
    """
    table = table.sort_values("median_distance").reset_index(drop=True)
    columns = 2 if len(table) > 25 else 1
    size = int(np.ceil(len(table) / columns))
    figure, grid = plt.subplots(
        1, columns, figsize=(9, 1.1 + 0.25 * size), layout="constrained", squeeze=False, sharex=True
    )
    top = float(table["median_distance"].max())
    for axes, first in zip(grid[0], range(0, len(table), size), strict=True):
        part = table.iloc[first : first + size].reset_index(drop=True)
        for place, row in part.iterrows():
            for shift, key in ((-0.235, "word_hex"), (-0.12, "photo_hex")):
                corner = (shift * top, float(place) - 0.42)  # type: ignore[arg-type]
                axes.add_patch(plt.Rectangle(corner, 0.11 * top, 0.84, color=row[key], lw=0))
        axes.plot(part["median_distance"], part.index, "o", color="#0072b2", markersize=4.5)
        axes.hlines(part.index, 0, part["median_distance"], color=QUIET, linewidth=0.7)
        axes.set_yticks(part.index, part["colour"])
        axes.set(xlim=(-0.24 * top, top * 1.06), xlabel="median CIEDE2000, photo to word")
        axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= top])
        axes.spines["left"].set_visible(False)
        axes.set_ylim(len(part) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
    figure.suptitle(
        "Colour word (left swatch) and photo (right swatch)",
        x=0.01,
        ha="left",
        fontweight="bold",
        fontsize=12.5,
    )
    return sign(figure, source_line)


def doubtful_labels(worst: pd.DataFrame, swatches: Swatches, source: Source, source_line: str) -> Figure:
    """The items furthest from their colour word: photo, word with its swatch, distance."""
    hexes = hexes_of_colours(worst["colour"], swatches)
    return photo_grid(
        source, list(worst["photo"]),
        [wrapped(f"“{item.colour}”", 16) + f"\n{item.distance:.0f}" for item in worst.itertuples()],
        "Most doubtful colour words (frame: the word's swatch; number: CIEDE2000; by distance ÷ limit)", source_line,
        frames=[hexes[colour] for colour in worst["colour"]],
    )  # fmt: skip
