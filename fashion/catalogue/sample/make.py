"""The embedded `sample` catalogue: Fashion-MNIST's test photos, dyed, written in ImageLab's very layout.

The silhouettes are real, the colours are dyed, and the table carries a few known defects of real catalogues
(`sample_counts` says how many of each). Source files, licence and words: data/sample.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fashion.catalogue.sample import dyeing, plan
from fashion.catalogue.sample.idx import IMAGES, LABELS, SOURCES, read_idx
from fashion.catalogue.sample.plan import SAMPLE_COLOURS, SampleCounts, photo_bytes, plan_sample, sample_counts
from fashion.core.errors import CatalogueError
from fashion.core.paths import project_root
from fashion.core.progress import tracked

__all__ = ["SAMPLE_COLOURS", "SampleCounts", "make_sample", "read_idx", "read_sources", "sample_counts"]

HEADER = "filename\tcolor\tmicro_category\tmacro_category\tmacro_category(english)\t\t\t\n"

TABLE, PHOTOS, STAMP = "annotation.txt", "images", "sample.json"


def make_sample(
    folder: Path, *, seed: int = 0, count: int = 10_000, progress: bool = True, source: Path | None = None
) -> Path:
    """Write the sample catalogue: `folder`/annotation.txt and `folder`/images/*.jpg.

    The same seed and count give the same bytes, on any number of threads. The files are written beside
    `folder` and renamed when they are whole. A folder that already holds this very sample is left as it is.

    Parameters
    ----------
    folder : Path
        Made if missing; replaced if it holds another sample.
    seed : int
        Of colours, dyes, names and defects.
    count : int
        Garments, 50 to 10,000.
    progress : bool
        Show a bar.
    source : Path, optional
        Folder of the two Fashion-MNIST files; data/sample of the project by default.

    Returns
    -------
    Path
        `folder`

    Raises
    ------
    CatalogueError
        When a source file is missing or damaged, `count` is out of range, or `folder` holds something else.
    """
    folder = Path(folder)
    counts = sample_counts(count)
    key = _key(seed, count)
    if _holds(folder, key, counts):
        return folder
    if folder.exists() and not (folder.is_dir() and ((folder / STAMP).exists() or not any(folder.iterdir()))):
        raise CatalogueError(
            f"expected {folder} to be missing, empty or an earlier sample (with {STAMP}); found something else "
            "in it, which is not overwritten. Move it away or choose another folder."
        )
    greys, labels = read_sources(source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    # The finished folder is moved out of this one, so that a killed run leaves no half sample under its name.
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent) as scratch:
        new = Path(scratch) / folder.name
        _write(new, greys, labels, seed, count, progress)
        stamp = {"key": key, "seed": seed, "count": count, "holds": asdict(counts), "sources": SOURCES}
        (new / STAMP).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        if not _holds(folder, key, counts):  # another run may have been quicker
            try:
                if folder.exists():
                    folder.rename(Path(scratch) / "old")
                new.rename(folder)
            except OSError:
                if not _holds(folder, key, counts):  # another run may have put it there meanwhile
                    raise
    return folder


def read_sources(source: Path | None = None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Fashion-MNIST's test photos (10000, 28, 28) and classes (10000,), both uint8; checksums are checked.

    Raises
    ------
    CatalogueError
        When a file is missing or not the one expected.
    """
    place = source if source is not None else project_root() / "data/sample"
    return read_idx(place / IMAGES, sha256=SOURCES[IMAGES]), read_idx(place / LABELS, sha256=SOURCES[LABELS])


def _write(
    new: Path, greys: NDArray[np.uint8], labels: NDArray[np.uint8], seed: int, count: int, progress: bool
) -> None:
    rows, photos = plan_sample(labels, seed, count)
    (new / PHOTOS).mkdir(parents=True)

    def write(photo: plan.Photo) -> None:
        data = photo_bytes(photo, greys)
        if data is not None:
            (new / PHOTOS / photo.name).write_bytes(data)

    # OpenCV releases the interpreter's lock, so threads use every core.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for _ in tracked(pool.map(write, photos), len(photos), "sample", show=progress):
            pass
    table = HEADER + "".join("\t".join(row) + "\t\t\t\n" for row in rows)
    (new / TABLE).write_bytes(table.encode("utf-8"))


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed left behind; a run at work is younger than an hour."""
    for leftover in folder.parent.glob(f".{folder.name}.*.partial"):
        if time.time() - leftover.stat().st_mtime > 3600:
            shutil.rmtree(leftover, ignore_errors=True)


def _key(seed: int, count: int) -> str:
    """Checksum of what decides every byte: seed, count, source files, this code, the encoder's version."""
    made_of = [str(seed), str(count), *SOURCES.values(), cv2.__version__, np.__version__]
    for module in (__file__, plan.__file__, dyeing.__file__):
        made_of.append(hashlib.sha256(Path(module).read_bytes()).hexdigest())
    return hashlib.sha256("\n".join(made_of).encode()).hexdigest()


def _holds(folder: Path, key: str, counts: SampleCounts) -> bool:
    """Whether `folder` holds the sample of this key, with its table and the right number of photos."""
    try:
        stamped_key = json.loads((folder / STAMP).read_text(encoding="utf-8"))["key"]
        photos = len(os.listdir(folder / PHOTOS))
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return stamped_key == key and photos == counts.photos and (folder / TABLE).is_file()
