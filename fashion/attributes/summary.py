"""The numbers of results/03.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.calibration import calibration_error, reliability
from fashion.attributes.network import AttributesNetwork
from fashion.attributes.training import accuracies
from fashion.attributes.weights import Weights
from fashion.catalogue.swatches import Swatches, hexes_of_colours
from fashion.evaluation.summary import (
    SplitAudit,
    class_accuracy,
    commonest_word_accuracy,
    confused_pairs,
    confusion,
    near_confusions,
)


@dataclass(frozen=True)
class HeldOut:
    """A trained network judged on held-out items: how well it predicts their words, and which it confuses.

    Attributes
    ----------
    network : AttributesNetwork
    items : int
        Held-out items.
    accuracy, commonest : dict of str to float
        Attribute -> accuracy of the network, and of always predicting the most frequent training word.
    predicted : DataFrame
        From `training.accuracies`.
    reliability : dict of str to DataFrame
        Attribute -> curve from `calibration.reliability`.
    swatches : mapping of str to str
        From `Run.swatches`.
    """

    network: AttributesNetwork
    items: int
    accuracy: dict[str, float]
    commonest: dict[str, float]
    predicted: pd.DataFrame
    reliability: dict[str, pd.DataFrame]
    swatches: Swatches

    @classmethod
    def of(
        cls, network: AttributesNetwork, features: NDArray, grid: NDArray, items: pd.DataFrame,
        split: NDArray[np.str_], seen: Mapping[str, NDArray], swatches: Swatches,
    ) -> HeldOut:  # fmt: skip
        """Judge a network on the items of split "test".

        Parameters
        ----------
        network : AttributesNetwork
        features, grid, items, split
            As for `training.train_attributes`.
        seen : mapping of str to ndarray
            From `AttributesNetwork.distributions`, of all items.
        swatches : mapping of str to str
        """
        test = np.flatnonzero(split == "test")
        accuracy, predicted = accuracies(network, features, grid, items, test)
        curves = {}
        for column in ("category", "colour"):
            right = predicted[column] == predicted[f"{column}_predicted"]
            curves[column] = reliability(seen[column][test].max(axis=1), right.to_numpy())
        commonest = commonest_word_accuracy(items, split)
        return cls(network, len(test), accuracy, commonest, predicted, curves, swatches)

    @property
    def colours(self) -> list[str]:
        """The colour words that the network knows."""
        return list(self.network.colours)

    @property
    def hexes(self) -> dict[str, str]:
        """The colour of each of `colours`; mid grey where it has no swatch."""
        return hexes_of_colours(self.colours, self.swatches)

    @property
    def frequent_categories(self) -> list[str]:
        """The 25 most frequent categories, most frequent first."""
        return [str(word) for word in self.predicted["category"].value_counts().head(25).index]

    def table(self) -> pd.DataFrame:
        """Both accuracies, a row for each attribute."""
        columns = {"accuracy": self.accuracy, "most frequent word": self.commonest}
        return pd.DataFrame(columns).rename_axis("attribute")

    def confusion(self, name: str, words: Sequence[str]) -> NDArray[np.int64]:
        """Confusion matrix of some words of an attribute."""
        return confusion(self.predicted, name, words)

    @cached_property
    def confused(self) -> pd.DataFrame:
        """The most frequent confusions of colour words, from `evaluation.confused_pairs`."""
        return confused_pairs(self.confusion("colour", self.colours), self.colours, self.hexes)

    @cached_property
    def near(self) -> tuple[int, float]:
        """Number of confusions of colours that have a swatch, and the share between near colours."""
        return near_confusions(self.predicted, self.swatches)

    def by_class(self, name: str) -> pd.DataFrame:
        """Accuracy of each true word of an attribute: `name`, `accuracy`, `items`."""
        return class_accuracy(self.predicted, name)

    @cached_property
    def calibration(self) -> dict[str, float]:
        """Attribute -> expected calibration error."""
        return {column: calibration_error(curve) for column, curve in self.reliability.items()}

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for the results."""
        by_class = {name: self.by_class(name).set_index("name")["accuracy"].to_dict() for name in self.reliability}
        return {
            "accuracy": self.accuracy,
            "commonest_word": self.commonest,
            "classes": {"category": len(self.network.categories), "colour": len(self.network.colours)},
            "colour_accuracy": by_class["colour"],
            "category_accuracy": by_class["category"],
            "confusions_within_12_ciede2000": self.near[1],
            "confused_colours": self.confused.to_dict("records"),
            "expected_calibration_error": self.calibration,
        }


def dimensions(network: AttributesNetwork) -> dict[str, int]:
    """Part of the learned embedding -> its dimensions."""
    return {name: part.stop - part.start for name, part in network.layout.parts.items()}


def results(
    network: AttributesNetwork, audit: SplitAudit, weights: Weights, to_check: Mapping[str, Any], seconds: float,
    why_untrained: str,
) -> dict[str, Any]:  # fmt: skip
    """The numbers of results/03.json that a report without training has, too.

    Parameters
    ----------
    network : AttributesNetwork
    audit : SplitAudit
    weights : Weights
    to_check : mapping
        From `to_check.summary_of`.
    seconds : float
        Of the training.
    why_untrained : str
        Why no network was trained; empty where one was.
    """
    return {
        **audit.as_dict(),
        "weights": weights.as_dict(),
        "to_check": to_check,
        "embedding": {"dimensions": network.layout.width, "parts": dimensions(network)},
        "timing": {"training_seconds": seconds},
        **({"warning": why_untrained} if why_untrained else {}),
    }


def results_of_training(held_out: HeldOut, history: pd.DataFrame, customers: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of results/03.json that only a trained network has.

    Parameters
    ----------
    held_out : HeldOut
    history : DataFrame
        From `training.train_attributes`.
    customers : mapping
        From `customer_photos.summary_of`.
    """
    network = held_out.network
    return {
        "parameters": network.parameters,
        "epochs": int(history["epoch"].max()),
        "members": len(network.models),
        **held_out.as_dict(),
        "customer_photos": customers,
    }
