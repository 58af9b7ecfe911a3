"""Named runs: parameter sets of a catalogue, each with folders of its own."""

from __future__ import annotations

import re
from pathlib import Path

from fashion.core.errors import SettingsError
from fashion.core.files import write_whole
from fashion.core.workspace import RUNS, SHARED, Workspace


def place_of_run(run: str, processed: Path | None = None, reports: Path | None = None) -> tuple[Path, Path]:
    """Folders of artefacts and of reports of a named run.

    Parameters
    ----------
    run : str
    processed, reports : Path, optional
        The folders without a run; the project's own if not given.

    Raises
    ------
    SettingsError
        For a name that is no folder's.

    Examples
    --------
    >>> [path.as_posix() for path in place_of_run("lite1", Path("/p"), Path("/r"))]
    ['/p/runs/lite1', '/r/runs/lite1']
    """
    if not re.fullmatch(r"\w[\w.-]*", run):
        raise SettingsError(
            f"expected letters, digits, hyphens, dots and underscores in run; found {run!r}. Correct RUN."
        )
    usual = Workspace("any", processed, reports)
    return usual.processed_root / RUNS / run, usual.report.parent / RUNS / run


def share_stores(processed: Path) -> None:
    """Let a run read and fill the caches of photos in the folder above all runs (`Workspace.stores`)."""
    told = "Runs in this folder share the vectors and metadata of photos that are kept in the folder above.\n"
    place = processed.parent / SHARED
    if not place.is_file():
        write_whole(place, lambda aside: aside.write_text(told, encoding="utf-8"))
