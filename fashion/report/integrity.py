"""Integrity checks: a report's files against the checksums of what its notebooks left, before queries read them.

A flipped byte in an array of vectors is an array still, and would answer wrongly without a word.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from fashion.core.checksums import sha256_file
from fashion.core.errors import ArtefactError
from fashion.core.provenance import sha256_output
from fashion.core.workspace import Workspace
from fashion.recommendation.changes import command_of, from_last_sync, read_all
from fashion.report.steps import STEPS, read_state, state_path

#: What every answer needs, whichever embedding it is from.
ANSWERS = ("source.json", "items.parquet", "split.parquet", "backbone.json", "attributes.json", "attributes.npz",
           "recommendation.json")  # fmt: skip

#: What a query by photo needs beside.
PHOTOS = ("max_pooled.npy", "pixels.npy", "selection.npz")


def recorded(workspace: Workspace) -> dict[Path, tuple[str, str]]:
    """Each file of the report -> its SHA-256 and its notebook, as remembered when the notebook had ended."""
    return {
        path: (checksum, step.notebook)
        for step in STEPS
        for label, checksum in read_state(workspace, step).outputs.items()
        if (path := workspace.labelled(label))
    }


def changed(workspace: Workspace, paths: Sequence[Path] | None = None) -> dict[Path, str]:
    """Files, of `paths` or of the whole report, that are there but not as their notebook left them -> that notebook.

    Missing files are left out: whatever reads them reports them.

    Raises
    ------
    ArtefactError
        When a notebook's run record is itself damaged.
    """
    unreadable = [
        step.notebook for step in STEPS if state_path(workspace, step).is_file() and not read_state(workspace, step).key
    ]
    if unreadable:
        raise ArtefactError(
            f"expected the run records of {', '.join(unreadable)} in {workspace.processed / 'steps'}; found them "
            "damaged, so the report's files cannot be verified. Run "
            f"`{workspace.command}`: it runs those notebooks again."
        )
    known = recorded(workspace)
    looked_at = known if paths is None else [path for path in paths if path in known]
    return {path: known[path][1] for path in looked_at if path.is_file() and sha256_output(path) != known[path][0]}


def damaged_changes(workspace: Workspace) -> list[str]:
    """Commands that renew the changes since the report of which a file is not what was written."""
    commands, current = [], read_all(workspace)[0]
    for place, change in enumerate(current):
        again = from_last_sync(current[place:])[0]  # a later table has what an earlier one had
        files = change.record.get("files", {})
        paths = {change.folder / name: checksum for name, checksum in files.items()}
        if any(not path.is_file() or sha256_file(path) != checksum for path, checksum in paths.items()):
            commands.append(f"rm -r {shlex.quote(str(change.folder))} && {command_of(again.record)}")
    return commands


def require_answers(workspace: Workspace, *embeddings: str, photo: bool = False) -> None:
    """Check the files that answers are made of, and changes; with `photo`, also those that photos are read by."""
    names = [*ANSWERS, *(f"{name}.npy" for name in embeddings), *(PHOTOS if photo else ())]
    require_intact(workspace, [workspace.path(name) for name in names])
    lines = damaged_changes(workspace)
    if lines:
        raise ArtefactError(
            "expected changes as they were written; found some damaged, by their checksums. Make them again:\n  "
            + "\n  ".join(lines)
        )


def require_intact(workspace: Workspace, paths: Sequence[Path] | None = None) -> None:
    """Stop when a file that is to be read is not as its notebook left it.

    Parameters
    ----------
    workspace : Workspace
    paths : sequence of Path, optional
        Those that will be read; all of the report if not given.

    Raises
    ------
    ArtefactError
        Names each file, who writes it, and the command that makes it again.
    """
    bad = changed(workspace, paths)
    if bad:
        lines = [f"  {path} (notebook {notebook})" for path, notebook in bad.items()]
        raise ArtefactError(
            "expected files as their notebooks wrote them; found others, by checksum (damaged or edited, or a "
            "report is rewriting them or was interrupted):\n"
            + "\n".join(lines)
            + f"\nRun `{workspace.command}` to its end: it rebuilds only what is damaged."
        )
