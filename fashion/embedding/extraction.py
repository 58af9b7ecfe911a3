"""Read and decode each photo once, and compute everything from that: metadata, descriptors, vectors.

Threads read, decode, measure and resize a bounded number of photos ahead of the network. Finished results are kept in
shards: descriptors and vectors by the photo's content, metadata by its place and file signature (`photos.metadata`), so
that a known photo need not be read to know its content. A pass computes only what is not kept: after a kill the shards
that were under way, after a change of backbone the vectors alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.source import Source
from fashion.core.checksums import sha256_json
from fashion.core.code_closure import closure_of, code_of
from fashion.core.errors import PhotoError
from fashion.core.progress import progress_bar
from fashion.core.provenance import versions
from fashion.embedding.backbones import Encoder, load_backbone
from fashion.embedding.given_vectors import GivenVectors
from fashion.embedding.runtimes import Blocks, Runtime, choose_runtime
from fashion.photos import descriptors
from fashion.photos.framing import Framing, view
from fashion.photos.images import RGB
from fashion.photos.measures import measure, metadata_table, open_photo
from fashion.photos.metadata import in_order, kept_metadata, signatures_of, write_metadata
from fashion.photos.store import SHARD, PhotoStore

#: Photos a network call takes; small batches fit the processor's cache better than large ones.
BATCH = 16

#: Photos that may be read and decoded ahead of the network, so that memory stays flat.
AHEAD = 4 * BATCH

#: Weight of the photo that is shown in an item's vectors, where it has others.
SHOWN = 2 / 3

#: Items whose photos' vectors are held at a time.
ITEMS = 4096

Given = TypeVar("Given")
Read = TypeVar("Read")


# ---- The stores, each keyed by what makes its arrays ----


class EmbeddingStore(PhotoStore):
    """A store of vectors: each block float32, shape (n, width).

    Parameters
    ----------
    root : Path
    key : str
        What made the vectors.
    widths : dict of str to int
        Block name -> dimensions.
    """

    def __init__(self, root: Path, key: str, widths: dict[str, int]) -> None:
        super().__init__(root, key, {name: np.empty((0, width), np.float32) for name, width in widths.items()})


class _NoStore(EmbeddingStore):
    """A stand-in for the store where vectors were given: no photo needs the network."""

    def __contains__(self, sha256: object) -> bool:
        return True


#: Packages that turn a photo's file into pixels.
DECODERS = ("opencv-python", "pillow", "pillow-heif")


def store_key(backbone: Encoder) -> str:
    """Folder name that says what made the vectors: network, input size, weights; code and packages on the way there."""
    code = sha256_json([code_of(closure_of(view, load_backbone)), versions(DECODERS)])
    return f"{backbone.name}-{backbone.size}-{backbone.weights_checksum[:12]}-{code[:8]}"


def open_store(root: Path, backbone: Encoder) -> EmbeddingStore:
    """The store for this backbone's vectors under `root`."""
    kind = _NoStore if isinstance(backbone, GivenVectors) else EmbeddingStore
    return kind(root, store_key(backbone), _widths(backbone))


def open_descriptors(root: Path) -> PhotoStore:
    """The store of descriptors under `root`, keyed by the code and packages that make them."""
    made_by = versions(["numpy", *DECODERS])
    code = sha256_json([code_of(closure_of(descriptors.describe)), made_by])
    key = f"{code[:8]}-numpy{made_by['numpy']}-opencv{made_by['opencv-python']}"
    return PhotoStore(root / "descriptors", key, descriptors.NONE)


def _widths(backbone: Encoder) -> dict[str, int]:
    return {"embedding": backbone.dimension, "multilayer": backbone.multilayer_dimensions}


# ---- One photo ----


@dataclass(frozen=True)
class Extract:
    """The results for one photo; None for what was not asked for, or where the photo is bad.

    Attributes
    ----------
    metadata : dict
        `photo`, `problem`, `sha256`; all of `measures.METADATA` where they were asked for.
    described : dict of str to ndarray, or None
        From `descriptors.describe`.
    view : ndarray of uint8, shape (edge, edge, 3), or None
        The network's input.
    """

    metadata: dict[str, Any]
    described: dict[str, NDArray] | None = None
    view: RGB | None = None


