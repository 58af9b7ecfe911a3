"""`python -m benchmarks.workers`: similar items at 60,000 invented items, by one process and by two, loaded with wrk.

The shop's own application and server, without networks: `/api/v1/similar` only. Run it on an idle machine: server and
clients share the cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd

from benchmarks.harness import say
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

#: Seconds of each measurement, and different items that are asked for.
SECONDS, ASKED = 10.0, 40_000


def serve(workers: int) -> None:
    """Serve invented items on a free port of 127.0.0.1, which is printed, until it is told to end."""
    from threadpoolctl import threadpool_limits

    recommender = invented()
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


def measure(workers: int) -> list[dict[str, Any]]:
    """Rates, latencies and processor time of similar items, and the memory of the last worker afterwards."""
    command = [sys.executable, "-m", "benchmarks.workers", "--serve", str(workers)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    rows = []
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        if not port:
            raise FashionError("expected the shop window to open; it did not: its message stands above")
        threading.Thread(target=server.stdout.read, daemon=True).start()
        time.sleep(2)
        lines = [f"GET /api/v1/similar?id={10_000_000 + n * 7919 % ITEMS}AAF" for n in range(ASKED)]
        with tempfile.TemporaryDirectory() as folder:
            load(f"http://127.0.0.1:{port}", lines, 16, 3.0, Path(folder))
            for clients in CLIENTS:
                begin = [computed(process) for process in processes(server.pid)]
                told = load(f"http://127.0.0.1:{port}", lines, clients, SECONDS, Path(folder))
                spent = [
                    computed(process) - before for process, before in zip(processes(server.pid), begin, strict=True)
                ]
                rows.append({
                    "workers": workers, "clients": clients, "a second": told["rate"], "p50, ms": told["p50"] * 1e3,
                    "p99, ms": told["p99"] * 1e3, "processor, ms": sum(spent) / told["requests"] * 1e3,
                    "errors": sum(told["errors"].values()),
                })  # fmt: skip
        last = memory(processes(server.pid)[-1])
        for row in rows:
            row |= {"last worker's own MB": last["Private"] / 1e6, "its Pss, MB": last["Pss"] / 1e6}
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
    return rows


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
        return
    need_wrk()
    say(f"similar items (API) at {ITEMS:,} invented items")
    counts = [int(word) for word in sys.argv[1:]] or list(WORKERS)
    rows = [row for workers in counts for row in measure(workers)]
    print(pd.DataFrame(rows).round(1).to_string(index=False))


if __name__ == "__main__":
    main()
