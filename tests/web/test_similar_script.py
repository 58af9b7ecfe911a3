"""similar.js on a page of another origin, in a real browser: its cards, the page's styles, its silence."""

import pytest
from loopback import serve_folder
from shop_window import IN_BROWSER, served

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = IN_BROWSER
expect = playwright.expect

#: A page whose rules would spoil every card, and whose policy forbids styles that are written into it.
PAGE = """<!doctype html><meta charset="utf-8"><title>A page</title>
<link rel="icon" href="data:,"><meta http-equiv="Content-Security-Policy"
content="style-src 'self'; img-src * data:; connect-src *"><link rel="stylesheet" href="page.css"><main id="before">"""
RULES = """body { color: rgb(10, 20, 30); font-family: monospace } * { display: none; }
html, body, main { display: block } a, h2, img { color: red !important; width: 7px !important }"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that another server shows, and its origin."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "page.css").write_text(RULES, encoding="utf-8")
    with serve_folder(folder, []) as origin:
        yield folder, origin


@pytest.fixture(scope="module")
def shop(work, site):
    with served(work, photos=False, prefix="/similar", origins=[site[1]]) as address:
        yield address


@pytest.fixture
def opened(browser, site, shop):
    """Open a page of the site with this script in it: the page, and what its console was told."""
    folder, origin = site
    pages = []

    def open_page(attributes, address=f"{shop}/similar.js", at=origin):
        (folder / "page.html").write_text(f'{PAGE}<script src="{address}" {attributes}></script></main>', "utf-8")
        page, told = browser.new_page(), []
        pages.append(page)
        page.on("console", lambda line: told.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: told.append(f"uncaught: {error}"))
        page.goto(f"{at}/page.html")
        return page, told

    yield open_page
    for page in pages:
        page.close()


def test_one_line_shows_the_shops_similar_items(opened, shop, work):
    items = work.items()
    name = items["item"].iloc[3]
    page, told = opened(f'data-item="{name}" data-k="4" async')
    cards = page.locator("similar-items li a")  # Playwright looks into the shadow
    expect(cards).to_have_count(4)
    asked = page.request.get(f"{shop}/api/v1/similar", params={"id": name, "k": "4"}).json()["items"]
    origin = shop.removesuffix("/similar")
    assert [card.get_attribute("href") for card in cards.all()] == [
        one["link"] or origin + one["href"] for one in asked
    ]
    assert [card.locator(".name").inner_text().lower() for card in cards.all()] == [
        one["title"].lower() for one in asked
    ]
    page.wait_for_function(
        "[...document.querySelector('similar-items').shadowRoot.querySelectorAll('img')].every(i => i.naturalWidth > 8)"
    )
    heading = page.locator("similar-items h2")
    expect(heading).to_have_text("Similar items")
    style = "node => [getComputedStyle(node).color, getComputedStyle(node).fontFamily, node.offsetWidth > 100]"
    assert heading.evaluate(style) == ["rgb(10, 20, 30)", "monospace", True], "colour and typeface alone are the page's"
    assert cards.first.evaluate(style) == ["rgb(10, 20, 30)", "monospace", True]
    assert page.locator("similar-items").evaluate("node => node.previousElementSibling.tagName") == "SCRIPT"
    assert told == []


def test_its_words_change_the_item(opened, work):
    red = work.items().query("colour == 'red'")["item"].iloc[0]
    page, told = opened(f'data-item="{red}" data-words="in blue" data-heading=""')
    names = page.locator("similar-items .name")
    expect(names).to_have_count(6)
    assert all("blue" in name.lower() for name in names.all_inner_texts())
    assert page.locator("similar-items h2").count() == 0 and told == []


def test_whatever_fails_is_told_in_the_console_alone(opened, site, shop, work):
    name = work.items()["item"].iloc[0]
    elsewhere = site[1].replace("127.0.0.1", "localhost")  # another origin, which the shop was not told of
    for attributes, origin, text in (
        ('data-item="nobody"', site[1], "expected an item of the catalogue; found 'nobody'"),
        ("", site[1], "expected data-item"),
        (f'data-item="{name}" data-k="0"', site[1], "expected k from 1"),
        (f'data-item="{name}"', elsewhere, f"--allow-origin {elsewhere}"),
    ):
        page, told = opened(attributes, at=origin)
        if not any(text in line for line in told):
            page.wait_for_event("console", lambda line, text=text: text in line.text)
        assert page.locator("similar-items").count() == 0 and page.locator("#before").inner_text() == ""
        assert not any(line.startswith("uncaught") for line in told), told
