"""Adding items to a catalogue with a report: only the new photos are read, and nothing is retrained."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.weights import HubCorrection
from fashion.catalogue.cleaning import Cleaning, all_photos, clean_table, join_photos
from fashion.catalogue.definition import Catalogue, open_catalogue
from fashion.catalogue.source import Source
from fashion.catalogue.swatches import of_one_colour, swatches_of
from fashion.catalogue.table import read_table
from fashion.core.errors import CatalogueError
from fashion.core.workspace import Workspace
from fashion.embedding.extraction import Extraction, item_vectors, read_photos
from fashion.neighbours.duplicates import Fingerprints, Rule, repeated_items
from fashion.recommendation.changes import Change, Present, read_all
from fashion.recommendation.photo_encoder import PhotoEncoder
from fashion.recommendation.write_change import HERE, drop_superseded, record_of, reported, write_change


@dataclass(frozen=True)
class Added:
    """The outcome of `add`.

    Attributes
    ----------
    change : Change or None
        None if nothing was new.
    read : int
        Rows of the table.
    rejected : DataFrame
        Rows that were skipped: `row`, `item`, `photo`, `reason`, `detail`.
    embedded, reused : int
        Photos that went through the network, and those whose vectors were in the store.
    untaught : dict
        "category" and "colour" -> word that the network was not trained on -> number of items.
    seconds : float
    """

    change: Change | None
    read: int
    rejected: pd.DataFrame
    embedded: int = 0
    reused: int = 0
    untaught: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: float = 0.0


def add(
    workspace: Workspace,
    catalogue: Catalogue,
    data: str | Path,
    *,
    weights: str | Path | None = None,
    keep_unknown: bool = False,
    progress: bool = True,
) -> Added:
    """Add new items to a catalogue with a report, as one change; doing it twice changes nothing.

    Parameters
    ----------
    workspace : Workspace
        With a report.
    catalogue : Catalogue
        The report's; the new table has its layout, but may lack the colour.
    data : str or Path
        Folder, zip or tar.
    weights : str or Path, optional
        The backbone's weights file, where the report was given one.
    keep_unknown : bool
        Keep words that the glossary lacks, untranslated.
    progress : bool

    Raises
    ------
    ArtefactError
        When there is no report, or its files do not fit together.
    CatalogueError, TranslationError
        When the table cannot be read or translated.
    WeightsError
        When the report's backbone is unavailable.
    """
    begin = time.perf_counter()
    base, stamp = reported(workspace)
    current, stale, _ = read_all(workspace)
    now = Present.of(base, current)
    source = open_catalogue(catalogue, data, workspace.processed_root)
    rows, malformed = read_rows(catalogue, source)
    names = frozenset(now.items["item"])
    step, counted = clean_table(
        catalogue, rows, malformed, keep_unknown=keep_unknown, known_items=names, colour_optional=True
    )
    encoder = PhotoEncoder(workspace, weights)
    new = look_at(encoder, source, step, now, progress=progress)
    if new.items.empty:
        drop_superseded(stale, now)
        return Added(None, counted.read, new.rejected, seconds=time.perf_counter() - begin)
    repeated = int((new.items["near_duplicate_of"] != "").sum())
    counts: dict[str, Any] = {"read": counted.read, "added": len(new.items), "near-duplicates": repeated}
    counts |= {"skipped": new.rejected["reason"].value_counts().to_dict()}
    others = [*current, *stale]
    record = record_of(
        "add", catalogue, stamp, others, source, keep_unknown=keep_unknown, measured=new.measured, counts=counts
    )
    change = write_change(workspace, new.items, new.photos, new.vectors, record, new.rejected)
    drop_superseded([one for one in stale if one.key != change.key], Present.of(base, [*current, change]))
    seconds = time.perf_counter() - begin
    untaught = untaught_words(encoder, new.items)
    return Added(change, counted.read, new.rejected, new.embedded, new.reused, untaught, seconds)


def read_rows(catalogue: Catalogue, source: Source) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table, as `table.read_table`; one without the colour's column is read without it."""
    try:
        return read_table(catalogue, source)
    except CatalogueError:
        if "colour" not in catalogue.columns:
            raise
        others = {ours: theirs for ours, theirs in catalogue.columns.items() if ours != "colour"}
        try:
            return read_table(replace(catalogue, columns=others), source)
        except CatalogueError:
            pass
        raise


