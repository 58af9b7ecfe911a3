"""The slides say what the report says, with titles, notes and texts for readers, nothing too small or off the page."""

import re
import shutil
import zipfile
from io import BytesIO
from pathlib import Path

import matplotlib
import pytest
from PIL import ImageFont
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.util import Emu, Pt

from fashion.cli import deck as cli_deck
from fashion.core.errors import ArtefactError, ReportError
from fashion.core.numerals import percent, shown_share
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace
from fashion.evaluation.protocol import CEILING
from fashion.report.build import build_report
from fashion.report.deck.build import build_deck
from fashion.report.deck.findings import LEARNED, USUAL, WITH_WORDS, said
from fashion.report.deck.study import _helped
from fashion.report.deck.template import LAYOUTS
from fashion.report.deck.value import CASES, ValueModelError, by_visits, case, read_inputs, sensitivity

pytestmark = pytest.mark.slow  # by the report that it is about

BOTH = "category and colour"
DEJAVU = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"  # wider than Arial: what fits in it fits


@pytest.fixture(scope="module")
def path(work):
    return build_deck(work)


@pytest.fixture(scope="module")
def deck(path):
    return Presentation(path)


@pytest.fixture
def copy(work, tmp_path):
    """The report once more, to be spoilt."""
    copied = Workspace("tiny", tmp_path / "p", tmp_path / "r")
    shutil.copytree(work.report / "results", copied.report / "results")
    copied.processed.mkdir(parents=True)
    for name in ("items.parquet", "source.json", "neighbours.parquet"):
        shutil.copy(work.path(name), copied.path(name))
    return copied


def change(work, step, alter):
    numbers = work.results(step)
    alter(numbers)
    work.write_results(step, numbers)


def shapes_of(holder):
    for shape in holder.shapes:
        yield shape
        if hasattr(shape, "shapes"):
            yield from shapes_of(shape)


def charts(deck):
    return {slide.shapes.title.text: shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart}


def titles(deck):
    return [slide.shapes.title.text for slide in deck.slides]


def test_every_slide_has_a_title_notes_a_source_and_its_number(deck):
    found = titles(deck)
    assert len(found) == 14 and all(found) and len(set(found)) == 14
    assert found[-1].startswith("Next") and found[-2].startswith("Not shown")
    for slide in deck.slides:
        assert slide.shapes.title.placeholder_format.type == PP_PLACEHOLDER.TITLE
        assert len(slide.notes_slide.notes_text_frame.text) > 150
        kinds = {shape.placeholder_format.type: shape for shape in slide.placeholders}
        assert kinds[PP_PLACEHOLDER.FOOTER].text_frame.text.startswith("Source: ")
        assert "slidenum" in kinds[PP_PLACEHOLDER.SLIDE_NUMBER]._element.xpath(".//a:fld/@type")


def test_slides_are_made_of_the_templates_layouts_and_leave_no_placeholder_empty(deck):
    assert [layout.name for layout in deck.slide_layouts] == list(LAYOUTS)
    assert {slide.slide_layout.name for slide in deck.slides} == set(LAYOUTS)
    for slide in deck.slides:
        assert {shape.placeholder_format.idx for shape in slide.placeholders} == {
            shape.placeholder_format.idx for shape in slide.slide_layout.placeholders
        }
        for shape in slide.placeholders:
            assert not shape.has_text_frame or shape.text_frame.text.strip(), (slide.shapes.title.text, shape.name)


def test_readers_get_the_title_first_the_foot_last_and_words_for_what_is_no_text(deck):
    seen = []
    for slide in deck.slides:
        order = [shape.placeholder_format.type if shape.is_placeholder else None for shape in slide.shapes]
        assert order[0] == PP_PLACEHOLDER.TITLE
        assert order[-2:] == [PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER]
        ids = slide._element.xpath(".//p:cNvPr/@id")
        assert len(ids) == len(set(ids))
        for shape in shapes_of(slide):
            if not shape.has_text_frame or not shape.text_frame.text.strip():
                text = shape._element.xpath(".//p:cNvPr")[0].get("descr", "")
                assert len(text) > 10, (slide.shapes.title.text, shape.name)
                seen.append(text)
    assert len(seen) > 60 and any(text.startswith("Bar chart") for text in seen)
    assert any(text.startswith("Diagram") for text in seen) and any(text.startswith("Table") for text in seen)


