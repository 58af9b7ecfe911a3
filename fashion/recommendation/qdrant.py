"""A catalogue in Qdrant, through its official client: uploaded by `fashion export`, asked by `--engine`.

The metric is the inner product, so that the query sets the weights of kind, colour and looks
(`attributes.layout.Layout.queries`); the items' words go along as payload, for filters inside the engine. A point's
number is the item's row. A collection is named by the checksum of what it holds: one of another report is never asked.
Its metadata has a mark for each run that sent it, by the run's folder: runs of the same content share a collection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.checksums import array_checksum, sha256_bytes, sha256_json
from fashion.core.errors import FashionError
from fashion.core.progress import progress_bar
from fashion.neighbours.approximate import APPROXIMATE_FROM
from fashion.neighbours.exact import Neighbours, cosines, normalise
from fashion.recommendation.filters import DESCRIPTION, Where
from fashion.recommendation.search_engine import Allowed, Ranked, WordScores, best_of_words, rounding

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

    from fashion.recommendation.recommender import Recommender

#: Points of a request; Qdrant takes 32 MB at most.
POINTS = 256

#: Columns of text with more different values are not indexed for filters, but for `DESCRIPTION`.
MOST_VALUES = 1_000

#: Rows asked for beyond those wanted, so that ties at the end are decided by our own rule.
SPARE = 16

#: Rows at most that are named in a request; where more are allowed, what is not allowed is left out of the answer.
MOST_NAMED = 1_000

#: Seconds that one request may take.
TIMEOUT = 60

#: In the metadata of collections that are made here.
MADE_BY = "fashion"


class EngineError(FashionError):
    """A search engine is unavailable, or does not hold the present report."""


def connect(address: str) -> QdrantClient:
    """A client of the server at an address; its key, where it needs one, is the variable QDRANT_API_KEY.

    Raises
    ------
    EngineError
        When the package is not installed, or no server answers.
    """
    try:
        from qdrant_client import QdrantClient
    except ImportError as error:
        raise EngineError(
            "expected the package qdrant-client, which asks a Qdrant server; found that it is not installed. "
            "Install it: pip install qdrant-client (the extra `qdrant`)."
        ) from error
    with _told(address):
        client = QdrantClient(
            url=address, api_key=os.environ.get("QDRANT_API_KEY"), timeout=TIMEOUT, check_compatibility=False
        )
        client.get_collections()
    return client


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn the client's errors within the block into an EngineError."""
    from qdrant_client.http.exceptions import ApiException

    try:
        yield
    except (ApiException, OSError, ValueError) as error:
        told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(
            f"expected an answer from Qdrant ({what}); found {told[:200]}. Check that the server runs "
            "(docker run -p 6333:6333 qdrant/qdrant), its address, and QDRANT_API_KEY where it needs a key."
        ) from error


# ---- What a collection holds ----


def payload(items: pd.DataFrame) -> pd.DataFrame:
    """The columns of text that go along with the vectors: every one that can be named in a filter."""
    columns = [
        str(column) for column in items if items[column].dtype == object and re.fullmatch(r"[\w-]+", str(column))
    ]
    kept = items[columns].astype(object)
    return kept.where(kept.isna(), kept.astype(str))


def filterable(texts: pd.DataFrame) -> list[str]:
    """The columns of a payload that are indexed."""
    return [str(name) for name in texts if name in DESCRIPTION or texts[name].nunique() <= MOST_VALUES]


def collection_key(recommender: Recommender) -> str:
    """Checksum of what a collection holds: vectors and words."""
    words = payload(recommender.items)
    hashes = pd.util.hash_pandas_object(words, index=False).to_numpy()
    return sha256_json([array_checksum(recommender.vectors), list(words), sha256_bytes(hashes.tobytes())])


def collection_name(catalogue: str, embedding: str, key: str) -> str:
    """The name of a collection, such as sample-described-0123456789ab."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', catalogue)}-{embedding}-{key[:12]}"


# ---- Upload ----


def _run_mark(folder: Path) -> str:
    """The key of a run in the metadata of its collections."""
    return f"run_{sha256_json(str(folder))[:16]}"


def _mark(client: QdrantClient, name: str, folder: Path, uses: bool) -> dict[str, Any]:
    """Note in a collection's metadata whether a run uses it; return the metadata."""
    about = (client.get_collection(name).config.metadata or {}) | {_run_mark(folder): uses}
    client.update_collection(name, metadata=about)
    return about


