"""The whole line on a small catalogue with every kind of bad row and photo, run as a user runs it."""

import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pandas as pd
import pytest
import skimage.data
from conftest import TOML, draw, lend, write_small_catalogue
from PIL import Image

from fashion.catalogue.source import open_source
from fashion.catalogue.translation import colour_hexes
from fashion.cli.main import main
from fashion.core.colour import delta_e, hex_to_lab
from fashion.core.errors import PhotoError, WeightsError
from fashion.core.paths import project_root
from fashion.core.provenance import TIMING
from fashion.core.workspace import Workspace
from fashion.embedding.backbones import reopen_backbone
from fashion.photos.customer_photos import simulate
from fashion.photos.images import decode, resize
from fashion.photos.measures import DecodedPhoto
from fashion.recommendation.photo_query import PhotoReader
from fashion.recommendation.reasons import UNLIKE
from fashion.recommendation.recommender import Recommender
from fashion.report.build import build_report
from fashion.report.integrity import changed, require_intact
from fashion.report.steps import STEPS, Settings, Step
from fashion.report.verify import differences
from fashion.web.app import create_app
from fashion.web.reload import Window

DROPPED = {
    "malformed row": 1, "null row": 1, "duplicate row": 1, "duplicate item": 0, "not a garment": 1,
    "missing photo": 1, "dead address": 0, "unreadable photo": 2, "identical photo": 1,
}  # fmt: skip


pytestmark = pytest.mark.slow


def test_every_step_ran_once(built):
    index, said = built
    assert sum("runs, as it has not run yet" in line for line in said) == len(STEPS) and index.is_file()


def test_every_dropped_row_is_counted_and_listed(work):
    numbers = work.results("01")
    assert numbers["dropped"] == DROPPED and numbers["items"] == 180
    assert numbers["rows_read"] == 180 + sum(DROPPED.values()) and numbers["not_taken"] == 0
    rejected = pd.read_csv(work.path("rejected.csv"))
    assert rejected["reason"].value_counts().to_dict() == {k: v for k, v in DROPPED.items() if v}
    assert numbers["dropped_departments"] == {"lighting": 1}


def test_items_table(work):
    items = work.items()
    assert set(items["colour"]) == {"red", "blue", "green", "black"}
    assert items["colour_source"].isin(["ROSSO", "BLU", "VERDE", "NERO"]).all()
    assert items["garment_hex"].str.fullmatch("#[0-9a-f]{6}").all()
    swatches = work.json("source")["swatches"]
    assert set(swatches) == set(items["colour"])
    for word, group in items.groupby("colour"):
        middle = group[["garment_l", "garment_a", "garment_b"]].median().to_numpy()
        assert delta_e(middle, hex_to_lab(swatches[word])) < 2, "a word's swatch is its own garments' colour"