def points(shape, run):
    """The size of a run: its own, or that of the layout's placeholder."""
    if run.font.size is not None:
        return run.font.size.pt
    places = {place.placeholder_format.idx: place for place in shape.part.slide.slide_layout.placeholders}
    return int(places[shape.placeholder_format.idx]._element.xpath(".//a:lvl1pPr/a:defRPr/@sz")[0]) / 100


def height_needed(frame, width, size):
    """Points that a text takes, by the widths of DejaVu Sans taken down to Arial's (about nine tenths)."""
    font, lines = ImageFont.truetype(str(DEJAVU), 100), 0
    for paragraph in frame.paragraphs:
        left, lines = 0.0, lines + 1
        for word in paragraph.text.split():
            long = font.getlength(f"{word} ") * size / 100 * 0.92
            if left and left + long > width:
                left, lines = 0.0, lines + 1
            left += long
    return lines * size * 1.2


def test_nothing_is_too_small_off_the_page_or_longer_than_its_box(deck):
    assert deck.slide_width / deck.slide_height == pytest.approx(16 / 9, abs=0.0001)
    for slide in deck.slides:
        foot = next(shape for shape in slide.placeholders if shape.placeholder_format.type == PP_PLACEHOLDER.FOOTER)
        for shape in shapes_of(slide):
            where = (slide.shapes.title.text, shape.name)
            assert shape.left >= 0 and shape.top >= 0, where
            assert shape.left + shape.width <= deck.slide_width + Emu(10), where
            assert shape.top + shape.height <= (foot.top if shape.top < foot.top else deck.slide_height), where
            runs = [run for p in (shape.text_frame.paragraphs if shape.has_text_frame else ()) for run in p.runs]
            for run in runs:
                assert points(shape, run) >= (12 if shape.top >= foot.top else 14), (*where, run.text)
            if runs:
                size = max(points(shape, run) for run in runs)
                indent = 22 if where[1].startswith("body") else 0
                assert height_needed(shape.text_frame, Emu(shape.width).pt - indent, size) <= Emu(shape.height).pt, (
                    where
                )
        for shape in (shape for shape in slide.shapes if shape.has_table):
            needed = 0.0
            for row in shape.table.rows:
                tall = []
                for column, cell in zip(shape.table.columns, row.cells, strict=True):
                    run = next((run for p in cell.text_frame.paragraphs for run in p.runs), None)
                    if run is not None:
                        assert run.font.size >= Pt(14)
                        tall.append(height_needed(cell.text_frame, Emu(column.width).pt - 15, run.font.size.pt) + 5)
                needed += max(*tall, Emu(row.height).pt)
            assert Emu(shape.top).pt + needed <= Emu(foot.top).pt, slide.shapes.title.text


def test_the_typeface_is_one_that_every_office_has(path):
    with zipfile.ZipFile(path) as parts:
        found = {
            name.decode()
            for part in parts.namelist()
            if part.endswith(".xml")
            for name in re.findall(rb'typeface="([^"]*)"', parts.read(part))
        }
    assert "Arial" in found and {name for name in found if not name.startswith("+")} <= {"Arial", ""}


def sheet(chart):
    """Numbers of the workbook behind a chart, which the office opens to edit it."""
    with zipfile.ZipFile(BytesIO(chart.part.chart_workbook.xlsx_part.blob)) as book:
        found = re.findall(rb'<c [^>]*?(t="s")?><v>([^<]*)</v>', book.read("xl/worksheets/sheet1.xml"))
    return [float(value) for text, value in found if not text]


def test_charts_are_native_and_hold_the_reports_numbers(deck, work):
    numbers, found = work.results("06"), charts(deck)
    assert len(found) == 6
    for chart in found.values():
        drawn = [value for series in chart.plots[0].series for value in series.values]
        assert sorted(sheet(chart)) == pytest.approx(sorted(drawn))
    chart = next(chart for title, chart in found.items() if title.startswith("Right in"))
    rows = [row for row in numbers["precision_at_k"] if row["method"] not in (CEILING, *WITH_WORDS)]
    assert list(chart.plots[0].categories) == [said(row["method"]) for row in rows]
    drawn = list(chart.plots[0].series[0].values)
    assert drawn == pytest.approx([row[BOTH]["mean"] for row in rows], abs=0.0051)
    assert drawn == [shown_share(row[BOTH]["mean"]) for row in rows], "a label says what the sentences say"
    usual = next(row for row in rows if row["method"] == USUAL)
    chart = next(chart for title, chart in found.items() if title.startswith("Off the shelf"))
    columns = ("department", "category", "colour", BOTH)
    assert list(chart.plots[0].series[0].values) == pytest.approx(
        [usual[column]["mean"] for column in columns], abs=0.0051
    )
    chart = next(chart for title, chart in found.items() if title.startswith("New arrivals"))
    unseen = {row["method"]: row[BOTH]["mean"] for row in numbers["precision_at_k_unseen_gallery"]}
    assert list(chart.plots[0].series[1].values) == pytest.approx(
        [unseen[name] for name in (USUAL, LEARNED)], abs=0.0051
    )
    chart = next(chart for title, chart in found.items() if "departments" in title)
    departments = numbers["by_department"][:8]
    assert list(chart.plots[0].categories) == [row["department"] for row in departments]
    assert list(chart.plots[0].series[1].values) == pytest.approx([row[LEARNED] for row in departments], abs=0.0051)