def extract(
    source: Source,
    name: str,
    framing: Framing | int,
    known: str = "",
    described: Container[str] = (),
    vectors: Container[str] = (),
) -> Extract:
    """Read and decode a photo, and compute what is not kept of it.

    Parameters
    ----------
    source : Source
    name : str
    framing : Framing or int
        What the network's input is; an int stretches photos to that many pixels.
    known : str
        SHA-256 of the content whose metadata is kept.
    described, vectors : container of str
        SHA-256 of the contents whose descriptors, or vectors, are kept.
    """
    metadata, photo = open_photo(source, name)
    if photo is None:
        return Extract(metadata)
    sha256 = metadata["sha256"]
    return Extract(
        metadata if sha256 == known else metadata | measure(photo),
        None if sha256 in described else descriptors.describe(photo),
        None if sha256 in vectors else photo.view(framing),
    )


# ---- Photos in threads, batches for the network, shards for the stores ----


def ahead(read: Callable[[Given], Read], names: Iterable[Given], workers: int) -> Iterator[Read]:
    """`read` of each name, in order, by threads that run a bounded number of photos ahead."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Read]] = deque()
        try:
            for name in names:
                waiting.append(pool.submit(read, name))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # after an error the rest is not needed
            for future in waiting:
                future.cancel()


def batches(views: Iterable[RGB]) -> Iterator[NDArray[np.uint8]]:
    """Photos of one size, `BATCH` at a time: uint8, shape (b, edge, edge, 3)."""
    batch: list[RGB] = []
    for rgb in views:
        batch.append(rgb)
        if len(batch) == BATCH:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def shards(outputs: Iterable[Blocks]) -> Iterator[Blocks]:
    """Join the network's batches into shards of at least `SHARD` photos."""
    waiting: list[Blocks] = []
    count = 0
    for blocks in outputs:
        waiting.append(blocks)
        count += len(blocks["embedding"])
        if count >= SHARD:
            yield _joined(waiting)
            waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(blocks: Sequence[Blocks]) -> Blocks:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def networks_folder(root: Path) -> Path:
    """The folder of converted networks below that of all artefacts, beside the stores of vectors."""
    return root / "embeddings" / "networks"


def embed_views(views: Iterable[RGB], backbone: Encoder, runtime: Runtime) -> Blocks:
    """The vectors of decoded and resized photos, in memory: each block float32, shape (n, width)."""
    none = {name: np.empty((0, width), np.float32) for name, width in _widths(backbone).items()}
    return _joined([none, *runtime.stream(batches(views))])


def blocks_of_items(store: PhotoStore, backbone: Encoder, items: pd.DataFrame, photos: pd.DataFrame) -> Blocks:
    """ "embedding" and "multilayer" of items, float32, shape (n, width): of their photos, or given by their names.

    Parameters
    ----------
    store : PhotoStore
        The photos' vectors.
    backbone : Backbone, FileEncoder or GivenVectors
    items : DataFrame
        With `item`.
    photos : DataFrame
        As for `item_vectors`.

    Raises
    ------
    WeightsError
        When vectors were given, and an item has none.
    """
    if not isinstance(backbone, GivenVectors):
        return item_vectors(store, photos)
    return {"embedding": backbone.of(items["item"].tolist()), "multilayer": np.empty((len(items), 0), np.float32)}


# ---- The pass ----


@dataclass(frozen=True)
class EmbeddingRun:
    """Vectors of photos, and how they were computed.

    Attributes
    ----------
    store : PhotoStore
    sha256 : tuple of str
        Of the photos, in the order given.
    runtime, reason : str
        Inference runtime with its version, or "none needed"; and why that one.
    embedded, reused : int
        Photos that went through the network now, and those whose vectors were in the store.
    seconds : float
        Wall time of the pass, without loading the network.
    """

    store: PhotoStore
    sha256: tuple[str, ...]
    runtime: str
    reason: str
    embedded: int
    reused: int
    seconds: float

    @cached_property
    def blocks(self) -> Blocks:
        """ "embedding" and "multilayer", float32, shape (n, width), rows in the order of the photos given.

        Read on first use: until then memory does not grow with the number of photos.
        """
        return self.store.gather(self.sha256)

    @property
    def photos_per_second(self) -> float:
        """Throughput from file to vector; NaN when every vector was in the store."""
        return self.embedded / self.seconds if self.embedded else float("nan")

    @property
    def counts(self) -> dict[str, int]:
        """The numbers for the results: photos embedded now, and photos whose vectors were kept."""
        return {"photos_embedded": self.embedded, "photos_reused": self.reused}