def test_artefacts_fit_together(work):
    n = len(work.items())
    for step in STEPS:
        for name in step.writes:
            assert work.path(name).is_file(), name
    assert len(work.vectors("frozen")) == len(work.vectors("learned")) == len(work.table("map")) == n
    table = work.table("neighbours")
    assert len(table) == 3 * 6 * n and (table["row"] != table["neighbour"]).all()
    one = table[(table["embedding"] == "frozen") & (table["row"] == 7)]
    vectors = np.array(work.vectors("frozen"), float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors[7]
    cosines[7] = -2
    assert one["neighbour"].tolist() == np.argsort(-cosines, kind="stable")[:6].tolist()
    assert one["similarity"].to_numpy() == pytest.approx(np.sort(cosines)[::-1][:6], abs=1e-5)


def test_numbers_make_sense(work):
    evaluation = {row["method"]: row for row in work.results("06")["precision_at_k"]}
    for column in ("department", "category", "colour", "category and colour"):
        for row in evaluation.values():
            assert 0 <= row[column]["low"] <= row[column]["mean"] <= row[column]["high"] <= 1
    assert evaluation["learned"]["category and colour"]["mean"] > evaluation["random"]["category and colour"]["high"]
    expected = work.results("06")["random_expected"]
    assert expected["category"] == pytest.approx(evaluation["random"]["category"]["mean"], abs=0.1)
    assert work.results("03")["leakage_audit"]["near-duplicate pairs across the line"] == 0
    assert 0.5 < work.results("05")["trustworthiness"] <= 1
    customers = work.results("03")["customer_photos"]
    assert customers["simulated"] == 180 and len(customers["accuracy"]) == 2


def test_figures_have_captions_and_are_not_blank(work):
    captions = work.captions()
    assert len(captions) >= 20
    for name, caption in captions.items():
        assert caption.endswith("."), name
        with Image.open(work.report / "figures" / f"{name}.png") as picture:
            assert min(picture.size) > 200 and np.asarray(picture.convert("L")).std() > 5, name


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.ids = [], set()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.targets += [(tag, found[key]) for key in ("href", "src") if found.get(key)]
        if "id" in found:
            self.ids.add(found["id"])


def test_pages_work_offline_and_every_link_leads_somewhere(work):
    pages = [work.report / "index.html", *sorted((work.report / "notebooks").glob("*.html"))]
    assert len(pages) == 1 + len(STEPS)
    for page in pages:
        links = Links()
        links.feed(page.read_text(encoding="utf-8"))
        assert len(links.targets) > 5
        for tag, target in links.targets:
            if target.startswith("#"):
                assert target[1:] in links.ids, (page.name, target)
            elif not target.startswith("data:"):
                assert tag == "a" or "://" not in target, f"{page.name} loads {target}"
                assert (page.parent / target.split("#")[0]).is_file(), (page.name, target)


def test_the_page_links_the_lists_and_the_items_to_check_are_those_counted(work):
    text = (work.report / "index.html").read_text(encoding="utf-8")
    for name in ("to_check", "never_shown", "rejected"):
        assert f'href="results/{name}.csv"><strong>' in text and work.path(f"{name}.csv").is_file()
    table, numbers = pd.read_csv(work.path("to_check.csv")), work.results("03")["to_check"]
    assert len(table) == numbers["items"] and table["score"].is_monotonic_decreasing
    assert table["doubts"].str.split("; ").explode().value_counts().to_dict() == numbers["kinds"]
    assert set(table["item"]) <= set(work.items()["item"]) and table["item"].is_unique
    assert numbers["judged"] == 180 and numbers["too_small"] == {} and numbers["agreed"] > 0.6


def test_page_shows_key_numbers_and_escapes_the_catalogues_words(work):
    text = (work.report / "index.html").read_text(encoding="utf-8")
    assert "<b>shop</b>" not in text and "Tiny &lt;b&gt;shop" in text
    headline = work.results("06")["headline"]
    assert len(headline) == 3 and all(f"<b>{number['value']}</b>" in text for number in headline)
    for step in STEPS:
        found = work.results(step.number)["findings"]
        assert found and text.count(f'<section id="{step.notebook}">') == 1
        number = re.search(r"\d[\d.,]*%?", found[0])
        assert number and number[0] in text, found[0]
        further = text.split(f'<section id="{step.notebook}">')[1].split("</section>")[0].partition('class="more"')
        assert (bool(further[2]), "<li>" in further[0]) == (len(found) > 1, False), "one finding in sight"
    assert text.index('class="lead"') < text.index('class="cards"') < text.index('<section id="01-catalogue">')
    warning = work.results("02")["warning"]
    assert re.search(r"efficientnet-lite0", text) and "provenance.json" in text
    assert not warning or text.index('class="warning"') > text.index('<section id="provenance">')


def test_every_notebook_ends_with_its_findings_and_figures_are_read(work):
    read = 0
    for step in STEPS:
        cells = nbformat.read(work.report / "notebooks" / f"{step.notebook}.ipynb", as_version=4).cells
        outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
        texts = [data["text/markdown"] for data in outputs if "text/markdown" in data]
        for finding in work.results(step.number)["findings"]:
            assert any(finding in text for text in texts), finding
        figures = sum("image/png" in data for data in outputs)
        read += len(texts) - 1
        assert figures, step.number
        assert "nan" not in " ".join(texts).lower().split() and "None" not in " ".join(texts)
    assert read > 15


def test_provenance(work, tiny):
    found = json.loads((work.report / "provenance.json").read_text())
    assert found["settings"]["catalogue"] == str(tiny / "tiny.toml")
    assert set(found["seconds"]) == {step.notebook for step in STEPS} and min(found["seconds"].values()) > 0
    assert all(len(found["checksums"][key]) == 64 for key in ("table", "photos", "weights", "lock"))
    assert found["versions"]["tensorflow"].startswith("2.") and found["backbone"]["name"] == "efficientnet-lite0"
    assert found["settings"]["size"] == found["backbone"]["size"] == 96, "the size asked for is the size taken"


def test_notebooks_that_are_kept_hold_no_absolute_path(work, tiny):
    for step in STEPS:
        text = (work.report / "notebooks" / f"{step.notebook}.ipynb").read_text(encoding="utf-8")
        assert str(project_root()) not in text, step.notebook
        assert "Traceback" not in text and "Warning" not in text, step.notebook


def test_no_librarys_console_messages_are_in_the_executed_notebooks(work, hostile):
    for report in (work.report, hostile.report):
        for step in STEPS:
            for cell in nbformat.read(report / "notebooks" / f"{step.notebook}.ipynb", as_version=4).cells:
                for output in cell.get("outputs", []):
                    text = output.get("text", "")
                    assert output.get("name") != "stderr" and "INFO:" not in text, (report, step.notebook, text)


def test_tiles_are_the_items_photos_in_their_order(work, tiny):
    items, tiles = work.items(), work.table("tiles")["tile"]
    assert len(items) == len(tiles)
    for row in range(0, len(items), 17):
        photo = decode((tiny / "clothes" / items["photo"].iloc[row]).read_bytes())
        assert np.abs(decode(tiles.iloc[row]).astype(int) - resize(photo, 48)).mean() < 4


def again(tiny, settings):
    said = []
    build_report(settings, processed=tiny / "processed", reports=tiny / "reports", say=said.append)
    return said


def test_nothing_changed_nothing_done(tiny, settings, work):
    def written():
        """When each file that a step writes was written: a step that ran would renew its own. Pages are made anew."""
        files = [path for folder in (work.processed, work.report / "notebooks") for path in folder.rglob("*.*")]
        files = [path for path in files if path.is_file() and path.name != ".lock"]
        return {path: path.stat().st_mtime_ns for path in files if path.suffix != ".html" and path.name != "page.json"}

    before = written()
    said = again(tiny, settings)
    assert sum("unchanged" in line for line in said) == len(STEPS)
    assert written() == before and len(before) > 4 * len(STEPS)


@pytest.fixture(scope="module")
def moved(tiny, work, tmp_path_factory):
    """The project, and the small catalogue with its report, copied to other places."""
    root = tmp_path_factory.mktemp("moved")
    for name in ("fashion", "notebooks", "data/catalogues", "data/glossary"):
        shutil.copytree(project_root() / name, root / "project" / name)
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(project_root() / name, root / "project" / name)
    shutil.copytree(tiny, root / "tiny")
    return root


def in_project_at(root, code):
    environment = os.environ | {"PYTHONPATH": str(root / "project")}
    return subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)


