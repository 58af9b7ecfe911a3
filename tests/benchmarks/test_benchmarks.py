"""The benchmarks measure turn by turn, count work rightly, and write what they found."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from benchmarks import figures, harness, page, run
from benchmarks.__main__ import main
from benchmarks.embedding import multiply_adds, random_resnet50
from benchmarks.harness import Way, alternate, peak, summarise
from benchmarks.neighbours import clustered
from benchmarks.photos import write_photos
from benchmarks.run import exponents
from fashion.embedding.backbones import load_backbone
from fashion.photos.images import decode
from fashion.plots.style import use_style
from fashion.report.steps import STEPS


def test_ways_take_turns_and_each_round_begins_with_another():
    calls = []
    ways = [Way(name, lambda name=name: calls.append(name) or 0.5, units) for name, units in (("a", 2), ("b", 3))]
    runs = alternate(ways, 3)
    assert calls == ["a", "b", "a", "b", "b", "a", "a", "b"]  # warmed, then three rounds
    assert len(runs) == 6 and set(runs["rate"]) == {4.0, 6.0}


def test_ratios_are_taken_within_a_round():
    runs = pd.DataFrame({
        "way": ["a", "b"] * 3, "round": [0, 0, 1, 1, 2, 2], "seconds": 1.0, "rate": [1, 2, 10, 30, 100, 100],
    })  # fmt: skip
    found = summarise(runs, "a").set_index("way")
    assert found.loc["a", ["ratio", "ratio_low", "ratio_high"]].tolist() == [1, 1, 1]
    assert found.loc["b", ["ratio", "ratio_low", "ratio_high"]].tolist() == [2, 1, 3]
    assert found.loc["b", ["rate", "rate_low", "rate_high"]].tolist() == [30, 2, 100]


def test_work_is_counted_as_the_papers_have_it():
    assert multiply_adds(random_resnet50(197)) == 3_310_779_072
    lite = multiply_adds(load_backbone("efficientnet-lite0", size=224))
    assert lite == pytest.approx(407e6 - 1.28e6, rel=0.06)  # 407 million with the classifier, by its authors
    way = peak(64)
    assert way.units == 2 * 64**3 and way.run() is None


def test_photos_are_a_shops_and_all_different(tmp_path):
    names = write_photos(tmp_path, 3)
    assert len({(tmp_path / name).read_bytes() for name in names}) == 3
    for name in names:
        data = (tmp_path / name).read_bytes()
        assert decode(data, name).shape == (600, 400, 3) and 10_000 < len(data) < 200_000


def test_made_vectors_are_unit_and_have_neighbours():
    vectors = clustered(3_000, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = vectors[:200] @ vectors.T
    assert np.sort(cosines, axis=1)[:, -2].mean() > 2 * np.abs(np.median(cosines))


def test_exponents_are_slopes():
    names = [step.notebook for step in STEPS]
    reports = [
        {"items": n, "seconds": {name: 0.5 * n**power for power, name in enumerate(names)}} for n in (10, 100, 1000)
    ]
    assert list(exponents(reports).values()) == pytest.approx([max(p, 0) for p in range(len(names))], abs=1e-6)
    assert exponents(reports[:1]) == {}


def test_command_measures_a_part_in_a_process_of_its_own_and_writes_the_page(tmp_path, capfd):
    assert main(["--only", "neighbours", "--quick", "--reports", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "bench/neighbours.json").read_text())
    assert found["quick"] and found["machine"]["cores"] and found["all_pairs"][0]["items"] == 4_000
    assert found["single"][0]["recall"] > 0.9 and found["single"][0]["resident_bytes"] > 2**20
    text = (tmp_path / "bench/README.md").read_text()
    assert "Tiny sizes" in text and "ours, exact, blocked" in text and "neighbours-1.png" in text
    assert (tmp_path / "bench/neighbours-1.png").stat().st_size > 10_000
    before = (tmp_path / "bench/neighbours.json").stat().st_mtime_ns
    assert main(["--only", "neighbours", "--missing", "--quick", "--reports", str(tmp_path)]) == 0
    assert (tmp_path / "bench/neighbours.json").stat().st_mtime_ns == before


def test_unknown_parts_are_named(tmp_path, capsys):
    assert main(["--only", "speed", "--reports", str(tmp_path)]) == 1
    assert "speed" in capsys.readouterr().err


def test_a_page_of_nothing_and_a_table(tmp_path):
    assert page.write(tmp_path).read_text().startswith("# Benchmarks")
    assert page.table(("a", "b"), [(1, 2)]).splitlines() == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
    assert harness.read(tmp_path, "run") is None
    kept = harness.write(tmp_path, "run", {"runs": []})
    assert harness.read(tmp_path, "run")["runs"] == []
    kept.write_text('{"part": "run", "runs": []}', encoding="utf-8")
    assert harness.read(tmp_path, "run") is None, "of a version with other keys: it is measured again"


def test_each_report_is_kept_as_soon_as_it_is_measured(tmp_path, monkeypatch):
    made = []

    def measured(settings, folder):
        items = settings.limit or 4000
        if items == 2000 and 2000 not in made:
            made.append(items)
            raise KeyboardInterrupt
        made.append(items)
        results = folder / "reports" / settings.catalogue / "results"
        results.mkdir(parents=True)
        (results / "06.json").write_text("{}")
        seconds = {step.notebook: items / 100 for step in STEPS}
        return {"catalogue": settings.catalogue, "items": items, "seconds": seconds, "embedding": {"seconds": 200.0}}

    monkeypatch.setattr(run, "measured", measured)
    monkeypatch.setattr(run, "adding", lambda *_: {"added": 10, "seconds": 2.0})
    options = {"quick": False, "catalogue": "hm", "data": None, "reports": str(tmp_path), "sizes": "1000,2000,all"}
    with pytest.raises(KeyboardInterrupt):
        run.run(options)
    found = run.run(options | {"missing": True})
    assert made == [1000, 2000, 2000, 4000], "what was measured before the stop is not measured again"
    assert [report["items"] for report in found["reports"]] == [1000, 2000, 4000]
    assert found["exponents"] == pytest.approx({step.notebook: 1.0 for step in STEPS})
    assert found["adding"]["seconds"] == 2.0 and found["adding"]["items"] == 4000
    assert (tmp_path / "bench/run/hm-all/06.json").is_file(), "the report's own numbers stay"
    dead, mine = (f"{run.WORKING}{number}-x" for number in (4194305, os.getpid()))
    for name in (dead, mine):
        (tmp_path / "bench/run" / name).mkdir()
    run.run(options | {"missing": True})
    assert {path.name for path in (tmp_path / "bench/run").iterdir()} == {"hm-1000", "hm-2000", "hm-all", mine}
    assert "grows as items to the power of | 1.00" in page.run(
        {**found, "reports": [report | {"cold_seconds": 1, "warm_seconds": 1} for report in found["reports"]]}
    )


def test_numbers_at_a_logarithmic_axis_are_written_out():
    sizes = (10_000, 100_000, 1_000_000)
    times = {name: {"p50": 1e-3, "p99": 2e-3} for name in ("exact", "approximate", "one_pass")}
    use_style()
    figure = figures.neighbours({"single": [{"items": size} | times for size in sizes]})[0]
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert {"10,000", "100,000", "1,000,000"} <= set(labels) and not [t for t in labels if "$" in t or "e+" in t]