def upload(
    client: QdrantClient,
    recommender: Recommender,
    catalogue: str,
    embedding: str,
    folder: Path,
    *,
    progress: bool = True,
) -> str:
    """Send a catalogue's vectors and words; what an earlier upload sent already is not sent again.

    Parameters
    ----------
    client : QdrantClient
    recommender : Recommender
        Its unit rows are the gallery.
    catalogue, embedding : str
        Parts of the collection's name.
    folder : Path
        Of the run's artefacts (`workspace.processed`): by it, runs of one catalogue are told apart.
    progress : bool

    Returns
    -------
    str
        The collection's name.

    Raises
    ------
    EngineError
        When the server does not answer, or has a collection of this name with vectors of another width.
    """
    from qdrant_client import models

    key, words = collection_key(recommender), payload(recommender.items)
    name, width, count = collection_name(catalogue, embedding, key), recommender.vectors.shape[1], len(words)
    with _told(name):
        if not client.collection_exists(name):
            client.create_collection(
                name,
                vectors_config=models.VectorParams(size=width, distance=models.Distance.DOT, on_disk=True),
                hnsw_config=models.HnswConfigDiff(m=16, ef_construct=128),
                quantization_config=models.ScalarQuantization(
                    scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
                ),
                metadata={
                    "made_by": MADE_BY, "catalogue": catalogue, "embedding": embedding, "key": key, "items": count
                },
            )  # fmt: skip
        _check_width(client, name, width)
        _mark(client, name, folder, True)
        if client.count(name, exact=True).count < count:
            for column in filterable(words):  # again where an upload was stopped: that changes nothing
                client.create_payload_index(name, column, field_schema=models.PayloadSchemaType.KEYWORD)
            with progress_bar(count, "items sent", "item", show=progress) as bar:
                for first in range(0, count, POINTS):
                    rows = range(first, min(first + POINTS, count))
                    there = client.retrieve(name, ids=list(rows), with_payload=False, with_vectors=False)
                    if len(there) < len(rows):
                        client.upsert(name, points=list(_points(recommender, words, rows)), wait=True)
                    bar.update(len(rows))
    return name


def _points(recommender: Recommender, words: pd.DataFrame, rows: range) -> Iterator[Any]:
    from qdrant_client import models

    records = words.iloc[rows.start : rows.stop].to_dict("records")
    vectors = np.asarray(recommender.vectors[rows.start : rows.stop], np.float32).tolist()
    for row, record, vector in zip(rows, records, vectors, strict=True):
        told = {str(name): None if pd.isna(value) else value for name, value in record.items()}
        yield models.PointStruct(id=row, vector=vector, payload=told)


def earlier_collections(
    client: QdrantClient, catalogue: str, embedding: str, present: str, folder: Path | None = None
) -> list[str]:
    """The collections of a catalogue's other reports, that were made here; of one run alone, if its folder is given."""
    names = []
    with _told("its collections"):
        for one in client.get_collections().collections:
            about = client.get_collection(one.name).config.metadata or {}
            ours = about.get("made_by") == MADE_BY and one.name != present
            ours &= folder is None or bool(about.get(_run_mark(folder)))
            if ours and (about.get("catalogue"), about.get("embedding")) == (catalogue, embedding):
                names.append(one.name)
    return sorted(names)


def remove_collection(client: QdrantClient, name: str, folder: Path) -> bool:
    """Take a run's mark from a collection, and remove it where no other run has one; return whether it was removed."""
    with _told(name):
        about = _mark(client, name, folder, False)
        if any(marked for key, marked in about.items() if key.startswith("run_")):
            return False
        client.delete_collection(name)
        return True


def _check_width(client: QdrantClient, name: str, width: int) -> None:
    vectors = client.get_collection(name).config.params.vectors
    size = getattr(vectors, "size", None)
    if size != width:
        raise EngineError(
            f"expected vectors of {width} dimensions in Qdrant's collection {name}; found {size}. Delete the "
            "collection, then run `fashion export` again."
        )


# ---- Search ----


