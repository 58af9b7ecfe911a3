"""Reports side by side: the numbers are notebook 06's, differences are paired by query, and what differs is named."""

import json
import shutil

import numpy as np
import pytest

from fashion.cli.main import main
from fashion.core.errors import ReportError, SettingsError
from fashion.core.workspace import Workspace
from fashion.evaluation.relevance import BOTH
from fashion.neighbours.exact import normalise
from fashion.report.comparison import METHODS, Compared, as_markdown, compare, differing, open_compared, shared_queries
from fashion.report.runs import place_of_run


@pytest.fixture(scope="module")
def other(work, tmp_path_factory):
    """The same report, but for max-pooled vectors of noise, in another run's folders."""
    root = tmp_path_factory.mktemp("other")
    processed, reports = place_of_run("noise", root / "p", root / "r")
    shutil.copytree(work.processed, processed / work.catalogue)
    shutil.copytree(work.report, reports / work.catalogue)
    noise = np.random.default_rng(0).normal(size=work.vectors("max_pooled").shape)
    Workspace(work.catalogue, processed, reports).write_vectors("max_pooled", noise)
    place = reports / work.catalogue / "provenance.json"
    said = json.loads(place.read_text(encoding="utf-8"))
    said["settings"]["size"] = 128
    place.write_text(json.dumps(said), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def both(work, other):
    return [Compared("tiny", work), open_compared("noise/tiny", other / "p", other / "r")]


@pytest.fixture(scope="module")
def result(both):
    return compare(both)


def test_the_numbers_are_those_of_notebook_06(work, result):
    told = {
        (line["method"], line["column"]): line["mean"]
        for line in work.results("06")["measures"]
        if line["gallery"] == "whole" and line["measure"] == f"Precision@{result['k']}"
    }
    mine = {(line["method"], line["column"]): line["mean"] for line in result["measures"] if line["report"] == "tiny"}
    assert {method for method, _ in mine} == set(METHODS)
    for key, mean in mine.items():
        assert mean == pytest.approx(told[key], abs=1e-12), key


def test_differences_are_paired_query_by_query(work, both, result):
    rows = both[0].queries
    assert result["shared_queries"] == len(rows) and np.array_equal(*shared_queries(both))
    items, means = work.items(), []
    for report in both:  # brute force
        unit = normalise(report.workspace.vectors("max_pooled"))
        cosine = unit[rows] @ unit.T
        cosine[np.arange(len(rows)), rows] = -np.inf
        nearest = np.argsort(-cosine, axis=1, kind="stable")[:, : result["k"]]
        same = [
            items[c].to_numpy()[nearest] == items[c].to_numpy()[rows][:, np.newaxis] for c in ("category", "colour")
        ]
        means.append((same[0] & same[1]).mean(axis=1))
    line = next(d for d in result["differences"] if (d["method"], d["column"]) == ("frozen, max-pooled", BOTH))
    assert line["mean"] == pytest.approx((means[1] - means[0]).mean(), abs=1e-9)
    assert line["low"] <= line["mean"] <= line["high"] < 0 and line["p_holm"] >= line["p_value"]
    same = [d for d in result["differences"] if d["method"] != "frozen, max-pooled"]
    assert same and all(d["mean"] == d["low"] == d["high"] == 0 and d["p_value"] == 1 for d in same)


def test_what_differs_is_named_and_what_passes_is_not(result):
    assert {"key": "settings.size", "values": [96, 128]} in result["provenance"]
    assert not any(row["key"].startswith(("seconds", "finished")) for row in result["provenance"])
    assert differing([{"a": 1}, {"a": 1, "b": {"c": 2}}]) == [{"key": "b.c", "values": [None, 2]}]


def test_without_shared_queries_each_has_its_own(work, both):
    halves = [Compared(name, work) for name in "ab"]
    for report, half in zip(halves, np.array_split(both[0].queries, 2), strict=True):
        report.__dict__["queries"] = half
    found = compare(halves)
    assert found["shared_queries"] == 0 and found["differences"] == [] and len(found["measures"]) == 2 * 4 * 4
    assert "No query is held out in all" in as_markdown(found)


def test_the_command_writes_page_markdown_and_json(other, work, capsys):
    shutil.copytree(work.processed, other / "p/tiny")
    shutil.copytree(work.report, other / "r/tiny")
    places = ["--processed", str(other / "p"), "--reports", str(other / "r")]
    assert main(["compare", "tiny", "noise/tiny", *places]) == 0
    page = other / "r/compare/tiny_noise-tiny/index.html"
    assert capsys.readouterr().out.strip() == str(page)
    text, markdown = page.read_text(encoding="utf-8"), page.with_name("comparison.md").read_text(encoding="utf-8")
    assert "Tiny &lt;b&gt;shop" in text and "<b>shop" not in text
    for picture in ("../../tiny/figures/06-precision.png", "../../runs/noise/tiny/figures/06-precision.png"):
        assert f'src="{picture}"' in text and (page.parent / picture).is_file()
    assert 'class="upright" role="table"' in text, "the table of differences needs upright headings on a phone"
    assert "| < 0.001 | < 0.002 |" in markdown, "the sign flips can give no less: by Holm's correction, 16 times that"
    assert "frozen, max-pooled, category and colour: noise/tiny less tiny -0." in markdown and ": worse." in markdown
    assert json.loads(page.with_name("comparison.json").read_text(encoding="utf-8"))["k"] == 6


def test_what_cannot_be_compared_is_refused_in_words(tmp_path, work):
    with pytest.raises(ReportError, match="expected two or more reports to compare; found 1"):
        compare([Compared("a", work)])
    with pytest.raises(ReportError, match=r"expected the finished report x in .*found no readable provenance.json"):
        compare([open_compared("x", tmp_path, tmp_path), Compared("a", work)])
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample/provenance.json").touch()
    with pytest.raises(ReportError, match=r"provenance.json\. Did you mean sample\? Make it first"):
        compare([open_compared("smaple", tmp_path, tmp_path), Compared("a", work)])
    for name in ("../x", "a/b/c", "a/.."):
        with pytest.raises(ReportError, match="expected a report as CATALOGUE or RUN/CATALOGUE"):
            open_compared(name)
    with pytest.raises(SettingsError, match=r"in run; found '../up'. Correct RUN"):
        place_of_run("../up")
