"""Artefacts are whole or absent, and errors say who writes them."""

import json
import shlex

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import AxesImage

from fashion.cli.main import build_parser
from fashion.core.checksums import sha256_file
from fashion.core.errors import ArtefactError
from fashion.core.files import write_json, write_whole
from fashion.core.workspace import WRITERS, Workspace


@pytest.fixture
def work(tmp_path):
    return Workspace("mine", tmp_path / "processed", tmp_path / "reports")


def test_round_trips(work):
    frame = pd.DataFrame({"item": ["a", "b"], "n": [1, 2]})
    work.write_table("items", frame)
    pd.testing.assert_frame_equal(work.items(), frame)
    work.write_vectors("frozen", np.eye(3))
    assert work.vectors("frozen").dtype == np.float32 and isinstance(work.vectors("frozen"), np.memmap)
    work.write_vectors("pixels", np.eye(3) * 255, dtype=np.uint8)
    assert work.vectors("pixels").dtype == np.uint8
    work.write_arrays("selection", {"name": np.array("all"), "columns": np.arange(3)})
    assert str(work.arrays("selection")["name"]) == "all"


def test_json_knows_numpy_and_has_no_nan(work):
    work.write_json("metrics", {"a": np.float32(0.5), "b": [np.int64(3), float("nan")], 4: np.arange(2), "é": True})
    text = work.path("metrics.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"a": 0.5, "b": [3, None], "4": [0, 1], "é": True} and "é" in text


@pytest.mark.parametrize("artefact", ["items.parquet", "frozen.npy", "backbone.json"])
def test_missing_says_who_writes_it(work, artefact):
    with pytest.raises(ArtefactError, match=rf"notebook {WRITERS[artefact]} writes.*fashion report --catalogue mine"):
        work.need(artefact)


def test_damaged_artefact(work):
    work.write_table("items", pd.DataFrame({"a": range(100)}))
    path = work.path("items.parquet")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ArtefactError, match=r"found it damaged.*again"):
        work.items()


def test_a_split_of_an_earlier_version_is_refused_with_what_to_run(work):
    work.write_table("split", pd.DataFrame({"item": ["a", "b"], "split": ["train", "test"], "group": [0, 1]}))
    assert work.split().tolist() == ["train", "test"]
    work.write_table("split", pd.DataFrame({"item": ["a", "b"], "part": ["train", "test"], "group": [0, 1]}))
    with pytest.raises(
        ArtefactError, match=r"column split in .*; found item, part, group.*fashion report --catalogue mine"
    ):
        work.split()


def test_pickled_arrays_are_refused(work):
    work.processed.mkdir(parents=True)
    np.save(work.path("frozen.npy"), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ArtefactError, match="found it damaged"):
        work.vectors("frozen")


def test_a_failing_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write(aside):
        aside.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, write)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_results_and_figures(work, monkeypatch):
    with pytest.raises(ArtefactError, match="notebook 03"):
        work.results("03")
    work.write_results("03", {"x": 1.5})
    assert work.results("03") == {"x": 1.5}
    figure, axes = plt.subplots()
    axes.plot([0, 1])
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    work.show(figure, "03-line", "A line that rises.", "It rises by **1**.")
    assert work.captions() == {"03-line": "A line that rises."} and shown[0].data[:4] == b"\x89PNG"
    assert [type(one).__name__ for one in shown] == ["Image", "Markdown"] and shown[1].data == "It rises by **1**."
    first = (work.report / "figures/03-line.png").read_bytes()
    figure, axes = plt.subplots()
    axes.plot([0, 1])
    work.show(figure, "03-line", "A line that rises.")
    assert len(shown) == 3, "no reading, no text"
    assert (work.report / "figures/03-line.png").read_bytes() == first
    with pytest.raises(ValueError, match="figure name"):
        work.show(plt.figure(), "line", "x")


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_a_figures_photos_are_scaled_once_and_it_is_the_one_that_matplotlib_saves(work, monkeypatch, layout):
    scaled, plain = [], AxesImage.make_image
    monkeypatch.setattr(AxesImage, "make_image", lambda *given, **more: scaled.append(1) or plain(*given, **more))
    monkeypatch.setattr("IPython.display.display", lambda shown: None)

    def drawn():
        figure, axes = plt.subplots(1, 3, layout=layout)
        axes[0].imshow(np.random.default_rng(0).random((40, 30, 3)), interpolation="lanczos")
        axes[0].set_title("a photo\nwith its words")
        axes[1].imshow(np.eye(5))
        axes[1].images[0].set_visible(False)
        axes[1].axis("off")
        axes[2].imshow(np.eye(4))
        axes[2].set_ylabel("beside")
        figure.text(0, -0.1, "below")
        return figure

    work.report.mkdir(parents=True)
    metadata = {"Title": "03-photos", "Description": "Photos.", "Software": None}
    drawn().savefig(
        work.report / "tight.png", dpi=150, bbox_inches="tight", metadata=metadata, pil_kwargs={"compress_level": 4}
    )
    assert len(scaled) == 4, "matplotlib's own way"
    work.show(drawn(), "03-photos", "Photos.")
    assert len(scaled) == 4 + 2
    assert (work.report / "figures/03-photos.png").read_bytes() == (work.report / "tight.png").read_bytes()


