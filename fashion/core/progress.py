"""Progress of long work: on the console, also when the work runs inside a notebook's kernel."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from fashion.core.console import can_show
from fashion.core.environment import restored

#: Names the file to which a kernel writes its bars; the process that started the kernel shows it.
VARIABLE = "FASHION_PROGRESS"

# In a notebook, each first import of a library that may show a bar (pooch, bm25s, swifter) would warn that widgets are
# missing, with a path in its text. No bar of this package needs them.
warnings.filterwarnings("ignore", message="IProgress not found")


def progress_bar(total: int, what: str, unit: str = "photo", *, show: bool = True, done: int = 0) -> tqdm:
    """A progress bar of `total` units, redrawn rarely where there is no terminal.

    Parameters
    ----------
    total, done : int
        Units in all, and those that an earlier run finished.
    what, unit : str
        What is counted, in words.
    show : bool
        False for a silent bar.
    """
    stream, kind = _console()
    terminal = kind != ""
    return tqdm(
        total=total,
        initial=done,
        desc=what,
        unit=unit,
        file=stream,
        disable=not show,
        mininterval=0.2 if terminal else 10.0,
        leave=True,
        ascii=kind != "blocks",
        dynamic_ncols=terminal,
    )


def _kind_of(stream: IO[str]) -> str:
    """The style of bars on a stream: "blocks" or "ascii" on a terminal; empty where there is no terminal."""
    if not stream.isatty():
        return ""
    return "blocks" if can_show("█", stream) else "ascii"


def _console() -> tuple[IO[str], str]:
    """The stream for bars and notes, and the style of bars on it (`_kind_of`)."""
    relay = os.environ.get(VARIABLE)
    if not relay:
        return sys.stderr, _kind_of(sys.stderr)
    return open(relay, "a", encoding="utf-8"), os.environ.get(f"{VARIABLE}_TTY", "")


def note(line: str) -> None:
    """Say one line on the console, also from a notebook's kernel; a bar that is being drawn goes on below it."""
    stream, kind = _console()
    stream.write(f"\r\x1b[K{line}\n" if kind else f"\n{line}\n")
    stream.flush()
    if stream is not sys.stderr:
        stream.close()


@contextmanager
def relayed(folder: Path) -> Iterator[None]:
    """Relay the progress bars of child processes to this process's stderr, within the block."""
    path = folder / f".progress.{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".progress.*"):  # by a run that was killed
        left.unlink(missing_ok=True)
    path.write_text("", encoding="utf-8")
    stop = threading.Event()

    def relay() -> None:
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            while True:
                last = stop.is_set()
                text = stream.read()
                if text:
                    sys.stderr.write(text)
                    sys.stderr.flush()
                if last:
                    return
                stop.wait(0.2)

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    told = {VARIABLE: str(path), f"{VARIABLE}_TTY": _kind_of(sys.stderr)}
    try:
        with restored(told):
            os.environ |= told
            yield
    finally:
        stop.set()
        thread.join()
        path.unlink(missing_ok=True)


def tracked(iterable: Any, total: int, what: str, unit: str = "photo", *, show: bool = True) -> Iterator[Any]:
    """Yield from `iterable`, with a bar."""
    with progress_bar(total, what, unit, show=show) as bar:
        for value in iterable:
            yield value
            bar.update()
