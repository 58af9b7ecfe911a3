"""Photos to vectors: batched, resumable, and never the same photo twice."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fashion.errors import ArtefactError
from fashion.photos import RGB, decode, resize
from fashion.progress import progress_bar
from fashion.provenance import code_of
from fashion.runtimes import Blocks, Runtime, choose_runtime
from fashion.source import Source
from fashion.workspace import write_whole

if TYPE_CHECKING:
    from fashion.backbones import Backbone

#: Photos a network call takes; small batches fit the processor's cache better than large ones.
BATCH = 16
#: Photos a finished part holds, a multiple of BATCH; a kill loses at most one part's work.
PART = 16 * BATCH


class EmbeddingStore:
    """Vectors on disk, keyed by what made them and by the photo's content.

    One folder for each key (network, input size, weights, code); in it finished parts, each an .npz with
    `sha256` (n, 32) uint8 and one (n, width) float32 array for each block. A part is renamed into place when
    whole and never changed, so a kill at any moment leaves only whole parts.

    Parameters
    ----------
    root : Path
        Shared by all catalogues: a photo that two of them hold is embedded once.
    key : str
        What made the vectors.
    widths : dict of str to int
        Block name -> vector length.
    """

    def __init__(self, root: Path, key: str, widths: dict[str, int]) -> None:
        self.folder = root / key
        self.widths = dict(widths)
        self._at: dict[str, tuple[Path, int]] = {}
        for part in sorted(self.folder.glob("part-*.npz")):
            self._register(part)

    def _register(self, part: Path) -> None:
        try:
            with np.load(part, allow_pickle=False) as arrays:
                keys = arrays["sha256"]
                for name, width in self.widths.items():
                    if arrays[name].shape != (len(keys), width):
                        raise ValueError(f"{name} has shape {arrays[name].shape}")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            aside = part.with_suffix(".damaged")
            os.replace(part, aside)
            warnings.warn(
                f"{part} is damaged ({error}); set aside as {aside.name}, its photos are embedded again",
                stacklevel=3,
            )
            return
        self._at.update({key.tobytes().hex(): (part, row) for row, key in enumerate(keys)})

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._at

    def __len__(self) -> int:
        return len(self._at)

    def add(self, sha256: Sequence[str], blocks: Blocks) -> Path:
        """Write one part; its name comes from its content's keys, so doing it twice gives one file."""
        keys = np.frombuffer(bytes.fromhex("".join(sha256)), np.uint8).reshape(len(sha256), 32)
        name = hashlib.sha256(keys.tobytes()).hexdigest()[:16]
        part = self.folder / f"part-{name}.npz"
        write_whole(part, lambda aside: np.savez(aside, sha256=keys, **blocks))  # type: ignore[arg-type]
        self._register(part)
        return part

    def gather(self, sha256: Sequence[str]) -> Blocks:
        """The blocks of the photos `sha256`, in that order.

        Raises
        ------
        ArtefactError
            When one is not in the store.
        """
        absent = [key for key in sha256 if key not in self._at]
        if absent:
            raise ArtefactError(
                f"expected vectors of {len(sha256)} photos in {self.folder}; {len(absent)} are missing, the first "
                f"is {absent[0][:12]}. Run `make report` again: it embeds what is missing."
            )
        blocks = {name: np.empty((len(sha256), width), np.float32) for name, width in self.widths.items()}
        rows_of: dict[Path, list[tuple[int, int]]] = {}
        for target, key in enumerate(sha256):
            part, row = self._at[key]
            rows_of.setdefault(part, []).append((target, row))
        for part, pairs in rows_of.items():
            targets, rows = np.array(pairs).T
            with np.load(part, allow_pickle=False) as arrays:
                for name in blocks:
                    blocks[name][targets] = arrays[name][rows]
        return blocks


@dataclass(frozen=True)
class EmbeddingRun:
    """What `embed` did.

    Attributes
    ----------
    store : EmbeddingStore
    sha256 : tuple of str
        Of the photos, in the order given.
    runtime : str
        What computed the network now, or "none needed".
    embedded, reused : int
        Photos that went through the network now, and those whose vectors were in the store.
    seconds : float
        Wall time of the embedding alone, without loading the network.
    """

    store: EmbeddingStore
    sha256: tuple[str, ...]
    runtime: str
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
    code = code_of(["photos", "backbones", "efficientnet", "resnet"])
    return f"{backbone.name}-{backbone.size}-{backbone.weights_checksum[:12]}-{code[:8]}"


def open_store(root: Path, backbone: Backbone) -> EmbeddingStore:
    """The store for this backbone's vectors under `root`."""
    widths = {"embedding": backbone.dimension, "depths": backbone.depths_width}
    return EmbeddingStore(root, store_key(backbone), widths)


def read_photo(source: Source, photo: str, edge: int) -> RGB:
    """Read, decode and resize one photo: uint8 RGB, shape (edge, edge, 3)."""
    return resize(decode(source.read(photo), photo), edge)


def _batches(source: Source, photos: Sequence[str], edge: int, workers: int) -> Iterator[NDArray[np.uint8]]:
    """Decode ahead of the network, a bounded number of batches, so that memory stays flat."""
    ahead = 3
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[list[Future[RGB]]] = []
        for first in range(0, len(photos), BATCH):
            names = photos[first : first + BATCH]
            waiting.append([pool.submit(read_photo, source, name, edge) for name in names])
            if len(waiting) > ahead:
                yield np.stack([future.result() for future in waiting.pop(0)])
        for futures in waiting:
            yield np.stack([future.result() for future in futures])


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
    chosen = choose_runtime(backbone, runtime) if keys else None
    with progress_bar(len(photos), "photos embedded", show=progress, done=reused) as bar:
        begin = time.perf_counter()
        if chosen:
            for first, blocks in _embedded_parts(source, names, backbone.size, chosen, workers, bar):
                store.add(keys[first : first + PART], blocks)
    seconds = time.perf_counter() - begin
    what = f"{chosen.name} {chosen.version}" if chosen else "none needed"
    return EmbeddingRun(store, tuple(sha256), what, len(keys), reused, seconds)


def embed_batches(source: Source, names: Sequence[str], backbone: Backbone, runtime: Runtime) -> Blocks:
    """The vectors of some photos, held in memory: for a part of a larger work, of at least no photo.

    Raises
    ------
    PhotoError
        When a photo has vanished or is damaged since it was checked.
    """
    empty = {"embedding": np.empty((0, backbone.dimension)), "depths": np.empty((0, backbone.depths_width))}
    found = list(runtime.stream(_batches(source, names, backbone.size, workers=2)))
    return {
        name: np.concatenate([none, *(blocks[name] for blocks in found)]).astype(np.float32)
        for name, none in empty.items()
    }


def _embedded_parts(
    source: Source, names: Sequence[str], edge: int, runtime: Runtime, workers: int, bar: tqdm
) -> Iterator[tuple[int, Blocks]]:
    """The blocks of each `PART` photos, with the index of its first photo."""
    outputs: list[Blocks] = []
    first = count = 0
    for blocks in runtime.stream(_batches(source, names, edge, workers)):
        outputs.append(blocks)
        length = len(next(iter(blocks.values())))
        count += length
        bar.update(length)
        if count - first == PART or count == len(names):
            yield first, {name: np.concatenate([block[name] for block in outputs]) for name in outputs[0]}
            first, outputs = count, []
