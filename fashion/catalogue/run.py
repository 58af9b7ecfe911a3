"""One catalogue's run: its folders, table, photos and network, under one name.

What every notebook and command begins with. `fashion.study.Study` adds what a finished report can answer; this module
knows nothing of recommendations, so that a notebook that only needs its files does not depend on their code.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.definition import Catalogue, known_catalogues, no_such_catalogue
from fashion.catalogue.identity import open_workspace
from fashion.catalogue.source import Source, open_source
from fashion.core.workspace import Workspace


class Run:
    """One catalogue's run, finished or under way. Nothing is read before it is asked for.

    Parameters
    ----------
    catalogue : str, Path, Catalogue or Workspace
        Name of a catalogue, or the path of its TOML; a catalogue that was reported from a TOML is found by its name.
        Or its opened folders.
    data : str or Path, optional
        Its zip or folder, where it is no longer in the place that the report remembers.
    processed, reports : str or Path, optional
        Folders for artefacts and for what people read; the project's data/processed and reports if not given.

    Raises
    ------
    CatalogueError
        When there is no such catalogue, with near names.
    """

    def __init__(
        self,
        catalogue: str | Path | Catalogue | Workspace = "sample",
        *,
        data: str | Path | None = None,
        processed: str | Path | None = None,
        reports: str | Path | None = None,
    ) -> None:
        if isinstance(catalogue, Workspace):
            self.workspace, catalogue = catalogue, catalogue.toml or catalogue.catalogue
        else:
            self.workspace = _workspace_of(catalogue, processed, reports)
        #: How to name the catalogue to `make` and `fashion`: its name, or the path of its TOML.
        self.asked_as = str(catalogue.path if isinstance(catalogue, Catalogue) else catalogue)
        self._data = data

    @property
    def name(self) -> str:
        """The catalogue's short name."""
        return self.workspace.catalogue

    @cached_property
    def place(self) -> dict[str, Any]:
        """What notebook 01 wrote of the data: title, place of photos and table, whether colours were measured."""
        place: dict[str, Any] = self.workspace.json("source")
        return place

    @property
    def title(self) -> str:
        """The catalogue's name for people."""
        return str(self.place["title"])

    @cached_property
    def items(self) -> pd.DataFrame:
        """The items table, one row an item, index 0..n-1: the order of every array of the run."""
        return self.workspace.items()

    @cached_property
    def network(self) -> dict[str, Any]:
        """What is known of the frozen network: `name`, `size` (pixels), `dimension`, `reason` and more."""
        network: dict[str, Any] = self.workspace.json("backbone")
        return network

    @cached_property
    def source(self) -> Source:
        """The zip or folder that holds the photos, opened for reading.

        Raises
        ------
        CatalogueError
            When it has moved: open the study again with `data=`.
        """
        return open_source(Path(self._data or self.place["data"]), self.place["table"])

    @property
    def source_line(self) -> str:
        """The caption of a figure: catalogue, items, network."""
        return f"{self.title}: {len(self.items):,} items · {self.network['name']}, {self.network['size']} px"

    def vectors(self, name: str) -> NDArray[np.float32]:
        """The vectors of one kind ("described", "learned", "frozen", ...), shape (n, d), memory-mapped."""
        return self.workspace.vectors(name)

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {self.name} in {self.workspace.processed}"


def reported_catalogues(processed: str | Path | None = None) -> list[str]:
    """Names of the catalogues that notebook 01 has read, sorted."""
    root = Workspace("", processed).processed_root
    return sorted(path.parent.name for path in root.glob("*/source.json"))


def _workspace_of(
    catalogue: str | Path | Catalogue, processed: str | Path | None, reports: str | Path | None
) -> Workspace:
    text, known = str(catalogue), known_catalogues()
    if isinstance(catalogue, Catalogue) or text.lower().endswith(".toml") or text in known:
        return open_workspace(catalogue, processed, reports)
    reported = reported_catalogues(processed)
    if text in reported:
        return Workspace(text, processed, reports)
    raise no_such_catalogue(text, [*known, *reported])