def test_the_value_models_numbers_are_on_the_slides(deck):
    inputs, found = read_inputs(), charts(deck)
    chart = next(chart for title, chart in found.items() if title.startswith("It pays"))
    assert list(chart.plots[0].series[0].values) == pytest.approx([value for _, value in by_visits(inputs)])
    chart = next(chart for title, chart in found.items() if title.startswith("What matters"))
    base = case(inputs, "base").first_year
    assert list(chart.plots[0].series[0].values) == pytest.approx([low - base for _, low, _ in sensitivity(inputs)])
    tables = [shape.table for slide in deck.slides for shape in slide.shapes if shape.has_table]
    rows = [[cell.text for cell in row.cells] for table in tables for row in table.rows]
    assert sum(row[-1].startswith("assumption") for row in rows) == len(inputs)
    assert ["first year", *(f"{case(inputs, name).first_year:,.0f}" for name in CASES)] in rows
    assert "1,800,000 visits" in "".join(titles(deck))  # (15,000 / 12 + 150) / (.04 x .1 x .02 x .5 x 20) = 1,750,000


def test_outside_figures_show_their_source(copy, tmp_path):
    text = (project_root() / "data/value-model.toml").read_text()
    text = text.replace(
        "assumption: a medium-sized online shop", "the shop's own web analytics, June to August, all devices"
    )
    (tmp_path / "own.toml").write_text(text)
    deck = Presentation(build_deck(copy, tmp_path / "own.toml"))
    slide = next(slide for slide in deck.slides if "inputs are assumptions" in slide.shapes.title.text)
    assert "7 of the 8 inputs" in slide.shapes.title.text
    table = next(shape.table for shape in slide.shapes if shape.has_table)
    assert table.cell(1, 4).text.startswith("the shop's own web analytics")
    assert "June to August, all devices" in slide.notes_slide.notes_text_frame.text


def test_the_same_report_gives_the_same_bytes(path, work):
    first = path.read_bytes()
    assert build_deck(work).read_bytes() == first


def test_a_further_method_is_shown_and_a_missing_one_is_named(copy):
    row = next(row for row in copy.results("06")["precision_at_k"] if row["method"] == LEARNED)
    change(copy, "06", lambda numbers: numbers["precision_at_k"].insert(8, row | {"method": "learned, re-ranked"}))
    chart = next(c for title, c in charts(Presentation(build_deck(copy))).items() if title.startswith("Right in"))
    assert "learned, re-ranked" in list(chart.plots[0].categories)

    def without(numbers):
        numbers["precision_at_k"] = [row for row in numbers["precision_at_k"] if row["method"] != LEARNED]

    change(copy, "06", without)
    with pytest.raises(ArtefactError, match=r"expected the methods learned in .*06\.json; found random"):
        build_deck(copy)


def test_where_colours_were_measured_the_slides_speak_of_kinds_alone(copy):
    def measured(numbers):
        numbers["colour_was_measured"] = True
        numbers["by_department"] = numbers["by_department"][:1]

    change(copy, "06", measured)
    deck = Presentation(build_deck(copy))
    assert len(deck.slides) == 13 and not any("kind and colour" in title for title in titles(deck))
    rows = {row["method"]: row["category"]["mean"] for row in copy.results("06")["precision_at_k"]}
    chart = next(chart for title, chart in charts(deck).items() if title.startswith("Right in kind"))
    assert next(iter(chart.plots[0].series[0].values)) == pytest.approx(rows["random"], abs=0.0051)
    text = " ".join(shape.text_frame.text for shape in shapes_of(deck.slides[-2]) if shape.has_text_frame)
    assert "its colours were measured" in text


