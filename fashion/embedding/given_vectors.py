"""Vectors from elsewhere, by item: a report on them embeds no photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.checksums import named, sha256_file, sha256_json
from fashion.core.errors import WeightsError, in_short
from fashion.core.texts import file_name
from fashion.embedding.encoder_files import resolve
from fashion.photos.framing import Framing

#: How such files end.
ENDINGS = (".npy", ".parquet")

#: What a report on given vectors lacks.
LEFT_OUT = "no photo is embedded, so queries by photo, simulated customers' photos and added items are left out"


@dataclass(frozen=True)
class GivenVectors:
    """Vectors by item in place of a network; used like a `backbones.Backbone`, but it can embed nothing.

    Attributes
    ----------
    place : Path
    items : tuple of str
        Names, each once.
    vectors : ndarray of float32, shape (n, d)
    weights_checksum : str
        SHA-256 of the file (and of its list of items).
    """

    place: Path
    items: tuple[str, ...] = field(repr=False)
    vectors: NDArray[np.float32] = field(repr=False)
    weights_checksum: str

    size: int = 0
    layer_names: tuple[str, ...] = ()
    layer_dimensions: tuple[int, ...] = ()
    multilayer_dimensions: int = 0

    @property
    def name(self) -> str:
        """The name of the file, with a checksum of its content."""
        return named(file_name(self.place.stem, "vectors"), self.weights_checksum)

    @property
    def framing(self) -> Framing:
        """A framing for the figures of simulated photos alone: no photo becomes an input."""
        return Framing(160)

    @property
    def dimension(self) -> int:
        """Dimensions of the vectors."""
        return self.vectors.shape[1]

    @property
    def reason(self) -> str:
        """A description of what was read, for console, provenance and captions."""
        said = f"{len(self.items):,} vectors of {self.dimension:,} dimensions from {self.place.name}"
        return f"{self.name}: {said}; {LEFT_OUT}"

    def of(self, items: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of some items, float32, shape (m, d), in their order.

        Raises
        ------
        WeightsError
            When some have none.
        """
        row = {item: number for number, item in enumerate(self.items)}
        absent = [item for item in items if item not in row]
        if absent:
            raise WeightsError(
                f"expected a vector for each of {len(items):,} items in {self.place}; found none for {len(absent):,}, "
                f"such as {', '.join(absent[:3])}. Its items are called {', '.join(self.items[:3])}, ... : add the "
                "missing ones, or use the catalogue's names."
            )
        return self.vectors[[row[item] for item in items]]


def read_given_vectors(place: str | Path) -> GivenVectors:
    """Read vectors by item.

    Parameters
    ----------
    place : str or Path
        A `.parquet` table with a column `item` and either one column of lists or one numeric column a dimension; or a
        `.npy` array (n, d), and beside it a `.txt` of the same name with an item's name on each line.

    Raises
    ------
    WeightsError
        When the file is missing or of another form, or when a number is not finite.
    """
    path = resolve(place)
    if not path.is_file():
        raise WeightsError(f"expected vectors at {path}; found nothing. Correct VECTORS.")
    try:
        names, vectors = _of_parquet(path) if path.suffix.lower() == ".parquet" else _of_numpy(path)
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(
            f"expected vectors in {path}: a .parquet with a column `item` and one of vectors, or a .npy array (n, d) "
            f"with the items' names in {path.with_suffix('.txt').name}; found: {in_short(error)}. Write it again."
        ) from error
    problem = _problem(names, vectors)
    if problem:
        raise WeightsError(f"expected one finite vector for each item in {path}; found {problem}. Correct the file.")
    sums = [sha256_file(file) for file in files_of(path)]
    return GivenVectors(path, tuple(names), np.ascontiguousarray(vectors, np.float32), sha256_json(sums))


def files_of(path: Path) -> list[Path]:
    """The file of vectors, and its list of items where it has one."""
    return [path] + ([path.with_suffix(".txt")] if path.suffix.lower() == ".npy" else [])


def _of_parquet(path: Path) -> tuple[list[str], NDArray]:
    table = pd.read_parquet(path)
    if "item" not in table:
        raise ValueError(f"no column item, only {', '.join(map(str, table.columns[:5]))}")
    rest = table.drop(columns="item")
    numeric = rest.select_dtypes("number")
    if len(rest.columns) == 1 and numeric.empty:
        return table["item"].astype(str).tolist(), np.stack([np.asarray(row, np.float32) for row in rest.iloc[:, 0]])
    if len(numeric.columns) != len(rest.columns) or not len(rest.columns):
        raise ValueError(
            f"columns that are not numeric: {', '.join(map(str, rest.columns.difference(numeric.columns)))}"
        )
    return table["item"].astype(str).tolist(), numeric.to_numpy(np.float32)


def _of_numpy(path: Path) -> tuple[list[str], NDArray]:
    vectors = np.load(path, allow_pickle=False)
    return path.with_suffix(".txt").read_text(encoding="utf-8-sig").splitlines(), vectors


def _problem(names: list[str], vectors: NDArray) -> str:
    """The problem with vectors and names, as a phrase; empty where there is none."""
    if vectors.ndim != 2 or not vectors.size or vectors.dtype.kind not in "fiu":
        return f"{vectors.dtype} of shape {vectors.shape}"
    if len(names) != len(vectors):
        return f"{len(vectors):,} vectors and {len(names):,} names"
    repeated = pd.Series(names)[pd.Series(names).duplicated()]
    if len(repeated):
        return f"{repeated.iloc[0]!r} twice"
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        return f"NaN or infinity in {len(bad):,} vectors, the first is that of {names[bad[0]]}"
    return "" if (vectors != 0).any(axis=1).all() else "a vector of zeros, which has no direction"
