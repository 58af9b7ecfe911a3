"""The path of everybody who is online: a report whose network is ResNet-50, from the weights file to the slides."""

import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from pptx import Presentation

from fashion.catalogue.sample.make import make_sample
from fashion.catalogue.source import open_source
from fashion.core.checksums import sha256_file
from fashion.core.paths import project_root
from fashion.embedding import resnet50
from fashion.photos.images import decode, resize
from fashion.photos.measures import open_photo

pytestmark = pytest.mark.slow  # six notebooks, and a network of 23 million parameters

ROOT = project_root()
#: Rows of the sample that the report takes; photos on which the batch norms are calibrated, and their size.
ROWS, PHOTOS, EDGE = 120, 256, 64


def calibrate(network, photos, passes=2, momentum=0.3):
    """Give a network of random weights batch norms that know the statistics of photos, as training would have."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
    for _ in range(passes):
        for first in range(0, len(photos), 32):
            network(resnet50.preprocess(photos[first : first + 32].astype(np.float32)), training=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the checkout, so that a report in its own folders cannot spoil ours; with a small sample."""
    root = tmp_path_factory.mktemp("resnet") / "checkout"
    root.mkdir()
    for name in ("fashion", "notebooks", "Images"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("catalogues", "glossary", "sample"):
        shutil.copytree(ROOT / "data" / name, root / "data" / name)
    for name in ("README.md", "pyproject.toml", "requirements.lock", "data/value-model.toml"):
        shutil.copy(ROOT / name, root / name)
    make_sample(root / "data/raw/small", count=PHOTOS, progress=False)
    return root


def good_photos(project):
    """Photos of the sample but for those that it breaks on purpose."""
    folder = project / "data/raw/small"
    source = open_source(folder, "annotation.txt")
    names = sorted(f"images/{path.name}" for path in (folder / "images").iterdir())
    return [folder / name for name in names if open_photo(source, name)[1] is not None][:PHOTOS]


@pytest.fixture(scope="module")
def weights(project):
    """ImageNet's weights cannot be had offline: random ones, seeded, that see something in the sample's photos."""
    photos = np.stack([resize(decode(path.read_bytes(), path.name, EDGE), EDGE) for path in good_photos(project)])
    keras.utils.set_random_seed(0)
    network = resnet50.build_resnet50(EDGE)
    calibrate(network, photos)
    path = project.parent / "mine.weights.h5"
    network.save_weights(path)
    return path


def fashion(project, *words):
    """The console command, as it is typed in a checkout."""
    environment = os.environ | {"PYTHONPATH": str(project)}
    environment.pop("FASHION_ROOT", None)
    command = [sys.executable, "-m", "fashion.cli.main", *map(str, words)]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tracked(project):
    return {path.name: sha256_file(path) for path in [project / "README.md", *(project / "Images").iterdir()]}


def test_a_report_by_resnet50_from_the_weights_file_to_the_slides(project, weights):
    before = tracked(project)
    said = fashion(project, "report", "--data", "data/raw/small", "--limit", ROWS, "--weights", weights)
    assert "6 of 6 steps run" in said
    report, checksum = project / "reports/sample", sha256_file(weights)

    backbone = json.loads((project / "data/processed/sample/backbone.json").read_text(encoding="utf-8"))
    assert (backbone["name"], backbone["size"], backbone["dimension"]) == ("resnet50", 197, 2048)
    assert backbone["weights_checksum"] == checksum
    provenance = json.loads((report / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["backbone"] == backbone and provenance["checksums"]["weights"] == checksum
    assert provenance["settings"]["weights"] == str(weights) and provenance["runtime"]["name"].startswith("openvino")

    results = [json.loads((report / f"results/{n:02d}.json").read_text(encoding="utf-8")) for n in range(1, 7)]
    items = results[0]["items"]
    assert ROWS - 10 < items == results[0]["timing"]["photos_embedded"], "all but the photos that the sample breaks"
    assert results[1]["warning"] is None
    assert results[1]["dimension"] == 2048 and f"{items} items · resnet50, 197 px" in results[5]["source_line"]
    shares = {row["method"]: row for row in results[5]["precision_at_k"]}
    # The colours are measured; of random weights' features a category need not be told.
    for column in ("colour", "category and colour"):
        assert shares["random"][column]["high"] < shares["learned"][column]["mean"] <= 1
    assert all(0 < shares[name]["category"]["mean"] <= 1 for name in ("frozen", "learned"))

    assert "resnet50" in (report / "index.html").read_text(encoding="utf-8")
    shapes = [shape for slide in Presentation(report / "deck.pptx").slides for shape in slide.shapes]
    assert "resnet50" in " ".join(shape.text_frame.text for shape in shapes if shape.has_text_frame)
    assert tracked(project) == before, "README shows the default network's figures"

    photo = good_photos(project)[7]
    answer = json.loads(fashion(project, "recommend", "--photo", photo, "--weights", weights, "--json"))
    assert len(answer["recommendations"]) == 6 and set(answer["description"]) >= {"colour", "category"}
    similarity = [row["similarity"] for row in answer["recommendations"]]
    assert similarity == sorted(similarity, reverse=True) and 0 < similarity[-1] <= similarity[0] <= 1.000001
