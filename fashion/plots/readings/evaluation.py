"""Readings of notebook 06: what is gained over what, for whom, and what the tables show besides.

`why_untrained` is a sentence on why no network was trained: with it, a reading of what training gained is empty.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fashion.core.numerals import decimal, interval, number_word, p_value, percent
from fashion.evaluation.protocol import CEILING, LEAST_P, RANDOM, SIGN_FLIPS
from fashion.evaluation.relevance import BOTH
from fashion.evaluation.statistics import Difference, paired_difference
from fashion.evaluation.summary import (
    DESCRIBED,
    FROZEN,
    LEARNED,
    LOGISTIC,
    SAME_WORDS,
    SHOWN,
    Evaluation,
)
from fashion.plots.readings.text import counted, joined, word

#: Rise of Success from the first to the last place below which a list is right or wrong as one.
TOGETHER = 0.1

#: Queries of a department below which its mean is no finding.
FEW = 20


def _by_photo(result: Evaluation) -> list[str]:
    """The methods that use photos alone, for queries and for the gallery."""
    return [method for method in result.methods if method not in (DESCRIBED, SAME_WORDS, SHOWN)]


def _mean(result: Evaluation, method: str, gallery: str = "whole", column: str = BOTH) -> float:
    return float(result.shares(method, gallery)[column].mean())


def _against(result: Evaluation, method: str, other: str, gallery: str = "whole") -> Difference:
    first, second = (result.shares(name, gallery)[BOTH].to_numpy() for name in (method, other))
    return paired_difference(first, second, result.trial.seed)


def _gained(gain: Difference) -> str:
    return interval(gain.mean, gain.low, gain.high, "+")


def precision(result: Evaluation, why_untrained: str = "") -> str:
    """Reading of the precision: *learned* against the best untrained method, logistic regression and the ceiling."""
    if why_untrained:
        return ""
    best, gain = result.best_untrained, result.gains["whole", BOTH]
    own, other = percent(_mean(result, LEARNED)), percent(_mean(result, best))
    if gain.low > 0:
        claim = (
            f"{own} of *learned*'s recommendations match in category and colour, {other} of *{best}*'s: "
            f"{_gained(gain)} on the same queries."
        )
    elif gain.high < 0:
        claim = f"*Learned* falls behind *{best}*, {own} against {other}: {_gained(gain)} on the same queries."
    else:
        claim = f"*Learned* ({own}) and *{best}* ({other}) cannot be told apart: {_gained(gain)}."
    return joined(claim, _logistic(result), _left(result))


def _logistic(result: Evaluation, gallery: str = "whole") -> str:
    """Sentence on logistic regression, which is taught the same words, against *learned*."""
    if LOGISTIC not in result.methods:
        return ""
    gain, share = _against(result, LEARNED, LOGISTIC, gallery), percent(_mean(result, LOGISTIC, gallery))
    if gain.low > 0:
        return f"Logistic regression, taught the same words, stays below it at {share} ({_gained(gain)} for *learned*)."
    if gain.high < 0:
        return (
            f"Logistic regression, taught the same words, is ahead at {share} ({_gained(gain)} for *learned*): the "
            "network costs more than it gives."
        )
    return (
        f"Logistic regression, taught the same words, does as well ({share}; {_gained(gain)} for *learned*): the "
        "gain comes from the words, not from the network's form."
    )


def _left(result: Evaluation) -> str:
    most = _mean(result, CEILING)
    if most - _mean(result, LEARNED) < 0.02:
        return ""
    return f"The gallery would allow {percent(most)}."


def unseen(result: Evaluation, why_untrained: str = "") -> str:
    """Reading of the unseen items: the precision and gain of *learned* on items that it was not trained on."""
    if why_untrained:
        return ""
    gain, whole = result.gains["unseen", BOTH], result.gains["whole", BOTH]
    own, stock, best = _mean(result, LEARNED, "unseen"), _mean(result, LEARNED), result.best_untrained
    if gain.low <= 0:
        return (
            f"Among unseen items there is no significant gain over *{best}* ({_gained(gain)}): what *learned* gains "
            "in "
            "the whole catalogue comes from items that it was trained with."
        )
    claim = f"Among unseen items *learned* reaches {percent(own)}, {_gained(gain)} over *{best}*."
    if own < stock - 0.02:
        claim = joined(
            claim,
            f"That is less than the {percent(stock)} above: expect this number for new arrivals, that one for stock.",
        )
    grown = (
        "The gain is larger than in the whole catalogue, so it does not come from memorised training items."
        if gain.low > whole.mean
        else ""
    )
    return joined(claim, grown)


def tests(result: Evaluation) -> str:
    """Reading of the tests: intervals without 0 whose corrected p-value does not reject, and p-values at the floor."""
    table = result.tests
    apart = table[((table["low"] > 0) | (table["high"] < 0)) & (table["p_holm"] >= 0.05)]
    least = table[table["p"] <= LEAST_P]["p_holm"]
    sentences = []
    if len(apart):
        names = " and ".join(f"*{name}*" for name in dict.fromkeys(apart["against"]))
        sentences.append(
            f"Against {names} an interval excludes 0 and its p-value is above 0.05 all the same: the interval is of "
            "one "
            f"comparison, the p-value is corrected for all {len(table)}. Take these as undecided."
        )
    if len(least):
        sentences.append(
            f"{len(least)} of the {len(table)} comparisons are at the test's floor "
            f"({p_value(least.min(), least.min())}): "
            f"none of {SIGN_FLIPS:,} random sign flips reached the observed difference."
        )
    return joined(*sentences)


def success(result: Evaluation, curve: pd.DataFrame) -> str:
    """Reading of the success curve: the method most often right within k, and how *learned* rises from place 1 to k.

    Parameters
    ----------
    result : Evaluation
    curve : DataFrame
        From `Evaluation.success_curve`.
    """
    k = result.trial.k
    if k == 1:
        return ""
    wide = curve.pivot(index="method", columns="k", values="success").loc[_by_photo(result)]
    leader, own = str(wide[k].idxmax()), wide.loc[LEARNED]
    sentences = []
    if leader != LEARNED and wide.loc[leader, k] > own[k]:
        sentences.append(
            f"*{leader}* most often has at least one right item among {number_word(k)} "
            f"({percent(wide.loc[leader, k])}, *learned* {percent(own[k])}); for the first item alone, "
            f"*learned* leads, {percent(own[1])} against {percent(wide.loc[leader, 1])}."
            if own[1] > wide.loc[leader, 1] else
            f"*{leader}* most often has at least one right item among {number_word(k)} "
            f"({percent(wide.loc[leader, k])}, *learned* {percent(own[k])})."
        )  # fmt: skip
    if own[k] - own[1] < TOGETHER:
        sentences.append(
            f"*Learned* hardly rises, from {percent(own[1])} for the first to {percent(own[k])} for any of "
            f"{number_word(k)}: its {number_word(k)} are right or wrong together. If one right item is enough, a "
            "more diverse list may help; notebook 4 shows what it costs."
        )
    return joined(*sentences)


def untaught(table: pd.DataFrame, why_untrained: str = "") -> str:
    """Reading of what was never taught: the measure in which *frozen* is furthest ahead of *learned*.

    Parameters
    ----------
    table : DataFrame
        From `untaught.untaught_table`, one gallery.
    why_untrained : str
    """
    if why_untrained:
        return ""
    by = table.set_index(["column", "method"])
    lost = [
        measure for measure in dict.fromkeys(table["column"])
        if (measure, FROZEN) in by.index and by.loc[(measure, FROZEN), "low"] > by.loc[(measure, LEARNED), "high"]
    ]  # fmt: skip
    if not lost:
        return ""
    first = max(lost, key=lambda measure: by.loc[(measure, FROZEN), "mean"] - by.loc[(measure, LEARNED), "mean"])
    old, new = (by.loc[(first, method), "mean"] for method in (FROZEN, LEARNED))
    kept = by.loc[(first, SHOWN), "mean"] if (first, SHOWN) in by.index else None
    shop = f" What the shop shows keeps {decimal(kept)}." if kept is not None else ""
    return (
        f"In {word(first)} the frozen vectors agree more than *learned* ({decimal(old)} against {decimal(new)}): the "
        f"words that were taught crowd out the rest.{shop} A higher weight of looks gives some of it back."
    )


def coverage(table: pd.DataFrame) -> str:
    """Reading of the coverage: whether the shop's lists or the frozen network's leave fewer items unshown.

    Parameters
    ----------
    table : DataFrame
        From `coverage.coverage_table`.
    """
    whole = table[table["gallery"] == "whole"].set_index("method")
    own, frozen = whole.loc["described"], whole.loc["frozen"]
    if own["high"] < frozen["low"]:
        return (
            f"What the shop shows leaves {percent(own['never_shown'])} of the catalogue in nobody's list, the frozen "
            f"network {percent(frozen['never_shown'])}: the weights that notebook 3 chose more than make up for the "
            "narrowing by words."
        )
    if own["low"] > frozen["high"]:
        return (
            f"What the shop shows leaves {percent(own['never_shown'])} of the catalogue in nobody's list, the frozen "
            f"network only {percent(frozen['never_shown'])}: words narrow the lists. Show these items in other ways, "
            "such as on category pages."
        )
    return ""


def departments(table: pd.DataFrame, why_untrained: str = "") -> str:
    """Reading of the departments: the one in which *learned* does worst, where it is significantly below the mean.

    Parameters
    ----------
    table : DataFrame
        From `Evaluation.department_intervals`.
    why_untrained : str
    """
    own = table[(table["method"] == LEARNED) & (table["queries"] >= FEW)]
    if why_untrained or len(own) < 2:
        return ""
    mean = float(np.average(own["mean"], weights=own["queries"]))
    worst = own.loc[own["mean"].idxmin()]
    if worst["high"] >= mean:
        return ""
    most = table[(table["method"] == CEILING) & (table["department"] == worst["department"])]["mean"].iloc[0]
    return (
        f"Precision by photo alone is lowest for {word(worst['department'])}: "
        f"{interval(worst['mean'], worst['low'], worst['high'])}, "
        f"while the gallery would allow {decimal(most)}. Notebook 3 shows what its words are confused with."
    )


def gallery_size(curve: pd.DataFrame) -> str:
    """Reading of the gallery sizes: whether *learned* keeps up with the ceiling as the gallery grows.

    Parameters
    ----------
    curve : DataFrame
        From `curves.by_gallery_size`.
    """
    both = curve[curve["column"] == BOTH].pivot(index="method", columns="size", values="mean")
    small, large = both.columns[0], both.columns[-1]
    if small == large or LEARNED not in both.index:
        return ""
    own, most = both.loc[LEARNED], both.loc[CEILING]
    reached = [own[size] / most[size] if most[size] else 0.0 for size in (small, large)]
    claim = f"From {small:,} to {large:,} items *learned* goes from {percent(own[small])} to {percent(own[large])}"
    if own[large] > own[small]:
        better = reached[1] >= reached[0] - 0.01
        return f"{claim}, the ceiling from {percent(most[small])} to {percent(most[large])}: " + (
            "more stock still helps." if better else "more stock helps, but less than it could."
        )
    return f"{claim}: more stock brings more that looks right and is wrong."


def embedding_size(lengths: Mapping[str, int], dimensions: Mapping[str, int]) -> str:
    """Reading of the embedding sizes: how short the vectors may be, and how much smaller that makes an index.

    Parameters
    ----------
    lengths : mapping of str to int
        From `summary.lengths_that_keep`.
    dimensions : mapping of str to int
        The uncut embeddings' lengths.
    """
    return joined(*(
        f"{length:,} of {dimensions[name]:,} dimensions keep 95% of what {word(name)} reaches in category and colour, "
        f"an index {dimensions[name] / length:.0f} times smaller."
        for name, length in lengths.items() if 2 * length <= dimensions[name]
    ))  # fmt: skip


def colour_weight(curve: pd.DataFrame, default: float) -> str:
    """Reading of the weight of colour: what it gains and costs, and how near the report's weight is to the best.

    Parameters
    ----------
    curve : DataFrame
        From `curves.by_colour_weight`.
    default : float
        The report's weight.
    """
    wide = curve.pivot(index="weight", columns="column", values="mean")
    first, last = wide.iloc[0], wide.iloc[-1]
    if last["colour"] <= first["colour"] or last["category"] >= first["category"]:
        return ""
    best = float(wide[BOTH].idxmax())
    near = wide.index[np.abs(wide.index.to_numpy() - default).argmin()]
    behind = wide[BOTH].max() - wide.loc[near, BOTH]
    claim = (
        f"From category alone to colour alone, colour rises from {percent(first['colour'])} to "
        f"{percent(last['colour'])} and "
        f"category falls from {percent(first['category'])} to {percent(last['category'])}."
    )
    if behind <= 0.01:
        own = percent(wide.loc[near, BOTH])
        return joined(
            claim,
            f"In between both hold: at {near:.1f} category and colour match in {own}, within 0.01 of the best. There "
            "the slider is a matter of taste, not of precision.",
        )
    return joined(
        claim, f"Both words match most often at {best:.1f}, {decimal(behind, '+')} over the report's {near:.1f}."
    )


def failures(without: int, queries: int, worst: float, items: pd.DataFrame) -> str:
    """Reading of the failures: how many queries have nothing right, or else whether the worst are only half right.

    Parameters
    ----------
    without : int
        Queries without a recommendation of the right category or colour.
    queries : int
    worst : float
        Share of the worst query's recommendations that match in both words.
    items : DataFrame
        With one category or one colour something is always right, so the reading is empty.
    """
    if without:
        return (
            f"{counted(without, 'query', 'queries')} of {queries:,} ({percent(without / queries)}) "
            f"{'has' if without == 1 else 'have'} no recommendation of the right category or colour."
        )
    if not queries or items[["category", "colour"]].nunique().min() < 2:
        return ""
    claim = f"Every one of the {queries:,} queries has a recommendation of the right category or colour"
    if worst > 0:
        return f"{claim}."
    return f"{claim}. The worst are half right: the right colour on the wrong kind of garment, or the reverse."


def caveat(made: bool, measured: bool) -> str:
    """The finding's caveat: colours that were measured, colours that were dyed, or that labels do not measure taste."""
    if measured:
        return "Colours were measured from the photos, so agreement in colour is by construction."
    if made:
        return (
            "The sample's colours are dyed and easier to tell apart than those of real clothes: expect less on a real "
            "catalogue."
        )
    return "Matching labels do not measure taste: no click was counted."