@dataclass(frozen=True)
class QdrantSearch:
    """`SearchEngine` by a Qdrant server.

    The engine picks candidates; their similarities are computed here from the rows of the report's own file, as exact
    search does. So both are the same to the last bit, ties too, and a list can differ only by an item that the
    engine's graph misses. Below `approximate.APPROXIMATE_FROM` items the engine is asked to scan all, and none is.

    Attributes
    ----------
    client : QdrantClient
    collection : str
    vectors : ndarray of float32, shape (n, d)
        Unit rows, which may be memory-mapped: candidates alone are read.
    columns : frozenset of str
        The payload's columns, by which the engine filters.
    """

    client: QdrantClient
    collection: str
    vectors: NDArray[np.float32]
    columns: frozenset[str]

    @classmethod
    def of_report(cls, client: QdrantClient, recommender: Recommender, catalogue: str, embedding: str) -> QdrantSearch:
        """The engine of a report.

        Raises
        ------
        EngineError
            When the server does not hold the report as it is now; the message has the command.
        """
        key = collection_key(recommender)
        name, command = collection_name(catalogue, embedding, key), _command(catalogue, embedding)
        count = len(recommender.items)
        with _told(name):
            if not client.collection_exists(name):
                others = earlier_collections(client, catalogue, embedding, name)
                instead = f"those of other reports ({', '.join(others)})" if others else "none of this catalogue"
                raise EngineError(f"expected Qdrant's collection {name}; found {instead}. Run `{command}` first.")
            _check_width(client, name, recommender.vectors.shape[1])
            about = client.get_collection(name).config.metadata or {}
            if about.get("key") != key:
                raise EngineError(f"expected Qdrant's collection {name} of the present report; found that of another "
                                  f"report, or of another project. Delete it, then run `{command}`.")  # fmt: skip
            sent = client.count(name, exact=True).count
        if sent != count:
            raise EngineError(
                f"expected {count:,} items in Qdrant's collection {name}; found {sent:,}. Run `{command}` again: it "
                "goes on where it stopped."
            )
        return cls(client, name, recommender.vectors, frozenset(map(str, payload(recommender.items))))

    def prepare(self) -> None:
        """See `SearchEngine`; the server is ready."""

    def nearest(self, queries: NDArray[np.float32], k: int, allowed: Allowed) -> Neighbours:
        """See `SearchEngine`."""
        k = min(k, int(allowed.mask.sum()))
        if not k:
            return np.empty((len(queries), 0), np.int32), np.empty((len(queries), 0), np.float32)
        unit, limit, margin = normalise(queries), k + SPARE, rounding(self.vectors)
        while True:
            answers = self._ask(unit, min(limit, len(self.vectors)), allowed)
            ranked = [self._ranked(head, rows[allowed.mask[rows]]) for head, rows in zip(unit, answers, strict=True)]
            # What was not returned is no nearer than the last that was: its product, within the rounding.
            settled = all(
                len(rows) < limit or (len(best) >= k and float(head @ self.vectors[rows[-1]]) < close[k - 1] - margin)
                for head, rows, (best, close) in zip(unit, answers, ranked, strict=True)
            )
            if settled or limit >= len(self.vectors):
                break
            limit *= 4
        k = min(k, *(len(best) for best, _ in ranked))
        return np.stack([best[:k] for best, _ in ranked]), np.stack([close[:k] for _, close in ranked])

    def nearest_to_words(self, queries: NDArray[np.float32], k: int, allowed: Allowed, words: WordScores) -> Ranked:
        """See `SearchEngine`: items with the words in their texts are ranked here, beside the nearest others."""
        mask, rows = allowed.mask, np.empty(0, np.intp)
        for tier in (mask & words.exact, mask & ~words.exact):
            rows = np.concatenate([rows, self._tier(queries, k, tier, allowed.where, words)])
            if len(rows) >= k:
                break
        if not len(rows):
            return rows, np.empty(0, np.float32)
        return best_of_words(queries, self.vectors, rows, k, words)

    def _tier(
        self, queries: NDArray[np.float32], k: int, mask: NDArray[np.bool_], where: Where, words: WordScores
    ) -> NDArray[np.intp]:
        """Rows of a mask among which the k best are."""
        told, rest = np.empty(0, np.intp), mask
        if words.texts is not None:
            told, rest = np.flatnonzero(mask & (words.texts > 0)), mask & (words.texts <= 0)
        if words.share == 1:  # similarity does not count: the first rows
            return np.concatenate([told, np.flatnonzero(rest)[:k]])
        return np.concatenate([told, np.unique(self.nearest(queries, k, Allowed(rest, where))[0])])

    def _ranked(self, head: NDArray[np.float32], rows: NDArray[np.int32]) -> Neighbours:
        """Candidates of one query by their exact cosines, ties to the lower row."""
        close = cosines(head[np.newaxis], self.vectors, np.zeros(len(rows), np.int64), rows.astype(np.int64)).astype(
            np.float32
        )
        order = np.lexsort((rows, -close))
        return rows[order], close[order]

    def _ask(self, unit: NDArray[np.float32], limit: int, allowed: Allowed) -> list[NDArray[np.int32]]:
        """The engine's nearest rows of each query, best first, of the filters that it knows."""
        from qdrant_client import models

        must: list[Any] = [
            models.FieldCondition(key=column, match=models.MatchAny(any=list(values)))
            for column, values in allowed.where.items()
            if column in self.columns
        ]
        if int(allowed.mask.sum()) <= MOST_NAMED:
            must = [models.HasIdCondition(has_id=[*np.flatnonzero(allowed.mask).tolist()])]
        scan = len(self.vectors) < APPROXIMATE_FROM
        rescoring = models.QuantizationSearchParams(ignore=scan, rescore=True, oversampling=2.0)
        how = models.SearchParams(exact=scan, hnsw_ef=None if scan else max(128, limit), quantization=rescoring)
        requests = [
            models.QueryRequest(query=head.tolist(), filter=models.Filter(must=must) if must else None, params=how,
                                limit=limit, with_payload=False)
            for head in unit
        ]  # fmt: skip
        with _told(self.collection):
            answers = self.client.query_batch_points(self.collection, requests=requests)
        return [np.array([point.id for point in answer.points], np.int32) for answer in answers]


def _command(catalogue: str, embedding: str) -> str:
    told = "" if embedding == "described" else f" --embedding {embedding}"
    return f"fashion export --catalogue {catalogue}{told} --to http://..."
