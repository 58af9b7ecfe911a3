"""A catalogue's words to English ones: by its own glossary, and Italian ones by that in data/glossary."""

from __future__ import annotations

import csv
import difflib
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from fashion.catalogue.definition import GLOSSARY_KEYS
from fashion.core.errors import CatalogueError, TranslationError
from fashion.core.paths import project_root
from fashion.core.texts import advice_on, clean_text, decode, fold_text, kind_of

#: Our column -> our glossary's file for its words.
GLOSSARIES = {column: f"{key}.csv" for column, key in GLOSSARY_KEYS.items()}


def normalise_word(word: str) -> str:
    """A word without differences of case, spaces, Unicode form and unseen signs: `'MOCASSINI '` is `'mocassini'`."""
    return " ".join(fold_text(word).split())


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
    """The folder of the glossary's files."""
    return project_root() / "data/glossary"


@cache
def load_glossary(column: str) -> pd.DataFrame:
    """Our glossary of the Italian words of `colour`, `category` or `department`, from `read_glossary`."""
    return read_glossary(glossary_folder() / GLOSSARIES[column], column)


#: Columns of a glossary after the first, which holds the words: `english` is needed.
COLUMNS = {
    "colour": ("english", "srgb", "note"), "category": ("english", "note"),
    "department": ("english", "garment", "colour", "note"),
}  # fmt: skip

#: A colour as a glossary has it.
_SRGB = re.compile(r"#[0-9a-fA-F]{6}")

#: Faults of a glossary that an error names at most.
_NAMED = 5


def read_glossary(path: Path, column: str) -> pd.DataFrame:
    """Read a glossary's file: CSV whose first column holds a catalogue's words, whatever that column is called.

    Parameters
    ----------
    path : Path
        UTF-8 or another encoding that `texts.decode` tells; parted by commas, semicolons or tabs.
    column : str
        `colour`, `category` or `department`.

    Returns
    -------
    DataFrame
        Text columns `word`, those of `COLUMNS` (empty where the file lacks them), and `key`, the normalised word.

    Raises
    ------
    CatalogueError
        When there is no such file, or it is no glossary; names each fault by its word.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CatalogueError(
            f"expected a glossary of {column} words at {path}; found that it cannot be read: {error.strerror or error}"
            ". Correct its path under [glossary], which is relative to the TOML."
        ) from error
    if kind := kind_of(data):
        raise CatalogueError(f"expected a glossary as CSV at {path}; found {kind}. {advice_on(kind)}")
    text = decode(data)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise CatalogueError(
            f"expected a glossary as CSV at {path}; found {error}. Close its quotation marks."
        ) from error
    header, *rows = [[" ".join(clean_text(cell).split()) for cell in row] for row in lines] or [[]]
    given, known = [name.casefold() for name in header[1:]], COLUMNS[column]
    if "english" not in given or not set(given) <= set(known):
        raise CatalogueError(
            f"expected the columns of a glossary of {column} words in {path}: the word, then {', '.join(known)} (all "
            f"but english are optional); found {', '.join(header) or 'an empty file'}. Correct the header."
        )
    table = pd.DataFrame(
        [dict(zip(["word", *given], row, strict=False)) for row in rows if any(row)],
        columns=["word", *known],
        dtype=object,
    ).fillna("")
    table["key"] = [normalise_word(word) for word in table["word"]]
    if faults := _faults(table):
        more = f"\n  and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise CatalogueError(
            f"expected a glossary of {column} words in {path}; found\n  " + "\n  ".join(faults[:_NAMED]) + f"{more}\n"
            "Correct these lines."
        )
    return table


def _faults(table: pd.DataFrame) -> list[str]:
    """The faults of a glossary's lines, in the order of the lines."""
    faults, english = [], dict[str, str]()
    for line in table.to_dict("records"):
        word = line["word"]
        if not word or not line["english"]:
            faults.append(
                f"{word or line['english']!r} without {'its English word' if word else 'a word of the catalogue'}"
            )
        elif english.setdefault(line["key"], line["english"]) != line["english"]:
            faults.append(f"{word!r} as {english[line['key']]!r} and as {line['english']!r}")
        for column in ("srgb", "colour"):
            if line.get(column) and not _SRGB.fullmatch(line[column]):
                faults.append(f"{word!r} with the {column} {line[column]!r}, which is not a colour such as #1f3a93")
        if line.get("garment", "") not in ("", "yes", "no"):
            faults.append(f"{word!r} with the garment {line['garment']!r}, which is neither yes nor no")
    return faults


@cache
def load_synonyms() -> pd.DataFrame:
    """Other ways to ask for a word: text columns `said`, `column`, `english`."""
    return pd.read_csv(glossary_folder() / "synonyms.csv", dtype=str, keep_default_na=False)


#: Our column -> a glossary's file of a catalogue's own.
Own: TypeAlias = Mapping[str, Path]


def is_italian(language: str) -> bool:
    """Whether a language's code is Italian's, for which our glossary is.

    Examples
    --------
    >>> is_italian("it"), is_italian("it-CH"), is_italian("ita"), is_italian("ja")
    (True, True, True, False)
    """
    return language.casefold().split("-")[0] in ("it", "ita")


def glossaries(column: str, language: str, own: Own | None = None) -> list[pd.DataFrame]:
    """The glossaries of a catalogue's words of `column`: its own before ours, which is for Italian alone."""
    tables = [read_glossary(own[column], column)] if own and column in own else []
    return [*tables, *([load_glossary(column)] if is_italian(language) else [])]


