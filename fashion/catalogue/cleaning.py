"""Cleaning of a table: drops rows that cannot be studied, and counts each under its reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.definition import Catalogue
from fashion.catalogue.parquet import is_stored
from fashion.catalogue.sampling import take_first, take_stratified
from fashion.catalogue.translation import colour_hexes, non_garments, translate
from fashion.core.colour import lab_to_hex, nearest_colour_word
from fashion.core.errors import CatalogueError, PhotoError

#: Words that rows of one item have in common.
WORDS = ("colour", "category", "department")

#: Items with one and the same photo beyond which it shows none of them, such as a size chart.
CROWD = 50

REJECTED_COLUMNS = ["row", "item", "photo", "reason", "detail"]

#: Category and department of every item, where a table has none.
ANY_GARMENT = "clothes"

#: Reasons in the order in which they are applied, with what each means.
REASONS = {
    "malformed row": "the row does not fit the header, or a quotation mark is not closed",
    "null row": "item, category, colour or department is empty",
    "duplicate row": "every value equals an earlier row's",
    "duplicate item": "an earlier row has the item's name with other values",
    "not a garment": "its department holds no clothes",
    "missing photo": "the table names a photo that is not there",
    "dead address": "its photo could not be downloaded from the address that the table gives",
    "unreadable photo": "the file is not an image, is cut short, or unpacks to more than 1 GB",
    "identical photo": "its photo has the same bytes as an earlier item's",
}


@dataclass
class Cleaning:
    """Rows that remain, and those that were dropped, with the reason for each.

    Attributes
    ----------
    rows : DataFrame
        What remains, with a fresh index.
    rejected : DataFrame
        `row`, `item`, `photo`, `reason` (a key of `REASONS`), `detail`.
    """

    rows: pd.DataFrame
    rejected: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=REJECTED_COLUMNS))

    def drop(self, bad: pd.Series, reason: str, detail: pd.Series | str = "") -> Cleaning:
        """Move the rows where `bad` is true to the rejected ones."""
        if reason not in REASONS:
            raise ValueError(f"expected a reason of {list(REASONS)}; found {reason!r}")
        return self.move(bad, reason, detail)

    def move(self, bad: pd.Series, reason: str, detail: pd.Series | str = "") -> Cleaning:
        """`drop` for any reason, such as those that only additions to a catalogue have.

        `detail` needs to hold the bad rows only, by the index of `rows`.
        """
        if not bad.any():
            return self
        gone = self.rows.loc[bad, ["row", "item", "photo"]].copy()
        gone["reason"] = reason
        gone["detail"] = detail.loc[gone.index] if isinstance(detail, pd.Series) else detail
        rejected = [table for table in (self.rejected, gone) if len(table)]
        return Cleaning(self.rows[~bad].reset_index(drop=True), pd.concat(rejected, ignore_index=True))

    def summary(self) -> pd.DataFrame:
        """One line a reason, in the order of `REASONS`: `reason`, `rows`, `meaning`."""
        counts = self.rejected["reason"].value_counts()
        return pd.DataFrame(
            [
                {"reason": reason, "rows": int(counts.get(reason, 0)), "meaning": meaning}
                for reason, meaning in REASONS.items()
            ]
        )


def start(rows: pd.DataFrame, malformed: pd.DataFrame) -> Cleaning:
    """Start from what `table.read_table` returned."""
    rejected = malformed.assign(detail=malformed["reason"], reason="malformed row")[REJECTED_COLUMNS]
    return Cleaning(rows.reset_index(drop=True), rejected.reset_index(drop=True))


def join_rows(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Give an item the photos of the rows that repeat it, as Shopify writes them; return the number of joined rows.

    A row is joined that names the item again, brings a photo that it has not yet, and contradicts none of its words
    (`WORDS`: each is empty or the same). The item is the first such row with the most words.
    """
    named = rows["item"].ne("") & rows["item"].notna()
    group = rows[named & rows.duplicated("item", keep=False)]
    if group.empty:
        return rows, 0
    said = list(zip(*(group[column] for column in WORDS if column in rows), strict=True)) or [()] * len(group)
    index, photos_of = group.index.tolist(), list(_photos_of(group))
    places: dict[str, list[int]] = {}
    for place, item in enumerate(group["item"]):
        places.setdefault(item, []).append(place)
    joined: list[Any] = []
    several: dict[Any, tuple[str, tuple[str, ...]]] = {}
    for same in places.values():
        head = max(same, key=lambda place: sum(word != "" for word in said[place]))
        photos: dict[str, None] = {}
        for place in same:
            new = [name for name in photos_of[place] if name.rsplit("/", 1)[-1] and name not in photos]
            fits = all(word in ("", known) for word, known in zip(said[place], said[head], strict=True))
            if place == head or (new and fits):
                photos |= dict.fromkeys(new)
                joined += [index[place]] * (place != head)
        if photos:
            first, *others = photos
            several[index[head]] = first, tuple(others)
    if not joined:
        return rows, 0
    table = rows.copy()
    if "more_photos" not in table:
        table.insert(list(table.columns).index("photo") + 1, "more_photos", [()] * len(table))
    heads = list(several)
    table.loc[heads, "photo"] = [several[row][0] for row in heads]
    table.loc[heads, "more_photos"] = pd.Series([several[row][1] for row in heads], index=heads, dtype=object)
    return table.drop(index=joined), len(joined)


