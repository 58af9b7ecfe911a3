"""Neighbour lists: each item's nearest neighbours under the report's own weights, as its notebook 04 found them.

Most visitors of an item's page ask for nothing else, so they need no search. A list only names the items; their
similarities are computed as in a search, so that both give the same answer to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import ArtefactError
from fashion.core.workspace import Workspace
from fashion.recommendation.changes import Present
from fashion.recommendation.search_engine import rounding

if TYPE_CHECKING:
    from fashion.recommendation.recommender import Recommender

Lists = NDArray[np.int32]

#: Most pairs of a new or renewed item and any item that are compared, a second of processor time: with more, every
#: request is searched.
MOST_COMPARED = 10**8

#: Number of lists that are compared with a search when they are read, and how far their similarities may differ.
COMPARED, DIFFERENCE = 32, 1e-5

#: Items that are compared with the new ones in one batch: at most 40 MB of products.
BLOCK = 1024


def read_neighbour_lists(
    workspace: Workspace, embedding: str, recommender: Recommender, now: Present | None = None
) -> Lists | None:
    """A report's neighbour lists for its items as they are now.

    Parameters
    ----------
    workspace : Workspace
    embedding : str
        The recommender's.
    recommender : Recommender
        Opened with the report's own weights.
    now : Present, optional
        The report with the changes since; the report alone if not given.

    Returns
    -------
    ndarray of int32, shape (n, k), or None
        Rows, the nearest first; -1 throughout where a change may have altered the list. None where new or renewed
        items make more than `MOST_COMPARED` pairs.

    Raises
    ------
    ArtefactError
        When the table is missing, or was made from other items or vectors.
    """
    table = workspace.table("neighbours")
    table = table[table["embedding"] == embedding]
    own = len(recommender.items) if now is None else len(now.report)
    k = int(table["rank"].max()) if len(table) else 0
    rows, ranks = np.repeat(np.arange(own), k), np.tile(np.arange(1, k + 1), own)
    if not k or not (np.array_equal(table["row"], rows) and np.array_equal(table["rank"], ranks)):
        raise _of_another_report(workspace, f"{len(table)} rows for {own} items")
    report: Lists = table["neighbour"].to_numpy(np.int32).reshape(own, k)
    lists = report if now is None or now.untouched else lists_now(report, now, recommender)
    if lists is not None and not agree(lists, recommender):
        raise _of_another_report(workspace, "lists that differ from a search's")
    return lists


def _of_another_report(workspace: Workspace, stated: str) -> ArtefactError:
    return ArtefactError(
        f"expected the nearest items of each item in {workspace.path('neighbours.parquet')}; found {stated}. Run "
        f"`{workspace.command}` again."
    )


def lists_now(lists: Lists, now: Present, recommender: Recommender) -> Lists | None:
    """A report's lists after changes: -1 where an item of the list is gone, or a new one may belong to it.

    Parameters
    ----------
    lists : ndarray of int32, shape (m, k)
        Rows of the report.
    now : Present
        Its changes.
    recommender : Recommender
        Of the n items as they are now.

    Returns
    -------
    ndarray of int32, shape (n, k), or None
        As `read_neighbour_lists` returns it.
    """
    fresh = np.flatnonzero(now.part)
    if len(fresh) * len(now.part) > MOST_COMPARED:
        return None
    place = now.report_rows
    moved = place[lists]
    whole = (place >= 0) & (moved >= 0).all(axis=1)
    result = np.full((len(now.part), lists.shape[1]), -1, np.int32)
    result[place[whole]] = moved[whole]
    gallery, here = recommender.vectors[fresh], place[whole]
    margin = rounding(recommender.vectors)
    for rows in np.array_split(here, -(-len(here) // BLOCK)) if len(fresh) and len(here) else ():
        queries = recommender.usual_queries(rows)
        last = np.einsum("qd,qd->q", queries, recommender.vectors[result[rows, -1]])
        room = margin * np.linalg.norm(queries, axis=1)
        result[rows[(queries @ gallery.T).max(axis=1) >= last - room]] = -1
    return result


def agree(lists: Lists, recommender: Recommender) -> bool:
    """Whether an exact search finds the same similarities as a random sample of the lists."""
    known = np.flatnonzero(lists[:, 0] >= 0)
    rows = np.sort(np.random.default_rng(0).choice(known, min(COMPARED, len(known)), replace=False))
    if not len(rows):
        return True
    queries = recommender.usual_queries(rows)
    exact = recommender.nearest_of(rows, lists.shape[1])[1]
    listed = np.einsum("qd,qkd->qk", queries, recommender.vectors[lists[rows]])
    return bool(np.abs(listed - exact).max() < DIFFERENCE)
