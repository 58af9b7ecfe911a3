"""The path of everybody who is online: a report whose network is ResNet-50, from the weights file to the slides."""

import json

import pytest
from conftest import hostile_weights, tracked_files
from pptx import Presentation

from fashion.cli.main import main
from fashion.core.checksums import sha256_file

pytestmark = pytest.mark.slow  # six notebooks, and a network of 23 million parameters


def test_a_report_by_resnet50_from_the_weights_file_to_the_slides(hostile, capsys):
    report, root = hostile.report, hostile.processed_root.parent
    assert "6 of 6 steps run" in json.loads((root / "said.json").read_text(encoding="utf-8"))[-1]
    weights = hostile_weights(root / "hostile.toml")
    checksum = sha256_file(weights)

    backbone = hostile.json("backbone")
    assert (backbone["name"], backbone["size"], backbone["dimension"]) == ("resnet50", 64, 2048)
    assert backbone["weights_checksum"] == checksum
    provenance = json.loads((report / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["backbone"] == backbone and provenance["checksums"]["weights"] == checksum
    assert provenance["settings"]["weights"] == str(weights) and provenance["runtime"]["name"].startswith("openvino")

    results = [hostile.results(f"{n:02d}") for n in range(1, 7)]
    items = results[0]["items"]
    assert items == results[0]["timing"]["photos_embedded"] == 96
    assert results[1]["warning"] is None
    assert results[1]["dimension"] == 2048
    assert f"{items} items · resnet50-{checksum[:8]}, 64 px" in results[5]["source_line"]
    shares = {row["method"]: row for row in results[5]["precision_at_k"]}
    # The colours are measured; of random weights' features a category need not be told.
    for column in ("colour", "category and colour"):
        assert shares["random"][column]["high"] < shares["learned"][column]["mean"] <= 1
    assert all(0 < shares[name]["category"]["mean"] <= 1 for name in ("frozen", "learned"))

    assert "resnet50" in (report / "index.html").read_text(encoding="utf-8")
    shapes = [shape for slide in Presentation(report / "deck.pptx").slides for shape in slide.shapes]
    assert "resnet50" in " ".join(shape.text_frame.text for shape in shapes if shape.has_text_frame)
    before = json.loads((root / "tracked.json").read_text(encoding="utf-8"))
    assert tracked_files() == before, "README shows the default network's figures"

    photo = next((root / "clothes/images").glob("7.jpg"))
    places = ["--processed", str(hostile.processed_root), "--reports", str(hostile.report.parent)]
    catalogue = ["-c", str(root / "hostile.toml"), "--weights", str(weights)]
    assert main(["recommend", "--photo", str(photo), "--json", *catalogue, *places]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["recommendations"]) == 4 and set(answer["description"]) >= {"colour", "category"}
    similarity = [row["similarity"] for row in answer["recommendations"]]
    assert similarity == sorted(similarity, reverse=True) and 0 < similarity[-1] <= similarity[0] <= 1.000001
