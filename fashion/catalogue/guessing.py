"""The meaning of a table's columns, guessed with reasons from its header, its cells and the files beside it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import pandas as pd

from fashion.catalogue.exports import COLOUR_OPTIONS, COLOURS, EXPORTS, GARMENTS, HEADERS, OPTIONS, Export
from fashion.catalogue.listing import FOLDER, FOLDER_ABOVE
from fashion.catalogue.photo_guess import PhotoNames, guess_pattern, is_speakable
from fashion.catalogue.photo_pattern import columns_of
from fashion.catalogue.raw_table import RawTable
from fashion.catalogue.source import is_photo
from fashion.catalogue.translation import load_glossary
from fashion.core.numerals import percent
from fashion.core.texts import fold_text

#: Rows by whose cells a column is judged, spread over the table.
JUDGED = 2_000

#: Our columns in the order in which they choose; the photo's comes before all.
ORDER = ("colour", "category", "department", "title", "price", "link", "brand", "gender", "season", "usage",
         "material", "pattern")  # fmt: skip

#: Of them, those that a report can make use of at once: where none is chosen, candidates are named.
WANTED = ("category", "colour", "department", "title", "price", "link")

#: Of them, those that are named even where no column may be meant.
MISSED = ("category", "colour", "department")

#: Order in which our columns are told.
TOLD = ("item", "category", "colour", "department", "title", "price", "link")

#: Photos that a column names at least, where it names those of few rows.
LEAST_NAMED = 10

#: Score from which a column is chosen: a name that says it, or cells that do.
ENOUGH = 2.0

#: Our names for the folders of photos.
FOLDERS = (FOLDER, FOLDER_ABOVE)

_DECIMAL = re.compile(r"\d+[.,]\d{1,2}")
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)*")
_PRICE = re.compile(
    r"(?:[A-Z]{3}|[€$£¥]|kr|zł)?\s*\d{1,3}(?:[.,' ]?\d{3})*(?:[.,]\d{1,2})?\s*(?:[A-Z]{3}|[€$£¥]|kr|zł)?", re.IGNORECASE
)
#: Alone, at the beginning of a list, or in one as JSON.
_ADDRESS = re.compile(r"(?:\[\W*(?:\w+\W+)*?)?((?:https?:)?//[^\s/]+/[^\s\"']*)", re.IGNORECASE)


@dataclass(frozen=True)
class Choice:
    """The choice for one of our columns: the table's column or a `photos` pattern, why, and whether it names files."""

    theirs: str
    why: str
    is_file: bool = False


@dataclass
class Guess:
    """A guess at what a table's columns mean.

    Attributes
    ----------
    export : Export or None
        The known export that its header is.
    photo : Choice or None
        The pattern of the photos' names; None where none was found.
    more_photos : list of Choice
        Those of an item's further photos.
    columns : dict of str to Choice
        Our column -> the table's.
    candidates : dict of str to list of str
        Our column for which none was chosen -> columns that may be meant.
    category_path : str
        As in `definition.Catalogue`.
    """

    export: Export | None = None
    photo: Choice | None = None
    more_photos: list[Choice] = field(default_factory=list)
    columns: dict[str, Choice] = field(default_factory=dict)
    candidates: dict[str, list[str]] = field(default_factory=dict)
    category_path: str = ""

    def photo_is(self, column: str) -> bool:
        """Whether the photos' names are a column's cells as they are."""
        return self.photo is not None and self.photo.theirs == f"{{{column}}}"

    def is_in_photo(self, column: str) -> bool:
        """Whether the photos' names hold a column's cells."""
        return self.photo is not None and f"{{{column}" in self.photo.theirs

    @property
    def score(self) -> float:
        """A score of how much was understood, to choose among tables."""
        return 3 * (self.photo is not None) + 2 * (self.export is not None) + len(self.columns)


