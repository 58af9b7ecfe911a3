"""A catalogue's photos in shards that any machine can process: metadata, descriptors and vectors on shared storage.

A shard's name is a checksum of everything that determines its content, so a shard that two machines process twice is
the same shard, and a machine that dies loses only the shard it was at. A shard counts when its `.json` is there, which
is written last and holds the checksums of the two files beside it: a table of metadata, and an .npz of vectors and
descriptors.
"""

from __future__ import annotations

import io
import json
import os
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.cleaning import all_photos
from fashion.catalogue.definition import load_catalogue, open_catalogue
from fashion.catalogue.source import Source
from fashion.catalogue.table import read_table
from fashion.core.checksums import fingerprint, sha256_bytes, sha256_json
from fashion.core.code_closure import closure_of, code_of
from fashion.core.environment import restored
from fashion.core.errors import ArtefactError
from fashion.core.progress import progress_bar
from fashion.core.provenance import versions
from fashion.embedding.backbones import load_backbone
from fashion.embedding.extraction import (
    ahead,
    embed_views,
    extract,
    networks_folder,
    open_descriptors,
    open_store,
    store_key,
)
from fashion.embedding.runtimes import choose_runtime
from fashion.photos.descriptors import NONE, describe
from fashion.photos.measures import measure, metadata_table
from fashion.photos.metadata import PACKAGES, signatures_of, write_metadata
from fashion.photos.store import SHARD, PhotoStore


@dataclass(frozen=True)
class Job:
    """The settings of a distributed run that every worker needs, as plain values.

    Attributes
    ----------
    catalogue : str
        Name, or path of the TOML, where workers find it.
    data : str or None
        Zip or folder, where workers find it.
    shared : str
        Folder for finished shards: any address that fsspec knows, such as /mnt/shared or s3://bucket/shards.
    backbone, weights, size, runtime
        As `backbones.load_backbone` and `runtimes.choose_runtime` take them; the backbone by its own name, not "auto".
    kept : str, optional
        Folder of converted networks, for workers that see it: to convert one takes a worker's first ten seconds.
    """

    catalogue: str
    data: str | None
    shared: str
    backbone: str
    weights: str | None = None
    size: int | None = None
    runtime: str = "auto"
    kept: str | None = None


@dataclass(frozen=True)
class Shard:
    """Some photos, in order, and the name of the files that hold their results."""

    name: str
    photos: tuple[str, ...]


def cut(photos: Sequence[str], made_by: object, size: int = SHARD) -> list[Shard]:
    """Cut photos into shards of `size`.

    Parameters
    ----------
    photos : sequence of str
        Names, each once.
    made_by : object
        What determines a photo's results, as JSON takes it; goes into each shard's name.
    size : int

    Examples
    --------
    >>> [shard.photos for shard in cut(["a", "b", "c"], "network", 2)]
    [('a', 'b'), ('c',)]
    """
    cuts = [tuple(photos[first : first + size]) for first in range(0, len(photos), size)]
    return [Shard(sha256_json([made_by, names])[:24], names) for names in cuts]


# ---- A worker's side ----


@lru_cache(maxsize=2)
def tools(job: Job) -> tuple[Source, Any, Any]:
    """A process's own source, backbone and runtime, loaded at its first shard."""
    source = open_catalogue(load_catalogue(job.catalogue), job.data)
    backbone = load_backbone(job.backbone, job.weights, job.size)
    kept = Path(job.kept) if job.kept and os.access(job.kept, os.W_OK) else None
    return source, backbone, choose_runtime(backbone, job.runtime, kept)


def made_by(job: Job, fingerprint: str) -> list[object]:
    """Everything that determines a job's shards: network, code, versions, and the data's fingerprint."""
    _, backbone, runtime = tools(job)
    code = code_of(closure_of(measure, describe))
    return [store_key(backbone), runtime.name, runtime.version, code, versions(PACKAGES), fingerprint]