def test_new_arrivals_are_said_to_win_or_lose_by_the_interval_alone(copy):
    assert "beat the off-the-shelf network from the first day" in _helped((0.1, 0.2), lower=True)
    assert "a lead over the off-the-shelf network is not shown" in _helped((-0.1, 0.2), lower=False)

    def worse(numbers):
        for test in numbers["paired_tests"]:
            if (test["gallery"], test["column"], test["against"]) == ("unseen", BOTH, USUAL):
                test |= {"low": -0.3, "high": -0.1}

    change(copy, "06", worse)
    slide = next(s for s in Presentation(build_deck(copy)).slides if s.shapes.title.text.startswith("New arrivals: "))
    told = "off-the-shelf network is ahead"
    assert any(told in shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)


def words_of(deck):
    shown = [shape.text_frame.text for slide in deck.slides for shape in shapes_of(slide) if shape.has_text_frame]
    return " ".join(shown + [slide.notes_slide.notes_text_frame.text for slide in deck.slides])


def test_one_comparison_by_photo_alone_and_no_share_that_is_none(copy):
    change(copy, "06", lambda numbers: numbers["nothing_agrees"].update(queries=0, share=0.0))
    text = words_of(Presentation(build_deck(copy)))
    assert not re.search(r"\b0% of", text) and "articles all are" not in text
    whole = {row["method"]: row[BOTH]["mean"] for row in copy.results("06")["precision_at_k"]}
    first = " ".join(shape.text_frame.text for shape in Presentation(build_deck(copy)).slides[0].placeholders)
    assert percent(whole[LEARNED]) in first and percent(whole[USUAL]) in first
    assert "known" not in first and "this study, words known" not in text

    def worse(numbers):
        numbers["nothing_agrees"].update(queries=3, share=0.1)
        next(row for row in numbers["precision_at_k"] if row["method"] == LEARNED)[BOTH]["mean"] = 0.8

    change(copy, "06", worse)
    text = words_of(Presentation(build_deck(copy)))
    assert "20% of the suggestions are wrong in kind or colour; for 3 of" in text


def test_a_made_catalogue_is_called_so_on_the_title_slide(copy, monkeypatch):
    monkeypatch.setattr("fashion.report.deck.findings.Findings.made", "colours dyed for this study")
    assert "colours dyed for this study" in " ".join(
        shape.text_frame.text for shape in Presentation(build_deck(copy)).slides[0].placeholders
    )


def test_a_report_that_is_not_whole_is_named(work, copy):
    (copy.report / "results/06.json").unlink()
    with pytest.raises(ArtefactError, match="numbers of notebook 06"):
        build_deck(copy)
    with pytest.raises(ArtefactError, match="numbers of notebook 01"):
        build_deck(Workspace("tiny", work.processed.parent, copy.report.parent / "none"))


@pytest.fixture
def as_before(work, monkeypatch):
    """Pages without their notebooks, which take long; then the report's own pages again, and no slides."""
    files = [*work.report.rglob("*.html"), work.report / "provenance.json", work.processed / "steps/page.json"]
    kept = {file: file.read_bytes() for file in files}
    monkeypatch.setattr("fashion.report.page.notebook_body", lambda *_: "")
    yield
    for file, content in kept.items():
        file.write_bytes(content)
    (work.report / "deck.pptx").unlink(missing_ok=True)


def test_the_page_links_the_slides_and_does_not_wait_for_them(settings, work, as_before):
    folders = {"processed": work.processed.parent, "reports": work.report.parent, "say": lambda line: None}
    index = build_report(settings, **folders, companion=cli_deck.accompany)
    assert 'href="deck.pptx"' in index.read_text(encoding="utf-8")
    written = index.stat().st_mtime_ns
    build_report(settings, **folders, companion=cli_deck.accompany)
    assert index.stat().st_mtime_ns == written  # the state stands: nothing is written twice

    def broken(workspace):
        (workspace.report / "deck.pptx").unlink()
        raise ValueModelError("no such thing")

    with pytest.raises(ValueModelError, match="no such thing"):
        build_report(settings, **folders, companion=broken)
    assert "deck.pptx" not in index.read_text(encoding="utf-8")

    def unforeseen(workspace):
        raise ValueError("unsupported image format")

    index.unlink()
    with pytest.raises(ReportError, match=r"ValueError: unsupported image format.*index\.html"):
        build_report(settings, **folders, companion=unforeseen)
    assert index.is_file()
