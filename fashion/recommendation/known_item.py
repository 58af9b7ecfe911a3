"""Text to item: does an item's own title lead to the item, and a description to items that fit it?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.evaluation.statistics import bootstrap_interval
from fashion.recommendation.queries import read_query
from fashion.recommendation.reading import Reading
from fashion.recommendation.recommender import Recommender

#: What a search may use, by name.
WORDS, TEXTS = "the catalogue's words alone", "words and texts"

#: What it may use besides, where the report's encoder has a text tower.
PHOTOS, ALL = "photos alone, by the text tower", "words, texts and photos"

#: Ranks that are looked at; an item beyond counts as not found.
DEEPEST = 1000


def known_item_trial(
    recommender: Recommender, rows: NDArray[np.integer], k: int, most: int = 500, seed: int = 0
) -> pd.DataFrame:
    """Mean reciprocal rank of items searched by their titles, and Success@k, by words, texts and a text tower.

    A customer who has seen an item types its title. Items of one title cannot be told apart, so that 1 is out of reach
    where some share theirs. The search has all items' titles in its index, as in the shop. Where the catalogue has no
    titles and the encoder has a text tower, colours and categories in words are the queries ("red dress"), the tower
    alone ranks, and an item counts that has both words.

    Parameters
    ----------
    recommender : Recommender
        With an embedding that knows words.
    rows : ndarray of int
        Items to search for; those without a title are left out.
    k : int
    most : int
        Searches at most, drawn at random.
    seed : int
        Of these, and of the bootstrap.

    Returns
    -------
    DataFrame
        `method`, `measure` (MRR, Success@k, or Precision@k for descriptions), `mean`, `low`, `high` (95% bootstrap
        interval over searches), `searches`; without rows where the catalogue has no titles, and the encoder no tower.
    """
    items, lines = recommender.items, list[dict[str, object]]()
    free_text = recommender.free_text
    tower = free_text is not None and free_text.tower is not None
    titles = items["title"].fillna("").astype(str).str.strip() if "title" in items else pd.Series("", items.index)
    named = rows[(titles.iloc[rows] != "").to_numpy()]
    query_rows = np.sort(np.random.default_rng(seed).permutation(named)[:most])

    def add(method: str, measure: str, values: NDArray[np.float64]) -> None:
        mean, low, high = bootstrap_interval(values, seed)
        about: dict[str, object] = {"method": method, "measure": measure}
        lines.append(about | {"mean": mean, "low": low, "high": high, "searches": len(values)})

    for method in (WORDS, TEXTS, *((PHOTOS, ALL) if tower else ())) if len(query_rows) else ():
        reciprocal = np.array([_reciprocal_rank(recommender, titles.iloc[row], row, method) for row in query_rows])
        add(method, "MRR", reciprocal)
        add(method, f"Success@{k}", (reciprocal >= 1 / k).astype(float))
    if tower and not len(query_rows) and len(rows):
        add(PHOTOS, f"Precision@{k}", _precision_of_descriptions(recommender, rows, k, most, seed))
    return pd.DataFrame(lines, columns=["method", "measure", "mean", "low", "high", "searches"])


def _precision_of_descriptions(
    recommender: Recommender, rows: NDArray[np.integer], k: int, most: int, seed: int
) -> NDArray[np.float64]:
    """For each description, the share of the k photos nearest to it whose items have its words; shape (m,)."""
    assert recommender.free_text is not None
    columns = [column for column in ("colour", "category") if column in recommender.items]
    words = recommender.items[columns].astype(str).agg(" ".join, axis=1).str.strip()
    said = np.random.default_rng(seed).permutation(sorted(set(words.iloc[rows]) - {""}))[:most]
    right = []
    for text in said:
        nearest = np.argsort(-recommender.free_text.cosines(text), kind="stable")[:k]
        right.append((words.iloc[nearest] == text).mean())
    return np.array(right)


def _reciprocal_rank(recommender: Recommender, title: str, row: int, method: str) -> float:
    """1 over the rank of an item among those that its title finds; 0 where it is not among the first."""
    assert recommender.layout is not None
    reader = recommender.words_reader
    reading = reader.read(title)
    reading = replace(
        reading, item="", texts=reading.texts if method in (TEXTS, ALL) else (),
        described=reading.described if method in (PHOTOS, ALL) else "",
    )  # fmt: skip
    if method == PHOTOS:
        reading = Reading(title, described=reading.described)
    query = read_query(reading, recommender.items, recommender.layout, reader)
    if query is None:
        return 0.0
    place = np.flatnonzero(recommender.ranked(query, DEEPEST)[0] == row)
    return 1 / (1 + int(place[0])) if len(place) else 0.0