def item_vectors(store: PhotoStore, photos: pd.DataFrame) -> Blocks:
    """Each item's vectors, a weighted mean over its photos: each block float32, shape (n, width).

    The photo that is shown weighs `SHOWN`, the others share the rest; one photo alone is the item's vector, to the bit.

    Parameters
    ----------
    store : PhotoStore
        The photos' vectors.
    photos : DataFrame
        From `Workspace.photos` or `cleaning.Joined`: item by item, the photo that is shown first.
    """
    starts = np.flatnonzero(np.diff(photos["row"], prepend=-1))
    others = np.diff(starts, append=len(photos)) - 1
    weight = np.repeat((1 - SHOWN) / np.maximum(others, 1), others + 1).astype(np.float32)
    weight[starts] = np.where(others, np.float32(SHOWN), np.float32(1))
    edges, sha256 = [*starts, len(photos)], photos["sha256"].tolist()
    means: list[Blocks] = [store.gather([])]
    for first in range(0, len(starts), ITEMS):
        inside = starts[first : first + ITEMS]
        part = slice(inside[0], edges[first + len(inside)])
        blocks = store.gather(sha256[part])
        weighed = {name: array * weight[part, np.newaxis] for name, array in blocks.items()}
        means.append({name: np.add.reduceat(array, inside - inside[0]) for name, array in weighed.items()})
    return _joined(means)


@dataclass(frozen=True)
class Extraction:
    """Metadata, descriptors and vectors of photos.

    Attributes
    ----------
    metadata : DataFrame
        A row for each name, in the order given, with the columns `measures.METADATA`: a bad photo is a row too.
    described : PhotoStore
        Descriptors.
    vectors : EmbeddingRun
        Of the good photos, in the order of `metadata`.
    read : int
        Photos that were read, and decoded where possible.
    """

    metadata: pd.DataFrame
    described: PhotoStore
    vectors: EmbeddingRun
    read: int

    def require_good(self) -> None:
        """Raise PhotoError where a photo is bad: for photos that were good when they were chosen."""
        bad = self.metadata[self.metadata["problem"] != ""]
        if len(bad):
            raise PhotoError(
                f"expected {len(self.metadata)} photos as good as when the catalogue was read; found {len(bad)} bad "
                f"ones, the first is {bad['problem'].iloc[0]}. Fix the data, or run `make report` again without them."
            )

    @property
    def timing(self) -> dict[str, Any]:
        """The timing for the results: what read and embedded the photos, how many, and how fast."""
        return {
            "runtime": self.vectors.runtime,
            "runtime_reason": self.vectors.reason,
            "photos_read": self.read,
            **self.vectors.counts,
            "seconds": self.vectors.seconds,
            "photos_per_second": self.vectors.photos_per_second,
        }

    def descriptor(self, name: str) -> NDArray:
        """One array of `descriptors.NONE`'s names, shape (n, ...), of the good photos in the order of `metadata`."""
        return self.described.gather(self.vectors.sha256, [name])[name]


