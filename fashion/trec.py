"""Precision and success at a cutoff as trec_eval counts them, through ir-measures.

The other measures of the protocol are in `fashion.metrics`, as ir-measures has no form of them that fits: its nDCG
takes whole numbers for gains, and MAP@R has a cutoff of its own for each query. The tests hold those to it as well.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]


def precision_and_success(relevant: ArrayLike, success: Iterable[int] = (1,)) -> dict[str, Float]:
    """Precision@k and Success@c of every query's k recommendations.

    Precision@k is the share of relevant ones among the k; Success@c is 1 where at least one of the first c is
    relevant, else 0 (https://ir-measur.es, measures P and Success, by trec_eval).

    Parameters
    ----------
    relevant : array of bool, shape (q, k)
        Whether each recommendation is relevant, in rank order.
    success : iterable of int
        Cutoffs c, 1 to k.

    Returns
    -------
    dict of str to ndarray of float64, shape (q,)
        "Precision@k", then "Success@c" for each c; 0-1.

    Raises
    ------
    ValueError
        When a cutoff lies outside 1 to k.

    Notes
    -----
    trec_eval has no wheel for Linux on ARM. There the same shares are counted by NumPy; they are equal to the bit.
    """
    hits, cutoffs = np.atleast_2d(np.asarray(relevant, bool)), list(dict.fromkeys(success))
    k = hits.shape[1]
    if not all(1 <= cutoff <= k for cutoff in cutoffs):
        raise ValueError(f"success: expected cutoffs from 1 to {k}, the recommendations of a query; found {cutoffs}")
    try:
        import ir_measures as ir
    except ImportError:
        return counted(hits, cutoffs)
    names = {ir.P @ k: f"Precision@{k}"} | {ir.Success @ cutoff: f"Success@{cutoff}" for cutoff in cutoffs}
    found = {name: np.zeros(len(hits)) for name in names.values()}
    # Only ranks matter here, so that a recommendation is called by its rank; a higher score ranks earlier.
    ranks = [str(rank) for rank in range(1, k + 1)]
    falling = {rank: float(-place) for place, rank in enumerate(ranks)}
    run = {str(place): falling for place in range(len(hits))}
    judged = {str(place): dict(zip(ranks, line, strict=True)) for place, line in enumerate(hits.astype(int).tolist())}
    for one in ir.iter_calc(list(names), judged, run):
        found[names[one.measure]][int(one.query_id)] = one.value
    return found


def counted(hits: NDArray[np.bool_], cutoffs: Iterable[int]) -> dict[str, Float]:
    """What `precision_and_success` returns, where ir-measures cannot be had."""
    found = {f"Precision@{hits.shape[1]}": hits.mean(axis=1)}
    return found | {f"Success@{cutoff}": hits[:, :cutoff].any(axis=1).astype(np.float64) for cutoff in cutoffs}
