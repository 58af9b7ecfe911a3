"""The server of the shop window: waitress, with every request bounded."""

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

#: Seconds until a silent connection is closed, and connections at most.
SILENCE, CONNECTIONS = 60, 100

#: Paths that take a photo, by POST; the body of any other request is this many bytes at most.
PHOTOS, MOST_OTHER = ("/look", "/api/v1/similar-to-photo"), 16 * 1024

#: Bytes of announced bodies that are held at a time, by all connections together.
MOST_HELD = 256 * 2**20

#: Bytes of an announced body from which its memory is given back once it is answered.
LARGE_BODY = 2**20


class Full(Error):
    """As many bodies are on their way as memory is set aside for."""

    code, reason = 503, "Service Unavailable"


class BoundedParser(HTTPRequestParser):
    """A request whose body is refused by its announced length: by what it is for, and by what is held already."""

    adj: Any  # waitress's settings, without types
    held: ClassVar[weakref.WeakSet[Any]] = weakref.WeakSet()  # until they are answered or their line is closed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the header, then decide how much may follow it."""
        super().parse_header(header_plus)
        if self.body_rcv is None:
            return
        if self.command != "POST" or self.path not in PHOTOS:
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = MOST_OTHER
            return
        if self._bytes() + sum(other._bytes() for other in self.held) > MOST_HELD:
            self.error, self.completed = Full("many photos are on their way; try again in a minute"), True
        else:
            self.held.add(self)

    def _bytes(self) -> int:
        most: int = self.adj.max_request_body_size
        return most if self.chunked else min(self.content_length, most)


class BoundedChannel(HTTPChannel):
    """A connection whose requests are bounded, and whose large bodies leave nothing behind."""

    parser_class = BoundedParser

    def service(self) -> None:
        """Answer what has come; freed memory goes back to the system where there were megabytes."""
        large = any(request.content_length >= LARGE_BODY for request in self.requests)
        super().service()
        if large:
            give_back_memory()


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