def untaught_words(encoder: PhotoEncoder, items: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Words of items that the report's network was not trained on, as in `Added`."""
    network = encoder.network
    taught = {"category": network.categories, "colour": network.colours}
    return {column: _counts_outside(items[column], known) for column, known in taught.items()}


@dataclass(frozen=True)
class Arrivals:
    """New items as a change has them, with `HERE` as `added`.

    Attributes
    ----------
    items, photos : DataFrame
    vectors : dict of str to ndarray
        Each of `changes.ARRAYS`; empty where there are no items.
    measured : list of str
        Names of items whose colour word was measured.
    rejected : DataFrame
        Rows that were skipped.
    embedded, reused : int
        Photos that went through the network, and those whose vectors were in the store.
    """

    items: pd.DataFrame
    photos: pd.DataFrame
    vectors: dict[str, NDArray]
    measured: list[str]
    rejected: pd.DataFrame
    embedded: int = 0
    reused: int = 0


def look_at(
    encoder: PhotoEncoder, source: Source, step: Cleaning, there: Present, *, progress: bool = True
) -> Arrivals:
    """Read and embed the photos of cleaned rows as new items; near-duplicates are looked for among those `there`.

    The network is only loaded where there are rows.
    """
    base, workspace = there.report, encoder.workspace
    none = base.head(0).assign(added="", near_duplicate_of="")
    nothing = Arrivals(none, workspace.photos().head(0), {}, [], step.rejected)
    if step.rows.empty:
        return nothing
    seen = read_photos(source, all_photos(step.rows), workspace.stores, encoder.backbone, progress=progress)
    spoken = of_one_colour(swatches_of(workspace.json("source")))
    joined = join_photos(step, seen.metadata, known=there.items[["item", "sha256"]], colour_words=spoken)
    if joined.items.empty:
        return replace(nothing, rejected=joined.rejected)
    items = as_in(base, joined.items).assign(added=HERE)
    # A measured colour is not the shop's word: the network sees the same photo itself.
    told = items.assign(colour=items["colour"].mask(joined.colour_was_measured))
    vectors = _vectors(encoder, seen, items, told, joined.photos)
    repeated = _repeated(workspace, there, items, joined.photos, vectors)
    count = len(joined.photos)
    embedded = min(seen.vectors.embedded, count)  # photos that were dropped afterwards may be among those embedded
    measured = items["item"][joined.colour_was_measured].tolist()
    return Arrivals(
        items.assign(near_duplicate_of=repeated), joined.photos, vectors, measured, joined.rejected, embedded,
        count - embedded,
    )  # fmt: skip


def as_in(base: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """New items with the columns and types of the report's table; missing text is empty."""
    rows = items.reindex(columns=base.columns)
    for column in base:
        if base[column].dtype == object:
            rows[column] = rows[column].fillna("")
    return rows.astype(base.dtypes.to_dict())


def _repeated(
    workspace: Workspace, there: Present, items: pd.DataFrame, photos: pd.DataFrame, vectors: dict[str, NDArray]
) -> list[str]:
    """For each new item the name of its near-duplicate among earlier ones, empty where there is none."""
    before = there.items
    max_pooled, pixels = (there.array(name, workspace.vectors(name)) for name in ("max_pooled", "pixels"))
    known = Fingerprints(max_pooled, before["phash"].tolist(), pixels)
    new = Fingerprints(vectors["max_pooled"], items["phash"].tolist(), vectors["pixels"])
    names = items["item"].tolist()
    rule = Rule.stored(workspace.json("source"), workspace.json("backbone"))
    repeated = repeated_items(before["item"].tolist(), known, names, new, rule)
    owners = _owners(before["item"].tolist(), there.photos(workspace.photos()))
    return _with_same_photo(repeated, names, photos, owners)


#: SHA-256 of each photo -> an item that has it, the first that shows it if any does, and whether it is shown.
_Owners = dict[str, tuple[str, bool]]


def _owners(names: Sequence[str], photos: pd.DataFrame) -> _Owners:
    """The owners of all photos of the items of these names."""
    owners: _Owners = {}
    for sha256, row, shown in zip(photos["sha256"], photos["row"], ~photos.duplicated("row"), strict=True):
        _own(owners, sha256, names[row], shown)
    return owners


def _own(owners: _Owners, sha256: str, name: str, shown: bool) -> None:
    if sha256 not in owners or (shown and not owners[sha256][1]):
        owners[sha256] = name, bool(shown)


def _with_same_photo(repeated: list[str], names: list[str], photos: pd.DataFrame, owners: _Owners) -> list[str]:
    """Near-duplicates of new items, also by a photo that an earlier item, or a new one before it, has too.

    One of the two must show it (`duplicates.same_photo_pairs`).
    """
    repeated, owners = list(repeated), dict(owners)
    for sha256, row, shown in zip(photos["sha256"], photos["row"], ~photos.duplicated("row"), strict=True):
        owner, is_shown = owners.get(sha256, (names[row], False))
        if owner != names[row] and (shown or is_shown) and not repeated[row]:
            repeated[row] = owner
        _own(owners, sha256, names[row], shown)
    return repeated


def _vectors(
    encoder: PhotoEncoder, seen: Extraction, items: pd.DataFrame, told: pd.DataFrame, photos: pd.DataFrame
) -> dict[str, NDArray]:
    """The new items' vectors by the report's own backbone, choice of features and attributes network."""
    blocks = item_vectors(seen.vectors.store, photos)
    described = seen.described.gather(items["sha256"].tolist(), ["colour_grid", "pixels"])
    vectors = encoder.encode(blocks, described["colour_grid"], told)
    assert vectors.described is not None
    workspace = encoder.workspace
    return {
        "frozen": encoder.frozen(blocks),
        "learned": with_hubs(encoder, "learned", vectors.learned),
        "described": with_hubs(encoder, "described", vectors.described),
        "max_pooled": blocks["embedding"],
        "pixels": described["pixels"],
        "multilayer": blocks["multilayer"],
        "colour_grid": described["colour_grid"].astype(workspace.vectors("colour_grid").dtype),
    }


def with_hubs(encoder: PhotoEncoder, name: str, new: NDArray, rows: NDArray[np.integer] | None = None) -> NDArray:
    """Gallery vectors of new or renewed items with the report's correction for hubs.

    Parameters
    ----------
    encoder : PhotoEncoder
    name : str
        "learned" or "described".
    new : ndarray of float32, shape (m, d)
    rows : ndarray of int, shape (m,), optional
        The report's row of each, -1 where it has none.
    """
    correction = HubCorrection(**encoder.workspace.json("attributes")["hubs"][name])
    return correction.added(new, encoder.workspace.vectors(name), encoder.network.layout, rows)


def _counts_outside(words: pd.Series, known: tuple[str, ...]) -> dict[str, int]:
    return {str(word): int(count) for word, count in words[~words.isin(known)].value_counts().items()}
