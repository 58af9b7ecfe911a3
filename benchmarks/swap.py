"""A report is replaced while its shop answers requests: every answer is the old report's or the new one's, whole."""

from __future__ import annotations

import os
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.served import TIMEOUT, served
from fashion.core.errors import FashionError
from fashion.core.files import write_whole
from fashion.core.locking import only_one
from fashion.core.workspace import Workspace
from fashion.report.steps import STEPS, checksums, read_state, write_state

#: In front of every item's name in the new report.
MARK = "new-"

#: Tables and arrays with a row an item that the shop window reads.
TABLES, ARRAYS = ("items", "split", "map"), ("described", "learned", "max_pooled", "pixels")

#: Clients, and seconds after which a new report that is not shown counts as never shown.
ASKERS, PATIENCE = 8, 300.0

Answer = tuple[int, bytes]


def copied(work: Workspace, folder: Path) -> Workspace:
    """A copy of a report's files in another folder, by hard links where possible so that large arrays take no space.

    Artefacts are only ever replaced as whole files, so the originals stay as they are. Additions are left behind.
    """
    new = Workspace(work.catalogue, folder / "processed", folder / "reports")
    for source, target in ((work.processed, new.processed), (work.report, new.report)):
        for path in sorted(source.rglob("*")):
            inside = path.relative_to(source)
            if not path.is_file() or inside.parts[0] == "changes" or path.name.startswith("."):
                continue
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target / inside)
            except OSError:  # another file system
                shutil.copy2(path, target / inside)
    return new


def renew(work: Workspace, pause: float = 0.0) -> None:
    """Write another report over one, file by file as the notebooks do: every item renamed, every row elsewhere.

    Parameters
    ----------
    work : Workspace
    pause : float
        Seconds after each file, in which half of the report is new.
    """
    with only_one(work):
        for name in TABLES:
            if work.path(f"{name}.parquet").is_file():
                table = work.table(name).iloc[::-1].reset_index(drop=True)
                if "item" in table:
                    table["item"] = MARK + table["item"].astype(str)
                work.write_table(name, table)
                time.sleep(pause)
        for name in ARRAYS:
            array = work.vectors(name)
            work.write_vectors(name, array[::-1], array.dtype)
            time.sleep(pause)
        for name in ("attributes", "backbone"):
            work.write_json(name, work.json(name) | {"items_checksum": work.items_checksum()})
        for step in STEPS:  # answers are given from files alone that are what their notebook left
            state = read_state(work, step)
            if state.key:
                write_state(work, step, replace(state, outputs=checksums(work, step)))
        provenance = work.report / "provenance.json"
        text = provenance.read_text(encoding="utf-8")
        write_whole(provenance, lambda aside: aside.write_text(text, encoding="utf-8"))


def fetch(address: str) -> Answer:
    """Status and body, of errors as well."""
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@dataclass
class Askers:
    """Clients that request one path after the other until they are stopped.

    Attributes
    ----------
    answers : list of list of (str, float, float, Answer)
        One list a client: path, when the answer came (seconds), how long it took, and the answer.
    """

    address: str
    paths: Sequence[str]
    answers: list[list[tuple[str, float, float, Answer]]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def ask(self, number: int) -> None:
        """Request paths as one client, until stopped."""
        place = number * 7
        while not self._stop.is_set():
            path, begin = self.paths[place % len(self.paths)], time.perf_counter()
            answer = fetch(self.address + path)
            now = time.perf_counter()
            self.answers[number].append((path, now, now - begin, answer))
            place += 1

    @contextmanager
    def asking(self, clients: int = ASKERS) -> Iterator[None]:
        """Ask while the block runs."""
        self.answers = [[] for _ in range(clients)]
        threads = [threading.Thread(target=self.ask, args=(number,), daemon=True) for number in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(TIMEOUT + 5)


def judge(
    answers: Sequence[Sequence[tuple[str, float, float, Answer]]],
    before: dict[str, Answer],
    after: dict[str, Answer],
    whole_at: float,
) -> dict[str, Any]:
    """Count answers that are the old report's, the new one's, and neither's.

    Parameters
    ----------
    answers : as `Askers.answers`
    before, after : dict of str to Answer
        What each path answered before the exchange and after it.
    whole_at : float
        When the new report was whole; an answer of the new report before it is wrong.

    Returns
    -------
    dict
        `answers`, `old`, `new`, `neither`, `too_early`, `back` (old ones that came after a new one to the same
        client), `failed` (5xx), `slowest` (seconds).
    """
    counts = dict.fromkeys(("answers", "old", "new", "neither", "too_early", "back", "failed"), 0)
    slowest = 0.0
    for client in answers:
        seen_new = False
        for path, at, seconds, answer in client:
            counts["answers"] += 1
            counts["failed"] += answer[0] >= 500
            slowest = max(slowest, seconds)
            if answer == before[path]:
                counts["old"] += 1
                counts["back"] += seen_new and before[path] != after[path]
            elif answer == after[path]:
                counts["new"] += 1
                seen_new = True
                counts["too_early"] += at < whole_at
            else:
                counts["neither"] += 1
    return counts | {"slowest": slowest}


def exchange(options: dict[str, Any], work: Workspace, folder: Path, names: Sequence[str], wait: float) -> dict:
    """Serve a copy of a report by `fashion serve`, and exchange it; see `exchange_at`.

    Parameters
    ----------
    options : dict
        As for `served`.
    work : Workspace
    folder : Path
        On the report's file system if it can be.
    names : sequence of str
        Items to ask for.
    wait : float
        As for `exchange_at`.
    """
    copy = copied(work, folder)
    with served(options | {"processed": folder / "processed", "reports": folder / "reports"}) as shop:
        return exchange_at(shop.address, copy, names, wait)


def exchange_at(address: str, work: Workspace, names: Sequence[str], wait: float) -> dict[str, Any]:
    """Exchange a served report under load, and judge every answer.

    Parameters
    ----------
    address : str
        Where `work` is served.
    work : Workspace
        Will be written to.
    names : sequence of str
        Items to ask for, by their old and by their new names.
    wait : float
        Seconds of asking before and after, and a fifth of it after each file that is replaced.

    Returns
    -------
    dict
        As `judge`, and `clients`, `shown_after`: seconds from the whole new report to its first answer.

    Raises
    ------
    FashionError
        When the new report is not shown within `PATIENCE`.
    """
    paths = ["/api/v1/items", "/", "/healthz"]
    paths += [f"/api/v1/similar?id={mark}{name}" for name in names for mark in ("", MARK)]
    before = {path: fetch(address + path) for path in paths}
    askers = Askers(address, paths)
    with askers.asking():
        time.sleep(wait)
        renew(work, wait / 5)
        whole_at = time.perf_counter()
        while fetch(address + paths[0]) == before[paths[0]]:
            if time.perf_counter() - whole_at > PATIENCE:
                raise FashionError(
                    f"expected the new report within {PATIENCE:.0f} s; found the old one. See the shop's log."
                )
            time.sleep(0.05)
        shown = time.perf_counter() - whole_at
        time.sleep(wait)
    after = {path: fetch(address + path) for path in paths}
    return judge(askers.answers, before, after, whole_at) | {"shown_after": shown, "clients": ASKERS}
