"""Bodies at the door of the server: refused by what they are for and by what is held already, never put in a file."""

import re
import socket
import tempfile
import threading
import time
from contextlib import suppress

import pytest
from flask import Flask, request
from loopback import exchange

from fashion.web import server as servers
from fashion.web.app import InMemory
from fashion.web.server import BoundedParser, make_server


@pytest.fixture(scope="module")
def server():
    app = Flask("door")
    app.request_class = InMemory

    @app.route("/look", methods=["POST"])
    def look():
        return str(len(request.files["photo"].read()) if request.files else len(request.get_data()))

    @app.route("/", methods=["GET", "POST"])
    def browse():
        return str(len(request.get_data()))

    server = make_server(app, threads=2)
    threading.Thread(target=server.run, daemon=True).start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def port(server):
    return server.effective_port


def line(port, data):
    found = socket.create_connection(("127.0.0.1", port), timeout=20)
    found.sendall(data)
    return found


def until(true, seconds=20):
    """Wait for what the server's thread does soon."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def answer(port, data):
    """Status and text of what is answered to a request; 0 where the line is closed without an answer."""
    head, _, text = exchange(port, data).partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 (\d+)", head)
    return int(status.group(1)) if status else 0, text


def post(path, body=b"", length=None, kind="image/jpeg"):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


def test_a_large_body_is_taken_where_photos_are_and_nowhere_else(port):
    body = b"x" * 100_000
    assert answer(port, post("/look", body)) == (200, b"100000")
    assert answer(port, post("/", length=100_000))[0] == 413, "refused before it is sent"
    assert answer(port, post("/look?a=1", body))[0] == 200 and answer(port, post("/", b"x" * 100)) == (200, b"100")
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert answer(port, head + chunk + chunk + b"0\r\n\r\n")[0] == 413, "and where no length is announced"


def test_no_more_bodies_are_held_than_memory_is_set_aside_for(port, monkeypatch):
    monkeypatch.setattr(servers, "MOST_HELD", 250_000)
    with line(port, post("/look", b"x" * 10, 100_000)), line(port, post("/look", b"x" * 10, 100_000)):
        until(lambda: len(BoundedParser.held) == 2)
        assert answer(port, post("/look", length=100_000))[0] == 503
        assert answer(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[0] == 200
    until(lambda: not BoundedParser.held)
    assert answer(port, post("/look", b"x" * 100_000)) == (200, b"100000"), "what was let go of is free again"


def test_a_body_is_never_put_in_a_file(port, monkeypatch):
    used = []
    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, lambda *_, name=name, **__: used.append(name))
    head = b'--edge\r\nContent-Disposition: form-data; name="photo"; filename="x.png"\r\n\r\n'
    body = head + b"x" * 2 * 2**20 + b"\r\n--edge--\r\n"
    found = answer(port, post("/look", body, kind="multipart/form-data; boundary=edge"))
    assert found == (200, str(2 * 2**20).encode()) and used == []


def closed(one):
    one.settimeout(0.01)
    try:
        return one.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_one_address_has_twenty_connections(server, port):
    """The newest one is closed where all are busy, and else the one that has been idle longest."""

    def begun():
        return sum(one.request is not None for one in list(server.active_channels.values()))

    until(lambda: not server.active_channels)
    busy = [line(port, b"GET / HT") for _ in range(20)]
    until(lambda: begun() == 20)
    late = [line(port, b"GET / HT") for _ in range(3)]
    until(lambda: sum(map(closed, late)) == 3)
    assert not any(map(closed, busy)), "those that came first stay"
    for one in busy:
        one.close()
    until(lambda: not server.active_channels)
    idle = [line(port, b"") for _ in range(20)]
    until(lambda: len(server.active_channels) == 20)
    status, _ = answer(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert status == 200
    until(lambda: sum(map(closed, idle)) == 1)
    for one in idle:
        one.close()


def test_a_request_that_comes_a_letter_at_a_time_is_cut_off(port, monkeypatch):
    monkeypatch.setattr(servers, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(servers, "REQUEST_SECONDS", 0.6)
    slow, mute = line(port, b"GET / HTTP/1.1\r\nHost: x"), line(port, b"")
    body = line(port, b"POST /look HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    end = time.monotonic() + 20
    while not all(map(closed, (slow, mute, body))):
        for one in (slow, body):
            with suppress(OSError):
                one.sendall(b"a")  # never silent
        assert time.monotonic() < end
    monkeypatch.undo()
    status, _ = answer(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert status == 200


def test_below_a_prefix_photos_are_still_photos():
    app = Flask("below")

    @app.route("/look", methods=["POST"])
    def look():
        return f"{request.script_root} {len(request.get_data())} {request.remote_addr}"

    server = make_server(app, threads=1, prefix="/similar/", trusted_proxy="127.0.0.1", per_address=300)
    assert (server.per_address, server.adj.connection_limit) == (300, 300), "an office may have more than all had"
    threading.Thread(target=server.run, daemon=True).start()
    head = "POST /similar/look HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.9\r\n"
    body = b"x" * 20_000  # more than a request that is no photo may hold
    status, text = answer(server.effective_port, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    server.close()
    assert (status, text) == (200, b"/similar 20000 203.0.113.9")