BUILD = """
from pathlib import Path
from fashion.report.build import build_report
from fashion.report.steps import Settings
from fashion.core.workspace import Workspace
settings = Settings(catalogue="tiny/tiny.toml", backbone="efficientnet-lite0", size=96)
place = Workspace("tiny", "tiny/processed").json("source")
assert Path(place["data"]) == Path("tiny/clothes").resolve(), place
assert Path(place["catalogue_toml"]) == Path("tiny/tiny.toml").resolve(), place
build_report(settings, processed=Path("tiny/processed"), reports=Path("tiny/reports"))
"""


def test_a_moved_project_and_a_moved_catalogue_do_nothing_again(moved):
    done = in_project_at(moved, BUILD)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "0 of 6 steps run" in done.stdout, done.stdout


def test_an_executed_notebook_runs_again_where_it_lies_and_leaves_the_report_whole(moved):
    work = Workspace("tiny", moved / "tiny/processed", moved / "tiny/reports")
    seconds = work.results("05")[TIMING]
    code = """
import json
from pathlib import Path
import nbformat, papermill
from fashion.report.build import notebook_parameters
from fashion.report.runner import kernel_settings
from fashion.report.steps import STEPS, Settings
from fashion.core.workspace import Workspace
work = Workspace("tiny", "tiny/processed", "tiny/reports")
executed = work.report / "notebooks/05-map.ipynb"
# the project lies elsewhere than the one that made the report: the small report is no part of it
given = notebook_parameters(Settings(catalogue="tiny/tiny.toml"), work, STEPS[4].path)
with kernel_settings() as config:
    papermill.execute_notebook(str(executed), "again.ipynb", given, cwd=str(executed.parent), progress_bar=False,
                               kernel_name="python3", language="python", config=config)
for cell in nbformat.read("again.ipynb", as_version=4).cells:
    if "work.write_results(" in cell.source:
        print("".join(output.get("text", "") for output in cell.outputs))
"""
    done = in_project_at(moved, code)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Run by hand, and each file that it wrote is the report's own" in done.stdout
    assert work.results("05")[TIMING] != seconds and changed(work) == {}
    files = {path.name for path in (moved / "tiny/reports/tiny/notebooks").iterdir()}
    assert files == {f"{step.notebook}.{kind}" for step in STEPS for kind in ("ipynb", "html")}, "nothing went astray"


