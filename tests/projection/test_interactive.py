"""The map page: what is in it, that nothing can get out of its text, and what it does in a browser."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from fashion.core.errors import ArtefactError, PhotoError
from fashion.photos.images import squared
from fashion.projection.interactive import NO_COLOUR, write_map

DEPARTMENTS = {f"department {i}": f"#{40 + 12 * i:02x}{200 - 9 * i:02x}{(70 * i) % 256:02x}" for i in range(15)}
COLOURS = {f"colour {i}": f"#{(37 * i) % 256:02x}{(91 * i) % 256:02x}{(151 * i) % 256:02x}" for i in range(24)}


def hex_of(rgb: Any) -> str:
    return "#" + bytes(int(value) for value in rgb).hex()


def make_inputs(n: int, edge: int = 48, seed: int = 5) -> SimpleNamespace:
    """A catalogue whose every photo is one flat garment on a grey ground, so that pixels tell items apart."""
    rng = np.random.default_rng(seed)
    dyes = rng.integers(20, 236, (97, 3))
    photos = []
    for dye in dyes:
        photo = np.full((128, 128, 3), 235, np.uint8)
        photo[24:104, 24:104] = dye
        photos.append(squared(photo, edge))
    dye_of = rng.integers(len(dyes), size=n)
    items = pd.DataFrame(
        {
            "item": [f"A{i:05d}" for i in range(n)],
            "colour": rng.choice(list(COLOURS), n),
            "category": [f"category {i}" for i in rng.integers(40, size=n)],
            "department": rng.choice(list(DEPARTMENTS), n, p=np.arange(15, 0, -1) / 120),
            "garment_hex": [hex_of(dyes[i]) for i in dye_of],
        }
    )
    centres = rng.normal(scale=40, size=(15, 2))
    xy = (centres[rng.integers(15, size=n)] + rng.normal(scale=9, size=(n, 2))).astype(np.float32)
    # Six different rows, never the item's own: offsets from it, one from each sixth of the others.
    part = (n - 1) // 6
    offsets = rng.permuted(np.arange(6) * part + rng.integers(part, size=(n, 6)) + 1, axis=1)
    near = (np.arange(n)[:, None] + offsets) % n
    similarity = -np.sort(-rng.uniform(0.3, 1, (n, 6)), axis=1)
    return SimpleNamespace(items=items, xy=xy, near=near, similarity=similarity, photos=[photos[i] for i in dye_of])


def write(path: Path, inputs: SimpleNamespace, **changes: Any) -> Path:
    options = {
        "title": "Garments that look alike",
        "department_colours": DEPARTMENTS,
        "colour_words": COLOURS,
        "source_line": "Synthetic items",
    }
    return write_map(
        path, inputs.items, inputs.xy, inputs.near, inputs.similarity, inputs.photos, **(options | changes)
    )


class Page(HTMLParser):
    """Elements with attributes, and the text of scripts and styles, as a browser's parser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and data.strip():
            self.texts.append((self.elements[-1][0], data))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def data(self) -> dict[str, Any]:
        return json.loads(next(text for tag, text in self.texts if tag == "script"))


# --- what is in the page ---


def test_every_item_is_in_with_its_words_neighbours_and_place(tmp_path: Path) -> None:
    inputs = make_inputs(60)
    data = Page(write(tmp_path / "map.html", inputs).read_text("utf-8")).data()
    assert data["items"] == inputs.items["item"].tolist()
    for facet in ("colour", "category", "department"):
        assert [data["words"][facet][i] for i in data[facet]] == inputs.items[facet].tolist()
    assert data["garment"] == inputs.items["garment_hex"].tolist()
    assert [data["swatches"][i] for i in data["colour"]] == inputs.items["colour"].map(COLOURS).tolist()
    assert np.array_equal(np.reshape(data["neighbours"], (60, 6)), inputs.near)
    assert np.allclose(np.reshape(data["similarity"], (60, 6)) / 1000, inputs.similarity, atol=5.1e-4)
    # One scale for both axes, y turned over, the longer side 65,535 steps.
    places = np.column_stack([data["x"], -np.array(data["y"])]).astype(float)
    scale = 65535 / np.ptp(inputs.xy, axis=0).max()
    assert np.allclose(places - places[0], (inputs.xy - inputs.xy[0]) * scale, atol=1.5)
    assert (min(data["x"]), min(data["y"])) == (0, 0) and max(data["width"], data["height"]) == 65535


