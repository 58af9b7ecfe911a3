"""Web requests for photos: paced for each host, bounded in size, time and number, and never to a private network.

Each hop of an address is looked up here, and the connection goes to the very IP that was checked: a name that resolves
to another one a moment later changes nothing, nor does a redirect, nor a host written as a number.

`addresses` imports it only to download: the libraries of the network take longer to load than a recommendation.
"""

from __future__ import annotations

import heapq
import ipaddress
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urljoin

import requests.certs
import urllib3
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from fashion.catalogue.addresses import DownloadRules
from fashion.core.texts import kind_of

#: Redirects that an address may take.
HOPS = 5

#: Seconds for a connection, and between two packets; and for a whole request, so that a slow host cannot hold a thread.
CONNECT, READ, WHOLE = 10.0, 20.0, 90.0

#: Seconds for the IP addresses of a host.
LOOK_UP = 10.0

#: Requests for one photo, as long as the failures are passing ones; the host then rests for `BACK_OFF` seconds, twice
#: as long after each failure in a row, up to eight times as long.
TRIES, BACK_OFF = 4, 0.5

#: Seconds that a host may ask to be left alone (Retry-After); one that asks for more is given up for this run.
MOST_REST = 120.0

#: Failures of a host in a row, beside the requests that are made at a time, after which it is given up for this run.
IN_A_ROW = 8

#: Answers after which the same request may succeed later; so may every 5xx.
PASSING = {408, 425, 429}

#: Bytes that are read at a time, and by which the content is told.
CHUNK, HEAD = 2**16, 512

AGENT = "fashion (photos of a catalogue; each is asked for once)"


