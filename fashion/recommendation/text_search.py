"""Search in free text: the encoder's text tower, joined with the catalogue's own words."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.errors import WeightsError
from fashion.core.workspace import Workspace
from fashion.embedding.text import TextEncoder, load_text_encoder
from fashion.neighbours.exact import normalise
from fashion.recommendation.changes import with_changes
from fashion.recommendation.filters import QueryError
from fashion.recommendation.fusion import reciprocal_rank_fusion
from fashion.recommendation.reading import Reader


class TextSearch:
    """Items by a text, for a report whose encoder has a text tower.

    Parameters
    ----------
    workspace : Workspace
    place : str or Path, optional
        The encoder's folder, where it has moved since the report.

    Raises
    ------
    WeightsError
        When the report's encoder has no text tower.
    """

    def __init__(self, workspace: Workspace, place: str | Path | None = None) -> None:
        self.items, self.vectors = with_changes(workspace, "max_pooled")
        network = workspace.json("backbone")
        if place is None and "place" not in network:
            raise WeightsError(
                f"expected a report by an encoder with a text tower; found {network['name']}, which sees photos alone. "
                "Search by words, or report with such an encoder (docs/encoders.md)."
            )
        self.encoder: TextEncoder = load_text_encoder(place or network["place"], network["dimension"])

    @cached_property
    def _unit(self) -> NDArray[np.float32]:
        return normalise(np.asarray(self.vectors, np.float32))

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.items)

    def cosines(self, text: str) -> NDArray[np.float32]:
        """Cosine of each item's photo to a text, shape (n,)."""
        if not text.strip():
            raise QueryError("expected a text; found nothing. Write what you look for.")
        return np.asarray(self._unit @ self.encoder([text])[0], np.float32)

    def by_words(self, text: str, place: NDArray[np.intp]) -> NDArray[np.intp]:
        """Rows whose own words the text names, those that hold more of its columns first; none where it names none.

        Parameters
        ----------
        text : str
        place : ndarray of int, shape (n,)
            Each item's place in the text tower's ranking, which orders items of the same words.
        """
        wanted = self._reader.read(text).asked
        held = np.zeros(len(self.items), np.intp)
        for column, words in wanted.items():
            held += self.items[column].isin(words).to_numpy()
        rows = np.lexsort((place, -held))
        return np.asarray(rows[held[rows] > 0], np.intp)

    def search(self, text: str, k: int) -> pd.DataFrame:
        """The `k` best items of a text.

        Parameters
        ----------
        text : str
            Such as "striped summer dress with long sleeves".
        k : int

        Returns
        -------
        DataFrame
            `rank` (from 1), `item`, the item's words, `cosine` of text and photo, `score` (by
            `reciprocal_rank_fusion` of the text tower and the catalogue's words).
        """
        cosines = self.cosines(text)
        by_photo = np.argsort(-cosines, kind="stable")
        place = np.empty(len(cosines), np.intp)
        place[by_photo] = np.arange(len(cosines))
        scores = reciprocal_rank_fusion([by_photo, self.by_words(text, place)], len(cosines))
        rows = np.lexsort((place, -scores))[:k]
        columns = [c for c in ("item", "colour", "category", "department") if c in self.items]
        table = self.items.iloc[rows][columns].reset_index(drop=True)
        table.insert(0, "rank", np.arange(1, len(rows) + 1))
        return table.assign(cosine=cosines[rows], score=scores[rows])
