"""Papermill's engine for our notebooks: they are written at most every few seconds, and when they end."""

from __future__ import annotations

import time
from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

#: How papermill is told to use it.
NAME = "fashion"

#: Least seconds between two writes of a notebook that runs.
SAVE_SECONDS = 5.0


class SeldomWritten(NBClientEngine):
    """Papermill's own engine, except that it writes the notebook less often.

    Its own writes the whole notebook as each cell begins and ends, which takes a tenth of a small report. If this
    process is killed, the unfinished copy lacks what ran since the last write; a cell's error, a dead kernel, a time
    limit and Ctrl+C all end with a write.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **given: Any) -> Any:
        """Run the notebook; papermill writes it before, and after whatever ended it."""
        save, saved = nb_man.save, time.monotonic()

        def save_if_due(**changed: Any) -> None:
            nonlocal saved
            if time.monotonic() - saved >= SAVE_SECONDS:
                save(**changed)
                saved = time.monotonic()

        nb_man.save = save_if_due
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, **given)
        finally:
            del nb_man.save  # the class's own again


papermill_engines.register(NAME, SeldomWritten)
