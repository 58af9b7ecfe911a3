"""What photos tell, kept by what made it: a report does not read again what another run, or a cluster, has measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fashion.photos import photo_facts
from fashion.provenance import code_of, fingerprint, sha256_file, sha256_json, versions
from fashion.source import Source
from fashion.workspace import write_whole

#: Packages on which the measured numbers depend.
PACKAGES = ["numpy", "opencv-python", "imagehash", "pillow"]


def facts_path(root: Path, source: Source) -> Path:
    """The file of a source's facts: named after its content's fingerprint, the code, and the packages' versions."""
    made_by = [fingerprint(source.path), source.base, code_of(["photos"]), versions(PACKAGES)]
    return root / "photo_facts" / f"{sha256_json(made_by)[:24]}.parquet"


def write_facts(root: Path, source: Source, facts: pd.DataFrame) -> Path:
    """Keep facts, as `photo_facts` gives them, with the file's checksum beside it: a flipped byte may still be read."""
    path = write_whole(facts_path(root, source), lambda aside: facts.to_parquet(aside, index=False))
    write_whole(path.with_suffix(".sha256"), lambda aside: aside.write_text(sha256_file(path), encoding="utf-8"))
    return path


def _kept(path: Path) -> pd.DataFrame | None:
    """What is kept; None where there is nothing, or it is not as it was written: what is measured anew is the same."""
    try:
        if path.with_suffix(".sha256").read_text(encoding="utf-8") != sha256_file(path):
            return None
        return pd.read_parquet(path)
    except (OSError, ValueError):
        return None


def facts_of(source: Source, names: Sequence[str], root: Path, *, progress: bool = True) -> pd.DataFrame:
    """`photos.photo_facts`, but for photos whose facts are kept under `root`; nothing is written.

    Parameters
    ----------
    source : Source
    names : sequence of str
        Photo names, in the order of the result; a name may come more than once.
    root : Path
        Folder of all catalogues' artefacts.
    progress : bool
    """
    wanted, kept = pd.Index(names), _kept(facts_path(root, source))
    if kept is None:
        return photo_facts(source, list(names), progress=progress)
    kept = kept[kept["problem"].eq("") & kept["photo"].isin(wanted)]  # what was missing may be there now
    absent = wanted.unique().difference(pd.Index(kept["photo"]), sort=False)
    if len(absent):
        new = photo_facts(source, list(absent), progress=progress)
        kept = new if kept.empty else pd.concat([kept, new], ignore_index=True)
    found = kept.drop_duplicates("photo").set_index("photo").loc[wanted].reset_index(names="photo")
    return found[list(kept.columns)]
