"""The command `fashion serve`: the shop window of a reported catalogue."""

from __future__ import annotations

import argparse
import sys

from fashion.cli.options import folders, parent
from fashion.core.bounds import COUNTS, PORTS, WORKERS, whole

TITLE = "serve a reported catalogue as a small shop"

TEXT = """\
Serve a reported catalogue as a small shop: browse, filter, search by words, find similar items, upload a photo. A new
report replaces the old one as soon as it is complete."""

EXAMPLES = "  fashion serve -c sample\n  fashion serve -c imagelab --port 8080"

PARENTS = (parent("catalogue", "weights"), folders())


def _prefix(text: str) -> str:
    """A path with a slash before it and none after it; empty for the root."""
    inside = text.strip("/")
    return f"/{inside}" if inside else ""


def _origin(text: str) -> str:
    """An origin as browsers send it, without a slash at its end."""
    return text.rstrip("/")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `fashion serve`."""
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen at (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=whole(PORTS), default=8000, metavar="N", help="port to listen at (default: 8000)"
    )
    parser.add_argument(
        "--threads", type=whole(WORKERS), default=8, metavar="N", help="requests served at once (default: 8)"
    )
    parser.add_argument(
        "--photos-per-minute", type=whole(COUNTS), default=30, metavar="N",
        help="uploads per visitor address and minute; bursts of a fifth of that, at least 12 (default: 30)",
    )  # fmt: skip
    parser.add_argument(
        "--photos-at-once", type=whole(COUNTS), metavar="N",
        help="uploads processed at once (default: half of the threads)",
    )  # fmt: skip
    site = parser.add_argument_group("on a site of its own")
    site.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME",
        help="host name that requests may use, without port; may be repeated (default: this machine's own names if it "
        "listens on this machine alone, else any)",
    )  # fmt: skip
    site.add_argument(
        "--allow-origin", action="append", type=_origin, default=[], metavar="ORIGIN",
        help="origin such as https://shop.example whose pages may read the API and show photos; may be repeated",
    )  # fmt: skip
    site.add_argument(
        "--prefix", type=_prefix, default="", metavar="PATH", help="path below which it lies, such as /similar"
    )
    site.add_argument(
        "--trusted-proxy", default="", metavar="ADDRESS",
        help="address of the proxy in front, whose X-Forwarded-For, -Proto and -Host are believed",
    )  # fmt: skip
    site.add_argument("--indexed", action="store_true", help="let search engines show it (default: they may not)")


#: Names of this machine, for a shop that listens to it alone.
OWN_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")


def run(arguments: argparse.Namespace) -> None:
    """Serve until it is stopped."""
    from threadpoolctl import threadpool_limits

    from fashion.catalogue.run import Run
    from fashion.core.errors import FashionError
    from fashion.core.libraries import require
    from fashion.web.app import create_app
    from fashion.web.reload import Window
    from fashion.web.security import Buckets
    from fashion.web.server import make_server

    at_once = max(1, arguments.threads // 2) if arguments.photos_at_once is None else arguments.photos_at_once
    require("cv2")  # visitors' photos are read later, in threads of their own
    run = Run(arguments.catalogue, processed=arguments.processed, reports=arguments.reports)
    window = Window(run.workspace, arguments.weights)
    hosts = list(arguments.allow_host)
    if hosts or arguments.host in OWN_NAMES:
        hosts += OWN_NAMES
    buckets = Buckets(max(12, arguments.photos_per_minute // 5), arguments.photos_per_minute / 60)
    try:
        app = create_app(
            window, buckets, at_once, hosts=hosts, origins=arguments.allow_origin, indexed=arguments.indexed
        )
        server = make_server(
            app, arguments.host, arguments.port, arguments.threads, prefix=arguments.prefix,
            trusted_proxy=arguments.trusted_proxy,
        )  # fmt: skip
    except OSError as error:
        raise FashionError(
            f"expected to listen at {arguments.host}:{arguments.port}; found {error.strerror}. "
            "Stop what listens there, or name another one with --port (make: PORT=)."
        ) from error
    free_text = window.shop().recommender.free_text
    if free_text is not None and free_text.problem:
        print(free_text.problem, file=sys.stderr)
    port = getattr(server, "effective_port", arguments.port)
    print(
        f"{window.shop().title}: {len(window.shop().items):,} items at http://{arguments.host}:{port}{arguments.prefix}/",
        flush=True,
    )
    try:
        # Requests run side by side already; matrix products that spread over all cores would wait for each other.
        with threadpool_limits(1, user_api="blas"):
            server.run()
    except KeyboardInterrupt:
        print("closed")
