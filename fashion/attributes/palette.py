"""Colour features of a garment: histograms over a palette learned from the catalogue, in six regions of the photo."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from fashion.photos.descriptors import GRID, LAB_SCALE

Float = NDArray[np.float32]

#: Differences in hue and chroma count more than in lightness, which light and shadow change.
LAB_WEIGHT = np.array([0.8, 1.25, 1.25], np.float32)

#: Most colours of the palette, and the width (in weighted Lab units) over which a cell is shared among them.
PALETTE, SOFTNESS = 160, 3.5

#: Most items, and most of their cells, from which the palette is learned.
SAMPLE, CELLS = 6_000, 300_000


def _cells(grid: NDArray) -> tuple[Float, Float, Float]:
    """Colour grid (n, 32, 32, 7) -> weighted Lab (n, 1024, 3), its spread (n, 1024, 3), share of garment (n, 1024)."""
    flat = np.asarray(grid, np.float32).reshape(len(grid), GRID * GRID, 7)
    scale = LAB_SCALE * LAB_WEIGHT
    return flat[..., :3] * scale, flat[..., 3:6] * scale, flat[..., 6]


def measured_colours(grid: NDArray) -> Float:
    """Each garment's mean colour in weighted Lab, lightness less the ground's, shape (n, 3).

    Parameters
    ----------
    grid : ndarray of float, shape (n, 32, 32, 7)
        Colour grids, from `descriptors.colour_grid`.
    """
    lab, _, share = _cells(grid)
    weight = share[..., np.newaxis] ** 2  # squared: a cell on the edge is half ground
    return np.asarray((lab * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-3), np.float32)


def learn_palette(grid: NDArray, seed: int, colours: int = PALETTE) -> Float:
    """The palette, shape (c, 3): k-means centres (Lloyd 1982; Sculley 2010) of the cells that show garment alone.

    Parameters
    ----------
    grid : ndarray of float, shape (n, 32, 32, 7)
        Colour grids of the training items, from `descriptors.colour_grid`.
    seed : int
    colours : int
        At most; fewer where there are fewer cells.

    Returns
    -------
    ndarray of float32, shape (c, 3)
        Weighted Lab, lightness less the ground's.
    """
    from sklearn.cluster import MiniBatchKMeans  # here: the shop learns no palette

    random = np.random.default_rng(seed)
    rows = np.sort(random.permutation(len(grid))[:SAMPLE])
    lab, _, share = _cells(grid[rows])
    inside = lab[share > 0.9]
    if len(inside) < 10 * colours:  # tiny or thin garments only
        inside = lab[share > 0]
    if not len(inside):
        inside = lab.reshape(-1, 3)
    inside = random.permutation(inside)[:CELLS]
    fitted = MiniBatchKMeans(min(colours, len(inside)), random_state=seed, batch_size=4096, n_init=2).fit(inside)
    return np.asarray(fitted.cluster_centers_, np.float32)


def regions() -> Float:
    """Masks of the regions, shape (6, 1024), 0 or 1: whole photo, central column, four bands from top to bottom."""
    row, column = np.mgrid[:GRID, :GRID]
    middle = np.abs(column - (GRID - 1) / 2) < GRID * 7 / 32
    masks = [np.ones((GRID, GRID)), middle, *(row // (GRID // 4) == band for band in range(4))]
    return np.stack(masks).reshape(len(masks), GRID * GRID).astype(np.float32)


def palette_features(grid: NDArray, palette: Float, batch: int = 32) -> NDArray[np.float16]:
    """Colour features, shape (n, 6 (c + 6)): square-rooted palette histograms, mean and spread of Lab in six regions.

    A cell's share in a palette colour falls with the squared distance between the two (a Gaussian of width
    `SOFTNESS`), so that near-equal colours are near-equal features. All cores are used.

    Parameters
    ----------
    grid : ndarray of float, shape (n, 32, 32, 7)
    palette : ndarray of float32, shape (c, 3)
        From `learn_palette`.
    batch : int
        Items at a time on each core; memory is batch x 1024 x c x 4 bytes a core.

    Returns
    -------
    ndarray of float16, shape (n, 6 * (c + 6))
    """
    where = regions()
    features = np.empty((len(grid), len(where) * (len(palette) + 6)), np.float16)
    starts = range(0, len(grid), batch)
    if len(starts) == 1:
        features[:] = _features_of(grid, palette, where)
        return features

    def fill(first: int) -> None:
        features[first : first + batch] = _features_of(grid[first : first + batch], palette, where)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(fill, starts):
            pass
    return features


def _features_of(grid: NDArray, palette: Float, where: Float) -> Float:
    lab, spread, share = _cells(grid)
    n = len(lab)
    garment = share > 0  # the ground has no weight, so it needs no colours
    # -|x - c|^2 up to a term that all colours of the palette share
    logits = (2 * lab[garment] @ palette.T - (palette**2).sum(axis=1)) / (2 * SOFTNESS**2)
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    near = np.zeros((n, GRID * GRID, len(palette)), np.float32)
    near[garment] = logits
    weight = where[None] * (share**2)[:, None]  # (n, 6, 1024); squared: a cell on the edge is half ground
    counts = np.sqrt(weight @ near / where.sum(axis=1)[None, :, None])
    total = weight.sum(axis=2)[..., None] + 1e-3
    mean = weight @ lab / total
    between = np.sqrt(np.maximum(weight @ lab**2 / total - mean**2, 0))
    moments = np.concatenate([mean, between + weight @ spread / total], axis=2) / 20
    return np.concatenate([counts.reshape(n, -1), moments.reshape(n, -1)], axis=1)
