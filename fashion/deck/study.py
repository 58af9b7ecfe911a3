"""The slides that tell of the study: problem, approach, results, examples, limits."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.util import Inches, Pt

from fashion.deck.paper import MARGIN, TOP, WIDTH, bar_chart, colour, describe, new_slide, picture, write
from fashion.plots import INK, PALETTE, QUIET
from fashion.reasons import describe as said_of
from fashion.recommender import Recommender
from fashion.source import open_source
from fashion.workspace import Workspace

BOTH = "category and colour"
LEARNED, KNOWN, FROZEN = "learned", "learned, catalogue's words known", "frozen, all maxima"
EXAMPLES = 3


def title(deck: Any, title: str, results: dict[str, Any], share: dict[str, Any]) -> None:
    """What it is about, with the one number that matters."""
    found, usual = share[KNOWN][BOTH]["mean"], share[FROZEN][BOTH]["mean"]
    slide = new_slide(
        deck,
        "Similar clothes that follow the description",
        "What a shop gains when the six items beside an article are of its kind and of its colour. All figures come "
        "from the study's own report; what is assumed is marked so.",
        results["06"]["source_line"],
    )
    write(slide, [f"A business case on {title}"], MARGIN, TOP, WIDTH - 2 * MARGIN, 0.6, 24, QUIET)
    write(slide, [f"{found:.0%}"], MARGIN, 2.6, 5, 1.6, 88, PALETTE[0], bold=True)
    write(
        slide,
        [
            "of the six suggestions bear the very category and colour of what was asked for",
            f"by a photo alone, in a catalogue whose words are known; {usual:.0%} by the usual network",
        ],
        MARGIN,
        4.3,
        9.5,
        1.6,
        22,
    )


def problem(deck: Any, source: str, share: dict[str, Any]) -> None:
    """What the usual network sees."""
    frozen = share[FROZEN]
    slide = new_slide(
        deck,
        "Photos alone show the kind, not the colour",
        "A network that was trained to tell things apart hardly sees colour; most 'visually similar' boxes use one.",
        source,
    )
    names = ["department", "category", "colour", BOTH]
    bar_chart(
        slide,
        names,
        [("the usual network", [frozen[name]["mean"] for name in names])],
        (MARGIN, TOP, 7.2, 4.9),
        f"Bars: of six suggestions by the usual network {frozen['category']['mean']:.0%} share the "
        f"category, {frozen['colour']['mean']:.0%} the colour, {frozen[BOTH]['mean']:.0%} both.",
    )
    write(
        slide,
        [
            "A customer who looks at a red dress wants red dresses, or says why not.",
            f"The usual network's six share the category in {frozen['category']['mean']:.0%}, the colour in "
            f"{frozen['colour']['mean']:.0%}, both in {frozen[BOTH]['mean']:.0%}.",
            "Rules on words alone need clean words for every item, and cannot answer a photo.",
        ],
        8.3,
        TOP + 0.2,
        WIDTH - MARGIN - 8.3,
        4.5,
        20,
    )


def approach(deck: Any, source: str, results: dict[str, Any]) -> None:
    """The approach as one picture."""
    slide = new_slide(
        deck,
        "One picture of the approach",
        "A frozen network sees shapes, the photo itself gives colours; a small network learns the shop's words from "
        "both. Two items are similar when they are likely to bear the same words.",
        source,
    )
    backbone, classes = results["02"]["backbone"], results["03"]["classes"]
    boxes = [
        ("Photo", "of an article, or the customer's own"),
        ("Shapes", f"{backbone['name']}, frozen, {results['02']['dimension']:,} numbers and more"),
        ("Colours", "measured on the garment, the ground left out"),
        ("Small network", f"learns {classes['category']} kinds and {classes['colour']} colours"),
        ("Six similar items", "with reasons; looks against colour by a slider"),
    ]
    places = [(MARGIN, 3.2), (3.5, 1.9), (3.5, 4.5), (6.9, 3.2), (10.3, 3.2)]
    shapes = []
    for (head, text), (left, top) in zip(boxes, places, strict=True):
        box = slide.shapes.add_shape(MSO_SHAPE.ROUNDED_RECTANGLE, Inches(left), Inches(top), Inches(2.35), Inches(1.5))
        box.fill.solid()
        box.fill.fore_color.rgb = colour("#eaf2f8")
        box.line.color.rgb = colour(PALETTE[0])
        frame = box.text_frame
        frame.word_wrap = True
        frame.text = head
        frame.add_paragraph().text = text
        for number, paragraph in enumerate(frame.paragraphs):
            for run in paragraph.runs:
                run.font.size, run.font.name, run.font.bold = Pt(17 if number == 0 else 13), "Arial", number == 0
                run.font.color.rgb = colour(INK)
        describe(box, f"{head}: {text}")
        shapes.append(box)
    for start, end in ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4)):
        line = slide.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, 0, 0, 0, 0)
        line.begin_connect(shapes[start], 3)
        line.end_connect(shapes[end], 1)
        line.line.color.rgb, line.line.width = colour(QUIET), Pt(2)
        describe(line, f"from {boxes[start][0]} to {boxes[end][0]}")


def results(deck: Any, source: str, share: dict[str, Any], results: dict[str, Any]) -> None:
    """All methods side by side."""
    shown = [name for name in share if not name.startswith("ceiling")]
    best = share[LEARNED][BOTH]
    slide = new_slide(
        deck,
        f"Six suggestions, right in kind and colour: {best['mean']:.0%} by a photo alone",
        f"{results['06']['protocol']} By a photo alone {best['mean']:.1%}, 95 % interval {best['low']:.1%} to "
        f"{best['high']:.1%}; where the shop's words are known on the catalogue's side, more.",
        results["06"]["protocol"],
    )
    values = [share[name][BOTH]["mean"] for name in shown]
    said = [f"{name} {value:.0%}" for name, value in zip(shown, values, strict=True)]
    bar_chart(
        slide,
        shown,
        [(BOTH, values)],
        (MARGIN, TOP, WIDTH - 2 * MARGIN, 5.1),
        "Bars, share right in category and colour: " + ", ".join(said),
    )


def departments(deck: Any, source: str, results: dict[str, Any]) -> None:
    """The same by department."""
    rows = results["06"]["by_department"][:8]
    slide = new_slide(
        deck,
        "It helps in every department, not equally",
        "The same measure, department by department, the number of queries in brackets.",
        source,
    )
    names = [row["department"] for row in rows]
    series = [("the usual network", [row["frozen"] for row in rows]), ("learned", [row[LEARNED] for row in rows])]
    bar_chart(
        slide,
        names,
        series,
        (MARGIN, TOP, WIDTH - 2 * MARGIN, 5.2),
        "Bars by department, usual network and learned: "
        + "; ".join(f"{row['department']} {row['frozen']:.0%} and {row[LEARNED]:.0%}" for row in rows),
    )


def examples(deck: Any, source: str, workspace: Workspace) -> None:
    """Articles with their six."""
    recommender = Recommender.from_workspace(workspace, added=False, approximate=False)
    facts = workspace.json("source")
    photos = open_source(Path(facts["data"]), facts["table"])
    slide = new_slide(
        deck,
        "Examples: the article left, its six to the right",
        "Drawn by the report, not chosen by hand. Near-duplicates are hidden. Photos under the catalogue's own terms: "
        "this deck stays where the data may be.",
        source,
    )
    names = json.loads((workspace.report / "results/04.json").read_text(encoding="utf-8"))["shown"][:EXAMPLES]
    edge = 1.45
    for line, name in enumerate(names):
        top = TOP + line * 1.75
        row = recommender.row_of(name)
        own = recommender.items.iloc[row].to_dict()
        picture(slide, io.BytesIO(photos.read(own["photo"])), MARGIN, top, edge, f"Article: {said_of(own)}", INK)
        found = recommender.answer(recommender.item_query(name), 6, hide_duplicates=True)
        for place, (_, hit) in enumerate(found.iterrows()):
            left = MARGIN + 2.2 + place * 1.65
            record: dict[Any, Any] = hit.to_dict()
            picture(slide, io.BytesIO(photos.read(record["photo"])), left, top, edge, f"Suggestion: {said_of(record)}")


def limits(deck: Any, source: str, results: dict[str, Any], share: dict[str, Any]) -> None:
    """What it does not show."""
    nothing = results["06"]["nothing_agrees"]["share"]
    unseen = {row["method"]: row for row in results["06"]["agreement_unseen_gallery"]}[LEARNED][BOTH]["mean"]
    known = share[LEARNED][BOTH]["mean"]
    slide = new_slide(
        deck,
        "What this does not show",
        "Agreement of words is not taste, and no customer has been asked.",
        source,
    )
    write(
        slide,
        [
            "Same kind and colour is not the same as liked or bought: no click was measured.",
            f"Among items that are new to the network too, {unseen:.0%} are right by a photo alone, not {known:.0%}.",
            f"For {nothing:.0%} of the queries nothing right is among the six.",
            "Words err: what the shop's buyers call azure and sky blue is one colour to many.",
            "Size, price, cloth and occasion are not in the model.",
        ],
        MARGIN,
        TOP + 0.2,
        WIDTH - 2 * MARGIN,
        4.8,
        24,
    )