def test_another_text_of_a_notebook_reaches_the_report_and_nothing_runs(tiny, settings, work, tmp_path, monkeypatch):
    shutil.copytree(project_root() / "notebooks", tmp_path / "notebooks")
    root = Path(shutil.copytree(tiny, tmp_path / "copy"))
    settings = replace(settings, catalogue=str(root / "tiny.toml"))
    monkeypatch.setattr(Step, "path", property(lambda step: tmp_path / f"notebooks/{step.notebook}.ipynb"))
    path = tmp_path / "notebooks/05-map.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n\nA sentence that was not there before."
    notebook.cells[2].source += "\n# a remark that was not there before"
    nbformat.write(notebook, path)

    def report():
        said = []
        place = build_report(settings, processed=root / "processed", reports=root / "reports", say=said.append)
        return said, place

    said, index = report()
    assert [line for line in said if "unchanged" not in line][:-1] == [] and "0 of 6 steps run" in said[-1]
    assert [line for line in said if "renewed" in line] == ["[05/06] map: unchanged but for its text, which is renewed"]
    text = (root / "reports/tiny/notebooks/05-map.html").read_text(encoding="utf-8")
    assert index.is_file() and "A sentence that was not there before." in text
    assert "a remark that was not there before" in text
    assert not any("renewed" in line for line in report()[0])
    require_intact(Workspace("tiny", root / "processed", root / "reports"))


