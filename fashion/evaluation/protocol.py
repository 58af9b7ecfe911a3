"""Evaluation protocol: every method gets the same queries, galleries, measures and intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fashion.core.errors import SettingsError
from fashion.evaluation import metrics, relevance
from fashion.evaluation.relevance import BOTH, matches, random_neighbours
from fashion.evaluation.statistics import holm, mean_where_defined, paired_difference
from fashion.neighbours.exact import normalise, top_k
from fashion.neighbours.joined import Joined, Rows

Float = NDArray[np.float64]

Int = NDArray[np.integer]

#: A method: query vectors and gallery vectors, two tables (n, d), one row an item.
Method = tuple[ArrayLike, ArrayLike]


class Methods(Mapping[str, Method]):
    """Methods by name, in the order of the tables: a method's vectors are made when it is asked for.

    Parameters
    ----------
    makers : mapping of str to callable
        Name -> what makes the method. Nothing is kept, so one method's vectors at a time are in memory.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Method]]) -> None:
        self._makers = dict(makers)

    def __getitem__(self, name: str) -> Method:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


#: (method, gallery, measure, label) -> one number a query.
Scores = dict[tuple[str, str, str, str], Float]

RANDOM, CEILING = "random", "ceiling, true words"

#: Label of the graded measures, which compare whole descriptions.
DESCRIPTION = "description"

AVERAGE_PRECISION, CORRELATION = "MAP@R", "rank correlation"

#: Random changes of signs in a paired test, and the smallest p-value that they can give.
SIGN_FLIPS = 10_000
LEAST_P = 1 / (SIGN_FLIPS + 1)


def with_both(items: pd.DataFrame) -> pd.DataFrame:
    """The items with a column "category and colour": both words, missing where one is."""
    known = items["category"].notna() & items["colour"].notna()
    words = (items["category"].astype(str) + "\n" + items["colour"].astype(str)).astype(object)
    words[~known] = None
    return items.assign(**{BOTH: words})


def side_by_side(first: ArrayLike, *others: ArrayLike, centre: ArrayLike = 0.0) -> Joined:
    """Embeddings side by side with equal weight, each scaled to length 1; shape (n, sum of d).

    The cosine of two such rows is the mean of the embeddings' cosines.

    Parameters
    ----------
    first, *others : arrays, shapes (n, d)
    centre : array, shape (d,)
        Taken from the first one's rows before they are scaled.
    """

    def scaled(table: ArrayLike, centre: ArrayLike = 0.0) -> Callable[[Rows], NDArray[np.float32]]:
        return lambda rows: normalise(np.asarray(table)[rows] - np.asarray(centre))

    return Joined(len(np.asarray(first)), scaled(first, centre), *(scaled(table) for table in others))


def same_words(items: pd.DataFrame, looks: ArrayLike, columns: Sequence[str] = ("category", "colour")) -> Method:
    """Items of the query's own words first, and among equally many words the cosine of looks decides.

    Parameters
    ----------
    items : DataFrame
        With the columns.
    looks : array of float, shape (n, d)
        Such as the frozen embedding.
    columns : sequence of str
        Each counts as much as the looks can differ, so that they decide among equally many words alone.
    """

    def said(column: str) -> Callable[[Rows], NDArray[np.float32]]:
        codes, count = _codes(items[column])
        return lambda rows: np.eye(count, dtype=np.float32)[codes[rows]]

    half = np.float32(0.5)
    table = Joined(len(items), *map(said, columns), lambda rows: half * normalise(np.asarray(looks)[rows]))
    return table, table


def _codes(words: pd.Series) -> tuple[Int, int]:
    """A column's words as numbers, and how many there are; missing words are one of them."""
    codes, unique = pd.factorize(words, use_na_sentinel=False)
    return codes, len(unique)


def best_possible(
    items: pd.DataFrame, queries: ArrayLike, gallery: ArrayLike, k: int, columns: Sequence[str]
) -> pd.DataFrame:
    """The largest Precision@k that any method can reach, by column: min(R, k) / k, shape (q, columns).

    R is the number of gallery items, without the query, that have its word. A method that knew every true word
    would reach it; no one list of k need reach it in all columns.
    """
    both = with_both(items)
    counts = {column: relevance.relevant_in_gallery(both, queries, gallery, column) for column in columns}
    return pd.DataFrame({column: np.minimum(count, k) / k for column, count in counts.items()})


