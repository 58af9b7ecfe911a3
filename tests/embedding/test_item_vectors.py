"""An item's vectors are a weighted mean of its photos'."""

import numpy as np
import pandas as pd

from fashion.embedding import extraction


def test_vectors_are_a_weighted_mean(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    store = extraction.EmbeddingStore(tmp_path, "network", {"embedding": 8, "multilayer": 3})
    sums = [f"{n:064x}" for n in range(12)]
    blocks = {
        name: rng.normal(size=(12, width)).astype(np.float32) for name, width in (("embedding", 8), ("multilayer", 3))
    }
    store.add(sums, blocks)
    rows, chosen = [0, 0, 0, 1, 2, 2, 3], [3, 1, 2, 7, 0, 11, 3]
    photos = pd.DataFrame({"row": rows, "sha256": [sums[n] for n in chosen]})
    for items in (2, 4096):
        monkeypatch.setattr(extraction, "ITEMS", items)
        means = extraction.item_vectors(store, photos)
        for name, block in blocks.items():
            shown, others = block[[3, 0]], np.stack([block[[1, 2]].mean(axis=0), block[11]])
            assert np.allclose(means[name][[0, 2]], 2 / 3 * shown + others / 3, atol=1e-6)
            assert means[name].dtype == np.float32
            assert np.array_equal(means[name][[1, 3]], block[[7, 3]]), "one photo is itself, to the bit"
    assert extraction.item_vectors(store, photos.head(0))["embedding"].shape == (0, 8)