@dataclass(frozen=True)
class Answer:
    """The outcome of asking an address.

    Attributes
    ----------
    data : bytes
        The photo's file; empty where there is a problem.
    problem : str
    lasting, passing : bool
        The same request will fail again tomorrow; it may succeed in a moment.
    rest : float
        Seconds for which the host asks to be left alone.
    """

    data: bytes = b""
    problem: str = ""
    lasting: bool = False
    passing: bool = False
    rest: float = 0.0


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; one inside another (IPv6 transition) is looked at, too.

    Examples
    --------
    >>> [is_public(ip) for ip in ("93.184.215.14", "10.0.0.5", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1%eth0")]
    [True, False, False, False, False]
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        teredo = ip.teredo[1] if ip.teredo else None
        translated = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        inner = ip.ipv4_mapped or ip.sixtofour or teredo or translated
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


#: IPv6 addresses by which networks without IPv4 reach it.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class _Refused(Exception):
    """An address that is not asked: its text says why."""


class Asker:
    """Asks for one photo at a time, in any number of threads.

    Parameters
    ----------
    rules : DownloadRules
    """

    def __init__(self, rules: DownloadRules) -> None:
        self.rules = rules
        self._most = int(rules.photo_megabytes * 1e6)
        self._places: dict[tuple[str, int], list[str]] = {}
        self._asking: dict[int, tuple[Any, float]] = {}  # thread -> its connection, and until when it may take
        asking = self._asking

        class Watched:
            """A connection that says which thread uses it, so that another one can end it."""

            def request(self, *arguments: Any, **options: Any) -> None:
                asking[threading.get_ident()] = self, time.monotonic() + WHOLE
                super().request(*arguments, **options)  # type: ignore[misc]

        context = ssl.create_default_context()
        context.load_verify_locations(requests.certs.where())
        self._pools = urllib3.PoolManager(
            num_pools=2 * rules.at_once, maxsize=rules.at_once, ssl_context=context, retries=False
        )
        self._pools.pool_classes_by_scheme = {
            name: type(pool.__name__, (pool,), {"ConnectionCls": type("Connection", (Watched, pool.ConnectionCls), {})})
            for name, pool in (("http", urllib3.HTTPConnectionPool), ("https", urllib3.HTTPSConnectionPool))
        }

    def ask(self, address: str) -> Answer:
        """Ask for a photo; raises nothing that the network can cause."""
        here = address
        try:
            for _ in range(HOPS + 1):
                with self._open(parse_url(here)) as response:  # closed, not drained: it may send without end
                    location = response.get_redirect_location()
                    if not location:
                        return self._photo_of(response)
                    here = urljoin(here, location)
            return Answer(problem=f"it is redirected more than {HOPS} times", lasting=True)
        except (LocationParseError, UnicodeError) as error:
            return Answer(problem=f"it is not a web address: {error}", lasting=True)
        except _Refused as refusal:
            return Answer(problem=str(refusal) + (f" (redirected to {here})" if here != address else ""))
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            return Answer(problem=f"the request failed: {_in_words(error)}", passing=True)
        finally:
            self._asking.pop(threading.get_ident(), None)

    def _open(self, url: Url) -> urllib3.BaseHTTPResponse:
        """The answer of one hop, its body not yet read."""
        if url.scheme not in ("http", "https") or not url.host:
            raise _Refused(f"{url} is not a web address")
        secure, host = url.scheme == "https", url.host.strip("[]")
        port = url.port or (443 if secure else 80)
        headers = {"Host": url.netloc or host, "User-Agent": AGENT, "Accept": "image/*,*/*;q=0.5"}
        headers |= urllib3.make_headers(basic_auth=unquote(url.auth)) if url.auth else {}
        named = {"server_hostname": host, "assert_hostname": host} if secure else {}
        failed: Exception | None = None
        for place in self._checked(host, port):
            pool = self._pools.connection_from_host(place, port, url.scheme, named)
            try:
                return pool.urlopen(
                    "GET", url.request_uri, headers=headers, redirect=False, retries=False, preload_content=False,
                    decode_content=False, timeout=urllib3.Timeout(connect=CONNECT, read=READ),
                )  # fmt: skip
            except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
                failed = error
        raise failed or OSError("the host has no address")

    def _checked(self, host: str, port: int) -> list[str]:
        """The IP addresses of a host that may be asked."""
        if (host, port) not in self._places:
            answers = _look_up(host, port)
            self._places[host, port] = list(dict.fromkeys(str(place[0]) for *_, place in answers))
        places = self._places[host, port]
        allowed = places if self.rules.private_network else [place for place in places if is_public(place)]
        if places and not allowed:
            raise _Refused(
                f"{host} is {places[0]}, on a private network; `private_network = true` under [downloads] allows that"
            )
        return allowed

    def _photo_of(self, response: urllib3.BaseHTTPResponse) -> Answer:
        """Read the body, as long as it is a photo's and within bounds."""
        status = response.status
        if status != 200:
            passing = status in PASSING or status >= 500
            told = f"the host answers {status} {response.reason or ''}".rstrip()
            return Answer(b"", told, not passing, passing, _rest(response.headers.get("Retry-After", "")))
        said = response.headers.get("Content-Length", "")
        large = Answer(problem=f"it is larger than {self.rules.photo_megabytes:g} MB", lasting=True)
        if said.isdecimal() and int(said) > self._most:
            return large
        data = bytearray()
        for chunk in response.stream(CHUNK, decode_content=False):
            data += chunk
            if len(data) > self._most:
                return large
            if len(data) >= HEAD and _no_photo(data[:HEAD]):
                break
        other = _no_photo(data[:HEAD])
        return Answer(problem=f"it is not a photo but {other}", lasting=True) if other else Answer(bytes(data))

    def end_overdue(self, now: float | None = None) -> None:
        """End requests that take longer than `WHOLE`; all of them where `now` is infinite."""
        moment = time.monotonic() if now is None else now
        for connection, until in list(self._asking.values()):
            if moment > until and (sock := connection.sock) is not None:
                with suppress(OSError):  # it has just ended
                    sock.shutdown(socket.SHUT_RDWR)  # its thread wakes up with an error


def _look_up(host: str, port: int) -> list[Any]:
    """`socket.getaddrinfo` under a time limit of `LOOK_UP` seconds: the system's own may be minutes, and knows none."""
    answer: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()  # no pool: the end of the program would wait for its threads
    try:
        return answer.result(LOOK_UP)
    except FutureTimeout:
        raise OSError(f"the name {host} was not looked up within {LOOK_UP:g} s") from None


def _no_photo(head: bytes | bytearray) -> str:
    """The kind of a file that cannot be a photo, by its first bytes; empty for one that may be a photo."""
    text = bytes(head).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not text:
        return "nothing"
    if text.startswith((b"<svg", b"<?xml")):
        return "SVG or XML"
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<script")):
        return "a page (HTML)"
    if text.startswith((b"{", b"[")):
        return "JSON"
    kind = kind_of(bytes(head), names=())
    return "" if "photo" in kind else kind


def _rest(told: str) -> float:
    """Seconds of a Retry-After, which is a number or a date; 0 where it is neither."""
    try:
        return max(float(told), 0.0) if told.strip().isdecimal() else max(
            parsedate_to_datetime(told).timestamp() - time.time(), 0.0
        )  # fmt: skip
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _in_words(error: BaseException) -> str:
    """An error of the network in one line, without the addresses of objects."""
    if isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ProtocolError) and error.__cause__:
        error = error.__cause__
    return (str(error).rsplit(": ", 1)[-1] if isinstance(error, HTTPError) else str(error)) or type(error).__name__


# ---- Whose turn it is ----


class HostTurns:
    """A queue of addresses by host: each host gets its pause, and none holds up the others.

    Parameters
    ----------
    addresses : iterable of str
    rules : DownloadRules
    """

    def __init__(self, addresses: Iterable[str], rules: DownloadRules) -> None:
        self._pause, self._most = rules.pause, IN_A_ROW + rules.at_once
        self._waiting: dict[str, deque[str]] = {}
        for address in addresses:
            self._waiting.setdefault(_host(address), deque()).append(address)
        self._turns = [(0.0, number, host) for number, host in enumerate(self._waiting)]  # a heap: each host once
        self._not_before = dict.fromkeys(self._waiting, 0.0)
        self._failures = dict.fromkeys(self._waiting, 0)
        self._tries: dict[str, int] = {}
        self._asked, self._stopped, self._changed = 0, False, threading.Condition()

    def take(self) -> str | None:
        """The next address, as soon as its host's turn has come; None where nothing is left."""
        with self._changed:
            while not self._stopped and (self._turns or self._asked):
                if not self._turns:
                    self._changed.wait()  # for an address that may have to be asked again
                    continue
                turn, number, host = self._turns[0]
                turn, now = max(turn, self._not_before[host]), time.monotonic()
                if turn > self._turns[0][0]:
                    heapq.heapreplace(self._turns, (turn, number, host))
                elif turn > now:
                    self._changed.wait(turn - now)
                else:
                    heapq.heappop(self._turns)
                    self._asked += 1
                    address = self._waiting[host].popleft()
                    if self._waiting[host]:
                        heapq.heappush(self._turns, (now + self._pause, number, host))
                    self._not_before[host] = now + self._pause
                    return address
            return None

    def answered(self, address: str, answer: Answer) -> list[tuple[str, Answer]]:
        """Record an answer; return what it settles: this address or none, and those of a host that is given up."""
        host = _host(address)
        with self._changed:
            self._asked -= 1
            self._changed.notify_all()
            if not answer.passing:
                self._failures[host] = 0
                return [(address, answer)]
            self._failures[host] += 1
            self._tries[address] = self._tries.get(address, 0) + 1
            in_a_row = self._failures[host]
            if in_a_row >= self._most or answer.rest > MOST_REST:
                left = Answer(problem=f"not asked, as {host} was given up after: {answer.problem}")
                waiting = [(other, left) for other in self._waiting[host]]
                self._waiting[host].clear()
                self._turns = [turn for turn in self._turns if turn[2] != host]
                heapq.heapify(self._turns)
                return [(address, answer), *waiting]
            rest = max(answer.rest, BACK_OFF * 2 ** min(in_a_row - 1, 3))
            self._not_before[host] = max(self._not_before[host], time.monotonic() + rest)
            if self._tries[address] >= TRIES:
                return [(address, answer)]
            if not self._waiting[host]:
                heapq.heappush(self._turns, (self._not_before[host], len(self._tries) + len(self._waiting), host))
            self._waiting[host].append(address)
            return []

    def stop(self) -> None:
        """Let every `take` return None."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def _host(address: str) -> str:
    try:
        return (parse_url(address).host or "").lower()
    except LocationParseError:
        return ""


def fetch(addresses: Iterable[str], rules: DownloadRules, settle: Callable[[str, Answer], None]) -> None:
    """Ask for each address, `rules.at_once` at a time.

    Parameters
    ----------
    addresses : iterable of str
        Each once.
    rules : DownloadRules
    settle : callable
        Is called for each address with its answer, by one thread at a time. What it raises ends the work, and is raised
        here; so does a keyboard interrupt. What was settled before stays so.
    """
    turns, asker = HostTurns(addresses, rules), Asker(rules)
    settling, over, failed = threading.Lock(), threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            while (address := turns.take()) is not None:
                answer = asker.ask(address)
                for settled in turns.answered(address, answer):
                    with settling:
                        if over.is_set():
                            return
                        settle(*settled)
        except BaseException as error:
            failed.append(error)
            over.set()
            turns.stop()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(rules.at_once)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
                asker.end_overdue(float("inf") if over.is_set() else None)
    finally:
        with settling:  # nothing is settled after an interrupt
            over.set()
        turns.stop()
        asker.end_overdue(float("inf"))
    if failed:
        raise failed[0]
