"""Several processes serve one shop: limits and counts are theirs together, one that dies is started again."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace

import numpy as np
import pytest
from flask import Flask

from fashion.cli.main import main
from fashion.core.errors import FashionError
from fashion.web import workers
from fashion.web.metrics import Metrics
from fashion.web.security import Buckets
from fashion.web.server import CONNECTIONS_AN_ADDRESS, make_server

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked, which Windows cannot")


def forked(function):
    """What a function returns in a forked process, through JSON."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.write(writing, json.dumps(function()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = json.load(pipe)
    os.waitpid(process, 0)
    return told


def test_a_visitors_tokens_are_the_same_in_all_processes():
    now = [0.0]
    shared, alone = workers.SharedBuckets(3, 0.5, clock=lambda: now[0]), Buckets(3, 0.5, clock=lambda: now[0])
    for at in (0, 0, 0.5, 0.5, 1, 4, 4, 4, 30, 30, 30, 30):
        now[0] = at
        expected = alone.take("a")
        assert (forked(lambda: shared.take("a")) if at % 1 else shared.take("a")) == pytest.approx(expected)
    assert shared.take("b") == 0


def test_connections_are_counted_with_all_processes_and_forgotten_with_one_that_died():
    shared = workers.SharedConnections(2)
    shared.begin(0)

    def other():
        shared.begin(1)
        return [shared.change("a", 1), shared.change("a", 1), shared.change("b", 1)]

    assert shared.change("a", 1) == 1
    assert forked(other) == [2, 3, 1]
    assert shared.change("a", -1) == 2
    assert forked(other) == [1, 2, 1]  # begun again


def test_the_worker_with_fewer_connections_accepts_unless_it_is_stuck(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(workers.time, "monotonic", lambda: now[0])
    shared = workers.SharedConnections(2)
    shared.begin(0)

    def other():
        shared.begin(1)
        return shared.may_accept()

    assert forked(other)
    assert [shared.change(name, 1) and shared.may_accept() for name in "abc"] == [True, False, False]
    assert forked(other)
    now[0] += workers.STALE + 1
    assert shared.may_accept()  # the other one did not look for a while
    assert forked(other) and not shared.may_accept()


@pytest.fixture
def first_of_two():
    """The server of one of two workers, here, and their connections; the other worker is only counted."""
    connections, app = workers.SharedConnections(2), Flask("small")
    connections.begin(0)
    app.add_url_rule("/", "home", lambda: "here")
    server = make_server(app, threads=1, workers=2, connections=connections)
    yield server, connections
    server.task_dispatcher.shutdown()
    server.close()


def other_has(connections, count):
    connections._seen[1], connections._sums[1] = time.monotonic() + 60, count


def test_a_worker_takes_a_waiting_connection_as_soon_as_it_is_its_turn(first_of_two):
    server, connections = first_of_two
    threading.Thread(target=server.run, daemon=True).start()
    delays = []
    with ExitStack() as stack:
        for turn in range(3):
            other_has(connections, 2 * turn)
            for count in (1, 2):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.effective_port)))
                until(lambda least=2 * turn + count: connections._sums[0] >= least)
            line = stack.enter_context(socket.create_connection(("127.0.0.1", server.effective_port), timeout=20))
            line.sendall(b"GET / HTTP/1.0\r\n\r\n")
            time.sleep(0.1)
            assert connections._sums[0] == 2 * turn + 2, "the other one's turn"
            begun = time.monotonic()
            other_has(connections, 100)
            assert line.recv(100).startswith(b"HTTP/1.0 200")
            delays.append(time.monotonic() - begun)
            until(lambda least=2 * turn + 2: connections._sums[0] == least)
    assert min(delays) < 0.4


def test_a_worker_whose_turn_it_is_not_closes_silent_connections_all_the_same(first_of_two):
    server, connections = first_of_two
    other_has(connections, -5)
    assert not server.readable() and server.next_channel_cleanup > time.time()


def test_metrics_are_summed_and_never_fall():
    shared, alone = workers.SharedMetrics(2), Metrics()
    shared.begin(0)
    for each in (shared, alone):
        each.note("/item", 200, 0.02)
    shared.flush()

    def other():
        shared.begin(1)
        shared.note("/item", 404, 0.3)
        shared.flush()
        return shared.text()

    alone.note("/item", 404, 0.3)
    assert forked(other) == alone.text() == shared.text()
    alone.note("/item", 404, 0.3)
    assert forked(other) == alone.text() == shared.text()


def test_older_counts_never_take_the_place_of_newer_ones(monkeypatch):
    shared, written, go_on = workers.SharedMetrics(1), threading.Event(), threading.Event()
    shared.begin(0)
    shared.note("/item", 200, 0.02)

    def dumps(counts, write=json.dumps):
        told = write(counts)
        if threading.current_thread() is first:
            written.set()
            assert go_on.wait(20)
        return told

    monkeypatch.setattr(workers.json, "dumps", dumps)
    first = threading.Thread(target=shared.flush)
    first.start()
    assert written.wait(20)
    shared.note("/item", 200, 0.02)
    second = threading.Thread(target=shared.flush)
    second.start()
    second.join(0.2)  # it waits for the first, or else has written
    go_on.set()
    first.join()
    second.join()
    assert 'shop_requests_total{route="/item",status="200"} 2\n' in shared.text()


