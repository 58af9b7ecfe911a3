"""Runs the notebooks in order, only those that have to run, and assembles the report."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fashion.catalogue.definition import Catalogue, load_catalogue
from fashion.catalogue.identity import open_workspace, take
from fashion.core.checksums import sha256_file, sha256_json
from fashion.core.code_closure import closure_of, code_of
from fashion.core.console import announce
from fashion.core.disk import READ_ONLY, hint, sweep
from fashion.core.errors import FashionError, ReportError, SettingsError, WeightsError
from fashion.core.files import write_json
from fashion.core.libraries import require
from fashion.core.locking import only_one
from fashion.core.paths import at_home, project_root
from fashion.core.progress import relayed
from fashion.core.provenance import commit, machine, versions
from fashion.core.workspace import PROVENANCE, VARIABLES, Workspace
from fashion.embedding.backbones import check_size
from fashion.embedding.encoder_files import is_place, read_encoder_files, several
from fashion.embedding.given_vectors import ENDINGS, read_given_vectors
from fashion.embedding.resnet50 import find_weights
from fashion.report.runner import renew_text, run_notebook
from fashion.report.steps import (
    STEPS,
    Settings,
    State,
    Step,
    checksums,
    declared_parameters,
    key_after,
    letters_without_font,
    movable,
    output_paths,
    own_glossary,
    read_state,
    stale_because,
    step_key,
    write_state,
)

Say = Callable[[str], None]


def _relative(path: str | None, folder: Path) -> str | None:
    """A path as seen from a folder, with slashes on every system; whole where they lie on two drives (Windows)."""
    if not path:
        return None
    whole = at_home(path).resolve()
    try:
        return Path(os.path.relpath(whole, folder)).as_posix()
    except ValueError:
        return whole.as_posix()


def _seen_from(backbone: str, folder: Path) -> str:
    """A backbone's name, or its path as seen from a folder."""
    return f"{_relative(str(Path(backbone).parent), folder)}/{Path(backbone).name}" if is_place(backbone) else backbone


def notebook_parameters(settings: Settings, workspace: Workspace, notebook: Path) -> dict[str, Any]:
    """The settings that a notebook declares, with paths as seen from the project, wherever the notebook runs."""
    folder = project_root()
    values = asdict(settings) | {
        "data": _relative(settings.data, folder),
        "weights": _relative(settings.weights, folder),
        "processed": _relative(str(workspace.processed_root), folder),
        "reports": _relative(str(workspace.report.parent), folder),
    }
    values["backbone"] = _seen_from(settings.backbone, folder)
    values["beside"] = ",".join(_seen_from(name, folder) for name in several(settings.beside))
    if settings.catalogue.lower().endswith(".toml"):
        values["catalogue"] = _relative(settings.catalogue, folder)
    declared = declared_parameters(notebook)
    return {name: value for name, value in values.items() if name in declared}


def build_report(
    settings: Settings,
    *,
    processed: Path | None = None,
    reports: Path | None = None,
    until: str | None = None,
    say: Say = announce,
    companion: Callable[[Workspace], object] | None = None,
) -> Path:
    """Run a report: the notebooks whose code, parameters or inputs changed, then its pages.

    Parameters
    ----------
    settings : Settings
    processed, reports : Path, optional
        Other folders than the project's own.
    until : str, optional
        Number of the last step to run, such as "02"; all of them, and the page, if not given.
    say : callable
        Takes each line of news.
    companion : callable, optional
        Writes what accompanies the report (the slides) into its folder, before the page that links it. Its error is
        raised when the page is written: no page waits for slides.

    Returns
    -------
    Path
        The report's index.html (not there yet after a run with `until`).

    Raises
    ------
    FashionError
        With what was expected, found, where, and what to do; finished steps are kept.
    """
    if not isinstance(settings, Settings):
        raise SettingsError(
            f"expected the settings of a report; found {settings!r}. Write them like "
            'fashion.build_report(fashion.Settings("sample")).'
        )
    catalogue = load_catalogue(settings.catalogue)
    workspace = open_workspace(catalogue, processed, reports)
    begin = time.perf_counter()
    _preflight(settings)
    numbers = [step.number for step in STEPS]
    if until is not None and until not in numbers:
        raise SettingsError(
            f"expected until as a step's number, one of {', '.join(numbers)}; found {until!r}. Name one of them."
        )
    steps = [step for step in STEPS if until is None or step.number <= until]
    with only_one(workspace), relayed(workspace.processed):
        take(workspace, catalogue)
        shared = [workspace.stores / name for name in ("embeddings", "descriptors", "photo_metadata", "unpacked")]
        sweep([workspace.processed, workspace.report, *shared])
        used = _with_sample(settings, catalogue, workspace)
        ran = [_run_step(step, used, workspace, say) for step in steps]
        if until is None:
            failed = _accompany(companion, workspace)
            _finish(settings, workspace, say)
            if failed:
                raise failed
    target = workspace.report / "index.html" if until is None else workspace.processed
    say(f"{target} · {sum(ran)} of {len(steps)} steps run, {time.perf_counter() - begin:.1f} s")
    return target


def _with_sample(settings: Settings, catalogue: Catalogue, workspace: Workspace) -> Settings:
    """The settings, with a sample beside the artefacts where the project's own folder cannot be written to."""
    if settings.data or catalogue.maker != "sample" or catalogue.data is None:
        return settings
    from fashion.catalogue.sample.make import make_sample

    try:
        make_sample(catalogue.data)
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        # A name with a dot is no catalogue's.
        return replace(settings, data=str(make_sample(workspace.processed_root / f".{catalogue.name}")))
    return settings


