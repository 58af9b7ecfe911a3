"""The whole run: seconds of each step of the reports that are here, how they grow, and what ten more items cost."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from fashion.bench.harness import say
from fashion.paths import project_root
from fashion.report import build_report
from fashion.steps import STEPS, Settings

#: Items of the runs that show how cost grows, where the catalogue has as many.
SIZES = (1_000, 5_000, 20_000, 60_000)


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
    """What a finished report says of its own cost."""
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
    found = {name: np.log([max(report["seconds"][name], 0.1) for report in reports]) for name in names}
    return {name: float(np.polyfit(items, seconds, 1)[0]) for name, seconds in found.items()}


def adding(settings: Settings, folder: Path, count: int = 10) -> dict[str, Any]:
    """Seconds that `count` new items cost beside a finished report, against those of embedding all that it has.

    The new items are the catalogue's own photos in new bytes, under new names.
    """
    import cv2
    import pandas as pd

    from fashion.adding import add
    from fashion.catalogue import load_catalogue, open_catalogue
    from fashion.photos import decode
    from fashion.workspace import Workspace

    catalogue = load_catalogue(settings.catalogue)
    source = open_catalogue(catalogue, settings.data)
    work = Workspace(catalogue.name, folder / "processed", folder / "reports")
    items = work.items().head(count)
    table = pd.DataFrame(
        {theirs: items[ours].to_numpy() for ours, theirs in catalogue.columns.items() if ours in items}
    )
    with tempfile.TemporaryDirectory() as place:
        new = Path(place)
        names = [f"new-{number}.jpg" for number in range(count)]
        for name, photo in zip(names, items["photo"], strict=True):
            target = new / catalogue.photos.format(filename=name)
            target.parent.mkdir(parents=True, exist_ok=True)
            rgb = decode(source.read(photo), photo)
            cv2.imwrite(str(target), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 83])
        table[catalogue.columns["item"]] = names
        (new / catalogue.table).parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(new / catalogue.table, sep=catalogue.delimiter, index=False)
        added = add(work, catalogue, new, keep_unknown=True, progress=False)
    shutil.rmtree(work.processed / "additions", ignore_errors=True)
    return {"added": added.embedded, "seconds": added.seconds}


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The part `run`; with data, ImageLab at several sizes, else the sample alone."""
    quick, catalogue = options["quick"], options["catalogue"]
    reports = []
    settings = [Settings(limit=400 if quick else None, backbone="efficientnet-lite0")]
    if catalogue != "sample" and not quick:
        sizes = [*SIZES[:-1], None]
        settings += [Settings(catalogue, options["data"], limit=n, backbone="efficientnet-lite0") for n in sizes]
    for setting in settings:
        say(f"report of {setting.catalogue}, {setting.limit or 'all'} items")
        with tempfile.TemporaryDirectory(dir=project_root() / "data") as folder:
            reports.append(measured(setting, Path(folder)))
            if setting is settings[-1]:  # the largest gets ten new items
                added = adding(setting, Path(folder)) | {
                    "catalogue": reports[-1]["catalogue"], "items": reports[-1]["items"],
                    "all_seconds": reports[-1]["embedding"]["seconds"],
                }  # fmt: skip
    grown = [report for report in reports if report["catalogue"] == catalogue]
    return {"reports": reports, "exponents": exponents(grown) if len(grown) > 1 else {}, "adding": added}
