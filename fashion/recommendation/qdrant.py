"""A catalogue's vectors for a distributed search engine, where one machine's memory is too small (docs/scale.md).

Qdrant: requests for its HTTP interface, as JSON files that any client can send in order. Its metric is the inner
product, so that the query sets the weights of kind, colour and looks (`attributes.layout.Layout.queries`); descriptions
go along as payload, for exact filters.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fashion.core.files import write_json, write_whole
from fashion.recommendation.filters import DESCRIPTION
from fashion.recommendation.recommender import Recommender

#: Points of a request; Qdrant takes 32 MB at most.
POINTS = 1_000

#: Of the identifiers, UUIDs as Qdrant requires: an item always gets the same one, so sending twice changes nothing.
NAMESPACE = uuid.UUID("6f1c2ad2-5f3c-5c0e-9b57-0f6d8f2d7a11")


def point_id(catalogue: str, item: str) -> str:
    """An item's identifier in the engine."""
    return str(uuid.uuid5(NAMESPACE, f"{catalogue}/{item}"))


def collection(width: int, columns: list[str]) -> dict[str, Any]:
    """The request that makes the collection, and the columns to index for filters."""
    return {
        "vectors": {"size": width, "distance": "Dot", "on_disk": True},
        "hnsw_config": {"m": 16, "ef_construct": 128},
        "quantization_config": {"scalar": {"type": "int8", "always_ram": True}},
        "payload_indexes": [{"field_name": name, "field_schema": "keyword"} for name in columns],
    }


def export(recommender: Recommender, catalogue: str, folder: Path) -> list[Path]:
    """Write the requests: collection.json, then points-00001.json and on.

    Parameters
    ----------
    recommender : Recommender
        Its unit rows are the gallery; queries are scaled as `Recommender` does, times any constant.
    catalogue : str
        Part of the identifiers.
    folder : Path

    Returns
    -------
    list of Path
        In the order of sending. `payload_indexes` in the first is to be sent field by field to `/index`.
    """
    columns = [column for column in DESCRIPTION if column in recommender.items]
    width = int(recommender.vectors.shape[1])
    paths = [write_json(folder / "collection.json", collection(width, columns))]
    for number, first in enumerate(range(0, len(recommender.items), POINTS), start=1):
        rows = slice(first, first + POINTS)
        text = json.dumps(
            {"points": points(recommender.items.iloc[rows], recommender.vectors[rows], catalogue, columns)}
        )
        target = folder / f"points-{number:05d}.json"
        paths.append(write_whole(target, lambda aside, text=text: aside.write_text(text, encoding="utf-8")))  # type: ignore[misc]
    return paths


def points(items: pd.DataFrame, vectors: np.ndarray, catalogue: str, columns: list[str]) -> list[dict[str, Any]]:
    """Some items as the engine's points: `id`, `vector`, `payload` (item, photo, description)."""
    made = []
    records = items[["item", "photo", *columns]].to_dict("records")
    for record, vector in zip(records, np.asarray(vectors, np.float32), strict=True):
        payload = {str(name): None if pd.isna(value) else value for name, value in record.items()}
        made.append({"id": point_id(catalogue, str(record["item"])), "vector": vector.tolist(), "payload": payload})
    return made
