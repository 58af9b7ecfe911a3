"""One pass over photos: each file is read once and decoded once, and all that looks at the picture looks at it then.

Threads read, decode, measure facts and descriptors, and resize for the network, a bounded number of photos ahead; the
network takes the resized photos while they go on. Whatever is finished is kept part by part: descriptors and vectors by
the photo's content, facts by its place and mark (`facts_store`), so that a photo whose facts are kept need not be read
for its content to be known. A pass looks only at what is not kept: after a kill at the parts that were under way, after
a change of backbone at the vectors alone.
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
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.source import Source
from fashion.core.code_closure import closure_of, code_of
from fashion.core.errors import PhotoError
from fashion.core.progress import progress_bar
from fashion.core.provenance import versions
from fashion.embedding.backbones import Backbone
from fashion.embedding.runtimes import Blocks, Runtime, choose_runtime
from fashion.photos import descriptors
from fashion.photos.images import RGB, decode, resize
from fashion.photos.measures import measure, metadata_table, open_photo
from fashion.photos.metadata import in_order, kept_metadata, signatures_of, write_metadata
from fashion.photos.store import PART, PhotoStore

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Look:
    """What was seen in one photo; None is what nobody asked for, or what a bad photo does not tell.

    Attributes
    ----------
    facts : dict
        `photo`, `problem`, `sha256`; all of `measures.METADATA` where they were asked for.
    described : dict of str to ndarray, or None
        From `descriptors.describe`.
    view : ndarray of uint8, shape (edge, edge, 3), or None
        The network's input.
    """

    facts: dict[str, Any]
    described: dict[str, NDArray] | None = None
    view: RGB | None = None


def look(
    source: Source,
    name: str,
    edge: int,
    known: str = "",
    described: Container[str] = (),
    vectors: Container[str] = (),
) -> Look:
    """Read a photo, decode it, and see all that is to be seen in it.

    Parameters
    ----------
    source : Source
    name : str
    edge : int
        Of the network's input, pixels.
    known : str
        SHA-256 of the content whose facts are kept already.
    described, vectors : container of str
        SHA-256 of the contents whose descriptors, or vectors, are kept already.
    """
    facts, picture = open_photo(source, name)
    if picture is None:
        return Look(facts)
    sha256 = facts["sha256"]
    return Look(
        facts if sha256 == known else facts | measure(picture),
        None if sha256 in described else descriptors.describe(picture),
        None if sha256 in vectors else picture.view(edge),
    )


@dataclass(frozen=True)
class Readings:
    """What a pass gave.

    Attributes
    ----------
    facts : DataFrame
        A row for each photo asked for, in that order, with the columns `measures.METADATA`: a bad photo is a row too.
    described : PhotoStore
        Descriptors.
    vectors : EmbeddingRun
        Of the good photos, in the order of `facts`.
    read : int
        Photos that were read, and decoded where they could be.
    """

    facts: pd.DataFrame
    described: PhotoStore
    vectors: EmbeddingRun
    read: int

    def require_good(self) -> None:
        """Raise PhotoError where a photo is bad: for photos that were good when they were chosen."""
        bad = self.facts[self.facts["problem"] != ""]
        if len(bad):
            raise PhotoError(
                f"expected {len(self.facts)} photos as whole as they were when the catalogue was read; {len(bad)} are "
                f"not, the first is {bad['problem'].iloc[0]}. Mend the data, or run `make report` again without them."
            )

    def descriptor(self, name: str) -> NDArray:
        """One array of `descriptors.NONE`'s names, of the good photos in the order of `facts`; read when asked for."""
        return self.described.gather(self.vectors.sha256, [name])[name]


def open_descriptors(root: Path) -> PhotoStore:
    """The store of descriptors under `root`; its key follows code and packages that make them."""
    made_by = versions(["numpy", "opencv-python"])
    code = code_of(closure_of(descriptors.describe))
    key = f"{code[:8]}-numpy{made_by['numpy']}-opencv{made_by['opencv-python']}"
    return PhotoStore(root / "descriptors", key, descriptors.NONE)


