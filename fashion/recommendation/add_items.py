"""Adding items to a reported catalogue: only the new photos are read, and nothing is retrained."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.weights import HubCorrection
from fashion.catalogue.cleaning import all_photos, clean_table, join_photos
from fashion.catalogue.definition import Catalogue, open_catalogue
from fashion.catalogue.source import Source
from fashion.catalogue.swatches import of_one_colour, swatches_of
from fashion.catalogue.table import read_table
from fashion.core.checksums import sha256_file, sha256_json
from fashion.core.errors import ArtefactError, CatalogueError
from fashion.core.escaping import spreadsheet
from fashion.core.files import write_json
from fashion.core.paths import kept_place
from fashion.core.workspace import WRITTEN_AT, Workspace
from fashion.embedding.extraction import Readings, item_vectors, read_photos
from fashion.neighbours.duplicates import Fingerprints, Rule, repeated_items
from fashion.recommendation.additions import Addition, additions_folder, made_with, places_of, read_all, with_additions
from fashion.recommendation.photo_encoder import PhotoEncoder


@dataclass(frozen=True)
class Added:
    """The outcome of `add`.

    Attributes
    ----------
    addition : Addition or None
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

    addition: Addition | None
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
    """Add new items to a reported catalogue, as one addition; doing it twice changes nothing.

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
    base, stamp = _reported(workspace)
    current, stale, _ = read_all(workspace)
    there = pd.concat([base, *(addition.items for addition in current)], ignore_index=True)
    source = open_catalogue(catalogue, data, workspace.processed_root)
    rows, malformed = _read(catalogue, source)
    names = frozenset(there["item"])
    step, counted = clean_table(
        catalogue, rows, malformed, keep_unknown=keep_unknown, known_items=names, colour_optional=True
    )
    items, seen, encoder = step.rows, None, PhotoEncoder(workspace, weights)
    rejected = step.rejected
    if len(step.rows):
        photos = all_photos(step.rows)
        seen = read_photos(source, photos, workspace.stores, encoder.backbone, progress=progress)
        spoken = of_one_colour(swatches_of(workspace.json("source")))
        joined = join_photos(step, seen.facts, known=there, colour_words=spoken)
        rejected, items = joined.rejected, joined.items.assign(colour_was_measured=joined.colour_was_measured)
    if items.empty or seen is None:
        _drop_superseded(stale, there)
        return Added(None, counted.read, rejected, seconds=time.perf_counter() - begin)
    # A measured colour is not the shop's word: the network sees the same photo itself.
    measured = items["colour_was_measured"]
    items = _as_in(base, items)
    told = items.assign(colour=items["colour"].mask(measured))
    vectors, network = _vectors(encoder, seen, items, told, joined.photos), encoder.network
    record: dict[str, Any] = {
        "number": 1 + max((addition.record["number"] for addition in [*current, *stale]), default=0),
        "catalogue": str(catalogue.name if catalogue.is_shipped else catalogue.path),
        "data": str(source.path.resolve()),
        "keep_unknown": keep_unknown,
        "table": catalogue.table,
        "table_sha256": source.table_checksum(),
        "made_with": stamp,
    }
    before, max_pooled = (
        with_additions(workspace, "max_pooled", base) if current else (base, workspace.vectors("max_pooled"))
    )
    pixels = with_additions(workspace, "pixels", base)[1] if current else workspace.vectors("pixels")
    known = Fingerprints(max_pooled, before["phash"].tolist(), pixels)
    new = Fingerprints(vectors["max_pooled"], items["phash"].tolist(), vectors["pixels"])
    rule = Rule.stored(workspace.json("source"), workspace.json("backbone"))
    repeated = repeated_items(before["item"].tolist(), known, items["item"].tolist(), new, rule)
    owners = _owners([(base, workspace.photos()), *((one.items, one.photos()) for one in [*current])])
    repeated = _with_same_photo(repeated, items["item"].tolist(), joined.photos, owners)
    counts = {"read": counted.read, "added": len(items), "near-duplicates": sum(name != "" for name in repeated)}
    record["counts"] = counts | {"skipped": rejected["reason"].value_counts().to_dict()}
    addition = _write(workspace, items.assign(near_duplicate_of=repeated), joined.photos, vectors, record, rejected)
    _drop_superseded([a for a in stale if a.key != addition.key], pd.concat([there, items]))
    untaught = {
        "category": _counts_outside(items["category"], network.categories),
        "colour": _counts_outside(items["colour"], network.colours),
    }
    seconds = time.perf_counter() - begin
    count = len(joined.photos)
    embedded = min(seen.vectors.embedded, count)  # photos that were dropped afterwards may be among those embedded
    return Added(addition, counted.read, rejected, embedded, count - embedded, untaught, seconds)


def _reported(workspace: Workspace) -> tuple[pd.DataFrame, dict[str, str]]:
    """The report's items, and the checksums of what additions to them are made with."""
    items, stamp = workspace.items(), made_with(workspace)
    for name in ("backbone", "attributes"):
        if workspace.json(name)["items_checksum"] != stamp["items.parquet"]:
            raise ArtefactError(
                f"expected {workspace.path(name + '.json')} made for {workspace.path('items.parquet')}; found one made "
                f"for another table. Run `make report CATALOGUE={workspace.catalogue}` to its end, then add again."
            )
    return items, stamp