def plain_name(name: str) -> str:
    """A column's name as it is compared: words in lower case, without accents and signs.

    Examples
    --------
    >>> [plain_name(name) for name in ("baseColour", "g:image_link", "Couleur principale", "Prezzo (€)", "Größe")]
    ['base colour', 'image link', 'couleur principale', 'prezzo', 'grosse']
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[^\W_]+", _bare(parted))
    return " ".join(words[1:] if words[:1] == ["g"] and len(words) > 1 else words)


@cache
def _bare(text: str) -> str:
    """Without accents, in lower case."""
    parts = unicodedata.normalize("NFKD", fold_text(text))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


@cache
def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W\d_]+", _bare(text)))


def _single_words(lists: Mapping[str, str], column: str) -> frozenset[str]:
    """The words of lists by language, and those of our glossary that are one word, without accents."""
    known = {word for words in lists.values() for word in words.split()}
    glossary = load_glossary(column)
    return frozenset(
        known | {w[0] for text in (*glossary["word"], *glossary["english"]) if len(w := _words(text)) == 1}
    )


@cache
def colour_words() -> frozenset[str]:
    """Every language's words of colours that are one word, without accents."""
    return _single_words(COLOURS, "colour")


@cache
def garment_words() -> frozenset[str]:
    """Every language's words of clothes that are one word, without accents."""
    return _single_words(GARMENTS, "category")


class Cells:
    """A column's cells, and what they are like; shares are of those that are filled."""

    def __init__(self, name: str, cells: Sequence[str]) -> None:
        self.name, self.plain = name, plain_name(name)
        self.count = len(cells)
        self.filled = [cell for cell in cells if cell]
        self.counts = Counter(self.filled)

    def share(self, test: re.Pattern[str]) -> float:
        """The share of the cells that fit a pattern as a whole."""
        return self._share(cell for cell in self.filled if test.fullmatch(cell))

    def _share(self, cells: Iterable[str]) -> float:
        return sum(1 for _ in cells) / max(len(self.filled), 1)

    @property
    def fill(self) -> float:
        """The share of the rows that have a value."""
        return len(self.filled) / max(self.count, 1)

    @cached_property
    def unique(self) -> float:
        """Different values, as a share of the filled cells."""
        return len(self.counts) / max(len(self.filled), 1)

    @cached_property
    def numbers(self) -> float:
        """The share of numbers."""
        return self.share(_NUMBER)

    @cached_property
    def addresses(self) -> float:
        """The share of web addresses."""
        return self._share(cell for cell in self.filled if _ADDRESS.match(cell))

    @cached_property
    def addresses_of_photos(self) -> float:
        """The share of web addresses that end as photos do."""
        return self._share(
            cell for cell in self.filled
            if (told := _ADDRESS.match(cell)) and is_photo(re.split(r"[?#,;|]", told[1])[0].rsplit("/", 1)[-1])
        )  # fmt: skip

    @cached_property
    def length(self) -> float:
        """Words in a cell, on average."""
        return sum(len(cell.split()) for cell in self.filled) / max(len(self.filled), 1)

    def speaks(self, known: Collection[str], most: int = 4) -> float:
        """The share of cells of few words that contain a known one."""
        hits = sum(
            n for cell, n in self.counts.items() if 0 < len(w := _words(cell)) <= most and any(x in known for x in w)
        )
        return hits / max(len(self.filled), 1)

    @property
    def is_list(self) -> bool:
        """Whether most cells hold several values."""
        return self._share(cell for cell in self.filled if re.search(r"[,;|]\s*\S", cell)) > 0.5

    @property
    def are_words(self) -> bool:
        """Whether the cells are words of which each may stand for many items."""
        few = len(self.counts) <= max(3, 0.6 * len(self.filled)) and not any("</" in cell for cell in self.counts)
        return bool(self.filled) and self.numbers < 0.5 and self.addresses < 0.2 and self.length <= 6 and few

    @property
    def are_paths(self) -> bool:
        """Whether the cells are paths of categories: "Clothing > Dresses"."""
        return self._share(cell for cell in self.filled if "<" not in cell and re.search(r"\w\s*>\s*\w", cell)) > 0.5

    def shown(self) -> str:
        """A few of the values."""
        values = [value if len(value) <= 24 else f"{value[:23]}…" for value, _ in self.counts.most_common(3)]
        return ", ".join(values)


