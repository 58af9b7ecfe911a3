"""On-disk cache of photo metadata, keyed by source and code version: no photo is measured twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from fashion.catalogue.source import Source
from fashion.core.checksums import sha256_json
from fashion.core.code_closure import closure_of, code_of
from fashion.core.files import read_sealed, write_sealed
from fashion.core.paths import kept_place
from fashion.core.provenance import versions
from fashion.photos.measures import METADATA, measure, metadata_table

#: Packages on which the measured numbers, and the bytes of their files, depend.
PACKAGES = ["numpy", "opencv-python", "imagehash", "pillow", "pillow-heif", "pandas", "pyarrow"]


def metadata_folder(root: Path, source: Source) -> Path:
    """The folder of a source's metadata: named after its place, the code, and the packages' versions."""
    made_by = [kept_place(source.path, root), source.base, code_of(closure_of(measure)), versions(PACKAGES)]
    return root / "photo_metadata" / sha256_json(made_by)[:24]


def signatures_of(source: Source, names: Iterable[str]) -> dict[str, str]:
    """The file signature of each photo (`Source.signature`); take it before the photo is read."""
    return {name: source.signature(name) for name in names}


def write_metadata(root: Path, source: Source, metadata: pd.DataFrame, signatures: Mapping[str, str]) -> Path:
    """Add a shard of metadata to the cache; its name comes from its content, so writing it twice gives one file.

    Parameters
    ----------
    root : Path
        Folder of all catalogues' artefacts.
    source : Source
    metadata : DataFrame
        With the columns `measures.METADATA`.
    signatures : mapping of str to str
        From `signatures_of`, of the photos as they were read.
    """
    signed = metadata.assign(signature=[signatures[name] for name in metadata["photo"]])
    name = sha256_json(signed[["photo", "signature", "sha256"]].to_numpy().tolist())[:16]
    path = metadata_folder(root, source) / f"part-{name}.parquet"
    return write_sealed(path, lambda aside: signed.to_parquet(aside, index=False))


def kept_metadata(root: Path, source: Source, signatures: Mapping[str, str]) -> pd.DataFrame:
    """The cached metadata of good photos whose files have not changed; any order, each photo once.

    Parameters
    ----------
    root : Path
        Folder of all catalogues' artefacts.
    source : Source
    signatures : mapping of str to str
        From `signatures_of`, of the photos that are wanted.
    """
    shards = [_read(path) for path in sorted(metadata_folder(root, source).glob("part-*.parquet"))]
    whole = [shard for shard in shards if shard is not None]
    if not whole:
        return metadata_table([])
    kept = pd.concat(whole, ignore_index=True)
    # Photos with a problem are read again: a disk may have been away.
    good = kept["problem"].eq("") & kept["signature"].ne("") & kept["signature"].eq(kept["photo"].map(signatures))
    return kept.loc[good, list(METADATA)].drop_duplicates("photo").reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame | None:
    return read_sealed(
        path, lambda whole: pd.read_parquet(whole, columns=[*METADATA, "signature"]), "its photos are measured again"
    )


def in_order(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """The metadata of photos `names`, in that order; earlier tables win, and names may repeat."""
    full = [table for table in tables if len(table)] or [tables[0]]
    metadata = pd.concat(full, ignore_index=True).drop_duplicates("photo").set_index("photo")
    rows = metadata.loc[list(names)].reset_index(names="photo")[list(METADATA)]
    whole = [column for column in ("bytes", "width", "height") if rows[column].notna().all()]
    return rows.astype(dict.fromkeys(whole, "int64"))
