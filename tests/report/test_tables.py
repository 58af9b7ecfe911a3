"""Tables fit a phone: as they are, under upright headings, or row by row; nothing scrolls sideways at 375 pixels."""

import html
import re

import pandas as pd
import pytest
from shop_window import IN_BROWSER, without_violation

from fashion.core.escaping import table
from fashion.report.page import TEMPLATES
from fashion.report.tables import for_phones

WORD = "Donaudampfschifffahrtsgesellschaft" * 6

#: Whatever a catalogue holds, and how its table is shown.
FRAMES = {
    "narrow": (pd.DataFrame({"part": ["train", "test"], "items": [2099, 600]}), ""),
    "numbers": (
        pd.DataFrame({f"Success@{k}, category and colour": [0.5, 0.25] for k in range(6)}, ["random", "learned"]),
        "upright",
    ),
    "texts": (pd.DataFrame({"check": ["a"], "question": ["is it so? " * 20], "measured": ["x " * 80]}), "stacked"),
    "many_columns": (pd.DataFrame({f"colour {n}": [0.1234, n] for n in range(40)}), "stacked"),
    "long_heading": (pd.DataFrame({WORD: [0.5], "b": [1]}), "upright"),
    "long_words": (pd.DataFrame({"item": [WORD, "b"], "路": ["ワンピース" * 40, None], "n": [1, 2]}), "stacked"),
    "markup": (pd.DataFrame({"<b>&amp;": ["<img src=x onerror=alert(1)> " * 9], "n": ["&nbsp;\u00a0"]}), "stacked"),
}

ALL = "".join(f"<h2>{name}</h2>{table(frame).data}" for name, (frame, _) in FRAMES.items())

#: Tables that are wider than their box, and pages that are wider than the screen.
TOO_WIDE = """() => [...document.querySelectorAll("table, html")].filter(one => one.scrollWidth > one.clientWidth)
  .map(one => one.outerHTML.slice(0, 300))"""

PHONE = {"width": 375, "height": 800}


def parts(text, kind):
    return [html.unescape(re.sub("<[^>]+>", "", part)) for part in re.findall(rf"<{kind}\b[^>]*>.*?</{kind}>", text)]


@pytest.mark.parametrize("name", FRAMES)
def test_a_table_is_shown_as_it_fits_and_says_the_same(name):
    frame, way = FRAMES[name]
    before = table(frame).data
    text = for_phones(f"<p>a &amp; b<br>{before}</p>")
    assert text.startswith("<p>a &amp; b<br><table") and text.endswith("</table></p>")
    assert re.search(r'<table[^>]*class="([^"]*)"', text)[1].split()[1:] == [way] * bool(way)
    heads = [head for head in parts(before, "th") if head]
    assert parts(text, "th") == heads and [cell for cell in parts(text, "td") if cell] == list(
        filter(None, parts(before, "td"))
    )
    assert "<img" not in text and "<b>" not in text
    labels = [html.unescape(label) for label in re.findall(r'data-label="([^"]*)"', text)]
    assert labels == (heads * len(frame) if way == "stacked" else [])
    assert text.count('role="row"') == 1 + len(frame) and text.count('role="columnheader"') == len(heads)
    assert "<th></th>" not in text and text.count('role="cell"') == text.count("<td")


def test_rows_that_are_named_have_no_headings():
    text = for_phones(f'<table><tbody><tr><th scope="row">Weights</th><td>{"579344248a" * 7}</td></tr></tbody></table>')
    assert 'class="stacked"' in text and 'role="rowheader"' in text and "data-label" not in text
    assert for_phones("no <code>&lt;table&gt;</code> here") == "no <code>&lt;table&gt;</code> here"


def marked(test):
    for mark in IN_BROWSER:
        test = mark(test)
    return test


@marked
def test_no_catalogues_table_is_wider_than_a_phone(browser):
    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    head = f'<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><style>{css}</style>'
    page = browser.new_page(viewport=PHONE)
    page.set_content(f"{head}<title>t</title><main><h1>t</h1>{ALL}</main>")
    assert page.evaluate(TOO_WIDE), "as they were, they do not fit"
    page.set_content(f"{head}<title>t</title><main><h1>t</h1>{for_phones(ALL)}</main>")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (360, 375, 640):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(TOO_WIDE) == [], (scheme, width)
        without_violation(page)
    cells = page.get_by_role("table").nth(2).get_by_role("columnheader")
    assert cells.all_inner_texts() == ["check", "question", "measured"], "screen readers keep the headings"
    page.close()


@marked
def test_the_reports_pages_fit_and_axe_finds_nothing(work, browser):
    page = browser.new_page()
    for path in [work.report / "index.html", *sorted((work.report / "notebooks").glob("*.html"))]:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light")
        page.goto(path.as_uri())
        assert page.evaluate(TOO_WIDE) == [], path.name
        without_violation(page)
        page.set_viewport_size(PHONE)
        assert page.evaluate(TOO_WIDE) == [], path.name
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(TOO_WIDE) == [], path.name
        without_violation(page)
    page.close()


@marked
def test_no_hostile_word_is_wider_than_a_phone(hostile, browser):
    page = browser.new_page(viewport=PHONE)
    for path in [hostile.report / "index.html", *sorted((hostile.report / "notebooks").glob("*.html"))]:
        page.goto(path.as_uri())
        assert page.evaluate(TOO_WIDE) == [], path.name
    page.close()
