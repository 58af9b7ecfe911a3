"""Photos to vectors: batched, resumable, and never the same photo twice."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fashion.backbones import Backbone
from fashion.photo_store import PART, PhotoStore
from fashion.pixels import RGB, decode, resize
from fashion.progress import progress_bar
from fashion.provenance import closure_of, code_of
from fashion.runtimes import Blocks, Runtime, choose_runtime
from fashion.source import Source

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
        """ "embedding" and "depths", float32, shape (n, width), rows in the order of the photos given.

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
    widths = {"embedding": backbone.dimension, "depths": backbone.depths_width}
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

    Vectors alone: `fashion.reading` has the pass that looks at everything of a photo at once.

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
    widths = {"embedding": backbone.dimension, "depths": backbone.depths_width}
    none = {name: np.empty((0, width), np.float32) for name, width in widths.items()}
    return _joined([none, *runtime.stream(batches(views))])
