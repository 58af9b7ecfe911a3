"""Figures of notebook 05: the t-SNE map."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.patheffects as effects
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fashion.photos.images import decode
from fashion.plots.style import INK, colours_of_departments, sign


def _frame(axes: Axes, title: str) -> None:
    axes.set(title=title, xlabel="t-SNE 1", ylabel="t-SNE 2", xticks=[], yticks=[], aspect="equal")
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _canvas(xy: NDArray[np.floating], width: float, extra: float = 0.8) -> tuple[float, float]:
    """Figure size in inches for a map of equal scales, `width` wide."""
    wide, high = xy.max(axis=0) - xy.min(axis=0)
    return width, float(np.clip(width * high / wide, 0.4 * width, 1.3 * width)) + extra


def _dot(count: int) -> float:
    return float(np.clip(30_000 / count, 0.8, 14))


def map_by_department(items: pd.DataFrame, xy: NDArray[np.floating], source_line: str) -> Figure:
    """Dots in the departments' fixed colours, with the larger departments named on the map."""
    counts = items["department"].value_counts()
    colours = colours_of_departments(sorted(counts.index))
    width, height = _canvas(xy, 8.5)
    figure, axes = plt.subplots(figsize=(width + 1.9, height), layout="constrained")
    dots = items["department"].map(colours).to_numpy()
    order = np.random.default_rng(0).permutation(len(items))  # so that no department lies wholly on top
    axes.scatter(xy[order, 0], xy[order, 1], s=_dot(len(items)), c=dots[order], linewidths=0, alpha=0.75)
    halo = [effects.withStroke(linewidth=3, foreground="white")]
    for department in counts.index[:12]:
        centre = _densest(xy[(items["department"] == department).to_numpy()])
        axes.text(*centre, department, fontsize=10.5, fontweight="bold", ha="center", va="center", color=INK,
                  path_effects=halo)  # fmt: skip
    handles = [plt.Line2D([], [], marker="o", linestyle="", color=colours[d], markersize=6) for d in counts.index]
    axes.legend(handles, [f"{d} ({n:,})" for d, n in counts.items()], loc="center left", bbox_to_anchor=(1.0, 0.5),
                fontsize=8.5, title="department")  # fmt: skip
    _frame(axes, "Map of the items, by department")
    return sign(figure, source_line)


def _densest(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """A point where the group is densest: its mean may fall outside the group."""
    counts, x_edges, y_edges = np.histogram2d(points[:, 0], points[:, 1], bins=min(12, max(2, len(points) // 8)))
    column, row = np.unravel_index(int(counts.argmax()), counts.shape)
    inside = (
        (points[:, 0] >= x_edges[column]) & (points[:, 0] <= x_edges[column + 1])
        & (points[:, 1] >= y_edges[row]) & (points[:, 1] <= y_edges[row + 1])
    )  # fmt: skip
    return np.asarray(np.median(points[inside], axis=0))


def map_by_colour(items: pd.DataFrame, xy: NDArray[np.floating], garment_hex: list[str], source_line: str) -> Figure:
    """Dots in the garments' measured colours, on a grey background so that white ones show."""
    figure, axes = plt.subplots(figsize=_canvas(xy, 9.5), layout="constrained")
    axes.set_facecolor("#e4e0da")
    axes.scatter(xy[:, 0], xy[:, 1], s=_dot(len(items)) * 1.3, c=garment_hex, linewidths=0.1, edgecolors="#8a857e")
    _frame(axes, "Map of the items, in the garments' measured colours")
    return sign(figure, source_line)


def map_of_photos(tiles: Sequence[bytes], xy: NDArray[np.floating], source_line: str, cells: int = 46) -> Figure:
    """Thumbnails on a grid, in each cell the item nearest to its centre, so that none hides another.

    Parameters
    ----------
    tiles : sequence of n bytes
        Small square JPEGs.
    xy : ndarray of float, shape (n, 2)
    source_line : str
    cells : int
        Along the longer side.
    """
    low, high = xy.min(axis=0), xy.max(axis=0)
    step = float((high - low).max()) / cells
    place = np.floor((xy - low) / step).astype(int)
    centre = low + (place + 0.5) * step
    table = pd.DataFrame({"x": place[:, 0], "y": place[:, 1], "far": np.linalg.norm(xy - centre, axis=1)})
    chosen = table.sort_values("far").groupby(["x", "y"]).head(1)
    figure, axes = plt.subplots(figsize=_canvas(xy, 11), layout="constrained")
    for row, cell in zip(chosen.index, chosen.to_dict("records"), strict=True):
        rgb = decode(tiles[row])
        box = (cell["x"], cell["x"] + 1, cell["y"], cell["y"] + 1)
        axes.imshow(rgb, extent=box, interpolation="antialiased", aspect="auto")
    axes.set(xlim=(-0.3, place[:, 0].max() + 1.3), ylim=(-0.3, place[:, 1].max() + 1.3))
    _frame(axes, f"Map of the items: photos of {len(chosen):,} of {len(xy):,}, one in each cell")
    return sign(figure, source_line)
