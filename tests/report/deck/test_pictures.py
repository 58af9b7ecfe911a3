"""Photos of every format and turn reach the slides upright; articles that somebody asked for are not called drawn."""

import io

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import draw
from PIL import Image
from pptx import Presentation

from fashion.catalogue.definition import load_catalogue
from fashion.core.workspace import Workspace
from fashion.report.deck.findings import EDGE, Findings
from fashion.report.deck.pictures import _drawn
from fashion.report.deck.slides import bar_chart, caption, lead, new_slide, picture, table, write
from fashion.report.deck.template import new_deck
from fashion.report.steps import STEPS, State, write_state

RED = (200, 30, 30)


@pytest.fixture
def shop(tmp_path):
    """Findings of eight articles, of which three have a WebP, a large photo, and one that EXIF data turns."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "table.csv").write_text("none")
    rgb = np.ascontiguousarray(draw("PANTALONI", RED, 0)[:, 20:100])
    assert cv2.imwrite(str(folder / "0.webp"), rgb[..., ::-1])
    cv2.imwrite(str(folder / "1.png"), np.kron(rgb, np.ones((16, 16, 1), np.uint8))[..., ::-1])
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(rgb).save(folder / "2.jpg", exif=turned)
    work = Workspace("tiny", tmp_path / "p", tmp_path / "r")
    photos = ["0.webp", "1.png", "2.jpg", *["0.webp"] * 5]
    names = [f"i{number}" for number in range(8)]
    work.write_table("items", pd.DataFrame({"item": names, "photo": photos, "colour": "red", "category": "trousers"}))
    place = {"data": str(folder), "table": "table.csv"}
    results = {"04": {"shown": names}, "06": {"colour_was_measured": False}}
    return Findings(work, results, place, load_catalogue("sample"))


def test_photos_of_every_format_reach_a_slide_upright_and_no_larger_than_needed(shop):
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for row, size in ((0, (80, 128)), (1, (EDGE * 80 // 128, EDGE)), (2, (128, 80))):
        photo = shop.article(row).photo
        assert (Image.open(io.BytesIO(photo)).format, Image.open(io.BytesIO(photo)).size) == ("JPEG", size)
        shape = picture(slide, io.BytesIO(photo), 1, 1, 1, "a photo")
        assert (shape.width > shape.height) == (row == 2)
        middle = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB")).mean((0, 1))
        assert middle[0] > middle[1] + 20  # red is still red
    deck.save(io.BytesIO())


@pytest.mark.parametrize(("queries", "first", "some"), [(None, 0, False), ("i0, i1", 2, False), ("a,b,c,d,e", 5, True)])
def test_articles_that_were_asked_for_come_last_and_are_not_called_drawn(shop, queries, first, some):
    step = next(step for step in STEPS if step.number == "04")
    write_state(shop.workspace, step, State("key", {"queries": queries}))
    assert shop.rows(8) == [*range(first, 8), *range(first)]
    assert ("asked for by name" in _drawn(shop, 4)) == some and ("none picked" in _drawn(shop, 4)) != some
    assert "none picked" in _drawn(shop, 2)


def test_slides_take_any_text():
    """Reports from before were not cleaned of what XML does not take; nor is the value model's file name."""
    bad = "a\x00b\x07c\x0bd\x1be\x85f\ud800g\ufffeh"
    deck = new_deck()
    slide = new_slide(deck, "Table", bad, f"{bad}\nsecond", bad)
    lead(slide, bad)
    table(slide, [[bad, bad], [bad, bad]], (1, 1), bad)
    chart = new_slide(deck, "Chart and text", bad, bad, bad)
    bar_chart(chart, [bad, "b"], [(bad, [0.1, 0.2]), ("s", [0.3, 0.4])], bad)
    write(chart, [bad, bad])
    caption(chart, bad, 1, 1, 1, 1)
    held = io.BytesIO()
    deck.save(held)
    read = Presentation(io.BytesIO(held.getvalue()))
    assert {slide.shapes.title.text for slide in read.slides} == {"abc de fgh"}
    assert read.slides[0].notes_slide.notes_text_frame.text == "abc de fgh\nsecond"
    [shape] = [shape for shape in read.slides[1].shapes if shape.has_chart]
    assert list(shape.chart.plots[0].categories) == ["abc de fgh", "b"]