def test_lists_for_people_lie_beside_the_reports_numbers(work):
    path = work.write_csv("to_check", pd.DataFrame({"item": ["=1+1", "b"]}))
    assert path == work.need("to_check.csv") == work.report / "results/to_check.csv"
    assert path.read_text(encoding="utf-8") == "item\n'=1+1\nb\n"
    assert work.label(path) == "r:results/to_check.csv" and work.label(work.path("map.parquet")) == "p:map.parquet"


def test_a_run_by_hand_says_whether_a_list_differs_from_the_reports(work):
    for name, notebook in WRITERS.items():
        if notebook == "03-attributes":
            work.path(name).parent.mkdir(parents=True, exist_ok=True)
            work.path(name).write_text(name)
    own = {work.label(work.path(name)): sha256_file(work.path(name)) for name in WRITERS if work.path(name).is_file()}
    state = work.processed / "steps/03.json"
    state.parent.mkdir()
    state.write_text(json.dumps({"outputs": own}))
    assert "each file that it wrote is the report's own" in work._after_a_run_by_hand("03")
    work.write_csv("to_check", pd.DataFrame({"item": ["b"]}))
    assert "Other than in the report: to_check.csv." in work._after_a_run_by_hand("03")


@pytest.mark.parametrize(
    ("folder", "toml", "variables", "command"),
    [
        ("", "", {}, "make report CATALOGUE=mine"),
        ("", "/a b/mine.toml", {}, "make report CATALOGUE='/a b/mine.toml'"),
        ("runs/lite", "", {"limit": 300, "k": 4, "keep_unknown": True},
         "make report CATALOGUE=mine RUN=lite LIMIT=300 K=4 KEEP_UNKNOWN=1"),
    ],
)  # fmt: skip
def test_the_command_renews_a_report_with_what_it_was_made_with(
    tmp_path, monkeypatch, folder, toml, variables, command
):
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    places = tmp_path / "data/processed" / folder, tmp_path / "reports" / folder
    work = Workspace("mine", *places, toml=toml)
    assert work.command == command.split(" LIMIT")[0], "no report has told its variables yet"
    write_json(work.report / "provenance.json", {"variables": variables})
    assert work.command == command
    elsewhere = Workspace("mine", tmp_path / "p" / folder, tmp_path / "r" / folder, toml)
    write_json(elsewhere.report / "provenance.json", {"variables": variables})
    build_parser().parse_args(shlex.split(elsewhere.command)[1:])
    assert elsewhere.command.startswith("fashion report --catalogue ")
    elsewhere.processed.mkdir(parents=True)
    (elsewhere.processed / "catalogue.json").write_text('{"toml": "/x.toml"}')
    assert Workspace("mine", tmp_path / "p" / folder, tmp_path / "r" / folder).command.split()[3] == "/x.toml"


def test_the_command_takes_what_other_reports_and_systems_have(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    work = Workspace("mine", tmp_path / "data/processed", tmp_path / "reports")
    older = {"catalogue": "mine", "data": None, "limit": 300, "backbone": "auto", "beside": "b", "keep_unknown": False}
    for told, command in [
        ({"settings": older}, "make report CATALOGUE=mine LIMIT=300 BACKBONE=auto,b"),
        ({"variables": None, "settings": []}, "make report CATALOGUE=mine"),
        ({"variables": {"queries": "a$b c"}}, "make report CATALOGUE=mine QUERIES='a$$b c'"),
    ]:
        write_json(work.report / "provenance.json", told)
        assert work.command == command
    write_json(work.report / "provenance.json", {"variables": {"queries": "-a"}})
    elsewhere = Workspace("mine", tmp_path, tmp_path / "reports")
    assert build_parser().parse_args(shlex.split(elsewhere.command)[1:]).queries == "-a"
    monkeypatch.setattr("fashion.core.workspace.WINDOWS", True)
    write_json(work.report / "provenance.json", {"variables": {"data": "C:\\a b"}})
    assert work.command == 'fashion report --catalogue mine --data "C:\\a b"'
