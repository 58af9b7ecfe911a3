"""The server of the shop window: waitress, with every request bounded."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask

from fashion.web.uploads import MOST_BYTES

#: Seconds until a silent connection is closed, and connections at most.
SILENCE, CONNECTIONS = 60, 500


def make_server(app: Flask, host: str = "127.0.0.1", port: int = 0, threads: int = 8) -> Any:
    """Listen, and answer when `run` is called; `effective_port` says where.

    A body above the limit of photos is refused by its announced length, unread; what is within it stays in memory.

    Parameters
    ----------
    app : Flask
    host : str
    port : int
        0 takes a free one.
    threads : int
        Requests that are answered at a time.

    Raises
    ------
    OSError
        When the port cannot be had.
    """
    import waitress

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it tells of every request that waits
    return waitress.create_server(
        app, host=host, port=port, threads=threads, ident=None,
        max_request_body_size=MOST_BYTES + 128 * 1024,
        inbuf_overflow=MOST_BYTES + 256 * 1024,  # never to a file
        channel_timeout=SILENCE, connection_limit=CONNECTIONS,
    )  # fmt: skip
