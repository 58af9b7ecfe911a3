"""Locks that the system frees when their process ends, however it ends: one run at a time on a catalogue's folders."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from filelock import lock_descriptor

from fashion.core.errors import ReportError
from fashion.core.workspace import Workspace

#: Seconds after which a held lock is tried once more: `is_running` holds one for a moment.
AGAIN = 0.05

#: Threads of one process look in turn, so that none takes another's look for a report.
_LOOKING = threading.Lock()


def try_lock(stream: IO[str]) -> bool:
    """Take the lock of an open file, until it is closed; False when another process or stream holds it.

    On local disks reading rights are enough: a folder that may not be written to can be looked at.

    Raises
    ------
    OSError
        Where the file system knows no locks.
    """
    if lock_descriptor(stream.fileno(), blocking=False):
        return True
    time.sleep(AGAIN)
    return lock_descriptor(stream.fileno(), blocking=False)


@contextmanager
def only_one(workspace: Workspace) -> Iterator[None]:
    """Hold both folders of a catalogue's run, artefacts and report; freed by the system even after a kill.

    Raises
    ------
    ReportError
        When another report runs on one of them.
    """
    with ExitStack() as held:
        for folder in dict.fromkeys((workspace.processed, workspace.report)):  # they may be one
            folder.mkdir(parents=True, exist_ok=True)
            stream = held.enter_context((folder / ".lock").open("a", encoding="utf-8"))
            if not try_lock(stream):
                raise ReportError(
                    f"expected no other run; found another report on {folder} running. Wait for it to finish, or "
                    "stop it, then run again."
                )
        yield


def is_running(workspace: Workspace) -> bool:
    """Whether a report works on the catalogue's folder now."""
    return bool(is_held(workspace.processed / ".lock"))


def is_held(path: Path) -> bool | None:
    """Whether a process holds the lock of this file: False where the file is missing, None where nobody can tell.

    Network file systems lock only files that are open for writing, and some know no locks.
    """
    try:
        with _LOOKING, _open_to_look(path) as stream:
            return not try_lock(stream)
    except FileNotFoundError:
        return False
    except OSError:
        return None


def _open_to_look(path: Path) -> IO[str]:
    try:
        return path.open("r+", encoding="utf-8")
    except PermissionError:
        return path.open(encoding="utf-8")
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return path.open(encoding="utf-8")
