"""The benchmark of a shop's export: written as a shop would, then served, described and downloaded by real commands."""

import csv
import shutil
import sys

import pytest

from benchmarks import page, shop
from fashion.catalogue.addresses import downloads_folder
from fashion.catalogue.definition import load_catalogue
from fashion.core.errors import FashionError
from fashion.photos.images import decode

NAME = "bench-of-a-test"


def test_export_is_served_described_and_downloaded(tmp_path):
    try:
        steps, held = shop.described(tmp_path, NAME, 12)
        files = [path for path in downloads_folder(NAME).rglob("*") if path.suffix == "" and len(path.name) == 64]
        assert len(files) == 36, "three photos a product, all different"
        assert decode(files[0].read_bytes(), "photo").shape == (shop.HEIGHT, shop.WIDTH, 3)
        assert 36 * 5_000 < held["photos"] < 36 * 60_000
    finally:
        shutil.rmtree(downloads_folder(NAME).parent, ignore_errors=True)
    assert [step["step"] for step in steps] == ["init", "download", "download again, all on disk"]
    assert all(step["seconds"] > 0 and step["processor"] > 0 and step["most_bytes"] > 2**24 for step in steps)
    assert "36 read; 24 joined to an item as further photos" in steps[0]["said"]
    assert "12 to study; 24 joined" in steps[1]["said"] and "on disk 36 of 36 photos by address" in steps[2]["said"]
    columns = load_catalogue(tmp_path / f"{NAME}.toml").columns
    assert (columns["category"], columns["colour"], columns["item"]) == ("Type", "Option2 Value", "Handle")
    with (tmp_path / "products_export.csv").open(encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == 36 and [line["Image Position"] for line in lines[:3]] == ["1", "2", "3"]
    assert lines[0]["Title"] and not lines[1]["Title"] and lines[0]["Handle"] == lines[2]["Handle"]
    assert not (tmp_path / "served").exists(), "the report asks nothing of the network"


def test_a_failed_step_is_reported_with_its_output():
    with pytest.raises(FashionError, match=r"found exit status 3\. See its output:\nno such shop"):
        shop.timed("step", [sys.executable, "-c", "import sys; print('no such shop'); sys.exit(3)"])


@pytest.mark.parametrize("sizes", ["1000,all", "sample", "0", "-5"])
def test_sizes_that_are_no_number_of_products_are_refused(sizes):
    with pytest.raises(FashionError, match=f"a number of products; found '{sizes}'. Correct --sizes"):
        shop.run({"sizes": sizes, "quick": True, "reports": "unused"})


def test_page_sums_the_steps():
    step = {"seconds": 2.0, "processor": 1.5, "most_bytes": 2**21}
    text = page.shop({
        "steps": [{"step": "init"} | step, {"step": "download"} | step], "photo": [600, 800], "products": 10,
        "photos": 30, "items": 10, "load_average": {"before": [1.0], "after": [2.0]}, "bytes": {"photos": 2e6},
        "embedding": {"photos_per_second": 99.6}, "training_seconds": 3,
    })  # fmt: skip
    assert "| all | 4 | 3 | 2 |" in text and "embedded 100 photos a second" in text and "photos 2." in text
