"""The part of `fashion.cli.doctor` that looks at catalogues and at the reports on them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fashion.catalogue.archives import is_gzip, is_tar
from fashion.catalogue.definition import Catalogue, known_catalogues, load_catalogue
from fashion.catalogue.identity import open_workspace
from fashion.catalogue.raw_table import count_rows
from fashion.catalogue.sample.idx import SOURCES
from fashion.catalogue.source import open_source
from fashion.core.disk import half_written
from fashion.core.errors import FashionError
from fashion.core.locking import is_running
from fashion.core.paths import at_home, project_root
from fashion.core.workspace import PROVENANCE, RUNS, Workspace
from fashion.report.integrity import changed, damaged_changes, recorded
from fashion.report.steps import STEPS, Settings, read_state, step_key


def _place(catalogue: Catalogue, given: str | None) -> Path | None:
    return at_home(given) if given else catalogue.data


def rows_of(name: str, given: str | None) -> int:
    """Items that a report on the catalogue would hold at most, by its table; 0 if it is missing or not unpacked."""
    try:
        catalogue = load_catalogue(name)
        place = _place(catalogue, given)
        if place is None or not place.exists() or _is_packed(place):
            return 0
        rows = count_rows(open_source(place, catalogue.table))
    except (FashionError, OSError):
        return 0
    return min(rows, catalogue.default_limit or rows)


def _is_packed(place: Path) -> bool:
    """Whether the data is a tar in gzip, which the first report unpacks: the doctor changes nothing."""
    return place.is_file() and is_gzip(place) and is_tar(place)


def data(wanted: str, given: str | None = None) -> Iterator[Finding]:
    """Each catalogue and whether its data is there; only that of `wanted` must be."""
    for name in [*known_catalogues(), *([wanted] if wanted not in known_catalogues() else [])]:
        worst, label = "missing" if name == wanted else "note", name
        try:
            catalogue = load_catalogue(name)
            place = _place(catalogue, given if name == wanted else None)
            label = catalogue.name
            if place is not None and place.exists() and (catalogue.maker != "sample" or any(place.iterdir())):
                packed = _is_packed(place)
                if not packed:
                    open_source(place, catalogue.table)
                said = "; the first report unpacks it, beside its artefacts" if packed else ""
                yield Finding("catalogues", label, "ok", f"available: {place}{said}")
                continue
        except (FashionError, OSError) as error:
            yield Finding("catalogues", label, worst, str(error), "fix what the message names")
            continue
        if catalogue.maker == "sample":
            absent = [file for file in SOURCES if not (project_root() / "data/sample" / file).is_file()]
            yield Finding(
                "catalogues", label, worst if absent else "ok",
                f"its source files are not there: {', '.join(absent)}" if absent else "made by the first report",
                "restore data/sample, from git" if absent else "",
            )  # fmt: skip
            continue
        said = f"no data at {place}" if place else "no data, and no place named"
        option = "DATA=path" if name in known_catalogues() else "`data` in its TOML, or DATA=path"
        yield Finding("catalogues", label, worst, said, f"name it: {option}. {catalogue.obtain}".strip())


def names(work: Workspace, wanted: str) -> Iterator[Finding]:
    """A finding where another catalogue of the same name has taken the folders of `wanted`; else nothing."""
    try:
        catalogue = load_catalogue(wanted)
    except (FashionError, OSError):
        return  # `data` says so
    try:
        open_workspace(catalogue, work.processed_root, work.report.parent)
    except FashionError as error:
        advice = "give one of the two another `name`"
        yield Finding("catalogues", f"{catalogue.name}'s name", "missing", str(error), advice)


def reports(work: Workspace) -> Iterator[Finding]:
    """Reports, finished and running, in the folders of `work` and of its runs; locks and leftovers."""
    own = work.run
    places = [(own, work.processed_root, work.report.parent)]
    for folder in sorted((work.processed_root / RUNS).glob("*/")):
        places.append((folder.name, folder, work.report.parent / RUNS / folder.name))
    made = {
        f"{run}/{folder.parent.name}" if run else folder.parent.name: Workspace(folder.parent.name, processed, reports)
        for run, processed, reports in places
        for folder in sorted(processed.glob("*/steps"))
    }  # fmt: skip
    for name, reported in made.items():
        yield _report(reported, name)
    if not made:
        yield Finding("reports", "reports", "note", f"none in {work.report.parent} yet", "make report")
    held = [name for name, reported in made.items() if is_running(reported)]
    yield Finding(
        "reports", "locks", "note" if held else "ok", f"held: {', '.join(held)}" if held else "none held",
        "wait for that run, or stop it; a lock ends with its process" if held else "",
    )  # fmt: skip
    size, aside = _leftovers(work.processed_root, work.report.parent, set(held))
    yield Finding(
        "reports", "leftovers", "note" if size or aside else "ok",
        f"{size / 1e6:.0f} MB half-written" + (f"; set aside: {', '.join(p.name for p in aside[:3])}" if aside else ""),
        "the next report removes half-written files; check and remove what was set aside",
    )  # fmt: skip


def _leftovers(processed: Path, reports: Path, held: set[str]) -> tuple[int, list[Path]]:
    """Bytes that dead runs left half-written, and what was set aside; of the catalogues in `held`, no notebook.

    A report that runs meanwhile takes files away between the look at a folder and the look at its files.
    """
    size = 0
    for path in half_written([processed, reports]):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    aside = [path for path in _files(processed) if path.name.endswith(".damaged")]
    for path in _files(reports):
        catalogue, *between = path.relative_to(reports).parts[:-1] or ("",)
        # A notebook that runs stands under that name until its end.
        if path.name.endswith(".failed.ipynb") and between == ["notebooks"] and catalogue not in held:
            aside.append(path)
    return size, aside


def _files(top: Path) -> list[Path]:
    return [Path(root, name) for root, _, names in os.walk(top) for name in names]


def _report(work: Workspace, name: str) -> Finding:
    command = work.command
    if is_running(work):
        done = [step.number for step in STEPS if read_state(work, step).key]
        return Finding("reports", name, "note", f"runs now; done: {', '.join(done) or 'none'}", "wait")
    bad = changed(work)
    if bad:
        said = f"damaged or edited, by checksum: {', '.join(path.name for path in bad)}"
        return Finding("reports", name, "note", said, f"{command}: it makes these again")
    damaged = damaged_changes(work)
    if damaged:
        return Finding("reports", name, "note", "a change since the report is damaged, by checksum", damaged[0])
    todo = [step.number for step in STEPS if not read_state(work, step).key]
    settings = _settings(work)
    if todo or settings is None or not (work.report / "index.html").is_file():
        said = f"stopped before its end; to do: {', '.join(todo) or 'the pages'}"
        return Finding("reports", name, "note", said, f"{command}, with the same variables as before")
    absent = [path.name for path in recorded(work) if not path.is_file()]
    if absent:
        return Finding("reports", name, "note", f"missing: {', '.join(absent[:5])}", f"{command}: it makes these again")
    for step in STEPS:
        try:
            fresh = read_state(work, step).key == step_key(work, step, settings)
        except (FashionError, OSError, ImportError) as error:  # the sample is looked at by OpenCV
            said = f"complete, but its data cannot be read: {error}"
            return Finding("reports", name, "note", said, "none needed to read it; to renew it, restore its data")
        if not fresh:
            said = f"complete, but notebook {step.number} would run again: its code, parameters or inputs changed"
            advice = f"{command} renews it"
            return Finding("reports", name, "note", said, advice)
    finished = read_state(work, STEPS[-1]).finished
    return Finding("reports", name, "ok", f"complete, finished {finished}: {work.report / 'index.html'}")


def _settings(work: Workspace) -> Settings | None:
    """The settings of the report that is there; None where they cannot be read."""
    try:
        told = json.loads((work.report / PROVENANCE).read_text(encoding="utf-8"))["settings"]
        return Settings(**told)
    except (FashionError, OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Finding:
    """One line of the page.

    Attributes
    ----------
    section, name : str
        Where it stands and what it is about.
    state : str
        "ok"; "note", of what no report needs; or "missing", without which no report can run.
    said : str
        What was found.
    advice : str
        What to do; empty where nothing is.
    """

    section: str
    name: str
    state: str
    said: str
    advice: str = ""
