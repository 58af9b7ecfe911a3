"""Search in a catalogue: the items most similar to a query, with filters and reasons."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.layout import Layout, require_present
from fashion.catalogue.swatches import swatches_of
from fashion.core.bounds import COUNTS, check_share, check_weight, check_whole
from fashion.core.defaults import COLOUR_WEIGHT, LIST_LENGTH, LOOKS_WEIGHT, Preferences
from fashion.core.errors import ArtefactError
from fashion.core.workspace import Workspace
from fashion.neighbours.approximate import APPROXIMATE_FROM, ApproximateIndex, open_index
from fashion.neighbours.duplicates import joined_groups
from fashion.neighbours.exact import Neighbours, cosines, normalise, top_k
from fashion.neighbours.mapped import mapped_vectors
from fashion.recommendation.changes import EMBEDDINGS, Present, load
from fashion.recommendation.feedback import described_together, moved
from fashion.recommendation.filters import DESCRIPTION, QueryError, Where, both
from fashion.recommendation.fusion import DAMPING, reciprocal_rank_fusion
from fashion.recommendation.item_names import ItemNames
from fashion.recommendation.queries import Query, no_words, reworded, words_query
from fashion.recommendation.reading import Reader
from fashion.recommendation.reasons import answer_table, reasons, similarity_parts
from fashion.recommendation.reranking import first_of_each, maximal_marginal_relevance
from fashion.recommendation.search_engine import Allowed, ExactSearch, SearchEngine, WordScores
from fashion.recommendation.text_search import FreeText, free_text_of

#: Share of the texts' words in a score beside the catalogue's own words, which have the rest.
TEXTS_WEIGHT = 0.5

#: Decimals by which similarities of items with the same words agree, whatever the order of their sums.
SAME = 4


@dataclass(frozen=True)
class Recommender:
    """A catalogue's items with the unit vectors of one embedding.

    Attributes
    ----------
    items : DataFrame
        The items table, index 0..n-1.
    vectors : ndarray of float32, shape (n, d)
        Unit rows in the table's order.
    layout : Layout or None
        Of the dimensions, where the embedding has parts of words and of looks.
    groups : ndarray of int, shape (n,), or None
        Near-duplicates share a number.
    colour_weight : float
        Share of the colour beside the category where a query gives none.
    looks_weight : float
        Share of the looks in the similarity where a query gives none.
    index : ApproximateIndex or None
        Of the first rows of `vectors`; None where every search is exact.
    columns : ndarray of float32, shape (d, n), or None
        The dimensions of `vectors` as rows, if available.
    searched_by : SearchEngine or None
        What finds the nearest rows; exact search in `vectors`, or by `index`, where none is given.
    k : int
        Items in a list where a query gives no number.
    language : str
        The catalogue's, as a code.
    free_text : FreeText or None
        The text tower of the report's encoder, where it has one.
    lists : ndarray of int32, shape (n, m), or None
        Each item's nearest neighbours under the usual weights, which answer in place of a search (`neighbour_lists`).
    """

    items: pd.DataFrame
    vectors: NDArray[np.float32]
    layout: Layout | None = None
    groups: NDArray[np.int64] | None = None
    colour_weight: float = COLOUR_WEIGHT
    looks_weight: float = LOOKS_WEIGHT
    index: ApproximateIndex | None = None
    k: int = LIST_LENGTH
    language: str = "en"
    searched_by: SearchEngine | None = None
    columns: NDArray[np.float32] | None = None
    free_text: FreeText | None = None
    lists: NDArray[np.int32] | None = None

    def __repr__(self) -> str:
        return f"Recommender({len(self.items):,} items, {self.vectors.shape[1]} dimensions)"

    @classmethod
    def from_workspace(
        cls,
        workspace: Workspace,
        embedding: str = "described",
        colour_weight: float | None = None,
        looks_weight: float | None = None,
        *,
        added: bool = True,
        approximate: bool | None = None,
        mapped: bool = False,
        place: str | Path | None = None,
    ) -> Recommender:
        """Open a report.

        Parameters
        ----------
        workspace : Workspace
        embedding : str
            "described" (photo and the items' own words), "learned" (photo alone) or "frozen".
        colour_weight : float, optional
            Share of the colour beside the category, 0 (category alone) to 1 (colour alone); the report's if not given.
        looks_weight : float, optional
            Share of the looks in the similarity, 0 (words alone) to 1 (looks alone); the report's if not given.
            Nothing is trained again for either.
        added : bool
            With the changes since (`changes.Present`); a report's own notebooks answer without them.
        approximate : bool, optional
            Search without a filter by an approximate index (`neighbours.approximate`), built when it is first needed;
            if not given, from `approximate.APPROXIMATE_FROM` items on. Filtered searches are exact either way.
        mapped : bool
            Keep the unit vectors in files beside the report's, memory-mapped: processes share them.
        place : str or Path, optional
            Of an encoder from disk its folder, where it has moved since the report.

        Raises
        ------
        ArtefactError
            When there is no report yet, or its table and vectors do not fit together.
        QueryError
            For a weight outside 0-1, or with the frozen embedding, which has no colour part.
        """
        if embedding not in EMBEDDINGS:
            raise QueryError(
                f"expected one of {', '.join(EMBEDDINGS)} as the embedding; found {embedding!r}. Name one of them."
            )
        own, vectors = workspace.items(), workspace.vectors(embedding)
        record = workspace.json("backbone" if embedding == "frozen" else "attributes")
        if len(own) != len(vectors) or record["items_checksum"] != workspace.items_checksum():
            raise ArtefactError(
                f"expected vectors of the {len(own)} items of {workspace.path('items.parquet')} in "
                f"{workspace.path(embedding + '.npy')}; found {len(vectors)} made for another table. "
                f"Run `{workspace.command}` again."
            )
        groups = workspace.table("split")["group"].to_numpy(np.int64)
        now = Present.of(own, load(workspace) if added else [])
        items = now.items if added else own
        if added:
            groups = joined_groups(groups, own["item"].tolist(), now.own, items)
        if embedding == "frozen" and not (colour_weight is looks_weight is None):
            raise no_such_parts()
        layout = None if embedding == "frozen" else read_layout(workspace)
        usual = Preferences.of_report(workspace)
        colour = check_weight("colour", usual.colour_weight if colour_weight is None else colour_weight, QueryError)
        looks = check_weight("looks", usual.looks_weight if looks_weight is None else looks_weight, QueryError)
        present, columns, index = now.array(embedding, vectors), None, None
        if mapped:
            unit, columns = mapped_vectors(present, workspace.processed, embedding)
        else:
            unit = normalise(present)
        if len(own) >= APPROXIMATE_FROM if approximate is None else approximate:
            index = open_index(unit if now.untouched else normalise(vectors), workspace.path(f"{embedding}.usearch"))
            if not now.untouched:
                index = index.now(unit, now.report_rows)
        language = str(workspace.json("source").get("language", "en"))
        free_text = None if layout is None else free_text_of(workspace, place, now)
        return cls(
            items, unit, layout, groups, colour, looks, index, usual.k, language, columns=columns, free_text=free_text
        )

    @cached_property
    def engine(self) -> SearchEngine:
        """The search engine that finds the nearest rows."""
        return self.searched_by or ExactSearch(self.vectors, self.layout, self.index, self.columns)

    @cached_property
    def names(self) -> ItemNames:
        """Rows of items by name."""
        return ItemNames(self.items)

    @cached_property
    def words_reader(self) -> Reader:
        """The reader of searches in words."""
        return Reader(self.items, self.layout.swatches if self.layout else {}, self.language, self.free_text)

    def prepare(self) -> None:
        """Make what the first queries would wait for."""
        _ = self.names, self._descriptions
        self.words_reader.prepare()
        self.engine.prepare()

    def item_query(self, item: str) -> Query:
        """The query of an item of the catalogue."""
        row = self.names.row(item)
        repeated = np.empty(0, np.intp) if self.groups is None else np.flatnonzero(self.groups == self.groups[row])
        return Query(item, self.raw_rows(slice(row, row + 1)), self._record(row), row, repeated)

    def words_query(self, text: str, like: Query | None = None) -> Query:
        """The query of words, alone or changing another one (`like`): "red dress"; "like this, in blue".

        An item's number among the words leads to the item.

        Raises
        ------
        QueryError
            Where no word means anything here, or with the frozen embedding, which knows no words.
        """
        if self.layout is None:
            raise no_words()
        if like is None and (item := self.words_reader.read(text).item):
            like = self.item_query(item)
        if like is None:
            return words_query(text, self.items, self.layout, self.words_reader)
        return reworded(like, text, self.items, self.layout, self.words_reader)

    def refined(self, query: Query | None, liked: Sequence[str] = (), disliked: Sequence[str] = ()) -> Query:
        """A query changed by items that are liked and disliked (`feedback`); none of them is returned.

        Parameters
        ----------
        query : Query or None
            What was asked before; without one the liked items together are the query.
        liked, disliked : sequence of str
            Items' names.

        Raises
        ------
        QueryError
            When no item has such a name, or there is neither a query nor a liked item.
        """
        good, bad = ([self.names.row(name) for name in names] for names in (liked, disliked))
        if query is None and not good:
            raise QueryError("expected at least one liked item alongside the disliked ones; found none. Add one.")
        if not bad and not good and query is not None:
            return query
        raw = self.raw_rows(np.array(good, np.intp)), self.raw_rows(np.array(bad, np.intp))
        if query is None:
            query = Query(" + ".join(liked), np.zeros((1, self.vectors.shape[1]), np.float32), {})
            if self.layout is None:  # alone, the liked items' mean is the direction
                query = replace(query, vectors=raw[0].mean(axis=0, keepdims=True))
        if query.row is not None:
            bad = [*bad, query.row]
        allowed = np.ones(len(self.items), bool) if query.allowed is None else query.allowed.copy()
        allowed[[*good, *bad]] = False
        records = self.items.iloc[good].to_dict("records")
        near = np.empty(0, np.intp)
        if self.groups is not None and good:
            near = np.flatnonzero(np.isin(self.groups, self.groups[good]))
        return replace(
            query, vectors=moved(query.vectors, *raw, self.layout), allowed=allowed, exact=None,
            description=described_together(query.description, records),
            near_duplicates=np.union1d(query.near_duplicates, near),
        )  # fmt: skip

    def nearest_of_all(self, k: int | None = None) -> Neighbours:
        """Rows and similarities of the k items most similar to each item, itself excluded; shapes (n, k)."""
        return self.nearest_of(np.arange(len(self.items)), k)

    def nearest_of(self, rows: NDArray[np.integer], k: int | None = None) -> Neighbours:
        """`nearest_of_all` for some rows: exact, whatever the engine; shapes (q, k)."""
        queries = self.usual_queries(rows)
        nearest, cosine = top_k(
            self.vectors, self.k if k is None else k, rows, query_vectors=normalise(queries), assume_unit=True
        )
        return nearest, np.clip(cosine * np.linalg.norm(queries, axis=1, keepdims=True), -1, 1)

    def usual_queries(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Items as queries with the usual weights, shape (q, d): products with the unit rows are similarities."""
        return self._scaled(self.raw_rows(rows), self._weights())

    def by_item(self, item: str, k: int | None = None, where: Where | None = None) -> pd.DataFrame:
        """The `k` items most similar to `item`, itself excluded; see `answer`."""
        return self.answer(self.item_query(item), k, where)

    def answer(
        self,
        query: Query,
        k: int | None = None,
        where: Where | None = None,
        *,
        colour_weight: float | None = None,
        looks_weight: float | None = None,
        among: NDArray[np.bool_] | None = None,
        hide_duplicates: bool = False,
        diversity: float = 0.0,
    ) -> pd.DataFrame:
        """The `k` items most similar to a query.

        Similarity is the cosine of the frozen vectors, or else (`attributes.layout`) the weighted mean of expected
        agreement, the chance that query and item share category, colour and each further word, and the cosine of their
        looks; less a correction for items that are near to everything (`neighbours.hubs`).

        Parameters
        ----------
        query : Query
            From `item_query`, `words_query` or `photo_query.PhotoReader.query`.
        k : int, optional
            How many, at least 1 (the report's number if not given); fewer come back where the filter leaves fewer.
        where : mapping of str to sequence of str, optional
            Column -> allowed values; exact, from `parse_where`.
        colour_weight : float, optional
            Share of the colour beside the category for this query.
        looks_weight : float, optional
            Share of the looks in the similarity for this query.
        among : ndarray of bool, shape (n,), optional
            Items that may be returned, beside the filters.
        hide_duplicates : bool
            Leave out near-duplicates of the query, and all but one of each group of near-duplicates.
        diversity : float
            How diverse the list should be, from 0 (by similarity alone) to 1 (maximal marginal relevance).

        Returns
        -------
        DataFrame
            `rank` (from 1), `item`, `similarity` (at most 1; for conditions alone 0 throughout, in the table's order;
            with free text the share of the best fused score), the description's columns, `photo`, `reasons`.

        Raises
        ------
        QueryError
            For a k below 1, or a weight or diversity outside 0-1.
        """
        index, similarity = self.ranked(
            query, k, where, among=among, colour_weight=colour_weight, looks_weight=looks_weight,
            hide_duplicates=hide_duplicates, diversity=diversity,
        )  # fmt: skip
        return self.table_of(query, index, similarity)

    def table_of(self, query: Query, index: NDArray[np.integer], similarity: NDArray[np.float32]) -> pd.DataFrame:
        """The table of `answer` from the rows and similarities of `ranked`."""
        parts = similarity_parts(query, self.raw_rows(index), self.layout)
        return answer_table(self.items, query, index, similarity, parts)

    def reasons_of(self, query: Query, index: NDArray[np.integer]) -> list[str]:
        """The reasons of `answer` for the rows of `ranked`, without a table: it takes a tenth of the time."""
        parts = similarity_parts(query, self.raw_rows(index), self.layout)
        items = map(self._record, index.tolist())
        return [reasons(query.description, item, own) for item, own in zip(items, parts, strict=True)]

    @cached_property
    def _descriptions(self) -> dict[Hashable, list[object]]:
        """Column of a description -> each row's word: a row of a table takes a hundred times as long."""
        return {column: self.items[column].tolist() for column in DESCRIPTION if column in self.items}

    def _record(self, row: int) -> dict[Hashable, object]:
        """A row's description."""
        return {column: words[row] for column, words in self._descriptions.items()}

    def ranked(
        self,
        query: Query,
        k: int | None = None,
        where: Where | None = None,
        *,
        colour_weight: float | None = None,
        looks_weight: float | None = None,
        among: NDArray[np.bool_] | None = None,
        hide_duplicates: bool = False,
        diversity: float = 0.0,
    ) -> tuple[NDArray[np.integer], NDArray[np.float32]]:
        """Rows and similarities of `answer`, without descriptions and reasons; shapes (m,), m at most k."""
        k = self.k if k is None else k
        check_whole("k", k, COUNTS, QueryError, "Give the number of recommendations.")
        check_share("a diversity from 0 (none) to 1", diversity, QueryError)
        weights = self._weights(colour_weight, looks_weight)
        plain = not (where or hide_duplicates or diversity) and among is None
        listed = self._listed(query, k, weights) if plain else None
        if listed is not None:
            queries = self._scaled(query.vectors, weights)
            cosine = cosines(normalise(queries), self.vectors, np.zeros(k, np.intp), listed)
            return self._each_once(listed, cosine, queries, k)
        mask = self.words_reader.columns.mask(where) & self.words_reader.columns.mask(query.where)
        for part in (query.allowed, among):
            if part is not None:
                mask &= part
        if hide_duplicates:
            mask[query.near_duplicates] = False
        if query.exact is None and query.row is not None:
            mask[query.row] = False
        queries, allowed = self._scaled(query.vectors, weights), Allowed(mask, both(where, query.where))

        def pool_of(count: int) -> tuple[NDArray, NDArray]:
            if query.photo_scores is not None:
                return self._pool_fused(queries, count, mask, query)
            if query.exact is None:
                return self._pool(queries, count, allowed)
            # Words of texts alone are answered by the texts alone.
            share = 0.0 if query.text_scores is None else TEXTS_WEIGHT if query.description else 1.0
            return self.engine.nearest_to_words(
                queries, count, allowed, WordScores(query.exact, query.text_scores, share)
            )

        return self._search(pool_of, k, hide_duplicates, diversity, weights)

    def _listed(self, query: Query, k: int, weights: dict[str, float] | None) -> NDArray[np.int32] | None:
        """The k rows nearest to an item, from its list; None where the query asks for anything else."""
        if self.lists is None or query.row is None or k > self.lists.shape[1] or weights != self._weights():
            return None
        changed = any(part is not None for part in (query.allowed, query.exact, query.photo_scores)) or query.where
        rows = self.lists[query.row, :k]
        if changed or rows[0] < 0:
            return None
        own = self.raw_rows(slice(query.row, query.row + 1))
        return rows if np.array_equal(query.vectors, own) else None

    def raw_rows(self, rows: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        """Rows before normalisation: with a layout each part has length one."""
        return self.vectors[rows] if self.layout is None else self.vectors[rows] * np.float32(self.layout.length)

    def _weights(self, colour: float | None = None, looks: float | None = None) -> dict[str, float] | None:
        """Weights of the parts; the usual ones where none are given, and none without parts."""
        if self.layout is None:
            return None
        return self.layout.weights(
            self.colour_weight if colour is None else check_weight("colour", colour, QueryError),
            self.looks_weight if looks is None else check_weight("looks", looks, QueryError),
        )

    def _scaled(self, vectors: NDArray[np.float32], weights: dict[str, float] | None) -> NDArray[np.float32]:
        """Rows (m, d) whose products with the unit rows are similarities."""
        if self.layout is None:
            return normalise(vectors)
        return self.layout.queries(vectors, weights) * np.float32(self.layout.length)

    def _search(
        self,
        pool_of: Callable[[int], tuple[NDArray, NDArray]],
        k: int,
        hide: bool,
        diversity: float,
        weights: dict[str, float] | None,
    ) -> tuple[NDArray, NDArray]:
        """Rows and cosines of the results, from a pool that is widened until it holds enough distinct items."""
        pool = k if not (hide or diversity) else max(60, 10 * k)
        while True:
            index, similarity = pool_of(pool)
            order: NDArray[np.integer] = np.arange(len(index))
            if hide and self.groups is not None:
                order = first_of_each(self.groups[index], order)
            if len(order) >= k or len(index) < pool:
                break
            pool *= 2
        index, similarity = index[order], similarity[order]
        if diversity:
            order = maximal_marginal_relevance(similarity, self._between(index, weights), k, diversity)
            return index[order], similarity[order]
        return index[:k], similarity[:k]

    def _pool(self, queries: NDArray, count: int, allowed: Allowed) -> tuple[NDArray, NDArray]:
        """The `count` rows nearest to any of the alternatives, each once with its best similarity."""
        # What is nearest to any of them is among the nearest of one.
        rows, cosine = self.engine.nearest(queries, count, allowed)
        return self._each_once(rows.ravel(), cosine, queries, count)

    @staticmethod
    def _each_once(index: NDArray, cosine: NDArray, queries: NDArray, count: int) -> tuple[NDArray, NDArray]:
        """The `count` most similar of some rows, each once, by their cosines with each query, shape (q, m)."""
        similarity = (cosine * np.linalg.norm(queries, axis=1, keepdims=True)).ravel()
        best = first_of_each(index, np.lexsort((index, -similarity)))[:count]
        return index[best], np.clip(similarity[best], -1, 1)

    def _pool_fused(
        self, queries: NDArray, count: int, mask: NDArray[np.bool_], query: Query
    ) -> tuple[NDArray, NDArray]:
        """`_pool` of a query with free text, by reciprocal rank fusion of up to three rankings.

        They are the text tower's; that of the catalogue's words, or of the item or photo that the words change; and
        BM25's. What matches every word comes first. Similarities are shares of the score of an item that leads all.
        """
        assert query.photo_scores is not None
        rows = np.flatnonzero(mask)
        rows = rows[rows != query.row]
        if not len(rows):
            return np.empty(0, np.intp), np.empty(0, np.float32)
        by_photo = np.argsort(-query.photo_scores[rows], kind="stable")
        place = np.empty(
            len(rows), np.intp
        )  # in the tower's ranking, which orders items that another cannot tell apart
        place[by_photo] = np.arange(len(rows))
        rankings = [by_photo]
        if query.exact is not None and self.layout is not None:  # of items with the same words hubs are no better
            queries = queries.copy()
            queries[:, self.layout.parts["hub"]] = 0
        if queries.any():
            alike = np.max([(self.vectors @ one)[rows] for one in queries], axis=0).round(SAME)
            rankings.append(np.lexsort((place, -alike)))
        if query.text_scores is not None:
            told = query.text_scores[rows]
            order = np.lexsort((place, -told))
            rankings.append(order[told[order] > 0])
        shares = reciprocal_rank_fusion(rankings, len(rows)) * (DAMPING + 1) / len(rankings)
        later = np.zeros(len(rows), bool) if query.exact is None else ~query.exact[rows]
        best = np.lexsort((place, -shares, later))[:count]
        return rows[best], shares[best].astype(np.float32)

    def _between(self, index: NDArray[np.integer], weights: dict[str, float] | None) -> NDArray[np.float32]:
        """Similarity of the results to each other, each in turn as the query with the same weights; shape (m, m)."""
        rows = self.raw_rows(index)
        if self.layout is None:
            return np.asarray(rows @ rows.T, np.float32)
        queries = self.layout.queries(rows, weights)
        queries[:, self.layout.parts["hub"]] = 0  # a hub is no less similar to the others
        return np.asarray(queries @ rows.T, np.float32)


def no_such_parts() -> QueryError:
    """The error for weights with the frozen embedding."""
    return QueryError(
        "expected the learned or described embedding for a weight of colour or looks; found frozen, which has no such "
        "parts. Choose one of these two, or leave the weight out."
    )


def read_layout(workspace: Workspace) -> Layout:
    """The layout of a report's learned and described embeddings; no network is loaded."""
    record = workspace.json("attributes")
    require_present(record)
    projection = workspace.arrays("attributes")["projection"]
    further = {column: tuple(words) for column, words in record["further"].items()}
    words = tuple(record["categories"]), tuple(record["colours"])
    swatches = swatches_of(workspace.json("source"))
    shares = record.get("further_shares", {})
    return Layout(*words, projection, further, int(record["looks"]), record["looks_checksum"], swatches, shares)


def neighbours_table(nearest: Mapping[str, Neighbours]) -> pd.DataFrame:
    """The nearest items of every item as one long table, for later notebooks and the slides.

    Parameters
    ----------
    nearest : mapping of str to (rows, similarity), shapes (n, k)
        Embedding -> what `Recommender.nearest_of_all` found.

    Returns
    -------
    DataFrame
        `embedding`, `row`, `rank` (from 1), `neighbour` (row), `similarity`.
    """
    parts = []
    for name, (rows, similarity) in nearest.items():
        n, k = rows.shape
        parts.append(
            pd.DataFrame(
                {
                    "embedding": name,
                    "row": np.repeat(np.arange(n), k),
                    "rank": np.tile(np.arange(1, k + 1), n),
                    "neighbour": rows.ravel(),
                    "similarity": similarity.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def diversity_trial(
    recommender: Recommender,
    frozen: NDArray[np.float32],
    rows: NDArray[np.integer],
    k: int,
    diversities: Sequence[float] = (0.0, 0.2, 0.4),
) -> pd.DataFrame:
    """Similarity to the query and within the list at several diversities, near-duplicates hidden.

    Parameters
    ----------
    recommender : Recommender
    frozen : ndarray of float32, shape (n, d)
        Unit vectors by which the items of a list are compared with each other.
    rows : ndarray of int
        Query items.
    k : int
        Recommendations for each.
    diversities : sequence of float
        To try, 0-1.

    Returns
    -------
    DataFrame
        `diversity`, `similarity to the query`, `frozen similarity within the list`: means over the queries; NaN where
        no list has an item, or two.
    """
    queries = [recommender.item_query(recommender.items["item"].iloc[row]) for row in rows]
    lines = []
    for diversity in diversities:
        lists = [recommender.ranked(query, k, hide_duplicates=True, diversity=diversity) for query in queries]
        to_query = [similarity.mean() for index, similarity in lists if len(index)]
        within = []
        for index, _ in lists:
            if len(index) > 1:
                members = np.sort(index)
                cosines = frozen[members] @ frozen[members].T  # two copies: BLAS rounds a product with itself otherwise
                within.append(float(cosines[np.triu_indices(len(members), 1)].mean()))
        lines.append(
            {
                "diversity": diversity,
                "similarity to the query": float(np.mean(to_query)) if to_query else np.nan,
                "frozen similarity within the list": float(np.mean(within)) if within else np.nan,
            }
        )
    return pd.DataFrame(lines)
