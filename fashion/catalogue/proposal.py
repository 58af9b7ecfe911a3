"""A TOML for any folder, zip or tar of clothes, proposed from what is in it (`guessing`)."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from fashion.catalogue.definition import known_catalogues, load_catalogue
from fashion.catalogue.guessing import FOLDERS, Cells, Choice, Guess, colour_words, garment_words, guess, language_of
from fashion.catalogue.listing import FOLDER, FOLDER_ABOVE, folder_names, read_listing
from fashion.catalogue.photo_pattern import columns_of, fill
from fashion.catalogue.raw_table import WORKBOOKS, RawTable, TableFormat, read_raw, sheets_of
from fashion.catalogue.source import LISTING, Source, is_photo, open_source
from fashion.catalogue.table import with_last_step
from fashion.catalogue.toml_keys import LONGEST_NAME, OWN_FOLDERS, WINDOWS_NAMES
from fashion.catalogue.translation import GLOSSARIES, is_italian, load_glossary, normalise_word
from fashion.core.errors import CatalogueError, FashionError
from fashion.core.texts import BOMS

#: Endings of files that may be tables, each also with `.gz` behind it.
TABLES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet", *WORKBOOKS)

#: Texts that stand beside data and are no tables.
NOTES = re.compile(r"(read[_-]?me|licen[cs]e|changelog|requirements|notice|copying).*", re.IGNORECASE)

#: Bytes of a text by which it is compared with other tables.
HEAD = 400_000

#: Folders that part a set for training and testing: no words of clothes.
SPLITS = frozenset((
    *("train", "training", "test", "testing", "val", "valid", "validation", "dev"),
    *("images", "image", "photos", "photo", "img", "pictures"),
))  # fmt: skip

#: Photos of each class of a folder of classes, on average, at least.
EACH = 2

#: A shard's number, and all shards'.
_SHARD = re.compile(r"^(.*?)(\d+)(-of-\d+)?(\.\w+(?:\.gz)?)$")


@dataclass(frozen=True)
class Proposal:
    """A catalogue's TOML as guessed from a source.

    Attributes
    ----------
    source : Source
        Located by `table`.
    table : str
        As in `definition.Catalogue`.
    raw : RawTable
        Every column of it.
    guess : Guess
        Its photo pattern is relative to the source's `base`.
    others : list of str
        Further tables that were ignored.
    photos : int
        Photos in the source.
    troubles : list of str
        Errors of tables that cannot be read.
    sheet : str
        Of a workbook with several.
    """

    source: Source
    table: str
    raw: RawTable
    guess: Guess
    others: list[str]
    photos: int
    troubles: list[str]
    sheet: str = ""


def propose(path: Path, kept: Path | None = None) -> Proposal:
    """Look at a folder, zip, tar or table, and say how a catalogue's TOML would explain it.

    Parameters
    ----------
    path : Path
        A table's file stands for its folder.
    kept : Path, optional
        As in `open_source`.

    Raises
    ------
    CatalogueError
        When there is neither a table with photos nor a folder of photos.
    """
    only = ""
    if not path.exists():
        raise CatalogueError(
            f"expected a folder, zip, tar or table of clothes at {path}; found nothing. Correct the path."
        )
    if path.is_file() and _is_table(path.name):
        path, only = path.parent, path.name
    source = open_source(path, None, kept)
    files = [name for name in source.names() if "__MACOSX" not in name and not name.rsplit("/", 1)[-1].startswith(".")]
    tables = _tables(files, only)
    photos = sum(map(is_photo, files))
    if not tables and not photos:
        shown = ", ".join(files[:5]) + (" ..." if len(files) > 5 else "")
        raise CatalogueError(
            f"expected a table or photos of clothes in {path}; found {shown or 'no file at all'}. Name the folder, zip "
            f"or tar that holds them; a table's name ends in {', '.join(TABLES)}, or in one of these and .gz."
        )
    candidates, troubles = _candidates(source, tables, files)
    if only and not candidates:
        raise CatalogueError(troubles[0])
    usable = [one for one in candidates if only or one.guess.photo or not photos]
    if usable:
        best = max(usable, key=lambda one: (one.guess.score, one.rows, -len(one.table)))
        others = [one.table for one in candidates if one.table != best.table]
        return _from_table(source, files, best, others, troubles, photos)
    if not photos:
        raise CatalogueError("\n".join(troubles))
    return _from_photos(source, [one.table for one in candidates], troubles, photos)


class _Candidate(NamedTuple):
    """A table, or a workbook's sheet, with the guess from its first rows, and their number."""

    table: str
    sheet: str
    guess: Guess
    rows: int


