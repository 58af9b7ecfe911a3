"""Readings of notebook 05: what the map keeps of the vectors' neighbourhoods, and by what it is arranged."""

from __future__ import annotations

from collections.abc import Mapping

from fashion.core.numerals import decimal, number_word, percent
from fashion.plots.readings.text import joined

#: Neighbours of one department, in times what chance gives, from which departments count as regions.
REGION = 2.0

#: Neighbours of one colour, in times what chance gives, below which colours count as mixed.
MIXED = 1.2


def _follows(share: Mapping[str, float], times: float) -> bool | None:
    """Whether neighbours share a word at least `times` as often as by chance; None for too few or unique words."""
    return share["neighbours"] >= times * share["chance"] if 0 < times * share["chance"] < 1 else None


def departments(alike: Mapping[str, Mapping[str, float]], near: int = 10) -> str:
    """Reading of the map by department: how far departments form regions; empty where they form none."""
    own = alike["department"]
    if not _follows(own, REGION):
        return ""
    return (
        f"Departments form regions: {percent(own['neighbours'])} of an item's {number_word(near)} nearest on the map "
        f"are of its department, {percent(own['chance'])} by chance."
    )


def colours(alike: Mapping[str, Mapping[str, float]], near: int = 10) -> str:
    """Reading of the map by colour: regions or a mixture; empty where one colour is too frequent to tell."""
    share = alike["colour"]
    follows = _follows(share, MIXED)
    if follows is None:
        return ""
    if not follows:
        return (
            f"Colours are mixed: {percent(share['neighbours'])} of the {number_word(near)} nearest share the colour, "
            f"{percent(share['chance'])} by chance. These vectors are not arranged by colour."
        )
    return (
        f"Colours form regions: {percent(share['neighbours'])} of an item's {number_word(near)} nearest share its "
        f"colour, {percent(share['chance'])} by chance."
    )


def photos(recall: float, chance: float, near: int = 10) -> str:
    """Reading of the map of photos: the share of nearest items kept side by side, and whether lists are needed too."""
    count = number_word(near)
    claim = f"{percent(recall)} of an item's {count} nearest by vector are among its {count} nearest here"
    if recall > 0.8:
        return f"{claim}: the map can stand for the lists."
    if recall < 3 * chance:
        return f"{claim}, hardly more than the {percent(chance)} of a random map: do not read neighbourhoods from it."
    return f"{claim}. The rest lie elsewhere: to find similar items, use an item's list, not its position."


def findings(
    recall: float, trustworthiness: float, alike: Mapping[str, Mapping[str, float]], near: int = 10
) -> list[str]:  # fmt: skip
    """The findings of notebook 05, its answer first; `near` neighbours of each item were compared."""
    own, hue = alike["department"], alike["colour"]
    follows = {"department": _follows(own, REGION), "colour": _follows(hue, MIXED)}
    yes, no = ([name for name, follows_it in follows.items() if follows_it is wanted] for wanted in (True, False))
    claim = (
        f"The frozen vectors arrange the catalogue by {' and '.join(yes)}{f', not by {no[0]}' if no else ''}"
        if yes else f"The frozen vectors do not arrange the catalogue by {' or '.join(no)}"
        if no else "Neighbours on the map of the frozen vectors"
    )  # fmt: skip
    return [
        f"**{claim}:** of an item's {number_word(near)} nearest on the map "
        f"{percent(own['neighbours'])} share its department and {percent(hue['neighbours'])} its colour.",
        joined(
            f"**The map keeps {percent(recall)} of the true neighbours,** with a trustworthiness of "
            f"{decimal(trustworthiness)} (1 is perfect).",
            "It is a picture of neighbourhoods, not a measure." if recall < 0.8 else "",
        ),
    ]
