"""Ownership of a catalogue's folders: two catalogues of one name never share results.

A run writes, first of all, which TOML its folders are made for (`catalogue.json`); every command that opens a catalogue
looks there (`open_workspace`). The folders are a TOML's own

* where it lies at the same path: edited or not, it is the same catalogue (its report is renewed if need be);
* where it says the same as the one that they were made for, and that one is gone, or reads the same data: it was moved
  or copied;
* where it was moved and edited, the old one is gone, and its table is the very one that the report read;
* where the old one is gone before anything was made for it.

Any other TOML of that name is another catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fashion.catalogue.definition import Catalogue, load_catalogue
from fashion.catalogue.source import open_source
from fashion.core.errors import CatalogueError, FashionError
from fashion.core.files import told_json, write_json
from fashion.core.workspace import OWNER, PROVENANCE, Workspace


@dataclass(frozen=True)
class _Owner:
    """The TOML that a folder was made for: its path (or a shipped catalogue's name), what it said, and its table."""

    toml: str
    content: str = ""
    table: str = ""


def toml_of(catalogue: Catalogue) -> str:
    """A shipped catalogue's name, or else the path of the TOML."""
    return catalogue.name if catalogue.is_shipped else str(catalogue.path)


def open_workspace(
    catalogue: Catalogue | str | Path, processed: str | Path | None = None, reports: str | Path | None = None
) -> Workspace:
    """The folders of a catalogue, which no other catalogue of its name has taken; nothing is written.

    Parameters
    ----------
    catalogue : Catalogue, str or Path
        Or its name, or the path of its TOML.
    processed, reports : str or Path, optional
        As in `Workspace`.

    Raises
    ------
    CatalogueError
        When the folders are another catalogue's; names both TOMLs.
    """

    def checked(name: str) -> object:
        return told_json(Workspace(name, processed, reports).processed / OWNER).get("content")

    entry = catalogue if isinstance(catalogue, Catalogue) else load_catalogue(catalogue, checked)
    workspace = Workspace(entry.name, processed, reports, toml=toml_of(entry))
    for folder in (workspace.processed, workspace.report):
        owner = _owner_of(folder)
        if owner and not _same(entry, owner):
            raise CatalogueError(
                f"expected one catalogue of the name {entry.name!r}; found two: {folder} is that of {owner.toml}, and "
                f"{entry.path} is another one. Give one of them another `name`. If it is the same catalogue, moved and "
                f"changed, or the other one is not needed any more, remove {workspace.processed} and "
                f"{workspace.report}."
            )
    return workspace


def take(workspace: Workspace, catalogue: Catalogue) -> None:
    """Record the owner of the folders; to be called by a run that holds them (`locking.only_one`).

    Raises
    ------
    CatalogueError
        When another catalogue of the name took them since they were opened.
    """
    open_workspace(catalogue, workspace.processed_root, workspace.report.parent)
    for folder in (workspace.processed, workspace.report):
        now = {"toml": toml_of(catalogue), "content": catalogue.content}
        if told_json(folder / OWNER) != now:
            write_json(folder / OWNER, now)


def _owner_of(folder: Path) -> _Owner | None:
    """The TOML that a folder of artefacts or of a report was made for; None where nothing says so.

    Of runs before `catalogue.json` was written, source.json or provenance.json says it.
    """
    owner, source, told = (told_json(folder / name) for name in (OWNER, "source.json", PROVENANCE))
    settings, sums = (value if isinstance(value := told.get(key), dict) else {} for key in ("settings", "checksums"))
    table = str(source.get("table_sha256") or sums.get("table") or "")
    toml = owner.get("toml") or source.get("catalogue_toml")
    if not toml and (given := settings.get("catalogue")):
        # A path that is relative was so to a place that nobody knows any more.
        toml = given if Path(given).is_absolute() or not str(given).lower().endswith(".toml") else None
    return _Owner(str(toml), str(owner.get("content", "")), table) if toml else None


def _same(entry: Catalogue, owner: _Owner) -> bool:
    """Whether a catalogue is the one that a folder was made for (see the top of this file)."""
    if toml_of(entry) == owner.toml:
        return True
    if entry.is_shipped or not owner.toml.lower().endswith(".toml"):
        return False
    old = Path(owner.toml)
    try:
        if old.samefile(entry.path):
            return True
    except OSError:
        pass  # it is gone
    try:
        there = load_catalogue(old) if old.exists() else None
    except (FashionError, OSError):
        there = None  # no catalogue of this name any more
    if there and there.name == entry.name:
        return there.content == entry.content and _same_data(entry, there, owner)
    # Nothing was made for one that is gone, or what it said, or the very table that it read, is this one's.
    return not owner.table or owner.content == entry.content != "" or _table_of(entry) == owner.table


def _same_data(entry: Catalogue, there: Catalogue, owner: _Owner) -> bool:
    """Whether two TOMLs of the same text name the same data: `data` may be relative to each TOML's place."""
    if entry.data and there.data and entry.data.resolve() == there.data.resolve():
        return True
    table = _table_of(entry)
    return table != "" and table == (owner.table or _table_of(there))


def _table_of(entry: Catalogue) -> str:
    """SHA-256 of a catalogue's table; empty where it is missing."""
    try:
        if entry.data is None or not entry.data.exists():
            return ""
        return open_source(entry.data, entry.table).table_checksum()
    except (FashionError, OSError):
        return ""
