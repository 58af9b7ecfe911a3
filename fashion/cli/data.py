"""The command `fashion data`: makes the sample, or checks a catalogue's table, words and photos."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fashion.catalogue.addresses import is_address
from fashion.catalogue.photo_pattern import column_alone, columns_of
from fashion.cli.options import parent
from fashion.core.errors import CatalogueError

if TYPE_CHECKING:
    import pandas as pd

    from fashion.catalogue.definition import Catalogue
    from fashion.catalogue.raw_table import RawTable
    from fashion.catalogue.source import Source

TITLE = "make the sample, or check a catalogue's data"

TEXT = """\
Check that a catalogue's table can be read, that its words are known and that its photos are there; say what each column
was understood as, and open some photos (the report opens all). The sample is made if it is missing."""

EXAMPLES = "  fashion data\n  fashion data -c imagelab --data imagelab.zip"

PARENTS = (parent("catalogue", "data", "keep_unknown"),)

#: Photos that are opened, spread over the table.
OPENED = 20

#: Different values of a column up to which they are words; of words the most frequent are shown with their counts.
WORDS, FREQUENT = 300, 5

#: Letters of a value that are shown.
SHOWN = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the option specific to `fashion data`."""
    parser.add_argument(
        "--download", action="store_true",
        help="download every photo that the table gives by address, also those that failed before (a report downloads "
        "what it needs)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Check the data, and print what is there."""
    from fashion.catalogue.cleaning import all_photos, clean_table, require_items
    from fashion.catalogue.definition import load_catalogue, open_catalogue
    from fashion.catalogue.identity import open_workspace
    from fashion.catalogue.table import in_our_columns, read_as_described
    from fashion.catalogue.translation import GLOSSARIES, glossaries
    from fashion.core.checksums import sha256_file

    catalogue = load_catalogue(arguments.catalogue)
    open_workspace(catalogue)  # a report could not run where another catalogue has its name
    source = open_catalogue(catalogue, arguments.data)
    raw = read_as_described(catalogue, source)
    rows, malformed = in_our_columns(catalogue, source, raw)
    print(f"{catalogue.title}: {source.path}")
    if source.path.is_file():
        print(f"  sha256  {sha256_file(source.path)}")
    print(f"  table   {catalogue.table}: {raw.said}; {len(rows)} rows, {len(malformed)} malformed")
    for bad in malformed.head(5).itertuples():
        print(f"          row {bad.row}: {bad.reason}")
    missing = ~rows["photo"].map(lambda name: is_address(name) or source.signature(name)).astype(bool)
    for line in (*column_lines(catalogue, raw, rows), *_photo_lines(catalogue, raw, rows, missing)):
        print(f"  {line}")
    step, counts = clean_table(catalogue, rows, malformed, keep_unknown=arguments.keep_unknown)
    require_items(step, catalogue.title, least=1)
    repeated = step.rejected["reason"].value_counts()
    dropped = ", ".join(f"{count} {reason}" for reason, count in repeated.items() if reason != "malformed row")
    joined = f"; {counts.joined} joined, as they add photos to an item" if counts.joined else ""
    print(f"  rows    {len(step.rows)} to study" + joined + (f"; dropped: {dropped}" if dropped else ""))
    words = [f"{step.rows[c].nunique()} {c} words" for c in ("colour", "category", "department") if c in rows]
    translated = any(
        glossaries(column, catalogue.language, catalogue.glossary) for column in GLOSSARIES if column in rows
    )
    known = "all known" if translated and not arguments.keep_unknown else "kept as they are"
    print(f"  words   {', '.join(words)}: {known}" if words else "  words   none: looks and measured colours count")
    print(f"  terms   {catalogue.terms}")
    if missing.all():
        raise CatalogueError(
            f"expected photos such as {rows['photo'].iloc[0]!r} in {source.path}; found none of {len(rows)}. Correct "
            f"`photos` in {catalogue.path}, or the place of the data."
        )
    absent = step.rows["photo"].isin(rows.loc[missing, "photo"])
    step = step.drop(absent, "missing photo", "missing: there is no such file")
    require_items(step, catalogue.title, least=1)
    photos = list(step.rows["photo"])
    every = all_photos(step.rows)
    if arguments.download:
        source.fetch(every, again=True)
    print(f"  opened  {_opened(source, photos)}")
    for line in _downloaded_lines(source, every):
        print(f"  {line}")


def column_lines(catalogue: Catalogue, raw: RawTable, rows: pd.DataFrame) -> Iterator[str]:
    """A line for each column: ours, the table's, and its values."""
    wide = max(map(len, catalogue.columns))
    wider = max(len(theirs) for theirs in catalogue.columns.values())
    for ours, theirs in catalogue.columns.items():
        yield f"column  {ours:{wide}}  {theirs:{wider}}  {values_in_short(list(rows[ours]))}"
    patterns = (catalogue.photos, *catalogue.more_photos)
    used = {*catalogue.columns.values(), *(name for pattern in patterns for name in columns_of(pattern))}
    if others := [name for name in raw.header if name not in used and not name.startswith("#")]:
        yield f"unused  {', '.join(others[:20])}{' ...' if len(others) > 20 else ''}"


def values_in_short(values: Sequence[str]) -> str:
    """A column's values in a few words: words with how often each stands, or some of many; and how many are missing.

    Examples
    --------
    >>> values_in_short(["red", "red", "blue", "red", ""])
    '2 words: red 3, blue 1; 1 missing'
    """
    counts = Counter(value for value in values if value)
    missing = len(values) - counts.total()
    told = {
        value: value if len(value) <= SHOWN else f"{value[: SHOWN - 1]}…" for value, _ in counts.most_common(FREQUENT)
    }
    if 2 * len(counts) <= counts.total() and len(counts) <= WORDS:
        said = f"{len(counts)} word{'s' * (len(counts) != 1)}: " + ", ".join(
            f"{w} {counts[v]}" for v, w in told.items()
        )
        said += ", ..." if len(counts) > len(told) else ""
    else:
        said = f"{len(counts)} different: " + ", ".join([*told.values()][:3]) + (", ..." if len(counts) > 3 else "")
    return (said if counts else "nothing") + (f"; {missing} missing" if missing else "")


def _photo_lines(catalogue: Catalogue, raw: RawTable, rows: pd.DataFrame, missing: pd.Series) -> Iterator[str]:
    """Lines on the photos: how many are web addresses, how many were found, and how many by another name."""
    from fashion.catalogue.table import photos_named

    column = column_alone(catalogue.photos)
    if column in raw.photos:
        yield f"photos  in the column {column}"
        return
    if addresses := sum(map(is_address, rows["photo"])):
        yield f"photos  {addresses} of {len(rows)} are web addresses"
        if addresses + missing.sum() == len(rows):
            return
    other = sum(map(str.__ne__, rows["photo"], photos_named(catalogue, raw)))
    yield (
        f"photos  {len(rows) - missing.sum()} of {len(rows)} found"
        + (f", {other} by a name that looks equal or has a suffix" if other else "")
        + (f", missing e.g. {rows.loc[missing, 'photo'].iloc[0]}" if missing.any() else "")
    )


def _downloaded_lines(source: Source, photos: Sequence[str]) -> Iterator[str]:
    """Lines on how many of the photos by address were downloaded, and on those that failed."""
    addresses = [photo for photo in photos if is_address(photo)]
    if addresses and source.downloads:
        there = sum(bool(source.signature(photo)) for photo in addresses)
        yield f"on disk {there} of {len(addresses)} photos by address, in {source.downloads.folder}"
        dead = [f"{photo}: {said}" for photo in addresses if (said := source.downloads.problem(photo))]
        if dead:
            yield f"dead    {len(dead)} of them, e.g. {dead[0]}; --download retries them"


def _opened(source: Source, photos: Sequence[str]) -> str:
    """A phrase on how many photos, of some spread over the table, are whole.

    Raises
    ------
    CatalogueError
        When none is.
    """
    try:
        from fashion.photos.measures import open_photo
    except ImportError:
        return "none of the photos: OpenCV cannot be loaded; fashion doctor says why"
    chosen = [photos[n * len(photos) // OPENED] for n in range(OPENED)] if len(photos) > OPENED else photos
    source.fetch(chosen)
    problems = [problem for photo in chosen if (problem := open_photo(source, photo)[0]["problem"])]
    if len(problems) == len(chosen):
        raise CatalogueError(
            f"expected photos that can be read in {source.path}; found none among the {len(chosen)} that were opened, "
            f"the first: {problems[0]}. Fetch the photos again, or correct `photos`."
        )
    return f"{len(chosen)} of the photos: {len(chosen) - len(problems)} are whole" + (
        f"; the first that is not: {problems[0]}" if problems else ""
    )