def test_page_loads_nothing_and_its_policy_names_its_own_script_and_style(tmp_path: Path) -> None:
    html = write(tmp_path / "map.html", make_inputs(30)).read_text("utf-8")
    page = Page(html)
    assert not re.search(r"(?:https?:)?//[\w-]+\.\w", html.split('id="sheets"')[0])
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            assert (attributes.get(name) or "data:").startswith("data:"), attributes
        assert not [name for name in attributes if name.startswith("on") or name == "style"], attributes
    policy = next(meta["content"] for meta in page.named("meta") if "http-equiv" in meta) or ""
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy
    style, script = (re.search(f"<{tag}>(.*?)</{tag}>", html, re.S)[1] for tag in ("style", "script"))  # type: ignore[index]
    assert "url(" not in style and "@import" not in style and "innerHTML" not in script
    for text in (style, script):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy


def test_sheets_hold_every_photo_in_its_place(tmp_path: Path) -> None:
    inputs = make_inputs(1100, edge=16)  # a second sheet, not full
    page = Page(write(tmp_path / "map.html", inputs).read_text("utf-8"))
    sheets = [
        cv2.imdecode(np.frombuffer(base64.b64decode((image["src"] or "").split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
        for image in page.named("img")
    ]
    assert [sheet.shape for sheet in sheets] == [(512, 512, 3), (48, 512, 3)]
    for i in (0, 31, 32, 1023, 1024, 1099):
        top, left = i % 1024 // 32 * 16, i % 32 * 16
        middle = sheets[i // 1024][top + 5 : top + 11, left + 5 : left + 11, ::-1].mean(axis=(0, 1))
        expected = np.frombuffer(bytes.fromhex(inputs.items["garment_hex"][i][1:]), np.uint8)
        assert np.abs(middle - expected).max() < 16, i


def test_text_of_a_catalogue_cannot_become_markup(tmp_path: Path) -> None:
    inputs = make_inputs(30)
    evil = "</script><script>window.taken=1</script><img src=x onerror=alert(1)>"
    inputs.items.loc[3, ["item", "category", "department"]] = [evil + "&amp;", evil, "<!--<script>"]
    html = write(tmp_path / "map.html", inputs, title='<i>T</i> & "x"', source_line=evil).read_text("utf-8")
    page = Page(html)
    assert len(page.named("script")) == 2 and not page.named("i") and len(page.named("img")) == 1
    assert page.data()["items"][3] == evil + "&amp;" and evil in page.data()["words"]["category"]
    assert html.count("window.taken") == 3  # two words as JSON, the source line as text
    assert html.count("<script>window.taken") == html.count("<!--<script>") == 0


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, make_inputs(80)).read_bytes() for name in ("a.html", "deep/b.html"))
    assert first == second
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["a.html", "b.html"]


def test_words_and_garments_without_a_colour_are_still_drawn(tmp_path: Path) -> None:
    inputs = make_inputs(9)
    inputs.items["colour"], inputs.items["department"] = "teal", "capes"
    inputs.items["garment_hex"] = ["#102030"] * 4 + ["#304050"] * 4 + [None]
    data = Page(write(tmp_path / "map.html", inputs).read_text("utf-8")).data()
    assert data["departmentColours"] == [NO_COLOUR] and data["garment"][8] == NO_COLOUR
    assert data["swatches"] == ["#304050"]  # the median of 4 darker, 4 lighter and the grey


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.items.drop(columns="garment_hex", inplace=True), "found no garment_hex"),
        (lambda v: v.items.__setitem__("item", "same"), "two items of one name"),
        (lambda v: v.items.__setitem__("category", None), "lack a word"),
        (lambda v: v.items.__setitem__("garment_hex", "red;}"), "not '#rrggbb', such as \\['red;}'\\]"),
        (lambda v: setattr(v, "xy", v.xy[:-1]), r"places of shape \(8, 2\) for \(9, 2\)"),
        (lambda v: v.xy.__setitem__((0, 0), np.nan), "not finite"),
        (lambda v: setattr(v, "near", v.near[:, 0]), r"neighbours of shape \(9,\)"),
        (lambda v: v.near.__setitem__((2, 1), 9), "outside the rows 0 to 8"),
        (lambda v: v.near.__setitem__((2, 1), 2), "its own neighbour"),
        (lambda v: setattr(v, "similarity", v.similarity[:, :5]), r"similarities of shape \(9, 5\) for"),
        (lambda v: v.photos.pop(), "8 thumbnails for 9 items"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit_are_named_and_the_old_page_stays(tmp_path: Path, change: Any, message: str) -> None:
    inputs, path = make_inputs(9), tmp_path / "map.html"
    path.write_text("old")
    change(inputs)
    with pytest.raises(ArtefactError, match=message):
        write(path, inputs)
    assert path.read_text() == "old"


def test_no_items_is_an_error(tmp_path: Path) -> None:
    nine = make_inputs(9)
    none = SimpleNamespace(**{name: value[:0] for name, value in vars(nine).items()})
    with pytest.raises(ArtefactError, match="no items at all"):
        write(tmp_path / "map.html", none)


@pytest.mark.parametrize("bad", [b"", b"\xff\xd8 cut short", None])
def test_a_thumbnail_that_is_none_names_its_row(tmp_path: Path, bad: bytes | None) -> None:
    inputs = make_inputs(9)
    inputs.photos[4] = squared(np.zeros((9, 9, 3), np.uint8), 32) if bad is None else bad
    with pytest.raises(PhotoError, match="row 4 "):
        write(tmp_path / "map.html", inputs)


# --- what it does in a browser ---


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    inputs = make_inputs(7500)
    inputs.path = write(tmp_path_factory.mktemp("map") / "map.html", inputs)
    return inputs


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Two sheets of photos: enough for all but the time to open."""
    inputs = make_inputs(1500)
    inputs.path = write(tmp_path_factory.mktemp("shop") / "map.html", inputs)
    return inputs


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    """Open a page from disk, offline; at the end it must have asked no network and complained of nothing."""
    contexts, complaints = [], []

    def open_page(path: Path, **options: Any) -> Any:
        context = browser.new_context(
            offline=True,
            **({"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"} | options),
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url),
        )
        page.goto(path.as_uri())
        sheets = page.locator("#sheets img").count()
        page.locator(f'#map[data-frame][data-sheets="{sheets}"]').wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def where(page: Any, item: str) -> tuple[float, float]:
    return tuple(page.evaluate("item => window.fashionMap.where(item)", item))


def click_item(page: Any, item: str) -> None:
    page.mouse.click(*where(page, item))
    page.locator(f'#map[data-selected="{item}"]').wait_for()


def shown_nearest(page: Any) -> list[str]:
    return [link.get_attribute("href").removeprefix("#item=") for link in page.locator("#panel li a").all()]


def nearest(inputs: SimpleNamespace, row: int) -> list[str]:
    return inputs.items["item"].iloc[inputs.near[row]].tolist()


def lonely(inputs: SimpleNamespace) -> int:
    """Row of the item that is farthest from any other: nothing else is drawn over its place."""
    distance = np.array([np.sort(np.hypot(*(inputs.xy - place).T))[1] for place in inputs.xy])
    return int(distance.argmax())


def pixels(page: Any, x: float, y: float, edge: int = 1) -> np.ndarray:
    """What is to be seen round a point of the window: sRGB, int of shape (edge, edge, 3)."""
    clip = {"x": round(x) - edge // 2, "y": round(y) - edge // 2, "width": edge, "height": edge}
    shot = cv2.imdecode(np.frombuffer(page.screenshot(clip=clip), np.uint8), cv2.IMREAD_COLOR)
    return shot[..., ::-1].astype(int)


def unlike(seen: np.ndarray, colour: str) -> int:
    """Largest difference of a pixel's channels from '#rrggbb'."""
    return int(np.abs(seen - np.frombuffer(bytes.fromhex(colour[1:]), np.uint8)).max())


def middle(box: dict[str, float]) -> tuple[float, float]:
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.browser
def test_opens_in_under_three_seconds_with_7500_items(big: SimpleNamespace, visit: Any) -> None:
    assert big.path.stat().st_size < 15e6
    page = visit(big.path)
    assert int(page.get_attribute("#map", "data-frame")) < 3000
    assert page.inner_text("#status") == "7,500 items"
    counts = big.items["department"].value_counts()
    first = page.locator("#departments button").first
    assert first.locator(".word").text_content() == counts.index[0]
    assert first.locator(".count").text_content() == f"{counts.iloc[0]:,}"


@pytest.mark.browser
def test_hover_shows_the_photo_and_its_description(shop: SimpleNamespace, visit: Any) -> None:
    page, row = visit(shop.path), lonely(shop)
    item = shop.items.iloc[row]
    page.mouse.move(*where(page, item["item"]))
    words = [text.lower() for text in page.locator("#card p").all_inner_texts()]
    assert words == [f"{item['colour']} {item['category']}", item["department"], item["item"].lower()]
    seen = pixels(page, *middle(page.locator("#card canvas").bounding_box()))
    assert unlike(seen, item["garment_hex"]) < 16
    page.mouse.move(300, 130)
    assert not page.locator("#card").is_visible()


@pytest.mark.browser
def test_click_shows_the_six_nearest_and_leads_on(shop: SimpleNamespace, visit: Any) -> None:
    page, row = visit(shop.path), lonely(shop)
    click_item(page, shop.items["item"][row])
    assert shown_nearest(page) == nearest(shop, row)
    for rank, (link, j) in enumerate(zip(page.locator("#panel li a").all(), shop.near[row], strict=True)):
        item, words = shop.items.iloc[j], link.inner_text().lower().split("\n")
        assert words[:3] == [str(rank + 1), item["colour"], item["category"]]
        assert abs(float(words[3]) - shop.similarity[row, rank]) < 0.0056
        seen = pixels(page, *middle(link.locator("canvas").bounding_box()))
        assert unlike(seen, item["garment_hex"]) < 16
    # A line in ink leads from the chosen item to each of the six.
    x, y = where(page, shop.items["item"][row])
    for j in shop.near[row]:
        to_x, to_y = where(page, shop.items["item"][j])
        assert pixels(page, (x + to_x) / 2, (y + to_y) / 2, 5).max(axis=2).min() < 70
    third = int(shop.near[row, 2])
    page.locator("#panel li a").nth(2).click()
    page.locator(f'#map[data-selected="{shop.items["item"][third]}"]').wait_for()
    assert shown_nearest(page) == nearest(shop, third)
    page.go_back()
    page.locator(f'#map[data-selected="{shop.items["item"][row]}"]').wait_for()
    assert shown_nearest(page) == nearest(shop, row)
    page.click("#panel .close")
    page.locator('#map[data-selected=""]').wait_for()
    assert not page.locator("#panel").is_visible()


@pytest.mark.browser
def test_filters_search_and_reset(shop: SimpleNamespace, visit: Any) -> None:
    page, items = visit(shop.path), shop.items
    page.locator("#departments button", has_text="department 2").first.click()
    page.locator("#departments button", has_text="department 4").first.click()
    mask = items["department"].isin(["department 2", "department 4"])
    assert int(page.get_attribute("#map", "data-shown")) == mask.sum()
    page.locator('#colours [title^="colour 7,"]').click()
    mask &= items["colour"] == "colour 7"
    assert int(page.get_attribute("#map", "data-shown")) == mask.sum()
    category = items.loc[mask, "category"].iloc[0]
    page.select_option("#category", label=f"{category} ({(mask & (items['category'] == category)).sum()})")
    mask &= items["category"] == category
    assert page.inner_text("#status") == f"{mask.sum()} of 1,500 items"
    hidden, kept = items.loc[~mask, "item"].iloc[0], items.loc[mask, "item"].iloc[0]
    page.mouse.move(*where(page, hidden))
    assert page.locator("#card").is_hidden() or hidden not in page.inner_text("#card")
    page.mouse.move(*where(page, kept))
    assert kept in page.inner_text("#card")
    page.click("#reset")
    assert page.inner_text("#status") == "1,500 items"
    page.fill("#search", "COLOUR 3 cat")  # the beginnings of words, in any order
    words = [f" {' '.join(row)}" for row in items[["colour", "category", "department"]].to_numpy()]
    assert int(page.get_attribute("#map", "data-shown")) == sum(" 3" in text for text in words)
    page.fill("#search", "a00042")
    page.press("#search", "Enter")
    page.locator('#map[data-selected="A00042"]').wait_for()
    page.fill("#search", "no such thing")
    assert page.inner_text("#status") == "No item fits; Reset shows all"
    page.click("#reset")
    page.locator('#map[data-selected=""]').wait_for()
    assert page.inner_text("#status") == "1,500 items" and page.input_value("#search") == ""


@pytest.mark.browser
def test_points_take_the_departments_or_the_garments_colours(shop: SimpleNamespace, visit: Any) -> None:
    page, row = visit(shop.path), lonely(shop)
    item = shop.items.iloc[row]
    page.click("#zoom-out")  # photos give way to dots
    page.locator('#map[data-photos="0"]').wait_for()
    assert int(page.get_attribute("#map", "data-labels")) > 5
    page.uncheck("#labels")  # the name of a category may lie on the dot
    place = where(page, item["item"])
    assert unlike(pixels(page, *place), DEPARTMENTS[item["department"]]) < 3
    page.check("input[value=garment]")
    assert unlike(pixels(page, *place), item["garment_hex"]) < 3


@pytest.mark.browser
def test_the_first_view_has_photos_and_a_search_moves_it(shop: SimpleNamespace, visit: Any) -> None:
    page, items = visit(shop.path), shop.items
    page.locator("#map:not([data-photos='0'])").wait_for()
    assert int(page.get_attribute("#map", "data-photos")) > 20 and page.get_attribute("#map", "data-zoom") == "1.000"
    page.fill("#search", items["item"].iloc[42])
    page.locator("#map[data-zoom='8.000']").wait_for()  # one item: as close as a search goes
    canvas = page.locator("#map").bounding_box()
    assert np.allclose(where(page, items["item"].iloc[42]), middle(canvas), atol=2)
    page.fill("#search", "")
    page.locator("#map[data-zoom='1.000']").wait_for()


@pytest.mark.browser
def test_zooming_turns_dots_into_photos_and_dragging_pans(shop: SimpleNamespace, visit: Any) -> None:
    page, row = visit(shop.path), lonely(shop)
    item = shop.items.iloc[row]
    page.click("#zoom-out")
    page.locator('#map[data-photos="0"]').wait_for()
    page.click("#reset")
    page.locator("#map[data-zoom='1.000']:not([data-photos='0'])").wait_for()
    before, pointer = np.array(where(page, item["item"])), np.round(where(page, item["item"]))
    page.mouse.move(*pointer)
    for _ in range(6):
        page.mouse.wheel(0, -240)
    page.locator("#map[data-zoom^='23.']:not([data-photos='0'])").wait_for()
    after = where(page, item["item"])
    zoom = float(page.get_attribute("#map", "data-zoom"))
    assert np.allclose(after, pointer + (before - pointer) * zoom, atol=0.5)  # the pointer's place stays
    page.mouse.move(*pointer - 200)  # takes the card away
    assert unlike(pixels(page, *after), item["garment_hex"]) < 16
    assert unlike(pixels(page, after[0] - 29, after[1] - 29), "#ebebeb") < 16
    page.mouse.move(700, 400)
    page.mouse.down()
    page.mouse.move(760, 430, steps=3)
    page.mouse.up()
    assert np.allclose(np.subtract(where(page, item["item"]), after), (60, 30), atol=2)
    assert page.get_attribute("#map", "data-selected") == ""  # a drag is no click
    page.click("#reset")
    page.locator("#map[data-zoom='1.000']:not([data-photos='0'])").wait_for()


@pytest.mark.browser
def test_keys_alone_lead_through_the_map(shop: SimpleNamespace, visit: Any) -> None:
    page = visit(shop.path)
    page.focus("#map")
    page.keyboard.press("+")
    page.locator("#map:not([data-zoom='1.000'])").wait_for()
    for _ in range(30):  # on, until an item lies near the middle
        if page.locator("#card").is_visible():
            break
        page.keyboard.press("ArrowRight")
    chosen = page.inner_text("#card .id")
    page.keyboard.press("Enter")
    page.locator(f'#map[data-selected="{chosen}"]').wait_for()
    row = int(chosen[1:])
    page.keyboard.press("4")
    fourth = int(shop.near[row, 3])
    page.locator(f'#map[data-selected="A{fourth:05d}"]').wait_for()
    assert shown_nearest(page) == nearest(shop, fourth)
    page.keyboard.press("Escape")
    page.locator('#map[data-selected=""]').wait_for()
    page.keyboard.press("/")
    assert page.evaluate("() => document.activeElement.id") == "search"


@pytest.mark.browser
def test_works_on_a_dark_phone_by_touch(shop: SimpleNamespace, visit: Any) -> None:
    page = visit(shop.path, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="dark")
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert unlike(pixels(page, 380, 500), "#100f0e") < 3
    row = lonely(shop)
    page.touchscreen.tap(*where(page, shop.items["item"][row]))
    page.locator(f'#map[data-selected="{shop.items["item"][row]}"]').wait_for()
    panel = page.locator("#panel").bounding_box()
    assert panel["width"] == 390 and panel["y"] + panel["height"] == 844 and panel["height"] < 500
    assert where(page, shop.items["item"][row])[1] < panel["y"]  # the panel does not cover what was chosen
    assert shown_nearest(page) == nearest(shop, row)
    page.tap("#panel .close")
    page.tap("#open-filters")
    page.locator("#departments button", has_text="department 1").first.tap()
    page.tap("#close-filters")
    assert page.inner_text("#open-filters") == "Filters (1)"
    assert not page.locator("#filters").is_visible()


@pytest.mark.browser
def test_markup_in_a_catalogue_is_shown_as_text(tmp_path: Path, visit: Any) -> None:
    inputs = make_inputs(30)
    evil = "</script><script>window.taken=1</script><b>bold</b>"
    inputs.items["category"], inputs.items["department"] = evil, evil
    page = visit(write(tmp_path / "map.html", inputs))
    click_item(page, "A00003")
    assert evil in page.inner_text("#panel h2") and evil in page.inner_text("#departments")
    assert page.locator("#panel h2 b, #departments b").count() == 0
    assert page.evaluate("() => window.taken === undefined")
