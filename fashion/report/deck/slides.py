"""Elements of a slide: its title, text, notes and source, tables, charts that can be edited, photos."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from pptx.chart.data import CategoryChartData
from pptx.chart.xlsx import CategoryWorkbookWriter
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION, XL_TICK_MARK
from pptx.enum.dml import MSO_LINE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Emu, Inches, Pt

from fashion.core.texts import clean_text
from fashion.plots.recommendation import FRAMES
from fashion.plots.style import INK, PALETTE, QUIET
from fashion.report.deck.template import FONT, FOOT, INNER, LEAD, MAIN, NUMBER, SMALL_POINTS, TEXT, layout_of, set_theme

PALE = "#f4f2ee"


def plain(text: str) -> str:
    """Text as slides may hold it: without the characters that XML does not take; lines stay."""
    return clean_text(text, keep="\n\t")


class _TextWorkbook(CategoryWorkbookWriter):
    """The sheet behind a chart, in which a catalogue's word is text: no formula and no link, however it begins."""

    @contextmanager
    def _open_worksheet(self, xlsx_file: IO[bytes]) -> Iterator[tuple[Any, Any]]:
        with super()._open_worksheet(xlsx_file) as (workbook, worksheet):
            worksheet.strings_to_formulas = worksheet.strings_to_urls = False
            yield workbook, worksheet


class _TextChartData(CategoryChartData):
    """A chart's data whose sheet holds text as text."""

    @property
    def _workbook_writer(self) -> _TextWorkbook:
        return _TextWorkbook(self)


def colour(hexadecimal: str) -> RGBColor:
    """`#rrggbb` as the slides take it."""
    return RGBColor.from_string(hexadecimal.lstrip("#").upper())


def describe(shape: Any, text: str) -> None:
    """Give a shape the text that a screen reader says."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", plain(text))


def new_slide(deck: Any, layout: str, title: str, notes: str, source: str) -> Any:
    """A slide with its title, what the speaker says, and where its numbers come from."""
    paper = layout_of(deck, layout)
    slide = deck.slides.add_slide(paper)
    slide.shapes.title.text = plain(title)
    slide.notes_slide.notes_text_frame.text = plain(notes)
    for place in paper.placeholders:  # those of the foot are not copied by python-pptx
        if place.placeholder_format.idx in (FOOT, NUMBER):
            element = copy.deepcopy(place._element)
            element.xpath(".//p:cNvPr")[0].set("id", str(slide.shapes._next_shape_id))
            slide.shapes._spTree.append(element)
    foot = slide.shapes[-2]
    foot.name = "source"
    foot.text_frame.text = plain(f"Source: {source}")
    return slide


def finish(deck: Any) -> None:
    """Put each slide's foot last for readers, say the language, and give the notes the deck's typeface."""
    for slide in deck.slides:
        for shape in list(slide.placeholders):
            if shape.placeholder_format.idx in (FOOT, NUMBER):
                slide.shapes._spTree.append(shape._element)
        for part in (slide._element, slide.notes_slide._element):
            for run in part.xpath(".//a:r"):
                run.get_or_add_rPr().set("lang", "en-GB")
    set_theme(deck.notes_master.part)
    kin = deck.part.relate_to(deck.notes_master.part, RELATIONSHIP_TYPE.NOTES_MASTER)
    deck.element.find(qn("p:sldMasterIdLst")).addnext(
        parse_xml(f'<p:notesMasterIdLst {nsdecls("p", "r")}><p:notesMasterId r:id="{kin}"/></p:notesMasterIdLst>')
    )


def write(slide: Any, lines: Sequence[str], place: int = TEXT) -> Any:
    """Lines of text in a placeholder of the slide."""
    frame = slide.placeholders[place].text_frame
    for number, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = plain(line)
    return slide.placeholders[place]


def lead(slide: Any, line: str) -> Any:
    """The line above a table or below a picture."""
    return write(slide, [line], LEAD)


def caption(
    slide: Any, text: str, left: float, top: float, width: float, height: float, points: float = SMALL_POINTS,
    shade: str = INK, *, bold: bool = False, centred: bool = False,
) -> Any:  # fmt: skip
    """Words beside a photo, in a box of its own; inches and points."""
    box = slide.shapes.add_textbox(*(Inches(v) for v in (left, top, width, height)))
    frame = box.text_frame
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    frame.text = plain(text)
    style(frame, points, shade, bold=bold)
    for paragraph in frame.paragraphs:
        paragraph.alignment = PP_ALIGN.CENTER if centred else PP_ALIGN.LEFT
    return box


def style(frame: Any, points: float, shade: str, *, bold: bool = False) -> None:
    """Size and colour of a text that no placeholder styles; its typeface is the theme's."""
    for paragraph in frame.paragraphs:
        for run in paragraph.runs:
            run.font.size, run.font.bold = Pt(points), bold
            run.font.color.rgb = colour(shade)


