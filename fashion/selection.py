"""Which features later steps use: candidates, judged by the neighbours that they give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.agreement import agreement_at_k
from fashion.evaluation import bootstrap_interval
from fashion.features import Vectors, pca, some_rows
from fashion.neighbours import top_k

#: Queries and gallery of the trials.
QUERIES, GALLERY = 1_500, 12_000


@dataclass(frozen=True)
class Selection:
    """A linear choice of features, applied to new photos as to old ones.

    Attributes
    ----------
    name : str
        In words.
    block : str
        "embedding" or "depths": which of the backbone's outputs it starts from.
    columns : ndarray of int or None
        Features that are kept; all if None.
    mean : ndarray of float32, shape (d,), or None
        Taken off first.
    components : ndarray of float32, shape (c, d), or None
        Principal components onto which the rest is projected.
    """

    name: str
    block: str
    columns: NDArray[np.intp] | None = None
    mean: Vectors | None = None
    components: Vectors | None = None

    def apply(self, blocks: dict[str, Vectors]) -> Vectors:
        """The chosen features, float32, shape (n, c), of vectors as `embed` returns them."""
        chosen = blocks[self.block]
        if self.columns is not None:
            chosen = chosen[:, self.columns]
        if self.mean is not None:
            chosen = chosen - self.mean
        return chosen if self.components is None else chosen @ self.components.T

    def arrays(self) -> dict[str, NDArray]:
        """What `from_arrays` needs, as arrays without objects."""
        found: dict[str, NDArray] = {"name": np.array(self.name), "block": np.array(self.block)}
        for key in ("columns", "mean", "components"):
            if getattr(self, key) is not None:
                found[key] = getattr(self, key)
        return found

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray]) -> Selection:
        """The selection that `arrays` describes."""
        found = dict(arrays)
        return cls(str(found.pop("name")), str(found.pop("block")), **found)


def candidate_selections(
    embedding: Vectors, depths: Vectors, statistics: pd.DataFrame, seed: int
) -> Iterator[Selection]:
    """The choices that are tried: everything, the most telling features, principal components, other poolings."""
    width = embedding.shape[1]
    telling = np.argsort(-(statistics["category"] + statistics["colour"]).to_numpy(), kind="stable")
    yield Selection(f"all {width} maxima (the original's)", "embedding")
    for part, word in ((2, "half"), (4, "quarter")):
        yield Selection(f"the most telling {word}", "embedding", columns=np.sort(telling[: width // part]))
    yield Selection("all maxima, centred", "embedding", mean=embedding.mean(axis=0))
    fitted = pca(embedding, seed, 256)
    for count in (256, 64):
        components = fitted.components_[:count].astype(np.float32)
        name = f"{len(components)} principal components"
        yield Selection(name, "embedding", mean=fitted.mean_.astype(np.float32), components=components)
    yield Selection("means and maxima of all depths", "depths")


def selection_trials(
    embedding: Vectors, depths: Vectors, statistics: pd.DataFrame, items: pd.DataFrame, seed: int, k: int
) -> tuple[pd.DataFrame, dict[str, Selection]]:
    """Judge each candidate by Precision@k of its nearest neighbours.

    Parameters
    ----------
    embedding, depths : ndarray of float32, shapes (n, d) and (n, D)
    statistics : DataFrame
        From `feature_statistics`.
    items : DataFrame
    seed : int
        At most `GALLERY` items are drawn, and `QUERIES` of them asked.
    k : int
        Neighbours of each query.

    Returns
    -------
    table : DataFrame
        `choice`, `features` (how many), `column` (category, colour), `mean`, `low`, `high` (95 % bootstrap), `behind`
        (how far behind the best choice of this column, at least: lower end of the paired 95 % interval, 0 or less
        where the two cannot be told apart).
    selections : dict of str to Selection
        By name.
    """
    rows = some_rows(len(items), GALLERY, seed)
    queries = some_rows(len(rows), QUERIES, seed + 1)
    part = items.iloc[rows].reset_index(drop=True)
    blocks = {"embedding": np.asarray(embedding[rows]), "depths": np.asarray(depths[rows])}
    selections, counts = {}, {}
    shares: dict[str, dict[str, NDArray[np.float64]]] = {"category": {}, "colour": {}}
    for selection in candidate_selections(blocks["embedding"], blocks["depths"], statistics, seed):
        chosen = selection.apply(blocks)
        selections[selection.name] = selection
        found, _ = top_k(chosen, k, queries=queries)
        counts[selection.name] = chosen.shape[1]
        agreed = agreement_at_k(part, found, queries, list(shares))
        for column in shares:
            shares[column][selection.name] = agreed[column].to_numpy()
    lines = []
    for column, by_choice in shares.items():
        best = max(by_choice.values(), key=lambda values: float(values.mean()))
        for name, values in by_choice.items():
            mean, low, high = bootstrap_interval(values, seed)
            behind = bootstrap_interval(best - values, seed)[1]
            lines.append({"choice": name, "features": counts[name], "column": column, "mean": mean, "low": low,
                          "high": high, "behind": behind})  # fmt: skip
    return pd.DataFrame(lines), selections


def choose(trials: pd.DataFrame) -> dict[str, object]:
    """The fewest features whose agreement in category cannot be told from the best choice's.

    Returns
    -------
    dict
        `choice`, `features`, `category` (share), `why` (a sentence with the numbers).
    """
    category = trials[trials["column"] == "category"]
    best = category.loc[category["mean"].idxmax()]
    good = category[category["behind"] <= 0].sort_values(["features", "mean"], ascending=[True, False])
    chosen = good.iloc[0]
    why = (
        f"Best in category: {best['choice']} ({best['mean']:.3f}, 95 % interval {best['low']:.3f} to "
        f"{best['high']:.3f}). The fewest numbers that the same queries cannot tell from it: {chosen['choice']} "
        f"({chosen['features']} numbers, {chosen['mean']:.3f}). That is what “frozen” means from here on."
    )
    return {
        "choice": chosen["choice"],
        "features": int(chosen["features"]),
        "category": float(chosen["mean"]),
        "why": why,
    }
