"""Readings of notebook 04: how many of the shown recommendations match, and where the lists go wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.numerals import decimal, number_word, percent
from fashion.evaluation.relevance import BOTH, matches
from fashion.evaluation.summary import Misses
from fashion.plots.readings.text import counted, joined, word

Int = NDArray[np.integer]


def matching(items: pd.DataFrame, rows: Sequence[int], nearest: Int) -> tuple[int, int]:
    """The number of some queries' recommendations that match in both words, and the number of all of them.

    Parameters
    ----------
    items : DataFrame
    rows : sequence of int
        The queries.
    nearest : ndarray of int, shape (n, k)
        Of every item.
    """
    shown = nearest[list(rows)]
    return int(matches(items, shown, np.asarray(rows), ["category", "colour"])[BOTH].sum()), shown.size


def shown(counts: tuple[int, int], share: float) -> str:
    """Reading of a figure's rows: how many of their recommendations match, beside the mean over all items.

    Parameters
    ----------
    counts : (matching, shown)
        From `matching`.
    share : float
        Of all items' recommendations that match in both words.
    """
    count, total = counts
    claim = f"{count:,} of these {total:,} match in category and colour; over all items, {percent(share)} do."
    rows = count / total
    if abs(rows - share) > 0.1:
        return joined(
            claim, f"These rows are {'luckier' if rows > share else 'unluckier'} than average: judge by the average."
        )
    return claim


def by_photo(
    true: pd.DataFrame, queries: Sequence[Any], recommended: Sequence[pd.DataFrame], why_untrained: str = ""
) -> str:
    """Reading of the queries by photo: words that the network reads correctly, and recommendations that match them.

    Parameters
    ----------
    true : DataFrame
        Items whose photos were asked.
    queries : sequence of Query
    recommended : sequence of DataFrame
        From `Recommender.answer`.
    why_untrained : str
        Why no network was trained: then none reads words, and the reading is empty.
    """
    if why_untrained:
        return ""
    right = {
        name: sum(item[name] == query.description.get(name) for item, query in zip(
            true.to_dict("records"), queries, strict=True)) for name in ("colour", "category")
    }  # fmt: skip
    n = len(true)
    good = sum(
        int(((table["category"] == item["category"]) & (table["colour"] == item["colour"])).sum())
        for item, table in zip(true.to_dict("records"), recommended, strict=True)
    )
    total = sum(map(len, recommended))
    claim = (
        f"The network reads the colour right in {right['colour']} of {n} photos and the category in "
        f"{right['category']}; "
        f"{good} of {total} recommendations match the true words."
    )
    if right["category"] < n:
        return joined(claim, "Where it misreads the category, most of the list is in the wrong category.")
    return claim


def by_words(queries: Sequence[Any], recommended: Sequence[pd.DataFrame]) -> str:
    """Reading of the queries in words: how many answers fit the category and colour asked for; empty if none is."""
    good = total = 0
    for query, table in zip(queries, recommended, strict=True):
        wanted = {name: query.description[name] for name in ("category", "colour") if query.description.get(name)}
        if not wanted or not len(table):
            continue
        fits = [table[name].isin([words] if isinstance(words, str) else list(words)) for name, words in wanted.items()]
        good, total = good + int(np.logical_and.reduce(fits).sum()), total + len(table)
    if not total:
        return ""
    if good == total:
        return f"All {total} answers have the words that were asked for."
    return (
        f"{good} of {total} answers have every word that was asked for; the shop has no more, so the most similar "
        "items follow."
    )


def failures(misses: Misses, k: int) -> str:
    """Reading of the failures: how many queries get nothing of their own category, and what they have in common."""
    if not len(misses.rows):
        return ""
    claim = (
        f"{counted(len(misses.rows), 'query', 'queries')} of {misses.items:,} "
        f"({percent(len(misses.rows) / misses.items)}) {'has' if len(misses.rows) == 1 else 'have'} no "
        "recommendation of the query's category."
    )
    pair, times = str(misses.confused.index[0]), int(misses.confused.iloc[0])
    own, other = pair.split("  →  ")
    sentences = [claim, f"Most frequent is {word(other)} recommended for {word(own)}, {counted(times, 'time')}."]
    if misses.rare > 0:
        sentences.append(
            f"{percent(misses.rare)} are of categories with at most {number_word(k)} items, which cannot fill a list."
        )
    involved = (
        sum(int(n) for text, n in misses.confused.items() if own in str(text).split("  →  ")) / misses.confused.sum()
    )
    if involved > 0.5:
        sentences.append(
            f"{word(own)} is on one side of {percent(involved)} of these pairs: look at how that word is used before "
            "blaming the network."
        )
    return joined(*sentences)


def diversity(trials: pd.DataFrame) -> str:
    """Reading of the diversity: how much less alike a more diverse list is, and what it costs in similarity."""
    first, last = trials.iloc[0], trials.iloc[-1]
    lost = first["similarity to the query"] - last["similarity to the query"]
    spread = first["frozen similarity within the list"] - last["frozen similarity within the list"]
    if lost <= 0 or spread <= 0:
        return ""
    return (
        f"At diversity {last['diversity']:.1f} the list's items are {decimal(spread)} less alike and {decimal(lost)} "
        "less like the query: "
        f"{'worth trying' if spread >= lost else 'the cost exceeds the gain, so hide near-duplicates first'}."
    )


def findings(
    shares: Mapping[str, float], k: int, misses: Misses, why_untrained: str = "", measured: bool = False
) -> list[str]:
    """The findings of notebook 04, its answer first.

    Parameters
    ----------
    shares : mapping of str to float
        Embedding -> share of all items' recommendations that match in both words.
    k : int
    misses : Misses
        Of the learned embedding.
    why_untrained : str
        Why no network was trained; empty where one was.
    measured : bool
        Whether the colours were measured from the photos.
    """
    gain = shares["described"] - shares["frozen"]
    first = (
        f"**On the shop's own item pages {percent(shares['described'])} of the {number_word(k)} recommendations match "
        "in "
        f"category and colour,** where the frozen network alone reaches {percent(shares['frozen'])}. These lists "
        "use the shop's own words; notebook 6 measures photos alone."
        if gain > 0 else
        f"**Words do not help here:** {percent(shares['described'])} of the recommendations match in category and "
        "colour, "
        f"by the frozen network alone {percent(shares['frozen'])}."
    )  # fmt: skip
    caveats = [
        "Colours were measured from the photos, so agreement in colour is by construction." if measured else "",
        "No network was trained: words are looked up, none is predicted." if why_untrained else "",
    ]
    lines = [
        joined(first, *caveats),
    ]
    if len(misses.rows):
        lines.append(
            f"**By photo alone {counted(len(misses.rows), 'item')} ({percent(len(misses.rows) / misses.items)}) get "
            "nothing "
            "of their own category;** the figure of failures shows those with the highest similarity."
        )
    else:
        lines.append("**By photo alone every item gets at least one recommendation of its own category.**")
    return lines
