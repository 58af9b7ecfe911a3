"""Readings of notebook 03."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from fashion.attributes.to_check import CategoryDoubts
from fashion.attributes.weights import Weights
from fashion.plots.readings import attributes


def history(train, validation):
    epochs = range(1, len(train) + 1)
    return pd.DataFrame({"epoch": epochs, "category_accuracy": train, "val_category_accuracy": validation})


def test_overfitting_and_whether_more_epochs_would_help():
    said = attributes.training(history([0.5, 0.95], [0.6, 0.8]))
    assert "ends at 0.800, 0.150 below training accuracy" in said and "training longer may help" in said
    said = attributes.training(history([0.5, 0.8], [0.85, 0.8]))
    assert "no overfitting" in said and "highest (0.850) after epoch 1" in said
    assert attributes.training(history([1], [1]).drop(columns="val_category_accuracy")) == ""


def test_confusions():
    words = ["a", "b", "c", "d"]
    assert attributes.confusion(np.eye(4, dtype=int) * 5, words) == "All 20 held-out items shown are predicted right."
    once = np.eye(4, dtype=int) * 5
    once[0, 1] = 1
    assert attributes.confusion(once, words) == "1 error in 21 items. No confusion occurs twice."
    often = np.eye(4, dtype=int) * 5
    often[0, 1], often[2, 0], often[3, 2] = 15, 6, 3
    said = attributes.confusion(often, words)
    assert "Most often *a* is predicted as *b*: 15 times, 75% of its items" in said and "in 88% of all errors" in said
    assert "of all errors" not in attributes.confusion(np.where(often == 15, 5, often // 3), words), "too few"
    spread = np.eye(4, dtype=int) * 5
    spread[0, 1], spread[2, 3] = 20, 20
    assert "of all errors" not in attributes.confusion(spread, words)
    assert attributes.confusion(np.zeros((2, 2), int), words[:2]) == ""


def test_calibration_says_on_which_side():
    curve = pd.DataFrame({"predicted": [0.9], "observed": [0.7], "count": [10]})
    assert "taken at face value" in attributes.calibration({"colour": 0.01}, {"colour": curve})
    assert "off by 0.200 on average, mostly too sure" in attributes.calibration({"colour": 0.2}, {"colour": curve})
    low = curve.assign(observed=1.0)
    assert "not sure enough" in attributes.calibration({"colour": 0.1}, {"colour": low})


def test_confused_colours():
    assert attributes.confused_colours(0, float("nan"), 12) == ""
    assert "Too few" in attributes.confused_colours(3, 2 / 3, 12)
    assert "matter of the word" in attributes.confused_colours(30, 0.6, 12)
    assert "Most are other colours" in attributes.confused_colours(30, 0.2, 12)


def test_class_accuracy_names_the_hardest_with_enough_items():
    table = pd.DataFrame({"name": ["a", "b", "c"], "accuracy": [0.9, 0.5, 0.1], "items": [20, 20, 2]})
    assert attributes.class_accuracy(table, "colours").startswith("*b* is the hardest of the 2 colours")
    even = attributes.class_accuracy(table.assign(accuracy=[0.9, 0.95, 0.1]), "colours")
    assert "about equally often, 90% to 95%" in even
    assert attributes.class_accuracy(table.tail(2), "colours") == ""


def test_customer_photos():
    table = pd.DataFrame([[0.9, 0.89], [0.5, 0.7]], columns=["network", "with simulated photos"])
    said = attributes.customer_photos(table)
    assert "falls from 0.900 to 0.500" in said and "bring back 0.200 of the 0.400 lost at a cost of 0.010" in said
    assert "at no cost" in attributes.customer_photos(table.assign(**{"with simulated photos": [0.9, 0.7]}))
    assert "brings nothing back" in attributes.customer_photos(table.assign(**{"with simulated photos": [0.9, 0.5]}))
    assert attributes.customer_photos(table.iloc[::-1]) == ""


def test_findings():
    accuracy, commonest = {"category": 0.878, "colour": 0.995}, {"category": 0.08, "colour": 0.09}
    trials = pd.DataFrame({"looks_weight": [0.0, 0.4], "hub_strength": [0.0, 0.25], "never_shown": [0.7, 0.004]})
    check = {"items": 294, "kinds": {"category": 286, "colour": 9}}
    errors = {"category": 0.027, "colour": 0.009}
    held_out = SimpleNamespace(items=600, accuracy=accuracy, commonest=commonest, calibration=errors)
    lines = attributes.findings(held_out, Weights(0.4, 0.25, "", trials=trials), check)
    assert "category of 88% and the colour of 99.5% of 600 held-out items" in lines[0] and "8% and 9%" in lines[0]
    assert "well calibrated:** off by 0.027" in lines[1]
    assert "0.4% of the items are in no list, against 70% by words" in lines[2]
    assert "294 items should" in lines[3] and "286 of them for their category" in lines[3]
    held_out.calibration = {"colour": 0.3}
    worse = attributes.findings(held_out, Weights(0.0, 0.0, "", trials=trials), {"items": 0, "kinds": {}})
    assert len(worse) == 2 and "colour are poorly calibrated" in worse[1]


def test_items_to_check_say_what_was_judged_and_what_was_not():
    table = pd.DataFrame({"doubts": ["category; colour", "category"], "score": [0.9, 0.6], "category": ["a", "b"],
                          "suggested_category": ["b", "a"]})  # fmt: skip
    judged = CategoryDoubts(table, 586, 0.954, {"ten copies": 10, "four": 4}, 1)
    said = attributes.items_to_check(table, judged, 600)
    assert said.startswith(
        "2 of 600 items to check: category 2, colour 1. The worst has score 0.90, the median 0.75; 2"
    )
    assert "agrees with the table on 95% of 586 items" in said and "confirms 1 of the 2 doubtful" in said
    assert said.endswith("Not judged: 14 items in 2 categories of fewer than five pictures.")
    none = CategoryDoubts(table.head(0), 0, None, {})
    assert attributes.items_to_check(table.head(0), none, 600) == "0 of 600 items to check."
