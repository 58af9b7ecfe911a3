"""Readings of notebook 03: what the attributes network learned, what it confuses, and how well it is calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.summary import HeldOut
from fashion.attributes.to_check import FOLDS, CategoryDoubts, summary_of
from fashion.attributes.weights import Weights
from fashion.core.numerals import decimal, number, number_word, percent, score
from fashion.plots.readings.text import counted, joined, word

#: Training less validation accuracy from which it is called overfitting.
GAP = 0.02

#: Expected calibration error up to which a probability can be taken at its word.
CALIBRATED = 0.05

#: Errors from which one word's share of them says something.
MANY = 20

#: Held-out items of a class below which its accuracy is no finding.
FEW = 10


def training(history: pd.DataFrame) -> str:
    """Reading of the training curves: whether the network overfits, and whether more epochs would help."""
    mean = history.groupby("epoch").mean()
    if "val_category_accuracy" not in mean:
        return ""
    seen, own = mean["val_category_accuracy"], mean["category_accuracy"].iloc[-1]
    gap, best = own - seen.iloc[-1], int(seen.idxmax())
    claim = f"Validation accuracy in category ends at {decimal(seen.iloc[-1])}"
    tension = (
        f", {decimal(gap)} below training accuracy: the network knows its own items better, which is why the tests "
        "below "
        "use others."
        if gap > GAP else ", as high as training accuracy: no overfitting."
    )  # fmt: skip
    if best == int(mean.index[-1]):
        return joined(claim + tension, "It is highest after the last epoch, so training longer may help.")
    return joined(
        claim + tension, f"It was highest ({decimal(seen.max())}) after epoch {best}: more epochs gain nothing."
    )


def confusion(matrix: NDArray[np.integer], classes: Sequence[str]) -> str:
    """Reading of a confusion matrix: the most frequent confusion, and whether one word is in most errors."""
    off = np.array(matrix)
    np.fill_diagonal(off, 0)
    wrong, total = int(off.sum()), int(np.sum(matrix))
    if not total:
        return ""
    if not wrong:
        return f"All {counted(total, 'held-out item')} shown are predicted right."
    true, said = np.unravel_index(int(off.argmax()), off.shape)
    share = off[true, said] / np.sum(matrix[true])
    involved = int(off[true].sum() + off[:, true].sum())
    claim = f"{counted(wrong, 'error')} in {counted(total, 'item')}."
    if off[true, said] < 2:
        return joined(claim, "No confusion occurs twice.")
    tension = (
        f"{word(classes[true])} is the true or the predicted word in {percent(involved / wrong)} of all errors: better "
        "photos or a clearer rule for that one word would help most."
        if involved > wrong / 2 and wrong >= MANY and len(classes) > 3 else ""
    )  # fmt: skip
    return joined(
        claim, f"Most often {word(classes[true])} is predicted as {word(classes[said])}: {off[true, said]:,} times, "
        f"{percent(share)} of its items.", tension,
    )  # fmt: skip


def calibration(errors: Mapping[str, float], curves: Mapping[str, pd.DataFrame]) -> str:
    """Reading of the calibration: how far to trust a predicted probability, and whether it is too high or too low."""
    sentences = []
    for name, error in errors.items():
        curve = curves[name]
        share = curve["count"] / curve["count"].sum()
        lean = float(((curve["predicted"] - curve["observed"]) * share).sum())
        side = "too sure" if lean > 0 else "not sure enough"
        if error <= CALIBRATED:
            sentences.append(
                f"In {name} a predicted probability is off by {decimal(error)} on average, so it can be taken "
                "at face value."
            )
        else:
            sentences.append(
                f"In {name} a predicted probability is off by {decimal(error)} on average, mostly {side}: read it as a "
                "rank, not as a chance."
            )
    return joined(*sentences)


def confused_colours(count: int, near: float, within: float) -> str:
    """Reading of the confused colours: the share between near colours, and whether to look at words or at photos.

    Parameters
    ----------
    count : int
        Confusions of colour.
    near : float
        Share of them within `within` (CIEDE2000); NaN without any.
    within : float
    """
    if not count:
        return ""
    claim = f"{counted(count, 'confusion')} of colour, {percent(near)} of them within ΔE {within:.0f}."
    if count < FEW:
        return joined(claim, "Too few to say what kind of error is usual.")
    if near >= 0.5:
        return joined(
            claim, "Most are a matter of the word, not of the eye; graded measures (notebook 6) count them in part."
        )
    return joined(claim, "Most are other colours: check the photos of these pairs before the network.")


def class_accuracy(table: pd.DataFrame, plural: str) -> str:
    """Reading of the accuracy by class: the worst class with enough items, beside the best.

    Parameters
    ----------
    table : DataFrame
        `name`, `accuracy`, `items`.
    plural : str
        Such as `colours`.
    """
    known = table[table["items"] >= FEW]
    if len(known) < 2:
        return ""
    best, worst = known.loc[known["accuracy"].idxmax()], known.loc[known["accuracy"].idxmin()]
    if best["accuracy"] - worst["accuracy"] < 0.1:
        return (
            f"All {len(known)} {plural} with at least {FEW} held-out items are predicted right about equally often, "
            f"{percent(worst['accuracy'])} to {percent(best['accuracy'])}."
        )
    return (
        f"{word(worst['name'])} is the hardest of the {len(known)} {plural} with at least {FEW} held-out items: "
        f"{percent(worst['accuracy'])} of {worst['items']:,} right, against {percent(best['accuracy'])} for "
        f"{word(best['name'])}. A mean over items hides that."
    )


def customer_photos(accuracy: pd.DataFrame) -> str:
    """Reading of simulated customers' photos: the accuracy they lose, and how much training on such photos recovers.

    Parameters
    ----------
    accuracy : DataFrame
        From `customer_photos.accuracy_of_customer_photos`: the catalogue's photos, then simulated ones; empty where
        vectors were given.
    """
    if accuracy.empty:
        return "No customers' photos are simulated: vectors were given, and no photo can be embedded."
    (own, customer), (own_taught, taught) = (accuracy[name].to_list() for name in ("network", "with simulated photos"))
    lost, won = own - customer, taught - customer
    if lost <= 0:
        return ""
    claim = f"On simulated customers' photos the network's accuracy falls from {decimal(own)} to {decimal(customer)}."
    if won <= 0:
        return joined(claim, "Teaching it simulated photos brings nothing back: real ones are needed.")
    price = own - own_taught
    cost = (
        f" at a cost of {decimal(price)} on the catalogue's own"
        if price > 0.0005
        else " at no cost to the catalogue's own"
    )
    return joined(claim, f"Simulated photos bring back {decimal(won)} of the {decimal(lost)} lost{cost}.")


def items_to_check(table: pd.DataFrame, categories: CategoryDoubts, items: int) -> str:
    """Reading of the items to check: their number by kind of doubt, how reliable the judge is, what was not judged.

    Parameters
    ----------
    table : DataFrame
        From `to_check.items_to_check`.
    categories : CategoryDoubts
    items : int
        Of the catalogue.

    Examples
    --------
    >>> table = pd.DataFrame({"doubts": ["colour; blurred"], "score": [0.7], "category": "a", "suggested_category": ""})
    >>> items_to_check(table, CategoryDoubts(table.head(0), 0, None, {}), 80)
    '1 of 80 items to check: colour 1, blurred 1. The worst has score 0.70, the median 0.70; 1 is above 0.5.'
    """
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary_of(table, categories)["kinds"].items())
    sentences = [f"{len(table):,} of {items:,} items to check{': ' * bool(kinds)}{kinds}."]
    if len(table):
        scores = table["score"]
        above = int((scores > 0.5).sum())
        sentences.append(
            f"The worst has score {score(scores.iloc[0])}, the median {score(scores.median())}; "
            f"{above:,} {'is' if above == 1 else 'are'} above 0.5."
        )
    if categories.agreed is not None:
        sentences.append(
            f"The regression agrees with the table on {percent(categories.agreed)} of {categories.judged:,} items. "
            "Some doubts are its own errors, so start at the top of the list. Confident learning confirms "
            f"{categories.confident:,} of the {len(categories.doubts):,} doubtful categories."
        )
    if categories.too_small:
        small = counted(len(categories.too_small), "category", "categories")
        sentences.append(
            f"Not judged: {counted(sum(categories.too_small.values()), 'item')} in {small} of fewer than "
            f"{number_word(FOLDS)} pictures."
        )
    return joined(*sentences)


def findings(held_out: HeldOut, weights: Weights, check: Mapping[str, Any]) -> list[str]:
    """The findings of notebook 03, its answer first.

    Parameters
    ----------
    held_out : HeldOut
    weights : Weights
        With its trials.
    check : mapping
        From `to_check.summary_of`.
    """
    accuracy, commonest, errors = held_out.accuracy, held_out.commonest, held_out.calibration
    lines = [
        f"**From a photo alone the network is right about the category of {percent(accuracy['category'])} and the "
        f"colour of {percent(accuracy['colour'])} of {held_out.items:,} held-out items;** always predicting the most "
        f"frequent word would be right for {percent(commonest['category'])} and {percent(commonest['colour'])}."
    ]
    worst = max(errors, key=lambda name: errors[name])
    off = f"off by {decimal(errors[worst])} on average."
    if errors[worst] <= CALIBRATED:
        lines.append(f"**Its probabilities are well calibrated:** {off}")
    else:
        lines.append(f"**Its probabilities in {worst} are poorly calibrated:** {off}")
    trials, (looks, strength) = weights.trials, weights.chosen
    own = trials[(trials["looks_weight"] == looks) & (trials["hub_strength"] == strength)].iloc[0]
    plain = trials.iloc[0]
    if own["never_shown"] < plain["never_shown"]:
        lines.append(
            f"**Visual similarity (*looks*) brings more items into the lists:** with its weight at {number(looks)}, "
            f"{percent(own['never_shown'])} of the items are in no list, against {percent(plain['never_shown'])} by "
            "words alone."
        )
    if check["items"]:
        kinds = check["kinds"]
        first = max(kinds, key=lambda kind: kinds[kind])
        lines.append(
            f"**{counted(check['items'], 'item')} should be looked at by a person,** {kinds[first]:,} of them for "
            "their "
            f"{first}; `to_check.csv` has them, worst first."
        )
    return lines