def lead(result: Evaluation, made: bool, measured: bool) -> str:
    """The study's answer in one sentence with its number, followed by its caveat."""
    best, gain, k = result.best_untrained, result.gains["whole", BOTH], number_word(result.trial.k)
    own, other = percent(_mean(result, LEARNED)), percent(_mean(result, best))
    head = f"By photo alone, {own} of the {k} recommended items match the query in category and colour"
    if gain.low > 0:
        said = f"**{head}, against {other} by the best method without training** (*{best}*)."
    elif gain.high < 0:
        said = f"**{head}, fewer than the {other} of *{best}*, which needs no training.**"
    else:
        said = f"**{head}, not significantly more than the {other} of *{best}*, which needs no training.**"
    return joined(said, caveat(made, measured))


def untrained(items: pd.DataFrame, k: int, why: str, measured: bool) -> list[str]:
    """The findings where no network was trained: what can be measured without training, and what cannot.

    Parameters
    ----------
    items : DataFrame
    k : int
        Recommendations for each query.
    why : str
        Why none was trained, a sentence.
    measured : bool
        Whether the colours were measured from the photos.
    """
    lines = [
        f"{why} *Learned* stands for looks and measured colour; there is no training whose gain could be measured."
    ]
    if items["category"].nunique() < 2:
        lines.append("All items have one category, so agreement in it is 1 by construction and says nothing.")
    if measured:
        lines.append("Colours were measured from the photos, so agreement in colour is by construction.")
    others = len(items) - 1
    lines.append(
        f"A list shows {percent(min(k / max(others, 1), 1))} of the {others:,} other items: the larger that share, the "
        "more often chance alone is right, and the wider the intervals."
    )
    return lines