def _candidates(
    source: Source, tables: Sequence[tuple[str, list[str]]], files: Sequence[str]
) -> tuple[list[_Candidate], list[str]]:
    """Each table, or the best sheet of a workbook, as a candidate; and the errors of those that cannot be read."""
    candidates, troubles = [], []
    for pattern, members in tables:
        try:
            sheets = sheets_of(source, members[0])
            of_sheets = [
                _candidate(source, pattern, members, files, sheet) for sheet in (sheets if len(sheets) > 1 else [""])
            ]
            best = max(of_sheets, key=lambda one: (one.rows > 0, one.guess.score, one.rows))
            if not best.rows:
                raise CatalogueError(
                    f"expected a table with a header, several columns and rows in {source.path}: {pattern}; found "
                    "none. Name another table, or its folder."
                )
            candidates.append(best)
        except FashionError as error:
            troubles.append(str(error))
    return candidates, troubles


def _candidate(source: Source, pattern: str, members: Sequence[str], files: Sequence[str], sheet: str) -> _Candidate:
    """A table with the guess from its first rows; of no rows where it has none, or one column that names no photos."""
    heads = _Heads(source)
    heads.locate(members[0])
    raw = read_raw(heads, TableFormat(sheet=sheet))
    guessed = guess(raw, _seen_from(members, files)) if len(raw.rows) else Guess()
    good = len(raw.header) > 1 or guessed.photo
    return _Candidate(pattern, sheet, guessed, len(raw.rows) if good else 0)


# -- tables ------------------------------------------------------------------------------------------------
def _is_table(name: str) -> bool:
    bare = name.lower().removesuffix(".gz")
    return bare.endswith(TABLES) and not NOTES.fullmatch(name)


def _tables(files: Sequence[str], only: str) -> list[tuple[str, list[str]]]:
    """Each table's name, or pattern for shards, with its files; the shallowest first."""
    names = [only] if only else [name for name in files if _is_table(name.rsplit("/", 1)[-1])]
    groups: dict[str, list[str]] = {}
    for name in names:
        folder, _, last = name.rpartition("/")
        shard = _SHARD.match(last)
        numbered = shard and (shard[3] or last.lower().endswith(".parquet"))
        key = f"{shard[1]}*{shard[4]}" if shard and numbered and not only else last
        groups.setdefault(f"{folder}/{key}" if folder else key, []).append(name)
    patterns = []
    for key, members in groups.items():
        patterns.append((members[0] if len(members) == 1 else key, members))
    # Parquet in parts of a set (train-..., test-...) is one table where all of a folder's files are such.
    together: dict[str, list[str]] = {}
    for key, members in patterns:
        if key.lower().endswith(".parquet") and not only:
            together.setdefault(key.rpartition("/")[0], []).extend(members)
    for folder, members in together.items():
        if len([key for key, _ in patterns if key.rpartition("/")[0] == folder]) > 1 and len(members) > 1:
            parts = [m.rpartition("/")[2].split("-")[0].lower() for m in members]
            if set(parts) <= SPLITS:
                patterns = [(k, m) for k, m in patterns if not set(m) <= set(members)]
                patterns.append((f"{folder}/*.parquet" if folder else "*.parquet", members))
    patterns = _one_of_splits(patterns)
    return sorted(patterns, key=lambda entry: (entry[0].count("/"), entry[0]))