@dataclass
class _Pass:
    """A pass under way: what is kept already, and what is still to be written."""

    source: Source
    root: Path
    framing: Framing
    signatures: dict[str, str]
    sums: dict[str, str]  # name -> sha256, where metadata is kept
    described: PhotoStore
    vectors: PhotoStore
    rows: list[dict[str, Any]] = field(default_factory=list)  # new metadata
    written: int = 0  # of `rows`
    waiting: dict[str, dict[str, NDArray]] = field(default_factory=dict)  # sha256 -> descriptors not yet written
    sent: list[str] = field(default_factory=list)  # sha256 of the network's inputs, in order
    sent_once: set[str] = field(default_factory=set)

    def lacks(self, name: str) -> bool:
        """Whether metadata, descriptors or vectors of a photo still have to be computed."""
        sha256 = self.sums.get(name)
        return sha256 is None or sha256 not in self.described or sha256 not in self.vectors

    def extract(self, name: str) -> Extract:
        """Compute what is not kept of a photo; runs in threads."""
        return extract(self.source, name, self.framing, self.sums.get(name, ""), self.described, self.vectors)

    def views(self, extracts: Iterable[Extract], tick: Callable[[int], object]) -> Iterator[RGB]:
        """Keep metadata and descriptors, and pass on the network's inputs: each content once."""
        for photo in extracts:
            sha256 = photo.metadata["sha256"]
            if self.sums.get(photo.metadata["photo"]) != sha256:
                self.rows.append(photo.metadata)
            if photo.described is not None:
                self.waiting[sha256] = photo.described
            if len(self.rows) - self.written >= SHARD or len(self.waiting) >= SHARD:
                self.write()
            if photo.view is not None and sha256 not in self.sent_once:
                self.sent_once.add(sha256)
                self.sent.append(sha256)
                yield photo.view
            tick(1)
        self.write()

    def write(self) -> None:
        """Write a shard of descriptors, then one of metadata, which says that all is there."""
        if self.waiting:
            arrays = {name: np.stack([row[name] for row in self.waiting.values()]) for name in self.described.empty}
            self.described.add(list(self.waiting), arrays)
            self.waiting = {}
        if len(self.rows) > self.written:
            write_metadata(self.root, self.source, metadata_table(self.rows[self.written :]), self.signatures)
            self.written = len(self.rows)


def read_photos(
    source: Source,
    names: Sequence[str],
    root: Path,
    backbone: Encoder,
    *,
    runtime: str = "auto",
    workers: int = 2,
    progress: bool = True,
) -> Extraction:
    """Metadata, descriptors and vectors of photos: from the stores where they are kept, else computed in one pass.

    Parameters
    ----------
    source : Source
        Where the photos are.
    names : sequence of str
        Photo names, in the order of the result; names may repeat.
    root : Path
        Folder of all catalogues' artefacts, with the stores.
    backbone : Backbone or FileEncoder
        From `load_backbone`.
    runtime : str
        As in `runtimes.choose_runtime`, which is called when the first photo needs the network.
    workers : int
        Threads that read and decode.
    progress : bool
        Show a progress bar.

    Raises
    ------
    WeightsError
        When the runtime is unavailable; everything measured so far is kept.
    """
    unique = list(dict.fromkeys(names))
    source.fetch(unique, progress=progress)
    signatures = signatures_of(source, unique)
    kept = kept_metadata(root, source, signatures)
    sums = dict(zip(kept["photo"], kept["sha256"], strict=True))
    store = open_store(root / "embeddings", backbone)
    work = _Pass(source, root, backbone.framing, signatures, sums, open_descriptors(root), store)
    todo = [name for name in unique if work.lacks(name)]
    given = isinstance(backbone, GivenVectors)
    how = "none needed", "vectors were given by item" if given else "all vectors were in the store"
    done, loading = 0, 0.0
    with progress_bar(len(unique), "photos read", show=progress, done=len(unique) - len(todo)) as bar:
        begin = time.perf_counter()
        waiting = batches(work.views(ahead(work.extract, todo, workers), bar.update))
        first = next(waiting, None)
        if first is not None:
            before = time.perf_counter()
            chosen = choose_runtime(backbone, runtime, networks_folder(root))
            loading = time.perf_counter() - before
            for blocks in shards(chosen.stream(chain([first], waiting))):
                store.add(work.sent[done : done + len(blocks["embedding"])], blocks)
                done += len(blocks["embedding"])
            how = f"{chosen.name} {chosen.version}", chosen.reason  # TensorFlow may have taken over meanwhile
        seconds = time.perf_counter() - begin - loading
    metadata = in_order([metadata_table(work.rows), kept], names)
    good = metadata.loc[metadata["problem"] == "", "sha256"].tolist()
    run = EmbeddingRun(store, tuple(good), *how, done, len(set(good)) - done, seconds)
    return Extraction(metadata, work.described, run, len(todo))
