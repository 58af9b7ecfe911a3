"""Several processes that serve one shop: forked when it is open, so that they share its memory, and their limits."""

from __future__ import annotations

import gc
import json
import logging
import mmap
import os
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import FashionError
from fashion.web.metrics import Metrics, Totals
from fashion.web.security import Buckets

log = logging.getLogger("fashion.web")

#: Places of a shared table of visitors' addresses; two addresses of one place, which is rare, share a limit.
SLOTS = 2**16

#: Bytes of a worker's counts for /metrics.
SLAB = 2**17

#: Seconds between two looks of a worker: whether its parent lives, and counts to write.
TICK = 1.0

#: Seconds that workers have to end, and from which a worker that ended lived long enough to be started again at once.
PATIENCE, LIVED = 10.0, 5.0

#: Connections that a worker may have more than another, and seconds without a look after which another counts as stuck.
SPREAD, STALE = 1, 3.0

#: Workers in a row that end at once, before all is given up.
MOST_FAILURES = 3


def require_fork() -> None:
    """Check that this system can fork processes.

    Raises
    ------
    FashionError
        On Windows.
    """
    if not hasattr(os, "fork"):
        raise FashionError(
            "expected Linux or macOS for --workers, as the workers share memory by fork; found Windows. Leave "
            "--workers out: one process serves with --threads."
        )


class SharedLock:
    """A lock between threads and forked processes, which is released if a process that holds it dies."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the lock is
        self._threads = threading.Lock()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold it within the block."""
        import fcntl

        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


