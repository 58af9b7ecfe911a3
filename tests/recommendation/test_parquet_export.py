"""The exported file holds what the recommender answers, in the columns that other tools read."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SIX_ITEMS

from fashion.neighbours.exact import normalise
from fashion.recommendation import parquet_export
from fashion.recommendation.parquet_export import write_parquet
from fashion.recommendation.recommender import Recommender

VECTORS = normalise(np.random.default_rng(0).normal(size=(6, 4)))


@pytest.fixture
def recommender():
    # A column that is empty in the first group of rows, one of a name that is made here, and one without a word.
    items = SIX_ITEMS.assign(title=[None] * 4 + ["Tè", ""], x=range(6), added="")
    return Recommender(items, VECTORS, k=3)


def test_what_is_written_is_what_is_answered(recommender, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_export, "GROUP", 2)
    xy = np.array([[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]], np.float32)  # a6 was added since
    files = [f"/photos/{name}.jpg" for name in recommender.items["item"][:5]] + [None]
    path = write_parquet(recommender, tmp_path / "shop.parquet", xy=xy, files=files, progress=False)
    assert [one.name for one in tmp_path.iterdir()] == ["shop.parquet"]
    schema, table = pq.read_schema(path), pd.read_parquet(path)
    assert schema.field("vector").type == pa.list_(pa.float32(), 4)
    assert np.array_equal(np.stack(table["vector"]), VECTORS)
    assert table["item"].tolist() == SIX_ITEMS["item"].tolist() and table["filepath"][5] is None
    assert table[["x", "y"]].iloc[:5].to_numpy().tolist() == xy.tolist() and table[["x", "y"]].iloc[5].isna().all()
    assert table["x_"].tolist() == list(range(6)) and table["title"].tolist() == [None] * 4 + ["Tè", ""]
    for _, row in table.iterrows():
        expected = recommender.by_item(row["item"], 3)
        assert row["similar"].tolist() == expected["item"].tolist()
        assert row["similarity"] == pytest.approx(expected["similarity"].to_numpy(), abs=1e-6)
        assert row["reasons"].tolist() == expected["reasons"].tolist()
        # embedding-atlas: rows of the file from 0, and distances.
        assert table["item"].iloc[row["neighbors"]["ids"]].tolist() == expected["item"].tolist()
        assert row["neighbors"]["distances"] == pytest.approx(1 - row["similarity"], abs=1e-6)
    assert "image" not in table


def test_photos_go_along_and_lists_end_with_the_catalogue(recommender, tmp_path):
    path = write_parquet(
        recommender, tmp_path / "shop.parquet", photo=lambda row: bytes([row]), k=60, progress=False
    )  # fmt: skip
    table = pd.read_parquet(path)
    assert table["image"][4] == {"bytes": b"\x04", "path": "images/a5.jpg"} and len(table["similar"][0]) == 5
    assert table["x"].isna().all() and table["filepath"].isna().all()


def test_a_failure_leaves_the_old_file(recommender, tmp_path):
    path = tmp_path / "shop.parquet"
    path.write_bytes(b"old")

    def broken(row: int) -> bytes:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write_parquet(recommender, path, photo=broken, progress=False)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
