"""Checks of the study's assumptions, each with a limit and what its outcome means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.swatches import LEAST_GARMENTS
from fashion.core.colour import delta_e, distances_to_words, hex_to_lab, lab_to_hex
from fashion.core.numerals import apart, decimal, ordinal_word, p_value, percent


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
        """The same values as a dictionary, for JSON."""
        return asdict(self)


def checks_table(checks: Sequence[Check]) -> pd.DataFrame:
    """The checks as a table for people."""
    rows = []
    for check in checks:
        value, limit = apart(check.value, check.threshold)
        rows.append({
            "check": check.name, "question": check.question, "measured": f"{check.statistic} = {value or 'none'}",
            "limit": limit, "holds": "yes" if check.passed else "NO",
        })  # fmt: skip
    return pd.DataFrame(rows)


def check_schema(items: pd.DataFrame) -> Check:
    """Check that the items table has the columns, kinds and ranges that later notebooks rely on (by pandera)."""
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
        "edge_width": pa.Column(float, pa.Check.ge(1)),
        "darkest": pa.Column(float, pa.Check.in_range(0, 100.01)),
        "lightest": pa.Column(float, pa.Check.in_range(0, 100.01)),
        "uneven_border": pa.Column(float, pa.Check.in_range(0, 1)),
    })  # fmt: skip
    try:
        schema.validate(items, lazy=True)
        cases = 0
        meaning = "Every column has the kind and range that later notebooks rely on."
    except SchemaErrors as error:
        failures = error.failure_cases
        cases = len(failures)
        first = "; ".join(
            f"{row['column']}: {row['check']} ({row['failure_case']})" for _, row in failures.head(3).iterrows()
        )
        meaning = f"{cases} values break the schema ({first}); results that rest on them are not to be trusted."
    return Check(
        "schema",
        "Does the table have the columns and values that later notebooks rely on?",
        "violations",
        cases,
        0,
        cases == 0,
        meaning,
    )


def check_class_balance(items: pd.DataFrame, column: str, threshold: float = 0.75) -> Check:
    """Check that the classes of `column` are about equally frequent.

    The effective number of classes, exp(H) with H the entropy (Hill 1973), as a share of their number: 1 for equal
    classes; below `threshold` the larger classes carry any mean over items.
    """
    counts = items[column].value_counts()
    share = counts.to_numpy() / max(counts.sum(), 1)
    effective = float(np.exp(-(share * np.log(share)).sum()) / len(share)) if len(share) > 1 else 0.0
    passed = effective >= threshold
    extremes = f"{len(counts)} classes"
    if len(counts):
        extremes += f", largest {counts.index[0]!r} with {counts.iloc[0]:,}"
        extremes += f", smallest {counts.index[-1]!r} with {counts.iloc[-1]:,}"
    meaning = (
        f"{extremes}: means over items represent all classes."
        if passed
        else f"{extremes}: means over items mostly reflect the large ones; read the tables by class."
    )
    question, statistic = f"Is every {column} about equally frequent?", "effective classes, share of all"
    return Check(f"balance of {column}", question, statistic, effective, threshold, passed, meaning)


def cramers_v(table: NDArray[np.integer]) -> tuple[float, float, float]:
    """Chi-squared test of independence, with bias-corrected Cramer's V (Bergsma 2013).

    Returns
    -------
    chi_squared, p, v : float
        V is 0 for independence, 1 for a one-to-one relation.
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    rows, columns = table.shape
    if min(rows, columns) < 2:
        return (
            float("nan"),
            float("nan"),
            float("nan"),
        )  # nothing to compare: neither independent nor dependent
    from scipy import stats  # here: a query needs this module's constants, and no statistics

    chi_squared, p, _, _ = stats.chi2_contingency(table, correction=False)
    n = table.sum()
    phi = max(0.0, chi_squared / n - (rows - 1) * (columns - 1) / (n - 1))
    r, c = rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
    return float(chi_squared), float(p), float(np.sqrt(phi / max(min(r, c) - 1, 1e-12)))


