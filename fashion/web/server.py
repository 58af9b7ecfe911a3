"""The shop window's server: waitress, with limits on every request."""

from __future__ import annotations

import copy
import logging
import weakref
from typing import Any, ClassVar

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.utilities import Error

from fashion.web.uploads import MOST_BYTES, give_back_memory

#: Seconds until an idle connection is closed, and the largest number of connections.
SILENCE, CONNECTIONS = 60, 100

#: Paths that accept a photo by POST; the largest body of any other request, bytes.
PHOTOS, MOST_OTHER = ("/look", "/api/v1/similar-to-photo"), 16 * 1024

#: Largest sum of announced bodies held at a time, by all connections.
MOST_HELD = 256 * 2**20

#: Bytes of an announced body from which its memory is returned to the system afterwards.
LARGE_BODY = 2**20


class Full(Error):
    """The memory for request bodies is used up."""

    code, reason = 503, "Service Unavailable"


class BoundedParser(HTTPRequestParser):
    """A request parser that refuses a body by its announced length, by its path and by what is held already."""

    adj: Any  # waitress's settings, without types
    held: ClassVar[weakref.WeakSet[Any]] = weakref.WeakSet()  # until they are answered or their line is closed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the header, then decide how large the body may be."""
        super().parse_header(header_plus)
        if self.body_rcv is None:
            return
        if self.command != "POST" or self.path not in PHOTOS:
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = MOST_OTHER
            return
        if self._bytes() + sum(other._bytes() for other in self.held) > MOST_HELD:
            self.error, self.completed = Full("too many uploads; try again in a minute"), True
        else:
            self.held.add(self)

    def _bytes(self) -> int:
        most: int = self.adj.max_request_body_size
        return most if self.chunked else min(self.content_length, most)


class BoundedChannel(HTTPChannel):
    """A connection with bounded requests, which returns the memory of large bodies."""

    parser_class = BoundedParser

    def service(self) -> None:
        """Answer the requests; return freed memory to the system after large ones."""
        large = any(request.content_length >= LARGE_BODY for request in self.requests)
        super().service()
        if large:
            give_back_memory()


def make_server(app: Flask, host: str = "127.0.0.1", port: int = 0, threads: int = 8) -> Any:
    """A listening server; call its `run`. `effective_port` is its port.

    A body above the limit of photos is refused by its announced length, unread; smaller ones stay in memory.

    Parameters
    ----------
    app : Flask
    host : str
    port : int
        0 for a free one.
    threads : int
        Requests answered at a time.

    Raises
    ------
    OSError
        When the port is unavailable.
    """
    import waitress

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it logs every request that waits
    listening: dict[int, Any] = {}
    server = waitress.create_server(
        app, map=listening, host=host, port=port, threads=threads, ident=None,
        max_request_body_size=MOST_BYTES + 128 * 1024,
        inbuf_overflow=MOST_BYTES + 256 * 1024,  # never to a file
        channel_timeout=SILENCE, connection_limit=CONNECTIONS,
    )  # fmt: skip
    for one in listening.values():  # a name such as localhost has several addresses
        if hasattr(one, "channel_class"):
            one.channel_class = BoundedChannel
    return server
