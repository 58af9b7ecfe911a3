"""The slides' paper: one template in 16:9, and what is put on it: text, tables, charts, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Emu, Inches, Pt

from fashion.plots import INK, PALETTE, QUIET

WIDTH, HEIGHT, MARGIN = 13.333, 7.5, 0.7
FONT = "Arial"
TOP = 1.55
"""Where a slide's content begins, inches."""
TITLE_ONLY, TITLE = 5, 0


def colour(hexadecimal: str) -> RGBColor:
    """`#rrggbb` as the slides take it."""
    return RGBColor.from_string(hexadecimal.lstrip("#").upper())


def new_deck() -> Any:
    """An empty deck: 16:9, its layouts' titles and slide numbers set once for all slides."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
    for layout in (*deck.slide_layouts, deck.slide_master):
        for place in list(layout.placeholders):
            kind = place.placeholder_format.type
            if "TITLE" in str(kind) and "SUBTITLE" not in str(kind):
                _put(place, MARGIN, 0.45, WIDTH - 2 * MARGIN, 0.95)
                place.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
            elif "SLIDE_NUMBER" in str(kind):
                _put(place, WIDTH - MARGIN - 1, HEIGHT - 0.5, 1, 0.3)
            elif "DATE" in str(kind) or "FOOTER" in str(kind):
                place._element.getparent().remove(place._element)
            else:
                _put(place, MARGIN, TOP, WIDTH - 2 * MARGIN, HEIGHT - TOP - 0.7)
    return deck


def _put(shape: Any, left: float, top: float, width: float, height: float) -> None:
    shape.left, shape.top, shape.width, shape.height = (Inches(v) for v in (left, top, width, height))


def describe(shape: Any, text: str) -> None:
    """Give a shape the text that a screen reader says."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", text)


def new_slide(deck: Any, title: str, notes: str, source: str) -> Any:
    """A slide with its title, what the speaker says, and where its numbers come from."""
    slide = deck.slides.add_slide(deck.slide_layouts[TITLE_ONLY])
    slide.shapes.title.text = title
    _style(slide.shapes.title.text_frame, 28, INK, bold=True)
    slide.shapes.title.text_frame.paragraphs[0].alignment = PP_ALIGN.LEFT
    slide.notes_slide.notes_text_frame.text = notes
    foot = write(slide, [f"{source}    {len(deck.slides)}"], MARGIN, HEIGHT - 0.55, WIDTH - 2 * MARGIN, 0.35, 12, QUIET)
    foot.name = "source"
    return slide


def _style(frame: Any, points: float, shade: str, *, bold: bool = False) -> None:
    for paragraph in frame.paragraphs:
        for run in paragraph.runs:
            run.font.name, run.font.size, run.font.bold = FONT, Pt(points), bold
            run.font.color.rgb = colour(shade)


def write(
    slide: Any, lines: Sequence[str], left: float, top: float, width: float, height: float, points: float = 20,
    shade: str = INK, *, bold: bool = False,
) -> Any:  # fmt: skip
    """Lines of text in a box; inches and points."""
    box = slide.shapes.add_textbox(*(Inches(v) for v in (left, top, width, height)))
    frame = box.text_frame
    frame.word_wrap = True
    for number, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = line
        paragraph.space_after = Pt(points * 0.45)
    _style(frame, points, shade, bold=bold)
    return box


def table(slide: Any, rows: Sequence[Sequence[str]], widths: Sequence[float], top: float, points: float = 14) -> Any:
    """A table; its first row is the head."""
    shape = slide.shapes.add_table(
        len(rows), len(widths), Inches(MARGIN), Inches(top), Inches(sum(widths)), Inches(0.42 * len(rows))
    )
    for place, width in enumerate(widths):
        shape.table.columns[place].width = Inches(width)
    for number, row in enumerate(rows):
        for place, text in enumerate(row):
            cell = shape.table.cell(number, place)
            cell.text = text
            cell.margin_top = cell.margin_bottom = Inches(0.03)
            head = number == 0
            cell.fill.solid()
            cell.fill.fore_color.rgb = colour(PALETTE[0] if head else ("#f4f2ee" if number % 2 else "#ffffff"))
            _style(cell.text_frame, points, "#ffffff" if head else INK, bold=head)
    return shape


def bar_chart(
    slide: Any, names: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], box: Sequence[float], text: str,
    *, form: str = "0%", stacked: bool = False, axis: str = "",
) -> Any:  # fmt: skip
    """A chart of bars that can be edited in the slides; `box` is left, top, width, height in inches."""
    data = CategoryChartData(number_format=form)
    data.categories = list(names)
    for name, values in series:
        data.add_series(name, values)
    kind = XL_CHART_TYPE.BAR_STACKED if stacked else XL_CHART_TYPE.BAR_CLUSTERED
    shape = slide.shapes.add_chart(kind, *(Inches(v) for v in box), data)
    chart = shape.chart
    chart.font.size, chart.font.name = Pt(13), FONT
    chart.has_title = False
    chart.has_legend = len(series) > 1
    if chart.has_legend:
        chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    chart.category_axis.reverse_order = True
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW  # beside the bars also below zero
    chart.category_axis.tick_labels.font.size = Pt(13)
    chart.category_axis.format.line.color.rgb = colour(QUIET)
    chart.value_axis.visible = bool(axis)
    chart.value_axis.has_major_gridlines = False
    if axis:
        chart.value_axis.has_title = True
        chart.value_axis.axis_title.text_frame.text = axis
        _style(chart.value_axis.axis_title.text_frame, 12, QUIET)
    plot = chart.plots[0]
    plot.gap_width = 45
    plot.overlap = 100 if stacked else -5
    for number, drawn in enumerate(plot.series):
        drawn.format.fill.solid()
        drawn.format.fill.fore_color.rgb = colour(PALETTE[number])
    if not stacked:
        plot.has_data_labels = True
        plot.data_labels.number_format, plot.data_labels.number_format_is_linked = form, False
        plot.data_labels.font.size = Pt(12)
        plot.data_labels.position = XL_LABEL_POSITION.OUTSIDE_END
    describe(shape, text)
    return shape


def picture(slide: Any, data: Any, left: float, top: float, edge: float, text: str, frame: str | None = None) -> Any:
    """A photo that fits a square of `edge` inches, with a frame of a colour where one is given."""
    shape = slide.shapes.add_picture(data, Inches(left), Inches(top))
    scale = Inches(edge) / max(shape.width, shape.height)
    shape.width, shape.height = Emu(int(shape.width * scale)), Emu(int(shape.height * scale))
    shape.left = Inches(left) + (Inches(edge) - shape.width) // 2
    shape.top = Inches(top) + (Inches(edge) - shape.height) // 2
    if frame:
        shape.line.color.rgb = colour(frame)
        shape.line.width = Pt(3)
    describe(shape, text)
    return shape
