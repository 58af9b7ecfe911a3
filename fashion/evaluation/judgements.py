"""People's judgements: graded pairs of query and item, the raters' agreement, and methods scored by them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.errors import CatalogueError
from fashion.evaluation.metrics import ndcg_at_k
from fashion.evaluation.protocol import Method
from fashion.evaluation.statistics import mean_where_defined
from fashion.neighbours.exact import normalise, top_k

#: Rater of judgements that name none.
ONE = "one"

#: Grade from which an item is relevant, by TREC's convention: 0 is not, higher grades are more.
RELEVANT = 1


def read_judgements(path: Path, items: pd.DataFrame) -> pd.DataFrame:
    """Judgements of pairs, from a CSV or from TREC's qrels.

    Parameters
    ----------
    path : Path
        A `.csv` with the columns query, item, grade and, for several raters, rater; or a file of qrels, of four columns
        without a header: query, iteration, item, grade. Grades are whole numbers from 0 (not relevant).
    items : DataFrame
        The items table: both query and item are names of items.

    Returns
    -------
    DataFrame
        `query`, `item` (rows of `items`), `grade`, `rater`; a pair that a rater judged twice counts by the last.

    Raises
    ------
    CatalogueError
        When the file cannot be read, a grade is invalid, or no pair is of this catalogue.
    """
    expected = "query, item, grade and rater as .csv, or TREC's qrels"
    try:
        if path.suffix.lower() == ".csv":
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            table.columns = [str(name).strip().lower() for name in table.columns]
        else:
            names = ["query", "iteration", "item", "grade"]
            table = pd.read_csv(path, sep=r"\s+", names=names, dtype=str, keep_default_na=False)
        absent = [name for name in ("query", "item", "grade") if name not in table]
        if absent:
            raise ValueError(f"no column {', '.join(absent)}")
        grades = pd.to_numeric(table["grade"], errors="coerce")
        bad = table["grade"][grades.isna() | (grades < 0) | (grades % 1 != 0)]
        if len(bad):
            raise ValueError(f"grade {bad.iloc[0]!r} in row {bad.index[0] + 1}")
    except (OSError, ValueError) as error:
        raise CatalogueError(
            f"expected judgements in {path}: {expected}, grades from 0 up; found {error}. Correct it in that file."
        ) from error
    row = pd.Series(np.arange(len(items)), index=items["item"].astype(str))
    known = table["query"].isin(row.index) & table["item"].isin(row.index) & (table["query"] != table["item"])
    if not known.any():
        raise CatalogueError(
            f"expected judgements of this catalogue's items in {path}; found {len(table):,} pairs, none "
            f"between two of these (the first query is {', '.join(table['query'].head(1))}). Use the items' names."
        )
    rater = table["rater"].where(table["rater"] != "", ONE) if "rater" in table else ONE
    made = pd.DataFrame({
        "query": table["query"].map(row), "item": table["item"].map(row), "grade": grades, "rater": rater,
    })[known]  # fmt: skip
    made = made.drop_duplicates(["query", "item", "rater"], keep="last").reset_index(drop=True)
    return made.astype({"query": np.intp, "item": np.intp, "grade": np.float64})


def krippendorff_alpha(judgements: pd.DataFrame) -> float:
    """Agreement of raters, Krippendorff's alpha with the interval metric; NaN where no pair has two raters.

    1 is perfect agreement, 0 that of chance (Krippendorff, Content Analysis, 2004, chapter 11).

    Parameters
    ----------
    judgements : DataFrame
        From `read_judgements`.

    Examples
    --------
    >>> pairs = pd.DataFrame({"query": [0, 0, 1, 1], "item": [2] * 4, "grade": [0.0, 0, 3, 3], "rater": list("abab")})
    >>> krippendorff_alpha(pairs)
    1.0
    """
    units = [group.to_numpy() for _, group in judgements.groupby(["query", "item"])["grade"] if len(group) > 1]
    if not units:
        return float("nan")
    values = np.concatenate(units)
    # Sum of squared differences of all ordered pairs: 2 m * sum of squares - 2 * (sum)^2.
    apart = [2 * (len(v) * (v**2).sum() - v.sum() ** 2) for v in (values, *units)]
    if not apart[0]:
        return float("nan")  # all grades are equal: chance cannot be told from agreement
    within = sum(pairs / (len(v) - 1) for pairs, v in zip(apart[1:], units, strict=True))
    return float(1 - (len(values) - 1) * within / apart[0])


def judged_table(judgements: pd.DataFrame, methods: Mapping[str, Method], k: int, seed: int) -> pd.DataFrame:
    """Methods scored by people's grades, on the judged queries against the whole catalogue.

    The grade of a pair is its raters' mean; an item that nobody judged counts as not relevant, which favours methods
    whose lists were judged: `judged` tells the share that was.

    Parameters
    ----------
    judgements : DataFrame
        From `read_judgements`.
    methods : mapping of str to Method
        Query and gallery vectors.
    k : int
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `method`, `measure` ("nDCG@k", "Precision@k" with grades from `RELEVANT`, "judged"), `mean`, `low`, `high` (95%
        bootstrap over queries), `queries`.
    """
    grades = judgements.groupby(["query", "item"])["grade"].mean()
    queries = np.unique(judgements["query"].to_numpy())
    best = [np.sort(grades.loc[query].to_numpy())[::-1][:k] for query in queries]
    ideal = np.zeros((len(queries), k))
    for line, own in zip(ideal, best, strict=True):
        line[: len(own)] = own
    lines = []
    for method, (query_table, gallery_table) in methods.items():
        vectors = normalise(np.asarray(query_table)[queries])
        recommended = top_k(normalise(gallery_table), k, queries, query_vectors=vectors, assume_unit=True)[0]
        gains = _grades_of(grades, queries, recommended)
        scores = {
            f"nDCG@{k}": ndcg_at_k(np.nan_to_num(gains), ideal),
            f"Precision@{k}": (np.nan_to_num(gains) >= RELEVANT).mean(axis=1),
            "judged": np.isfinite(gains).mean(axis=1),
        }
        lines += [{"method": method, "measure": name} | mean_where_defined(v, seed) for name, v in scores.items()]
    return pd.DataFrame(lines)


def pooled_pairs(methods: Mapping[str, Method], queries: NDArray[np.integer], k: int) -> NDArray[np.intp]:
    """Pairs to judge: each query with the items that any method has among its first k, each once.

    Raters cannot tell which methods gave a pair, and no method's list is judged more than another's (pooling,
    Spärck Jones and van Rijsbergen, 1975).

    Parameters
    ----------
    methods : mapping of str to Method
        Query and gallery vectors.
    queries : ndarray of int, shape (q,)
        Rows.
    k : int

    Returns
    -------
    ndarray of int, shape (p, 2)
        Rows of query and item, in the order of `queries`, then of items.
    """
    pools: list[set[int]] = [set() for _ in queries]
    for query_table, gallery_table in methods.values():
        vectors = normalise(np.asarray(query_table)[queries])
        nearest = top_k(normalise(gallery_table), k, queries, query_vectors=vectors, assume_unit=True)[0]
        for pool, rows in zip(pools, nearest.tolist(), strict=True):
            pool.update(rows)
    pairs = [(query, item) for query, pool in zip(queries.tolist(), pools, strict=True) for item in sorted(pool)]
    return np.array(pairs, np.intp).reshape(-1, 2)


def _grades_of(grades: pd.Series, queries: NDArray[np.intp], recommended: NDArray) -> NDArray[np.float64]:
    """The grade of each recommendation, NaN where nobody judged it; shape (q, k)."""
    pairs = pd.MultiIndex.from_arrays([np.repeat(queries, recommended.shape[1]), recommended.ravel()])
    return np.asarray(grades.reindex(pairs).to_numpy(), np.float64).reshape(recommended.shape)


def by_people(path: Path | None, items: pd.DataFrame, methods: Mapping[str, Method], k: int, seed: int) -> pd.DataFrame:
    """`judged_table` of a file of judgements, and a row for the raters' agreement; empty without a file.

    Parameters
    ----------
    path : Path or None
    items, methods, k, seed
        As `read_judgements` and `judged_table` take them.

    Returns
    -------
    DataFrame
        The last row is of the method "raters": `krippendorff_alpha`, with the number of pairs as `queries`.
    """
    columns = ["method", "measure", "mean", "low", "high", "queries"]
    if path is None:
        return pd.DataFrame(columns=columns)
    judgements = read_judgements(path, items)
    table = judged_table(judgements, methods, k, seed)
    agreement = {"method": "raters", "measure": "Krippendorff's alpha", "mean": krippendorff_alpha(judgements)}
    pairs = len(judgements.drop_duplicates(["query", "item"]))
    return pd.concat([table, pd.DataFrame([agreement | {"queries": pairs}])], ignore_index=True)[columns]
