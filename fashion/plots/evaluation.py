"""Figures of notebook 06: precision and success by method, department, gallery size and vector length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from fashion.core.numerals import decimal, percent
from fashion.evaluation.protocol import CEILING, RANDOM
from fashion.plots.style import HEAT, LINE, PALETTE, QUIET, readable_on, shortened, sign, wrapped

#: One colour and one mark for each method in every figure; bars of one family share a colour.
COLOURS = {
    RANDOM: PALETTE[6],
    "raw pixels": PALETTE[2],
    "colour histogram": PALETTE[4],
    "HOG": PALETTE[2],
    "frozen, max-pooled": PALETTE[5],
    "frozen": PALETTE[0],
    "frozen + histogram": PALETTE[0],
    "logistic regression": PALETTE[2],
    "learned": PALETTE[1],
    "learned, catalogue's words known": PALETTE[3],
    "same words, then frozen": PALETTE[5],
    "described, as the shop shows": PALETTE[3],
    CEILING: PALETTE[7],
}

MARKS = dict(zip(COLOURS, "xPdXDsvpo^<> ", strict=True))


def _colour(method: str) -> str:
    return COLOURS.get(method, PALETTE[6])


def _line(method: str) -> dict[str, Any]:
    """Style of a method's curve: its colour and marker; dashes for the floor and the ceiling."""
    dashes = {RANDOM: ":", CEILING: "--"}.get(method, "-")
    return {"color": _colour(method), "marker": MARKS.get(method, "o"), "ls": dashes, "label": method, "markersize": 5}


def precision_by_method(table: pd.DataFrame, source_line: str, *, k: int) -> Figure:
    """Precision@k by method and label, with 95% bootstrap intervals.

    Parameters
    ----------
    table : DataFrame
        `method`, `column`, `mean`, `low`, `high`.
    source_line : str
    k : int
        Recommendations for each query.
    """
    methods = list(dict.fromkeys(table["method"]))
    columns = list(dict.fromkeys(table["column"]))
    figure, grid = plt.subplots(
        1, len(columns), figsize=(10.4, 0.9 + 0.36 * len(methods)), layout="constrained", sharey=True
    )
    for axes, column in zip(np.atleast_1d(grid), columns, strict=True):
        part = table[table["column"] == column].set_index("method").loc[methods]
        places = np.arange(len(methods))
        bars = axes.barh(places, part["mean"], color=[_colour(m) for m in methods], height=0.66, alpha=0.9)
        for bar, method in zip(bars, methods, strict=True):
            if method == CEILING:  # an outline, as it is no method
                bar.set(facecolor=LINE, edgecolor=PALETTE[7], linewidth=0.8, linestyle="--")
        # Where all queries score alike, rounding may leave the mean a hair outside its interval.
        error = [(part["mean"] - part["low"]).clip(lower=0), (part["high"] - part["mean"]).clip(lower=0)]
        axes.errorbar(part["mean"], places, xerr=error, fmt="none", ecolor="#22201d", elinewidth=1, capsize=2)
        room = float(part["high"].max())
        for place, (mean, high) in enumerate(zip(part["mean"], part["high"], strict=True)):
            axes.text(high + room * 0.03, place, decimal(mean), va="center", fontsize=8.5)
        axes.set(xlim=(0, room * 1.3), title=column, xlabel=f"Precision@{k}")
        axes.set_yticks(places, [wrapped(method, 24) for method in methods])
        axes.set_ylim(len(methods) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
    return sign(figure, source_line)


def precision_by_department(table: pd.DataFrame, source_line: str, *, k: int) -> Figure:
    """Precision@k in category and colour, by department and method, as a heat map with numbers.

    Parameters
    ----------
    table : DataFrame
        Index: department with its queries; columns: methods; values: shares.
    source_line : str
    k : int
        Recommendations for each query.
    """
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.32 * max(len(table), 4)), layout="constrained")
    written = table.map(lambda share: percent(share).removesuffix("%")).to_numpy()
    sns.heatmap(
        table * 100, ax=axes, cmap=HEAT, annot=written, fmt="", vmin=0, vmax=max(float((table * 100).max().max()), 1),
        xticklabels=[wrapped(method, 17) for method in table.columns],
        yticklabels=[shortened(str(name)) for name in table.index],
        cbar_kws={"label": f"Precision@{k}, %"}, annot_kws={"fontsize": 8.5},
        rasterized=True,
    )  # fmt: skip
    colour_map = plt.get_cmap(HEAT)
    top = max(float((table * 100).max().max()), 1)
    for text, value in zip(axes.texts, (table * 100).to_numpy().ravel(), strict=True):
        red, green, blue, _ = colour_map(value / top if value == value else 0)
        text.set_color(readable_on("#{:02x}{:02x}{:02x}".format(*tuple(int(255 * c) for c in (red, green, blue)))))
    axes.set(ylabel="", xlabel="")
    axes.tick_params(axis="x", rotation=0, length=0)
    axes.tick_params(axis="y", rotation=0, length=0)
    axes.set_title("Precision in category and colour, by department")
    return sign(figure, source_line)