def test_damaged_and_missing_outputs_are_renewed_alone(tiny, settings, work):
    path = work.path("map.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"?" + whole[101:])
    said = again(tiny, settings)
    assert [line for line in said if "runs" in line] == ["[05/06] map: runs, as map.parquet is damaged or was edited"]
    assert path.read_bytes() == whole, "the same seed must give the same map"


def test_command_recommends_from_the_report(tiny, work, capsys):
    folders = ["--processed", str(tiny / "processed"), "--reports", str(tiny / "reports")]
    item = work.items()["item"].iloc[3]
    arguments = [
        "recommend",
        item,
        "-c",
        str(tiny / "tiny.toml"),
        "-k",
        "4",
        "--where",
        "colour=red",
        "--json",
    ]
    assert main([*arguments, *folders]) == 0
    found = json.loads(capsys.readouterr().out)["recommendations"]
    assert len(found) == 4 and {line["colour"] for line in found} == {"red"} and item not in {f["item"] for f in found}


@pytest.fixture(scope="module")
def reader(work):
    return PhotoReader(work, Recommender.from_workspace(work))


def test_a_photo_asks_as_its_item_does(work, reader, tmp_path):
    recommender, items = reader.recommender, work.items()
    row = int(np.flatnonzero((items["colour"] == "red") & (items["category"] == "dress"))[0])
    data = open_source(Path(work.json("source")["data"]), "annotation.txt").read(items["photo"][row])
    query = reader.query(data, "mine.jpg")
    assert query.row is None and query.description == {"colour": "red", "category": "dress"}
    # The same photo gives the vector that the report has for it, and is known again as a near-duplicate.
    assert np.allclose(query.vectors[0], work.vectors("learned")[row], atol=1e-4) and row in query.near_duplicates
    assert items["item"][row] in set(recommender.answer(query, 15)["item"])
    hidden = recommender.answer(query, 6, hide_duplicates=True)
    assert not set(items["item"].iloc[query.near_duplicates]) & set(hidden["item"]) and len(hidden) == 6
    assert recommender.answer(query, 1)["reasons"][0].startswith("same colour and category; kind ")
    # Another file of the same picture, and a picture that is none of the catalogue's.
    rgb = decode(data)
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), cv2.resize(rgb, (96, 96))[..., ::-1])
    assert reader.query(small.read_bytes()).description["category"] == "dress"
    blue = recommender.words_query("blu", query)
    assert set(recommender.answer(blue, 3)["colour"]) == {"blue"} and blue.title == "mine.jpg, blu"


def test_a_customers_photo_is_seen_in_its_crops_and_by_what_simulated_photos_taught(work, reader):
    """A new dress on other grounds; the catalogue's own photos are asked as their items are."""
    dress = DecodedPhoto(draw("VESTITO", (200, 30, 30), 4711))
    said = []
    for number in range(8):
        seen = simulate(dress, np.random.default_rng(number))
        query = reader.query(cv2.imencode(".png", seen[..., ::-1])[1].tobytes(), "bed.png")
        assert len(query.near_duplicates) == 0 and not query.unlike
        said.append(query.description["category"])
    assert said.count("dress") >= 6, said


def test_a_photo_of_something_else_is_told_to_resemble_nothing(work, tiny, reader, tmp_path, capsys):
    """scikit-image's astronaut, cat, moon, page of text and coins; not one of them is clothes on a plain ground."""
    found = {name: getattr(skimage.data, name)() for name in ("astronaut", "cat", "moon", "page", "coins")}
    photos = {name: cv2.imencode(".png", rgb[..., ::-1] if rgb.ndim == 3 else rgb)[1].tobytes()
              for name, rgb in found.items()}  # fmt: skip
    assert sum(reader.query(data).unlike for data in photos.values()) >= 4
    odd = next(data for data in photos.values() if reader.query(data).unlike)
    (tmp_path / "odd.png").write_bytes(odd)
    places = ["--processed", str(tiny / "processed"), "--reports", str(tiny / "reports"), "-c", str(tiny / "tiny.toml")]
    assert main(["recommend", "--photo", str(tmp_path / "odd.png"), *places]) == 0
    assert UNLIKE in capsys.readouterr().out
    assert main(["recommend", "--photo", str(tmp_path / "odd.png"), "--json", *places]) == 0
    assert json.loads(capsys.readouterr().out)["resembles_nothing"] is True
    item = open_source(Path(work.json("source")["data"]), "annotation.txt").read(work.items()["photo"][3])
    assert not reader.query(item).unlike
    shop = create_app(Window(work)).test_client()
    page = shop.post("/look", data={"photo": (io.BytesIO(odd), "odd.png")}).get_data(as_text=True)
    assert UNLIKE in page
    kept = html.unescape(re.search(r'id="address" href="([^"]*)"', page)[1])
    assert UNLIKE in shop.get(kept).get_data(as_text=True), "the link to the results says it, too"
    answer = shop.post("/api/v1/similar-to-photo", data={"photo": (io.BytesIO(item), "a.jpg")}).get_json()
    assert answer["resembles_nothing"] is False and len(answer["items"]) == 6


