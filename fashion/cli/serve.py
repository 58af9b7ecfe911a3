"""The command `fashion serve`: the shop window of a catalogue with a report."""

from __future__ import annotations

import argparse
import errno
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion.cli.options import engine, folders, parent
from fashion.core.bounds import COUNTS, PORTS, WORKERS, whole

if TYPE_CHECKING:
    from flask import Flask

    from fashion.web.reload import Window
    from fashion.web.security import Buckets
    from fashion.web.shop import Shop

TITLE = "serve a catalogue with a report as a small shop"

TEXT = """\
Serve a catalogue with a report as a small shop: browse, filter, search by words, find similar items, upload a photo. A
new report replaces the old one as soon as it is complete."""

EXAMPLES = """  fashion serve -c sample
  fashion serve -c imagelab --port 8080
  fashion serve -c imagelab --workers 2
  fashion serve -c imagelab --engine http://localhost:6333"""

PARENTS = (parent("catalogue", "weights"), folders(), engine())


def _prefix(text: str) -> str:
    """A path with a slash before it and none after it; empty for the root."""
    inside = text.strip("/")
    return f"/{inside}" if inside else ""


def _origin(text: str) -> str:
    """An origin as browsers send it, without a slash at its end."""
    return text.rstrip("/")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fashion serve`."""
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=whole(PORTS), default=8000, metavar="N", help="port to listen on (default: 8000)"
    )
    parser.add_argument(
        "--threads", type=whole(WORKERS), default=8, metavar="N", help="requests served at once (default: 8)"
    )
    parser.add_argument(
        "--workers", type=whole(WORKERS), default=1, metavar="N",
        help="processes of --threads threads each, which share the vectors' memory and the limits per visitor; "
        "Linux and macOS only (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--photos-per-minute", type=whole(COUNTS), default=30, metavar="N",
        help="uploads per visitor address and minute; bursts of a fifth of that, at least 12 (default: 30)",
    )  # fmt: skip
    parser.add_argument(
        "--photos-at-once", type=whole(COUNTS), metavar="N",
        help="uploads processed at once (default: half of the threads)",
    )  # fmt: skip
    parser.add_argument(
        "--judgements", type=Path, metavar="FILE",
        help="collect people's judgements of pairs on the page /judge in this CSV; notebook 06 reads it if it is "
        "data/judgements/<catalogue>.csv (default: no such page)",
    )  # fmt: skip
    site = parser.add_argument_group("on a site of its own")
    site.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME",
        help="host name that requests may use, without port; may be repeated (default: this machine's own names if it "
        "listens on this machine alone, else any)",
    )  # fmt: skip
    site.add_argument(
        "--allow-origin", action="append", type=_origin, default=[], metavar="ORIGIN",
        help="origin such as https://shop.example that may read the API, show photos, run similar.js; may be repeated",
    )  # fmt: skip
    site.add_argument(
        "--prefix", type=_prefix, default="", metavar="PATH",
        help="URL path under which the shop is served, such as /similar",
    )  # fmt: skip
    site.add_argument(
        "--trusted-proxy", default="", metavar="ADDRESS",
        help="address of the proxy in front, whose X-Forwarded-For, -Proto and -Host are believed",
    )  # fmt: skip
    site.add_argument(
        "--connections-per-address", type=whole(COUNTS), default=20, metavar="N",
        help="most open connections per address, except the trusted proxy's; an office may need more (default: 20)",
    )  # fmt: skip
    site.add_argument("--indexed", action="store_true", help="let search engines show it (default: they may not)")


#: Names of this machine, for a shop that listens to it alone.
OWN_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")


def run(arguments: argparse.Namespace) -> None:
    """Serve until it is stopped."""
    import logging

    from fashion.catalogue.run import Run
    from fashion.core.libraries import require
    from fashion.web.reload import Window
    from fashion.web.workers import require_fork

    if arguments.workers > 1:
        require_fork()
    log, told = logging.getLogger("fashion.web"), logging.StreamHandler()
    told.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(told)
    log.setLevel(logging.INFO)  # such as each new report
    require("cv2")  # visitors' photos are read later, in threads of their own
    run = Run(arguments.catalogue, processed=arguments.processed, reports=arguments.reports)
    alone = arguments.workers == 1
    window = Window(run.workspace, arguments.weights, warm=alone, engine=arguments.engine, mapped=not alone)
    try:
        (_serve_alone if alone else _serve_by_workers)(window, arguments)
    except KeyboardInterrupt:
        print("closed")


@contextmanager
def _listening(arguments: argparse.Namespace) -> Iterator[None]:
    """Turn an OSError within the block into a FashionError that says why the shop cannot listen."""
    from fashion.core.errors import FashionError

    try:
        yield
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        advice = "Stop the program that uses that port, or name another" if taken else "Name another address or port"
        raise FashionError(
            f"expected to listen on {arguments.host}:{arguments.port}; found {error.strerror}. {advice} with "
            f"{'--port (make: PORT=)' if taken else '--host and --port (make: HOST=, PORT=)'}."
        ) from error


def _app(window: Window, buckets: Buckets, at_once: int, arguments: argparse.Namespace, **more: Any) -> Flask:
    """The application, by the command's options."""
    from fashion.web.app import create_app

    hosts = list(arguments.allow_host)
    if hosts or arguments.host in OWN_NAMES:
        hosts += OWN_NAMES
    return create_app(
        window, buckets, at_once, hosts=hosts, origins=arguments.allow_origin, indexed=arguments.indexed,
        judgements=arguments.judgements, **more,
    )  # fmt: skip


def _limits(arguments: argparse.Namespace) -> tuple[int, tuple[int, float]]:
    """Uploads at once, and the size and refill of a visitor's bucket."""
    at_once = max(1, arguments.threads // 2) if arguments.photos_at_once is None else arguments.photos_at_once
    return at_once, (max(12, arguments.photos_per_minute // 5), arguments.photos_per_minute / 60)


def _say(shop: Shop, port: int, arguments: argparse.Namespace) -> None:
    """Print the shop's address, and why photos are not searched by text, where they could be."""
    free_text = shop.recommender.free_text
    if free_text is not None and free_text.problem:
        print(free_text.problem, file=sys.stderr)
    print(f"{shop.title}: {len(shop.items):,} items at http://{arguments.host}:{port}{arguments.prefix}/", flush=True)


def _serve_alone(window: Window, arguments: argparse.Namespace) -> None:
    """Serve in this process."""
    from threadpoolctl import threadpool_limits

    from fashion.web.security import Buckets
    from fashion.web.server import make_server

    at_once, bucket = _limits(arguments)
    app = _app(window, Buckets(*bucket), at_once, arguments)
    with _listening(arguments):
        server = make_server(
            app, arguments.host, arguments.port, arguments.threads, prefix=arguments.prefix,
            trusted_proxy=arguments.trusted_proxy, per_address=arguments.connections_per_address,
        )  # fmt: skip
    _say(window.shop(), getattr(server, "effective_port", arguments.port), arguments)
    # Requests run side by side already; matrix products that spread over all cores would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        server.run()


def _serve_by_workers(window: Window, arguments: argparse.Namespace) -> None:
    """Serve in processes that share what is open here."""
    from threadpoolctl import threadpool_limits

    from fashion.web.judging import BURST, PER_SECOND
    from fashion.web.photo_process import PhotoProcess
    from fashion.web.reload import Window
    from fashion.web.server import make_server
    from fashion.web.workers import SharedBuckets, SharedConnections, SharedMetrics, listen, run_workers

    count = arguments.workers
    at_once, bucket = _limits(arguments)
    with _listening(arguments):
        sockets = listen(arguments.host, arguments.port)
    folder = tempfile.TemporaryDirectory(prefix="fashion-")
    photos = PhotoProcess(Path(folder.name))
    buckets, judged = SharedBuckets(*bucket), SharedBuckets(BURST, PER_SECOND)
    connections, metrics = SharedConnections(count), SharedMetrics(count)
    shop = window.prepare()

    def serve(place: int) -> None:
        own = window
        if arguments.engine is not None:  # a connection to the engine cannot be shared
            own = Window(window.workspace, window.weights, warm=False, engine=arguments.engine, mapped=True)
        if place == count:
            with threadpool_limits(1, user_api="blas"):
                photos.serve(own)
        connections.begin(place)
        metrics.begin(place)
        app = _app(
            own, buckets, max(1, at_once // count), arguments, metrics=metrics, read_photo=photos.read,
            judgement_buckets=judged,
        )  # fmt: skip
        server = make_server(
            app, threads=arguments.threads, prefix=arguments.prefix, trusted_proxy=arguments.trusted_proxy,
            workers=count, sockets=sockets, connections=connections, per_address=arguments.connections_per_address,
        )  # fmt: skip
        with threadpool_limits(1, user_api="blas"):
            server.run()

    _say(shop, sockets[0].getsockname()[1], arguments)
    with folder:
        run_workers(count + 1, serve, metrics.flush)
