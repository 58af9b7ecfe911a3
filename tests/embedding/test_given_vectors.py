"""Vectors by item in place of a network: read, aligned by name, and refused in words where they are not whole."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import jpeg

from fashion.attributes import customer_photos
from fashion.catalogue.source import open_source
from fashion.core.errors import WeightsError
from fashion.core.workspace import Workspace
from fashion.embedding.backbones import description_of, load_backbone, reopen_backbone, summary_table
from fashion.embedding.encoder_files import places_checksum
from fashion.embedding.extraction import blocks_of_items, read_photos
from fashion.embedding.given_vectors import GivenVectors, read_given_vectors
from fashion.embedding.runtimes import choose_runtime, network_call, query_runtime
from fashion.plots import readings
from fashion.recommendation.photo_encoder import PhotoEncoder

NAMES = ["a1", "a2", "b 3"]
VECTORS = np.array([[1, 0], [0, 2], [-3, 1]], np.float32)


def write(folder, kind):
    """The three vectors in one of the forms that are read."""
    path = folder / ("v.npy" if kind == "npy" else "v.parquet")
    if kind == "npy":
        np.save(path, VECTORS)
        path.with_suffix(".txt").write_text("\n".join(NAMES), encoding="utf-8")
    elif kind == "lists":
        pd.DataFrame({"item": NAMES, "vector": list(VECTORS)}).to_parquet(path)
    else:
        pd.DataFrame({"item": NAMES, "x": VECTORS[:, 0], "y": VECTORS[:, 1]}).to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["npy", "lists", "columns"])
def test_each_form_gives_the_vectors_by_name(tmp_path, kind):
    path = write(tmp_path, kind)
    given = load_backbone(str(path))
    assert isinstance(given, GivenVectors) and (given.dimension, given.multilayer_dimensions) == (2, 0)
    assert np.array_equal(given.of(["b 3", "a1"]), VECTORS[[2, 0]]) and given.of(["a1"]).dtype == np.float32
    assert "3 vectors of 2 dimensions" in given.reason and "no photo is embedded" in given.reason
    assert len(summary_table(given)) == 2
    with pytest.raises(WeightsError, match=r"of 2 items in .*found none for 1, such as zz. Its items are called a1"):
        given.of(["a1", "zz"])
    key = places_checksum(path)
    description = json.loads(json.dumps(description_of(given)))
    assert np.array_equal(reopen_backbone(description).of(NAMES), VECTORS)
    if kind == "npy":
        path.with_suffix(".txt").write_text("a2\na1\nb 3")
    else:
        pd.DataFrame({"item": NAMES, "vector": list(VECTORS * 2)}).to_parquet(path)
    assert places_checksum(path) != key
    with pytest.raises(WeightsError, match="expected the encoder with which the report was made"):
        reopen_backbone(description)


def test_photos_are_measured_but_not_embedded(tmp_path):
    (tmp_path / "photos").mkdir()
    for name, grey in zip(NAMES, (20, 120, 220), strict=True):
        picture = np.full((40, 40, 3), 250, np.uint8)
        picture[8:32, 8:32] = grey
        (tmp_path / f"photos/{name}.jpg").write_bytes(jpeg(picture))
    (tmp_path / "photos/table.txt").write_text("x")
    given = load_backbone(str(write(tmp_path, "lists")))
    items = pd.DataFrame({"item": NAMES[::-1]}).assign(photo=lambda t: t["item"] + ".jpg")
    source = open_source(tmp_path / "photos", "table.txt")
    seen = read_photos(source, items["photo"], tmp_path / "kept", given, progress=False)
    seen.require_good()
    assert seen.vectors.embedded == 0 and seen.vectors.runtime == "none needed" and seen.descriptor("hog").shape[0] == 3
    photos = items[["photo"]].assign(row=range(3), sha256=seen.metadata["sha256"].tolist())
    blocks = blocks_of_items(seen.vectors.store, given, items, photos)
    assert np.array_equal(blocks["embedding"], VECTORS[::-1]) and blocks["multilayer"].shape == (3, 0)
    assert not list((tmp_path / "kept").rglob("embeddings/*/part-*")), "no vectors are kept by photo"


def test_what_needs_a_network_says_that_there_is_none(tmp_path, planted):
    given = load_backbone(str(write(tmp_path, "lists")))
    work = Workspace("any", tmp_path / "p", tmp_path / "r")
    work.write_json("backbone", description_of(given))
    for call in (
        lambda: network_call(given),
        lambda: choose_runtime(given),
        lambda: query_runtime(given, tmp_path),
        lambda: PhotoEncoder(work).backbone,
    ):
        with pytest.raises(WeightsError, match="expected a network for new photos; found a report on vectors"):
            call()
    rows = np.arange(6)
    drawn, judged = customer_photos.rows_that_can_be_simulated(given, rows, rows, 6, 0)
    assert len(drawn) == len(judged) == 0
    none = customer_photos.simulated_features(None, [], tmp_path, given, 0)
    assert none.shape == (0, 2)
    network = object()
    assert customer_photos.teach_customer_photos(network, VECTORS, None, rows, none, drawn) is network
    told = customer_photos.accuracy_of_customer_photos(network, VECTORS, VECTORS, none, None, judged)
    assert told.empty and "no photo can be embedded" in readings.attributes.customer_photos(told)
    assert customer_photos.least_resemblance(none, VECTORS, np.arange(3), judged) == -1


BROKEN = {
    "no names": (lambda p: np.save(p / "v.npy", VECTORS), r"v.npy.*names in v.txt; found: FileNotFoundError"),
    "too few": (lambda p: (write(p, "npy"), (p / "v.txt").write_text("a")), r"v.npy; found 3 vectors and 1 names"),
    "twice": (lambda p: (write(p, "npy"), (p / "v.txt").write_text("a\nb\na")), r"v.npy; found 'a' twice"),
    "nan": (
        lambda p: (write(p, "npy"), np.save(p / "v.npy", VECTORS * np.nan)), r"found NaN or infinity in 3 .* that of a1"
    ),
    "zeros": (lambda p: (write(p, "npy"), np.save(p / "v.npy", VECTORS * 0)), "found a vector of zeros"),
    "rank": (lambda p: (write(p, "npy"), np.save(p / "v.npy", VECTORS[0])), r"found float32 of shape \(2,\)"),
    "pickle": (lambda p: (write(p, "npy"), np.save(p / "v.npy", np.array([{}]))), "allow_pickle=False"),
    "no item": (lambda p: pd.DataFrame({"x": [1.0]}).to_parquet(p / "v.parquet"), "no column item, only x"),
    "ragged": (
        lambda p: pd.DataFrame({"item": ["a", "b"], "v": [[1.0], [1.0, 2.0]]}).to_parquet(p / "v.parquet"), "ValueError"
    ),
    "words": (
        lambda p: pd.DataFrame({"item": ["a"], "v": [1.0], "w": ["x"]}).to_parquet(p / "v.parquet"), "not numeric: w"
    ),
    "absent": (lambda p: None, "found nothing. Correct VECTORS"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused_in_words(tmp_path, what):
    make, said = BROKEN[what]
    make(tmp_path)
    path = next((path for path in tmp_path.iterdir() if path.suffix != ".txt"), tmp_path / "v.npy")
    with pytest.raises(WeightsError, match=said):
        read_given_vectors(path)
