"""What photos tell, kept by what made it: no report reads again what another run, or a cluster, has measured."""

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
PACKAGES = ["numpy", "opencv-python", "imagehash", "pillow", "pandas", "pyarrow"]


def metadata_folder(root: Path, source: Source) -> Path:
    """The folder of a source's facts: named after its place, the code, and the packages' versions."""
    made_by = [kept_place(source.path, root), source.base, code_of(closure_of(measure)), versions(PACKAGES)]
    return root / "photo_facts" / sha256_json(made_by)[:24]


def signatures_of(source: Source, names: Iterable[str]) -> dict[str, str]:
    """The mark (`Source.signature`) of each photo, to be taken before it is read."""
    return {name: source.signature(name) for name in names}


def write_metadata(root: Path, source: Source, facts: pd.DataFrame, marks: Mapping[str, str]) -> Path:
    """Keep facts as one more part; its name comes from its content, so doing it twice gives one file.

    Parameters
    ----------
    root : Path
        Folder of all catalogues' artefacts.
    source : Source
    facts : DataFrame
        With the columns `measures.METADATA`.
    marks : mapping of str to str
        From `signatures_of`, of the photos as they were read.
    """
    marked = facts.assign(mark=[marks[name] for name in facts["photo"]])
    name = sha256_json(marked[["photo", "mark", "sha256"]].to_numpy().tolist())[:16]
    path = metadata_folder(root, source) / f"part-{name}.parquet"
    return write_sealed(path, lambda aside: marked.to_parquet(aside, index=False))


def kept_metadata(root: Path, source: Source, marks: Mapping[str, str]) -> pd.DataFrame:
    """The kept facts of good photos that are still what they were; any order, each photo once.

    Parameters
    ----------
    root : Path
        Folder of all catalogues' artefacts.
    source : Source
    marks : mapping of str to str
        From `signatures_of`, of the photos that are asked for.
    """
    found = [_read(part) for part in sorted(metadata_folder(root, source).glob("part-*.parquet"))]
    parts = [part for part in found if part is not None]
    if not parts:
        return metadata_table([])
    kept = pd.concat(parts, ignore_index=True)
    # What had a problem is looked at again: a disk may have been away.
    good = kept["problem"].eq("") & kept["mark"].ne("") & kept["mark"].eq(kept["photo"].map(marks))
    return kept.loc[good, list(METADATA)].drop_duplicates("photo").reset_index(drop=True)


def _read(part: Path) -> pd.DataFrame | None:
    return read_sealed(
        part, lambda whole: pd.read_parquet(whole, columns=[*METADATA, "mark"]), "its photos are measured again"
    )


def in_order(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """The rows of photos `names` from tables of facts, the first one's before the next one's; names may repeat."""
    full = [table for table in tables if len(table)] or [tables[0]]
    facts = pd.concat(full, ignore_index=True).drop_duplicates("photo").set_index("photo")
    found = facts.loc[list(names)].reset_index(names="photo")[list(METADATA)]
    whole = [column for column in ("bytes", "width", "height") if found[column].notna().all()]
    return found.astype(dict.fromkeys(whole, "int64"))
