"""The slides with photos: the approach in one picture, and articles with their suggestions."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR
from pptx.util import Inches, Pt

from fashion.core.numerals import number_word, percent
from fashion.plots.recommendation import FRAMES
from fashion.plots.style import INK, PALETTE, QUIET
from fashion.report.deck.findings import LEARNED, Article, Findings
from fashion.report.deck.slides import caption, colour, describe, lead, new_slide, outline, picture, plain, style
from fashion.report.deck.template import INNER, MARGIN, SMALL_POINTS, TOP, WIDTH

#: How many articles stand on each slide of examples.
COMPARED, SHOWN, STRIP = 2, 2, 8

PHOTO_TOP = 2.6


def strip(slide: Any, findings: Findings) -> None:
    """Add photos of the first articles that the report drew, along the foot of the opening slide."""
    rows = findings.rows(STRIP)
    for place, row in enumerate(rows):
        article = findings.article(row)
        picture(
            slide, io.BytesIO(article.photo), MARGIN + place * INNER / STRIP, 5.65, 1.1, f"Article: {article.words}"
        )


def approach(deck: Any, findings: Findings) -> None:
    """Slide: the approach as one picture, an article's photo, what is read from it, and what is suggested."""
    backbone, classes = findings.results["02"]["backbone"], findings.results["03"]["classes"]
    slide = new_slide(
        deck,
        "Picture",
        "The approach: a photo shows shape and colour, a second network adds the shop's words",
        f"A frozen network, {backbone['name']}, sees shapes; the garment's colours are measured without the "
        f"background. A second network learns the shop's own words from both: {classes['category']} kinds and "
        f"{classes['colour']} colours. Two items are similar when they are likely to bear the same words. The boxes "
        "are one group and can be taken apart.",
        f"{findings.source}; notebooks 02 to 04 of the report",
    )
    group = slide.shapes.add_group_shape()
    row = findings.rows(1)[0]
    article, similar = findings.article(row), findings.suggestions("learned", [row])[row]
    start = picture(group, io.BytesIO(article.photo), MARGIN, PHOTO_TOP + 0.1, 1.8, f"Article: {article.words}", INK)
    _label(group, "A photo", "of an article, or a customer's own", MARGIN - 0.1, PHOTO_TOP + 2.05, 2.0)
    boxes = [
        ("Shapes", f"{backbone['name']}, {findings.origin}", 3.35, 1.75),
        ("Colours", "measured on the garment, background left out", 3.35, 3.9),
        ("Second network", "learns the shop's {category} kinds and {colour} colours".format(**classes), 6.9, 2.825),
    ]
    shapes = [_box(group, *box) for box in boxes]
    end = _suggested(group, similar)
    leads_on = f"from the network to its {number_word(len(similar))}"
    for a, b, said in (
        (start, shapes[0], "from the photo to its shapes"), (start, shapes[1], "from the photo to its colours"),
        (shapes[0], shapes[2], "from shapes to the second network"),
        (shapes[1], shapes[2], "from colours to the second network"), (shapes[2], end, leads_on),
    ):  # fmt: skip
        _arrow(group, a, b, said)
    describe(
        group,
        "Diagram from left to right: a photo goes to a frozen network that sees shapes and to a measurement of the "
        "garment's colours; both go to a second network that learned the shop's words; it finds "
        f"{number_word(len(similar))} similar articles.",
    )
    lead(slide, "No accelerator and no outside service are needed. New articles join without training again.")


def _label(group: Any, head: str, text: str, left: float, top: float, width: float) -> None:
    caption(group, head, left, top, width, 0.3, 16, bold=True, centred=True)
    caption(group, text, left, top + 0.32, width, 0.5, SMALL_POINTS, QUIET, centred=True)


def _box(group: Any, head: str, text: str, left: float, top: float) -> Any:
    box = group.shapes.add_shape(MSO_SHAPE.ROUNDED_RECTANGLE, *(Inches(v) for v in (left, top, 2.75, 1.55)))
    box.adjustments[0] = 0.08
    box.fill.solid()
    box.fill.fore_color.rgb = colour("#eaf2f8")
    box.line.color.rgb, box.line.width = colour(PALETTE[0]), Pt(1.5)
    box.shadow.inherit = False
    frame = box.text_frame
    frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.MIDDLE
    frame.text = plain(f"{head}\n{text}")
    style(frame, SMALL_POINTS, INK)
    for run in frame.paragraphs[0].runs:
        run.font.size, run.font.bold = Pt(18), True
    describe(box, f"{head}: {text}")
    return box


def _suggested(group: Any, similar: Sequence[Article]) -> Any:
    """The suggestions in two columns; the place that the arrow meets, the first column's middle photo."""
    placed = [
        picture(
            group, io.BytesIO(article.photo), 10.45 + 1.08 * (place % 2), 2.075 + 1.05 * (place // 2), 0.95,
            f"Suggestion {place + 1}: {article.words}",
        )
        for place, article in enumerate(similar)
    ]  # fmt: skip
    _label(group, f"{number_word(len(similar)).capitalize()} similar articles", "each with its reason", 10.2, 5.25, 2.5)
    return placed[2] if len(placed) > 2 else placed[0]


def _arrow(group: Any, start: Any, end: Any, said: str) -> None:
    line = group.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, 0, 0, 0, 0)
    line.begin_connect(start, 3)
    line.end_connect(end, 1)
    line.line.color.rgb, line.line.width = colour(QUIET), Pt(2.25)
    ends = line.line._get_or_add_ln()
    ends.append(
        ends.makeelement("{http://schemas.openxmlformats.org/drawingml/2006/main}tailEnd", {"type": "triangle"})
    )
    describe(line, said)


