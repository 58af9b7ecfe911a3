"""One run at a time on a catalogue's folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from fashion.errors import ReportError
from fashion.workspace import Workspace


@contextmanager
def only_one(workspace: Workspace) -> Iterator[None]:
    """Hold the folder of a catalogue's run; freed by the system even after a kill.

    Raises
    ------
    ReportError
        When another report runs on the same folder.
    """
    workspace.processed.mkdir(parents=True, exist_ok=True)
    with (workspace.processed / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ReportError(
                f"another report on {workspace.processed} is running; wait for its end, or stop it, and run again"
            ) from error
        yield