@dataclass
class _Pass:
    """One pass under way: what it finds kept, and what it has yet to keep."""

    source: Source
    root: Path
    edge: int
    marks: dict[str, str]
    sums: dict[str, str]  # name -> sha256, where facts are kept
    described: PhotoStore
    vectors: PhotoStore
    rows: list[dict[str, Any]] = field(default_factory=list)  # facts, all that were new
    written: int = 0  # of `rows`
    waiting: dict[str, dict[str, NDArray]] = field(default_factory=dict)  # sha256 -> descriptors not yet kept
    sent: list[str] = field(default_factory=list)  # sha256 of what the network got, in order
    known_sent: set[str] = field(default_factory=set)

    def lacks(self, name: str) -> bool:
        """Whether something of a photo is not kept."""
        sha256 = self.sums.get(name)
        return sha256 is None or sha256 not in self.described or sha256 not in self.vectors

    def look(self, name: str) -> Look:
        """See in a photo what is not kept; runs in threads."""
        return look(self.source, name, self.edge, self.sums.get(name, ""), self.described, self.vectors)

    def views(self, looks: Iterator[Look]) -> Iterator[RGB]:
        """Keep what was seen, and pass on what the network has to see: each content once."""
        for look in looks:
            sha256 = look.facts["sha256"]
            if self.sums.get(look.facts["photo"]) != sha256:
                self.rows.append(look.facts)
            if look.described is not None:
                self.waiting[sha256] = look.described
            if len(self.rows) - self.written >= PART or len(self.waiting) >= PART:
                self.keep()
            if look.view is not None and sha256 not in self.known_sent:
                self.known_sent.add(sha256)
                self.sent.append(sha256)
                yield look.view
        self.keep()

    def keep(self) -> None:
        """Write what is finished but for the network as one part of each store; facts last, as they say that all is."""
        if self.waiting:
            arrays = {name: np.stack([row[name] for row in self.waiting.values()]) for name in self.described.empty}
            self.described.add(list(self.waiting), arrays)
            self.waiting = {}
        if len(self.rows) > self.written:
            write_metadata(self.root, self.source, metadata_table(self.rows[self.written :]), self.marks)
            self.written = len(self.rows)


def read_photos(
    source: Source,
    names: Sequence[str],
    root: Path,
    backbone: Backbone,
    *,
    runtime: str = "auto",
    workers: int = 2,
    progress: bool = True,
) -> Readings:
    """Facts, descriptors and vectors of photos: kept ones are taken as they are, the rest is made in one pass.

    Parameters
    ----------
    source : Source
        Where the photos are.
    names : sequence of str
        Photo names, in the order of the result; a name may come more than once.
    root : Path
        Folder of all catalogues' artefacts, with the stores.
    backbone : Backbone
        From `load_backbone`.
    runtime : str
        As in `runtimes.choose_runtime`, which is asked when the first photo needs the network.
    workers : int
        Threads that read.
    progress : bool
        Show a progress bar.

    Raises
    ------
    WeightsError
        When the runtime cannot be had; nothing is lost of what was measured.
    """
    unique = list(dict.fromkeys(names))
    marks = signatures_of(source, unique)
    kept = kept_metadata(root, source, marks)
    sums = dict(zip(kept["photo"], kept["sha256"], strict=True))
    embeddings = root / "embeddings"
    store = open_store(embeddings, backbone)
    work = _Pass(source, root, backbone.size, marks, sums, open_descriptors(root), store)
    todo = [name for name in unique if work.lacks(name)]
    chosen, done, loading = None, 0, 0.0
    with progress_bar(len(unique), "photos read", show=progress, done=len(unique) - len(todo)) as bar:
        begin = time.perf_counter()
        waiting = batches(work.views(_ticked(ahead(work.look, todo, workers), bar.update)))
        first = next(waiting, None)
        if first is not None:
            before = time.perf_counter()
            chosen = choose_runtime(backbone, runtime, embeddings / NETWORKS)
            loading = time.perf_counter() - before
            for blocks in parts(chosen.stream(chain([first], waiting))):
                store.add(work.sent[done : done + len(blocks["embedding"])], blocks)
                done += len(blocks["embedding"])
        seconds = time.perf_counter() - begin - loading
    facts = in_order([metadata_table(work.rows), kept], names)
    good = facts.loc[facts["problem"] == "", "sha256"].tolist()
    run = EmbeddingRun(store, tuple(good), *computed_by(chosen), done, len(set(good)) - done, seconds)
    return Readings(facts, work.described, run, len(todo))


def _ticked(looks: Iterator[Look], tick: Callable[[int], object]) -> Iterator[Look]:
    for look in looks:
        yield look
        tick(1)


#: Photos a network call takes; small batches fit the processor's cache better than large ones.
BATCH = 16

#: Photos that may be read and decoded ahead of the network, so that memory stays flat.
AHEAD = 4 * BATCH

#: Folder beside the stores of vectors in which converted networks are kept.
NETWORKS = "networks"

Read = TypeVar("Read")


class EmbeddingStore(PhotoStore):
    """A store of vectors: each block float32, (n, width).

    Parameters
    ----------
    root : Path
    key : str
        What made the vectors.
    widths : dict of str to int
        Block name -> vector length.
    """

    def __init__(self, root: Path, key: str, widths: dict[str, int]) -> None:
        super().__init__(root, key, {name: np.empty((0, width), np.float32) for name, width in widths.items()})


@dataclass(frozen=True)
class EmbeddingRun:
    """What `embed` did.

    Attributes
    ----------
    store : PhotoStore
    sha256 : tuple of str
        Of the photos, in the order given.
    runtime, reason : str
        What computed the network now, with its version, or "none needed"; and why that.
    embedded, reused : int
        Photos that went through the network now, and those whose vectors were in the store.
    seconds : float
        Wall time of the embedding alone, without loading the network.
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

        Read when they are asked for: until then memory does not grow with the number of photos.
        """
        return self.store.gather(self.sha256)

    @property
    def photos_per_second(self) -> float:
        """Throughput from file to vector; NaN when every vector was in the store."""
        return self.embedded / self.seconds if self.embedded else float("nan")


