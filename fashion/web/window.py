"""Which report the shop window shows: the newest whole one, exchanged at once."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from fashion.errors import FashionError
from fashion.locking import is_running
from fashion.web.shop import Shop, open_shop, stamp_of
from fashion.workspace import Workspace

#: Seconds between two looks at whether there is a new report.
LOOK_AGAIN = 2.0


def _warm(shop: Shop) -> None:
    """Load the networks; what cannot be had now is said to the visitor who asks for it."""
    with suppress(FashionError, OSError):
        shop.reader()


class Window:
    """The shop that is shown: the old one until the new one is whole, then the new one, at once.

    Parameters
    ----------
    workspace : Workspace
    weights : str, optional
        The backbone's weights file, where the report was given one.
    warm : bool
        Load the networks at once, beside the first visitors.
    """

    def __init__(self, workspace: Workspace, weights: str | None = None, *, warm: bool = True) -> None:
        self.workspace, self.weights, self.warm = workspace, weights, warm
        self._shop = open_shop(workspace, weights)
        self._looked = time.monotonic()
        self._loading = threading.Lock()
        self._tried = self._shop.stamp
        if warm:
            threading.Thread(target=_warm, args=(self._shop,), daemon=True).start()

    def shop(self) -> Shop:
        """The shop to answer one request from, to its end."""
        now = time.monotonic()
        if now - self._looked > LOOK_AGAIN and self._loading.acquire(blocking=False):
            self._looked = now
            threading.Thread(target=self._renew, daemon=True).start()
        return self._shop

    def _renew(self) -> None:
        try:
            if is_running(self.workspace) or stamp_of(self.workspace) == self._tried:
                return
            stamp = stamp_of(self.workspace)
            new = open_shop(self.workspace, self.weights)
            if self.warm:
                new.reader()
            self._shop = new
            self._tried = stamp
        except (FashionError, OSError):
            pass  # not whole yet; looked at again soon
        finally:
            self._loading.release()