def guess(raw: RawTable, files: Sequence[str]) -> Guess:
    """Guess what a table's columns mean.

    Parameters
    ----------
    raw : RawTable
        With every column; pseudo-columns such as `listing.FOLDER` may be among them.
    files : sequence of str
        The files of the source, by full names.
    """
    step = max(1, -(-len(raw.rows) // JUDGED))
    rows = raw.rows.iloc[::step]
    cells = {name: Cells(name, rows[name].tolist()) for name in map(str, rows) if rows[name].any()}
    guessed = Guess(export=_export(raw))
    named = guessed.export.columns.get("photo", ()) if guessed.export else ()
    photos = PhotoNames(files)
    guessed.photo = _photo(raw, rows, cells, named, photos)
    guessed.more_photos = _more_photos(raw, rows, cells, guessed.photo, photos)
    taken = {choice.theirs[1:-1] for choice in (guessed.photo, *guessed.more_photos) if choice}
    _take_named(guessed, cells)
    if "colour" not in guessed.columns and (option := _option(cells)):
        guessed.columns["colour"] = option
    taken |= {choice.theirs for choice in guessed.columns.values()}
    if "item" not in guessed.columns:
        guessed.columns["item"] = _item(cells, guessed, taken)
    taken.add(guessed.columns["item"].theirs)
    for ours in ORDER:
        if ours not in guessed.columns and (choice := _choose(ours, cells, taken)):
            guessed.columns[ours] = choice
            taken.add(choice.theirs)
    guessed.category_path = _path(guessed, cells)
    _part_categories(guessed, cells, rows, taken)
    for ours in WANTED:
        if ours not in guessed.columns and not (ours == "department" and guessed.category_path):
            meant = _candidates(ours, cells, taken)
            if meant or ours in MISSED:
                guessed.candidates[ours] = meant
    told = [*TOLD, *guessed.columns]
    guessed.columns = {ours: guessed.columns[ours] for ours in dict.fromkeys(told) if ours in guessed.columns}
    return guessed


def _export(raw: RawTable) -> Export | None:
    there = {plain_name(name) for name in raw.header}
    return next((export for export in EXPORTS if set(export.header) <= there), None)


def _take_named(guessed: Guess, cells: Mapping[str, Cells]) -> None:
    """Choose the columns that the export names, except its photo's, where the table has values in them."""
    if guessed.export is None:
        return
    for ours, theirs in guessed.export.columns.items():
        hit = next((column for name in theirs for column in cells.values() if column.plain == name), None)
        if hit and ours != "photo":
            guessed.columns[ours] = Choice(hit.name, f"so named in {guessed.export.name}")


def _photo(
    raw: RawTable, rows: pd.DataFrame, cells: Mapping[str, Cells], named: Sequence[str], photos: PhotoNames
) -> Choice | None:
    """The pattern of the photos: bytes, files that are there, or addresses."""
    by_name = sorted(raw.photos, key=lambda name: _rank("photo", plain_name(name.removesuffix(".bytes"))))
    if by_name:
        return Choice(f"{{{by_name[0]}}}", "a column of bytes")
    best, most = None, (0.0, 0)
    for column in cells.values():
        pattern = guess_pattern(column.name, rows, photos)
        if pattern is None:
            continue
        worth = (round(pattern.share, 2), -_rank("photo", column.plain))
        if best is None or worth > most:
            best, most = pattern, worth
    if best and best.share >= 0.5:
        return Choice(
            best.pattern, f"{percent(best.share)} of the rows name a file that is there, such as {best.example}", True
        )
    addressed = [
        (
            (column.plain in named) + column.addresses_of_photos - _rank("photo", column.plain) / 1000, column
        )
        for column in cells.values()
        if column.addresses >= 0.5
        and is_speakable(column.name)
        and (column.addresses_of_photos >= 0.5 or column.plain in named or _rank("photo", column.plain) < 100)
    ]  # fmt: skip
    if addressed:
        column = max(addressed, key=lambda pair: pair[0])[1]
        return Choice(f"{{{column.name}}}", f"web addresses of photos, such as {next(iter(column.counts))}")
    if best and best.share * len(raw.rows) >= LEAST_NAMED:
        return Choice(best.pattern, f"only {percent(best.share)} of the rows name a file that is there", True)
    return None


#: Words by which columns of further photos differ from that of the first.
_WHICH = frozenset((
    *("additional", "extra", "other", "more", "alt", "alternate", "alternative", "secondary", "gallery", "further"),
    *("base", "main", "primary", "first", "second", "third", "front", "back", "side", "detail", "left", "right"),
))  # fmt: skip


#: Why a column is one of them.
FURTHER = "a further photo, by the column's name"


def _without_number(plain: str) -> tuple[str, ...]:
    """A column's name without numbers and `_WHICH`: that of `image` for `image_2` and `additional_images`."""
    words = (word.rstrip("0123456789") for word in plain.split() if word not in _WHICH)
    return tuple(word.removesuffix("s") for word in words if word)


def _more_photos(
    raw: RawTable, rows: pd.DataFrame, cells: Mapping[str, Cells], photo: Choice | None, photos: PhotoNames
) -> list[Choice]:
    """Columns of further photos, named as the first photo's with a number or a side, in the table's order."""
    first = next(iter(columns_of(photo.theirs)), "") if photo else ""
    if photo is None or not first or first not in (*raw.photos, *cells):
        return []
    stem, more = _without_number(plain_name(first)), []
    for name in raw.header:
        if name == first or not stem or _without_number(plain_name(name)) != stem or not is_speakable(name):
            continue
        if name in raw.photos:
            more += [Choice(f"{{{name}}}", FURTHER)] if first in raw.photos else []
        elif photo.is_file and name in cells and first not in raw.photos:
            pattern = guess_pattern(name, rows, photos)
            if pattern and pattern.share >= 0.5 * cells[name].fill:
                more.append(Choice(pattern.pattern, FURTHER, True))
        elif first not in raw.photos and name in cells and cells[name].addresses >= 0.5:
            more.append(Choice(f"{{{name}}}", FURTHER))
    return more


def _rank(ours: str, plain: str) -> int:
    """The place of a column's name among those that tables use for ours; 100 and more where it is none."""
    names = HEADERS[ours]
    if plain in names:
        return names.index(plain)
    within = [rank for rank, name in enumerate(names) if re.search(rf"\b{re.escape(name)}\b", plain)]
    return 100 + within[0] if within and len(plain.split()) <= 4 else 1000


def _said(ours: str, column: Cells) -> float:
    """A score of how well a column's name fits ours: up to 3 for one of its names, 1.5 if it contains one, else 0."""
    rank = _rank(ours, column.plain)
    return 3 - rank / 100 if rank < 100 else 1.5 if rank < 1000 else 0.0


def _fits(ours: str, column: Cells) -> float:
    """A score of how well the cells fit one of our columns; negative infinity where they cannot be it."""
    never = float("-inf")
    match ours:
        case "colour":
            spoken = column.speaks(colour_words(), most=3)
            good = column.numbers < 0.5 and column.addresses == 0 and not column.is_list
            short = column.length <= (4 if column.are_words else 2)  # "a red hat", different in each row, is a caption
            return 3 * spoken - 1 if good and short and (spoken >= 0.5 or column.are_words) else never
        case "category" | "department":
            if column.name in FOLDERS:
                return 2.5 if ours == "category" or column.name == FOLDER_ABOVE else 0.0
            known = column.speaks(garment_words())
            colours = column.speaks(colour_words(), most=3)
            good = (column.are_words and len(column.counts) > 1) or column.are_paths
            return 2.5 * known * (ours == "category") - 2 * (colours > max(known, 0.5)) if good else never
        case "title":
            good = column.numbers < 0.5 and column.addresses == 0 and 1 < column.length <= 60 and column.unique > 0.1
            return 0.0 if good else never
        case "price":
            priced = column.share(_PRICE)
            decimal = column.share(re.compile(r".*(\d[.,]\d\d?\b|[€$£¥]|\b[A-Z]{3}\b).*"))
            return (1.0 if decimal > 0.5 else 0.0) if priced > 0.8 else never
        case "link":
            return (
                (0.5 if column.addresses_of_photos < 0.2 else -2.0)
                if column.addresses > 0.5
                else (0.0 if column.plain == "url key" else never)
            )
        case _:
            return 0.0 if column.are_words else never


def _choose(ours: str, cells: Mapping[str, Cells], taken: Collection[str]) -> Choice | None:
    scored = [
        (score, -place, column)
        for place, column in enumerate(cells.values())
        if column.name not in taken
        and (score := _said(ours, column) + _fits(ours, column)) >= ENOUGH
        and (_said(ours, column) > 0 or ours in ("colour", "category"))
    ]
    if not scored:
        return None
    column = max(scored, key=lambda entry: entry[:2])[2]
    return Choice(column.name, _reason(ours, column))


def _reason(ours: str, column: Cells) -> str:
    """The reason why a column was chosen, in words."""
    folders = {FOLDER: "the name of the photo's folder", FOLDER_ABOVE: "the name of the folder above"}
    named = "its name says so" if _said(ours, column) > 0 else ""
    if ours == "colour" and (spoken := column.speaks(colour_words(), most=3)) >= 0.5:
        content = f"{percent(spoken)} of its cells are words of colours"
    elif ours == "category" and (spoken := column.speaks(garment_words())) >= 0.5:
        content = f"{percent(spoken)} of its cells are words of clothes"
    elif column.are_words:
        content = f"{len(column.counts)} words"
    else:
        content = ""
    values = f"({column.shown()})"
    return f"{', '.join(filter(None, (folders.get(column.name, named), content)))} {values}".strip()


def _item(cells: Mapping[str, Cells], guessed: Guess, taken: Collection[str]) -> Choice:
    """The column that names the items; their numbers where none does."""
    scored = [
        (score, -place, column)
        for place, column in enumerate(cells.values())
        if (column.name not in taken or guessed.photo_is(column.name))
        and (score := _item_score(column, guessed)) >= ENOUGH
    ]
    if not scored:
        return Choice("#", "no column names the items, so the row's number does")
    column = max(scored, key=lambda entry: entry[:2])[2]
    why = [
        "its name says so" if _said("item", column) > 0 else "",
        f"{len(column.counts):,} different values in {len(column.filled):,} rows looked at",
        "it names the photo" if guessed.is_in_photo(column.name) else "",
    ]
    return Choice(column.name, f"{', '.join(filter(None, why))} ({column.shown()})")


def _item_score(column: Cells, guessed: Guess) -> float:
    """A score of how well a column's name and cells fit the items' names; negative infinity where they cannot."""
    decimals = column.share(_DECIMAL)
    if column.fill < 0.9 or column.addresses > 0 or column.length > 3 or decimals > 0.5 or column.name in FOLDERS:
        return float("-inf")
    said = _said("item", column)
    score = said + 2 * (column.unique >= 0.98) + 0.75 * guessed.is_in_photo(column.name) - 3 * (column.unique < 0.1)
    return score - 1.5 * (not said and column.length > 1.5)  # a text


def _option(cells: Mapping[str, Cells]) -> Choice | None:
    """The column of an option's values whose name is mostly that of a colour."""
    by_plain = {column.plain: column for column in cells.values()}
    for name, value in OPTIONS:
        for number in range(1, 10):
            option, values = by_plain.get(name.format(number)), by_plain.get(value.format(number))
            if option is None or values is None or values.is_list:
                continue
            hits = sum(count for said, count in option.counts.items() if set(_words(said)) & COLOUR_OPTIONS)
            if hits > 0.5 * len(option.filled):
                said = option.counts.most_common(1)[0][0]
                return Choice(values.name, f"{option.name} says {said!r} ({values.shown()})")
    return None


def _part_categories(guessed: Guess, cells: Mapping[str, Cells], rows: pd.DataFrame, taken: set[str]) -> None:
    """Choose the finer of two columns of categories as the category, and the coarser as the department."""
    category, department = guessed.columns.get("category"), guessed.columns.get("department")
    if not category or guessed.category_path or (guessed.export and "category" in guessed.export.columns):
        return
    if not department:
        others = [
            column for column in cells.values()
            if column.name not in taken and _rank("category", column.plain) < 100 and column.are_words
            and len(column.counts) > 1 and _is_within(rows, category.theirs, column.name)
        ]  # fmt: skip
        if not others:
            return
        best = min(others, key=lambda column: _rank("category", column.plain))
        department = Choice(best.name, _reason("department", best))
        guessed.columns["department"] = department
        taken.add(best.name)
    fine, coarse = cells[category.theirs], cells[department.theirs]
    if len(coarse.counts) > len(fine.counts) and coarse.are_words:
        guessed.columns["category"], guessed.columns["department"] = department, category


def _is_within(rows: pd.DataFrame, one: str, other: str) -> bool:
    """Whether one of two columns' words subdivide the other's: each finer word stands with one coarser word."""
    fine, coarse = sorted((one, other), key=lambda name: rows[name].nunique(), reverse=True)
    pairs = rows[(rows[fine] != "") & (rows[coarse] != "")].groupby([fine, coarse]).size()
    return bool(len(pairs)) and pairs.groupby(level=0).max().sum() >= 0.95 * pairs.sum()


def _candidates(ours: str, cells: Mapping[str, Cells], taken: Collection[str]) -> list[str]:
    """Columns that may be ours, as their name holds it or their cells can be; at most six."""
    scored = [
        (-(_said(ours, column) + fit), column.name)
        for column in cells.values()
        if column.name not in taken
        and (fit := _fits(ours, column)) >= (0.5 if ours == "price" else 0)
        and column.fill > 0.3
    ]
    return [name for _, name in sorted(scored)[:6]]


def _path(guessed: Guess, cells: Mapping[str, Cells]) -> str:
    if "category" not in guessed.columns:
        return ""
    column = cells[guessed.columns["category"].theirs]
    own = guessed.export.category_path if guessed.export else ""
    for sign in filter(None, (own, ">")):
        if sum(sign in cell for cell in column.filled) > 0.3 * len(column.filled):
            return sign
    return ""


def language_of(words: Mapping[str, int]) -> str:
    """The language whose words of colours and clothes stand most often; English where none does.

    Parameters
    ----------
    words : mapping of str to int
        A catalogue's words -> how often each stands.

    Examples
    --------
    >>> language_of({"Hellblau": 3, "Kleid": 2, "red": 1}), language_of({})
    ('de', 'en')
    """
    hits = {
        language: sum(
            n
            for said, n in words.items()
            if {*COLOURS[language].split(), *GARMENTS[language].split()} & {*_words(said)}
        )
        for language in COLOURS
    }
    return max(hits, key=lambda language: (hits[language], language == "en"))
