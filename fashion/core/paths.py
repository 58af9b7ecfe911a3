"""Paths of the project on disk."""

from __future__ import annotations

import os
from pathlib import Path


def project_root() -> Path:
    """The folder that holds pyproject.toml, notebooks/ and data/; `FASHION_ROOT` overrides it."""
    override = os.environ.get("FASHION_ROOT")
    return Path(override).resolve() if override else Path(__file__).resolve().parents[2]


def at_home(path: str | Path) -> Path:
    """The path with `~` expanded to the user's home, as in a shell; unchanged where no home is known."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def in_project(path: str | Path | None) -> Path | None:
    """A notebook's path, which is relative to the project: a notebook may run in notebooks/ or beside its report."""
    return None if path is None else (project_root() / at_home(path)).resolve()


def judgements_of(catalogue: str) -> Path | None:
    """The file of people's judgements, data/judgements/<catalogue>.csv or .qrels; None where there is none."""
    folder = project_root() / "data/judgements"
    return next((path for end in ("csv", "qrels") if (path := folder / f"{catalogue}.{end}").is_file()), None)


def kept_place(place: str | Path, artefacts: Path) -> str:
    """A path as a run's files store it, so that a checkout, or a folder with data and artefacts, can be moved.

    Parameters
    ----------
    place : str or Path
        Where something lies, such as the data.
    artefacts : Path
        Folder of all catalogues' artefacts.

    Returns
    -------
    str
        As seen from `artefacts` when both lie in the project, or the place lies beside or below that folder; such
        places move together. Elsewhere absolute.
    """
    place, artefacts = at_home(place).resolve(), artefacts.resolve()
    together = (project_root(), artefacts.parent)
    if any(place.is_relative_to(root) and artefacts.is_relative_to(root) for root in together):
        return Path(os.path.relpath(place, artefacts)).as_posix()
    return str(place)


def found_place(kept: str, artefacts: Path, written_at: str = "") -> Path:
    """The path that `kept_place` stored, wherever it lies now.

    Parameters
    ----------
    kept : str
        From `kept_place`.
    artefacts : Path
        Folder of all catalogues' artefacts, as it lies now.
    written_at : str
        Where it lay then: for artefacts that were copied without what they name.
    """
    place = (artefacts / kept).resolve()
    return place if place.exists() or not written_at else (Path(written_at) / kept).resolve()
