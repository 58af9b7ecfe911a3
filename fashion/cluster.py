"""All that is seen in photos, on several machines: a Dask cluster does the parts, this machine gathers them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from fashion.backbones import load_backbone
from fashion.catalogue import load_catalogue, open_catalogue
from fashion.errors import ArtefactError
from fashion.facts_store import marks_of, write_facts
from fashion.parts import Job, Part, cut, do, finished, gather, made_by, open_home
from fashion.photo_store import PART
from fashion.progress import progress_bar
from fashion.provenance import fingerprint
from fashion.reading import open_descriptors
from fashion.tables import read_table

#: How often a part is begun again after the death of its worker before it counts as what kills them.
DEATHS = 5


@dataclass(frozen=True)
class Distributed:
    """What a distributed run did.

    Attributes
    ----------
    photos, parts : int
        In all.
    done, found : int
        Parts done now, and those that were finished before.
    embedded : int
        Photos that went through the network now.
    facts : Path
        The file from which notebook 01 takes what photos tell.
    """

    photos: int
    parts: int
    done: int
    found: int
    embedded: int
    facts: Path


def distribute(
    job: Job,
    root: Path,
    *,
    scheduler: str = "local",
    workers: int = 2,
    size: int = PART,
    progress: bool = True,
    started: Callable[[object], None] | None = None,
) -> Distributed:
    """Do all parts of a catalogue on a Dask cluster and gather them: `make report` then reads no photo again.

    Parameters
    ----------
    job : Job
        With "auto" as its backbone, this machine chooses and tells the workers.
    root : Path
        Folder of all catalogues' artefacts on this machine.
    scheduler : str
        Address of a running scheduler such as tcp://10.0.0.1:8786, or "local": worker processes on this machine.
    workers : int
        How many, where they are local.
    size : int
        Photos of a part: what the death of a worker costs.
    progress : bool
    started : callable, optional
        Called with Dask's client once the work is submitted.

    Raises
    ------
    ArtefactError
        When the cluster cannot be had, or a part fails; finished parts stay, and the next run goes on from them.
    """
    if job.backbone == "auto":
        job = replace(job, backbone=load_backbone("auto", job.weights, job.size).name)
    catalogue = load_catalogue(job.catalogue)
    source = open_catalogue(catalogue, job.data)
    rows, _ = read_table(catalogue, source)
    photos = list(dict.fromkeys(rows["photo"]))
    marks = marks_of(source, photos)
    parts = cut(photos, made_by(job, fingerprint(source.path)), size)
    todo = [part for part in parts if not finished(job, part)]
    embedded = 0
    with progress_bar(len(photos), "photos on the cluster", show=progress) as bar:
        bar.update(sum(len(part.photos) for part in parts) - sum(len(part.photos) for part in todo))
        if todo:
            embedded = _run(job, todo, scheduler, workers, bar.update, started)
    stores = open_home(job, root), open_descriptors(root)
    facts = pd.concat([gather(job, part, *stores) for part in parts], ignore_index=True)
    path = write_facts(root, source, facts, marks)
    return Distributed(len(photos), len(parts), len(todo), len(parts) - len(todo), embedded, path)


def _run(
    job: Job,
    todo: list[Part],
    scheduler: str,
    workers: int,
    tick: Callable[[int], object],
    started: Callable[[object], None] | None,
) -> int:
    """Do the parts; how many photos were embedded."""
    import dask
    from distributed import Client, LocalCluster, as_completed

    # A worker may die many times over a long run; its part goes to another one.
    with dask.config.set({"distributed.scheduler.allowed-failures": DEATHS}):
        try:
            cluster = None
            if scheduler == "local":
                cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)
            client = Client(cluster if cluster is not None else scheduler, timeout="20s")
        except (OSError, ValueError, TimeoutError) as error:
            raise ArtefactError(
                f"expected a Dask scheduler at {scheduler}; it cannot be reached: {error}. Start one (`dask scheduler`,"
                " then `dask worker ADDRESS` on each machine, with this package installed), or use --scheduler local."
            ) from error
        embedded = 0
        try:
            futures = {client.submit(do, job, part, pure=False, retries=1): part for part in todo}
            if started is not None:
                started(client)
            for future in as_completed(list(futures)):
                part = futures[future]
                try:
                    embedded += future.result()["embedded"]
                except Exception as error:
                    client.cancel(list(futures))
                    raise ArtefactError(
                        f"expected the part {part.name} of {len(part.photos)} photos (the first {part.photos[0]}) from "
                        f"a worker of {scheduler}; it failed: {type(error).__name__}: {error}. Finished parts are kept "
                        f"in {job.shared}: mend the cause and run the same command again."
                    ) from error
                tick(len(part.photos))
        finally:
            client.close()
            if cluster is not None:
                cluster.close()
    return embedded
