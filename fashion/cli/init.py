"""The command `fashion init`: a TOML for any catalogue, from what is in its folder, zip, tar or table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fashion.core.errors import CatalogueError

if TYPE_CHECKING:
    from fashion.catalogue.definition import Catalogue
    from fashion.catalogue.proposal import Proposal

TITLE = "write the TOML of a catalogue of your own"

TEXT = """\
Look at a folder, zip, tar or table of clothes, and write the TOML that the other commands take: the table and photos
found, what each column means and why it seems so, and the first rows. It knows the exports of Shopify,
WooCommerce, Magento, Google Merchant Center, Kaggle's Fashion Product Images and H&M, image sets of Hugging Face,
folders of classes, and folders of photos without a table. It asks no questions; what it cannot
tell becomes a commented line."""

EXAMPLES = "  fashion init products_export.csv\n  fashion init shop.zip --to shop.toml"

PARENTS = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fashion init`."""
    parser.add_argument("data", type=Path, metavar="DATA", help="folder, zip, tar or table")
    parser.add_argument("--to", type=Path, metavar="TOML", help="file to write (default: the catalogue's name, here)")
    parser.add_argument("--name", metavar="NAME", help="the catalogue's name (default: derived from DATA's)")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")


def run(arguments: argparse.Namespace) -> None:
    """Propose a TOML, check that it can be read, print why, and write it."""
    from fashion.catalogue.proposal import propose, toml_of, usable_name
    from fashion.catalogue.unpacked import unpacked_folder
    from fashion.core.files import write_whole
    from fashion.core.paths import at_home

    data = at_home(arguments.data)
    proposal = propose(data, unpacked_folder())
    stem = data.resolve().name
    for ending in (".gz", ".tar", *([data.suffix] if data.is_file() else [])):
        stem = stem.removesuffix(ending)
    name = arguments.name or usable_name(stem)
    path = (at_home(arguments.to) if arguments.to else Path(f"{name}.toml")).resolve()
    if path.suffix.lower() != ".toml":
        raise CatalogueError(f"expected the name of a .toml file for --to; found {path.name!r}. Add .toml to it.")
    if path.exists() and not arguments.force:
        raise CatalogueError(
            f"expected no file at {path}; found one. Give another name with --to, or overwrite it with --force."
        )
    text = toml_of(proposal, name, stem.replace("_", " ").replace("-", " ").strip() or name, _place(proposal, path))
    lines = _checked(proposal, text, path)
    print("\n".join(lines))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda aside: aside.write_text(text, encoding="utf-8"))
    print(f"written  {path}")
    shown = _as_typed(path)
    print(f"next     make report CATALOGUE={shown}   (or: fashion report --catalogue {shown})")


def _as_typed(path: Path) -> str:
    """A path as it can be typed here."""
    shown = str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
    return f'"{shown}"' if " " in shown else shown


def _place(proposal: Proposal, path: Path) -> str:
    """The data as the TOML names it: relative where it lies below what TOMLs are relative to, else absolute."""
    from fashion.core.paths import project_root

    data, folder = proposal.source.path.resolve(), path.parent
    base = project_root() if path.is_relative_to(project_root()) else folder
    return data.relative_to(base).as_posix() if data.is_relative_to(base) else data.as_posix()


def _checked(proposal: Proposal, text: str, path: Path) -> list[str]:
    """Read the TOML as a report reads it; the lines to print.

    Raises
    ------
    CatalogueError
        When it leaves too few rows to study.
    """
    from fashion.catalogue.cleaning import LEAST_ITEMS, clean_table, require_items
    from fashion.catalogue.definition import parse_catalogue
    from fashion.catalogue.proposal import preview
    from fashion.catalogue.table import in_our_columns, read_as_described

    if proposal.guess.photo is None:
        columns = ", ".join(proposal.raw.header[:20])
        raise CatalogueError(
            f"expected a column of {proposal.table} that names photos in {proposal.source.path}, or their web "
            f"addresses; found the columns {columns} and {proposal.photos} photos. Name the folder, zip or tar that "
            "holds table and photos, or write a TOML (data/README.md)."
        )
    catalogue = parse_catalogue(text, path)
    raw = read_as_described(catalogue, proposal.source)
    rows, malformed = in_our_columns(catalogue, proposal.source, raw)
    step, counts = clean_table(catalogue, rows, malformed)
    if len(rows) < LEAST_ITEMS:
        raise CatalogueError(
            f"expected at least {LEAST_ITEMS} items to study in {proposal.source.path}; found {len(rows)}. Name "
            "data with more items."
        )
    require_items(step, str(proposal.source.path))
    return [
        *_reasons(proposal, catalogue),
        "",
        *preview(rows),
        "",
        _counted(len(rows), step.rejected["reason"].tolist(), counts.joined),
    ]


def _counted(read: int, reasons: list[str], further: int) -> str:
    from collections import Counter

    dropped = ", ".join(f"{count} {reason}" for reason, count in Counter(reasons).items())
    joins = f"; {further} joined to an item as further photos" if further else ""
    return f"rows     {read} read{joins}" + (f"; dropped before photos are read: {dropped}" if dropped else "")


def _reasons(proposal: Proposal, catalogue: Catalogue) -> list[str]:
    from fashion.catalogue.source import LISTING, is_photo

    guessed = proposal.guess
    photos = f"{proposal.photos} photos" if proposal.photos else "no photo files"
    lines = [f"data     {proposal.source.path} ({photos})"]
    lines.append(f"table    {proposal.table}: {proposal.raw.said}; {len(proposal.raw.rows)} rows")
    if proposal.others:
        why = " (no column of it names photos)" if proposal.table == LISTING else ""
        shown = ", ".join(proposal.others[:5]) + (" ..." if len(proposal.others) > 5 else "")
        lines.append(f"         ignored: {shown}{why}")
    lines += [f"         cannot be read: {trouble}" for trouble in proposal.troubles[:5]]
    if guessed.export:
        lines.append(f"kind     {guessed.export.name}, by its columns {', '.join(guessed.export.header)}")
    lines.append("")
    assert guessed.photo is not None
    further = {f"photo {n}": choice for n, choice in enumerate(guessed.more_photos, start=2)}
    chosen = {"item": guessed.columns["item"], "photo": guessed.photo, **further, **guessed.columns}
    wide, wider = max(map(len, [*chosen, *guessed.candidates])), max(len(choice.theirs) for choice in chosen.values())
    lines += [f"{ours:{wide}}  {choice.theirs:{wider}}  {choice.why}" for ours, choice in chosen.items()]
    for ours, named in guessed.candidates.items():
        lines.append(
            f"{ours:{wide}}  not recognised{': one of ' + ', '.join(named) + '?' if named else ', no column fits'}"
        )
    if any(is_photo(name) or "://" in name for name in proposal.raw.header):
        lines.append("The header looks like data: a first line with the columns' names seems to be missing. Add one.")
    if catalogue.category_path:
        lines.append(f"Categories are paths by {catalogue.category_path!r}: the last step counts.")
    if "colour" not in guessed.columns:
        lines.append("No column of colours: they will be measured from the photos.")
    if "category" not in guessed.columns:
        lines.append("No column of categories: recommendations will follow looks and colour alone.")
    return lines
