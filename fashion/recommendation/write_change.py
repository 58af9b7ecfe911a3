"""Writing of a change to a catalogue with a report: its folder is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.definition import Catalogue
from fashion.catalogue.source import Source
from fashion.core.checksums import sha256_file, sha256_json
from fashion.core.errors import ArtefactError
from fashion.core.escaping import spreadsheet
from fashion.core.files import write_json
from fashion.core.paths import kept_place
from fashion.core.workspace import WRITTEN_AT, Workspace
from fashion.recommendation.changes import OF_CHANGES, Change, Present, changes_folder, is_held, made_with, places_of

#: In `added`, that an item's photo is in the data of the very change that is being written.
HERE = "."


def reported(workspace: Workspace) -> tuple[pd.DataFrame, dict[str, str]]:
    """The report's items, and the checksums of what changes are made with.

    Raises
    ------
    ArtefactError
        When there is no report, or its files do not fit together.
    """
    items, stamp = workspace.items(), made_with(workspace)
    for name in ("backbone", "attributes"):
        if workspace.json(name)["items_checksum"] != stamp["items.parquet"]:
            raise ArtefactError(
                f"expected {workspace.path(name + '.json')} made for {workspace.path('items.parquet')}; found one made "
                f"for another table. Run `{workspace.command}` to its end, then try again."
            )
    return items, stamp


def record_of(
    kind: str,
    catalogue: Catalogue,
    stamp: Mapping[str, str],
    others: Sequence[Change],
    source: Source | None = None,
    **further: Any,
) -> dict[str, Any]:
    """A change.json, as `changes.Change` describes it.

    Parameters
    ----------
    kind : str
        "add", "sync" or "remove".
    catalogue : Catalogue
    stamp : mapping of str to str
        From `reported`.
    others : sequence of Change
        All that are there, after which this one comes.
    source : Source, optional
        Of the table and the new photos.
    **further
        `removed`, `measured`, `keep_unknown`, `counts`.
    """
    return {
        "kind": kind,
        "number": 1 + max((change.record["number"] for change in others), default=0),
        "catalogue": str(catalogue.name if catalogue.is_shipped else catalogue.path),
        "data": str(source.path.resolve()) if source else "",
        "table": catalogue.table,
        "table_sha256": source.table_checksum() if source else "",
        "made_with": dict(stamp),
        "removed": [],
        "measured": [],
    } | further


def write_change(
    workspace: Workspace,
    items: pd.DataFrame,
    photos: pd.DataFrame,
    vectors: Mapping[str, NDArray],
    record: dict[str, Any],
    rejected: pd.DataFrame,
) -> Change:
    """Write a change's folder aside and rename it.

    Parameters
    ----------
    workspace : Workspace
    items, photos, vectors
        As `changes.Change` has them; `HERE` as `added` becomes the change's own key.
    record : dict
        From `record_of`.
    rejected : DataFrame
        Rows that were skipped.
    """
    root = changes_folder(workspace)
    key = _key(items, record["removed"])
    items = items.assign(added=items["added"].replace(HERE, key))
    aside, old = root / f".{key}.{os.getpid()}", root / f".old-{key}.{os.getpid()}"
    for left in root.glob(".*"):  # by a run that was killed; the commands hold the folder alone
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
        write_json(aside / "change.json", record | places | {"files": files, WRITTEN_AT: workspace.processed_root})
        if (root / key).exists():  # of an earlier report, or of what was undone since
            os.replace(root / key, old)
        os.replace(aside, root / key)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return Change(root / key, record, items)


def _key(items: pd.DataFrame, removed: Sequence[str]) -> str:
    told = items.drop(columns=["row", "photo", *OF_CHANGES]).to_dict("records")
    return sha256_json([told, sorted(removed)] if removed else told)[:16]


def drop_superseded(stale: Sequence[Change], now: Present) -> None:
    """Remove changes to an earlier report that the catalogue as it is now holds already."""
    drop_folders([change.folder for change in stale if is_held(change, now.items)])


def drop_folders(folders: Collection[Path]) -> None:
    """Remove changes that are no longer needed."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