def shared_array(shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
    """An array of zeros that forked processes share."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    return np.frombuffer(mmap.mmap(-1, size), kind).reshape(shape)


class SharedBuckets(Buckets):
    """`Buckets` that all workers take from: a visitor's limit is the same whichever worker answers."""

    def __init__(self, size: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(size, per_second, clock=clock)
        self._taken = shared_array((SLOTS, 2), np.float64)  # tokens that are missing, and when that was noted
        self._shared = SharedLock()

    def take(self, visitor: str) -> float:
        """Take a token: 0 if there was one, else the seconds until the next."""
        with self._shared():
            row, now = self._taken[hash(visitor) % SLOTS], self.clock()
            missing = max(0.0, row[0] - (now - row[1]) * self.per_second)
            left = self.size - missing
            wait = 0.0 if left >= 1 else (1 - left) / self.per_second
            row[:] = missing + (0 if wait else 1), now
            return float(wait)


class SharedConnections:
    """Numbers of open connections, of each address and each worker, and whether a worker may accept the next."""

    def __init__(self, workers: int) -> None:
        self._open = shared_array((workers, SLOTS), np.int32)
        self._sums = shared_array((workers,), np.int64)
        self._seen = shared_array((workers,), np.float64)  # when each worker last looked for connections
        self._place = 0
        self._shared = SharedLock()

    def begin(self, place: int) -> None:
        """Count as this worker; one before it, which died, has no connections left."""
        with self._shared():
            self._place = place
            self._open[place] = self._sums[place] = 0

    def change(self, address: str, by: int) -> int:
        """Count an address's connections up or down; returns how many there are."""
        with self._shared():
            slot = hash(address) % SLOTS
            self._open[self._place, slot] += by
            self._sums[self._place] += by
            return int(self._open[:, slot].sum())

    def may_accept(self) -> bool:
        """Whether this worker has hardly more connections than any other live one: if not, that one accepts the next.

        Connections live long, and the system gives most of them to the worker that looks first.
        """
        self._seen[self._place] = now = time.monotonic()
        return bool(self._sums[self._place] <= self._sums[now - self._seen < STALE].min() + SPREAD)


class SharedMetrics(Metrics):
    """`Metrics` of all workers: each writes its own counts once a second, and the sum is shown.

    A worker that takes the place of another one goes on from its counts, so that they never fall.
    """

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._slabs = shared_array((workers, 2, SLAB), np.uint8)
        # Which of a worker's two slabs is complete: one that dies while it writes the other leaves this one.
        self._whole = shared_array((workers,), np.uint8)
        self._place, self._dirty = 0, False
        self._shared = SharedLock()

    def begin(self, place: int) -> None:
        """Count as this worker."""
        self._place = place
        with self._shared():
            before = self._read(place)
        self._requests, self._buckets, self._seconds = before

    def note(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        super().note(route, status, seconds)
        self._dirty = True

    def flush(self) -> None:
        """Let the other workers see this one's counts."""
        with self._shared():  # while it counts, too: else a thread could write older counts over newer ones
            if not self._dirty:
                return
            self._dirty = False
            told = json.dumps([[[*key, n] if isinstance(key, tuple) else [key, n] for key, n in counter.items()]
                               for counter in super().totals()]).encode()  # fmt: skip
            if len(told) + 4 > SLAB:
                return
            other = 1 - self._whole[self._place]
            slab = self._slabs[self._place, other]
            slab[4 : 4 + len(told)] = np.frombuffer(told, np.uint8)
            slab[:4] = np.frombuffer(len(told).to_bytes(4, "little"), np.uint8)
            self._whole[self._place] = other

    def totals(self) -> Totals:
        """The counts of all workers."""
        self.flush()
        requests, buckets, seconds = Counter(), Counter(), Counter()  # type: Totals
        with self._shared():
            for place in range(len(self._slabs)):
                more = self._read(place)
                requests.update(more[0])
                buckets.update(more[1])
                seconds.update(more[2])
        return requests, buckets, seconds

    def _read(self, place: int) -> Totals:
        slab = self._slabs[place, self._whole[place]]
        count = int.from_bytes(slab[:4].tobytes(), "little")
        told = json.loads(slab[4 : 4 + count].tobytes()) if count else [[], [], []]
        requests, buckets, seconds = told
        return (
            Counter({(route, status): n for route, status, n in requests}),
            Counter({(route, end): n for route, end, n in buckets}),
            Counter(dict(seconds)),
        )


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets of a host's addresses, which the workers accept from in turn; one port for all.

    Raises
    ------
    OSError
        When the port is unavailable.
    """
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        one = socket.socket(family, kind, protocol)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        given = (address[0], sockets[0].getsockname()[1], *address[2:]) if sockets else address
        one.bind(given)
        one.listen(1024)  # who comes before the workers have started waits
        sockets.append(one)
    return sockets


def run_workers(count: int, serve: Callable[[int], None], tick: Callable[[], None]) -> None:
    """Run `serve(place)` in forked processes until this one is told to end; one that dies is started again.

    Parameters
    ----------
    count : int
        Processes.
    serve : callable
        Serves until SystemExit is raised in it.
    tick : callable
        Called in each worker once a second.

    Raises
    ------
    FashionError
        When workers end as soon as they start.
    """
    gc.collect()
    gc.freeze()  # a collection would touch, and so copy, every page that is shared
    running: dict[int, tuple[int, float]] = {}
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _end)
    failures = 0
    try:
        for place in range(count):
            running[_fork(place, serve, tick)] = (place, time.monotonic())
        while True:
            process, status = os.wait()
            if process not in running:
                continue
            place, since = running.pop(process)
            failures = failures + 1 if time.monotonic() - since < LIVED else 0
            if failures >= MOST_FAILURES:
                raise FashionError(
                    f"expected {count} workers that serve; found {failures} in a row that ended at once. The log has "
                    "the reason; try without --workers."
                )
            log.warning("worker %d ended (%d) and is started again", place, status)
            running[_fork(place, serve, tick)] = (place, time.monotonic())
    finally:
        _stop(list(running))


def _end(*_: Any) -> None:
    raise SystemExit(0)


def _fork(place: int, serve: Callable[[int], None], tick: Callable[[], None]) -> int:
    """Start a worker; returns its number, in the parent alone."""
    parent = os.getpid()
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it too, and tells
        threading.Thread(target=_watch, args=(parent, tick), daemon=True).start()
        serve(place)
        code = 0
    except SystemExit:
        code = 0
    except BaseException:
        log.exception("a worker failed")
    finally:
        logging.shutdown()
        os._exit(code)


def _watch(parent: int, tick: Callable[[], None]) -> None:
    """End with the parent; tick meanwhile."""
    while os.getppid() == parent:
        time.sleep(TICK)
        with suppress(Exception):
            tick()
    os._exit(0)


def _stop(processes: list[int]) -> None:
    """End workers: asked first, then killed."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    until = time.monotonic() + PATIENCE
    while processes and time.monotonic() < until:
        for process in list(processes):
            with suppress(ChildProcessError):
                if os.waitpid(process, os.WNOHANG)[0] == 0:
                    continue
            processes.remove(process)
        time.sleep(0.02)
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