def colour_hexes() -> dict[str, str]:
    """English colour word -> its sRGB as `#rrggbb`, by our glossary."""
    glossary = load_glossary("colour")
    return dict(zip(glossary["english"], glossary["srgb"], strict=True))


def own_hexes(own: Own | None) -> dict[str, str]:
    """English colour word -> its sRGB as `#rrggbb`, where a catalogue's own glossary gives one."""
    glossary = read_glossary(own["colour"], "colour") if own and "colour" in own else load_glossary("colour").head(0)
    return {line["english"]: line["srgb"] for line in glossary.to_dict("records") if line["srgb"]}


def non_garments(language: str = "it", own: Own | None = None) -> list[str]:
    """English departments that a catalogue's glossaries mark as no garments."""
    return [
        word
        for table in glossaries("department", language, own)
        for word in table.loc[table["garment"] == "no", "english"]
    ]


def department_colours() -> dict[str, str]:
    """English department -> the colour in which every figure draws it, as `#rrggbb`."""
    glossary = load_glossary("department")
    return dict(zip(glossary["english"], glossary["colour"], strict=True))


def colours_of_departments(departments: Sequence[str]) -> dict[str, str]:
    """The fixed colour of each department; those that the glossary lacks get one by alphabetical order."""
    colours = department_colours()
    others = sorted(set(departments) - set(colours))
    if others:
        import seaborn as sns  # here: the shop asks too, and seaborn takes a second to load

        colours |= dict(zip(others, sns.color_palette("husl", len(others)).as_hex(), strict=True))
    return {department: colours[department] for department in dict.fromkeys(departments)}


#: Words below which swifter's own start, a second, costs more than it can save.
FEW = 1_000


def translate(
    rows: pd.DataFrame, *, language: str = "it", glossary: Own | None = None, keep_unknown: bool = False
) -> pd.DataFrame:
    """Translate colour, category and department to English; the original words go to `<column>_source`.

    Parameters
    ----------
    rows : DataFrame
        With any of the columns colour, category, department, as text.
    language : str
        The words' language, such as "it"; only Italian has a glossary of ours. Words of a column without any glossary
        are kept, with their spaces set right and in lower case.
    glossary : mapping of str to Path, optional
        Our column -> a glossary's file of the catalogue's own. Its words come before ours.
    keep_unknown : bool
        Pass words that the glossaries lack as they are (in lower case) instead of raising. English words always pass.

    Returns
    -------
    DataFrame
        A new table.

    Raises
    ------
    CatalogueError
        When a glossary's file is missing, or none.
    TranslationError
        Lists every unknown word of every column, how often it stands, the nearest known words, and the file
        to add it to.
    """
    rows = rows.copy()
    complaints: list[str] = []
    for column in GLOSSARIES:
        if column not in rows:
            continue
        rows[f"{column}_source"] = rows[column]
        keys = _normalised(rows[column])
        tables = glossaries(column, language, glossary)
        known = {
            key: word for table in reversed(tables) for key, word in zip(table["key"], table["english"], strict=True)
        }
        english = keys.map(known)
        unknown = keys[english.isna()]
        if len(unknown) and tables and not keep_unknown and not _is_english(language):
            file = (glossary or {}).get(column) or glossary_folder() / GLOSSARIES[column]
            complaints.append(_complaint(column, unknown, [w for table in tables for w in table["word"]], file))
        rows[column] = english.fillna(keys)
    if complaints:
        raise TranslationError(
            "expected every word of the table in the glossary; found words that are not:\n"
            + "\n".join(complaints)
            + "\nAdd a line for each to the file named, or pass them untranslated with --keep-unknown "
            "(make: KEEP_UNKNOWN=1)."
        )
    return rows


def _is_english(language: str) -> bool:
    return language.casefold().split("-")[0] in ("en", "eng")


def _normalised(words: pd.Series) -> pd.Series:
    """`normalise_word` of each; swifter takes Dask's workers where a table is long enough to gain by them."""
    if len(words) < FEW:
        return words.apply(normalise_word)
    with warnings.catch_warnings():
        import swifter  # noqa: F401  (adds the .swifter accessor; imported late, as it takes a second)

        # swifter 1.4.0 passes an argument that pandas 2.3 calls deprecated.
        warnings.filterwarnings("ignore", message="the convert_dtype parameter", category=FutureWarning)
        keys: pd.Series = words.swifter.progress_bar(False).apply(normalise_word)
    return keys


def _complaint(column: str, unknown: pd.Series, known: list[str], file: Path) -> str:
    by_key = {normalise_word(word): word for word in known}
    lines = []
    for word, count in unknown.value_counts().items():
        near = difflib.get_close_matches(str(word), list(by_key), n=2)
        hint = f" (near: {', '.join(by_key[key] for key in near)})" if near else ""
        lines.append(f"  {column} {str(word).upper()!r}, {count} row{'s' if count > 1 else ''}{hint}")
    return "\n".join(lines) + f"\n    -> {file}"


def english_of(word: str, column: str) -> str | None:
    """The English term for an Italian or English `word` of `column`; None when the glossary has neither."""
    glossary = load_glossary(column)
    key = normalise_word(word)
    hit = glossary.loc[glossary["key"] == key, "english"]
    if len(hit):
        return str(hit.iloc[0])
    return next((e for e in glossary["english"] if normalise_word(e) == key), None)
