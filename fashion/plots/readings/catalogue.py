"""Readings of notebook 01: what the catalogue holds, and how far its words and photos can be trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fashion.catalogue.checks import Audit, squared
from fashion.catalogue.cleaning import Counts, Joined
from fashion.core.numerals import decimal, percent
from fashion.plots.readings.text import counted, joined, word

#: Largest class beside the smallest up to which the classes count as equally frequent.
EVEN = 1.5

#: Largest class beside the median one from which it decides means over items.
LEADS = 2.0

#: Items of a class, or of one colour in one department, from which their number says something.
ENOUGH = 10

#: Standardised residual from which a number of items is no accident (two-sided p = 0.003).
NO_ACCIDENT = 3.0

#: CIEDE2000 up to which a photo shows another shade of its word's colour, not another colour.
SHADE = 10.0

#: Part of a photo's border that is not of its median colour, up to which its ground is plain.
PLAIN = 0.2


def contact_sheet(items: pd.DataFrame) -> str:
    """Reading of the contact sheet: the share of photos with a plain background, on which colour can be measured."""
    plain = float((items["uneven_border"] <= PLAIN).mean())
    if plain >= 0.9:
        return f"{percent(plain)} of the photos have a plain background, so the garment's colour can be measured."
    return (
        f"Only {percent(plain)} of the photos have a plain background; on the others some of it is measured as "
        "garment, and notebook 3 lists the worst."
    )


def counts(items: pd.DataFrame, column: str, plural: str) -> str:
    """Reading of a column's counts: how evenly its classes are filled, and how many are too small to fill a list.

    Parameters
    ----------
    items : DataFrame
    column, plural : str
        Such as `category` and `categories`.
    """
    sizes = items[column].value_counts()
    if len(sizes) < 2:
        return ""
    small = int((sizes < ENOUGH).sum())
    short = (
        f"{counted(small, column, plural)} of {len(sizes):,} {'has' if small == 1 else 'have'} fewer than {ENOUGH} "
        "items: "
        f"their lists must include other {plural}."
        if small
        else ""
    )
    if sizes.iloc[0] <= EVEN * sizes.iloc[-1]:
        frequent = (
            f"have {counted(sizes.iloc[0], 'item')} each"
            if sizes.iloc[0] == sizes.iloc[-1]
            else f"are about equally frequent, from {sizes.iloc[-1]:,} to {sizes.iloc[0]:,} items"
        )
        return joined(f"The {len(sizes):,} {plural} {frequent}, so a mean over items represents all of them.", short)
    if sizes.iloc[0] < LEADS * sizes.median():
        return short
    share = sizes.iloc[0] / len(items)
    return joined(
        f"{word(sizes.index[0])} alone holds {percent(share)} of the items, {sizes.iloc[0] / sizes.median():.1f} times "
        f"the median {column}'s, so it weighs most in a mean over items.", short,
    )  # fmt: skip


def colour_by_department(items: pd.DataFrame) -> str:
    """Reading of colour by department: the colour most over-represented in a department, where that is significant."""
    table = pd.crosstab(items["department"], items["colour"])
    observed, total = table.to_numpy(), len(items)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / total
    residual = (observed - expected) / np.sqrt(np.maximum(expected, 1e-9))
    residual[observed < ENOUGH] = 0
    row, column = np.unravel_index(int(residual.argmax()), residual.shape)
    if min(table.shape) < 2 or residual[row, column] < NO_ACCIDENT:
        return ""
    own, usual = observed[row, column] / observed[row].sum(), observed[:, column].sum() / total
    return (
        f"{word(table.columns[column])} stands out: it is the colour of {percent(own)} of {word(table.index[row])} and "
        f"of {percent(usual)} of the catalogue. So the department gives a hint of the colour; the check of "
        "colour and department below says how strong."
    )


def photo_sizes(items: pd.DataFrame, rule: str) -> str:
    """Reading of the photo sizes: the most frequent size, and what the network's square input does to the photos.

    Parameters
    ----------
    items : DataFrame
    rule : str
        A key of `checks.SQUARED`; empty where no photo is made square.
    """
    sizes = items.groupby(["width", "height"]).size().sort_values(ascending=False)
    (width, height), share = sizes.index[0], sizes.iloc[0] / len(items)
    if len(sizes) == 1:
        square = f", so the network's square input {squared(rule, width, height, True)}" if rule else ""
        return f"All {len(items):,} photos are {width} × {height} pixels{square}."
    square = f"; the network's square input {squared(rule, width, height, False)}" if rule else ""
    return (
        f"The most frequent of {len(sizes):,} sizes, {width} × {height} pixels, is that of {percent(share)} of the "
        f"photos{square}."
    )


def words_and_photos(by_word: pd.DataFrame) -> str:
    """Reading of words against photos: how many words' photos show the listed colour, and the word furthest from it."""
    if len(by_word) < 2:
        return ""
    far = by_word.loc[by_word["median_distance"].idxmax()]
    near = int((by_word["median_distance"] <= SHADE).sum())
    claim = (
        f"For {near} of {len(by_word)} words the median photo is within a shade (ΔE {SHADE:.0f}) of the list's colour."
    )
    if far["median_distance"] <= SHADE:
        return claim
    return joined(
        claim, f"{word(far['colour'])} is furthest, at {far['median_distance']:.0f}: later figures draw such a "
        "word in the colour of the catalogue's own garments, not in the list's.",
    )  # fmt: skip