def do(job: Job, shard: Shard) -> dict[str, int]:
    """Process a shard unless it is finished: read its photos once, embed the good ones, write all to shared storage.

    Returns
    -------
    dict
        `read` and `embedded`: photos; 0 where the shard was finished.

    Raises
    ------
    ArtefactError
        When shared storage cannot be written.
    """
    if finished(job, shard):
        return {"read": 0, "embedded": 0}
    source, backbone, runtime = tools(job)
    source.fetch(shard.photos, progress=False)  # a machine of its own has downloaded none
    extracts = list(ahead(lambda name: extract(source, name, backbone.framing), shard.photos, workers=2))
    metadata = metadata_table(photo.metadata for photo in extracts)
    good = metadata[metadata["problem"] == ""].drop_duplicates("sha256")
    once = [extracts[row] for row in good.index]
    blocks = embed_views((photo.view for photo in once if photo.view is not None), backbone, runtime)
    described = [photo.described for photo in once if photo.described is not None]
    arrays = {name: np.stack([row[name] for row in described]) if described else none for name, none in NONE.items()}
    table = io.BytesIO()
    metadata.to_parquet(table, index=False)
    files = {"parquet": table.getvalue(), "npz": _packed(blocks | arrays)}
    sums = {kind: sha256_bytes(data) for kind, data in files.items()}
    # No seal (`files.write_sealed`): an object store has no renaming, and one marker stands for both files.
    marker = {"photos": list(shard.photos), "sha256": good["sha256"].tolist(), "files": sums}
    for kind, data in (files | {"json": json.dumps(marker).encode()}).items():
        put(job.shared, f"{shard.name}.{kind}", data)
    return {"read": len(metadata), "embedded": len(good)}


def _packed(arrays: Mapping[str, NDArray]) -> bytes:
    """Named arrays as `np.load` takes them; always the same bytes, unlike `np.savez`, which dates them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, array in arrays.items():
            with file.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
    return packed.getvalue()


# ---- Shared storage ----


def put(shared: str, name: str, data: bytes) -> None:
    """Write a file to shared storage, whole or not at all."""
    import fsspec

    try:
        system, folder = fsspec.core.url_to_fs(shared)
        target = f"{folder}/{name}"
        if "file" not in system.protocol:
            system.pipe_file(target, data)  # object stores show an object when all of it is there
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        aside = Path(folder) / f".{name}.{uuid.uuid4().hex}"
        try:
            aside.write_bytes(data)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise ArtefactError(
            f"expected to write {name} to the shared storage {shared}; found that it fails: {error}. Finished shards "
            "are kept: fix the storage and run the same command again."
        ) from error


def get(shared: str, name: str) -> bytes | None:
    """A file of shared storage; None where there is none."""
    import fsspec

    system, folder = fsspec.core.url_to_fs(shared)
    try:
        return bytes(system.cat_file(f"{folder}/{name}"))
    except FileNotFoundError:
        return None


def finished(job: Job, shard: Shard) -> dict[str, Any] | None:
    """The marker of a finished shard; None where it is missing or unreadable."""
    data = get(job.shared, f"{shard.name}.json")
    try:
        marker: dict[str, Any] | None = json.loads(data) if data else None
    except ValueError:
        return None
    return marker if marker and marker.get("photos") == list(shard.photos) else None


def gather(job: Job, shard: Shard, *stores: PhotoStore) -> pd.DataFrame:
    """Bring a finished shard home: its arrays into `stores`, its metadata as a table.

    Raises
    ------
    ArtefactError
        When the shard is missing or differs from its checksums; it is then no longer counted as finished, so that the
        next run processes it again.
    """
    marker = finished(job, shard)
    files = {kind: get(job.shared, f"{shard.name}.{kind}") for kind in ("parquet", "npz")}
    if marker is None or any(data is None or sha256_bytes(data) != marker["files"][k] for k, data in files.items()):
        put(job.shared, f"{shard.name}.json", b"")
        raise ArtefactError(
            f"expected the shard {shard.name} of {len(shard.photos)} photos (the first {shard.photos[0]}) whole in "
            f"{job.shared}; found it missing or damaged. Run the same command again: it processes the shard again."
        )
    with np.load(io.BytesIO(files["npz"] or b""), allow_pickle=False) as arrays:
        for store in stores:
            new = [row for row, key in enumerate(marker["sha256"]) if key not in store]
            if new:
                store.add([marker["sha256"][row] for row in new], {name: arrays[name][new] for name in store.empty})
    return pd.read_parquet(io.BytesIO(files["parquet"] or b""))


def open_home(job: Job, root: Path) -> PhotoStore:
    """The single machine's store of vectors, into which shards are gathered."""
    _, backbone, _ = tools(job)
    return open_store(root / "embeddings", backbone)


# ---- The cluster ----


#: Variables that Dask sets in the process that starts workers, beside those that its settings name.
OF_DASK = ("PYTHONHASHSEED", "__DASK_PARENT_PID")

#: How often a shard is restarted after the death of its worker, before it counts as the cause.
DEATHS = 5


