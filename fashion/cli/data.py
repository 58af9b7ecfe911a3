"""The command `fashion data`: makes the sample, or checks a catalogue's table, words and photos."""

from __future__ import annotations

import argparse

from fashion.cli.options import parent
from fashion.core.errors import CatalogueError

TITLE = "make the sample, or check a catalogue's data"

TEXT = """\
Check that a catalogue's table can be read, that its words are known and that its photos are there (the report opens
them). The sample is made if it is missing."""

EXAMPLES = "  fashion data\n  fashion data -c imagelab --data imagelab.zip"

PARENTS = (parent("catalogue", "data", "keep_unknown"),)


def run(arguments: argparse.Namespace) -> None:
    """Check the data, and print what is there."""
    from fashion.catalogue.cleaning import clean_table, require_items
    from fashion.catalogue.definition import load_catalogue, open_catalogue
    from fashion.catalogue.identity import open_workspace
    from fashion.catalogue.table import read_table
    from fashion.catalogue.translation import GLOSSARIES, glossaries
    from fashion.core.checksums import sha256_file

    catalogue = load_catalogue(arguments.catalogue)
    open_workspace(catalogue)  # a report could not run where another catalogue has its name
    source = open_catalogue(catalogue, arguments.data)
    rows, malformed = read_table(catalogue, source)
    names = set(source.names())
    missing = [photo for photo in rows["photo"] if source.base + photo not in names]
    print(f"{catalogue.title}: {source.path}")
    if source.path.is_file():
        print(f"  sha256  {sha256_file(source.path)}")
    step, _ = clean_table(catalogue, rows, malformed, keep_unknown=arguments.keep_unknown)
    repeated = int(step.rejected["reason"].isin(["null row", "duplicate row", "duplicate item"]).sum())
    print(f"  table   {catalogue.table}: {len(rows)} rows, {len(malformed)} malformed, {repeated} null or repeated")
    for line in malformed.head(5).itertuples():
        print(f"          row {line.row}: {line.reason}")
    print(
        f"  photos  {len(rows) - len(missing)} of {len(rows)} found"
        + (f", missing e.g. {missing[0]}" if missing else "")
    )
    require_items(step, catalogue.title, least=1)
    counts = [f"{step.rows[c].nunique()} {c} words" for c in ("colour", "category", "department") if c in rows]
    translated = any(
        glossaries(column, catalogue.language, catalogue.glossary) for column in GLOSSARIES if column in rows
    )
    known = "all known" if translated and not arguments.keep_unknown else "kept as they are"
    print(f"  words   {', '.join(counts)}: {known}")
    print(f"  terms   {catalogue.terms}")
    if len(missing) == len(rows):
        raise CatalogueError(
            f"expected photos such as {missing[0]!r} in {source.path}; found none of {len(rows)}. Correct `photos` in "
            f"{catalogue.path}, or the place of the data."
        )
    absent = step.rows["photo"].isin(missing)
    require_items(step.drop(absent, "missing photo", "missing: there is no such file"), catalogue.title, least=1)
