"""What notebook 03 says of a network on held-out items, against counts by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fashion.attributes.summary import HeldOut, results, results_of_training
from fashion.attributes.weights import Weights
from fashion.catalogue.swatches import UNKNOWN
from fashion.evaluation.summary import SplitAudit

WORDS = {"category": ("hat", "shoe"), "colour": ("blue", "red")}


class Always:
    """A network that sees hats in red, and is sure to 75%."""

    categories, colours, parameters, models = WORDS["category"], WORDS["colour"], 10, (1, 2)
    layout = SimpleNamespace(parts={"category": slice(0, 2), "colour": slice(2, 4)}, width=4)

    def distributions(self, features, grid):
        rows = len(features)
        return {"category": np.tile([0.75, 0.25], (rows, 1)), "colour": np.tile([0.25, 0.75], (rows, 1))}


@pytest.fixture
def held_out():
    items = pd.DataFrame({
        "category": ["hat", "hat", "shoe", "hat", "hat", "hat", "shoe"],
        "colour": ["red", "red", "blue", "red", "blue", "blue", "blue"],
    })  # fmt: skip
    split = np.array(["train"] * 3 + ["test"] * 4)
    blank = np.zeros((7, 1))
    seen = Always().distributions(blank, blank)
    return HeldOut.of(Always(), blank, blank, items, split, seen, {"red": "#ff0000"})


def test_held_out_items_alone_are_counted(held_out):
    assert held_out.items == 4
    assert held_out.accuracy == {"category": 0.75, "colour": 0.25, "category and colour": 0.25}
    assert held_out.commonest == {"category": 0.75, "colour": 0.25}
    assert held_out.table().loc["category and colour", "accuracy"] == 0.25
    assert held_out.confusion("category", WORDS["category"]).tolist() == [[3, 0], [1, 0]]
    assert held_out.frequent_categories == ["hat", "shoe"]
    assert held_out.calibration == {"category": 0.0, "colour": 0.5}
    assert held_out.hexes == {"blue": UNKNOWN, "red": "#ff0000"}
    assert held_out.near[0] == 0, "blue has no swatch"


def test_results_of_a_training_and_without_one(held_out):
    said = results_of_training(held_out, pd.DataFrame({"epoch": [1, 2, 1, 2]}), {"simulated": 3})
    assert (said["parameters"], said["epochs"], said["members"]) == (10, 2, 2)
    assert said["classes"] == {"category": 2, "colour": 2} and said["customer_photos"] == {"simulated": 3}
    assert said["colour_accuracy"] == {"blue": 0.0, "red": 1.0} and said["category_accuracy"] == {"hat": 1, "shoe": 0}
    (confused,) = said["confused_colours"]
    assert (confused["labelled"], confused["predicted"], confused["share"]) == ("blue", "red", 1.0)
    audit = SplitAudit(np.array(["train", "test"]), np.arange(2), [], [])
    given = (Always(), audit, Weights(0.3, 0.0, "why"), {"items": 0}, 1.5)
    assert results(*given, "")["embedding"] == {"dimensions": 4, "parts": {"category": 2, "colour": 2}}
    assert "warning" not in results(*given, "") and results(*given, "Too few.")["warning"] == "Too few."