@dataclass
class Protocol:
    """Queries, galleries and measures; `run` scores methods by them.

    Attributes
    ----------
    items : DataFrame
        The items table.
    queries : ndarray of int, shape (q,)
        Rows of the queries.
    galleries : dict of str to ndarray of int
        Name -> rows that may be recommended.
    k : int
        Recommendations for each query.
    seed : int
        Of random recommendations, of the draws below and of the bootstrap.
    lab : ndarray, shape (n, 3)
        CIELAB of each item's colour, for graded gains.
    columns : sequence of str
        Labels to compare; "category and colour" is added.
    deep : int
        Largest number of `queries`, drawn at random, for the measures that need whole rankings.
    sampled : int
        Largest number of gallery items, drawn at random, for the rank correlation.
    """

    items: pd.DataFrame
    queries: Int
    galleries: Mapping[str, Int]
    k: int
    seed: int
    lab: ArrayLike
    columns: Sequence[str] = ("department", "category", "colour")
    deep: int = 500
    sampled: int = 1000
    recommended: dict[tuple[str, str], Int] = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)

    def __post_init__(self) -> None:
        smallest = min(map(len, self.galleries.values()))
        if smallest <= self.k:
            raise SettingsError(
                f"expected more than k = {self.k} items in every gallery; found {smallest}. Use a smaller K or more "
                "items."
            )
        random = np.random.default_rng(self.seed)
        #: Indices into `queries` of those whose whole rankings are scored.
        self.deep_places = np.sort(random.permutation(len(self.queries))[: self.deep])
        self._deep = self.queries[self.deep_places]
        self._ideal = {
            name: relevance.ideal_gains(self.items, self.queries, gallery, self.k, self.lab)
            for name, gallery in self.galleries.items()
        }
        self._drawn: dict[str, Int] = {}
        self._gains: dict[str, Float] = {}
        for name, gallery in self.galleries.items():
            others = np.flatnonzero(~np.isin(gallery, self._deep))  # no query among them
            drawn = np.sort(random.permutation(others)[: self.sampled])
            rows = np.broadcast_to(gallery[drawn], (len(self._deep), len(drawn)))
            self._drawn[name] = drawn
            self._gains[name] = relevance.graded_relevance(self.items, self._deep, rows, self.lab)
        both = with_both(self.items)
        self._codes = {column: pd.factorize(both[column])[0] for column in ("category", BOTH)}

    @property
    def terms(self) -> str:
        """Queries and galleries in a sentence."""
        return (
            f"{len(self.queries):,} query items unseen in training, each against the {len(self.items) - 1:,} other "
            "items; 95% bootstrap intervals over queries."
        )

    @property
    def wanted(self) -> list[str]:
        """The labels and their combination."""
        return [*self.columns, BOTH]

    def run(self, methods: Mapping[str, Method]) -> Scores:
        """Score chance, every method and the ceiling, with one method's vectors in memory at a time.

        `recommended` keeps the recommendations, (method, gallery) -> rows (q, k); the ceiling has none.

        Returns
        -------
        dict
            Also kept as `scores`.
        """
        random = np.random.default_rng(self.seed)
        for name, gallery in self.galleries.items():
            recommended = random_neighbours(self.queries, gallery, self.k, self.seed)
            self._score(RANDOM, name, recommended, random.random((len(self._deep), len(gallery)), np.float32))
        for method in methods:
            self._run(method, *methods[method])
        for name in self.galleries:
            self._score_ceiling(name)
        return self.scores

    def _run(self, method: str, query_table: ArrayLike, gallery_table: ArrayLike) -> None:
        unit = normalise(gallery_table)
        same = query_table is gallery_table
        vectors = unit[self.queries] if same else normalise(np.asarray(query_table)[self.queries])
        cosine = metrics.similarities(vectors[self.deep_places], unit)
        for name, gallery in self.galleries.items():
            rows = None if len(gallery) == len(unit) else gallery  # the whole table needs no copy
            recommended = top_k(unit, self.k, self.queries, rows, query_vectors=vectors, assume_unit=True)[0]
            self._score(method, name, recommended, cosine[:, gallery])

    def _score(self, method: str, name: str, recommended: Int, cosine: NDArray[np.float32]) -> None:
        self.recommended[method, name] = recommended

        def keep(measure: str, column: str, values: ArrayLike) -> None:
            self.scores[method, name, measure, column] = np.asarray(values, np.float64)

        matching = matches(self.items, recommended, self.queries, self.columns)
        scored = {column: metrics.precision_and_success(hits, (1, self.k)) for column, hits in matching.items()}
        for measure in scored[BOTH]:
            for column in self.wanted:
                keep(measure, column, scored[column][measure])
        gains = relevance.graded_relevance(self.items, self.queries, recommended, self.lab)
        keep(f"nDCG@{self.k}", DESCRIPTION, metrics.ndcg_at_k(gains, self._ideal[name]))
        gallery = self.galleries[name]
        keep(CORRELATION, DESCRIPTION, metrics.rank_correlations(cosine[:, self._drawn[name]], self._gains[name]))
        itself = self._deep[:, np.newaxis] == gallery
        ranked = np.where(itself, -np.inf, cosine)
        for column in self._codes:
            keep(
                AVERAGE_PRECISION, column, metrics.average_precisions(ranked, self._relevant(column, gallery) & ~itself)
            )

    def _relevant(self, column: str, gallery: Int) -> NDArray[np.bool_]:
        own = self._codes[column][self._deep][:, np.newaxis]
        return np.asarray((self._codes[column][gallery] == own) & (own >= 0))

    def _score_ceiling(self, name: str) -> None:
        """Score true words on both sides: the best that this gallery allows."""
        best = best_possible(self.items, self.queries, self.galleries[name], self.k, self.wanted)
        for column in self.wanted:
            self.scores[CEILING, name, f"Precision@{self.k}", column] = best[column].to_numpy()
            for shown in dict.fromkeys((1, self.k)):
                reached = np.asarray(best[column] > 0, np.float64)
                self.scores[CEILING, name, f"Success@{shown}", column] = reached
        # The other measures are relative to the best possible: 1, and undefined where they are for everyone.
        for measure, column in ((f"nDCG@{self.k}", DESCRIPTION), (CORRELATION, DESCRIPTION),
                                *((AVERAGE_PRECISION, column) for column in self._codes)):  # fmt: skip
            chance = self.scores[RANDOM, name, measure, column]
            self.scores[CEILING, name, measure, column] = np.where(np.isfinite(chance), 1.0, np.nan)

    def table(self, scores: Scores | None = None) -> pd.DataFrame:
        """Every score's mean over queries with its 95% bootstrap interval.

        Queries for which a measure is undefined (no gallery item has their word) are left out of it.

        Returns
        -------
        DataFrame
            `method`, `gallery`, `measure`, `column`, `mean`, `low`, `high`, `queries`.
        """
        lines = []
        for (method, gallery, measure, column), values in (scores or self.scores).items():
            about = {"method": method, "gallery": gallery, "measure": measure, "column": column}
            lines.append(about | mean_where_defined(values, self.seed))
        return pd.DataFrame(lines)


def paired_tests(
    scores: Scores, method: str, others: Iterable[str], questions: Iterable[tuple[str, str, str]], seed: int
) -> pd.DataFrame:
    """Paired tests of one method against others, on the same queries; the whole table is one family of tests.

    Parameters
    ----------
    scores : dict
        From `Protocol.run`.
    method : str
    others : iterable of str
    questions : iterable of (gallery, measure, column)
    seed : int

    Returns
    -------
    DataFrame
        `gallery`, `measure`, `column`, `against`, `difference` (method less the other), `low`, `high` (95%
        interval), `p` (sign flips), `p_holm` (`holm` over the whole table).
    """
    cells, lines = list(questions), []
    for other in others:
        for gallery, measure, column in cells:
            first, second = (scores[name, gallery, measure, column] for name in (method, other))
            defined = np.isfinite(first) & np.isfinite(second)
            gain = paired_difference(first[defined], second[defined], seed, resamples=SIGN_FLIPS)
            about = {"gallery": gallery, "measure": measure, "column": column, "against": other}
            lines.append(about | {"difference": gain.mean, "low": gain.low, "high": gain.high, "p": gain.p_value})
    table = pd.DataFrame(lines)
    return table.assign(p_holm=holm(table["p"]) if len(table) else [])
