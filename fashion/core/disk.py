"""Disk trouble: the files that killed runs left half-written, and the errors of a disk in words."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from fashion.core.libraries import install, missing_library

#: A file that `files.write_whole` was at when its process died: the name carries the process's number.
ASIDE = re.compile(r"^\..+\.(\d+)\.[a-z][a-z0-9]*$")

#: The largest number that a process can have; what is larger was not written by this machine.
LARGEST = 2**31 - 1

_WORDS = {
    errno.ENOSPC: "The disk is full: make room",
    errno.EDQUOT: "Your share of the disk is used up: make room",
    errno.EROFS: "The file system is read-only: name other folders with --processed and --reports",
    errno.EACCES: "Change the folder's owner or permissions, or name other folders with --processed and --reports",
    errno.EIO: "The disk reports an error: check it first",
}

#: What the system says where it lets nobody, or not this user, write.
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)

_WORDS[errno.EPERM] = _WORDS[errno.EACCES]

#: What NumPy says of a full disk, without the system's number.
_SHORT_WRITE = re.compile(r"No space left on device|Disk quota exceeded|\d+ requested and \d+ written")


def in_words(error: OSError, who: str = "") -> str:
    """An error of the disk in words: what was wanted of which file, by whom, what the system said, what to do next."""
    where = f"{error.filename!r}" if error.filename else "a file"
    said = error.strerror or str(error)
    number = errno.ENOSPC if _SHORT_WRITE.search(str(error)) else error.errno
    what_next = _WORDS.get(number or 0, "Fix the cause")
    wanted = f"{who} to read" if who else "to read"
    return (
        f"expected {wanted} or write {where}; found: {said}. {what_next}, then run the same command again. "
        "What was finished is kept."
    )


def hint(message: str) -> str:
    """A sentence for an error's message that tells of a full disk or a missing system library; empty for any other."""
    if _SHORT_WRITE.search(message):
        return " The disk is full: make room first."
    library = missing_library(message)
    return f" The system library {library} is missing. Install it first: {install([library])}." if library else ""


def half_written(folders: Iterable[Path]) -> Iterator[Path]:
    """Half-written files, in these folders and below, whose process has ended.

    What a run at work on this machine writes is its own: its process lives.
    """
    for folder in folders:
        for root, _, names in os.walk(folder):
            for name in names:
                match = ASIDE.match(name)
                if match and not alive(int(match[1])):
                    yield Path(root, name)


def sweep(folders: Iterable[Path]) -> list[Path]:
    """Remove half-written files in these folders and below; return them."""
    removed = list(half_written(folders))
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def alive(process: int) -> bool:
    """Whether a process of this number runs on this machine."""
    from psutil import pid_exists  # os.kill(process, 0), the usual way, would end the process on Windows

    return process > LARGEST or bool(pid_exists(process))