def findings(result: Evaluation, made: bool, measured: bool, why_untrained: str = "") -> list[str]:
    """The findings of notebook 06, the study's answer first; gains come with their intervals in this run."""
    if why_untrained:
        return untrained(result.trial.items, result.trial.k, why_untrained, measured)
    lines = [lead(result, made, measured)]
    for gallery, name in (("whole", "In the whole catalogue"), ("unseen", "Among unseen items alone")):
        gain = result.gains[gallery, BOTH]
        verdict = "gains" if gain.low > 0 else "loses" if gain.high < 0 else "neither gains nor loses significantly"
        lines.append(
            f"**{name} *learned* {verdict}** against *{result.best_untrained}*: {_gained(gain)} in category and "
            f"colour together, {_gained(result.gains[gallery, 'category'])} in category alone, "
            f"{_gained(result.gains[gallery, 'colour'])} in colour alone."
        )
    if rival := _logistic(result):
        lines.append(f"**A simple rival:** {rival[0].lower() + rival[1:]}")
    known = _against(result, DESCRIBED, LEARNED)
    if known.low > 0:
        lines.append(
            f"**Knowing the labels of the items in stock adds {_gained(known)}:** a query by photo alone then reaches "
            f"{percent(_mean(result, DESCRIBED))}."
        )
    elif known.high < 0:
        lines.append(
            f"**Knowing the labels of the items in stock changes a query by photo alone by {_gained(known)}.**"
        )
    chance = percent(_mean(result, RANDOM))
    lines.append(
        f"**What is possible:** {percent(_mean(result, CEILING))} in this gallery; random recommendations reach "
        f"{chance}."
    )
    return lines
