"""A sweep's runs, their folders, and what they share."""

import pytest

from fashion.cli.main import build_parser, main
from fashion.core.errors import SettingsError, WeightsError
from fashion.core.workspace import Workspace
from fashion.report.runs import place_of_run, share_stores
from fashion.report.steps import Settings
from fashion.report.sweep import runs_of

LITE = ["efficientnet-lite0", "efficientnet-lite1"]


def test_each_combination_is_a_run_with_its_settings():
    runs = runs_of(Settings(limit=500), {"backbone": LITE, "size": [160], "seed": [0, 3]})
    assert list(runs) == [f"{name}-seed{seed}" for name in LITE for seed in (0, 3)], "one size names no run"
    last = runs["efficientnet-lite1-seed3"]
    assert (last.backbone, last.size, last.seed, last.limit) == ("efficientnet-lite1", 160, 3, 500)
    assert list(runs_of(Settings(), {"seed": [1, 2]})) == ["seed1", "seed2"]


def test_two_encoders_whose_folders_have_one_name_are_two_runs(tmp_path):
    places = [tmp_path / "a/my clip", tmp_path / "b/my clip"]
    for place in places:
        place.mkdir(parents=True)
    runs = runs_of(Settings(), {"backbone": [str(place) for place in places]})
    assert list(runs) == ["my-clip", "my-clip-2"]
    for name in runs:
        place_of_run(name, tmp_path, tmp_path)  # is a folder's name


def test_what_is_no_sweep_or_cannot_run_is_refused_before_anything_runs(tmp_path):
    for values in ({}, {"size": [160]}, {"seed": [1, 1]}):
        with pytest.raises(SettingsError, match="expected several different values of backbone, size or seed"):
            runs_of(Settings(), values)
    with pytest.raises(WeightsError, match=r"found 100\. Choose such"):
        runs_of(Settings(), {"backbone": LITE[:1], "size": [160, 100]})
    folders = ["--processed", str(tmp_path / "p"), "--reports", str(tmp_path / "r")]
    with pytest.raises(SystemExit):
        main(["sweep", "--size", "160", *folders])
    assert not (tmp_path / "p").exists()
    given = build_parser().parse_args(["sweep", "--size", "160, 224", "--backbone", "a,b", "--limit", "9"])
    assert (given.size, given.backbone, given.seed, given.limit) == ([160, 224], ["a", "b"], [], 9)


def test_a_path_that_holds_a_comma_is_one_backbone(tmp_path):
    place = tmp_path / "clip, large"
    place.mkdir()
    given = build_parser().parse_args(["sweep", "--backbone", str(place), "--size", "160,224"])
    assert given.backbone == [str(place)]


def test_runs_share_what_is_kept_of_photos(tmp_path):
    processed, reports = place_of_run("lite", tmp_path / "p", tmp_path / "r")
    run = Workspace("any", processed, reports)
    assert run.stores == processed, "a folder that happens to lie in one called runs keeps its own"
    share_stores(processed)
    assert run.stores == Workspace("any", tmp_path / "p").stores == tmp_path / "p"
    other, _ = place_of_run("other", tmp_path / "p", tmp_path / "r")
    assert Workspace("any", other).stores == tmp_path / "p"