def _read(catalogue: Catalogue, source: Source) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table; one without the colour's column is read without it."""
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


def _as_in(base: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The new items with the columns and types of the report's table; missing text is empty."""
    rows = items.reindex(columns=base.columns)
    for column in base:
        if base[column].dtype == object:
            rows[column] = rows[column].fillna("")
    return rows.astype(base.dtypes.to_dict())


#: SHA-256 of each photo -> an item that has it, the first that shows it if any does, and whether it is shown.
_Owners = dict[str, tuple[str, bool]]


def _owners(tables: list[tuple[pd.DataFrame, pd.DataFrame]]) -> _Owners:
    """The owners of all photos, of pairs of items and their photos."""
    owners: _Owners = {}
    for items, photos in tables:
        names = items["item"].to_numpy()
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
    encoder: PhotoEncoder, seen: Readings, items: pd.DataFrame, told: pd.DataFrame, photos: pd.DataFrame
) -> dict[str, NDArray]:
    """The new items' vectors by the report's own backbone, choice of features and attributes network."""
    sums = items["sha256"].tolist()
    blocks = item_vectors(seen.vectors.store, photos)
    described = seen.described.gather(sums, ["colour_grid", "pixels"])
    vectors = encoder.encode(blocks, described["colour_grid"], told)
    assert vectors.described is not None
    workspace, layout, hubs = encoder.workspace, encoder.network.layout, encoder.workspace.json("attributes")["hubs"]
    learned, described_by_words = (
        HubCorrection(**hubs[name]).added(new, workspace.vectors(name), layout)
        for name, new in (("learned", vectors.learned), ("described", vectors.described))
    )
    return {
        "frozen": encoder.frozen(blocks),
        "learned": learned,
        "described": described_by_words,
        "max_pooled": blocks["embedding"],
        "pixels": described["pixels"],
    }


def _write(
    workspace: Workspace,
    items: pd.DataFrame,
    photos: pd.DataFrame,
    vectors: Mapping[str, NDArray],
    record: dict[str, Any],
    rejected: pd.DataFrame,
) -> Addition:
    """Write the addition's folder aside and rename it: it is there whole or not at all."""
    root = additions_folder(workspace)
    key = sha256_json(items.drop(columns=["row", "photo", "near_duplicate_of"]).to_dict("records"))[:16]
    aside, old = root / f".{key}.{os.getpid()}", root / f".old-{key}.{os.getpid()}"
    for left in root.glob(".*"):  # by a run that was killed; `fashion add` holds the folder alone
        shutil.rmtree(left, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        items.to_parquet(aside / "items.parquet", index=False)
        photos.to_parquet(aside / "photos.parquet", index=False)
        spreadsheet(rejected).to_csv(aside / "rejected.csv", index=False)
        for name, array in vectors.items():
            np.save(aside / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
        # No seals (`files.write_sealed`): the folder is renamed as a whole, and a damaged one, which only its user can
        # make again, is named and not set aside.
        files = {path.name: sha256_file(path) for path in sorted(aside.iterdir())}
        places = {name: kept_place(record[name], workspace.processed_root) for name in places_of(record)}
        write_json(aside / "addition.json", record | places | {"files": files, WRITTEN_AT: workspace.processed_root})
        if (root / key).exists():  # of an earlier report
            os.replace(root / key, old)
        os.replace(aside, root / key)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return Addition(root / key, record, items)


def _drop_superseded(stale: list[Addition], there: pd.DataFrame) -> None:
    """Remove additions to an earlier report whose items are all in the present one, or were added to it again."""
    names = set(there["item"])
    for addition in stale:
        if addition.items["item"].isin(names).all():
            shutil.rmtree(addition.folder, ignore_errors=True)


def _counts_outside(words: pd.Series, known: tuple[str, ...]) -> dict[str, int]:
    return {str(word): int(count) for word, count in words[~words.isin(known)].value_counts().items()}
