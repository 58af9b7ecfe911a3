"""Web servers on this machine alone, for tests of downloads, and bytes sent to our own."""

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path


@contextmanager
def serve(handler: type[http.server.BaseHTTPRequestHandler], secure: ssl.SSLContext | None = None) -> Iterator[str]:
    """Run a web server, by TLS where a context is given; yields its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if secure:
        server.socket = secure.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http{'s' if secure else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def serve_folder(folder: Path, asked: list[str]) -> AbstractContextManager[str]:
    """Serve a folder's files; each request is added to `asked`."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, form, *details):
            asked.append(form % details)

    return serve(Handler)


#: Bound and never listened at: nobody else can be given its port.
CLOSED = socket.socket()
CLOSED.bind(("127.0.0.1", 0))


def closed_address(path: str = "/weights.h5") -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{CLOSED.getsockname()[1]}{path}"


def exchange(port: int | str, data: bytes) -> bytes:
    """What the server at this port answers to these bytes, until it closes; nothing where it only closes.

    It may refuse and close before all is sent: sending then fails, and what it answered can still be read.
    """
    answered = b""
    with socket.create_connection(("127.0.0.1", int(port)), timeout=20) as line:
        with suppress(ConnectionError):
            line.sendall(data)
        with suppress(OSError):  # a line that the server has closed is "not connected", which is no ConnectionError
            line.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while piece := line.recv(65536):
                answered += piece
    return answered
