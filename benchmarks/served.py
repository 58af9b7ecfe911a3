"""The shop window in a process of its own, asked by `wrk` on this machine alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fashion.core.errors import FashionError

#: Photos a minute that the load's one visitor may send: the option of `fashion serve`, far above what can be computed.
UNBOUNDED = 10_000_000

#: Seconds that one answer may take before it counts as an error.
TIMEOUT = 30


@dataclass(frozen=True)
class Served:
    """A running shop window.

    Attributes
    ----------
    address : str
        Such as http://127.0.0.1:43210.
    process : int
        Its number.
    start_seconds : float
        From the start of the process to its first answer.
    """

    address: str
    process: int
    start_seconds: float

    def memory(self) -> int:
        """Bytes that it holds in memory now (resident, of which what is mapped from files is a part)."""
        text = Path(f"/proc/{self.process}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024  # type: ignore[union-attr]

    def computed(self) -> float:
        """Seconds of processor time that it has taken so far, all its threads together."""
        fields = Path(f"/proc/{self.process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, path: str, timeout: float = TIMEOUT) -> Any:
        """JSON from a path."""
        with urllib.request.urlopen(self.address + path, timeout=timeout) as answer:
            return json.load(answer)

    def warm(self, line: str) -> float:
        """Send a request as `load` does, and wait for its answer: seconds that the first one took, networks loaded.

        Raises
        ------
        FashionError
            When it is refused, or not answered within ten minutes.
        """
        method, path, *more = line.split(" ", 3)
        body, kind = (Path(more[0]).read_bytes(), more[1]) if more else (None, "")
        request = urllib.request.Request(
            self.address + path, body, {"Content-Type": kind} if kind else {}, method=method
        )
        begin = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                answer.read()
        except OSError as error:
            raise FashionError(
                f"expected an answer to {line[:80]} from {self.address}; found {error}. See its log."
            ) from error
        return time.perf_counter() - begin

    def rest(self) -> None:
        """Wait until what earlier clients asked for, and no longer wait for, is done: answers come in their order."""
        for _ in range(3):
            self.ask("/healthz", 600)


def need_wrk() -> str:
    """The path of the program `wrk`.

    Raises
    ------
    FashionError
        When it is not installed.
    """
    path = shutil.which("wrk")
    if path is None:
        raise FashionError(
            "expected the program wrk, by which the load is made; found none on the PATH. "
            "Install it (Debian: apt-get install wrk), then run `make load` again."
        )
    return path


@contextmanager
def served(options: dict[str, Any], *more: str) -> Iterator[Served]:
    """Serve a report by `fashion serve` on a free port of 127.0.0.1, and stop it at the end.

    Parameters
    ----------
    options : dict
        `catalogue`, `processed`, `reports`, as the benchmarks are given them.
    more : str
        Further options of `fashion serve`.

    Raises
    ------
    FashionError
        When it does not open.
    """
    command = [sys.executable, "-m", "fashion.cli.main", "serve", "--catalogue", options["catalogue"], "--port", "0"]
    command += ["--trusted-proxy", "127.0.0.1"]  # all clients have this address: its connections are not counted
    for name in ("processed", "reports"):
        command += [f"--{name}", str(options[name])] if options.get(name) else []
    begin = time.perf_counter()
    process = subprocess.Popen([*command, *more], stdout=subprocess.PIPE, encoding="utf-8", errors="replace")
    try:
        assert process.stdout is not None
        hit = re.search(r"http://\S+:\d+", process.stdout.readline())
        if hit is None:
            raise FashionError("expected the shop window to open; found that it did not. See its message above.")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Served(hit.group(), process.pid, time.perf_counter() - begin)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def load(address: str, lines: Sequence[str], clients: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Ask for `seconds` as `clients` at once, each asking again when it has its answer.

    Where not one answer came in that time, it is asked again for the longest that one may take.

    Parameters
    ----------
    address : str
    lines : sequence of str
        Requests, as load.lua reads them; asked in turn, again from the first after the last.
    clients : int
    seconds : float
        At least 1.
    folder : Path
        For the list of requests.

    Returns
    -------
    dict
        `requests`, `seconds`, `rate` (a second), `p50`, `p99`, `most` (seconds), `bytes`, `errors` (by kind; `status`
        counts answers of 400 and above).

    Raises
    ------
    FashionError
        When wrk does not run, or no answer comes: nothing was measured then.
    """
    results = _asked(address, lines, clients, seconds, folder)
    if not results["requests"] and seconds < TIMEOUT + 5:
        results = _asked(address, lines, clients, TIMEOUT + 5, folder)
    if not results["requests"]:
        raise FashionError(
            f"expected an answer to {lines[0][:80]} from {address}; found none in {results['seconds']:.0f} s of "
            f"{clients} clients ({results['errors']}). Look at what the shop window says, or at the machine's load."
        )
    results |= {name: results[name] / 1e6 for name in ("p50", "p99", "most")}
    return results | {"rate": results["requests"] / results["seconds"], "clients": clients}


def _asked(address: str, lines: Sequence[str], clients: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Results of one run of wrk, times in microseconds."""
    listed = folder / "requests.txt"
    listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    script = Path(__file__).with_name("load.lua")
    threads = min(2, clients)
    command = [
        need_wrk(), f"-t{threads}", f"-c{clients}", f"-d{max(1, round(seconds))}s", f"--timeout={TIMEOUT}s",
        "-s", str(script), address, "--", str(listed), str(threads),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not told:
        raise FashionError(
            f"expected wrk to measure; found that it ended with {done.returncode}. See its output:\n"
            f"{done.stderr or done.stdout}"
        )
    results: dict[str, Any] = json.loads(told[-1])
    return results


@contextmanager
def memory_watched(shop: Served, every: float) -> Iterator[list[tuple[float, int]]]:
    """Note the server's memory now and then while the block runs: (seconds since the start, bytes)."""
    noted: list[tuple[float, int]] = []
    stop, begin = threading.Event(), time.perf_counter()

    def note() -> None:
        while True:
            noted.append((time.perf_counter() - begin, shop.memory()))
            if stop.wait(every):
                return

    watcher = threading.Thread(target=note, daemon=True)
    watcher.start()
    try:
        yield noted
    finally:
        stop.set()
        watcher.join()
