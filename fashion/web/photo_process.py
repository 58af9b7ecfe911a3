"""One process with the networks, which turns photos into queries for all workers: they take most of a shop's memory."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Listener
from pathlib import Path

from fashion.core.errors import ArtefactError, FashionError
from fashion.photos.measures import DecodedPhoto
from fashion.recommendation.queries import Query
from fashion.web.reload import LOOK_AGAIN, Window
from fashion.web.shop import Shop

#: Seconds that a photo waits until this process has the report of the worker that asks, or gives up.
WAIT = 3.0

#: Seconds that a worker waits until a photo is taken, and then for its answer.
PATIENCE = 30.0

#: Turns a photo into a query to a shop; its third argument is the photo's name.
ReadPhoto = Callable[[Shop, DecodedPhoto, str], Query]


def read_here(shop: Shop, photo: DecodedPhoto, name: str) -> Query:
    """The query of a photo, by networks in this process."""
    return shop.reader().query(photo, name)


class PhotoProcess:
    """The way to the process with the networks: a socket below a folder that this user alone may enter.

    What arrives there is unpickled: the folder's mode is what keeps others out, as it does for the user's own files.

    Parameters
    ----------
    folder : Path
        Empty, of mode 0700; for the socket.
    """

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "photos")

    def serve(self, window: Window) -> None:
        """Answer until the process ends; each photo in a thread of its own, as many as the workers admit."""
        Path(self.address).unlink(missing_ok=True)  # of one before, which died
        window.begin()
        threading.Thread(target=self._keep_up, args=(window,), daemon=True).start()
        with Listener(self.address, "AF_UNIX", backlog=64) as listener:
            while True:
                with suppress(OSError, EOFError):  # who asked has gone
                    threading.Thread(target=self._answer, args=(listener.accept(), window), daemon=True).start()

    @staticmethod
    def _keep_up(window: Window) -> None:
        """Look for a new report even if nobody sends a photo, as the workers do for every visitor."""
        while True:
            window.shop()
            time.sleep(LOOK_AGAIN)

    @staticmethod
    def _answer(line: Connection, window: Window) -> None:
        with line, suppress(OSError, EOFError):
            stamp, photo, name = line.recv()
            try:
                until = time.monotonic() + WAIT
                while (shop := window.shop()).stamp != stamp:
                    if time.monotonic() > until:
                        raise ArtefactError(
                            "expected the same report in all processes; found a new one being opened. Try again in a "
                            "moment."
                        )
                    time.sleep(0.1)
                line.send(shop.reader().query(photo, name))
            except Exception as error:
                line.send(error)

    def read(self, shop: Shop, photo: DecodedPhoto, name: str) -> Query:
        """The query of a photo, by that process.

        Raises
        ------
        FashionError
            What reading it there raised, or that there is no such process at the moment, or no answer of it.
        """
        try:
            with self._line() as line:
                line.send((shop.stamp, photo, name))
                if not line.poll(PATIENCE):
                    raise FashionError(
                        f"expected an answer of the process that reads photos within {PATIENCE:.0f} s; found none. "
                        "Try again in a moment."
                    )
                answer = line.recv()
        except (OSError, EOFError) as error:
            raise FashionError(
                f"expected the process that reads photos; found none ({error}). Wait a moment."
            ) from error
        if isinstance(answer, Exception):
            raise answer
        query: Query = answer
        return query

    def _line(self) -> Connection:
        """A connection on which each send and each receipt ends after `PATIENCE`, also where the process hangs."""
        with socket.socket(socket.AF_UNIX) as one:
            limit = struct.pack("@ll", int(PATIENCE), round(PATIENCE % 1 * 1e6))  # seconds, microseconds
            for side in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                one.setsockopt(socket.SOL_SOCKET, side, limit)
            one.connect(self.address)
            return Connection(one.detach())
