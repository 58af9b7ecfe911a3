"""Items to check by eye: category words and colour words that their photos contradict, and photo faults, in one list.

Each doubt has a severity, 0 at its limit and 1 where nothing could be worse:

- *category*: a regression that saw neither the item nor its near-duplicates finds another category more probable, with
  odds of ten times what is usual for the item's own (`evaluation.label_doubts`). A severity of 1 is ten thousand times.
- *colour*: the measured colour is too far from the colour word's swatch (`checks.doubtful_distance`, CIEDE2000 20 or
  more); 100, which is black from white, is the worst.
- photo faults: `photos.faults`.

An item's score is 1 - (1 - a)(1 - b)... over the severities a, b, ... of its doubts: as if each were the probability
that something is wrong, and they were independent. It sorts the list; it is no probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.baseline import out_of_fold
from fashion.catalogue.checks import check_label_plausibility
from fashion.catalogue.swatches import Swatches, of_one_colour
from fashion.core.numerals import percent
from fashion.evaluation.label_doubts import label_doubts
from fashion.evaluation.splits import leading_words
from fashion.photos.faults import photo_faults

#: Folds of the out-of-fold prediction; a category of fewer items, near-duplicates counted once, is not judged.
FOLDS = 5

#: Powers of ten of the usual odds from which a category is in doubt, and at which nothing could be worse.
ODDS, WORST_ODDS = 1.0, 4.0

#: CIEDE2000 of black and white.
MOST_FAR = 100.0

#: Columns of each table of doubts: `row`, `kind`, `severity`, `suggested` (word, or empty), `reason`.
DOUBT = ["row", "kind", "severity", "suggested", "reason"]


@dataclass(frozen=True)
class CategoryDoubts:
    """Doubtful category words, and what was judged.

    Attributes
    ----------
    doubts : DataFrame
        With the columns `DOUBT`.
    judged : int
        Items that a regression judged.
    agreed : float or None
        Share of them whose own category it found the most probable.
    too_small : dict of str to int
        Categories that were not judged -> their items.
    confident : int
        Doubts that confident learning has, too.
    """

    doubts: pd.DataFrame
    judged: int
    agreed: float | None
    too_small: dict[str, int]
    confident: int = 0


def category_doubts(looks: NDArray, items: pd.DataFrame, groups: NDArray[np.integer], seed: int) -> CategoryDoubts:
    """Items whose photo shows another category than their word.

    Parameters
    ----------
    looks : ndarray of float32, shape (n, l)
        From `AttributesNetwork.looks`: they know no words.
    items : DataFrame, n rows
    groups : ndarray of int, shape (n,)
        Near-duplicates, from `duplicates.duplicate_groups`.
    seed : int
        Of the folds.
    """
    words = items["category"].astype(str).to_numpy()
    leading = leading_words(words, groups).value_counts()
    judged = np.isin(words, leading.index[leading >= FOLDS].to_numpy(str))
    too_small = {str(word): int(count) for word, count in pd.Series(words[~judged]).value_counts().items()}
    rows = np.flatnonzero(judged)
    if len(set(words[rows])) < 2:
        return CategoryDoubts(pd.DataFrame(columns=DOUBT), 0, None, too_small)
    known, probability = out_of_fold(looks[rows], words[rows], groups[rows], FOLDS, seed)
    given = np.searchsorted(known, words[rows])
    doubtful = label_doubts(given, probability)
    doubtful = doubtful[np.log10(doubtful["odds"]) > ODDS]
    doubts = pd.DataFrame({
        "row": rows[doubtful["row"]],
        "kind": "category",
        "severity": ((np.log10(doubtful["odds"]) - ODDS) / (WORST_ODDS - ODDS)).clip(upper=1),
        "suggested": known[doubtful["suggested"]],
        "reason": [
            f"{known[line.suggested]} {percent(line.other)}, {known[given[line.row]]} {percent(line.own)} (odds "
            f"{line.odds:,.0f} times the usual{', confident' * line.confident})"
            for line in doubtful.itertuples()
        ],
    }, columns=DOUBT)  # fmt: skip
    agreed = float((probability.argmax(axis=1) == given).mean())
    return CategoryDoubts(doubts, len(rows), agreed, too_small, int(doubtful["confident"].sum()))


def colour_doubts(items: pd.DataFrame, swatches: Swatches) -> pd.DataFrame:
    """Items whose measured colour is far from their colour word, with the columns `DOUBT`.

    Parameters
    ----------
    items : DataFrame
    swatches : mapping of str to str
        Colour word -> `#rrggbb`, from `swatches.catalogue_swatches`; other words, and words of many colours, are not
        judged.
    """
    measured = check_label_plausibility(items, of_one_colour(swatches))[1]
    far = measured[measured["distance"] > measured["limit"]]
    row_of = pd.Series(np.arange(len(items)), items["item"])
    return pd.DataFrame({
        "row": row_of[far["item"]].to_numpy(),
        "kind": "colour",
        "severity": ((far["distance"] - far["limit"]) / (MOST_FAR - far["limit"])).clip(0, 1).to_numpy(float),
        "suggested": far["nearest_word"].where(far["nearest_word"] != far["colour"], "").to_numpy() if len(far) else "",
        "reason": [
            f"CIEDE2000 {distance:.0f} from {colour}, nearest {nearest}"
            for distance, colour, nearest in far.reindex(columns=["distance", "colour", "nearest_word"]).to_numpy()
        ],
    }, columns=DOUBT)  # fmt: skip


def items_to_check(items: pd.DataFrame, *doubts: pd.DataFrame) -> pd.DataFrame:
    """One row an item that is in doubt, the worst first.

    Parameters
    ----------
    items : DataFrame
    *doubts : DataFrame
        With the columns `DOUBT`; `photo_faults` of the items are added.

    Returns
    -------
    DataFrame
        `item`, `photo`, `doubts` (kinds, the most severe first), `score`, `department`, `category`,
        `suggested_category`, `colour`, `suggested_colour` (empty where there is none), `evidence`.
    """
    tables = [table for table in (*doubts, photo_faults(items).assign(suggested="")) if len(table)]
    columns = ["item", "photo", "doubts", "score", "department", "category", "suggested_category", "colour",
               "suggested_colour", "evidence"]  # fmt: skip
    if not tables:
        return pd.DataFrame(columns=columns)
    every = pd.concat(tables, ignore_index=True)
    every = every.sort_values(["row", "severity"], ascending=[True, False], kind="stable")
    every["reason"] = every["kind"] + ": " + every["reason"]
    every["left"] = 1 - every["severity"].astype(float)
    by_row = every.groupby("row")
    table = pd.DataFrame({
        "doubts": by_row["kind"].agg("; ".join),
        "score": (1 - by_row["left"].prod()).round(3),
        "evidence": by_row["reason"].agg("; ".join),
    })  # fmt: skip
    for column in ("category", "colour"):
        of_kind = every[every["kind"] == column].set_index("row")["suggested"]
        table[f"suggested_{column}"] = of_kind.reindex(table.index).fillna("")
    table = table.join(items[["item", "photo", "department", "category", "colour"]])
    return table.sort_values("score", ascending=False, kind="stable")[columns].reset_index(drop=True)


def summary_of(table: pd.DataFrame, categories: CategoryDoubts) -> dict[str, Any]:
    """The list's entry in results/03.json.

    Parameters
    ----------
    table : DataFrame
        From `items_to_check`.
    categories : CategoryDoubts
    """
    kinds = table["doubts"].str.split("; ").explode().value_counts()
    words = ["category", "suggested_category"]
    pairs = table[table["suggested_category"] != ""].groupby(words).size().reset_index(name="items")
    pairs = pairs.sort_values("items", ascending=False, kind="stable").head(10)
    return {
        "items": len(table),
        "kinds": {str(kind): int(count) for kind, count in kinds.items()},
        "judged": categories.judged,
        "agreed": categories.agreed,
        "confident": categories.confident,
        "too_small": categories.too_small,
        "pairs": pairs.set_axis(["labelled", "suggested", "items"], axis=1).to_dict("records"),
    }
