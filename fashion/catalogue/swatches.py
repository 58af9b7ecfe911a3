"""Swatches: the colour that stands for each colour word of a catalogue.

A word means what the catalogue's own garments of it show: one shop's "blue" is a navy, another's a denim. Where a
catalogue has too few garments of a word, a list says its colour: the catalogue's own glossary, ours of Italian words
(measured on ImageLab's garments), or the English names of shops. Notebook 01 writes the swatches (`Run.swatches`), and
figures, pages, queries in words and doubtful labels take them from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.translation import british, colour_hexes, glossary_folder, is_italian, load_glossary
from fashion.core.colour import lab_to_hex

#: Colour word -> its colour, `#rrggbb`.
Swatches: TypeAlias = Mapping[str, str]

GARMENT = ("garment_l", "garment_a", "garment_b")

#: Garments of a word from which their own median is its swatch.
LEAST_GARMENTS = 10

#: Garments of a word that are looked at, at most, and how many of its nearest in CIELAB say how typical a garment is.
MOST_GARMENTS, NEIGHBOURS = 500, 50

#: A word without any swatch: mid grey.
UNKNOWN = "#9a9a9a"


def catalogue_swatches(items: pd.DataFrame, listed: Swatches) -> dict[str, str]:
    """Swatch of each colour word of a catalogue: the median of its own garments, or else the listed colour.

    The median of L, a and b over the word's garments, each weighted by the share of its `NEIGHBOURS` nearest garments
    of the catalogue that have the same word. Without weights, patterned garments and photos of persons, which lie among
    those of all other words, pull every word towards grey.

    Parameters
    ----------
    items : DataFrame
        With `colour`, `garment_l`, `garment_a` and `garment_b`.
    listed : mapping of str to str
        From `listed_colours`, for words of fewer than `LEAST_GARMENTS` items.

    Returns
    -------
    dict of str to str
        Word -> `#rrggbb`, by alphabet; words with neither are left out.
    """
    counts = items["colour"].value_counts()
    drawn = items.sample(frac=1, random_state=0).groupby("colour").head(MOST_GARMENTS).sort_index()
    lab, words = drawn[list(GARMENT)].to_numpy(np.float64), drawn["colour"].to_numpy()
    typical = _typical(lab, words)
    swatches = {}
    for word in sorted(str(word) for word in counts.index if word != ""):
        if counts[word] >= LEAST_GARMENTS:
            own = words == word
            swatches[word] = str(lab_to_hex([_median(channel, typical[own]) for channel in lab[own].T]))
        elif word in listed:
            swatches[word] = listed[word]
    return swatches


def swatches_of(place: Mapping[str, Any]) -> dict[str, str]:
    """The swatches that notebook 01 wrote to source.json; none in one of an earlier version."""
    return dict(place.get("swatches", {}))


def _typical(lab: NDArray[np.float64], words: NDArray) -> NDArray[np.float64]:
    """Typicality of each garment for its word: the share of its nearest with the same word, shape (n,)."""
    from scipy.spatial import cKDTree  # here: a query needs this module's names, and no trees

    if len(lab) < 2:
        return np.ones(len(lab))
    _, near = cKDTree(lab).query(lab, min(NEIGHBOURS + 1, len(lab)))  # itself among them
    return np.asarray((words[near] == words[:, np.newaxis]).mean(axis=1), np.float64)


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Weighted median: the value at which half of the weight is reached."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


def listed_colours(words: Iterable[str], language: str = "en", own: Swatches | None = None) -> dict[str, str]:
    """Colours of English colour words by the lists that know them; words that none knows are left out.

    The catalogue's own glossary comes first; then, for an Italian catalogue, ours before the English names, for others
    the English names before ours. A name of several words that none has whole takes its last words' colour ("other
    pink"), or else its first ones' ("grey melange").

    Parameters
    ----------
    words : iterable of str
        British or American.
    language : str
        The catalogue's, before its words were translated.
    own : mapping of str to str, optional
        Colours of the catalogue's own glossary, from `translation.own_hexes`.

    Examples
    --------
    >>> listed_colours(["navy blue", "Off-White", "other pink", "qwerty"])
    {'navy blue': '#001146', 'Off-White': '#ffffe4', 'other pink': '#ff81c0'}
    """
    ours = {_name(word): colour for word, colour in colour_hexes().items()}
    lists = [{_name(word): colour for word, colour in (own or {}).items()}]
    lists += [ours, english_colours()] if is_italian(language) else [english_colours(), ours]
    colours = {}
    for word in words:
        tokens = _name(word).split()
        tails = [tokens[place:] for place in range(len(tokens))]
        heads = [tokens[:place] for place in range(len(tokens) - 1, 0, -1)]
        names = [" ".join(part) for part in (*tails, *heads)]
        colour = next((known[name] for name in names for known in lists if name in known), None)
        if colour:
            colours[word] = colour
    return colours


@cache
def english_colours() -> dict[str, str]:
    """English colour names -> `#rrggbb`: xkcd's survey of 949 (R. Munroe, 2010, CC0), and words of shops that it lacks.

    matplotlib ships the survey. Ours stand in data/glossary/shop-colours.csv.
    """
    from matplotlib.colors import XKCD_COLORS  # here: matplotlib takes half a second to load

    names = {_name(name.removeprefix("xkcd:")): colour for name, colour in XKCD_COLORS.items()}
    return names | dict(zip(_shop_colours()["name"], _shop_colours()["srgb"], strict=True))


@cache
def colour_names(language: str = "en") -> dict[str, str]:
    """Every name of a colour that the lists know, as `translation.british` writes it -> `#rrggbb`.

    English names, and the glossary's Italian ones; where both know one, an Italian catalogue's comes from ours.

    Examples
    --------
    >>> names = colour_names()
    >>> names["light blue"], names["carta da zucchero"]
    ('#95d0fc', '#647a9c')
    """
    glossary = load_glossary("colour")
    ours = colour_hexes() | dict(zip(map(british, glossary["word"]), glossary["srgb"], strict=True))
    lists = [english_colours(), {_name(word): colour for word, colour in ours.items()}]
    first, second = reversed(lists) if is_italian(language) else lists
    return second | first


@cache
def _shop_colours() -> pd.DataFrame:
    """Words of shops that xkcd's survey lacks: text columns `name`, `srgb`, `many` ("yes": of many colours)."""
    table = pd.read_csv(glossary_folder() / "shop-colours.csv", dtype=str, keep_default_na=False)
    return table.assign(name=[_name(word) for word in table["english"]])


def _name(word: str) -> str:
    """A colour word as the lists are searched: British, its words parted by single spaces."""
    return " ".join(re.findall(r"[^\W_]+", british(word)))


def of_one_colour(swatches: Swatches) -> dict[str, str]:
    """The swatches without words of many colours ("multi", "floral print"), which name no colour of a garment."""
    many = {name for name, yes in zip(_shop_colours()["name"], _shop_colours()["many"], strict=True) if yes == "yes"}
    return {
        word: colour
        for word, colour in swatches.items()
        if _name(word) not in many and many.isdisjoint(_name(word).split())
    }


def hexes_of_colours(colours: Iterable[str], swatches: Swatches) -> dict[str, str]:
    """Hex colour of each colour word, from `Run.swatches`; mid grey for words without one."""
    return {colour: swatches.get(colour, UNKNOWN) for colour in dict.fromkeys(colours)}