def check_independence(items: pd.DataFrame, a: str = "colour", b: str = "department", threshold: float = 0.1) -> Check:
    """Check that `a` is independent of `b`, judged by V: with many items even a weak association is significant."""
    table = pd.crosstab(items[a], items[b]).to_numpy()
    chi_squared, p, v = cramers_v(table)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    small = float((expected < 5).mean())
    caution = ""
    if small > 0.2:
        caution = f" {percent(small)} of the cells expect fewer than 5 items, so the p-value is rough."
    if np.isnan(v):
        nothing = f"Fewer than two values of {a} or {b}: nothing can be said, and nothing rests on it."
        return Check(f"{a} and {b}", f"Is {a} independent of {b}?", "Cramér's V", v, threshold, False, nothing)
    passed = v <= threshold
    numbers = f"chi-squared {chi_squared:,.0f}, {p_value(p)}, V = {decimal(v)}.{caution}"
    meaning = (
        f"{numbers} Guessing the {a} from the {b} gains next to nothing."
        if passed
        else f"{numbers} A method that finds the {b} gets some {a} right for free, so compare with random "
        f"recommendations within each {b}."
    )
    return Check(f"{a} and {b}", f"Is {a} independent of {b}?", "Cramér's V", v, threshold, passed, meaning)


#: What a network's square input does to photos (rules of `framing.RULES`): to those of one size, to those of several.
SQUARED = {
    "stretch": (
        "distorts them all in the same way",
        "distorts garments differently, and shape may be mistaken for aspect",
    ),
    "crop": ("shows the same part of each", "leaves out a different part of each"),
    "pad": ("has the same border beside each", "has different borders, and shape may be mistaken for aspect"),
}


def squared(rule: str, width: int, height: int, alike: bool) -> str:
    """The effect of a network's square input on the photos, as the end of a sentence.

    Parameters
    ----------
    rule : str
        A key of `SQUARED`.
    width, height : int
        Most frequent size, pixels.
    alike : bool
        Nearly all photos have it.
    """
    return "leaves their shape as it is" if alike and width == height else SQUARED[rule][not alike]


def check_photo_sizes(items: pd.DataFrame, rule: str, threshold: float = 0.95) -> Check:
    """Check that nearly all photos have one size, and so one aspect, so that making them square treats them alike.

    Parameters
    ----------
    items : DataFrame
    rule : str
        A key of `SQUARED`; empty where vectors were given and no photo is made square.
    threshold : float
    """
    sizes = items.groupby(["width", "height"]).size().sort_values(ascending=False)
    share = float(sizes.iloc[0] / len(items))
    width, height = sizes.index[0]
    passed = share >= threshold
    square = f": the network's square input {squared(rule, width, height, passed)}" if rule else ""
    meaning = f"{'' if passed else 'only '}{percent(share)} are {width} × {height}{square}."
    question, statistic = "Are all photos the same size?", "share of the most frequent size"
    return Check("photo size", question, statistic, share, threshold, passed, meaning)


def check_near_duplicates(items: pd.DataFrame, pairs: pd.DataFrame, threshold: float = 0.02) -> Check:
    """Check that near-duplicates are rare; `pairs` holds them as `first`, `second`."""
    touched = len(np.unique(pairs[["first", "second"]].to_numpy())) if len(pairs) else 0
    share = touched / len(items) if len(items) else 0.0
    passed = share <= threshold
    meaning = (
        f"{touched:,} items have a near-duplicate: too few to change the results; the split keeps both on one side."
        if passed
        else f"{touched:,} items have a near-duplicate, and recommending it earns no credit: the split keeps both on "
        "one side."
    )
    question = "Are near-duplicate photos rare?"
    return Check("near-duplicates", question, "share of items that have one", share, threshold, passed, meaning)


#: CIEDE2000 beyond which a photo disagrees with its colour word: another colour, not another shade.
FAR = 20.0

#: And beyond this many times the median distance of the word's items, as some words cover more than others: three
#: standard deviations, were colours spread about a word as a normal cloud.
SPREAD = 2.0