def doubtful_labels(doubtful: pd.DataFrame, items: int) -> str:
    """Reading of the doubtful labels: how many items are in doubt, and a word that at least a third of them share."""
    if not len(doubtful):
        return ""
    claim = f"{counted(len(doubtful), 'item')} of {items:,} ({percent(len(doubtful) / items)}) are in doubt."
    words = doubtful["colour"].value_counts()
    if words.iloc[0] < 3 or words.iloc[0] < len(doubtful) / 3:
        return claim
    return joined(
        claim, f"{words.iloc[0]:,} of them are called {word(words.index[0])}: check how that word is used before "
        "the items.",
    )  # fmt: skip


def account(read: int, items: int, dropped: int, not_taken: int, further: int = 0) -> str:
    """Reading of the table's rows: how many became items, and what happened to the others; the numbers add up.

    Parameters
    ----------
    read, items, dropped, not_taken : int
    further : int
        Rows joined to an item as further photos.

    Examples
    --------
    >>> account(10_040, 2_999, 61, 6_980)
    '2,999 items of 10,040 rows: 61 dropped, each with its reason, and 6,980 not drawn for this run'
    >>> account(10, 10, 0, 0)
    '10 items of 10 rows: none dropped'
    >>> account(15, 10, 2, 0, 3)
    '10 items of 15 rows: 2 dropped, each with its reason, and 3 joined to an item as further photos'
    """
    lost = f"{dropped:,} dropped, each with its reason" if dropped else "none dropped"
    joins = f", and {further:,} joined to an item as further photos" if further else ""
    drawn = f", and {not_taken:,} not drawn for this run" if not_taken else ""
    return f"{items:,} items of {read:,} rows: {lost}{joins}{drawn}"


def findings(counts: Counts, joined: Joined, audit: Audit) -> list[str]:
    """The findings of notebook 01, its answer first."""
    checks, items, doubtful = audit.checks, len(joined.items), len(audit.doubtful)
    failed = [check for check in checks if not check.passed]
    rows = account(counts.read, items, len(joined.cleaning.rejected), counts.not_taken, counts.joined)
    lines = [f"**The study has {rows}.**"]
    if failed:
        lines.append(
            f"**{len(failed)} of {len(checks)} assumptions fail:** "
            + " ".join(f"{check.name.capitalize()}: {check.meaning}" for check in failed)
        )
    else:
        lines.append(f"**All {len(checks)} assumptions hold** that later notebooks rely on.")
    if joined.all_measured:
        lines.append("**Colours were measured from the photos,** so agreement in colour is no finding in this report.")
    elif doubtful:
        lines.append(
            f"**Photos contradict the colour word of {counted(doubtful, 'item')}** "
            f"({percent(doubtful / items)}); they are listed, not changed."
        )
    else:
        lines.append("**No photo contradicts its colour word.**")
    association = next((check for check in failed if check.name == "colour and department"), None)
    if association:
        lines.append(
            f"**Colour follows department** (Cramér's V {decimal(association.value)}), so part of every gain in colour "
            "comes with the right department."
        )
    return lines
