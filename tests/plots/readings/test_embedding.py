"""Readings of notebook 02."""

import numpy as np
import pandas as pd

from fashion.evaluation.relevance import BOTH
from fashion.plots.readings import embedding

SHAPE = {"random": 0.49, "same category": 0.62, "same category and colour": 0.67}


def test_what_raises_the_cosine_more():
    said = embedding.similarity(SHAPE, 0.802, 9)
    assert "raises the median cosine by 0.130, sharing the colour too only by another 0.050" in said
    assert "in 80% of cases" in said
    hue = {"random": 0.1, "same category": 0.3, "same category and colour": 0.9}
    assert "colour before shape" in embedding.similarity(hue, 0.8, 9) and "alone" not in embedding.similarity(
        hue, 0.8, 9
    )
    assert embedding.similarity({"random": 0.1}, float("nan"), 9) == ""
    assert embedding.similarity(dict.fromkeys(SHAPE, 0.0), 0.5, 9) == ""


def test_no_feature_knows_the_category_alone_or_nothing_is_said():
    table = pd.DataFrame({"category": [0.2, 0.3], "colour": [0.1, 0.1]})
    said = embedding.features(table, 10)
    assert "the best has 0.300 of at most 2.303 nats" in said and "100% of the features" in said
    assert "of the features know more" not in embedding.features(table.assign(colour=0.9), 10)
    assert embedding.features(table.assign(category=2.0), 10) == "" and embedding.features(table, 1) == ""
    assert embedding.features(table.assign(category=0.0), 10) == "", "each item has its own category"


def test_components():
    marks = {"50% of variance": 2, "95% of variance": 8}
    assert "a long tail" in embedding.pca(np.full(10, 0.1), marks)
    assert "8 components hold 95% of variance, so" in embedding.pca(np.full(100, 0.01), marks)


def choices(category, colour, both):
    return pd.DataFrame([
        {"choice": choice, "column": column, "mean": mean}
        for choice, means in (("all (the original's)", (0.7, 0.4, 0.3)), ("some_layers", (category, colour, both)))
        for column, mean in zip(("category", "colour", BOTH), means, strict=True)
    ])  # fmt: skip


def test_where_a_choice_gains():
    one = embedding.selection(choices(0.71, 0.6, 0.5), "some_layers", "all (the original's)")
    assert one.startswith("*Some\\_layers*") and "by 0.200" in one and "hardly in category (+0.010)" in one
    assert "+0.100 in category and +0.200 in colour" in embedding.selection(
        choices(0.8, 0.6, 0.5), "some_layers", "all (the original's)"
    )
    assert embedding.selection(choices(0.7, 0.4, 0.2), "some_layers", "all (the original's)") == ""
    assert embedding.selection(choices(1, 1, 1), "all (the original's)", "all (the original's)") == ""


def test_findings():
    chosen = {"choice": "some_layers", "features": 2848}
    lines = embedding.findings("net", SHAPE, 0.802, 9, choices(0.71, 0.6, 0.4952), chosen)
    assert "net tells categories apart and sees shape before colour" in lines[0] and "80% of cases" in lines[0]
    assert "2,848 dimensions, 50% of the nearest" in lines[1]
    pairs = {"random": 0.5, "same category": 0.52}
    flat = embedding.findings("net", dict.fromkeys(SHAPE, 0.5), 0.5, 9, choices(0.71, 0.6, 0.4952), chosen)
    assert flat[0].startswith("**The frozen net hardly tells categories apart:**")
    assert "hardly tells" in embedding.findings("net", pairs, 0.6, 9, choices(0.71, 0.6, 0.4952), chosen)[0]


def test_no_category_is_told_apart_where_there_is_one_or_each_item_has_its_own():
    chosen, table = {"choice": "some_layers", "features": 9}, choices(0.0, 0.6, 0.0)
    assert embedding.similarity(SHAPE, 0.5, 1) == ""
    for medians, separation, categories in ((SHAPE, 0.5, 1), ({"random": 0.5}, float("nan"), 40)):
        (line,) = embedding.findings("net", medians, separation, categories, table, chosen)
        assert line.startswith("**Some_layers are called *frozen*")
