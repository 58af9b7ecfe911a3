"""Reloading: the shop window switches to a new report as soon as it is complete."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress

from fashion.core.errors import FashionError
from fashion.core.locking import is_running
from fashion.core.workspace import Workspace
from fashion.recommendation.qdrant import EngineError
from fashion.web.shop import Shop, open_shop, stamp_of

#: Seconds between two checks for a new report.
LOOK_AGAIN = 2.0

#: Seconds until a report that failed to load is tried again unchanged; where the search engine does not hold it yet.
TRY_AGAIN, ENGINE_AGAIN = 60.0, 2.0

log = logging.getLogger("fashion.web")


def _warm(shop: Shop) -> None:
    """Load the networks; an error is shown to the visitor who needs them."""
    with suppress(FashionError, OSError):
        shop.reader()


class Window:
    """The current shop: the old one until a new report is complete, then the new one.

    Parameters
    ----------
    workspace : Workspace
    weights : str, optional
        The backbone's weights file, where the report was given one.
    warm : bool
        Load the networks at once, in the background.
    engine : str, optional
        The address of a Qdrant server that searches.
    mapped : bool
        Share the vectors with other processes, by memory-mapped files.
    """

    def __init__(
        self,
        workspace: Workspace,
        weights: str | None = None,
        *,
        warm: bool = True,
        engine: str | None = None,
        mapped: bool = False,
    ) -> None:
        self.workspace, self.weights, self.warm = workspace, weights, warm
        self.engine, self.mapped = engine, mapped
        self._shop = self._open()
        self._looked = time.monotonic()
        self._loading = threading.Lock()
        self._failed, self._failed_at, self._engine_lacks = 0, 0.0, False
        if warm:
            self.begin()

    def _open(self) -> Shop:
        return open_shop(self.workspace, self.weights, self.engine, self.mapped)

    def begin(self) -> None:
        """Load the networks in the background."""
        self.warm = True
        threading.Thread(target=_warm, args=(self._shop,), daemon=True).start()

    def prepare(self) -> Shop:
        """Make now what requests would make at first, so that forked processes share it; no thread is started."""
        self._shop.prepare()
        return self._shop

    def shop(self) -> Shop:
        """The shop for one request, the same one to its end."""
        now = time.monotonic()
        if now - self._looked > LOOK_AGAIN and self._loading.acquire(blocking=False):
            self._looked = now
            threading.Thread(target=self._renew, daemon=True).start()
        return self._shop

    def _renew(self) -> None:
        try:
            stamp = stamp_of(self.workspace)
            if is_running(self.workspace) or stamp == self._shop.stamp or not self._due(stamp):
                return
            try:
                self._shop = new = self._open()
            except Exception as error:  # whatever a damaged report raises, the old one stays open
                self._put_off(stamp, error)
                return
            log.info("a new report of %s is shown: %x", self.workspace.catalogue, new.stamp)
            if self.warm:
                _warm(new)
        except (FashionError, OSError):
            pass  # no report at the moment; checked again soon
        finally:
            self._loading.release()

    def _due(self, stamp: int) -> bool:
        wait = ENGINE_AGAIN if self._engine_lacks else TRY_AGAIN
        return stamp != self._failed or time.monotonic() - self._failed_at > wait

    def _put_off(self, stamp: int, error: Exception) -> None:
        if stamp != self._failed:
            log.warning("a new report of %s cannot be shown: %s", self.workspace.catalogue, error)
        self._failed, self._failed_at = stamp, time.monotonic()
        self._engine_lacks = isinstance(error, EngineError)