def store_key(backbone: Backbone) -> str:
    """Folder name that says what made the vectors: network, input size, weights, code from file to vector."""
    code = code_of(closure_of(decode, Backbone))
    return f"{backbone.name}-{backbone.size}-{backbone.weights_checksum[:12]}-{code[:8]}"


def open_store(root: Path, backbone: Backbone) -> EmbeddingStore:
    """The store for this backbone's vectors under `root`."""
    widths = {"embedding": backbone.dimension, "multilayer": backbone.depths_width}
    return EmbeddingStore(root, store_key(backbone), widths)


def read_photo(source: Source, photo: str, edge: int) -> RGB:
    """Read, decode and resize one photo: uint8 RGB, shape (edge, edge, 3)."""
    return resize(decode(source.read(photo), photo, edge), edge)


def ahead(read: Callable[[str], Read], names: Sequence[str], workers: int) -> Iterator[Read]:
    """What `read` makes of each name, in order: done by threads, a bounded number of photos ahead."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Read]] = deque()
        try:
            for name in names:
                waiting.append(pool.submit(read, name))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # after an error nobody asks for the rest
            for future in waiting:
                future.cancel()


def batches(views: Iterable[RGB]) -> Iterator[NDArray[np.uint8]]:
    """Photos of one size, `BATCH` at a time: uint8, shape (b, edge, edge, 3)."""
    batch: list[RGB] = []
    for view in views:
        batch.append(view)
        if len(batch) == BATCH:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def parts(outputs: Iterable[Blocks], tick: Callable[[int], object] = int) -> Iterator[Blocks]:
    """Join the blocks of batches to those of parts of `PART` photos; `tick` is told each batch's photos."""
    waiting: list[Blocks] = []
    count = 0
    for blocks in outputs:
        waiting.append(blocks)
        tick(len(blocks["embedding"]))
        count += len(blocks["embedding"])
        if count >= PART:
            yield _joined(waiting)
            waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(blocks: Sequence[Blocks]) -> Blocks:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def embed(
    source: Source,
    photos: Sequence[str],
    sha256: Sequence[str],
    backbone: Backbone,
    root: Path,
    *,
    runtime: str = "auto",
    workers: int = 2,
    progress: bool = True,
) -> EmbeddingRun:
    """Embed photos, taking from the store under `root` what it has and adding the rest, part by part.

    Vectors alone: `fashion.embedding.extraction` has the pass that looks at everything of a photo at once.

    Parameters
    ----------
    source : Source
        Where the photos are.
    photos, sha256 : sequence of str, length n
        Names, and hex digests of their bytes (the key in the store).
    backbone : Backbone
        From `load_backbone`.
    root : Path
        Folder of the stores.
    runtime : str
        As in `runtimes.choose_runtime`.
    workers : int
        Decoding threads.
    progress : bool
        Show a progress bar.

    Returns
    -------
    EmbeddingRun

    Raises
    ------
    PhotoError
        When a photo has vanished or is damaged since it was checked; finished parts stay.
    """
    store = open_store(root, backbone)
    todo = {key: name for key, name in zip(sha256, photos, strict=True) if key not in store}
    keys, names = list(todo), list(todo.values())
    reused = len(photos) - len(keys)
    chosen = choose_runtime(backbone, runtime, root / NETWORKS) if keys else None
    done = 0
    with progress_bar(len(photos), "photos embedded", show=progress, done=reused) as bar:
        begin = time.perf_counter()
        if chosen:
            views = ahead(lambda name: read_photo(source, name, backbone.size), names, workers)
            for blocks in parts(chosen.stream(batches(views)), bar.update):
                store.add(keys[done : done + len(blocks["embedding"])], blocks)
                done += len(blocks["embedding"])
    seconds = time.perf_counter() - begin
    return EmbeddingRun(store, tuple(sha256), *computed_by(chosen), len(keys), reused, seconds)


def computed_by(runtime: Runtime | None) -> tuple[str, str]:
    """What computed vectors, with its version, and why that; of no runtime where none had to be computed."""
    if runtime is None:
        return "none needed", "all vectors were in the store"
    return f"{runtime.name} {runtime.version}", runtime.reason


def embed_views(views: Iterable[RGB], backbone: Backbone, runtime: Runtime) -> Blocks:
    """The vectors of photos that are decoded and resized, held in memory: for a part of a larger work."""
    widths = {"embedding": backbone.dimension, "multilayer": backbone.depths_width}
    none = {name: np.empty((0, width), np.float32) for name, width in widths.items()}
    return _joined([none, *runtime.stream(batches(views))])
