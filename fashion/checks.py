"""Assumption checks that can fail, and say what that means for what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from fashion.colour import delta_e, distances_to_words, hex_to_lab, lab_to_hex


@dataclass(frozen=True)
class Check:
    """One assumption, tested.

    Attributes
    ----------
    name, question : str
        What is tested.
    statistic : str
        What `value` is.
    value, threshold : float
        Measured, and the limit that decides.
    passed : bool
    meaning : str
        What the outcome means for what follows.
    """

    name: str
    question: str
    statistic: str
    value: float
    threshold: float
    passed: bool
    meaning: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def checks_table(checks: Sequence[Check]) -> pd.DataFrame:
    """The checks as a table for people."""
    return pd.DataFrame([
        {
            "check": check.name, "question": check.question, "measured": f"{check.statistic} = {check.value:.4g}",
            "limit": f"{check.threshold:.4g}", "holds": "yes" if check.passed else "NO",
        }
        for check in checks
    ])  # fmt: skip


def check_schema(items: pd.DataFrame) -> Check:
    """Does the items table have the columns, kinds and ranges that later notebooks rely on (by pandera)?"""
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    text = pa.Column(str, pa.Check.str_length(min_value=1))
    schema = pa.DataFrameSchema({
        "item": pa.Column(str, pa.Check.str_length(min_value=1), unique=True),
        "photo": text,
        "colour": text,
        "category": text,
        "department": text,
        "sha256": pa.Column(str, pa.Check.str_matches(r"^[0-9a-f]{64}$"), unique=True),
        "phash": pa.Column(str, pa.Check.str_matches(r"^[0-9a-f]{16}$")),
        "width": pa.Column(int, pa.Check.gt(0)),
        "height": pa.Column(int, pa.Check.gt(0)),
        "bytes": pa.Column(int, pa.Check.gt(0)),
        "garment_l": pa.Column(float, pa.Check.in_range(0, 100.01)),
        "garment_a": pa.Column(float, pa.Check.in_range(-128, 128)),
        "garment_b": pa.Column(float, pa.Check.in_range(-128, 128)),
    })  # fmt: skip
    try:
        schema.validate(items, lazy=True)
        cases = 0
        meaning = "Every column has the kind and range that later notebooks rely on."
    except SchemaErrors as error:
        failures = error.failure_cases
        cases = len(failures)
        first = "; ".join(f"{row['column']}: {row['check']} ({row['failure_case']})" for _, row in failures.head(3).iterrows())
        meaning = f"{cases} values break the schema ({first}); results that rest on them are not to be trusted."
    return Check("schema", "Is the table what later notebooks rely on?", "violations", cases, 0, cases == 0, meaning)


def check_class_balance(items: pd.DataFrame, column: str, threshold: float = 0.75) -> Check:
    """Are the classes of `column` about equally frequent?

    Normalised entropy H / log(c), 1 for equal classes, 0 for a single one; below `threshold` the largest classes
    carry any mean over items.
    """
    share = items[column].value_counts(normalize=True).to_numpy()
    entropy = float(-(share * np.log(share)).sum() / np.log(len(share))) if len(share) > 1 else 0.0
    passed = entropy >= threshold
    counts = items[column].value_counts()
    extremes = f"largest {counts.index[0]!r} with {counts.iloc[0]:,}, smallest {counts.index[-1]!r} with {counts.iloc[-1]:,}"
    meaning = (
        f"{len(counts)} classes, {extremes}: means over items speak for all classes alike."
        if passed
        else f"{len(counts)} classes, {extremes}: means over items speak for the large classes; read the tables by class."
    )
    name = f"balance of {column}"
    return Check(name, f"Is every {column} about equally frequent?", "normalised entropy", entropy, threshold, passed, meaning)


def cramers_v(table: NDArray[np.integer]) -> tuple[float, float, float]:
    """Chi-squared test of independence, with bias-corrected Cramer's V (Bergsma 2013).

    Returns
    -------
    chi_squared, p_value, v : float
        V is 0 for independence, 1 for a one-to-one relation.
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    rows, columns = table.shape
    if min(rows, columns) < 2:
        return 0.0, 1.0, 0.0
    chi_squared, p_value, _, _ = stats.chi2_contingency(table, correction=False)
    n = table.sum()
    phi = max(0.0, chi_squared / n - (rows - 1) * (columns - 1) / (n - 1))
    r, c = rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
    return float(chi_squared), float(p_value), float(np.sqrt(phi / max(min(r, c) - 1, 1e-12)))


def check_independence(items: pd.DataFrame, a: str = "colour", b: str = "department", threshold: float = 0.1) -> Check:
    """Is `a` independent of `b`? Judged by the strength (V), as with many items any small tie is significant."""
    table = pd.crosstab(items[a], items[b]).to_numpy()
    chi_squared, p_value, v = cramers_v(table)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    small = float((expected < 5).mean())
    caution = f" {small:.0%} of the cells expect fewer than 5 items, so the p-value is rough." if small > 0.2 else ""
    passed = v <= threshold
    numbers = f"chi-squared {chi_squared:,.0f}, p = {p_value:.2g}, V = {v:.3f}.{caution}"
    meaning = (
        f"{numbers} Guessing the {a} from the {b} gains next to nothing."
        if passed
        else f"{numbers} A method that finds the {b} gets some {a} right for free: compare with the random floor by {b}."
    )
    return Check(f"{a} and {b}", f"Is {a} independent of {b}?", "Cramér's V", v, threshold, passed, meaning)


