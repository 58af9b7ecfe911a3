"""The slides say what the report says, with texts for readers and notes, nothing too small or off the page."""

import json
import shutil

import pytest
from pptx import Presentation
from pptx.util import Emu, Pt

from fashion.deck.build import build_deck
from fashion.errors import ArtefactError
from fashion.workspace import Workspace

pytestmark = pytest.mark.slow  # by the report that it is about


@pytest.fixture(scope="module")
def path(work):
    return build_deck(work)


@pytest.fixture(scope="module")
def deck(path):
    return Presentation(path)


def test_every_slide_has_a_title_notes_and_a_source(deck):
    titles = [slide.shapes.title.text for slide in deck.slides]
    assert len(titles) == 11 and all(titles) and len(set(titles)) == 11
    assert "Next steps" in titles[-1] and "does not show" in titles[-2]
    for slide in deck.slides:
        assert slide.notes_slide.notes_text_frame.text.strip()
        assert [shape for shape in slide.shapes if shape.name == "source" and shape.text_frame.text.strip()]


def test_what_is_no_text_has_a_text_for_readers(deck):
    seen = 0
    for slide in deck.slides:
        for shape in slide.shapes:
            kind = shape.shape_type.name if shape.shape_type is not None else ""
            if shape.has_chart or kind in ("PICTURE", "LINE", "AUTO_SHAPE"):
                seen += 1
                assert shape._element.xpath(".//p:cNvPr")[0].get("descr"), (slide.shapes.title.text, shape.name)
    assert seen > 25


def test_nothing_is_too_small_or_off_the_page(deck):
    assert deck.slide_width / deck.slide_height == pytest.approx(16 / 9, abs=0.001)
    for slide in deck.slides:
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.top >= 0, shape.name
            assert (
                shape.left + shape.width <= deck.slide_width + Emu(10) and shape.top + shape.height <= deck.slide_height
            )
            frames = [shape.text_frame] if shape.has_text_frame else []
            if shape.has_table:
                frames += [cell.text_frame for row in shape.table.rows for cell in row.cells]
            for run in (run for frame in frames for paragraph in frame.paragraphs for run in paragraph.runs):
                assert run.font.size >= Pt(12) and run.font.name == "Arial", run.text


def test_charts_hold_the_reports_numbers(deck, work):
    numbers = json.loads((work.report / "results/06.json").read_text())
    charts = {
        slide.shapes.title.text: shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart
    }
    assert len(charts) == 5
    chart = next(chart for title, chart in charts.items() if title.startswith("Six suggestions"))
    rows = [row for row in numbers["agreement"] if not row["method"].startswith("ceiling")]
    assert list(chart.plots[0].categories) == [row["method"] for row in rows]
    assert list(chart.plots[0].series[0].values) == pytest.approx([row["category and colour"]["mean"] for row in rows])


def test_the_same_report_gives_the_same_bytes(path, work):
    first = path.read_bytes()
    assert build_deck(work).read_bytes() == first


def test_a_report_that_is_not_whole_is_named(work, tmp_path):
    copy = Workspace("tiny", work.processed.parent, tmp_path)
    with pytest.raises(ArtefactError, match="notebook 01 writes"):
        build_deck(copy)
    shutil.copytree(work.report / "results", copy.report / "results")
    (copy.report / "results/06.json").unlink()
    with pytest.raises(ArtefactError, match="notebook 06 writes"):
        build_deck(copy)
