"""One length of the lists, and one weight of the colour, for every notebook, page, slide, the command and the shop."""

import html
import json
import re
import shlex

import pytest
from pptx import Presentation

from fashion.cli.main import build_parser, main
from fashion.cli.options import read_settings
from fashion.core.defaults import Preferences
from fashion.core.errors import SettingsError
from fashion.core.workspace import Workspace
from fashion.recommendation.recommender import Recommender
from fashion.report.build import notebook_parameters
from fashion.report.steps import STEPS, Settings
from fashion.web.app import create_app
from fashion.web.reload import Window
from tools.renew_readme import results_table

pytestmark = pytest.mark.slow

#: Words for a list of six; not the six regions of a photo in which colours are measured.
SIX = re.compile(
    r"\bsix(?! regions)\b|\bsixth\b|@6\b|\b6 (?:recommendations|nearest|items|neighbours)\b", re.IGNORECASE
)


def words_of(page):
    """What a reader of an HTML file sees, alternative texts too."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    alternative = " ".join(re.findall(r'alt="([^"]*)"', text))
    return html.unescape(re.sub(r"<[^>]*>", "", text) + " " + alternative)


def words_of_slides(path):
    found = []
    for slide in Presentation(str(path)).slides:
        found.append(slide.notes_slide.notes_text_frame.text if slide.has_notes_slide else "")
        for element in slide.shapes._spTree.iter():
            found += [element.text or "", element.get("descr") or ""]
    return " ".join(found)


def test_no_generated_text_speaks_of_six(hostile):
    pages = [hostile.report / "index.html", *sorted((hostile.report / "notebooks").glob("*.html"))]
    texts = {page.name: words_of(page) for page in pages}
    texts |= {name: caption for name, caption in hostile.captions().items()}
    texts["deck"] = words_of_slides(hostile.report / "deck.pptx")
    texts["readme"] = results_table(hostile.results("06"))
    for step in STEPS:
        texts[f"results {step.number}"] = json.dumps(hostile.results(step.number))
    assert len(pages) == 7 and len(texts) > 30
    assert {name: SIX.findall(text) for name, text in texts.items() if SIX.search(text)} == {}
    for name in ("index.html", "04-recommendations", "deck", "readme"):
        assert re.search(r"\bfour\b", texts[name]), name
    assert "Precision@4" in texts["06-precision"]
    assert "Success@4" in texts["06-evaluation.html"] and "nDCG@4" in texts["readme"]


def test_every_list_has_four(hostile, capsys):
    assert hostile.results("04")["k"] == hostile.results("06")["k"] == hostile.table("neighbours")["rank"].max() == 4
    recommender = Recommender.from_workspace(hostile)
    assert (recommender.k, recommender.colour_weight) == (4, 0.8)
    usual = Preferences.of_report(hostile)
    assert (usual.k, usual.colour_weight) == (4, 0.8)
    attributes = hostile.json("attributes")
    assert usual.looks_weight == recommender.looks_weight == attributes["looks_weight"]
    assert {hubs["colour_weight"] for hubs in attributes["hubs"].values()} == {0.8}
    item = recommender.items["item"].iloc[3]
    mine = recommender.by_item(item)
    assert len(mine) == 4
    places = ["--processed", str(hostile.processed_root), "--reports", str(hostile.report.parent)]
    catalogue = hostile.json("source")["catalogue_toml"]
    assert main(["recommend", item, "-c", catalogue, "--json", *places]) == 0
    said = json.loads(capsys.readouterr().out)["recommendations"]
    assert [line["item"] for line in said] == mine["item"].tolist()
    assert main(["recommend", item, "-c", catalogue, "--json", "-k", "2", "--colour-weight", "0.1", *places]) == 0
    assert len(json.loads(capsys.readouterr().out)["recommendations"]) == 2
    shop = create_app(Window(hostile)).test_client()
    page = shop.get("/item", query_string={"id": item}).get_data(as_text=True)
    similar = page[page.index('id="found"') :]
    assert similar.count('class="card"') == 4 and 'value="0.8"' in page
    assert len(shop.get("/api/v1/similar", query_string={"id": item}).get_json()["items"]) == 4


def test_the_weights_are_chosen_by_the_lists_that_are_shown(hostile):
    weights = hostile.results("03")["weights"]
    ((column, weight),) = weights["further"].items()  # the last that is chosen: its trial has all chosen weights
    (chosen,) = (one for one in weights["further_trials"] if (one["column"], one["weight"]) == (column, weight))
    coverage = hostile.results("06")["coverage"]
    whole = {line["method"]: line["never_shown"] for line in coverage if line["gallery"] == "whole"}
    assert chosen["never_shown_by_photos"] == pytest.approx(whole["learned"])
    assert chosen["never_shown"] == pytest.approx(whole["described"])


def test_the_command_of_a_report_has_the_settings_that_it_was_made_with(hostile):
    asked = json.loads((hostile.report / "provenance.json").read_text(encoding="utf-8"))["settings"]
    assert (asked["k"], asked["colour_weight"]) == (4, 0.8)
    given = read_settings(build_parser().parse_args(shlex.split(hostile.command)[1:]))
    assert given == Settings(**asked) and given.weights


def test_settings_reach_the_notebooks_that_use_them(tmp_path):
    arguments = build_parser().parse_args(["report", "-k", "4", "--colour-weight", "0.8", "--looks-weight", "0.1"])
    assert (arguments.k, arguments.colour_weight, arguments.looks_weight) == (4, 0.8, 0.1)
    own = build_parser().parse_args(["report"])
    assert (own.k, own.colour_weight) == (Settings().k, Settings().colour_weight) == (6, 0.5)
    work = Workspace("x", tmp_path / "p", tmp_path / "r")
    declared = {
        step.number: notebook_parameters(Settings(k=4, colour_weight=0.8, looks_weight=0.1), work, step.path)
        for step in STEPS
    }
    assert {number for number, values in declared.items() if values.get("k") == 4} == {"02", "03", "04", "06"}
    weighed = {number for number, values in declared.items() if values.get("colour_weight") == 0.8}
    assert weighed == {"03", "04", "06"}
    assert {number for number, values in declared.items() if values.get("looks_weight") == 0.1} == {"04", "06"}


@pytest.mark.parametrize("wrong", [{"k": 0}, {"colour_weight": 1.5}, {"colour_weight": -0.1}, {"looks_weight": 1.1}])
def test_wrong_preferences_are_refused(wrong):
    with pytest.raises(SettingsError, match="expected"):
        Preferences(**wrong)