def test_a_photo_that_is_none_is_an_error(reader):
    with pytest.raises(PhotoError, match="not an image"):
        reader.query(b"I am no photo", "x.jpg")


def test_frozen_takes_photos_too_and_other_weights_are_refused(work, tmp_path):
    items = work.items()
    frozen = PhotoReader(work, Recommender.from_workspace(work, "frozen"))
    data = open_source(Path(work.json("source")["data"]), "annotation.txt").read(items["photo"][5])
    query = frozen.query(data)
    assert frozen.recommender.answer(query, 1)["item"].tolist() == [items["item"][5]] and query.description == {}
    with pytest.raises(WeightsError, match="with which the report was made"):
        reopen_backbone(work.json("backbone") | {"weights_checksum": "0" * 64})


def test_report_of_the_same_seed_is_equal_and_differences_are_named(tiny, work, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(work.report, copy)
    assert differences(work.report, copy) == []
    numbers = json.loads((copy / "results/05.json").read_text())
    numbers["timing"]["seconds"] = 1e9
    (copy / "results/05.json").write_text(json.dumps(numbers))
    assert differences(work.report, copy) == []
    numbers["trustworthiness"] = 0.1
    (copy / "results/05.json").write_text(json.dumps(numbers))
    (copy / "figures/01-colours.png").write_bytes(b"x")
    (copy / "figures/02-pca.png").unlink()
    found = differences(work.report, copy)
    assert len(found) == 3 and any("trustworthiness" in line and "0.1" in line for line in found)
    assert "figures/01-colours.png differs" in found and "figures/02-pca.png is in one report only" in found


def test_unknown_word_stops_with_the_list_and_keep_unknown_goes_on(tiny, tmp_path, capsys):
    shutil.copytree(tiny / "clothes", tmp_path / "clothes")
    table = tmp_path / "clothes/annotation.txt"
    table.write_text(table.read_text().replace("\tNERO\t", "\tNERISSIMO\t"))
    (tmp_path / "tiny.toml").write_text(TOML)
    folders = ["--processed", str(tmp_path / "p"), "--reports", str(tmp_path / "r")]
    arguments = ["embed", "-c", str(tmp_path / "tiny.toml"), "--backbone", "efficientnet-lite0"]
    assert main([*arguments, *folders]) == 1
    error = capsys.readouterr().err
    assert "NERISSIMO" in error and "45 rows" in error and "colours.csv" in error
    assert main(["data", "-c", str(tmp_path / "tiny.toml"), "--keep-unknown"]) == 0


def test_a_catalogue_without_colours_gets_those_of_its_photos(tmp_path, networks):
    folder = write_small_catalogue(tmp_path / "clothes", each=5)
    table = pd.read_csv(folder / "annotation.txt", sep="\t", dtype=str, keep_default_na=False)
    table[["filename", "micro_category"]].to_csv(folder / "annotation.txt", sep="\t", index=False)
    toml = "\n".join(line for line in TOML.splitlines() if not line.startswith(("colour =", "department =")))
    (tmp_path / "bare.toml").write_text(toml.replace('name = "tiny"', 'name = "bare"'))
    settings = Settings(catalogue=str(tmp_path / "bare.toml"), backbone="efficientnet-lite0", size=96)
    said = []
    build_report(
        settings, processed=lend(networks, tmp_path / "p"), reports=tmp_path / "r", until="01", say=said.append
    )
    work = Workspace("bare", tmp_path / "p", tmp_path / "r")
    items, numbers = work.items(), json.loads((work.report / "results/01.json").read_text())
    assert numbers["colour_was_measured"] and len(items) == len(table) and items["department"].eq("clothes").all()
    names, hexes = zip(*colour_hexes().items(), strict=True)
    garments = hex_to_lab(items["garment_hex"].tolist())
    nearest = [names[int(delta_e(hex_to_lab(list(hexes)), lab).argmin())] for lab in garments]
    assert items["colour"].tolist() == nearest and items["colour"].nunique() >= 3
