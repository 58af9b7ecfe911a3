"""Photos to vectors by the networks of one report, for queries by photo and for added items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.network import AttributesNetwork, join_features, load_network
from fashion.core.workspace import Workspace
from fashion.embedding.backbones import Encoder, reopen_backbone
from fashion.embedding.extraction import networks_folder
from fashion.embedding.features import Selection
from fashion.embedding.given_vectors import GivenVectors
from fashion.embedding.runtimes import Blocks, Runtime, no_network, query_runtime
from fashion.neighbours.duplicates import Fingerprints
from fashion.photos.customer_photos import crops
from fashion.photos.descriptors import PIXELS, colour_grid
from fashion.photos.images import RGB, resize
from fashion.photos.measures import DecodedPhoto, decode_photo, perceptual_hash

Float = NDArray[np.float32]


@dataclass(frozen=True)
class PhotoFeatures:
    """Outputs of the backbone and descriptors of m photos.

    Attributes
    ----------
    blocks : dict of str to ndarray
        The backbone's outputs: "embedding" (m, d) and "multilayer" (m, D).
    colour_grid : ndarray of float, shape (m, 32, 32, 7)
    fingerprints : Fingerprints
        For finding near-duplicates.
    photo : DecodedPhoto
        The photo itself, whose crops are looked at where it is a customer's.
    """

    blocks: Blocks
    colour_grid: NDArray
    fingerprints: Fingerprints
    photo: DecodedPhoto


@dataclass(frozen=True)
class PhotoVectors:
    """Outputs of the attributes network for m photos.

    Attributes
    ----------
    learned : ndarray of float32, shape (m, d)
        From the photo alone.
    described : ndarray of float32, shape (m, d), or None
        With the items' own words.
    predicted : dict of str to ndarray of float32, shapes (m, words)
        Column -> distribution over the network's words.
    """

    learned: Float
    described: Float | None
    predicted: dict[str, Float]


class PhotoEncoder:
    """Turns photos into the vectors of one report. Each network is loaded once, when it is first needed.

    Parameters
    ----------
    workspace : Workspace
        Of a catalogue with a report.
    weights : Path or str, optional
        The weights file of the report's backbone, where the report was given one.
    """

    def __init__(self, workspace: Workspace, weights: Path | str | None = None) -> None:
        self.workspace, self.weights = workspace, weights

    @cached_property
    def backbone(self) -> Encoder:
        """The report's backbone.

        Raises
        ------
        WeightsError
            When its weights are missing or damaged, or the report was made on given vectors.
        """
        backbone = reopen_backbone(self.workspace.json("backbone"), self.weights)
        if isinstance(backbone, GivenVectors):
            raise no_network(backbone)
        return backbone

    @cached_property
    def network(self) -> AttributesNetwork:
        """The report's attributes network."""
        return load_network(self.workspace.arrays("attributes"), self.workspace.json("attributes"))

    @cached_property
    def selection(self) -> Selection:
        """The report's choice of features."""
        return Selection.from_arrays(self.workspace.arrays("selection"))

    @cached_property
    def runtime(self) -> Runtime:
        """The inference runtime."""
        return query_runtime(self.backbone, networks_folder(self.workspace.stores))

    def extract(self, photo: bytes | DecodedPhoto, name: str = "photo") -> PhotoFeatures:
        """Decode one photo, if it is a file's bytes, and run the backbone and the descriptors on it.

        Raises
        ------
        PhotoError
            When the bytes are no whole image.
        """
        picture = decode_photo(photo, name) if isinstance(photo, bytes) else photo
        blocks = self._outputs([picture.view(self.backbone.framing)])
        pixels = resize(picture.rgb, PIXELS).reshape(1, -1)
        fingerprints = Fingerprints(blocks["embedding"], [perceptual_hash(picture.rgb)], pixels)
        return PhotoFeatures(blocks, colour_grid(picture)[np.newaxis], fingerprints, picture)

    def _outputs(self, views: Sequence[RGB]) -> Blocks:
        return next(iter(self.runtime.stream([np.stack(views)])))

    def frozen(self, blocks: Blocks) -> Float:
        """Frozen vectors by the report's choice of features, shape (m, d)."""
        return self.selection.apply(blocks)

    def encode_query(self, photo: PhotoFeatures) -> PhotoVectors:
        """Learned vectors of one customer's photo, whose category is read from its crops."""
        features = join_features(photo.blocks["multilayer"], photo.blocks["embedding"])
        predicted = self.network.distributions(features, photo.colour_grid)
        if self.network.customer is not None:
            blocks = self._outputs([self.backbone.framing(crop) for crop in crops(photo.photo.unpacked)])
            cropped = join_features(blocks["multilayer"], blocks["embedding"])
            alone = self.network.distributions(cropped, np.repeat(photo.colour_grid, len(cropped), axis=0))["category"]
            predicted["category"] = self.network.mixed_category(cropped, alone).mean(axis=0, keepdims=True)
        return PhotoVectors(self.network.compose(features, predicted), None, predicted)

    def encode(self, blocks: Blocks, grid: NDArray, words: pd.DataFrame | None = None) -> PhotoVectors:
        """Learned vectors, and described ones where words are given.

        Parameters
        ----------
        blocks : dict of str to ndarray
            The backbone's outputs.
        grid : ndarray of float, shape (m, 32, 32, 7)
            The colour grid.
        words : DataFrame, optional
            The items' own words by column; a missing one is left to the network.
        """
        features = join_features(blocks["multilayer"], blocks["embedding"])
        predicted = self.network.distributions(features, grid)
        described = None if words is None else self.network.compose(features, predicted, words)
        return PhotoVectors(self.network.compose(features, predicted), described, predicted)
