"""Two runs are compared number by number and figure by figure."""

import json

import pytest

from fashion.core.errors import ReportError
from fashion.report import verify as module
from fashion.report.steps import Settings
from fashion.report.verify import differences, verify


def test_differences_of_nested_numbers(tmp_path):
    for name, value in (("a", 1.0), ("b", 1.0000001)):
        folder = tmp_path / name / "results"
        folder.mkdir(parents=True)
        content = {"list": [{"x": value}], "timing": {"s": name}, "same": None}
        (folder / "01.json").write_text(json.dumps(content))
    assert differences(tmp_path / "a", tmp_path / "a") == []
    assert differences(tmp_path / "a", tmp_path / "b") == ["results/01.json: /list/0/x is 1.0 and 1.0000001"]


def test_lists_are_compared_byte_by_byte(tmp_path):
    for name, text in (("a", "item\nx\n"), ("b", "item\ny\n")):
        (tmp_path / name / "results").mkdir(parents=True)
        (tmp_path / name / "results/to_check.csv").write_text(text)
    assert differences(tmp_path / "a", tmp_path / "b") == ["results/to_check.csv differs"]


@pytest.mark.parametrize("drift", [0, 1])
def test_verify_runs_twice_in_fresh_folders(monkeypatch, drift):
    """The report itself is stood in for by its output, so that a difference can be planted."""
    runs = []

    def build(settings, *, processed, reports, say):
        folder = reports / "sample/results"
        folder.mkdir(parents=True)
        (folder / "01.json").write_text(json.dumps({"seed": settings.seed + drift * len(runs)}))
        runs.append((processed, reports))

    monkeypatch.setattr(module, "build_report", build)
    if drift:
        with pytest.raises(ReportError, match=r"seed is 5 and 6"):
            verify(Settings(seed=5), say=lambda _: None)
        assert runs[0][1].exists(), "what differs is kept for a look"
    else:
        assert verify(Settings(seed=5), say=lambda _: None) == 1
        assert not runs[0][1].exists()
    assert len(set(runs)) == 2
