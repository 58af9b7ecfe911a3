"""Items added to a reported catalogue: read here, made by `fashion.recommendation.add_items`.

Each addition is a folder of its own beside the report's artefacts, whole or absent. The report's own files are never
touched, so an addition is only good for the table and the networks that it was made for, and says which these were.
"""

from __future__ import annotations

import json
import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.checksums import sha256_file
from fashion.core.paths import found_place
from fashion.core.workspace import WRITTEN_AT, Workspace

#: The report's files on which an addition's vectors depend.
MADE_WITH = ("items.parquet", "selection.npz", "attributes.npz", "attributes.json")

#: Embeddings of a report and of each addition: photo and known words, the photo alone, the frozen backbone alone.
EMBEDDINGS = ("described", "learned", "frozen")

#: Every array of an addition: its embeddings, and the fingerprints of near-duplicates.
ARRAYS = (*EMBEDDINGS, "max_pooled", "pixels")


@dataclass(frozen=True)
class Addition:
    """Items that were added together.

    Attributes
    ----------
    folder : Path
        Its name is the key of the content.
    record : dict
        addition.json: `number` (the order of adding), `catalogue`, `data` (where the photos are), `table`,
        `made_with` (the report's files -> SHA-256), `counts`.
    items : DataFrame
        With the columns of the report's items table, and `near_duplicate_of`: the near-duplicate among earlier items;
        empty where there is none.
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
        path = self.folder / "photos.parquet"
        if path.is_file():
            return pd.read_parquet(path)
        return self.items[["photo", "sha256"]].assign(row=range(len(self.items)))  # it is older than that file

    def vectors(self, embedding: str) -> NDArray[np.float32]:
        """Its vectors, float32, shape (m, d), memory-mapped."""
        vectors: NDArray[np.float32] = np.load(self.folder / f"{embedding}.npy", mmap_mode="r", allow_pickle=False)
        return vectors


def additions_folder(workspace: Workspace) -> Path:
    """The folder of a catalogue's additions."""
    return workspace.processed / "additions"


def made_with(workspace: Workspace) -> dict[str, str]:
    """The report's files that additions depend on -> SHA-256.

    Raises
    ------
    ArtefactError
        When there is no report yet.
    """
    return {name: sha256_file(workspace.need(name)) for name in MADE_WITH}


def add_command(record: dict[str, Any]) -> str:
    """The command that makes an addition again."""
    words = ["fashion", "add", "--catalogue", str(record["catalogue"]), "--data", str(record["data"])]
    return shlex.join([*words, "--keep-unknown"] if record.get("keep_unknown") else words)


def places_of(record: dict[str, Any]) -> list[str]:
    """The keys of an addition.json that say where something lies; kept by `paths.kept_place`."""
    return ["data"] + ["catalogue"] * str(record["catalogue"]).endswith(".toml")


def _open(folder: Path) -> Addition:
    record = json.loads((folder / "addition.json").read_text(encoding="utf-8"))
    root = folder.parents[2]  # of all catalogues' artefacts
    written_at = record.pop(WRITTEN_AT, "")
    record |= {name: str(found_place(record[name], root, written_at)) for name in places_of(record)}
    addition = Addition(folder, record, pd.read_parquet(folder / "items.parquet"))
    for name in ARRAYS:
        vectors = addition.vectors(name)
        if vectors.ndim != 2 or len(vectors) != len(addition.items):
            raise ValueError(f"{name}.npy has shape {vectors.shape}, items.parquet {len(addition.items)} rows")
    int(record["number"]), add_command(record), dict(record["made_with"])  # what is read later must be there
    return addition


def read_all(workspace: Workspace) -> tuple[list[Addition], list[Addition], list[Path]]:
    """Every addition of a catalogue, in the order of adding.

    Returns
    -------
    current, stale : list of Addition
        Made with the report's present files, and with others.
    damaged : list of Path
        Folders that cannot be read.
    """
    additions, damaged = [], []
    for folder in sorted(additions_folder(workspace).glob("[0-9a-f]*")):
        try:
            additions.append(_open(folder))
        except Exception:  # whatever a damaged file raises
            damaged.append(folder)
    if not additions:
        return [], [], damaged
    now = made_with(workspace)
    additions.sort(key=lambda addition: (addition.record["number"], addition.key))
    current = [addition for addition in additions if addition.record["made_with"] == now]
    return current, [addition for addition in additions if addition.record["made_with"] != now], damaged


def load(workspace: Workspace) -> list[Addition]:
    """The additions that fit the present report, in the order of adding.

    Others are left out with one warning, which names the commands that renew them.
    """
    current, stale, damaged = read_all(workspace)
    lines = [f"  {len(addition.items)} items: {add_command(addition.record)}" for addition in stale]
    lines += [f"  damaged, remove it and add its items again: {folder}" for folder in damaged]
    if lines:
        warnings.warn(
            f"expected additions made with the present report of {workspace.catalogue}; {len(lines)} in "
            f"{additions_folder(workspace)} were made with another one, or are damaged, and are left out. Renew them:\n"
            + "\n".join(lines),
            stacklevel=2,
        )
    return current


def with_additions(
    workspace: Workspace,
    embedding: str,
    items: pd.DataFrame | None = None,
    vectors: NDArray[np.float32] | None = None,
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """A report's items and vectors, including additions.

    Parameters
    ----------
    workspace : Workspace
    embedding : str
        One of `ARRAYS`.
    items, vectors : optional
        The report's own, where they have been read already.

    Returns
    -------
    items : DataFrame
        Index 0..n+m-1, the report's own first; `added` is the addition's key and `near_duplicate_of` a new item's near-
        duplicate, both empty for the report's own.
    vectors : ndarray of float32, shape (n+m, d)
        Memory-mapped where nothing was added.
    """
    items = (workspace.items() if items is None else items).assign(added="", near_duplicate_of="")
    vectors = workspace.vectors(embedding) if vectors is None else vectors
    additions = load(workspace)
    if not additions:
        return items, vectors
    tables = [items, *(addition.items.assign(added=addition.key) for addition in additions)]
    joined = np.concatenate([vectors, *(addition.vectors(embedding) for addition in additions)])
    return pd.concat(tables, ignore_index=True), joined
