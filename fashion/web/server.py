"""The shop window's server: waitress, with limits on every request and every connection."""

from __future__ import annotations

import copy
import logging
import socket
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from waitress.utilities import Error

from fashion.web.uploads import MOST_BYTES, give_back_memory

if TYPE_CHECKING:
    from fashion.web.workers import SharedConnections

#: Seconds until an idle connection is closed, and the largest number of connections.
SILENCE, CONNECTIONS = 60, 100

#: Connections of one address at most, but for a trusted proxy's; an office behind one address may need more.
CONNECTIONS_AN_ADDRESS = 20

#: Seconds until a request's head must be there, and until all of it must be.
HEAD_SECONDS, REQUEST_SECONDS = 10.0, 120.0

#: Paths that accept a photo by POST; the largest body of any other request, bytes.
PHOTOS, MOST_OTHER = ("/look", "/api/v1/similar-to-photo"), 16 * 1024

#: Largest sum of announced bodies held at a time, by all connections.
MOST_HELD = 256 * 2**20

#: Seconds after which a worker that left a connection to another one looks again whether it is its turn.
LOOK_AGAIN = 0.05

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
        if self.command != "POST" or self.path.removeprefix(self.adj.url_prefix) not in PHOTOS:
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = MOST_OTHER
            return
        if self._bytes() + sum(other._bytes() for other in self.held) > getattr(self.adj, "most_held", MOST_HELD):
            self.error, self.completed = Full("too many uploads; try again in a minute"), True
        else:
            self.held.add(self)

    def _bytes(self) -> int:
        most: int = self.adj.max_request_body_size
        return most if self.chunked else min(self.content_length, most)


class PageOfError(ErrorTask):
    """The answer to a request that is refused before it reaches the application: the shop's page, or its JSON."""

    def execute(self) -> None:
        """Answer, and close the connection."""
        app, error = self.channel.server.shop, self.request.error
        path = str(getattr(self.request, "path", "") or "/")
        refusal = getattr(app, "extensions", {}).get("refusal")
        answer = None
        if refusal is not None:
            detail = TOLD.get(error.code, str(error.body))
            with suppress(Exception):  # then waitress's own words
                prefix = self.channel.adj.url_prefix
                base = f"http://{self.request.headers.get('HOST') or 'localhost'}{prefix}/"
                answer = refusal(app, base, path.removeprefix(prefix) or "/", error.code, detail)
        if answer is None:
            super().execute()
            return
        body = answer.get_data()
        self.status = answer.status
        self.response_headers.extend((k, v) for k, v in answer.headers.items() if k != "Content-Length")
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


#: What visitors are told of a status that waitress gives.
TOLD = {
    413: f"Expected a photo of at most {MOST_BYTES // 2**20} MB and a few words; found more. Choose a smaller photo.",
    503: "Too many photos are being sent at the moment. Try again in a minute.",
}


class BoundedChannel(HTTPChannel):
    """A connection with bounded requests, which returns the memory of large bodies.

    Where its address has too many, the one that has been idle longest is closed, or else this one; so is one whose
    request takes too long to arrive. Without that, one visitor who sends a letter at a time would hold all connections.
    """

    parser_class = BoundedParser
    error_task_class = PageOfError
    counted = False
    begun = 0.0  # when the request began that has not come completely

    def __init__(self, server: Any, sock: Any, addr: Any, adj: Any, map: Any = None) -> None:
        super().__init__(server, sock, addr, adj, map)
        own = [one for one in server.active_channels.values() if one.addr[0] == addr[0] and not one.will_close]
        shared = getattr(server, "connections", None)
        count = len(own) if shared is None else shared.change(addr[0], 1)
        self.counted = shared is not None
        if count > server.per_address and addr[0] != adj.trusted_proxy:
            idle = [one for one in own if one is not self and one.request is None and not one.requests]
            closed = min(idle, key=lambda one: one.last_activity, default=self)
            closed.will_close = True
            closed.forget()

    def forget(self) -> None:
        """Stop counting this connection among those of all workers."""
        if self.counted:
            self.counted = False
            self.server.connections.change(self.addr[0], -1)

    def del_channel(self, map: Any = None) -> None:
        """Close."""
        super().del_channel(map)
        self.forget()

    def received(self, data: bytes) -> bool:
        """Take what arrives; note when a request begins."""
        if self.request is None:
            self.begun = time.time()
        return bool(super().received(data))

    def readable(self) -> bool:
        """Whether the connection may be read; called at least once a second."""
        if not self.requests and self._late(time.time()):
            self.will_close = True
        return bool(super().readable())

    def _late(self, now: float) -> bool:
        if self.request is None:  # a connection that was never used, or that waits for the next request
            return not self.begun and now - self.creation_time > HEAD_SECONDS
        return now - self.begun > (REQUEST_SECONDS if self.request.headers_finished else HEAD_SECONDS)

    def service(self) -> None:
        """Answer the requests; return freed memory to the system after large ones."""
        large = any(request.content_length >= LARGE_BODY for request in self.requests)
        super().service()
        if large:
            give_back_memory()


def _may_accept(connections: SharedConnections, usual: Callable[[], bool]) -> bool:
    """Whether to accept from a listening socket now; called at least every `LOOK_AGAIN` seconds."""
    ready = usual()  # in any case: it closes silent connections, too
    return connections.may_accept() and ready


def make_server(
    app: Flask,
    host: str = "127.0.0.1",
    port: int = 0,
    threads: int = 8,
    *,
    prefix: str = "",
    trusted_proxy: str = "",
    per_address: int = CONNECTIONS_AN_ADDRESS,
    workers: int = 1,
    sockets: Sequence[socket.socket] = (),
    connections: SharedConnections | None = None,
) -> Any:
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
    prefix : str
        Path below which the shop lies on its site, such as "/shop".
    trusted_proxy : str
        Address of a proxy whose X-Forwarded-For, -Proto and -Host are believed.
    per_address : int
        Connections of one address at most.
    workers : int
        Processes that serve: each takes its share of the connections and of the bodies that are held.
    sockets : sequence of socket
        To listen on, in place of host and port.
    connections : SharedConnections, optional
        Counts each address's connections with all workers.

    Raises
    ------
    OSError
        When the port is unavailable.
    """
    import waitress

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it logs every request that waits
    listening: dict[int, Any] = {}
    believed: dict[str, Any] = {"clear_untrusted_proxy_headers": True}
    if trusted_proxy:
        headers = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
        believed |= {"trusted_proxy": trusted_proxy, "trusted_proxy_headers": headers, "trusted_proxy_count": 1}
    place: dict[str, Any] = {"sockets": list(sockets)} if sockets else {"host": host, "port": port}
    server = waitress.create_server(
        app, map=listening, threads=threads, ident=None, **place,
        max_request_body_size=MOST_BYTES + 128 * 1024,
        inbuf_overflow=MOST_BYTES + 256 * 1024,  # never to a file
        channel_timeout=SILENCE, connection_limit=max(20, CONNECTIONS // workers, per_address),
        url_prefix=prefix.rstrip("/"), **believed,
    )  # fmt: skip
    for one in listening.values():  # a name such as localhost has several addresses
        if hasattr(one, "channel_class"):
            one.channel_class, one.shop, one.connections = BoundedChannel, app, connections
            one.per_address = per_address
            if connections is not None:
                one.adj.most_held = MOST_HELD // workers
                one.adj.asyncore_loop_timeout = LOOK_AGAIN  # as an option, waitress takes whole seconds alone
                one.readable = partial(_may_accept, connections, one.readable)
    return server