def _photos_of(rows: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """All photos of each row, the shown one first."""
    more = rows["more_photos"] if "more_photos" in rows else [()] * len(rows)
    return ((photo, *others) for photo, others in zip(rows["photo"], more, strict=True))


def all_photos(rows: pd.DataFrame) -> list[str]:
    """The photos of all rows, row by row, each row's shown one first."""
    return [photo for photos in _photos_of(rows) for photo in photos]


def drop_null_rows(cleaning: Cleaning, columns: Sequence[str]) -> Cleaning:
    """Drop rows in which any of `columns` is empty."""
    rows = cleaning.rows
    empty = pd.DataFrame({column: rows[column].isin(["", None]) | rows[column].isna() for column in columns})
    bad = empty.any(axis=1)
    # Words for the rows that go alone: a million rows hold few of them.
    detail = pd.Series("", index=rows.index[bad], dtype=object)
    for column in columns:
        here = empty.loc[bad, column]
        detail[here] = detail[here].where(detail[here] == "", detail[here] + ", ") + column
    return cleaning.drop(bad, "null row", "empty: " + detail)


def drop_duplicate_rows(cleaning: Cleaning) -> Cleaning:
    """Keep the first of rows that are equal in every column, and of rows that name one item twice."""
    columns = [column for column in cleaning.rows.columns if column != "row"]
    bad, first = _repeated(cleaning.rows, columns)
    cleaning = cleaning.drop(bad, "duplicate row", "same as row " + first)
    bad, first = _repeated(cleaning.rows, ["item"])
    return cleaning.drop(bad, "duplicate item", "same item as row " + first)


def _repeated(rows: pd.DataFrame, columns: list[str]) -> tuple[pd.Series, pd.Series]:
    """Whether each row repeats an earlier one in `columns`; and, for rows of such a group, the number of its first."""
    group = rows[rows.duplicated(subset=columns, keep=False)]
    if group.empty:
        return pd.Series(False, index=rows.index), pd.Series(dtype=object)
    first = group.groupby(columns, dropna=False)["row"].transform("min").astype(str)
    return rows.duplicated(subset=columns), first


def drop_departments(cleaning: Cleaning, departments: Sequence[str]) -> Cleaning:
    """Drop the departments (English) that hold no garments."""
    if "department" not in cleaning.rows:
        return cleaning
    rows = cleaning.rows
    return cleaning.drop(rows["department"].isin(departments), "not a garment", rows["department"])


def drop_photos(cleaning: Cleaning, metadata: pd.DataFrame) -> Cleaning:
    """Drop items whose photo is missing, dead (by address), unreadable, or byte-identical to an earlier item's.

    Parameters
    ----------
    metadata : DataFrame
        `problem`, `problem_kind` and `sha256` of each row's photo (`measures.METADATA`), in the rows' order.
    """
    told = zip(metadata["problem"], metadata["problem_kind"], strict=True)
    both = cleaning.rows.assign(
        _sha256=metadata["sha256"].to_numpy(),
        _problem=metadata["problem"].to_numpy(),
        _reason=[_reason(kind) if problem else "" for problem, kind in told],
    )
    step = Cleaning(both, cleaning.rejected)
    for reason in ("missing photo", "dead address", "unreadable photo"):
        step = step.drop(step.rows["_reason"] == reason, reason, step.rows["_problem"])
    detail = "same photo as " + step.rows.groupby("_sha256")["item"].transform("first")
    step = step.drop(step.rows.duplicated(subset="_sha256"), "identical photo", detail)
    return Cleaning(step.rows.drop(columns=["_sha256", "_problem", "_reason"]), step.rejected)


def _reason(kind: str) -> str:
    """The reason of `REASONS` for a photo with such a problem."""
    return {PhotoError.MISSING: "missing photo", PhotoError.DEAD: "dead address"}.get(kind, "unreadable photo")


#: Items below which lists of similar ones say nothing.
LEAST_ITEMS = 10


def require_items(cleaning: Cleaning, place: str, least: int = LEAST_ITEMS) -> None:
    """Stop with the reasons when too little remains to study.

    Raises
    ------
    CatalogueError
        Says how many rows were dropped for which reason, with the first of each.
    """
    if len(cleaning.rows) >= least:
        return
    lines = [
        f"  {len(group)} × {reason}, first: row {first.row}, {first.photo} ({first.detail})"
        for reason, group in cleaning.rejected.groupby("reason", sort=False)
        for first in group.head(1).itertuples()
    ]
    raise CatalogueError(
        f"expected at least {least} items to study in {place}; found {len(cleaning.rows)}. Rows dropped:\n"
        + ("\n".join(lines) or "  nothing")
        + "\nIf photos are missing, correct `photos` in the catalogue's TOML; if LIMIT or FIRST is small, raise it."
    )


@dataclass(frozen=True)
class Counts:
    """Numbers of a table's rows by outcome; rows read = studied + rejected + `not_taken` + `joined`.

    Attributes
    ----------
    read : int
        Rows of the table, malformed ones among them.
    considered : int
        Of them, those within `first`.
    fit : int
        Of them, those fit for study before a sample was drawn.
    not_taken : int
        Rows beyond `first` or not drawn for the sample.
    joined : int
        Rows that repeat an item and add photos to it.
    """

    read: int
    considered: int
    fit: int
    not_taken: int
    joined: int = 0

    def as_dict(self) -> dict[str, int]:
        """The numbers as a dictionary, for the results."""
        return {
            "rows_read": self.read,
            "rows_considered": self.considered,
            "rows_fit": self.fit,
            "not_taken": self.not_taken,
            "rows_joined": self.joined,
        }


def clean_table(
    catalogue: Catalogue,
    rows: pd.DataFrame,
    malformed: pd.DataFrame,
    *,
    first: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    keep_unknown: bool = False,
    known_items: Collection[str] = (),
    colour_optional: bool = False,
    garments_only: bool = True,
) -> tuple[Cleaning, Counts]:
    """Clean a table: the rows that can be studied, in English; the rest with the reason for each.

    A row is counted under the first reason that applies: malformed, null, duplicate, already there, no garment.

    Parameters
    ----------
    catalogue : Catalogue
    rows, malformed : DataFrame
        From `table.read_table`.
    first : int, optional
        Only the table's first rows, cut before anything is dropped (the original study's slice).
    limit : int, optional
        A sample of so many rows, stratified by department, drawn from those fit for study; passed over with `first`.
    seed : int
        Of the sample.
    keep_unknown : bool
        Pass words that the glossary lacks untranslated.
    known_items : collection of str
        Names of items that a catalogue has already.
    colour_optional : bool
        Keep rows without a colour; theirs is the empty text, for `join_photos` to fill.
    garments_only : bool
        Drop departments that hold no garments.

    Returns
    -------
    cleaning : Cleaning
        With columns `category` and `department` throughout, `ANY_GARMENT` where the table has none.
    counts : Counts

    Raises
    ------
    TranslationError
        For words that the glossary lacks.
    """
    read = len(rows) + len(malformed)
    if first:
        rows, malformed = take_first(rows, first), malformed[malformed["row"] <= first]
    considered = len(rows) + len(malformed)
    rows, joined = join_rows(rows)
    optional = {"colour"} if colour_optional else set()
    needed = [c for c in ("item", "colour", "category", "department") if c in rows and c not in optional]
    step = drop_duplicate_rows(drop_null_rows(start(rows, malformed), needed))
    step = step.move(
        step.rows["item"].isin(list(known_items)), "item already there", "the catalogue has an item of this name"
    )
    in_english = _translated_where_said if colour_optional else translate
    step.rows = in_english(
        step.rows, language=catalogue.language, glossary=catalogue.glossary, keep_unknown=keep_unknown
    )
    for column in ("category", "department"):
        if column not in step.rows:
            step.rows[column] = ANY_GARMENT
    if garments_only:
        others = [*catalogue.drop_departments, *non_garments(catalogue.language, catalogue.glossary)]
        step = drop_departments(step, others)
    fit = len(step.rows)
    if limit and not first:
        step.rows = take_stratified(step.rows, limit, seed)
    return step, Counts(read, considered, fit, read - considered + fit - len(step.rows), joined)


def _translated_where_said(rows: pd.DataFrame, **how: Any) -> pd.DataFrame:
    """`translate`; where a row says no colour, colour and colour_source are empty."""
    if "colour" not in rows:
        rows = rows.assign(colour="")
    said = rows["colour"] != ""
    groups = [rows[said], rows[~said].drop(columns="colour")]
    translated = [translate(group, **how) for group in groups if len(group)]
    if not translated:
        return rows.assign(colour_source="")
    joined = pd.concat(translated).sort_index()
    for column in ("colour", "colour_source"):
        joined[column] = joined[column].fillna("") if column in joined else ""
    return joined


@dataclass(frozen=True)
class Joined:
    """Items with their photos' metadata; all in the items' order.

    Attributes
    ----------
    items : DataFrame, n rows
        The table's columns, those of the photos, a colour for every item, and `garment_hex`.
    cleaning : Cleaning
        With the items that were dropped for their photos added.
    colour_was_measured : ndarray of bool, shape (n,)
        Items whose colour word was measured from the photo, as the table gave none.
    thumbnails : ndarray of uint8, shape (n, 768)
        Photos at 16 x 16, RGB, flattened.
    tiles : sequence of bytes, length n
        Small JPEGs.
    photos : DataFrame
        Every photo of every item: `row` (of `items`), `photo`, `sha256`; item by item, that which is shown first.
    left_out : DataFrame
        Photos of items that stay with others, with the columns of `Cleaning.rejected`.
    """

    items: pd.DataFrame
    cleaning: Cleaning
    colour_was_measured: NDArray[np.bool_]
    thumbnails: NDArray[np.uint8]
    tiles: pd.Series
    photos: pd.DataFrame
    left_out: pd.DataFrame

    @property
    def rejected(self) -> pd.DataFrame:
        """Rows that were dropped, and then `left_out`."""
        tables = [table for table in (self.cleaning.rejected, self.left_out) if len(table)]
        return pd.concat(tables, ignore_index=True) if tables else self.left_out

    @property
    def all_measured(self) -> bool:
        """Whether every item's colour word was measured: the table has no colours."""
        return bool(self.colour_was_measured.all())

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for the results."""
        items, rejected = self.items, self.cleaning.rejected
        other = rejected.loc[rejected["reason"] == "not a garment", "detail"]
        return {
            "items": len(items),
            "departments": items["department"].value_counts().to_dict(),
            "categories": items["category"].value_counts().to_dict(),
            "colours": items["colour"].value_counts().to_dict(),
            "dropped": self.cleaning.summary().set_index("reason")["rows"].to_dict(),
            "dropped_departments": other.value_counts().to_dict(),
            "colour_was_measured": self.all_measured,
            "photos": len(self.photos),
            "photos_left_out": len(self.left_out),
        }


def join_photos(
    cleaning: Cleaning,
    metadata: pd.DataFrame,
    *,
    known: pd.DataFrame | None = None,
    colour_words: Mapping[str, str] | None = None,
) -> Joined:
    """Join a cleaned table with its photos' metadata, and drop items whose photo is bad or repeated.

    Of an item's several photos the first good one is shown, and stands for it here.

    Parameters
    ----------
    cleaning : Cleaning
        From `clean_table`.
    metadata : DataFrame
        From `extraction.read_photos` for `all_photos` of its rows.
    known : DataFrame, optional
        Items (`item`, `sha256`) that a catalogue has already: their photos are rejected.
    colour_words : mapping of str to str, optional
        Word -> colour, among which an item without a colour gets the nearest; the glossary's if not given.
    """
    by_photo = metadata.drop_duplicates("photo").set_index("photo")
    several, left_out = _several(cleaning.rows, by_photo)
    step = drop_photos(Cleaning(several, cleaning.rejected), by_photo.loc[several["photo"]])
    measured = by_photo.drop(columns=["problem", "problem_kind"]).reset_index()
    items = step.rows.merge(measured, on="photo", how="left", validate="many_to_one")
    if known is not None:
        owner = items["sha256"].map(dict(zip(known["sha256"], known["item"], strict=True)))
        step = step.move(owner.notna(), "photo already there", "same photo as " + owner.fillna(""))
        items = items[owner.isna()].reset_index(drop=True)
    left_out = left_out[left_out["row"].isin(items["row"])].reset_index(drop=True)
    photos = _photos_table(items, by_photo["sha256"])
    items = items.drop(columns="more_photos", errors="ignore")
    pixels, tiles = items.pop("thumbnail"), items.pop("tile")
    thumbnails = np.frombuffer(b"".join(pixels), np.uint8).reshape(len(items), -1 if len(items) else 0)
    if "colour" not in items:
        items["colour"] = ""
    nameless = (items["colour"] == "").to_numpy(bool)
    lab = items[["garment_l", "garment_a", "garment_b"]].to_numpy(float)
    if nameless.any():
        items.loc[nameless, "colour"] = nearest_colour_word(lab[nameless], dict(colour_words or colour_hexes()))[0]
    items["garment_hex"] = lab_to_hex(lab) if len(items) else ""
    items = items.astype({"width": int, "height": int, "bytes": int})
    return Joined(items, step, nameless, thumbnails, tiles, photos, left_out)


def _several(rows: pd.DataFrame, by_photo: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows with their first good photo shown and the other good ones as `more_photos`; and the photos left out."""
    if "more_photos" not in rows:
        return rows, pd.DataFrame(columns=REJECTED_COLUMNS)
    problem, kind = by_photo["problem"].to_dict(), by_photo["problem_kind"].to_dict()
    kept, left_out = [], []
    for row, photos in zip(rows[["row", "item"]].itertuples(index=False), _photos_of(rows), strict=True):
        good = [photo for photo in photos if not problem[photo]] or [photos[0]]
        kept.append(good)
        # An empty cell of a further column of bytes is no photo, as one of a column of names is none.
        none = {name for name in photos[1:] if is_stored(name) and kind[name] == PhotoError.MISSING}
        left_out += [
            (row.row, row.item, p, _reason(kind[p]), f"{problem[p]}; the item stays, with its other photos")
            for p in photos
            if p not in good and p not in none
        ]
    listed = pd.DataFrame(left_out, columns=REJECTED_COLUMNS)
    more = pd.Series([tuple(good[1:]) for good in kept], index=rows.index, dtype=object)
    return rows.assign(photo=[good[0] for good in kept], more_photos=more), listed


def _photos_table(items: pd.DataFrame, sha256: pd.Series) -> pd.DataFrame:
    """Each item's photos by content: once each, without further ones that more than `CROWD` items have."""
    photos = pd.DataFrame(
        [(row, photo) for row, photos in enumerate(_photos_of(items)) for photo in photos], columns=["row", "photo"]
    )
    photos["sha256"] = photos["photo"].map(sha256).to_numpy()
    photos = photos.drop_duplicates(["row", "sha256"])
    crowded = photos.groupby("sha256")["row"].transform("size") > CROWD
    return photos[~crowded | ~photos.duplicated("row")].reset_index(drop=True)


def studied_summary(cleaning: Cleaning, counts: Counts) -> pd.DataFrame:
    """`Cleaning.summary` with lines for rows that were not taken, or joined, so that every row read is accounted for.

    Raises
    ------
    AssertionError
        When it is not.
    """
    gone = len(cleaning.rejected) + counts.not_taken + counts.joined
    assert counts.read == len(cleaning.rows) + gone, "a row went silently"
    table = cleaning.summary()
    meaning = "beyond `first`, or not drawn for the sample: not processed"
    table.loc[len(table)] = {"reason": "(not taken)", "rows": counts.not_taken, "meaning": meaning}
    if counts.joined:
        meaning = "repeats an item, and adds photos to it"
        table.loc[len(table)] = {"reason": "(joined)", "rows": counts.joined, "meaning": meaning}
    return table