def _said(article: Article, findings: Findings, place: int) -> str:
    return f"Suggestion {place}: {article.words}, {_agreement(findings)[article.agrees]}"


def _agreement(findings: Findings) -> dict[tuple[bool, bool], str]:
    """Labels of what a suggestion may share with its article, by the frame."""
    if findings.measured:
        return {(True, True): "same kind", (False, True): "another kind"}
    words = ("same kind and colour", "kind alone", "colour alone", "neither")
    return dict(zip(FRAMES, words, strict=True))


def _legend(slide: Any, findings: Findings, top: float) -> None:
    """Add the legend of the frames, in words and in their own colours, and the share over all tests."""
    left = MARGIN
    for place, (agrees, text) in enumerate(_agreement(findings).items()):
        mark = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *(Inches(v) for v in (left, top + 0.03, 0.24, 0.24)))
        mark.fill.background()
        outline(mark, agrees)
        mark.shadow.inherit = False
        describe(mark, f"Frame of a suggestion: {text}")
        caption(slide, text, left + 0.34, top, 2.4, 0.3)
        left += 1.75 if place else 2.6
    measure = f"Over all tests {percent(findings.share(LEARNED))} (slide 4)"
    caption(slide, measure, 9.2, top, WIDTH - MARGIN - 9.2, 0.3, shade=QUIET)


def _drawn(findings: Findings, count: int) -> str:
    """A sentence on how the first articles were chosen."""
    if findings.picked(count):
        return "Some of the articles were asked for by name, so they are no sample of the catalogue."
    return "Articles drawn by the report, those of the largest departments first, none picked for its result."


def compared(deck: Any, findings: Findings) -> None:
    """Slide: the same articles by the frozen network and by this study."""
    rows = findings.rows(COMPARED)
    frozen, ours = findings.suggestions("frozen", rows), findings.suggestions("learned", rows)
    right = [sum(a.matches for row in rows for a in one[row]) for one in (frozen, ours)]
    total = sum(len(ours[row]) for row in rows)
    slide = new_slide(
        deck,
        "Photos",
        f"Two examples: {right[0]} of {total} match in {findings.match} off the shelf, {right[1]} of {total} learned",
        f"{_drawn(findings, COMPARED)} Top rows: the frozen network, with the features chosen in notebook 2; bottom "
        "rows: the learned network. Both see the photo alone. These are examples, not the measure, which slide 4 has: "
        "the network may have been trained with some of these articles. Near-duplicates are not hidden; the shop "
        "window "
        "can hide them. The photos' terms, which these slides share: "
        f"{findings.catalogue.terms}",
        f"{findings.source}; notebook 04 of the report",
    )
    edge, high = 1.08, 2.42
    for line, row in enumerate(rows):
        top, article = TOP + line * high, findings.article(row)
        picture(slide, io.BytesIO(article.photo), MARGIN, top + 0.1, 1.55, f"Article: {article.words}", INK)
        caption(slide, article.words, MARGIN, top + 1.75, 2.3, 0.5)
        for under, (name, one) in enumerate((("frozen", frozen), ("learned", ours))):
            at = top + under * 1.17
            caption(slide, name, 3.2, at + 0.3, 1.7, 0.5, 16, PALETTE[0] if under else QUIET, bold=True)
            for place, other in enumerate(one[row]):
                picture(
                    slide, io.BytesIO(other.photo), 5.0 + place * 1.28, at, edge, _said(other, findings, place + 1),
                    other.agrees,
                )  # fmt: skip
    _legend(slide, findings, 6.48)


def shown(deck: Any, findings: Findings) -> None:
    """Slide: articles with their suggestions, and the words of each."""
    rows = findings.rows(COMPARED + SHOWN)[-SHOWN:]
    beside = findings.suggestions("learned", rows)
    right = sum(a.matches for row in rows for a in beside[row])
    slide = new_slide(
        deck,
        "Photos",
        f"Two more: {right} of {sum(map(len, beside.values()))} suggestions by photo alone share the {findings.match}",
        f"The next two articles. {_drawn(findings, COMPARED + SHOWN)} On the shop's own page an article's words are "
        "known, "
        "too, and sort the list; here the photo alone decides, as for a customer's photo. Each suggestion carries its "
        "words; in the shop a slider moves between looks and colour, and near-duplicates can be hidden.",
        f"{findings.source}; notebook 04 of the report",
    )
    step = INNER / 7.2
    for line, row in enumerate(rows):
        top = TOP + line * 2.42
        article = findings.article(row)
        places: list[tuple[float, str, Article, tuple[bool, bool] | str]] = [
            (MARGIN, f"Article: {article.words}", article, INK)
        ]
        places += [
            (MARGIN + (place + 1.2) * step, _said(other, findings, place + 1), other, other.agrees)
            for place, other in enumerate(beside[row])
        ]
        for left, said, other, frame in places:
            picture(slide, io.BytesIO(other.photo), left, top, 1.42, said, frame)
            caption(slide, other.words, left - 0.03, top + 1.52, 1.55, 0.72)
    _legend(slide, findings, 6.48)
