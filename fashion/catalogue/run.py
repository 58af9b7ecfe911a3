"""One catalogue's run: its folders, table, photos and network, under one name.

Every notebook opens one. `fashion.study.Study` adds recommendations; they are not imported here, so that a notebook
that only needs the run's files does not depend on their code.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.addresses import Downloads, downloads_folder
from fashion.catalogue.definition import (
    Catalogue,
    known_catalogues,
    load_catalogue,
    no_such_catalogue,
    open_catalogue,
)
from fashion.catalogue.identity import open_workspace, toml_of
from fashion.catalogue.source import Source, open_source
from fashion.catalogue.swatches import Swatches, swatches_of
from fashion.catalogue.unpacked import unpacked_folder
from fashion.core.checksums import named
from fashion.core.paths import at_home, in_project, judgements_of
from fashion.core.workspace import Workspace


class Run:
    """One catalogue's run, finished or under way. Files are read when they are first needed.

    Parameters
    ----------
    catalogue : str, Path, Catalogue or Workspace
        Name of a catalogue, or the path of its TOML; a catalogue that was reported from a TOML is found by its name.
        Or its opened folders.
    data : str or Path, optional
        Its folder, zip or tar, where it is no longer in the place that the report remembers.
    processed, reports : str or Path, optional
        Folders for artefacts and for what people read; the project's data/processed and reports if not given.
    weights : str or Path, optional
        The weights file that the report was given for resnet50.

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
        weights: str | Path | None = None,
    ) -> None:
        if isinstance(catalogue, Workspace):
            self.workspace, catalogue = catalogue, catalogue.toml or catalogue.catalogue
        else:
            self.workspace = _workspace_of(catalogue, processed, reports)
        #: How to name the catalogue to `make` and `fashion`: its name, or the path of its TOML.
        self.asked_as = str(catalogue.path if isinstance(catalogue, Catalogue) else catalogue)
        self.weights, self._data = weights, data

    @classmethod
    def in_project(cls, catalogue: str | Path, **places: str | Path | None) -> Self:
        """Open a notebook's run: relative paths start at the project's root, wherever the notebook is executed.

        Parameters
        ----------
        catalogue : str or Path
        **places
            `data`, `processed`, `reports` and `weights` of `Run`.
        """
        if str(catalogue).lower().endswith(".toml"):
            catalogue = in_project(catalogue) or catalogue
        return cls(catalogue, **{name: in_project(path) for name, path in places.items()})

    @property
    def name(self) -> str:
        """The catalogue's short name."""
        return self.workspace.catalogue

    @cached_property
    def definition(self) -> Catalogue:
        """The catalogue's TOML: its columns, terms and defaults."""
        return load_catalogue(self.workspace.toml or self.place["catalogue_toml"])

    def open_data(self) -> Source:
        """The data before notebook 01 has read it: `data`, or what the definition names; a missing sample is made."""
        return open_catalogue(self.definition, self._data, self.workspace.processed_root)

    def write_place(
        self, source: Source, *, colour_was_measured: bool, near_duplicates: Mapping[str, Any], swatches: Swatches
    ) -> None:
        """Write `place`, by which later notebooks and commands find the data.

        Parameters
        ----------
        source : Source
            From `open_data`.
        colour_was_measured : bool
            The catalogue has no colour words.
        near_duplicates : mapping
            The rule by which they are told, from `duplicates.Rule.as_dict`.
        swatches : mapping of str to str
            From `swatches.catalogue_swatches`.
        """
        entry = self.definition
        place = {
            "catalogue": self.asked_as,
            "catalogue_toml": toml_of(entry),
            "title": entry.title,
            "language": entry.language,
            "data": str(source.path.resolve()),
            "table": entry.table,
            "table_sha256": source.table_checksum(),
            "colour_was_measured": colour_was_measured,
            "near_duplicates": near_duplicates,
            "swatches": dict(swatches),
            "similar_by": entry.similar_by,
            "held_out": entry.held_out,
        }
        self.workspace.write_json("source", place)

    @cached_property
    def place(self) -> dict[str, Any]:
        """Notebook 01's record of the data: title, place of photos and table, whether colours were measured."""
        place: dict[str, Any] = self.workspace.json("source")
        return place

    @property
    def swatches(self) -> dict[str, str]:
        """The colour of each colour word, `#rrggbb`; words without one are left out."""
        return swatches_of(self.place)

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
        """The frozen network: `name`, `size` (pixels), `dimension`, `reason` and more."""
        network: dict[str, Any] = self.workspace.json("backbone")
        return network

    @property
    def embeds_photos(self) -> bool:
        """Whether new photos can be embedded; not where the report's vectors were given."""
        return bool(self.network["size"])

    @cached_property
    def source(self) -> Source:
        """The folder, zip or tar that holds the photos, opened for reading.

        Raises
        ------
        CatalogueError
            When it has moved: open the study again with `data=`.
        """
        kept = unpacked_folder(self.workspace.processed_root)
        downloads = Downloads(downloads_folder(self.name))
        return open_source(at_home(self._data or self.place["data"]), self.place["table"], kept, downloads)

    @property
    def judgements(self) -> Path | None:
        """The file of people's judgements, by `paths.judgements_of`."""
        return judgements_of(self.workspace.catalogue)

    @property
    def source_line(self) -> str:
        """The caption of a figure: catalogue, items, network with its weights' short checksum."""
        size = f", {self.network['size']} px" if self.network["size"] else ""  # none where vectors were given
        network = named(self.network["name"], self.network["weights_checksum"])
        return f"{self.title}: {len(self.items):,} items · {network}{size}"

    @property
    def untrained(self) -> str:
        """The reason why notebook 03 trained no network, in a sentence; empty where it did, or did not run yet."""
        if not self.workspace.path("attributes.json").is_file():
            return ""
        return str(self.workspace.json("attributes").get("untrained", ""))

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