def _one_of_splits(patterns: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Join tables that bear one name in the folders of a set's splits: `train/metadata.csv`, `test/metadata.csv`."""
    alike: dict[tuple[str, str], list[str]] = {}
    for key, members in patterns:
        above, _, last = key.rpartition("/")
        if above and members == [key]:
            alike.setdefault((above.rpartition("/")[0], last), []).append(key)
    for (above, last), members in alike.items():
        if len(members) > 1 and {member.split("/")[-2].lower() for member in members} <= SPLITS:
            patterns = [entry for entry in patterns if entry[0] not in members]
            patterns.append((f"{above}/*/{last}".lstrip("/"), members))
    return patterns


def _seen_from(members: Sequence[str], files: Sequence[str]) -> list[str]:
    """Names of the files, relative to their table's folder where the table lies in several folders."""
    folders = {member[: member.rfind("/") + 1] for member in members}
    if len(folders) < 2:
        return list(files)
    return [name.removeprefix(next((f for f in folders if f and name.startswith(f)), "")) for name in files]


class _Heads(Source):
    """The beginnings of a source's texts, as tables may be long."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.path, source.kept)
        self._whole = source

    def names(self) -> list[str]:
        return self._whole.names()

    def _signature(self, full_name: str) -> str:
        return self._whole.signature(full_name)

    def _open(self, full_name: str) -> Any:
        return self._whole.stream(full_name)

    def _stream(self, full_name: str) -> Any:
        return self._whole._stream(full_name)

    def _read(self, full_name: str, most: int | None) -> bytes:
        head = self._whole.head(full_name, HEAD + 1)
        if head.startswith(b"\x1f\x8b"):
            with self._stream(full_name) as packed, gzip.open(packed) as stream:
                head = stream.read(HEAD + 1)
        if len(head) <= HEAD:
            return head
        if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):  # a workbook is read as a whole
            return self._whole.read(full_name)
        wide = any(head.startswith(mark) for mark, name in BOMS if name.startswith(("utf-16", "utf-32")))
        end = head.rfind(b"\n") + 1
        return head[: HEAD // 4 * 4] if wide else head[: end or HEAD]


def _from_table(
    source: Source, files: Sequence[str], chosen: _Candidate, others: list[str], troubles: list[str], photos: int
) -> Proposal:
    """The proposal for one table, by all of its rows."""
    source.locate(chosen.table)
    raw = read_raw(source, TableFormat(sheet=chosen.sheet))
    guessed = guess(raw, _seen_from([source.base + name for name in source.tables], files))
    table, photo, more = _below_common_folder(chosen.table, guessed.photo, guessed.more_photos)
    source.locate(table)
    if chosen.table.removesuffix(table) == source.base:
        guessed = replace(guessed, photo=photo, more_photos=more)
    else:  # another table of that name is nearer
        table = chosen.table
        source.locate(table)
    guessed = _with_folder_words(source, raw, guessed)
    if guessed.export and guessed.export.like:
        guessed = _like(guessed, raw, guessed.export.like)
    return Proposal(source, table, raw, guessed, others, photos, troubles, chosen.sheet)


def _below_common_folder(
    pattern: str, photo: Choice | None, more: list[Choice]
) -> tuple[str, Choice | None, list[Choice]]:
    """Table and photos by names below their common folder: a source's names begin there."""
    if photo is None or not photo.is_file:
        return pattern.rpartition("/")[2], photo, more
    folders = [name.split("/")[:-1] for name in (pattern, *(c.theirs[: c.theirs.index("{")] for c in (photo, *more)))]
    levels = zip(*folders, strict=False)
    shared = len(list(takewhile(lambda names: len(set(names)) == 1, levels)))
    below = [replace(c, theirs="/".join(c.theirs.split("/")[shared:])) for c in (photo, *more)]
    return "/".join(pattern.split("/")[shared:]), below[0], below[1:]


def _with_folder_words(source: Source, raw: RawTable, guessed: Guess) -> Guess:
    """The guess with the photos' folders as categories, where the table has none."""
    if "category" in guessed.columns or guessed.photo is None or not guessed.photo.is_file:
        return guessed
    values = {name: raw.rows[name].tolist() for name in columns_of(guessed.photo.theirs)}
    names = [source.find(name) for name in fill(guessed.photo.theirs, values)]
    columns = dict(guessed.columns)
    for ours, theirs, why in _folder_choices(names):
        columns.setdefault(ours, Choice(theirs, why))
    candidates = {ours: named for ours, named in guessed.candidates.items() if ours not in columns}
    return replace(guessed, columns=columns, candidates=candidates)


def _like(guessed: Guess, raw: RawTable, name: str) -> Guess:
    """The guess with the columns of a catalogue that comes with the project and explains the same set."""
    shipped = load_catalogue(name)
    columns = {
        ours: Choice(theirs, f"as in data/catalogues/{name}.toml")
        for ours, theirs in shipped.columns.items()
        if theirs in raw.header
    }
    candidates = {ours: named for ours, named in guessed.candidates.items() if ours not in columns}
    photo = guessed.photo or Choice(shipped.photos, f"as in data/catalogues/{name}.toml; no photo was found")
    return replace(guessed, columns=columns, candidates=candidates, photo=photo)


# -- photos without a table --------------------------------------------------------------------------------
def _from_photos(source: Source, others: list[str], troubles: list[str], photos: int) -> Proposal:
    source.locate(LISTING)
    raw = read_listing(source, (), "")
    paths = raw.rows["path"].tolist()
    unique = raw.rows["name"].nunique() == len(raw.rows)
    named = (
        Choice("name", "the photo's name") if unique else Choice("path", "photos of one name lie in several folders")
    )
    columns = {"item": named}
    for ours, theirs, why in _folder_choices(paths):
        columns[ours] = Choice(theirs, why)
    unclear = {"category": [FOLDER]} if "category" not in columns and raw.rows["path"].str.contains("/").any() else {}
    guessed = Guess(photo=Choice("{path}", "each photo is an item", True), columns=columns, candidates=unclear)
    return Proposal(source, LISTING, raw, guessed, others, photos, troubles)


def _folder_choices(paths: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Our columns that the folders' names are words of: the category by each photo's folder, or the colour."""
    for theirs, said in ((FOLDER, "the name of the photo's folder"), (FOLDER_ABOVE, "the name of the folder above")):
        cells = Cells(theirs, folder_names(paths, theirs))
        names = set(cells.counts)
        words = {name for name in names if not name.isdigit() and name.lower() not in SPLITS}
        if len(words) < 2 or cells.fill < 1 or words != names or len(names) * EACH > len(paths):
            if theirs == FOLDER:
                return
            continue
        spoken = cells.speaks(colour_words(), most=3)
        coloured = spoken > 0.5 and spoken > cells.speaks(garment_words())
        ours = "colour" if coloured else "category" if theirs == FOLDER else "department"
        yield ours, theirs, f"{said}: {len(names)} words ({cells.shown()})"


# -- the TOML ----------------------------------------------------------------------------------------------
def usable_name(text: str) -> str:
    """A catalogue's name made of a file's or a folder's, free for a folder and no shipped catalogue's.

    Examples
    --------
    >>> [usable_name(text) for text in ("Été 2024 (export)", "sample", "---")]
    ['ete-2024-export', 'my-sample', 'clothes']
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: LONGEST_NAME - 3].strip("-") or "clothes"
    return f"my-{name}" if name in {*known_catalogues(), *OWN_FOLDERS, *WINDOWS_NAMES} else name


def toml_of(proposal: Proposal, name: str, title: str, data: str) -> str:
    """The TOML's text, with the reasons as comments and what could not be told as commented lines."""
    guessed, raw = proposal.guess, proposal.raw
    kind = f" It was read as {guessed.export.name}." if guessed.export else ""
    lines = [
        f"# Proposed by `fashion init` from {_comment(proposal.source.path.name)}.{kind}",
        "# data/README.md explains each key.",
        f"name = {_text(name)}",
        f"title = {_text(title)}",
    ]
    language, unknown = _language(proposal)
    if language != "en":
        lines.append(f"language = {_text(language)}")
    if unknown:
        shown = ", ".join(unknown[:5]) + (" ..." if len(unknown) > 5 else "")
        lines.append(
            f'# language = "it"  # translates by data/glossary, which lacks {len(unknown)} of its words: {shown}'
        )
    table = [f"table = {_text(proposal.table)}  # {raw.said}"]
    if proposal.others:
        table.append(f"# table = {_text(proposal.others[0])}  # also there: {', '.join(proposal.others[:5])}")
    sheet = ["", "[table]", f"sheet = {_text(proposal.sheet)}"] if proposal.sheet else []
    photo = guessed.photo
    named = [choice.theirs for choice in (photo, *guessed.more_photos) if choice]
    listed = f"[{', '.join(map(_text, named))}]" if guessed.more_photos else _text(named[0]) if named else ""
    pattern = [f"photos = {listed}  # {_comment(photo.why)}"] if photo else []
    lines += ["", "[source]", f"data = {_text(data)}", *table, *pattern, *sheet, "", "[columns]"]
    lines += [f"{ours} = {_text(c.theirs)}  # {_comment(c.why)}" for ours, c in guessed.columns.items()]
    for ours, named in guessed.candidates.items():
        what = f"one of {', '.join(named)}?" if named else "no column fits"
        lines.append(f"# {ours} = {_text(named[0] if named else '')}  # not recognised: {_comment(what)}")
    if guessed.export and guessed.export.like:
        lines += _like_lines(guessed.export.like, guessed)
    elif guessed.category_path:
        lines += ["", "[cleaning]", f"category_path = {_text(guessed.category_path)}  # the last step is the category"]
    return "\n".join(lines) + "\n"


def _like_lines(name: str, guessed: Guess) -> list[str]:
    shipped = load_catalogue(name)
    lines = ["", "[cleaning]", f"drop_departments = {json.dumps(list(shipped.drop_departments), ensure_ascii=False)}"]
    for table, key, names in (
        ("similarity", "columns", shipped.similar_by),
        ("evaluation", "held_out", shipped.held_out),
    ):
        kept = [ours for ours in names or () if ours in guessed.columns]
        if names is not None and kept:
            lines += ["", f"[{table}]", f"{key} = {json.dumps(kept, ensure_ascii=False)}"]
    return lines


def _language(proposal: Proposal) -> tuple[str, list[str]]:
    """The language to write, and Italian words that our glossary lacks, with which a report would stop."""
    if proposal.guess.export and proposal.guess.export.like:
        return load_catalogue(proposal.guess.export.like).language, []
    spoken = words_of(proposal)
    if not is_italian(language := language_of(Counter(word for words in spoken.values() for word in words))):
        return language, []
    unknown = [
        word
        for ours, words in spoken.items()
        for word in sorted(set(words))
        if normalise_word(word) not in set(load_glossary(ours)["key"])
    ]
    return ("it", []) if not unknown else ("en", unknown)


def words_of(proposal: Proposal) -> dict[str, list[str]]:
    """Colours, categories and departments -> the words of the rows that have one, as a report will read them."""
    guessed, raw = proposal.guess, proposal.raw
    photos: list[str] = []
    if guessed.photo and any(choice.theirs in FOLDERS for choice in guessed.columns.values()):
        values = {name: raw.rows[name].tolist() for name in columns_of(guessed.photo.theirs)}
        photos = [proposal.source.find(name) for name in fill(guessed.photo.theirs, values)]
    rows = pd.DataFrame({
        ours: folder_names(photos, choice.theirs) if choice.theirs not in raw.rows else raw.rows[choice.theirs].tolist()
        for ours, choice in guessed.columns.items()
        if ours in GLOSSARIES
    })  # fmt: skip
    if guessed.category_path:
        rows = with_last_step(rows, guessed.category_path)
    return {str(ours): [word for word in rows[ours] if word] for ours in rows}


def _text(text: str) -> str:
    """A text as TOML's basic string, whose escapes are JSON's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return " ".join(text.split())


def preview(rows: pd.DataFrame, count: int = 10) -> list[str]:
    """The first rows in our columns, aligned, a line each."""
    shown = rows[["item", "photo", *rows.columns.difference(["row", "item", "photo"], sort=False)]].head(count)
    cells = [[*shown.columns], *shown.astype(str).to_numpy().tolist()]
    cut = [[cell if len(cell) <= 24 else f"{cell[:23]}…" for cell in line] for line in cells]
    widths = [max(len(line[place]) for line in cut) for place in range(len(cut[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cut]