@dataclass(frozen=True)
class Distributed:
    """Counts of a distributed run, and where its metadata is.

    Attributes
    ----------
    photos, shards : int
        In all.
    done, reused : int
        Shards processed now, and those that were finished before.
    embedded : int
        Photos that went through the network now.
    metadata : Path
        The file from which notebook 01 reads the photos' metadata.
    """

    photos: int
    shards: int
    done: int
    reused: int
    embedded: int
    metadata: Path


def distribute(
    job: Job,
    root: Path,
    *,
    scheduler: str = "local",
    workers: int = 2,
    size: int = SHARD,
    progress: bool = True,
    started: Callable[[object], None] | None = None,
) -> Distributed:
    """Process all shards of a catalogue on a Dask cluster and gather them: `make report` then reads no photo again.

    Parameters
    ----------
    job : Job
        With "auto" as its backbone, this machine chooses for all workers.
    root : Path
        Folder of all catalogues' artefacts on this machine.
    scheduler : str
        Address of a running scheduler such as tcp://10.0.0.1:8786, or "local": worker processes on this machine.
    workers : int
        How many, where they are local.
    size : int
        Photos of a shard: what the death of a worker costs.
    progress : bool
    started : callable, optional
        Called with Dask's client once the work is submitted.

    Raises
    ------
    ArtefactError
        When the cluster is unavailable, or a shard fails; finished shards are kept, and the next run resumes from them.
    """
    if job.backbone == "auto":
        job = replace(job, backbone=load_backbone("auto", job.weights, job.size).name)
    kept = networks_folder(root)
    kept.mkdir(parents=True, exist_ok=True)
    job = replace(job, kept=str(kept.resolve()))
    catalogue = load_catalogue(job.catalogue)
    source = open_catalogue(catalogue, job.data, root)
    rows, _ = read_table(catalogue, source)
    photos = list(dict.fromkeys(all_photos(rows)))
    source.fetch(photos, progress=progress)
    signatures = signatures_of(source, photos)
    downloads = source.downloads
    data = fingerprint(source.path, [root, *([downloads.folder] if downloads else [])])
    shards = cut(photos, made_by(job, sha256_json([data, downloads.state() if downloads else ""])), size)
    todo = [shard for shard in shards if not finished(job, shard)]
    embedded = 0
    with progress_bar(len(photos), "photos on the cluster", show=progress) as bar:
        bar.update(sum(len(shard.photos) for shard in shards) - sum(len(shard.photos) for shard in todo))
        if todo:
            embedded = _run(job, todo, scheduler, workers, bar.update, started)
    stores = open_home(job, root), open_descriptors(root)
    metadata = pd.concat([gather(job, shard, *stores) for shard in shards], ignore_index=True)
    path = write_metadata(root, source, metadata, signatures)
    return Distributed(len(photos), len(shards), len(todo), len(shards) - len(todo), embedded, path)


def _run(
    job: Job,
    todo: list[Shard],
    scheduler: str,
    workers: int,
    tick: Callable[[int], object],
    started: Callable[[object], None] | None,
) -> int:
    """Process the shards; return the number of photos embedded."""
    import dask
    from distributed import Client, LocalCluster, as_completed

    # Workers may die many times over a long run; another one takes over the shard.
    with dask.config.set({"distributed.scheduler.allowed-failures": DEATHS}), ExitStack() as stack:
        try:
            place: Any = scheduler
            if scheduler == "local":
                for_workers = dask.config.get("distributed.nanny.pre-spawn-environ")
                stack.enter_context(restored([*for_workers, *OF_DASK]))
                place = stack.enter_context(
                    LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)
                )
            client = stack.enter_context(Client(place, timeout="20s"))
        except (OSError, ValueError, TimeoutError) as error:
            raise ArtefactError(
                f"expected a Dask scheduler at {scheduler}; found none: {error}. Start one (`dask scheduler`,"
                " then `dask worker ADDRESS` on each machine, with this package installed), or use --scheduler local."
            ) from error
        embedded = 0
        futures = {client.submit(do, job, shard, pure=False, retries=1): shard for shard in todo}
        if started is not None:
            started(client)
        for future in as_completed(list(futures)):
            shard = futures[future]
            try:
                embedded += future.result()["embedded"]
            except Exception as error:
                client.cancel(list(futures))
                raise ArtefactError(
                    f"expected the shard {shard.name} of {len(shard.photos)} photos (the first {shard.photos[0]}) "
                    f"from a worker of {scheduler}; found {type(error).__name__}: {error}. Finished shards are "
                    f"kept in {job.shared}: fix the cause and run the same command again."
                ) from error
            tick(len(shard.photos))
    return embedded
