"""Bringing a catalogue to its new table, and removing items: nothing is embedded twice or trained again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.addresses import Downloads, downloads_folder, is_address
from fashion.catalogue.cleaning import CROWD, LEAST_ITEMS, Cleaning, all_photos, clean_table
from fashion.catalogue.definition import Catalogue, open_catalogue
from fashion.catalogue.source import Source, open_source
from fashion.catalogue.unpacked import unpacked_folder
from fashion.core.checksums import sha256_bytes
from fashion.core.errors import CatalogueError, FashionError
from fashion.core.progress import tracked
from fashion.core.workspace import Workspace
from fashion.embedding.extraction import ahead
from fashion.photos.metadata import kept_metadata, signatures_of
from fashion.recommendation.add_items import Arrivals, look_at, read_rows, untaught_words, with_hubs
from fashion.recommendation.changes import ARRAYS, Change, Present, data_of, read_all, table_columns
from fashion.recommendation.filters import QueryError
from fashion.recommendation.item_names import ItemNames
from fashion.recommendation.photo_encoder import PhotoEncoder
from fashion.recommendation.write_change import (
    HERE,
    drop_folders,
    record_of,
    reported,
    write_change,
)

#: Share of a catalogue's items that a sync takes away without being told to: a table that was cut short lacks more.
MOST_GONE = 0.5

#: In `Synced.changed`, beside the table's columns: other photos; and the same photos in another place.
PHOTO, PLACE = "photo", "place of the photo"


@dataclass(frozen=True)
class Synced:
    """The outcome of `sync`, or of `remove`.

    Attributes
    ----------
    change : Change or None
        None if nothing changed.
    read : int
        Rows of the table.
    came, went : list of str
        Names of items.
    changed : dict of str to list of str
        Column, `PHOTO` or `PLACE` -> names of the items in which it changed.
    kept : list of str
        Items that stay as they were, as their rows were rejected, or may be among the malformed ones.
    unsure : list of str
        Those of `kept` that no row names, while rows of unknown items are malformed.
    rejected : DataFrame
        Rows that were skipped: `row`, `item`, `photo`, `reason`, `detail`.
    lost : list of str
        Items that are still there and whose photos are in no place any more: neither in the new data, nor where the
        report or a change found them.
    not_taken : int
        Rows that the report's sample (LIMIT, FIRST) left out, and that stay out.
    embedded, reused : int
        Photos of new and newly photographed items that went through the network, and those whose vectors were in the
        store.
    untaught : dict
        As in `add_items.Added`, of new and changed items.
    seconds : float
    """

    change: Change | None
    read: int = 0
    came: list[str] = field(default_factory=list)
    went: list[str] = field(default_factory=list)
    changed: dict[str, list[str]] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    rejected: pd.DataFrame = field(default_factory=pd.DataFrame)
    lost: list[str] = field(default_factory=list)
    not_taken: int = 0
    embedded: int = 0
    reused: int = 0
    untaught: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def renewed(self) -> list[str]:
        """Names of all items that changed."""
        return list(dict.fromkeys(name for names in self.changed.values() for name in names))


def sync(
    workspace: Workspace,
    catalogue: Catalogue,
    data: str | Path | None = None,
    *,
    weights: str | Path | None = None,
    keep_unknown: bool = False,
    force: bool = False,
    progress: bool = True,
) -> Synced:
    """Bring a catalogue with a report to a new table of all its items, as one change; doing it twice changes nothing.

    New items are added as `add_items.add` adds them, items that no row names are removed, and items whose words, title,
    price, link or photos differ are renewed. An item whose row is rejected stays as it was; since a malformed row may
    be that of any item that no other row names, all of these stay while there is one.

    Parameters
    ----------
    workspace : Workspace
        With a report.
    catalogue : Catalogue
        The report's.
    data : str or Path, optional
        Folder, zip or tar of the new table; the catalogue's own if not given. Photos of known items may be missing.
    weights : str or Path, optional
        The backbone's weights file, where the report was given one.
    keep_unknown : bool
        Keep words that the glossary lacks, untranslated.
    force : bool
        Remove also more than `MOST_GONE` of all items, and those that no row names while rows are malformed.
    progress : bool

    Raises
    ------
    ArtefactError
        When there is no report, or its files do not fit together.
    CatalogueError, TranslationError
        When the table cannot be read or translated, or lacks most items.
    WeightsError
        When photos are new and the report's backbone is unavailable.
    """
    begin = time.perf_counter()
    base, stamp = reported(workspace)
    current, stale, damaged = read_all(workspace)
    now = Present.of(base, current)
    source = open_catalogue(catalogue, data, workspace.processed_root)
    rows, malformed = read_rows(catalogue, source)
    step, counted = clean_table(
        catalogue, rows, malformed, keep_unknown=keep_unknown, colour_optional="colour" not in rows
    )
    left_out = step.rows["item"].isin(_not_taken(workspace, catalogue, base, rows))
    table = step.rows[~left_out].reset_index(drop=True)
    no_garments = set(step.rejected.loc[step.rejected["reason"] == "not a garment", "item"])
    absent = sorted(set(now.items["item"]) - set(rows["item"]))
    dropped = set(now.items["item"]) & no_garments
    _require_most(now, [*absent, *dropped], catalogue, source, force)
    unsure = absent if len(malformed) and not force else []
    went = sorted(dropped.union(absent).difference(unsure))

    difference = _Difference(workspace, catalogue, source, now, table, progress)
    encoder = PhotoEncoder(workspace, weights)
    looked_at = table[difference.is_new | difference.other_photos].reset_index(drop=True)
    there = now.without({*went, *looked_at["item"]})
    new = look_at(encoder, source, Cleaning(looked_at, step.rejected), there, progress=progress)
    new = _without(new, difference.same_after_all(new))
    columns = difference.columns_of(new.items["item"])
    renewed = _renewed(encoder, difference, [name for name in columns if name not in set(new.items["item"])], columns)
    both = _joined(renewed, new)
    came = [name for name in new.items["item"] if name not in difference.known]
    other = [name for name in new.items["item"] if name in difference.known]
    rejected = set(new.rejected["item"]) & set(now.items["item"]) - set(went) - {*other, *table["item"]}
    kept = sorted(rejected.union(unsure))
    changed = _by_column(columns)
    elsewhere = {name for name, said in columns.items() if {PHOTO, PLACE} & set(said)}
    lost = [name for name in difference.without_place() if name not in elsewhere.union(went)]
    change = None
    if len(both.items) or went:
        counts: dict[str, Any] = {"read": counted.read, "came": len(came), "went": len(went), "changed": len(columns)}
        counts |= {"skipped": new.rejected["reason"].value_counts().to_dict()}
        record = record_of(
            "sync", catalogue, stamp, [*current, *stale], source, keep_unknown=keep_unknown,
            removed=[*went, *other], measured=both.measured, counts=counts,
        )  # fmt: skip
        change = write_change(workspace, both.items, both.photos, both.vectors, record, new.rejected)
    needless = [*(one.folder for one in stale), *damaged]
    drop_folders([folder for folder in needless if change is None or folder != change.folder])
    untaught = untaught_words(encoder, both.items) if len(both.items) else {}
    return Synced(
        change, counted.read, came, went, changed, kept, unsure, new.rejected, lost, int(left_out.sum()), new.embedded,
        new.reused, untaught, time.perf_counter() - begin,
    )  # fmt: skip


def remove(workspace: Workspace, catalogue: Catalogue, names: Sequence[str]) -> Synced:
    """Remove items from a catalogue with a report, as one change.

    Parameters
    ----------
    workspace : Workspace
        With a report.
    catalogue : Catalogue
        The report's.
    names : sequence of str
        Items, by their names or their photos' file names.

    Raises
    ------
    QueryError
        When no item has one of the names, with near names; then nothing is removed.
    ArtefactError
        When there is no report, or its files do not fit together.
    """
    begin = time.perf_counter()
    base, stamp = reported(workspace)
    current, stale, _ = read_all(workspace)
    now = Present.of(base, current)
    known = ItemNames(now.items)
    went = list(dict.fromkeys(str(now.items["item"].iloc[known.row(name)]) for name in names))
    if len(now.items) - len(went) < LEAST_ITEMS:
        raise QueryError(
            f"expected at least {LEAST_ITEMS} items to remain; found {len(now.items) - len(went)} of "
            f"{len(now.items)}. Remove fewer."
        )
    none = base.head(0).assign(added="", near_duplicate_of="")
    record = record_of("remove", catalogue, stamp, [*current, *stale], removed=went, counts={"went": len(went)})
    change = write_change(workspace, none, workspace.photos().head(0), {}, record, pd.DataFrame())
    return Synced(change, went=went, seconds=time.perf_counter() - begin)


# ---- What the new table says of the items ----


class _Difference:
    """A new table against the catalogue as it is now.

    Attributes
    ----------
    table : DataFrame
        The cleaned rows, index 0..m-1.
    known : dict of str to int
        Item -> row of `now.items`.
    is_new : ndarray of bool, shape (m,)
        Rows of items that are not there.
    other_photos : ndarray of bool, shape (m,)
        Rows of known items whose photos may be others; to be looked at.
    """

    def __init__(
        self,
        workspace: Workspace,
        catalogue: Catalogue,
        source: Source,
        now: Present,
        table: pd.DataFrame,
        progress: bool,
    ) -> None:
        self.workspace, self.source, self.now, self.table = workspace, source, now, table
        self.known = {name: row for row, name in enumerate(now.items["item"])}
        self.is_new = ~table["item"].isin(list(self.known)).to_numpy(bool)
        self._photos = now.photos(workspace.photos())
        by_row = self._photos.groupby("row")["sha256"].agg(list)
        self._sums_of = {name: by_row.loc[row] for name, row in self.known.items()}
        met = table[~self.is_new]
        self._sums = _sums(source, all_photos(met), workspace.stores, progress)
        self._named = self._by_content(met)
        self.other_photos = table["item"].map(self._has_others).to_numpy(bool)

    def _by_content(self, met: pd.DataFrame) -> dict[str, dict[str, str]]:
        """Known item -> SHA-256 of each of its photos in the new data -> the photo's name, the shown one first."""
        more = met["more_photos"] if "more_photos" in met else [()] * len(met)
        photos: dict[str, dict[str, str]] = {}
        for item, photo, others in zip(met["item"], met["photo"], more, strict=True):
            named = photos.setdefault(item, {})
            for name in (photo, *others):
                if name in self._sums:
                    named.setdefault(self._sums[name], name)
        crowd = {sha256 for sha256, n in Counter(s for named in photos.values() for s in named).items() if n > CROWD}
        return {
            item: {
                sha256: name for place, (sha256, name) in enumerate(named.items()) if not place or sha256 not in crowd
            }
            for item, named in photos.items()
        }

    def _has_others(self, item: str) -> bool:
        new, old = list(self._named.get(item, {})), self._sums_of.get(item, [])
        return bool(new) and (new[0] != old[0] or set(new) != set(old))

    def same_after_all(self, new: Arrivals) -> NDArray[np.bool_]:
        """For each item whose photos were read, whether they are the ones it had, so that only a bad photo differed."""
        by_row: Any = new.photos.groupby("row")["sha256"].agg(list) if len(new.items) else {}
        pairs = [(self._sums_of.get(name), by_row[row]) for row, name in enumerate(new.items["item"])]
        return np.array([old is not None and old[0] == own[0] and set(old) == set(own) for old, own in pairs], bool)

    @cached_property
    def _met(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The new and the present rows of the known items, in the same order."""
        met = self.table[~self.is_new].reset_index(drop=True)
        old = self.now.items.iloc[[self.known[name] for name in met["item"]]].reset_index(drop=True)
        return met, old

    @cached_property
    def _differing(self) -> pd.DataFrame:
        """For each known item and column of the table, whether its text differs; an empty new colour does not count."""
        met, old = self._met
        columns = [column for column in table_columns(self.now.report) if column in met]
        differs = pd.DataFrame({column: met[column].fillna("").ne(old[column]) for column in columns})
        for column in {"colour", "colour_source"} & set(columns):
            differs[column] &= met["colour"].ne("")
        return differs

    def columns_of(self, photographed: Iterable[str]) -> dict[str, list[str]]:
        """Each known item that changed -> its changes: columns, `PHOTO` (for those in `photographed`) or `PLACE`."""
        met, old = self._met
        photographed, columns = set(photographed), {}
        moved = self._moved(met, old)
        for item, flags, elsewhere in zip(met["item"], self._differing.to_numpy(), moved, strict=True):
            said = [str(column) for column, flag in zip(self._differing, flags, strict=True) if flag]
            said += [PHOTO] * (item in photographed) or [PLACE] * bool(elsewhere)
            if said:
                columns[item] = said
        return columns

    def _moved(self, met: pd.DataFrame, old: pd.DataFrame) -> list[bool]:
        """Whether each known item's photo is in the new data, and is no longer where it was."""
        places = self._places
        here, moved = self.source.path.resolve(), []
        for item, photo, key in zip(met["item"], old["photo"], old["added"], strict=True):
            named, place = self._named.get(item, {}), places[key]
            same = place is not None and place.path.resolve() == here
            if same and not is_address(photo):  # a file there may have been replaced
                there = photo in named.values()
            else:
                there = place is not None and place.signature(photo) != ""
            moved.append(bool(named) and not there)
        return moved

    @cached_property
    def _places(self) -> dict[str, Source | None]:
        """The sources of photos, of the report's own items and of each change; None for one that cannot be opened."""
        return {key: self._place(key) for key in self.now.items["added"].unique()}

    def without_place(self) -> list[str]:
        """Known items whose folder or archive of photos can no longer be opened."""
        items = self.now.items
        return [name for name, key in zip(items["item"], items["added"], strict=True) if self._places[key] is None]

    def _place(self, key: str) -> Source | None:
        """The source of a change's photos, or of the report's; None where it can no longer be opened."""
        try:
            told = self.workspace.json("source")
            path, table = data_of(self.now.changes, key) if key else (Path(told["data"]), str(told["table"]))
            return _open(self.workspace, path, table)
        except (FashionError, OSError):
            return None

    def renewed_rows(self, names: Sequence[str], columns: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        """The present rows of known items, with what the new table says; of moved ones also the photo's place."""
        met, _ = self._met
        items = self.now.items.iloc[[self.known[name] for name in names]].reset_index(drop=True)
        said = met.set_index("item").loc[list(names)].reset_index()
        for column in self._differing:
            differs = np.array([column in columns[name] for name in names])
            items[column] = items[column].mask(differs, said[column].fillna(""))
        moved = np.array([PLACE in columns[name] for name in names])
        first = [self._named[name][sha256] if there else "" for name, sha256, there in
                 zip(names, items["sha256"], moved, strict=True)]  # fmt: skip
        items["photo"] = items["photo"].mask(moved, pd.Series(first, dtype=object))
        return items.assign(added=items["added"].mask(moved, HERE))

    def photos_of(self, items: pd.DataFrame) -> pd.DataFrame:
        """Every photo of `renewed_rows`, as a change has them."""
        rows = [self.known[name] for name in items["item"]]
        photos = self._photos[self._photos["row"].isin(rows)]
        photos = photos.assign(row=photos["row"].map({row: place for place, row in enumerate(rows)}))
        moved = (items["added"] == HERE).to_numpy()[photos["row"]]
        item = items["item"].to_numpy()[photos["row"]]
        names = [
            self._named[name].get(sha256, photo) if there else photo
            for name, sha256, photo, there in zip(item, photos["sha256"], photos["photo"], moved, strict=True)
        ]
        return photos.assign(photo=names).sort_values("row", kind="stable", ignore_index=True)


def _sums(source: Source, names: Sequence[str], root: Path, progress: bool) -> dict[str, str]:
    """SHA-256 of each photo that exists; a photo is read only where its checksum is not kept."""
    unique = list(dict.fromkeys(names))
    source.fetch(unique, progress=progress)
    signatures = {name: signature for name, signature in signatures_of(source, unique).items() if signature}
    kept = kept_metadata(root, source, signatures)
    sums = dict(zip(kept["photo"], kept["sha256"], strict=True))
    todo = [name for name in signatures if name not in sums]

    def read(name: str) -> str:
        try:
            return sha256_bytes(source.read(name))
        except FashionError:
            return ""

    sums_read = tracked(ahead(read, todo, 2), len(todo), "photos compared", show=progress and bool(todo))
    return sums | {name: sha256 for name, sha256 in zip(todo, sums_read, strict=True) if sha256}


def _open(workspace: Workspace, path: Path, table: str) -> Source:
    downloads = Downloads(downloads_folder(workspace.catalogue))
    return open_source(path, table, unpacked_folder(workspace.processed_root), downloads)


def _not_taken(workspace: Workspace, catalogue: Catalogue, base: pd.DataFrame, rows: pd.DataFrame) -> set[str]:
    """Names of the new table that the report's sample (LIMIT, FIRST) has left out: they are not new.

    Raises
    ------
    CatalogueError
        When there are such names and the table that the sample was drawn from no longer exists.
    """
    numbers = workspace.report / "results/01.json"
    if not numbers.is_file() or not workspace.results("01").get("not_taken"):
        return set()
    told = workspace.json("source")
    place, table = Path(told["data"]), str(told["table"])
    if place.exists():
        old = _open(workspace, place, table)
        if old.table_checksum() == told["table_sha256"]:
            names = set(read_rows(replace(catalogue, table=table), old)[0]["item"])
            return (names - set(base["item"])) & set(rows["item"])
    raise CatalogueError(
        f"expected the table from which the report's sample of {len(base):,} items was drawn, in {place}, to tell new "
        f"items from those that were left out; found another one, or none. Keep it, and give the new table with "
        f"--data; or report on the whole table (LIMIT= and FIRST= left out); or use `fashion add` and `fashion remove`."
    )


def _require_most(now: Present, went: Sequence[str], catalogue: Catalogue, source: Source, force: bool) -> None:
    left = len(now.items) - len(went)
    if left < LEAST_ITEMS or (len(went) > MOST_GONE * len(now.items) and not force):
        raise CatalogueError(
            f"expected the whole new table of {catalogue.title} in {source.path}, with most of its {len(now.items):,} "
            f"items; found {left:,} of them, as after an export that was cut short. Give the whole "
            f"table; if {len(went):,} items are really gone, add --force (at least {LEAST_ITEMS} must stay)."
        )


# ---- Items as a change has them ----


def _renewed(
    encoder: PhotoEncoder, difference: _Difference, names: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> Arrivals:
    """Known items with new words: no photo is read, and where a taught word changed the description is made again."""
    now, workspace = difference.now, encoder.workspace
    if not names:
        return Arrivals(now.items.head(0), pd.DataFrame(), {}, [], pd.DataFrame())
    items = difference.renewed_rows(names, columns)
    rows = np.array([difference.known[name] for name in names])
    vectors = {name: np.array(now.array(name, workspace.vectors(name), rows)) for name in ARRAYS}
    was_measured = _measured(now, bool(workspace.json("source")["colour_was_measured"]))
    measured = [name for name in names if name in was_measured and "colour" not in columns[name]]
    taught = {"category", "colour", *encoder.network.further}
    again = np.array([not taught.isdisjoint(columns[name]) for name in names])
    if again.any():
        told = items[again].assign(colour=items["colour"].mask(items["item"].isin(measured)))
        blocks = {"embedding": vectors["max_pooled"][again], "multilayer": vectors["multilayer"][again]}
        described = encoder.encode(blocks, vectors["colour_grid"][again], told.reset_index(drop=True)).described
        assert described is not None
        in_report = np.concatenate([now.own, np.full(len(now.items) - len(now.own), -1)])[rows[again]]
        vectors["described"][again] = with_hubs(encoder, "described", described, in_report)
    return Arrivals(items, difference.photos_of(items), vectors, measured, pd.DataFrame())


def _measured(now: Present, throughout: bool) -> set[str]:
    """Items whose colour word was measured from the photo."""
    measured = set(now.report["item"]) if throughout else set()
    for change in now.changes:
        measured -= set(change.items["item"])
        measured |= set(change.record["measured"])
    return measured


def _without(new: Arrivals, left_out: NDArray[np.bool_]) -> Arrivals:
    """Arrivals without some of their items."""
    if not left_out.any():
        return new
    place = np.cumsum(~left_out) - 1
    photos = new.photos[~left_out[new.photos["row"]]]
    items = new.items[~left_out].reset_index(drop=True)
    return replace(
        new,
        items=items,
        photos=photos.assign(row=place[photos["row"]]).reset_index(drop=True),
        vectors={name: array[~left_out] for name, array in new.vectors.items()},
        measured=[name for name in new.measured if name in set(items["item"])],
    )


def _joined(first: Arrivals, second: Arrivals) -> Arrivals:
    """Two sets of arrivals as one."""
    if first.items.empty or second.items.empty:
        return second if first.items.empty else replace(first, rejected=second.rejected)
    photos = second.photos.assign(row=second.photos["row"] + len(first.items))
    return replace(
        second,
        items=pd.concat([first.items, second.items], ignore_index=True),
        photos=pd.concat([first.photos, photos], ignore_index=True),
        vectors={name: np.concatenate([first.vectors[name], second.vectors[name]]) for name in ARRAYS},
        measured=[*first.measured, *second.measured],
    )


def _by_column(columns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Column -> items, of item -> columns; a word in the table's own language goes with its translation."""
    changed: dict[str, list[str]] = {}
    for name, said in columns.items():
        for column in said:
            if column.removesuffix("_source") == column or column.removesuffix("_source") not in said:
                changed.setdefault(column, []).append(name)
    return changed


def as_json(synced: Synced) -> dict[str, Any]:
    """The outcome of a sync or a removal, for JSON."""
    return {
        "came": synced.came, "went": synced.went, "changed": synced.changed, "kept_as_they_were": synced.kept,
        "photos_lost": synced.lost,
        "rejected": synced.rejected["reason"].value_counts().to_dict() if len(synced.rejected) else {},
        "not_taken": synced.not_taken, "photos_embedded": synced.embedded, "vectors_reused": synced.reused,
        "untaught": synced.untaught, "seconds": round(synced.seconds, 2),
    }  # fmt: skip
