"""`python -m benchmarks.workers`: similar items at 60,000 invented items, by one process and by two, loaded with wrk.

The shop's own application and server, without networks: `/api/v1/similar` only. No request repeats while its answer is
still cached, except in the way `cached answer`. Run it on an idle machine: server and clients share the cores.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from benchmarks.harness import say
from benchmarks.processes import environment
from benchmarks.search import ITEMS, invented
from benchmarks.served import load, need_wrk
from fashion.core.errors import FashionError
from fashion.study import Study
from fashion.web.app import create_app
from fashion.web.reload import Window
from fashion.web.server import make_server
from fashion.web.shop import Shop

#: Processes that serve, and clients.
WORKERS, CLIENTS = (1, 2), (1, 64)

#: Seconds of each measurement, and of the warm-up before it.
SECONDS, WARMING = 8.0, 2.0

#: Parameters beside a random item: none, so that its neighbour list answers; a filter that leaves 1 item in 50; custom
#: weights, so that all items are searched; and none again, for the same hundred items, so that the cache answers.
WAYS = {"list": "", "filter": "&brand=Brand+7", "search": "&looks_weight=0.35", "cached answer": ""}

#: Items of the way `cached answer`.
REPEATED = 100


def serve(workers: int, lists: str) -> None:
    """Serve invented items on a free port of 127.0.0.1, which is printed, until it is told to end."""
    from threadpoolctl import threadpool_limits

    recommender = replace(invented(), lists=np.load(lists))
    swatches = recommender.layout.swatches if recommender.layout else {}
    shop = Shop(cast(Study, SimpleNamespace(swatches=swatches)), "invented", recommender, None, 1)
    _ = shop.rows, shop.order, shop.facets, shop.shown, shop.examples
    window = cast(Window, SimpleNamespace(shop=lambda: shop))
    if workers == 1:
        server = make_server(create_app(window), trusted_proxy="127.0.0.1")
        print(server.effective_port, flush=True)
        with threadpool_limits(1, user_api="blas"):
            server.run()
        return
    from fashion.web.workers import SharedConnections, SharedMetrics, listen, run_workers

    sockets = listen("127.0.0.1", 0)
    connections, metrics = SharedConnections(workers), SharedMetrics(workers)
    shop.prepare()

    def one(place: int) -> None:
        connections.begin(place)
        metrics.begin(place)
        app = create_app(window, metrics=metrics)
        server = make_server(
            app, trusted_proxy="127.0.0.1", workers=workers, sockets=sockets, connections=connections
        )  # fmt: skip
        with threadpool_limits(1, user_api="blas"):
            server.run()

    print(sockets[0].getsockname()[1], flush=True)
    run_workers(workers, one, metrics.flush)


def processes(parent: int) -> list[int]:
    """The processes that serve: a parent's children, or itself where it has none."""
    told = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()
    return [int(number) for number in told] or [parent]


def computed(process: int) -> float:
    """Seconds of processor time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> dict[str, int]:
    """Bytes of a process by the kernel: `Pss` (its share of what is shared), `Private` (its own alone) and `Rss`."""
    sizes: dict[str, int] = {"Private": 0}
    for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]:
        name, size = line.split()[0].rstrip(":"), int(line.split()[1]) * 1024
        sizes[name] = size
        sizes["Private"] += size if name.startswith("Private_") else 0
    return sizes


def asked(way: str, runs: int) -> list[list[str]]:
    """Requests for each run of a way, of items drawn at random; no two runs share one, except of `cached answer`."""
    drawn = np.random.default_rng(0).permutation(ITEMS)
    parts = [drawn[:REPEATED]] * runs if way == "cached answer" else np.array_split(drawn, runs)
    return [[f"GET /api/v1/similar?id={10_000_000 + n}AAF{WAYS[way]}" for n in part] for part in parts]


def measure(workers: int, lists: str) -> list[dict[str, Any]]:
    """Rates, latencies and processor time of similar items, and the memory of the last worker afterwards."""
    command = [sys.executable, "-m", "benchmarks.workers", "--serve", str(workers), lists]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=environment())
    rows = []
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        if not port:
            raise FashionError("expected the shop window to open; found that it did not. See its message above.")
        threading.Thread(target=server.stdout.read, daemon=True).start()
        time.sleep(2)
        with tempfile.TemporaryDirectory() as folder:
            for way in WAYS:
                warming, *runs = asked(way, 1 + len(CLIENTS))
                load(f"http://127.0.0.1:{port}", warming, 16, WARMING, Path(folder))
                for clients, lines in zip(CLIENTS, runs, strict=True):
                    row = one_run(server.pid, f"http://127.0.0.1:{port}", lines, clients, Path(folder))
                    rows.append({"workers": workers, "way": way} | row)
        last = memory(processes(server.pid)[-1])
        for row in rows:
            row |= {"last worker's own MB": last["Private"] / 1e6, "its Pss, MB": last["Pss"] / 1e6}
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
    return rows


def one_run(server: int, address: str, lines: list[str], clients: int, folder: Path) -> dict[str, Any]:
    """One measurement: rate, latencies, and processor time of the serving processes and of wrk."""
    begin, own = [computed(process) for process in processes(server)], of_children()
    told = load(address, lines, clients, SECONDS, folder)
    spent = sum(computed(process) - before for process, before in zip(processes(server), begin, strict=True))
    return {
        "clients": clients, "a second": told["rate"], "p50, ms": told["p50"] * 1e3, "p99, ms": told["p99"] * 1e3,
        "processor, ms": spent / told["requests"] * 1e3, "wrk's, ms": (of_children() - own) / told["requests"] * 1e3,
        "errors": sum(told["errors"].values()),
    }  # fmt: skip


def of_children() -> float:
    """Seconds of processor time of this process's children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), sys.argv[3])
        return
    need_wrk()
    say(f"similar items (API) at {ITEMS:,} invented items")
    counts = [int(word) for word in sys.argv[1:]] or list(WORKERS)
    with tempfile.TemporaryDirectory() as folder:
        lists = Path(folder) / "lists.npy"
        np.save(lists, invented().nearest_of_all()[0])
        rows = [row for workers in counts for row in measure(workers, str(lists))]
    print(f"load average of the last minute: {os.getloadavg()[0]:.1f}")
    print(pd.DataFrame(rows).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