def check_photo_sizes(items: pd.DataFrame, threshold: float = 0.95) -> Check:
    """Do nearly all photos have one size and so one aspect, so that squashing them to a square treats them alike?"""
    sizes = items.groupby(["width", "height"]).size().sort_values(ascending=False)
    share = float(sizes.iloc[0] / len(items))
    width, height = sizes.index[0]
    passed = share >= threshold
    meaning = (
        f"{share:.1%} are {width} × {height}: the network's square input distorts all alike."
        if passed
        else f"only {share:.1%} are {width} × {height}: the square input distorts garments differently, and shape "
        "may be mistaken for aspect."
    )
    return Check("photo size", "Have the photos one size?", "share of the commonest", share, threshold, passed, meaning)


def near_duplicates(items: pd.DataFrame, distance: int = 4) -> pd.DataFrame:
    """Pairs of items whose 64-bit perceptual hashes differ in at most `distance` bits: all of them, exactly.

    By the pigeonhole principle, of `distance` + 1 bands of the hash at least one is equal in such a pair: only
    items that share a band are compared, never all n^2 pairs. Items with the very same hash are compared through
    one of them, so that a bucket of featureless photos costs its size, not its square: each of its members is
    paired with the first.

    Returns
    -------
    DataFrame
        `first`, `second` (rows, first < second), `bits`.
    """
    hashes = np.array([int(text, 16) for text in items["phash"]], np.uint64)
    distinct, representative, group = np.unique(hashes, return_index=True, return_inverse=True)
    edges = np.linspace(0, 64, distance + 2).astype(int)
    candidates = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        mask = np.uint64((1 << int(high - low)) - 1)
        band = (distinct >> np.uint64(low)) & mask
        candidates.append(_equal_pairs(band, distinct, distance))
    pairs = np.unique(np.concatenate(candidates), axis=0) if candidates else np.empty((0, 2), int)
    bits = np.bitwise_count(distinct[pairs[:, 0]] ^ distinct[pairs[:, 1]])
    members = np.arange(len(hashes))
    same = members != representative[group]
    first = np.concatenate([representative[pairs[:, 0]], representative[group[same]]])
    second = np.concatenate([representative[pairs[:, 1]], members[same]])
    table = pd.DataFrame({
        "first": np.minimum(first, second), "second": np.maximum(first, second),
        "bits": np.concatenate([bits, np.zeros(int(same.sum()), bits.dtype)]).astype(np.int64),
    })  # fmt: skip
    return table.sort_values(["first", "second"]).reset_index(drop=True)


def _equal_pairs(band: NDArray[np.uint64], hashes: NDArray[np.uint64], distance: int) -> NDArray[np.intp]:
    """Pairs of places with an equal band and hashes at most `distance` bits apart, shape (p, 2)."""
    order = np.argsort(band, kind="stable")
    starts = np.flatnonzero(np.diff(band[order], prepend=band[order][:1] ^ np.uint64(1)))
    found = [np.empty((0, 2), np.intp)]
    for bucket in np.split(order, starts[1:]):
        for place in range(len(bucket) - 1):
            rest = bucket[place + 1 :]
            near = np.bitwise_count(hashes[rest] ^ hashes[bucket[place]]) <= distance
            if near.any():
                others = rest[near]
                mine = np.full(len(others), bucket[place])
                found.append(np.stack([np.minimum(mine, others), np.maximum(mine, others)], axis=1))
    return np.concatenate(found)


def check_near_duplicates(items: pd.DataFrame, pairs: pd.DataFrame, threshold: float = 0.02) -> Check:
    """Are photos that show nearly the same picture rare?"""
    touched = len(np.unique(pairs[["first", "second"]].to_numpy())) if len(pairs) else 0
    share = touched / len(items)
    passed = share <= threshold
    meaning = (
        f"{touched:,} items have a near-duplicate: they can hardly flatter the figures; the split keeps them on one side all the same."
        if passed
        else f"{touched:,} items have a near-duplicate: finding it is no merit, so the split must keep such items on one side."
    )
    question = "Are nearly equal photos rare?"
    return Check("near-duplicates", question, "share of items that have one", share, threshold, passed, meaning)


def check_label_plausibility(
    items: pd.DataFrame, words: Mapping[str, str], threshold: float = 0.5, limit: float = 20.0
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
    rank = f"; a word's own swatch is on median the {int(table['rank'].median())}. nearest of {len(words)}" if len(known) else ""
    meaning = (
        f"{share:.0%} of the items lie within {limit:.0f} CIEDE2000 of their word{rank}: colour words can be learned from photos."
        if passed
        else f"only {share:.0%} of the items lie within {limit:.0f} CIEDE2000 of their word{rank}: agreement in colour words has a low ceiling."
    )
    check = Check("colour words", "Do photos show the colour that their word names?", f"share within {limit:.0f} CIEDE2000",
                  share, threshold, passed, meaning)  # fmt: skip
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
