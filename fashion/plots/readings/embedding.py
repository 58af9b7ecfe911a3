"""Readings of notebook 02: what the frozen network sees of shape and of colour."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fashion.core.numerals import decimal, percent
from fashion.evaluation.relevance import BOTH
from fashion.plots.readings.text import joined, word

RANDOM, CATEGORY, WORDS = "random", "same category", "same category and colour"


def _rises(medians: Mapping[str, float]) -> tuple[float, float]:
    return medians[CATEGORY] - medians[RANDOM], medians[WORDS] - medians[CATEGORY]


def similarity(medians: Mapping[str, float], separation: float, categories: int) -> str:
    """Reading of the similarities: whether category or colour raises the cosine more; empty for one category.

    Parameters
    ----------
    medians : mapping of str to float
        Kind of pair -> median cosine.
    separation : float
        Chance that a pair of one category is more similar than a random pair.
    categories : int
        Of the catalogue.
    """
    if categories < 2:
        return ""
    sentences = []
    if {RANDOM, CATEGORY, WORDS} <= set(medians):
        shape, colour = _rises(medians)
        if shape > colour > 0:
            sentences.append(
                f"Sharing the category raises the median cosine by {decimal(shape)}, sharing the colour too only by "
                f"another {decimal(colour)}: the frozen network sees shape before colour."
            )
        elif colour >= shape > 0:
            sentences.append(
                f"Sharing the colour raises the median cosine by {decimal(colour)}, more than the category does "
                f"({decimal(shape)}): here the frozen network sees colour before shape."
            )
    if RANDOM in medians and CATEGORY in medians and medians[RANDOM] > medians[CATEGORY] / 2:
        sentences.append(
            f"Random pairs reach {decimal(medians[RANDOM])} already, so a cosine says nothing alone; ranks do: a pair "
            f"of one category beats a random pair in {percent(separation)} of cases."
        )
    return joined(*sentences)


def features(statistics: pd.DataFrame, classes: int) -> str:
    """Reading of the features: how little the best one tells of the category; empty where it tells more than half.

    Parameters
    ----------
    statistics : DataFrame
        `category` and `colour`: mutual information of each feature, nats.
    classes : int
        Number of categories, whose logarithm is what could be known.
    """
    best, possible = float(statistics["category"].max()), float(np.log(classes))
    if classes < 2 or not 0 < best <= possible / 2:  # 0 where each item has its own category
        return ""
    more = float((statistics["category"] > statistics["colour"]).mean())
    tension = f"{percent(more)} of the features know more of the category than of the colour." if more > 0.5 else ""
    return joined(
        f"No single feature tells the category: the best has {decimal(best)} of at most {decimal(possible)} nats. The "
        "information is spread, so features are chosen in groups below.", tension,
    )  # fmt: skip


def pca(spectrum: ArrayLike, marks: Mapping[str, int]) -> str:
    """Reading of the principal components: how many hold most of the variance, and whether shorter ones suffice."""
    total, few, many = len(np.asarray(spectrum)), min(marks.values()), max(marks.values())
    least, most = (next(name for name, count in marks.items() if count == number) for number in (few, many))
    if many > total / 2:
        return (
            f"{few:,} components hold {least}, but {most} takes {many:,}: a long tail of small differences. Only "
            "a trial shows whether neighbours need them."
        )
    return f"{many:,} components hold {most}, so shorter vectors are worth the trial below."


def selection(choices: pd.DataFrame, chosen: str, original: str) -> str:
    """Reading of the selection: what the chosen features gain over the original study's, and in which label.

    Parameters
    ----------
    choices : DataFrame
        From `features.selection_trials`.
    chosen, original : str
        Names of choices.
    """
    means = choices.pivot(index="choice", columns="column", values="mean")
    if chosen == original or chosen not in means.index or original not in means.index:
        return ""
    gain = means.loc[chosen] - means.loc[original]
    if gain[BOTH] <= 0:
        return ""
    label = "colour" if gain["colour"] > gain["category"] else "category"
    other = "category" if label == "colour" else "colour"
    claim = (
        f"{word(chosen.capitalize())} match in category and colour more often than the original's "
        f"features, by "
        f"{decimal(gain[BOTH])}."
    )
    if gain[label] > 3 * abs(gain[other]):
        return joined(
            claim,
            f"The gain is in {label} ({decimal(gain[label], '+')}), hardly in {other} ({decimal(gain[other], '+')}).",
        )
    return joined(
        claim, f"It is {decimal(gain['category'], '+')} in category and {decimal(gain['colour'], '+')} in colour."
    )


def cost(table: pd.DataFrame, speeds: Mapping[str, float], k: int) -> str:
    """Reading of quality against cost: the best of the other networks against the report's, in precision and speed.

    Parameters
    ----------
    table : DataFrame
        From `costs.network_costs`; the first network is the report's.
    speeds : mapping of str to float
        Network -> photos a second.
    k : int
        Neighbours of each query.
    """
    both = table[table["column"] == BOTH].set_index("network")
    own, others = both.index[0], both.iloc[1:]
    if not len(others):
        return ""
    begin = (
        f"The report uses {own}: {percent(float(both.loc[own, 'mean']))} of its {k} nearest training items match a "
        "validation item in category and colour."
    )
    best = others["gain"].idxmax()
    gain, low, high = (float(others.loc[best, name]) for name in ("gain", "gain_low", "gain_high"))
    between = f"(95% interval {decimal(low, '+')} to {decimal(high, '+')} on the same queries)"
    if low > 0:
        claim = f"{best} is better by {decimal(gain)} {between}"
    elif high < 0:
        claim = f"None of the others is better: the best of them, {best}, is worse by {decimal(-gain)} {between}"
    else:
        claim = f"{best}, the best of the others, cannot be distinguished from it: {decimal(gain, '+')} {between}"
    if own in speeds and best in speeds:
        times = speeds[best] / speeds[own]
        claim += f", at {speeds[best]:,.0f} photos a second against {speeds[own]:,.0f} ({times:.2g} times the speed)"
    return joined(begin, f"{claim}.", "To report with it, name it first in BACKBONE." if low > 0 else "")


def findings(
    network: str, medians: Mapping[str, float], separation: float, categories: int, choices: pd.DataFrame,
    chosen: Mapping[str, object],
) -> list[str]:  # fmt: skip
    """The findings of notebook 02, its answer first if there are two categories and pairs within one."""
    lines, sees = [], ""
    if {RANDOM, CATEGORY, WORDS} <= set(medians):
        shape, colour = _rises(medians)
        if max(shape, colour) > 0:
            sees = "shape before colour" if shape > colour else "colour before shape"
    if CATEGORY in medians and categories > 1:
        strong = "tells categories apart" if separation >= 0.75 else "hardly tells categories apart"
        lines.append(
            f"**The frozen {network} {strong}{f' and sees {sees}' if sees else ''}:** a pair of one category is more "
            f"similar than a random pair in {percent(separation)} of cases."
        )
    both = choices[choices["column"] == BOTH].set_index("choice")["mean"]
    name = str(chosen["choice"])
    lines.append(
        f"**{str(name).capitalize()} are called *frozen* from here on:** {chosen['features']:,} dimensions, "
        f"{percent(both[name])} of the nearest match in category and colour."
    )
    return lines
