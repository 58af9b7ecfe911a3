"""Figures of notebook 06: how well the recommendations follow the description."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from fashion.plots import HEAT, PALETTE, readable_on, sign


def agreement(table: pd.DataFrame, source_line: str) -> Figure:
    """Share of the six that agree, by method and by what must agree, with 95 % bootstrap intervals.

    Parameters
    ----------
    table : DataFrame
        `method`, `column`, `mean`, `low`, `high`.
    source_line : str
    """
    methods = list(dict.fromkeys(table["method"]))
    columns = list(dict.fromkeys(table["column"]))
    figure, grid = plt.subplots(
        1, len(columns), figsize=(9.6, 0.9 + 0.34 * len(methods)), layout="constrained", sharey=True
    )
    for axes, column in zip(np.atleast_1d(grid), columns, strict=True):
        part = table[table["column"] == column].set_index("method").loc[methods]
        colours = [PALETTE[1] if m.startswith("learned") else PALETTE[0] if m.startswith("frozen") else PALETTE[6]
                   for m in methods]  # fmt: skip
        places = np.arange(len(methods))
        axes.barh(places, part["mean"], color=colours, height=0.66, alpha=0.9)
        error = [part["mean"] - part["low"], part["high"] - part["mean"]]
        axes.errorbar(part["mean"], places, xerr=error, fmt="none", ecolor="#22201d", elinewidth=1, capsize=2)
        room = float(part["high"].max())
        for place, (mean, high) in enumerate(zip(part["mean"], part["high"], strict=True)):
            axes.text(high + room * 0.03, place, f"{mean:.3f}".lstrip("0"), va="center", fontsize=8.5)
        axes.set(xlim=(0, room * 1.3), title=column, xlabel="share of the six")
        axes.set_yticks(places, methods)
        axes.set_ylim(len(methods) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
    return sign(figure, source_line)


def agreement_by_department(table: pd.DataFrame, source_line: str) -> Figure:
    """Share of the six that agree in category and colour, by department and method, as a heat map with numbers.

    Parameters
    ----------
    table : DataFrame
        Index: department with its queries; columns: methods; values: shares.
    source_line : str
    """
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.32 * len(table)), layout="constrained")
    sns.heatmap(
        table * 100, ax=axes, cmap=HEAT, annot=True, fmt=".0f", vmin=0, vmax=max(float((table * 100).max().max()), 1),
        cbar_kws={"label": "% of the six: category and colour"}, annot_kws={"fontsize": 8.5}, rasterized=True,
    )  # fmt: skip
    colour_map = plt.get_cmap(HEAT)
    top = max(float((table * 100).max().max()), 1)
    for text, value in zip(axes.texts, (table * 100).to_numpy().ravel(), strict=True):
        red, green, blue, _ = colour_map(value / top if value == value else 0)
        text.set_color(readable_on("#{:02x}{:02x}{:02x}".format(*tuple(int(255 * c) for c in (red, green, blue)))))
    axes.set(ylabel="", xlabel="")
    axes.tick_params(axis="x", rotation=25, length=0)
    axes.tick_params(axis="y", rotation=0, length=0)
    axes.set_title("Category and colour both right, by department")
    return sign(figure, source_line)


def success_curve(table: pd.DataFrame, methods: Sequence[str], source_line: str) -> Figure:
    """Share of queries with at least one recommendation right in category and colour among the first k.

    Parameters
    ----------
    table : DataFrame
        `method`, `k`, `success`.
    methods : sequence of str
        In the order of the legend.
    source_line : str
    """
    figure, axes = plt.subplots(figsize=(9, 3.8), layout="constrained")
    for method, colour in zip(methods, PALETTE, strict=False):
        part = table[table["method"] == method]
        axes.plot(part["k"], part["success"] * 100, "o-", color=colour, label=method, markersize=4)
    axes.set(xlabel="recommendations shown", ylabel="% of queries", ylim=(0, None),
             title="At least one right in category and colour (Success@k)")  # fmt: skip
    axes.legend(fontsize=8.5)
    return sign(figure, source_line)
