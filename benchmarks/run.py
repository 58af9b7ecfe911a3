"""The whole run: seconds of each step of the reports that are here, how they grow, and what ten more items cost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import say
from fashion.core.disk import alive
from fashion.core.errors import FashionError
from fashion.core.files import write_json
from fashion.core.provenance import commit, machine
from fashion.report.build import build_report
from fashion.report.steps import STEPS, Settings

#: Items of the runs that show how cost grows, where the catalogue has as many.
SIZES = (1_000, 5_000, 20_000, 60_000)

#: The backbone that all of them run.
NETWORK = "efficientnet-lite0"

#: How the folder of a report that is being measured is called, beside those kept; the process's number follows.
WORKING = ".working-"


def measured(settings: Settings, folder: Path) -> dict[str, Any]:
    """A report made twice in an empty folder: seconds of each step cold, of the whole warm, and what was embedded."""
    said: list[str] = []
    begin = time.perf_counter()
    index = build_report(settings, processed=folder / "processed", reports=folder / "reports", say=said.append)
    cold = time.perf_counter() - begin
    begin = time.perf_counter()
    build_report(settings, processed=folder / "processed", reports=folder / "reports", say=said.append)
    warm = time.perf_counter() - begin
    provenance = json.loads((index.parent / "provenance.json").read_text(encoding="utf-8"))
    return collected(index.parent, provenance) | {"cold_seconds": cold, "warm_seconds": warm}


def collected(report: Path, provenance: dict[str, Any]) -> dict[str, Any]:
    """The cost of a finished report, from its own results: seconds, items and epochs."""
    numbers = {n: json.loads((report / f"results/{n}.json").read_text(encoding="utf-8")) for n in ("01", "03")}
    return {
        "catalogue": provenance["catalogue"],
        "items": numbers["01"]["items"],
        "seconds": provenance["seconds"],
        "embedding": numbers["01"]["timing"],
        "training_seconds": numbers["03"]["timing"]["training_seconds"],
        "epochs": numbers["03"]["epochs"],
    }


def exponents(reports: list[dict[str, Any]]) -> dict[str, float]:
    """Each step's seconds as a power of the items: the slope of a line through the logarithms (least squares)."""
    items = np.log([report["items"] for report in reports])
    if len(set(items)) < 2:
        return {}
    names = [step.notebook for step in STEPS]
    logs = {name: np.log([max(report["seconds"][name], 0.1) for report in reports]) for name in names}
    return {name: float(np.polyfit(items, seconds, 1)[0]) for name, seconds in logs.items()}


def adding(settings: Settings, folder: Path, count: int = 10) -> dict[str, Any]:
    """Seconds that `count` new items cost beside a finished report: in this process, and as a whole command.

    The new items are the catalogue's own photos in new bytes, under new names.
    """
    import cv2
    import pandas as pd

    from fashion.catalogue.definition import load_catalogue, open_catalogue
    from fashion.core.workspace import Workspace
    from fashion.photos.images import decode
    from fashion.recommendation.add_items import add

    catalogue = load_catalogue(settings.catalogue)
    source = open_catalogue(catalogue, settings.data)
    work = Workspace(catalogue.name, folder / "processed", folder / "reports")
    items = work.items().head(count)
    table = pd.DataFrame(
        {theirs: items[ours].to_numpy() for ours, theirs in catalogue.columns.items() if ours in items}
    )

    def arrivals(new: Path, quality: int) -> None:
        names = [f"new-{quality}-{number}.jpg" for number in range(count)]
        for name, photo in zip(names, items["photo"], strict=True):
            target = new / catalogue.photos.format(filename=name)
            target.parent.mkdir(parents=True, exist_ok=True)
            rgb = decode(source.read(photo), photo)
            cv2.imwrite(str(target), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        (new / catalogue.table).parent.mkdir(parents=True, exist_ok=True)
        rows = table.assign(**{catalogue.columns["item"]: names})
        rows.to_csv(
            new / catalogue.table,
            sep="," if catalogue.form.delimiter == "auto" else catalogue.form.delimiter,
            index=False,
        )

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        arrivals(Path(one), 84)
        arrivals(Path(other), 83)
        command = [sys.executable, "-m", "fashion.cli.main", "add", "--catalogue", settings.catalogue, "--data", one]
        command += ["--keep-unknown", "--processed", str(folder / "processed"), "--reports", str(folder / "reports")]
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        whole = time.perf_counter() - begin
        shutil.rmtree(work.processed / "changes", ignore_errors=True)
        added = add(work, catalogue, other, keep_unknown=True, progress=False)
    shutil.rmtree(work.processed / "changes", ignore_errors=True)
    return {"added": added.embedded, "seconds": added.seconds, "command_seconds": whole}


def wanted(options: dict[str, Any]) -> list[Settings]:
    """The reports to measure: the sample, and parts of the catalogue that was given, the largest last."""
    quick, catalogue = options["quick"], options["catalogue"]
    if quick or catalogue == "sample":
        return [Settings(limit=400 if quick else None, backbone=NETWORK)]
    named = options.get("sizes") or f"sample,{','.join(map(str, SIZES[:-1]))},all"
    settings = []
    for size in named.split(","):
        if size == "sample":
            settings.append(Settings(backbone=NETWORK))
        else:
            if size != "all" and not size.isdecimal():
                raise FashionError(
                    f"expected sizes such as sample,1000,all; found {size!r}. Correct --sizes (make: SIZES)."
                )
            limit = None if size == "all" else int(size)
            settings.append(Settings(catalogue, options["data"], limit=limit, backbone=NETWORK))
    return settings


def measure(settings: Settings, kept: Path, *, add: bool) -> dict[str, Any]:
    """Make a report in an empty folder, and write at once what it cost: `<kept>/cost.json`, beside its own numbers."""
    say(f"report of {settings.catalogue}, {settings.limit or 'all'} items")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=f"{WORKING}{os.getpid()}-") as place:
        folder = Path(place)
        cost = measured(settings, folder)
        if add:
            cost["adding"] = adding(settings, folder)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder / "reports" / cost["catalogue"] / "results", kept)
    write_json(kept / "cost.json", cost | {"commit": commit(), "machine": machine()})
    return cost


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The part `run`; with data, ImageLab at several sizes, else the sample alone.

    Each report's cost is kept in `reports/bench/run` as soon as it is there; what was measured before counts along with
    what is measured now.
    """
    root = Path(options["reports"]) / "bench" / ("run-quick" if options["quick"] else "run")
    for left in root.glob(f"{WORKING}*"):
        if not alive(int(left.name.removeprefix(WORKING).split("-")[0])):  # of a run that was killed
            shutil.rmtree(left)
    for settings in wanted(options):
        label = f"{settings.catalogue}-{settings.limit or 'all'}".replace("/", "_")
        if options.get("missing") and (root / label / "cost.json").is_file():
            say(f"[{label}] measured before")
            continue
        measure(settings, root / label, add=settings.limit is None or options["quick"])
    costs = [json.loads(path.read_text(encoding="utf-8")) for path in root.glob("*/cost.json")]
    reports = sorted(costs, key=lambda report: (report["catalogue"] != "sample", report["items"]))
    grown = [report for report in reports if report["catalogue"] == reports[-1]["catalogue"]]
    largest = reports[-1]
    added = largest.get("adding")
    if added:
        added |= {"catalogue": largest["catalogue"], "items": largest["items"],
                  "all_seconds": largest["embedding"]["seconds"]}  # fmt: skip
    return {"reports": reports, "exponents": exponents(grown), "adding": added}
