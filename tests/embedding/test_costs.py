"""Quality against cost: neighbours by brute force, paired gains, speeds of what can be run, nothing embedded twice."""

import numpy as np
import pandas as pd
import pytest
from onnx_towers import CLIP_JSON, image_tower, write_json

from fashion.catalogue.source import open_source
from fashion.core.errors import SettingsError
from fashion.embedding import costs
from fashion.embedding.backbones import load_backbone
from fashion.embedding.extraction import read_photos
from fashion.evaluation.relevance import BOTH
from fashion.neighbours.duplicates import Rule
from fashion.neighbours.exact import normalise
from fashion.plots import quality_against_cost
from fashion.plots.readings import embedding as readings
from fashion.report.steps import Settings

COLUMNS = ("first", "second", "near_duplicate")


@pytest.fixture
def told(small_folder, tmp_path):
    """48 items with their photos, an encoder from disk, and vectors by item that know both words."""
    table = pd.read_csv(small_folder / "annotation.txt", sep="\t")
    items = pd.DataFrame({
        "item": table.iloc[:, 0].str.removesuffix(".jpg"), "photo": "images/" + table.iloc[:, 0],
        "colour": table.iloc[:, 1], "category": table.iloc[:, 2], "department": table.iloc[:, 3],
    })  # fmt: skip
    image_tower(tmp_path / "clip/onnx/vision_model.onnx")
    write_json(tmp_path / "clip/preprocessor_config.json", CLIP_JSON)
    words = pd.get_dummies(items[["colour", "category"]]).to_numpy(np.float32)
    pd.DataFrame({"item": items["item"], "vector": list(words)}).to_parquet(tmp_path / "words.parquet")
    source = open_source(small_folder, "annotation.txt", tmp_path / "unpacked")
    clip = load_backbone(str(tmp_path / "clip"))
    seen = read_photos(source, items["photo"].tolist(), tmp_path / "p", clip, progress=False)
    photos = pd.DataFrame({"row": range(len(items)), "photo": items["photo"], "sha256": seen.metadata["sha256"]})
    return items, source, photos, costs.beside(str(tmp_path / "words.parquet"), clip), seen, tmp_path / "p"


def test_neighbours_are_those_of_brute_force_and_nothing_is_embedded_again(told, monkeypatch):
    items, source, photos, networks, seen, root = told
    rows = np.arange(40), np.arange(40, 48)
    with monkeypatch.context() as patched:
        patched.setattr("fashion.embedding.extraction.choose_runtime", None)  # all vectors are kept
        found = costs.network_costs(networks, source, items, photos, root, rows, 5, 0)
    table, speeds = found.table, found.speeds
    clip, words = table["network"].unique()
    assert found.timing == [{"network": clip, "photos_per_second": speeds[clip]}] and costs.Costs().timing == []
    assert clip.startswith("clip-") and words.startswith("words-") and list(speeds) == [clip] and speeds[clip] > 0
    vectors = normalise(seen.vectors.blocks["embedding"])
    nearest = np.argsort(-(vectors[40:] @ vectors[:40].T), axis=1, kind="stable")[:, :5]
    same = items["colour"].to_numpy()[nearest] == items["colour"].to_numpy()[40:, np.newaxis]
    mean = table.set_index(["network", "column"])["mean"]
    assert mean[clip, "colour"] == pytest.approx(same.mean(), abs=0.05)  # cosines of equal photos may tie
    per = table.set_index(["network", "column"])
    assert per.loc[(words, BOTH), "gain"] == pytest.approx(mean[words, BOTH] - mean[clip, BOTH])
    assert (table.loc[table["network"] == clip, ["gain", "gain_low", "gain_high"]] == 0).all(axis=None)
    assert per.loc[(clip, BOTH), "checksum"] == networks[0].weights_checksum[:12]
    figure = quality_against_cost(table, speeds, "x", k=5)
    said = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert any(networks[0].weights_checksum[:8] in line and "12 dimensions" in line for line in said)


def test_all_items_are_queries_where_there_are_no_validation_items(told):
    items, *_ = told
    none = pd.DataFrame({column: np.empty(0, bool if column == "near_duplicate" else np.int64) for column in COLUMNS})
    few = items.iloc[[0, 20]].reset_index(drop=True)
    gallery, queries = costs.training_and_validation(few, np.eye(2, dtype=np.float32), none, Rule(), 0)
    assert gallery.tolist() == queries.tolist() == [0, 1]
    gallery, queries = costs.training_and_validation(items, np.eye(48, dtype=np.float32), none, Rule(), 0)
    assert len(gallery) and len(queries) and not set(gallery) & set(queries) and len(gallery) + len(queries) < 48


def rows_of(gain, low, high):
    one = {"network": "a, 96 px", "column": BOTH, "mean": 0.5, "gain": 0.0, "gain_low": 0.0, "gain_high": 0.0}
    return pd.DataFrame([one, one | {"network": "b", "mean": 0.5 + gain, "gain": gain, "gain_low": low,
                                     "gain_high": high}])  # fmt: skip


def test_the_reading_says_what_the_interval_allows():
    better = readings.cost(rows_of(0.1, 0.05, 0.15), {"a, 96 px": 100.0, "b": 50.0}, 6)
    assert better.startswith("The report uses a, 96 px: 50%") and "b is better by 0.100" in better
    assert "50 photos a second against 100 (0.5 times the speed)" in better and better.endswith("first in BACKBONE.")
    assert "None of the others is better" in readings.cost(rows_of(-0.1, -0.15, -0.05), {}, 6)
    assert "cannot be distinguished" in readings.cost(rows_of(0.01, -0.02, 0.04), {}, 6)
    assert readings.cost(rows_of(0, 0, 0).head(1), {}, 6) == ""


def test_the_first_backbone_named_is_the_reports(tmp_path):
    settings = Settings(backbone="efficientnet-lite0, efficientnet-lite1,models/clip")
    assert (settings.backbone, settings.beside) == ("efficientnet-lite0", "efficientnet-lite1,models/clip")
    assert Settings(**{"backbone": settings.backbone, "beside": settings.beside}) == settings
    with pytest.raises(SettingsError, match=r"found 'resnet51'. Did you mean resnet50"):
        Settings(backbone="auto,resnet51")
    (tmp_path / "a,b").mkdir()
    assert Settings(backbone=str(tmp_path / "a,b")).beside == ""
