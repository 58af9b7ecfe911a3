"""Mapped vectors are the unit rows, written once, and again for other vectors or after damage."""

import numpy as np
import pytest

from fashion.core.errors import ArtefactError
from fashion.neighbours import mapped
from fashion.neighbours.exact import normalise
from fashion.neighbours.mapped import mapped_vectors

VECTORS = np.random.default_rng(0).normal(size=(70, 5)).astype(np.float32)


def test_they_are_the_unit_rows_in_shared_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "BLOCK", 16)
    kept = mapped_vectors(VECTORS, tmp_path, "described")
    assert np.array_equal(kept.rows, normalise(VECTORS)) and np.array_equal(kept.columns, kept.rows.T)
    assert isinstance(kept.rows, np.memmap) and isinstance(kept.columns, np.memmap)
    assert kept.columns.flags.c_contiguous and not kept.rows.flags.writeable


def test_they_are_written_once_and_again_for_other_vectors_or_after_damage(tmp_path):
    mapped_vectors(VECTORS, tmp_path, "described")
    paths = [tmp_path / f"described.{name}.npy" for name in ("rows", "columns")]
    before = [path.stat().st_mtime_ns for path in paths]
    mapped_vectors(VECTORS, tmp_path, "described")
    assert before == [path.stat().st_mtime_ns for path in paths]
    other = mapped_vectors(-VECTORS[:9], tmp_path, "described")
    assert np.array_equal(other.rows, normalise(-VECTORS[:9]))
    whole = bytearray(paths[1].read_bytes())
    whole[-2] ^= 1
    paths[1].write_bytes(whole)
    assert np.array_equal(mapped_vectors(-VECTORS[:9], tmp_path, "described").columns, other.rows.T)


def test_what_is_not_finite_is_refused(tmp_path):
    with pytest.raises(ArtefactError, match="finite"):
        mapped_vectors(np.full((3, 2), np.nan, np.float32), tmp_path, "described")
    assert not list(tmp_path.glob("*.npy"))
