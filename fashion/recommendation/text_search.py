"""Free text: cosines of a text and the items' photos, by the text tower of the report's encoder."""

from __future__ import annotations

import threading
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import WeightsError
from fashion.core.workspace import Workspace
from fashion.embedding.encoder_files import read_encoder_files, resolve
from fashion.embedding.text import TextEncoder, find_text_encoder, load_text_encoder
from fashion.recommendation.changes import Present

#: Texts whose vectors are kept: a shop's page asks for the same text again and again.
MOST_TEXTS = 256


class FreeText:
    """Text tower and photos' vectors of one report; both are loaded when they are first needed.

    Parameters
    ----------
    workspace : Workspace
    network : dict
        As in backbone.json.
    folder : Path
        The encoder's.
    present : Present, optional
        The catalogue as whoever asks has opened it; the report's own items if not given.
    """

    def __init__(
        self, workspace: Workspace, network: dict[str, Any], folder: Path, present: Present | None = None
    ) -> None:
        self._network, self._folder, self._present = network, folder, present
        self._max_pooled = workspace.vectors("max_pooled")  # of this report, even where another is made meanwhile
        self._lock = threading.Lock()  # neither runtime promises that one network may be called by two threads
        self._vector = lru_cache(MOST_TEXTS)(self._embed)
        #: Why the tower that is there cannot be used; empty where it can, or was not needed yet.
        self.problem = ""

    @cached_property
    def _tower(self) -> TextEncoder | None:
        try:
            checksum = read_encoder_files(self._folder, self._network["size"]).checksum
            if checksum != self._network["weights_checksum"]:
                raise WeightsError(
                    f"expected the encoder with which the report was made, {self._network['name']}, in {self._folder}; "
                    "found another. Put the report's back, name its place (--weights), or make the report again."
                )
            return load_text_encoder(self._folder, self._network["dimension"])
        except WeightsError as error:
            self.problem = f"Words alone are searched, not photos: {error}"
            return None

    @property
    def tower(self) -> TextEncoder | None:
        """The text tower; None where it cannot be used, for which `problem` is the reason."""
        with self._lock:
            return self._tower

    @cached_property
    def _photos(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The photos' vectors as they lie in the report's file, shape (n, d), and their lengths, shape (n,)."""
        vectors = self._max_pooled if self._present is None else self._present.array("max_pooled", self._max_pooled)
        return vectors, np.maximum(np.linalg.norm(vectors, axis=1), np.finfo(np.float32).tiny)

    def prepare(self) -> None:
        """Load both now: what processes that are forked afterwards share."""
        if self.tower is not None:
            _ = self._photos

    def _embed(self, text: str) -> NDArray[np.float32]:
        tower = self.tower
        assert tower is not None
        with self._lock:
            return tower([text])[0]

    def cosines(self, text: str) -> NDArray[np.float32]:
        """Cosine of each item's photo and a text, shape (n,); only where there is a `tower`."""
        vectors, lengths = self._photos
        return np.asarray(vectors @ self._vector(text) / lengths, np.float32)


def free_text_of(
    workspace: Workspace, place: str | Path | None = None, present: Present | None = None
) -> FreeText | None:
    """The free text search of a report; None where its encoder has no text tower.

    Parameters
    ----------
    workspace : Workspace
    place : str or Path, optional
        The encoder's folder, where it has moved since the report.
    present : Present, optional
        As for `FreeText`.
    """
    if not workspace.path("backbone.json").is_file():
        return None
    network = workspace.json("backbone")
    if "place" not in network:
        return None
    folder = resolve(place or network["place"])
    try:
        if find_text_encoder(folder) is None:
            return None
    except WeightsError:
        pass  # half a tower: its problem is told to whoever searches
    return FreeText(workspace, network, folder, present)
