"""Figures of notebook 03: what the attributes network learned and what it confuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fashion.catalogue.source import Source
from fashion.catalogue.swatches import UNKNOWN, Swatches, hexes_of_colours
from fashion.core.numerals import percent, score
from fashion.plots.style import (
    HEAT,
    INK,
    PALETTE,
    QUIET,
    bars,
    photo_axes,
    photo_grid,
    sign,
    swatch_line,
    wrapped,
)


def training_history(history: pd.DataFrame, source_line: str) -> Figure:
    """Loss and accuracy by epoch, on training and validation items, averaged over the members.

    Parameters
    ----------
    history : DataFrame
        One row an epoch of a member: `epoch` (from 1), `loss`, `val_loss` and for each attribute `<name>_accuracy`,
        `val_<name>_accuracy`.
    source_line : str
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    history = history.groupby("epoch").mean()
    epochs = history.index.to_numpy()
    left.plot(epochs, history["loss"], color=PALETTE[6], label="training")
    if "val_loss" in history:
        left.plot(epochs, history["val_loss"], color=INK, label="validation")
    left.set(xlabel="epoch", ylabel="loss", title="Loss")
    left.legend()
    for name, colour in (("category", PALETTE[0]), ("colour", PALETTE[1])):
        right.plot(epochs, history[f"{name}_accuracy"], color=colour, linestyle=":", label=f"{name}, training")
        if f"val_{name}_accuracy" in history:
            right.plot(epochs, history[f"val_{name}_accuracy"], color=colour, label=f"{name}, validation")
    right.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1), title="Accuracy")
    right.legend(fontsize=8.5)
    return sign(figure, source_line)


def confusion_matrix(
    matrix: NDArray[np.integer],
    classes: Sequence[str],
    source_line: str,
    *,
    what: str,
    swatches: Swatches | None = None,
) -> Figure:
    """Confusion matrix with rows as shares; colour words with their swatches.

    Parameters
    ----------
    matrix : ndarray of int, shape (c, c)
        Rows: labelled; columns: predicted.
    classes : sequence of str, length c
    source_line, what : str
        `what` names the attribute in the title.
    swatches : mapping of str to str, optional
        Colours to draw along both axes, where the classes are colour words.
    """
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1) * 100
    edge = float(np.clip(2.6 + 0.155 * len(classes), 6.5, 13))
    figure, axes = plt.subplots(figsize=(edge + 1.2, edge), layout="constrained")
    sns.heatmap(
        share, ax=axes, cmap=HEAT, vmin=0, vmax=100, square=True, xticklabels=list(classes),
        yticklabels=list(classes), cbar_kws={"label": "% of the labelled items", "shrink": 0.7}, rasterized=True,
        annot=_counts(matrix) if len(classes) <= NUMBERED else None, fmt="", annot_kws={"fontsize": 9},
    )  # fmt: skip
    axes.tick_params(axis="x", rotation=90, labelsize=8 if len(classes) > 25 else 9.5)
    axes.tick_params(axis="y", rotation=0, labelsize=8 if len(classes) > 25 else 9.5)
    axes.set(xlabel=f"predicted {what}", ylabel=f"labelled {what}")
    axes.set_title(f"Confusion matrix of {what} on held-out items" + ", numbers of items" * (len(classes) <= NUMBERED))
    if swatches is not None:
        hexes = hexes_of_colours(classes, swatches)
        swatch_line(axes, [hexes[c] for c in classes], axis="x")
        swatch_line(axes, [hexes[c] for c in classes], axis="y")
        for patch in axes.patches:  # a heat map's cells have their corners, not their centres, on whole numbers
            patch.set_transform(_shift(axes, patch))
    return sign(figure, source_line)


#: Classes up to which a confusion matrix has room for numbers.
NUMBERED = 25


def _counts(matrix: NDArray[np.integer]) -> NDArray[np.object_]:
    """The numbers of a matrix as text; no zeros, which hide the others."""
    return np.array([[f"{count:,}" if count else "" for count in row] for row in matrix], dtype=object)


def _shift(axes: plt.Axes, patch: plt.Rectangle):  # type: ignore[no-untyped-def]
    from matplotlib.transforms import Affine2D

    vertical = patch.get_width() < 0.1
    return Affine2D().translate(0 if vertical else 0.5, 0.5 if vertical else 0) + patch.get_data_transform()


def confused_colours(pairs: pd.DataFrame, swatches: Swatches, source_line: str) -> Figure:
    """The most frequent confusions of colour words, both swatches side by side.

    Parameters
    ----------
    pairs : DataFrame
        `labelled`, `predicted`, `share` (of the labelled word's items), `distance` (CIEDE2000 of the two swatches).
    swatches : mapping of str to str
        From `Run.swatches`.
    source_line : str
    """
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.34 * len(pairs)), layout="constrained")
    hexes = hexes_of_colours([*pairs["labelled"], *pairs["predicted"]], swatches)
    top = float(pairs["share"].max()) * 100
    for place, (_, pair) in enumerate(pairs.iterrows()):
        for shift, word in ((-0.17, pair["labelled"]), (-0.09, pair["predicted"])):
            corner = (shift * top, place - 0.42)
            axes.add_patch(plt.Rectangle(corner, 0.08 * top, 0.84, color=hexes[word], lw=0))
        axes.text(pair["share"] * 100 + 0.01 * top, place, f"ΔE {pair['distance']:.0f}", va="center", fontsize=8.5,
                  color=QUIET)  # fmt: skip
    axes.barh(np.arange(len(pairs)), pairs["share"] * 100, color=PALETTE[6], height=0.5)
    axes.set_yticks(np.arange(len(pairs)), [f"{p.labelled} → {p.predicted}" for p in pairs.itertuples()])
    axes.tick_params(axis="y", length=0)
    axes.set(
        xlim=(-0.18 * top, top * 1.12),
        xlabel="% of the labelled word's held-out items",
        title="Most frequent confusions of colours",
    )
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= top * 1.1])
    axes.set_ylim(len(pairs) - 0.4, -0.6)
    return sign(figure, source_line)