def check_label_plausibility(
    items: pd.DataFrame, words: Mapping[str, str], threshold: float = 0.5, limit: float = FAR
) -> tuple[Check, pd.DataFrame]:
    """Check that garments' measured colours agree with their colour words.

    Parameters
    ----------
    items : DataFrame
    words : mapping of str to str
        Colour word -> `#rrggbb`, from `swatches.catalogue_swatches`, of one colour each.
    threshold : float
        Least share of items within `limit`.
    limit : float
        CIEDE2000 up to which photo and word agree.

    Returns
    -------
    Check
    DataFrame
        Items with `distance` (to their own word), `nearest_word`, `rank` of their own word among all (1 is
        best), and `limit`, the distance from which the label is doubtful (`doubtful_distance`); the one that is
        furthest beyond its limit first.
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
    table["limit"] = doubtful_distance(table["colour"], own, limit)
    share = float((own <= limit).mean()) if len(own) else 0.0
    passed = share >= threshold
    rank = ""
    if len(known):
        place = int(table["rank"].median())
        nearest = "nearest" if place == 1 else f"{ordinal_word(place)} nearest"
        rank = f"; for the median item its own word's swatch is the {nearest} of {len(words)}"
    near = f"{percent(share)} of the items lie within {limit:.0f} CIEDE2000 of their word{rank}"
    meaning = (
        f"{near}: colour words can be learned from photos."
        if passed
        else f"only {near}: agreement in colour words has a low ceiling."
    )
    question, statistic = "Do photos show the colour that their word names?", f"share within {limit:.0f} CIEDE2000"
    check = Check("colour words", question, statistic, share, threshold, passed, meaning)
    worst = (table["distance"] / table["limit"]).sort_values(ascending=False, kind="stable").index
    return check, table.loc[worst].reset_index(drop=True)


def doubtful_distance(colours: pd.Series, distances: NDArray[np.float64], limit: float = FAR) -> NDArray[np.float64]:
    """CIEDE2000 beyond which each item's label is doubtful, shape (n,): `limit`, or more where its word spreads more.

    That is `SPREAD` times the median distance of the word's items, which doubtful ones among them hardly move. Words of
    fewer than `LEAST_GARMENTS` items, whose swatch is a list's, share one median: a list's colours are purer than
    photos'.

    Parameters
    ----------
    colours : Series of str, length n
    distances : ndarray of float, shape (n,)
        Of each item to its word.
    limit : float
    """
    common = colours.map(colours.value_counts()).ge(LEAST_GARMENTS)
    spread = pd.Series(distances, colours.index).groupby(colours.where(common, "")).transform("median")
    return np.maximum(limit, SPREAD * spread.to_numpy(float))


def words_against_photos(items: pd.DataFrame, words: Mapping[str, str]) -> pd.DataFrame:
    """For each colour word of the items: its listed colour, the median colour of its photos, and the distance.

    `words` are from `swatches.listed_colours`: what a reader expects, and not what the catalogue shows.

    Returns
    -------
    DataFrame
        `colour`, `items`, `word_hex`, `photo_hex`, `median_distance` (median over the items of CIEDE2000 to
        the word), nearest first. Words that no list knows are left out.
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


@dataclass(frozen=True)
class Audit:
    """The study's assumptions, tested on one catalogue.

    Attributes
    ----------
    checks : tuple of Check
    pairs : DataFrame
        Candidates for near-duplicates, from `duplicates.candidate_pairs`.
    labels : DataFrame
        From `check_label_plausibility`: items by how far their photo is from their colour word.
    """

    checks: tuple[Check, ...]
    pairs: pd.DataFrame
    labels: pd.DataFrame

    @property
    def doubtful(self) -> pd.DataFrame:
        """The rows of `labels` that are beyond their limit."""
        return self.labels[self.labels["distance"] > self.labels["limit"]]

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for the results."""
        return {
            "checks": [check.as_dict() for check in self.checks],
            "pairs_of_equal_hash": len(self.pairs),
            "near_duplicate_pairs": int(self.pairs["near_duplicate"].sum()),
            "word_to_photo_median_ciede2000": float(self.labels["distance"].median()) if len(self.labels) else None,
            "doubtful_labels": len(self.doubtful),
        }


def audit(
    items: pd.DataFrame, pairs: pd.DataFrame, rule: str, labelled: pd.DataFrame, words: Mapping[str, str]
) -> Audit:
    """Test every assumption that makes sense for a catalogue.

    Not tested are the independence of department and colour where there is one department or one colour, and colour
    words where none is labelled.

    Parameters
    ----------
    items : DataFrame
    pairs : DataFrame
        From `duplicates.candidate_pairs`.
    rule : str
        As for `check_photo_sizes`.
    labelled : DataFrame
        The items whose colour word is the catalogue's own; none where colours were measured.
    words : mapping of str to str
        As for `check_label_plausibility`.
    """
    checks = [
        check_schema(items),
        check_class_balance(items, "colour"),
        check_class_balance(items, "category"),
        check_photo_sizes(items, rule),
        check_near_duplicates(items, pairs[pairs["near_duplicate"]]),
    ]
    if items["department"].nunique() > 1 and items["colour"].nunique() > 1:
        checks.append(check_independence(items, "colour", "department"))
    plausibility, labels = check_label_plausibility(labelled, words)
    if len(labels):
        checks.append(plausibility)
    return Audit(tuple(checks), pairs, labels)
