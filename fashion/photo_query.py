"""A photo that is not in the catalogue, as a query: what the networks see in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fashion.additions import with_additions
from fashion.attributes import AttributesNetwork, join_features, load_network
from fashion.backbones import Backbone, reopen_backbone
from fashion.descriptors import PIXELS, colour_grid
from fashion.duplicates import Fingerprints, Rule, matching_pairs
from fashion.errors import PhotoError
from fashion.photos import perceptual_hash, picture_of
from fashion.pixels import resize
from fashion.queries import Query
from fashion.recommender import Recommender
from fashion.runtimes import Blocks, network_call
from fashion.selection import Selection
from fashion.workspace import Workspace


class PhotoReader:
    """Turns photos into queries to one catalogue. Loads the networks once, which takes some seconds.

    Parameters
    ----------
    workspace : Workspace
        Of a catalogue with a report.
    recommender : Recommender
        Over one of its embeddings.
    weights : Path or str, optional
        The weights file of the report's backbone, where the report was given one.

    Raises
    ------
    WeightsError
        When the report's backbone cannot be had again.
    """

    def __init__(self, workspace: Workspace, recommender: Recommender, weights: Path | str | None = None) -> None:
        self.workspace, self.recommender = workspace, recommender
        self.backbone: Backbone = reopen_backbone(workspace.json("backbone"), weights)
        self._call = network_call(self.backbone)
        added = "twin" in recommender.items
        known = [with_additions(workspace, n)[1] if added else workspace.vectors(n) for n in ("maxima", "pixels")]
        self._rule = Rule.stored(workspace.json("source"))
        self._known = Fingerprints(known[0], recommender.items["phash"].tolist(), known[1])
        self.network: AttributesNetwork | None = None
        self.selection: Selection | None = None
        if recommender.layout is None:
            self.selection = Selection.from_arrays(workspace.arrays("selection"))
        else:
            self.network = load_network(workspace.arrays("attributes"), workspace.json("attributes"))

    def query_file(self, path: str | Path) -> Query:
        """The query that a photo's file makes.

        Raises
        ------
        PhotoError
            When there is no such file, or it is no whole image.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise PhotoError(
                f"expected a photo (JPEG, PNG, WebP) at {str(path)!r}; it cannot be read: {error.strerror}"
            ) from error
        return self.query(data, Path(path).name)

    def query(self, data: bytes, name: str = "photo") -> Query:
        """The query that a photo's bytes make.

        Its description is what the network sees: the likeliest category and colour.

        Raises
        ------
        PhotoError
            When the bytes are no whole image.
        """
        picture = picture_of(data, name)
        view = picture.view(self.backbone.size)
        blocks: Blocks = {k: np.asarray(v) for k, v in self._call(view[np.newaxis]).items()}
        asked = Fingerprints(
            blocks["embedding"], [perceptual_hash(picture.rgb)], resize(picture.rgb, PIXELS).reshape(1, -1)
        )
        rows = [row for _, row in matching_pairs(self._known, asked, self._rule)]
        groups = self.recommender.groups
        # What repeats one of them repeats the photo: groups are joined through one another.
        twins = np.array(rows, np.intp) if groups is None else np.flatnonzero(np.isin(groups, groups[rows]))
        if self.network is None:
            assert self.selection is not None
            return Query(name, self.selection.apply(blocks), {}, twins=twins)
        features = join_features(blocks["depths"], blocks["embedding"])
        grid = colour_grid(picture)[np.newaxis]
        category, colour = self.network.distributions(features, grid)
        seen = {
            "colour": self.network.colours[int(colour[0].argmax())],
            "category": self.network.categories[int(category[0].argmax())],
        }
        return Query(name, self.network.compose(features, category, colour), seen, twins=twins)
