"""The command `fashion distribute`: photos' metadata and vectors on a Dask cluster, before a report."""

from __future__ import annotations

import argparse
import shlex

from fashion.cli.options import folders, parent
from fashion.core.bounds import WORKERS, whole

TITLE = "measure and embed the photos on a Dask cluster"

TEXT = """\
Measure and embed every photo in a catalogue's table, on several machines. Each worker writes finished shards to shared
storage, so a worker may die and an interrupted run resumes. The shards are then gathered here, and `fashion report`
finds the same metadata and vectors it would have computed itself."""

EXAMPLES = """\
  fashion distribute -c imagelab --data imagelab.zip --shared /mnt/shards --scheduler tcp://10.0.0.1:8786
  fashion distribute --shared /tmp/shards --workers 2"""

PARENTS = (parent("catalogue", "data", "backbone", "weights", "size", "runtime"), folders())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fashion distribute`, besides those of the catalogue and the network."""
    group = parser.add_argument_group("on which machines")
    address = "a running Dask scheduler, such as tcp://10.0.0.1:8786 (default: local processes)"
    group.add_argument("--scheduler", default="local", metavar="ADDRESS", help=address)
    group.add_argument("--workers", type=whole(WORKERS), default=2, metavar="N", help="local processes (default: 2)")
    folder = "folder of finished shards that all workers reach: a path or an fsspec address"
    group.add_argument("--shared", required=True, metavar="ADDRESS", help=folder)


def run(arguments: argparse.Namespace) -> None:
    """Distribute, and say what was done."""
    from fashion.catalogue.identity import open_workspace
    from fashion.core.errors import SettingsError
    from fashion.core.paths import at_home
    from fashion.embedding.distributed import Job, distribute
    from fashion.embedding.encoder_files import is_place, resolve, several

    if len(several(arguments.backbone)) > 1:
        raise SettingsError(
            f"expected one backbone to distribute; found {arguments.backbone}. Run the command once for each: the "
            "report on all of them then finds their vectors."
        )
    data = str(at_home(arguments.data).resolve()) if arguments.data else None
    toml = at_home(arguments.catalogue)
    catalogue = str(toml.resolve()) if toml.suffix.lower() == ".toml" else arguments.catalogue
    backbone = str(resolve(arguments.backbone)) if is_place(arguments.backbone) else arguments.backbone
    job = Job(
        catalogue, data, arguments.shared, backbone=backbone, weights=arguments.weights, size=arguments.size,
        runtime=arguments.runtime,
    )  # fmt: skip
    root = open_workspace(catalogue, arguments.processed).stores
    counts = distribute(job, root, scheduler=arguments.scheduler, workers=arguments.workers)
    print(
        f"{counts.photos:,} photos in {counts.shards:,} shards: {counts.done:,} done now, {counts.reused:,} done before"
    )
    print(f"{counts.embedded:,} photos embedded; metadata in {counts.metadata}")
    given = {
        "catalogue": arguments.catalogue, "data": arguments.data, "backbone": arguments.backbone,
        "weights": arguments.weights, "size": arguments.size, "runtime": arguments.runtime,
        "run": arguments.run, "processed": None if arguments.run else arguments.processed,
    }  # fmt: skip
    options = [f"--{name} {shlex.quote(str(value))}" for name, value in given.items() if value not in (None, "auto")]
    print(" ".join(["next: fashion report", *options]))
