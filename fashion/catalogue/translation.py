"""Italian words to English ones, through the glossary in data/glossary."""

from __future__ import annotations

import difflib
import warnings
from functools import cache
from pathlib import Path

import pandas as pd

from fashion.core.errors import TranslationError
from fashion.core.paths import project_root
from fashion.core.texts import look_of

#: Our column -> the glossary's file for its words.
GLOSSARIES = {"colour": "colours.csv", "category": "categories.csv", "department": "departments.csv"}


def normalise_word(word: str) -> str:
    """Case, spaces, Unicode forms and unseen signs do not tell words apart: `'MOCASSINI '` is `'mocassini'`."""
    return " ".join(look_of(word).split())


#: American spellings among words of clothes -> the British ones of this project.
BRITISH = {
    "color": "colour", "colors": "colours", "colored": "coloured", "multicolor": "multicolour",
    "multicolored": "multicoloured", "gray": "grey", "grays": "greys", "grayish": "greyish", "jewelry": "jewellery",
    "pajama": "pyjama", "pajamas": "pyjamas", "woolen": "woollen", "checkered": "chequered", "fiber": "fibre",
}  # fmt: skip


def british(text: str) -> str:
    """A word or phrase as it is compared: `normalise_word`, and each word of it in its British spelling.

    Examples
    --------
    >>> british(" Light  GRAY")
    'light grey'
    """
    return " ".join(BRITISH.get(word, word) for word in normalise_word(text).split())


def glossary_folder() -> Path:
    """The folder of the glossary's three files."""
    return project_root() / "data/glossary"


@cache
def load_glossary(column: str) -> pd.DataFrame:
    """Read the glossary of `colour`, `category` or `department`.

    Returns
    -------
    DataFrame
        Text columns `italian`, `english`, `note`, for colours also `srgb`, for departments `garment` and
        `colour`; `key` is the normalised Italian word.
    """
    frame = pd.read_csv(glossary_folder() / GLOSSARIES[column], dtype=str, keep_default_na=False)
    return frame.assign(key=[normalise_word(word) for word in frame["italian"]])


@cache
def load_synonyms() -> pd.DataFrame:
    """Other ways to ask for a word: text columns `said`, `column`, `english`."""
    return pd.read_csv(glossary_folder() / "synonyms.csv", dtype=str, keep_default_na=False)


def colour_hexes() -> dict[str, str]:
    """English colour word -> its sRGB as `#rrggbb`."""
    glossary = load_glossary("colour")
    return dict(zip(glossary["english"], glossary["srgb"], strict=True))


def non_garments() -> list[str]:
    """English departments that the glossary marks as no garments."""
    glossary = load_glossary("department")
    return list(glossary.loc[glossary["garment"] == "no", "english"])


def department_colours() -> dict[str, str]:
    """English department -> the colour in which every figure draws it, as `#rrggbb`."""
    glossary = load_glossary("department")
    return dict(zip(glossary["english"], glossary["colour"], strict=True))


#: Words below which swifter's own start, a second, costs more than it can save.
FEW = 1_000


def translate(rows: pd.DataFrame, *, language: str = "it", keep_unknown: bool = False) -> pd.DataFrame:
    """Translate colour, category and department to English; the original words go to `<column>_source`.

    Parameters
    ----------
    rows : DataFrame
        With any of the columns colour, category, department, as text.
    language : str
        "it" translates; "en" keeps the words, with their spaces set right and in lower case.
    keep_unknown : bool
        Pass words that the glossary lacks as they are (in lower case) instead of raising.

    Returns
    -------
    DataFrame
        A new table.

    Raises
    ------
    TranslationError
        Lists every unknown word of every column, how often it stands, the nearest known words, and the file
        to add it to.
    """
    rows = rows.copy()
    complaints: list[str] = []
    for column, file in GLOSSARIES.items():
        if column not in rows:
            continue
        rows[f"{column}_source"] = rows[column]
        keys = _normalised(rows[column])
        if language == "en":
            rows[column] = keys
            continue
        glossary = load_glossary(column)
        english = keys.map(dict(zip(glossary["key"], glossary["english"], strict=True)))
        unknown = keys[english.isna()]
        if len(unknown) and not keep_unknown:
            complaints.append(_complaint(column, unknown, list(glossary["italian"]), file))
        rows[column] = english.fillna(keys)
    if complaints:
        raise TranslationError(
            "expected every word of the table in the glossary; these are not:\n"
            + "\n".join(complaints)
            + "\nAdd a line for each to the file named, or pass them untranslated with --keep-unknown "
            "(make: KEEP_UNKNOWN=1)."
        )
    return rows


def _normalised(words: pd.Series) -> pd.Series:
    """`normalise_word` of each, by swifter: it takes Dask's workers where a table is long enough to gain by them."""
    if len(words) < FEW:
        return words.apply(normalise_word)
    with warnings.catch_warnings():
        # It looks for notebook widgets, which no step of ours needs.
        warnings.filterwarnings("ignore", message="IProgress not found")
        import swifter  # noqa: F401  (adds the .swifter accessor; imported late, as it takes a second)

        # swifter 1.4.0 passes an argument that pandas 2.3 calls deprecated.
        warnings.filterwarnings("ignore", message="the convert_dtype parameter", category=FutureWarning)
        keys: pd.Series = words.swifter.progress_bar(False).apply(normalise_word)
    return keys


def _complaint(column: str, unknown: pd.Series, known: list[str], file: str) -> str:
    by_key = {normalise_word(word): word for word in known}
    lines = []
    for word, count in unknown.value_counts().items():
        near = difflib.get_close_matches(str(word), list(by_key), n=2)
        hint = f" (near: {', '.join(by_key[key] for key in near)})" if near else ""
        lines.append(f"  {column} {str(word).upper()!r}, {count} row{'s' if count > 1 else ''}{hint}")
    return "\n".join(lines) + f"\n    -> {glossary_folder() / file}"


def english_of(word: str, column: str) -> str | None:
    """The English term for an Italian or English `word` of `column`; None when the glossary has neither."""
    glossary = load_glossary(column)
    key = normalise_word(word)
    hit = glossary.loc[glossary["key"] == key, "english"]
    if len(hit):
        return str(hit.iloc[0])
    return next((e for e in glossary["english"] if normalise_word(e) == key), None)
