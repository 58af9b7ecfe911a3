"""Changes of a catalogue since its report: items added, removed and renewed. `writing` makes them.

Each change is a folder of its own beside the report's artefacts, whole or absent. The report's own files are never
touched, so a change is only good for the table and the networks that it was made for, and says which these were. All of
them, in their order, make the catalogue as it is now (`Present`).
"""

from __future__ import annotations

import json
import shlex
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.checksums import sha256_file
from fashion.core.errors import ArtefactError
from fashion.core.paths import found_place
from fashion.core.workspace import WRITTEN_AT, Workspace

#: The report's files on which a change's vectors depend.
MADE_WITH = ("items.parquet", "selection.npz", "attributes.npz", "attributes.json")

#: Embeddings of a report and of each change: photo and known words, the photo alone, the frozen backbone alone.
EMBEDDINGS = ("described", "learned", "frozen")

#: Every array of a change: its embeddings, the fingerprints of near-duplicates, and what new words are described from.
ARRAYS = (*EMBEDDINGS, "max_pooled", "pixels", "multilayer", "colour_grid")

#: Columns of a change's items that a report's table does not have.
OF_CHANGES = ("added", "near_duplicate_of")


@dataclass(frozen=True)
class Change:
    """Items that were added, removed or renewed together.

    Attributes
    ----------
    folder : Path
        Its name is the key of the content.
    record : dict
        change.json: `kind` ("add", "sync" or "remove"), `number` (the order), `catalogue`, `data` (where the new photos
        are), `table`, `made_with` (the report's files -> SHA-256), `removed` (names; first of all), `measured` (names
        of items whose colour word was measured), `counts`.
    items : DataFrame
        New and renewed items, with the columns of the report's items table, and `added`: the key of the change whose
        `data` holds the photo, empty for the report's own; and `near_duplicate_of`: the near-duplicate of a new item
        among earlier ones, empty where there is none.
    """

    folder: Path
    record: dict[str, Any]
    items: pd.DataFrame

    @property
    def key(self) -> str:
        """The key of its content."""
        return self.folder.name

    def photos(self) -> pd.DataFrame:
        """Every photo of its items: `row` (of its items), `photo`, `sha256`."""
        return pd.read_parquet(self.folder / "photos.parquet")

    def vectors(self, name: str) -> NDArray[np.float32]:
        """One of `ARRAYS`, a row an item, memory-mapped."""
        vectors: NDArray[np.float32] = np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return vectors