def success_curve(table: pd.DataFrame, methods: Sequence[str], source_line: str) -> Figure:
    """Success@k in category and colour: share of queries with a correct item among the first k.

    Parameters
    ----------
    table : DataFrame
        `method`, `k`, `success`.
    methods : sequence of str
        In the order of the legend.
    source_line : str
    """
    figure, axes = plt.subplots(figsize=(9, 3.8), layout="constrained")
    for method in methods:
        part = table[table["method"] == method]
        axes.plot(part["k"], part["success"] * 100, **_line(method))
    axes.set(xlabel="recommendations shown", ylabel="% of queries", ylim=(0, None),
             title="At least one correct in category and colour (Success@k)")  # fmt: skip
    axes.legend(fontsize=8.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return sign(figure, source_line)


def precision_by_gallery_size(table: pd.DataFrame, source_line: str, *, k: int) -> Figure:
    """Precision@k by number of items in the gallery, with 95% intervals as bands.

    Parameters
    ----------
    table : DataFrame
        From `fashion.evaluation.curves.by_gallery_size`: `method`, `size`, `column`, `mean`, `low`, `high`.
    source_line : str
    k : int
        Recommendations for each query.
    """
    return _curves(table, "size", "items in the gallery", "Precision by size of the gallery", source_line, k)


def precision_by_embedding_size(table: pd.DataFrame, source_line: str, *, k: int) -> Figure:
    """Precision@k by number of dimensions kept, with 95% intervals as bands.

    Parameters
    ----------
    table : DataFrame
        From `fashion.evaluation.curves.by_embedding_length`: `method`, `length`, `column`, `mean`, `low`, `high`.
    source_line : str
    k : int
        Recommendations for each query.
    """
    return _curves(table, "length", "dimensions kept", "Precision by length of the vector", source_line, k)


def _curves(table: pd.DataFrame, along: str, name: str, title: str, source_line: str, k: int) -> Figure:
    columns = list(dict.fromkeys(table["column"]))
    figure, grid = plt.subplots(1, len(columns), figsize=(11, 4), layout="constrained")
    for axes, column in zip(np.atleast_1d(grid), columns, strict=True):
        for method in dict.fromkeys(table["method"]):
            part = table[(table["method"] == method) & (table["column"] == column)].sort_values(along)
            axes.plot(part[along], part["mean"] * 100, **_line(method))
            axes.fill_between(
                part[along], part["low"] * 100, part["high"] * 100, color=_colour(method), alpha=0.15, lw=0
            )
        values = np.sort(table[along].unique())
        ticks = values[np.append(values[1:] > 1.3 * values[:-1], True)]  # a label needs room before the next one
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], rotation=45 if along == "size" else 0)
        axes.minorticks_off()
        axes.set(xlabel=name, ylabel=f"Precision@{k}, %", ylim=(0, 103))
        axes.set_title(column, fontweight="normal")
    axes.legend(fontsize=8.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.suptitle(title, x=0.01, ha="left", fontsize=12.5, fontweight="bold")
    return sign(figure, source_line)


def precision_by_colour_weight(table: pd.DataFrame, source_line: str, *, k: int, chosen: float) -> Figure:
    """Precision@k in category, in colour and in both, by the weight of colour, with 95% intervals.

    Parameters
    ----------
    table : DataFrame
        From `fashion.evaluation.curves.by_colour_weight`: `weight`, `column`, `mean`, `low`, `high`.
    source_line : str
    k : int
        Recommendations for each query.
    chosen : float
        The report's weight, marked.
    """
    figure, axes = plt.subplots(figsize=(9, 3.9), layout="constrained")
    for (column, part), colour, mark in zip(
        table.groupby("column", sort=False), (PALETTE[0], PALETTE[1], PALETTE[3]), "os^", strict=False
    ):
        axes.plot(part["weight"], part["mean"] * 100, color=colour, marker=mark, markersize=5, label=column)
        axes.fill_between(part["weight"], part["low"] * 100, part["high"] * 100, color=colour, alpha=0.15, lw=0)
    axes.axvline(chosen, color=QUIET, lw=1, ls=":", label="this report")
    axes.set(xlabel="weight of colour: 0 = category alone, 1 = colour alone", ylabel=f"Precision@{k}, %", xlim=(0, 1),
             ylim=(0, 103), title="What the weight of colour trades")  # fmt: skip
    axes.legend(fontsize=8.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return sign(figure, source_line)


def catalogue_unshown(table: pd.DataFrame, source_line: str) -> Figure:
    """Share of the gallery that is in no list, by embedding and gallery, with 95% bootstrap intervals.

    Parameters
    ----------
    table : DataFrame
        From `fashion.evaluation.coverage.coverage_table`.
    source_line : str
    """
    methods, galleries = list(dict.fromkeys(table["method"])), list(dict.fromkeys(table["gallery"]))
    figure, axes = plt.subplots(figsize=(9, 1.3 + 0.5 * len(methods)), layout="constrained")
    for shift, gallery, colour in zip(np.linspace(-0.14, 0.14, len(galleries)), galleries, PALETTE, strict=False):
        part = table[table["gallery"] == gallery].set_index("method").loc[methods]
        places = np.arange(len(methods)) + shift
        error = [(part["never_shown"] - part["low"]).clip(lower=0) * 100,
                 (part["high"] - part["never_shown"]).clip(lower=0) * 100]  # fmt: skip
        axes.errorbar(part["never_shown"] * 100, places, xerr=error, fmt="o", color=colour, ms=6, capsize=2,
                      label=f"gallery: {gallery}")  # fmt: skip
        for place, share, high in zip(places, part["never_shown"], part["high"], strict=True):
            axes.annotate(percent(share), (high * 100, place), xytext=(7, 0), textcoords="offset points", va="center",
                          fontsize=8.5, color=QUIET)  # fmt: skip
    axes.set_yticks(np.arange(len(methods)), methods)
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set(xlabel="% of the items", xlim=(0, max(float(table["high"].max()) * 112, 1)),
             title="How much of the catalogue is in nobody's list")  # fmt: skip
    axes.tick_params(axis="y", length=0)
    axes.legend(fontsize=8.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return sign(figure, source_line)


def agreement_beyond(table: pd.DataFrame, source_line: str) -> Figure:
    """Agreement in what was never taught, by method and measure, with 95% bootstrap intervals.

    Parameters
    ----------
    table : DataFrame
        `method`, `column` (the measure), `mean`, `low`, `high`.
    source_line : str
    """
    methods, measures = list(dict.fromkeys(table["method"])), list(dict.fromkeys(table["column"]))
    figure, grid = plt.subplots(
        1, len(measures), figsize=(2.6 + 2.6 * len(measures), 1 + 0.32 * len(methods)), layout="constrained",
        sharey=True, squeeze=False,
    )  # fmt: skip
    for axes, measure in zip(grid[0], measures, strict=True):
        part = table[table["column"] == measure].set_index("method").loc[methods]
        for place, (method, line) in enumerate(part.iterrows()):
            axes.plot([line["low"], line["high"]], [place, place], color=_colour(str(method)), lw=2)
            axes.plot(line["mean"], place, "o", color=_colour(str(method)), ms=6)
        axes.set(title=measure, xlabel="mean over queries")
        axes.set_yticks(range(len(methods)), [wrapped(method, 30) for method in methods])
        axes.set_ylim(len(methods) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=LINE, lw=0.6)
    return sign(figure, source_line)