@pytest.mark.parametrize("copied", [0, 1])  # it dies before it copies its counts, or between these and their length
def test_a_worker_that_dies_while_it_writes_its_counts_leaves_those_before(copied):
    shared = workers.SharedMetrics(2)
    shared.begin(0)
    shared.note("/item", 200, 0.02)
    shared.flush()
    before, copy, calls = shared.text(), np.frombuffer, itertools.count()
    process = os.fork()
    if not process:
        try:
            workers.np.frombuffer = lambda *given: copy(*given) if next(calls) < copied else os._exit(9)
            shared.note("/a-longer-route", 200, 0.02)
            shared.flush()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9
    assert shared.text() == before
    shared.begin(0)  # the worker that takes its place
    assert shared.text() == before


#: The workers' own server with a small application in place of the shop: it says which process answers.
PROGRAM = """
import os, sys
from fashion.web import workers
from fashion.web.metrics import watch
from fashion.web.server import make_server
from flask import Flask, request
workers.TICK = 0.05
count = int(sys.argv[1])
sockets = workers.listen("127.0.0.1", 0)
connections, metrics = workers.SharedConnections(count), workers.SharedMetrics(count)

def serve(place):
    connections.begin(place)
    metrics.begin(place)
    app = Flask("small")
    watch(app, metrics)
    app.add_url_rule("/", "home", lambda: str(os.getpid()))
    app.add_url_rule("/metrics", "metrics", metrics.text)
    make_server(app, threads=2, workers=count, sockets=sockets, connections=connections).run()

def broken(place):
    raise RuntimeError("no shop")

print(sockets[0].getsockname()[1], flush=True)
workers.run_workers(count, broken if sys.argv[2:] else serve, metrics.flush)
"""


@contextmanager
def served(count=2, *more):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(count), *more], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield SimpleNamespace(process=process, port=int(process.stdout.readline()))
    finally:
        process.terminate()
        process.communicate(timeout=20)


def ask(port, path="/"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return answer.read().decode()


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def lives(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_all_workers_answer_one_that_dies_is_replaced_and_all_end_with_the_parent():
    with served() as shop:
        seen = set()
        until(lambda: seen.add(int(ask(shop.port))) or len(seen) == 2)
        asked = ask(shop.port, "/metrics")
        first = min(seen)
        os.kill(first, signal.SIGKILL)
        until(lambda: seen.add(int(ask(shop.port))) or len(seen) == 3)
        counted = [float(text.split('route="/",status="200"} ')[1].split()[0]) for text in
                   (asked, ask(shop.port, "/metrics"))]  # fmt: skip
        assert counted[1] >= 2 and counted[0] <= counted[1] + 2  # of the one that was killed, the last tick may lack
        shop.process.terminate()
        assert shop.process.wait(20) == 0
        assert not any(lives(number) for number in seen)


def test_workers_end_when_their_parent_is_killed():
    with served() as shop:
        worker = int(ask(shop.port))
        shop.process.kill()
        until(lambda: not lives(worker))


def test_an_address_has_its_connections_with_all_workers_together():
    with served() as shop:
        ask(shop.port)
        lines = [socket.create_connection(("127.0.0.1", shop.port)) for _ in range(CONNECTIONS_AN_ADDRESS + 12)]
        for line in lines:
            line.setblocking(False)  # to wait at each one would take longer than a silent connection is kept

        def open_ones():
            count = 0
            for line in lines:
                try:
                    count += bool(line.recv(1))
                except BlockingIOError:
                    count += 1
                except OSError:
                    pass
            return count

        until(lambda: open_ones() <= CONNECTIONS_AN_ADDRESS)
        time.sleep(0.2)  # no worker closes another one's share
        assert open_ones() >= CONNECTIONS_AN_ADDRESS - 1  # the first one may have been counted still
        for line in lines:
            line.close()

        def answers():
            with suppress(OSError):  # as long as the closed ones count
                return ask(shop.port).isdigit()

        until(answers)


def test_workers_that_cannot_start_are_given_up_with_the_reason():
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), "2", "broken"], capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert process.returncode == 1 and "no shop" in process.stderr
    assert "expected 2 workers that serve; found 3 in a row that ended at once" in process.stderr


def test_windows_and_taken_ports_are_named(monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        workers.listen("127.0.0.1", taken.getsockname()[1])
    monkeypatch.delattr(os, "fork")
    with pytest.raises(FashionError, match="expected Linux or macOS for --workers"):
        workers.require_fork()
    assert main(["serve", "--workers", "2"]) == 1
    assert "found Windows" in capsys.readouterr().err
