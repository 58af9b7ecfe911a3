"""Queries by a photo that is not in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fashion.core.workspace import Workspace
from fashion.embedding.backbones import Encoder
from fashion.neighbours.duplicates import Fingerprints, Rule, matching_pairs
from fashion.neighbours.resemblance import resemblance
from fashion.photos.measures import DecodedPhoto
from fashion.recommendation.changes import with_changes
from fashion.recommendation.photo_encoder import PhotoEncoder, PhotoFeatures
from fashion.recommendation.queries import Query
from fashion.recommendation.recommender import Recommender


def likeliest_words(predicted: Mapping[str, NDArray], words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The likeliest word of each column; none where all are equally likely, as where nothing was taught.

    Examples
    --------
    >>> predicted = {"colour": np.array([0.2, 0.8]), "category": np.array([0.5, 0.5])}
    >>> likeliest_words(predicted, {"colour": ("blue", "red"), "category": ("bag", "hat")})
    {'colour': 'red'}
    """
    told = {column: shares for column, shares in predicted.items() if len(shares) == 1 or np.ptp(shares) > 0}
    return {column: words[column][int(shares.argmax())] for column, shares in told.items()}


class PhotoReader:
    """Turns photos into queries to one catalogue. Loads the networks once, which takes some seconds.

    Parameters
    ----------
    workspace : Workspace
        Of a catalogue with a report.
    recommender : Recommender
        Over one of its embeddings.
    weights : Path or str, optional
        The backbone's weights file, where the report was given one.

    Raises
    ------
    WeightsError
        When the report's backbone is unavailable.
    """

    def __init__(self, workspace: Workspace, recommender: Recommender, weights: Path | str | None = None) -> None:
        self.workspace, self.recommender = workspace, recommender
        self.encoder = PhotoEncoder(workspace, weights)
        added = "near_duplicate_of" in recommender.items
        known = [with_changes(workspace, n)[1] if added else workspace.vectors(n) for n in ("max_pooled", "pixels")]
        self._rule = Rule.stored(workspace.json("source"), workspace.json("backbone"))
        self._known = Fingerprints(known[0], recommender.items["phash"].tolist(), known[1])
        self._least = float(workspace.json("attributes").get("least_resemblance", -1))
        _ = self.encoder.runtime  # loads the backbone now, and says now what is wrong with it
        _ = self.encoder.selection if recommender.layout is None else self.encoder.network

    def __repr__(self) -> str:
        return f"PhotoReader({self.backbone!r}, {self.recommender!r})"

    @property
    def backbone(self) -> Encoder:
        """The report's backbone."""
        return self.encoder.backbone

    def query(self, photo: bytes | DecodedPhoto, name: str = "photo") -> Query:
        """The query of a photo, described by the likeliest category and colour.

        Parameters
        ----------
        photo : bytes or DecodedPhoto
            Its file, or what was decoded from one.
        name : str
            The query's title.

        Raises
        ------
        PhotoError
            When the bytes are no whole image.
        """
        features = self.encoder.extract(photo, name)
        rows = [row for _, row in matching_pairs(self._known, features.fingerprints, self._rule)]
        groups = self.recommender.groups
        # A near-duplicate of one of them is a near-duplicate of the photo, too: groups are transitive.
        near_duplicates = np.array(rows, np.intp) if groups is None else np.flatnonzero(np.isin(groups, groups[rows]))
        unlike = not rows and self._unlike(features)
        if self.recommender.layout is None:
            frozen = self.encoder.frozen(features.blocks)
            return Query(name, frozen, {}, near_duplicates=near_duplicates, unlike=unlike)
        network = self.encoder.network
        # A photo of the catalogue's own is asked as its item is.
        vectors = (
            self.encoder.encode(features.blocks, features.colour_grid) if rows else self.encoder.encode_query(features)
        )
        predicted = {column: vectors.predicted[column][0] for column in ("colour", "category")}
        seen = likeliest_words(predicted, network.layout.words)
        return Query(name, vectors.learned, seen, near_duplicates=near_duplicates, unlike=unlike)

    def _unlike(self, features: PhotoFeatures) -> bool:
        """Whether a photo resembles nothing in the catalogue, judged as a whole, as the simulated ones were."""
        if self._least <= -1:
            return False
        known = self._known
        return bool(resemblance(features.blocks["embedding"], known.max_pooled, lengths=known.lengths)[0] < self._least)
