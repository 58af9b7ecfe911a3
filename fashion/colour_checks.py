"""Do an item's colour word and its photo agree?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fashion.checks import Check
from fashion.colour import delta_e, distances_to_words, hex_to_lab, lab_to_hex

#: CIEDE2000 beyond which a photo disagrees with its colour word: another colour, not another shade.
FAR = 20.0


def check_label_plausibility(
    items: pd.DataFrame, words: Mapping[str, str], threshold: float = 0.5, limit: float = FAR
) -> tuple[Check, pd.DataFrame]:
    """Does the garment's measured colour agree with its colour word?

    Parameters
    ----------
    items : DataFrame
    words : mapping of str to str
        Colour word -> `#rrggbb`.
    threshold : float
        Least share of items within `limit`.
    limit : float
        CIEDE2000 up to which photo and word agree.

    Returns
    -------
    Check
    DataFrame
        Items with `distance` (to their own word), `nearest_word` and `rank` of their own word among all (1 is
        best), the worst first.
    """
    known = items[items["colour"].isin(list(words))]
    lab = known[["garment_l", "garment_a", "garment_b"]].to_numpy(float)
    own = delta_e(lab, hex_to_lab([words[colour] for colour in known["colour"]])) if len(known) else np.empty(0)
    table = known[["item", "photo", "colour", "category", "department"]].copy()
    table["distance"] = own
    if len(known):
        distances = distances_to_words(lab, words)
        names = np.array(list(words))
        table["nearest_word"] = names[distances.argmin(axis=1)]
        table["rank"] = (distances < own[:, None] - 1e-9).sum(axis=1) + 1
    share = float((own <= limit).mean()) if len(own) else 0.0
    passed = share >= threshold
    rank = (
        f"; a word's own swatch is on median the {int(table['rank'].median())}. nearest of {len(words)}"
        if len(known)
        else ""
    )
    near = f"{share:.0%} of the items lie within {limit:.0f} CIEDE2000 of their word{rank}"
    meaning = (
        f"{near}: colour words can be learned from photos."
        if passed
        else f"only {near}: agreement in colour words has a low ceiling."
    )
    question, statistic = "Do photos show the colour that their word names?", f"share within {limit:.0f} CIEDE2000"
    check = Check("colour words", question, statistic, share, threshold, passed, meaning)
    return check, table.sort_values("distance", ascending=False).reset_index(drop=True)


def words_against_photos(items: pd.DataFrame, words: Mapping[str, str]) -> pd.DataFrame:
    """For each colour word of the items: its swatch, the median colour of its photos, and the distance.

    Returns
    -------
    DataFrame
        `colour`, `items`, `word_hex`, `photo_hex`, `median_distance` (median over the items of CIEDE2000 to
        the word), nearest first. Words without a swatch are left out.
    """
    lines = []
    for word, group in items[items["colour"].isin(list(words))].groupby("colour"):
        lab = group[["garment_l", "garment_a", "garment_b"]].to_numpy(float)
        lines.append({
            "colour": word,
            "items": len(group),
            "word_hex": words[str(word)],
            "photo_hex": lab_to_hex(np.median(lab, axis=0)),
            "median_distance": float(np.median(delta_e(lab, hex_to_lab(words[str(word)])))),
        })  # fmt: skip
    columns = ["colour", "items", "word_hex", "photo_hex", "median_distance"]
    return pd.DataFrame(lines, columns=columns).sort_values("median_distance").reset_index(drop=True)