@dataclass(frozen=True)
class Present:
    """A catalogue as it is now: its report, and the changes since.

    A removed item is gone. An item of a change that has the name of one that is there takes its place; others come
    last, so that the report's own items come first, in the report's order.

    Attributes
    ----------
    report : DataFrame
        The report's items.
    changes : sequence of Change
        In their order.
    part, row : ndarrays of int, shape (n,)
        Of each item, whose row it is: 0 for the report, i + 1 for `changes[i]`; and the row there.
    own : ndarray of int, shape (m,)
        The report's row of each of the first m items, which are the report's own, renewed or not.

    Examples
    --------
    >>> report = pd.DataFrame({"item": ["a", "b", "c"], "colour": ["red", "red", "blue"]})
    >>> new = pd.DataFrame({"item": ["d", "c"], "colour": ["grey", "navy"], "added": "k", "near_duplicate_of": ""})
    >>> present = Present.of(report, [Change(Path("k"), {"removed": ["a"]}, new)])
    >>> present.items[["item", "colour"]].to_numpy().tolist()
    [['b', 'red'], ['c', 'navy'], ['d', 'grey']]
    >>> present.own.tolist()
    [1, 2]
    """

    report: pd.DataFrame
    changes: Sequence[Change]
    part: NDArray[np.int64]
    row: NDArray[np.int64]
    own: NDArray[np.int64]

    @classmethod
    def of(cls, report: pd.DataFrame, changes: Sequence[Change]) -> Present:
        """A report's items with changes, in their order."""
        if not changes:
            rows = np.arange(len(report))
            return cls(report, changes, np.zeros_like(rows), rows, rows)
        place = {name: (0, row) for row, name in enumerate(report["item"])}
        home = {name: row for row, name in enumerate(report["item"])}
        for part, change in enumerate(changes, start=1):
            for name in change.record["removed"]:
                place.pop(name, None), home.pop(name, None)
            place |= {name: (part, row) for row, name in enumerate(change.items["item"])}
        both = np.array(list(place.values()), np.int64).reshape(-1, 2)
        return cls(report, changes, both[:, 0], both[:, 1], np.array(list(home.values()), np.int64))

    @property
    def untouched(self) -> bool:
        """Whether nothing has changed since the report."""
        return len(self.row) == len(self.report) and not self.part.any()

    def without(self, names: Collection[str]) -> Present:
        """The catalogue without some items."""
        kept = ~self.items["item"].isin(list(names)).to_numpy(bool)
        return replace(self, part=self.part[kept], row=self.row[kept], own=self.own[kept[: len(self.own)]])

    @cached_property
    def items(self) -> pd.DataFrame:
        """The items table, index 0..n-1, with `added` and `near_duplicate_of`, both empty for the report's own."""
        tables = [self.report.assign(added="", near_duplicate_of=""), *(change.items for change in self.changes)]
        if self.untouched:
            return tables[0]
        starts = np.cumsum([0, *(len(table) for table in tables)])
        joined = pd.concat([table for table in tables if len(table)], ignore_index=True)
        return joined.iloc[starts[self.part] + self.row].reset_index(drop=True)

    @property
    def report_rows(self) -> NDArray[np.int64]:
        """For each of the report's rows the item that has its vectors, -1 where it is gone or renewed."""
        rows = np.full(len(self.report), -1)
        here = np.flatnonzero(self.part == 0)
        rows[self.row[here]] = here
        return rows

    def array(self, name: str, report: NDArray, rows: NDArray[np.integer] | None = None) -> NDArray:
        """One of `ARRAYS`, a row an item, from the report's; that itself where nothing changed.

        With `rows`, those of `items` alone.
        """
        if self.untouched:
            return report if rows is None else report[rows]
        part, row = (self.part, self.row) if rows is None else (self.part[rows], self.row[rows])
        array = np.empty((len(row), *report.shape[1:]), report.dtype)
        for number in np.unique(part):
            here = part == number
            array[here] = (self.changes[number - 1].vectors(name) if number else report)[row[here]]
        return array

    def photos(self, report: pd.DataFrame) -> pd.DataFrame:
        """Every photo of every item: `row` (of `items`), `photo`, `sha256`; each item's shown photo comes first.

        Parameters
        ----------
        report : DataFrame
            From `Workspace.photos`.
        """
        tables = [report, *(change.photos() for change in self.changes)]
        kept = []
        for part, photos in enumerate(tables):
            here = np.flatnonzero(self.part == part)
            place = pd.Series(here, index=self.row[here])
            rows = photos["row"].map(place)
            kept.append(photos.assign(row=rows)[rows.notna().to_numpy()])
        joined = pd.concat(kept, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
        return joined.astype({"row": "int64"})

    def gone(self) -> list[str]:
        """Names of items that the report or a change had and that the catalogue no longer has, sorted."""
        names = set(self.report["item"]).union(*(change.items["item"] for change in self.changes))
        return sorted(names - set(self.items["item"]))


def changes_folder(workspace: Workspace) -> Path:
    """The folder of a catalogue's changes."""
    return workspace.processed / "changes"


def made_with(workspace: Workspace) -> dict[str, str]:
    """The report's files that changes depend on -> SHA-256.

    Raises
    ------
    ArtefactError
        When there is no report yet.
    """
    return {name: sha256_file(workspace.need(name)) for name in MADE_WITH}


def command_of(record: dict[str, Any]) -> str:
    """The command that makes a change again."""
    words = ["fashion", record["kind"], "--catalogue", str(record["catalogue"])]
    if record["kind"] == "remove":
        return shlex.join([*words, *record["removed"]])
    words += ["--data", str(record["data"])]
    return shlex.join([*words, "--keep-unknown"] if record.get("keep_unknown") else words)


def places_of(record: dict[str, Any]) -> list[str]:
    """The keys of a change.json that say where something lies; kept by `paths.kept_place`."""
    return ["data"] * bool(record["data"]) + ["catalogue"] * str(record["catalogue"]).endswith(".toml")


def _open(folder: Path) -> Change:
    record = json.loads((folder / "change.json").read_text(encoding="utf-8"))
    root = folder.parents[2]  # of all catalogues' artefacts
    written_at = record.pop(WRITTEN_AT, "")
    record |= {name: str(found_place(record[name], root, written_at)) for name in places_of(record)}
    change = Change(folder, record, pd.read_parquet(folder / "items.parquet"))
    for name in ARRAYS if len(change.items) else ():
        vectors = change.vectors(name)
        if vectors.ndim < 2 or len(vectors) != len(change.items):
            raise ValueError(f"{name}.npy has shape {vectors.shape}, items.parquet {len(change.items)} rows")
    int(record["number"]), command_of(record), dict(record["made_with"])  # what is read later must be there
    return change


def read_all(workspace: Workspace) -> tuple[list[Change], list[Change], list[Path]]:
    """Every change of a catalogue, in their order.

    Returns
    -------
    current, stale : list of Change
        Made with the report's present files, and with others.
    damaged : list of Path
        Folders that cannot be read.
    """
    changes, damaged = [], []
    for folder in sorted(changes_folder(workspace).glob("[0-9a-f]*")):
        try:
            changes.append(_open(folder))
        except Exception:  # whatever a damaged file raises
            damaged.append(folder)
    if not changes:
        return [], [], damaged
    now = made_with(workspace)
    changes.sort(key=lambda change: (change.record["number"], change.key))
    current = [change for change in changes if change.record["made_with"] == now]
    return current, [change for change in changes if change.record["made_with"] != now], damaged


def table_columns(items: pd.DataFrame) -> list[str]:
    """Columns of an items table that say what the catalogue's table says of an item."""
    measured = {"item", "photo", "sha256", "phash", "garment_hex", "problem", *OF_CHANGES}
    return [str(column) for column in items if items[column].dtype == object and column not in measured]


def is_held(change: Change, items: pd.DataFrame) -> bool:
    """Whether a catalogue's items already hold what a change to an earlier report made."""
    columns = ["item", "sha256", *(column for column in table_columns(change.items) if column in items)]
    wanted, there = (set(map(tuple, table[columns].to_numpy())) for table in (change.items, items))
    return wanted <= there and (set(change.record["removed"]) - set(change.items["item"])).isdisjoint(items["item"])


def from_last_sync(changes: Sequence[Change]) -> list[Change]:
    """The changes from the last sync on: a sync with the whole table needs none before it."""
    last = max((place for place, change in enumerate(changes) if change.record["kind"] == "sync"), default=0)
    return list(changes[last:])


def load(workspace: Workspace) -> list[Change]:
    """The changes that fit the present report, in their order.

    Others are left out; with one warning, which names the commands that renew them, where the catalogue is not as they
    made it.
    """
    current, stale, damaged = read_all(workspace)
    if stale:
        items = Present.of(workspace.items(), current).items
        stale = [change for change in from_last_sync(stale) if not is_held(change, items)]
    lines = [
        f"  {len(change.items)} items, {len(change.record['removed'])} removed: {command_of(change.record)}"
        for change in stale
    ]
    lines += [f"  damaged, remove it and make the change again: {folder}" for folder in damaged]
    if lines:
        warnings.warn(
            f"expected changes made with the present report of {workspace.catalogue}; {len(lines)} in "
            f"{changes_folder(workspace)} were made with another one, or are damaged, and are left out. Renew them:\n"
            + "\n".join(lines),
            stacklevel=2,
        )
    return current


def present(workspace: Workspace, report: pd.DataFrame | None = None) -> Present:
    """The catalogue as it is now; `report` are the report's items where they have been read already."""
    return Present.of(workspace.items() if report is None else report, load(workspace))


def with_changes(
    workspace: Workspace,
    name: str,
    items: pd.DataFrame | None = None,
    vectors: NDArray[np.float32] | None = None,
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """The items and vectors of a catalogue as it is now.

    Parameters
    ----------
    workspace : Workspace
    name : str
        One of `ARRAYS`.
    items, vectors : optional
        The report's own, where they have been read already.

    Returns
    -------
    items : DataFrame
        As `Present.items`.
    vectors : ndarray, shape (n, d)
        Memory-mapped where nothing changed.
    """
    now = present(workspace, items)
    return now.items, now.array(name, workspace.vectors(name) if vectors is None else vectors)


def data_of(changes: Sequence[Change], key: str) -> tuple[Path, str]:
    """The place of a change's photos, and the name of its table.

    Raises
    ------
    ArtefactError
        When there is no such change, as its folder is damaged.
    """
    for change in changes:
        if change.key == key:
            return Path(change.record["data"]), str(change.record["table"])
    raise ArtefactError(
        f"expected the change {key}, whose data hold photos of this catalogue; found it missing or damaged. Run "
        "`fashion sync` with the present table: it renews what is damaged."
    )