def accuracy_by_class(table: pd.DataFrame, colours: Mapping[str, str], source_line: str, *, what: str) -> Figure:
    """Accuracy of each class on held-out items, best first; `table` has `name`, `accuracy`, `items`."""
    table = table.sort_values("accuracy", ascending=False).reset_index(drop=True)
    columns = 2 if len(table) > 25 else 1
    size = int(np.ceil(len(table) / columns))
    figure, grid = plt.subplots(
        1, columns, figsize=(9, 1 + 0.25 * size), layout="constrained", squeeze=False, sharex=True
    )
    for axes, first in zip(grid[0], range(0, len(table), size), strict=True):
        part = table.iloc[first : first + size]
        names = [
            f"{row.name_} ({row.items_:,})"
            for row in part.rename(columns={"name": "name_", "items": "items_"}).itertuples()
        ]
        bars(axes, names, part["accuracy"].to_numpy() * 100, [colours.get(n, UNKNOWN) for n in part["name"]],
             unit="accuracy on held-out items, %", written=lambda value: percent(value / 100))  # fmt: skip
    figure.suptitle(
        f"Accuracy by {what} (held-out items in brackets)", x=0.01, ha="left", fontweight="bold", fontsize=12.5
    )
    return sign(figure, source_line)


def reliability(curves: Mapping[str, pd.DataFrame], source_line: str) -> Figure:
    """Share of right predictions by predicted probability, with 95% intervals; a point's size is its share of all.

    Parameters
    ----------
    curves : mapping of str to DataFrame
        Attribute -> `predicted`, `observed`, `count`, from `calibration.reliability`.
    source_line : str
    """
    figure, grid = plt.subplots(1, len(curves), figsize=(4.4 * len(curves), 4.2), layout="constrained", squeeze=False)
    for axes, (name, curve) in zip(grid[0], curves.items(), strict=True):
        axes.plot([0, 1], [0, 1], color=QUIET, lw=1, ls="--", label="as it says")
        size = 20 + 380 * curve["count"] / curve["count"].sum()
        low, high = _wilson(curve["observed"].to_numpy(), curve["count"].to_numpy())
        axes.vlines(curve["predicted"], low, high, color=PALETTE[1], lw=1.2, alpha=0.7)
        axes.scatter(
            curve["predicted"], curve["observed"], s=size, color=PALETTE[1], alpha=0.8, zorder=3, clip_on=False
        )
        axes.set(xlim=(0, 1.03), ylim=(0, 1.03), title=name, xlabel="predicted probability", ylabel="share right")
        axes.set_aspect("equal")
    grid[0][0].legend(loc="lower right")
    return sign(figure, source_line)


def _wilson(share: NDArray[np.floating], count: NDArray[np.integer]) -> tuple[NDArray, NDArray]:
    """95% interval of a share of few cases (Wilson, Journal of the American Statistical Association 22, 1927)."""
    z = 1.96
    centre, spread = share + z**2 / (2 * count), z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return (centre - spread) / (1 + z**2 / count), (centre + spread) / (1 + z**2 / count)


def simulated_photos(photos: Sequence[NDArray], simulated: Sequence[NDArray], source_line: str) -> Figure:
    """Photos of the catalogue, and below each the customer's photo that was simulated from it.

    Parameters
    ----------
    photos, simulated : sequences of ndarray of uint8, RGB
        Of the same length.
    source_line : str
    """
    figure, grid = plt.subplots(2, len(photos), figsize=(1.3 * len(photos), 3.4), squeeze=False, layout="constrained")
    for line, pictures, label in zip(grid, (photos, simulated), ("catalogue", "simulated"), strict=True):
        for axes, rgb in zip(line, pictures, strict=True):
            photo_axes(axes, rgb)
        line[0].set_ylabel(label)
    figure.suptitle("Customers' photos, simulated from the catalogue's", x=0.01, ha="left", fontweight="bold")
    return sign(figure, source_line)


def items_to_check(worst: pd.DataFrame, source: Source, source_line: str) -> Figure:
    """The first items of `to_check.items_to_check`: photo, what is in doubt, and the score."""
    labels = []
    for item in worst.to_dict("records"):
        lines = []
        for kind in item["doubts"].split("; "):
            suggested = item.get(f"suggested_{kind}")
            word = f"{kind} {item[kind]}" if kind in item else kind
            lines.append(wrapped(f"{item[kind]} → {suggested}" if suggested else word, 19))
        labels.append("\n".join([*lines, score(item["score"])]))
    title = "Items to check: word in the table → what the photo suggests, or the photo's fault; score"
    return photo_grid(source, list(worst["photo"]), labels, title, source_line, columns=8, height=1.95)