def _run_step(step: Step, settings: Settings, workspace: Workspace, say: Say) -> bool:
    key = step_key(workspace, step, settings)
    why = stale_because(workspace, step, key)
    output = workspace.report / "notebooks" / f"{step.notebook}.ipynb"
    if not why:
        renewed = renew_text(step.path, output)
        if renewed:
            state = replace(read_state(workspace, step), outputs=checksums(workspace, step))
            write_state(workspace, step, state)
        only = " but for its text, which is renewed" if renewed else ""
        say(f"[{step.number}/{len(STEPS):02d}] {step.notebook[3:]}: unchanged{only}")
        return False
    say(f"[{step.number}/{len(STEPS):02d}] {step.notebook[3:]}: runs, as {why}")
    # Figures and pages that the new run no longer makes must not stay.
    for path in output_paths(workspace, step):
        if path.suffix in (".png", ".html"):
            path.unlink()
    parameters = notebook_parameters(settings, workspace, step.path)
    seconds = run_notebook(step.path, output, parameters)
    key = key_after(key, workspace if step.number == "01" else None)
    absent = [name for name in step.writes if not workspace.path(name).is_file()]
    if absent:
        raise ReportError(
            f"expected {', '.join(absent)} from notebook {step.notebook}; found none. Write them in the notebook."
        )
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    told = letters_without_font(workspace)
    write_state(workspace, step, State(key, parameters, checksums(workspace, step), round(seconds, 2), now, told))
    if step.number == "01" and told:
        from fashion.core.fonts import sentence

        say(sentence(told))
    say(f"      done in {seconds:.1f} s")
    return True


def _preflight(settings: Settings) -> None:
    """Find out at once, not in a notebook, that a system library, or the network asked for, is missing."""
    require("cv2")
    check_size(settings.backbone, settings.size, settings.weights)
    for name in (settings.backbone, *several(settings.beside)):
        if is_place(name) and Path(name).suffix.lower() in ENDINGS:
            read_given_vectors(name)
        elif is_place(name):
            read_encoder_files(name, settings.size if name == settings.backbone else None)
        elif name != settings.backbone:
            check_size(name, None)
    if settings.weights and not Path(settings.weights).is_file():
        raise WeightsError(
            f"expected a weights file of resnet50 at {settings.weights}; found nothing. Name one with WEIGHTS=path, "
            "or leave it out."
        )
    if settings.backbone == "resnet50" and not settings.weights:
        find_weights()


def _accompany(companion: Callable[[Workspace], object] | None, workspace: Workspace) -> FashionError | None:
    try:
        if companion:
            companion(workspace)
    except FashionError as error:
        return error
    except Exception as error:  # whatever it is, no page waits for it
        failed = ReportError(
            f"expected to write the slides; found {type(error).__name__}: {error}.{hint(str(error))} The report itself "
            f"is complete: {workspace.report / 'index.html'}. If the message names a file, fix it and run `make deck "
            f"CATALOGUE={workspace.catalogue}`; otherwise it is a bug in this project."
        )
        failed.__cause__ = error
        return failed
    return None


def _page_files(workspace: Workspace) -> list[Path]:
    pages = [workspace.report / "index.html", workspace.report / PROVENANCE]
    return pages + [workspace.report / "notebooks" / f"{step.notebook}.html" for step in STEPS]


def _finish(settings: Settings, workspace: Workspace, say: Say) -> None:
    """Write provenance and pages, unless they stand for this very run already."""
    from fashion.report.page import linked_files, write_pages

    states = [read_state(workspace, step) for step in STEPS]
    key = sha256_json(
        [[state.key, state.outputs] for state in states]
        + [code_of(closure_of(__name__)), movable(settings, workspace), linked_files(workspace)]
    )
    remembered = workspace.processed / "steps" / "page.json"
    try:
        old = json.loads(remembered.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        old = {}
    now = {path.name: sha256_file(path) for path in _page_files(workspace) if path.is_file()}
    if old == {"key": key, "pages": now}:
        return
    write_json(workspace.report / PROVENANCE, provenance(settings, workspace))
    write_pages(workspace)
    pages = {path.name: sha256_file(path) for path in _page_files(workspace)}
    write_json(remembered, {"key": key, "pages": pages})


def provenance(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """Provenance of the report: versions, commit, parameters, checksums, machine, and each step's seconds."""
    items = workspace.items()
    states = {step.notebook: read_state(workspace, step) for step in STEPS}
    embedding = workspace.results("01")["timing"]
    return {
        "catalogue": workspace.catalogue,
        "commit": commit(),
        "settings": asdict(settings),
        VARIABLES: settings.variables(),
        "parameters": {name: state.parameters for name, state in states.items()},
        "versions": versions(),
        "machine": machine(),
        "checksums": {
            "table": workspace.json("source")["table_sha256"],
            "photos": sha256_json(sorted(items["sha256"])),
            "weights": workspace.json("backbone")["weights_checksum"],
            "glossary": {
                path.name: sha256_file(path) for path in sorted((project_root() / "data/glossary").glob("*.csv"))
            }
            | {f"own/{name}": sum_ for name, sum_ in own_glossary(load_catalogue(settings.catalogue)).items()},
            "lock": sha256_file(project_root() / "requirements.lock"),
        },
        "backbone": workspace.json("backbone"),
        "runtime": {"name": embedding["runtime"], "reason": embedding["runtime_reason"]},
        "seconds": {name: state.seconds for name, state in states.items()},
        "finished": {name: state.finished for name, state in states.items()},
    }
