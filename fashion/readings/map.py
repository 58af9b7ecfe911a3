"""Readings of notebook 05: what the map keeps of the vectors' neighbourhoods, and by what it is arranged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from fashion.core.numerals import number_word, percent
from fashion.readings.text import joined

#: Neighbours of one colour, in times what chance gives, below which colours count as mixed.
MIXED = 1.2


def neighbours_alike(items: pd.DataFrame, xy: NDArray[np.floating], k: int = 10) -> dict[str, dict[str, float]]:
    """Share of an item's k nearest on the map that have its word, and of any other item: department and colour.

    Returns
    -------
    dict
        Column -> `neighbours` and `chance`.
    """
    count = min(k, len(items) - 1)
    nearest = cKDTree(xy).query(xy, count + 1)[1]
    others = nearest != np.arange(len(xy))[:, np.newaxis]
    shares = {}
    for column in ("department", "colour"):
        codes = pd.factorize(items[column])[0]
        alike = (codes[nearest] == codes[:, np.newaxis]) & others
        sizes = np.bincount(codes[codes >= 0])
        chance = float((sizes * (sizes - 1)).sum() / (len(codes) * (len(codes) - 1)))
        shares[column] = {"neighbours": float((alike.sum(axis=1) / others.sum(axis=1)).mean()), "chance": chance}
    return shares


def departments(alike: Mapping[str, Mapping[str, float]], near: int = 10) -> str:
    """Whether departments are regions of the map, by `near` neighbours of each item."""
    own = alike["department"]
    if own["neighbours"] < 2 * own["chance"]:
        return ""
    return (
        f"Departments are regions: {percent(own['neighbours'])} of an item's {number_word(near)} nearest on the map "
        f"are of its department, {percent(own['chance'])} by chance."
    )


def colours(alike: Mapping[str, Mapping[str, float]], near: int = 10) -> str:
    """Whether colours are regions, too."""
    share = alike["colour"]
    if share["neighbours"] < MIXED * share["chance"]:
        return (
            f"Colours are mixed: {percent(share['neighbours'])} of the {number_word(near)} nearest share the colour, "
            f"as by chance ({percent(share['chance'])}). These vectors are arranged by shape alone."
        )
    return (
        f"Colours are regions too: {percent(share['neighbours'])} of an item's {number_word(near)} nearest share its "
        f"colour, {percent(share['chance'])} by chance."
    )


def photos(recall: float, chance: float, near: int = 10) -> str:
    """How many true neighbours stand side by side, and what the others call for."""
    count = number_word(near)
    claim = f"{percent(recall)} of an item's {count} nearest by vector are among its {count} nearest here"
    if recall > 0.8:
        return f"{claim}: the map can stand for the lists."
    if recall < 3 * chance:
        return f"{claim}, hardly more than the {percent(chance)} of a random map: read no neighbourhood off it."
    return f"{claim}. The rest stand elsewhere, so take an item's list, not its place, for what is similar."


def findings(
    recall: float, trustworthiness: float, alike: Mapping[str, Mapping[str, float]], near: int = 10
) -> list[str]:  # fmt: skip
    """The notebook's findings, the first of them its answer; `near` neighbours of an item were looked at."""
    own, hue = alike["department"], alike["colour"]
    by = "by shape alone" if hue["neighbours"] < MIXED * hue["chance"] else "by shape and colour"
    return [
        f"**The frozen vectors arrange the catalogue {by}:** of an item's {number_word(near)} nearest on the map "
        f"{percent(own['neighbours'])} share its department and {percent(hue['neighbours'])} its colour.",
        joined(
            f"**The map keeps {percent(recall)} of the true neighbours,** and {trustworthiness:.2f} of 1 in "
            "trustworthiness.",
            "It is a picture of neighbourhoods, not a measure." if recall < 0.8 else "",
        ),
    ]
