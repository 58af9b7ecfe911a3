"""One run at a time on a catalogue's folders."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from fashion.errors import ReportError
from fashion.workspace import Workspace

#: Seconds after which a held lock is tried once more: `is_running` holds one for a moment.
AGAIN = 0.05


def _lock(stream: IO[str]) -> None:
    """Take the lock, or raise BlockingIOError."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(AGAIN)
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def only_one(workspace: Workspace) -> Iterator[None]:
    """Hold both folders of a catalogue's run, artefacts and report; freed by the system even after a kill.

    Raises
    ------
    ReportError
        When another report runs on one of them.
    """
    with ExitStack() as held:
        for folder in (workspace.processed, workspace.report):
            folder.mkdir(parents=True, exist_ok=True)
            stream = held.enter_context((folder / ".lock").open("a"))
            try:
                _lock(stream)
            except BlockingIOError as error:
                raise ReportError(
                    f"another report on {folder} is running; wait for its end, or stop it, and run again"
                ) from error
        yield


def is_running(workspace: Workspace) -> bool:
    """Whether a report works on the catalogue's folder now."""
    try:
        with (workspace.processed / ".lock").open() as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass  # never locked
    return False
