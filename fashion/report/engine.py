"""Papermill's engine for our notebooks: what ran is written every few seconds, and whatever ends the run."""

from __future__ import annotations

import time
from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

#: How papermill is told to use it.
NAME = "fashion"

#: Seconds between two writes of a notebook that runs.
SAVE_SECONDS = 5.0


class SeldomWritten(NBClientEngine):
    """Papermill's own engine, which writes the notebook as each cell begins and ends: a tenth of a run with figures."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **given: Any) -> Any:
        """Run the notebook; papermill writes it before and after."""
        save, last = nb_man.save, time.monotonic()

        def seldom(**changed: Any) -> None:
            nonlocal last
            if time.monotonic() - last >= SAVE_SECONDS:
                save(**changed)
                last = time.monotonic()

        nb_man.save = seldom
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, **given)
        except BaseException:  # a dead kernel, a time limit, Ctrl+C
            save()
            raise
        finally:
            nb_man.save = save


papermill_engines.register(NAME, SeldomWritten)
