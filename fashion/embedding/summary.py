"""The numbers of results/02.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fashion.embedding.backbones import Encoder, description_of, summary_table
from fashion.embedding.costs import Costs
from fashion.embedding.extraction import EmbeddingRun
from fashion.embedding.features import PairSimilarity, choose

#: Variance below which a feature is dead, and correlation with another above which it is redundant.
DEAD, REDUNDANT = 1e-8, 0.95


def results(
    network: Encoder, asked: str, run: EmbeddingRun, similarity: PairSimilarity, statistics: pd.DataFrame,
    components: Mapping[str, int], choices: pd.DataFrame, costs: Costs,
) -> dict[str, Any]:  # fmt: skip
    """The numbers of results/02.json.

    Parameters
    ----------
    network : Backbone, FileEncoder or GivenVectors
    asked : str
        As for `load_backbone`: with "auto", another network than ResNet-50 is a warning.
    run : EmbeddingRun
        How the photos' vectors were computed.
    similarity : PairSimilarity
    statistics : DataFrame
        From `features.feature_statistics`.
    components : mapping of str to int
        From `features.components_for_variance`.
    choices : DataFrame
        From `features.selection_trials`.
    costs : Costs
    """
    return {
        "warning": network.reason if asked == "auto" and network.name != "resnet50" else None,
        "backbone": description_of(network),
        "summary": summary_table(network).to_dict("records"),
        "dimension": network.dimension,
        **similarity.as_dict(),
        "dead_features": int((statistics["variance"] < DEAD).sum()),
        "redundant_features": int((statistics["highest_correlation"] > REDUNDANT).sum()),
        "components_for_variance": dict(components),
        "selection": choices.to_dict("records"),
        "choice": choose(choices),
        "networks": costs.table.to_dict("records"),
        "timing": {"networks": costs.timing, **run.counts},
    }