def table(
    slide: Any, rows: Sequence[Sequence[str]], widths: Sequence[float], text: str, *, row_height: float = 0.44,
    points: float = SMALL_POINTS, numbers: Sequence[int] = (), strong: Sequence[int] = (),
) -> Any:  # fmt: skip
    """A table; its first row is the head, `numbers` are the columns set to the right, `strong` the bold rows."""
    shape = slide.placeholders[MAIN].insert_table(len(rows), len(widths))
    scale = INNER / sum(widths)
    for place, width in enumerate(widths):
        shape.table.columns[place].width = Inches(width * scale)
    for number, row in enumerate(rows):
        shape.table.rows[number].height = Inches(row_height)
        for place, said in enumerate(row):
            cell = shape.table.cell(number, place)
            cell.text = plain(said)
            cell.margin_top = cell.margin_bottom = Inches(0.03)
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            head = number == 0
            cell.fill.solid()
            cell.fill.fore_color.rgb = colour(PALETTE[0] if head else (PALE if number % 2 else "#ffffff"))
            style(cell.text_frame, points, "#ffffff" if head else INK, bold=head or number in strong)
            if place in numbers:
                cell.text_frame.paragraphs[0].alignment = PP_ALIGN.RIGHT
    shape.height = Inches(row_height * len(rows))
    describe(shape, text)
    return shape


def bar_chart(
    slide: Any, names: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], text: str, *, form: str = "0%",
    shades: Sequence[str] = PALETTE, marked: Sequence[int] | None = None, across: bool = True, overlap: int = -5,
    floor: float | None = None,
) -> Any:  # fmt: skip
    """A chart that can be edited, in the slide's chart placeholder.

    Parameters
    ----------
    slide : Slide
        Of a layout with a chart.
    names : sequence of str
        What each bar or group of bars is.
    series : sequence of (name, values)
        One bar a name and series.
    text : str
        What a screen reader says.
    form : str
        Format of the labels, as spreadsheets write it.
    shades : sequence of str
        Colour of each series.
    marked : sequence of int, optional
        Bars in the first shade, the others in grey; for one series.
    across : bool
        Bars lie; they stand if not.
    overlap : int
        Of a group's bars, -100 to 100%.
    floor : float, optional
        Where the axis of values begins; below negative bars there is room for their labels.
    """
    data = _TextChartData(number_format="0%" if "%" in form else "#,##0")  # of the sheet behind the chart
    data.categories = [plain(name) for name in names]
    for name, values in series:
        data.add_series(plain(name), values)
    kind = XL_CHART_TYPE.BAR_CLUSTERED if across else XL_CHART_TYPE.COLUMN_CLUSTERED
    shape = slide.placeholders[MAIN].insert_chart(kind, data)
    floor = _room_below([value for _, values in series for value in values]) if floor is None else floor
    _style_chart(shape.chart, len(series) > 1, across, floor)
    plot = shape.chart.plots[0]
    plot.gap_width, plot.overlap, plot.has_data_labels = 45, overlap, True
    plot.data_labels.number_format, plot.data_labels.number_format_is_linked = form, False
    plot.data_labels.font.size = Pt(SMALL_POINTS)
    plot.data_labels.position = XL_LABEL_POSITION.OUTSIDE_END
    for number, drawn in enumerate(plot.series):
        _paint(drawn, shades[number])
        drawn.invert_if_negative = False
        for place in range(len(names)) if marked is not None else ():
            _paint(drawn.points[place], shades[0] if place in marked else "#a8a29a")  # type: ignore[operator]
    describe(shape, text)
    return shape


def _paint(drawn: Any, shade: str) -> None:
    drawn.format.fill.solid()
    drawn.format.fill.fore_color.rgb = colour(shade)


def _style_chart(chart: Any, legend: bool, across: bool, floor: float | None) -> None:
    chart.font.size, chart.font.name, chart.font.color.rgb = Pt(SMALL_POINTS), FONT, colour(INK)
    chart.has_title, chart.has_legend = False, legend
    if legend:
        chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
        chart.legend.font.size = Pt(SMALL_POINTS)
    names, values = chart.category_axis, chart.value_axis
    names.reverse_order = across  # the first on top
    names.tick_label_position = XL_TICK_LABEL_POSITION.LOW  # beside the bars also below zero
    names.major_tick_mark = XL_TICK_MARK.NONE
    names.format.line.color.rgb = colour(QUIET)
    values.visible = values.has_major_gridlines = False
    if floor is not None:
        values.minimum_scale = floor


def _room_below(values: Sequence[float]) -> float | None:
    """The start of the axis of values that keeps negative bars' labels clear of the names; None without such bars."""
    least, most = min(values), max(values)
    return least - 0.22 * (most - least) if least < 0 else None


def outline(shape: Any, frame: tuple[bool, bool] | str) -> None:
    """Frame a shape: in a colour, or as `FRAMES` has it for whether kind and colour agree."""
    shade, line = (frame, "solid") if isinstance(frame, str) else FRAMES[frame]
    shape.line.color.rgb, shape.line.width = colour(shade), Pt(3)
    shape.line.dash_style = {"solid": MSO_LINE.SOLID, "dashed": MSO_LINE.DASH, "dotted": MSO_LINE.ROUND_DOT}[line]


def picture(
    slide: Any, data: Any, left: float, top: float, edge: float, text: str,
    frame: tuple[bool, bool] | str | None = None,
) -> Any:  # fmt: skip
    """A photo that fits a square of `edge` inches, with a frame where one is given."""
    shape = slide.shapes.add_picture(data, Inches(left), Inches(top))
    scale = Inches(edge) / max(shape.width, shape.height)
    shape.width, shape.height = Emu(int(shape.width * scale)), Emu(int(shape.height * scale))
    shape.left = Inches(left) + (Inches(edge) - shape.width) // 2
    shape.top = Inches(top) + (Inches(edge) - shape.height) // 2
    if frame is not None:
        outline(shape, frame)
    describe(shape, text)
    return shape
