"""A shopper's whole way in a real browser, at phone and desktop size; axe's rules on every page, light and dark."""

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from shop_window import COLOUR_RULES, IN_BROWSER, served, without_violation

from fashion.core.paths import project_root

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = IN_BROWSER
expect = playwright.expect  # asks again until it is so, for 30 s at most, as a click does
expect.set_options(timeout=30_000)
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1440, "height": 900}}


@pytest.fixture(scope="module")
def address(work, tmp_path_factory):
    with served(work, judgements=tmp_path_factory.mktemp("judged") / "judgements.csv") as address:
        yield address


@pytest.fixture(scope="module")
def screens(request):
    """Screenshots are kept where they can be looked at, out of git."""
    folder = Path(request.config.rootpath) / "reports/screens"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("size", SIZES)
def test_the_way_of_a_shopper(address, browser, screens, work, size, tmp_path):
    page = browser.new_page(viewport=SIZES[size], has_touch=size == "phone", is_mobile=size == "phone")
    trouble = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: trouble.append(line.text) if line.type in ("error", "warning") else None)

    def shoot(name):
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} pixels too wide"
        path = screens / f"{size}-{name}.png"
        page.screenshot(path=path)
        assert len(Image.open(path).convert("RGB").resize((64, 64)).getcolors(4096) or range(4096)) > 20

    page.goto(address)
    expect(page.locator(".card")).to_have_count(48)
    shoot("1-browse")
    if size == "phone":
        assert not page.get_by_role("heading", name="department").is_visible()
        page.get_by_text("Filters").first.click()
    page.get_by_role("link", name="dresses").first.click()
    page.wait_for_url("**department=dresses**")
    filtered = page.url
    shoot("2-filter")
    page.locator(".results .card a").first.click()
    page.wait_for_url("**/item?id=**")
    first = page.url
    shoot("3-item")
    before = page.locator("#found .why").all_inner_texts()
    slider = page.locator("#looks_weight")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_url("**looks_weight=0**")
    reasons = "[...document.querySelectorAll('#found .why')].map(e => e.innerText).join()"
    page.wait_for_function(f"before => {reasons} !== before.join()", arg=before)
    page.get_by_label("hide near-duplicates").check()
    page.wait_for_url("**hide=1**")
    shoot("4-slider")
    tuned = page.url
    page.reload()
    expect(page.locator("#looks_weight")).to_have_value("0")
    expect(page.get_by_label("hide near-duplicates")).to_be_checked()
    page.locator("#found .card a").first.click()
    page.wait_for_url(lambda url: "/item?id=" in url and url not in (first, tuned))
    shoot("5-next")
    page.go_back()
    expect(page).to_have_url(tuned)
    page.go_back()
    expect(page).to_have_url(filtered)
    page.get_by_role("link", name="Your photo").click()
    photo = tmp_path / "mine.jpg"
    photo.write_bytes(next((work.processed.parents[1] / "clothes/images").glob("*00AAF.jpg")).read_bytes())
    page.locator("#photo").set_input_files(photo)
    page.get_by_role("button", name="Find similar clothes").click()
    page.get_by_role("heading", name="Similar to your photo").wait_for()
    expect(page.locator(".similar .card")).to_have_count(6)
    expect(page.locator("#camera")).to_be_visible(visible=size == "phone")
    shoot("6-photo")
    sent, shown = page.url, page.locator("#mine").get_attribute("src")
    assert "seen=" in sent, "the results have an address"
    page.reload()  # nothing is sent again, and the tab still has the photo
    expect(page).to_have_url(sent)
    expect(page.locator("#mine")).to_have_attribute("src", shown)
    page.locator("#found .card a").first.click()
    page.wait_for_url("**/item?id=**")
    page.go_back()
    expect(page).to_have_url(sent)
    expect(page.locator("#found .card")).to_have_count(6)
    page.locator("#found .card a").first.click()
    page.get_by_role("link", name="Show it on the map").click()
    page.wait_for_selector("canvas[data-ready]")
    expect(page.locator("#nearest li")).to_have_count(6)
    shoot("7-map")
    canvas = page.locator("#map")
    canvas.focus()
    for key in ("-", "-", "-", "ArrowLeft", "ArrowRight", "+"):
        page.keyboard.press(key)
    page.get_by_role("link", name="Open this item").click()
    page.wait_for_url("**/item?id=**")
    assert trouble == []
    page.close()


def test_the_map_answers_as_the_shop_does_or_by_looks_alone(address, browser, work):
    page = browser.new_page(viewport=SIZES["desktop"], reduced_motion="reduce")

    def told(name, **more):
        found = page.request.get(f"{address}/api/v1/similar", params={"id": name} | more).json()["items"]
        return [f"#item={one['item']}" for one in found]

    name = work.items()["item"].iloc[3]
    page.goto(f"{address}/map?id={name}")

    def listed():
        page.locator(f"#map[data-nearest='{name}']").wait_for()
        return [link.get_attribute("href") for link in page.locator("#nearest a").all()]

    assert listed() == told(name) and "As in the shop" in page.locator("#says").inner_text()
    with page.expect_request(re.compile("/similar.*looks_weight=1")):
        page.get_by_label("Looks alone").check()
    expect(page.locator("#says")).to_contain_text("By looks alone")
    assert listed() == told(name, looks_weight="1")
    second = page.locator("#nearest a").nth(1)
    other = second.get_attribute("href").removeprefix("#item=")
    second.click()
    page.locator(f"#map[data-selected='{other}']").wait_for()
    page.locator("#panel .close").click()
    page.locator("#map[data-selected='']").wait_for()
    page.get_by_role("button", name="Reset").click()
    page.locator("#map[data-zoom='1.000']").wait_for()
    assert int(page.locator("#map").get_attribute("data-labels")) > 2
    page.close()


def test_a_lasso_keeps_what_it_encircles_and_saves_it(address, browser, work):
    page = browser.new_page(viewport={"width": 1440, "height": 1200}, reduced_motion="reduce")
    items = work.items().set_index("item")
    page.goto(f"{address}/map")
    page.locator("#map[data-ready]").wait_for()
    where = {name: page.evaluate("name => window.fashionMap.where(name)", name) for name in items.index}
    left = min(x for x, _ in where.values())
    middle = (left + max(x for x, _ in where.values())) / 2 + 0.3
    top, bottom = min(y for _, y in where.values()) - 5, max(y for _, y in where.values()) + 5
    page.get_by_role("button", name="Lasso").click()
    page.mouse.move(left - 5, top)
    page.mouse.down()
    for corner in ((middle, top), (middle, bottom), (left - 5, bottom)):
        page.mouse.move(*corner)
    page.mouse.up()
    inside = {name for name, (x, _) in where.items() if x < middle}
    expect(page.locator("#status")).to_have_text(f"{len(inside)} of {len(items)} items")
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    table = pd.read_csv(saved.value.path(), dtype=str).set_index("item")
    assert set(table.index) == inside
    assert table.equals(items.loc[table.index, ["department", "colour", "category"]])
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#status")).to_have_text(f"{len(items)} items")
    page.close()


def test_a_phones_swipe_scrolls_past_the_map_and_two_fingers_move_it(address, browser):
    page = browser.new_context(viewport={"width": 390, "height": 600}, has_touch=True, is_mobile=True).new_page()
    page.goto(f"{address}/map")
    page.locator("#map[data-ready]").wait_for()
    box, fingers = page.locator("#map").bounding_box(), page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, min(560, box["y"] + box["height"] / 2)

    def touch(kind, *places):
        points = [{"x": across, "y": down, "id": finger} for finger, (across, down) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (x, y))
    for moved in range(20, 301, 20):
        touch("touchMove", (x, y - moved))
    touch("touchEnd")
    page.wait_for_function("() => scrollY > 150")
    assert page.locator("#map").get_attribute("data-zoom") == "1.000" and not page.locator(".explorer.moved").count()
    settled = "() => new Promise(done => { let last; const look = () => { if (scrollY === last) done(last); else { "
    scrolled = page.evaluate(settled + "last = scrollY; setTimeout(look, 200); } }; look(); })")
    box = page.locator("#map").bounding_box()
    y = (max(0, box["y"]) + min(600, box["y"] + box["height"])) / 2
    for kind, apart in (("touchStart", 20), ("touchMove", 45), ("touchMove", 90)):
        touch(kind, (x - apart, y), (x + apart, y))
    touch("touchEnd")
    page.wait_for_function("() => Number(document.getElementById('map').dataset.zoom) > 2")
    assert page.evaluate("scrollY") == scrolled
    page.context.close()


def test_without_javascript_the_map_is_a_picture_alone(address, browser):
    page = browser.new_context(java_script_enabled=False, viewport=SIZES["desktop"]).new_page()
    page.goto(f"{address}/map")
    expect(page.locator("img.still")).to_be_visible()
    assert not page.locator("canvas").first.is_visible() and not page.get_by_role("button", name="Lasso").is_visible()
    page.context.close()


def test_a_pasted_and_a_dropped_photo_are_sent(address, browser, work):
    data = list(next((work.processed.parents[1] / "clothes/images").glob("*00AAF.jpg")).read_bytes())
    make = "const held = new DataTransfer(), file = new File([new Uint8Array(data)], 'x.jpg', {type: 'image/jpeg'});"
    dropped = "{dataTransfer: held, bubbles: true, cancelable: true}"
    ways = {
        "paste": "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: held}))",
        "drop": f"document.querySelector('form.drop').dispatchEvent(new DragEvent('drop', {dropped}))",
    }
    for way in ways.values():
        page = browser.new_page()
        page.goto(f"{address}/look")
        page.evaluate("data => {" + make + "held.items.add(file);" + way + "}", data)
        page.get_by_role("heading", name="Similar to your photo").wait_for()
        page.close()


def test_a_large_photo_is_made_smaller_before_it_is_sent(address, browser, tmp_path):
    photo = tmp_path / "large.jpg"
    Image.effect_noise((2400, 1800), 80).convert("RGB").save(photo, quality=95)
    page = browser.new_page()
    sent = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.goto(f"{address}/look")
    page.locator("#photo").set_input_files(photo)
    page.get_by_role("button", name="Find similar clothes").click()
    page.wait_for_url("**seen=**")
    assert len(sent) == 1, "it is sent once"
    assert int(sent[0].all_headers()["content-length"]) < photo.stat().st_size / 3
    page.close()


def test_a_part_of_the_photo_is_drawn_or_given_and_its_words_are_corrected(address, browser, work, tmp_path):
    data = next((work.processed.parents[1] / "clothes/images").glob("*00AAF.jpg")).read_bytes()
    page = browser.new_page(viewport=SIZES["desktop"])
    size = "([image]) => [image.naturalWidth, image.naturalHeight]"
    page.goto(f"{address}/look")
    assert not page.locator(".crop").is_visible()
    page.locator("#photo").set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": data})
    box = page.locator("#crop").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.9, steps=3)
    page.mouse.up()
    edges = [page.locator(f"[data-edge={name}]") for name in ("left", "top", "right", "bottom")]
    assert [abs(int(one.input_value()) - share) <= 1 for one, share in zip(edges, (25, 10, 75, 90), strict=True)]
    edges[3].fill("60")  # the keyboard's way
    edges[3].press("Tab")
    page.get_by_role("button", name="Find similar clothes").click()
    page.wait_for_url("**seen=**")
    wide, high = page.locator("#mine").evaluate_all(size)
    whole = Image.open(io.BytesIO(data)).size
    assert abs(wide / high - 0.5 * whole[0] / (0.5 * whole[1])) < 0.06, "the part alone was sent"
    page.get_by_role("button", name="Search with a part of it").click()
    expect(page.locator("#crop")).to_be_visible()
    assert [one.input_value() for one in edges] == ["0", "0", "100", "100"]
    kind = page.get_by_label("The photo's category")
    other = kind.locator("option:not([selected])").last.inner_text()
    kind.select_option(other)
    page.wait_for_url("**as_category=**")
    expect(page.locator("#found .card")).to_have_count(6)
    expect(page.get_by_label("The photo's category")).to_have_value(other)
    expect(page.locator("#mine")).to_be_visible()
    page.close()


def test_pairs_are_judged_by_keys(address, browser):
    page = browser.new_page(viewport=SIZES["phone"])
    page.goto(address)
    page.get_by_role("link", name="Judge").click()
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Your name").press("1")  # a digit of the name is no grade
    page.get_by_role("button", name="Begin").click()
    first = page.locator("[name=item]").input_value()
    for done, key in enumerate("41", 1):
        page.keyboard.press(key)
        expect(page.locator(".progress")).to_contain_text(re.compile(f"^{done} of "))
    page.keyboard.press("u")
    expect(page.locator("[aria-current]")).to_contain_text("not similar")
    page.keyboard.press("u")
    expect(page.locator("[aria-current]")).to_contain_text("could take its place")
    assert page.locator("[name=item]").input_value() == first
    page.get_by_role("button", name="somewhat similar").click()
    expect(page.locator(".progress")).to_contain_text(re.compile("^2 of "))
    assert page.evaluate("document.cookie") == ""
    page.close()


def test_show_more_adds_the_next_pages_cards(address, browser):
    page = browser.new_page(viewport=SIZES["desktop"])
    page.goto(address)
    first = page.locator("#cards .card a").first.get_attribute("href")
    page.get_by_role("link", name="Show more").click()
    expect(page.locator("#cards .card")).to_have_count(96)
    assert page.locator("#cards .card a").first.get_attribute("href") == first
    page.close()


def test_filters_stay_open_on_a_phone_and_words_change_an_item(address, browser, work):
    page = browser.new_page(viewport=SIZES["phone"], has_touch=True, is_mobile=True)
    page.goto(address)
    page.get_by_text("Filters").first.click()
    row = page.get_by_role("link", name="dresses").first
    assert row.bounding_box()["height"] >= 44
    row.click()
    page.wait_for_url("**department=dresses**")
    expect(page.get_by_role("heading", name="department")).to_be_visible()
    red = work.items().query("colour == 'red'")["item"].iloc[0]
    page.goto(f"{address}/item?id={red}")
    page.get_by_label("Like this, but").fill("in blue")
    page.wait_for_url("**words=in+blue**")
    expect(page.locator("#found")).to_contain_text("Understood as blue")
    page.locator("#found .doings a").first.click()
    page.wait_for_url("**like=**")
    expect(page.locator("#found")).to_contain_text("More like")
    page.close()


def test_browsing_works_without_javascript(address, browser):
    page = browser.new_context(java_script_enabled=False, viewport=SIZES["desktop"]).new_page()
    page.goto(address)
    page.get_by_role("searchbox").fill("red dress")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"q=red\+dress"))
    expect(page.locator(".card").nth(6)).to_be_attached()
    page.locator(".results .card a").first.click()
    page.locator("#colour_weight").fill("0.9")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("colour_weight=0.9"))
    expect(page.locator("#found .card")).to_have_count(6)
    page.goto(address)
    if not page.evaluate("CSS.supports('selector(::details-content)')"):
        page.get_by_text("Filters").first.click()
    page.get_by_role("link", name="dresses").first.click()
    expect(page).to_have_url(re.compile("department=dresses"))
    expect(page.locator(".card").nth(6)).to_be_attached()
    page.context.close()


def test_where_the_browser_cannot_hold_filters_open_they_open_on_request(address, browser):
    page = browser.new_context(java_script_enabled=False, viewport=SIZES["desktop"]).new_page()

    style = (project_root() / "fashion/web/static/shop.css").read_text(encoding="utf-8")
    unknown = style.replace(
        "::details-content", "::unheard-of"
    )  # as a browser reads it that does not know the selector
    assert unknown != style

    def without(route):
        route.fulfill(content_type="text/css", body=unknown)

    page.route("**/static/shop.css*", without)
    page.goto(address)
    page.get_by_text("Filters").first.click()
    page.get_by_role("link", name="dresses").first.click()
    expect(page).to_have_url(re.compile("department=dresses"))
    page.context.close()


def test_of_two_photos_the_last_one_is_sent(address, browser, tmp_path):
    page = browser.new_page(viewport=SIZES["phone"], has_touch=True, is_mobile=True)
    page.goto(f"{address}/look")
    page.evaluate("() => { document.querySelector('form.drop').requestSubmit = () => {} }")
    old, new = tmp_path / "old.jpg", tmp_path / "new.jpg"
    for path in (old, new):
        path.write_bytes(b"x")
    names = "['photo', 'camera'].map(id => [...document.getElementById(id).files].map(f => f.name).join())"
    page.locator("#photo").set_input_files(old)
    page.locator("#camera").set_input_files(new)
    assert page.evaluate(names) == ["", "new.jpg"]
    page.locator("#photo").set_input_files(old)
    assert page.evaluate(names) == ["old.jpg", ""]
    page.close()


def test_a_line_that_breaks_is_said(address, browser, work):
    page = browser.new_page(viewport=SIZES["desktop"])
    name = work.items()["item"].iloc[0]
    page.goto(f"{address}/item?id={name}")
    page.evaluate("() => { window.fetch = () => Promise.reject(new Error('no line')) }")
    page.get_by_label("hide near-duplicates").check()
    page.wait_for_url("**hide=1**")  # the form itself was sent
    page.route("**/api/v1/map*", lambda route: route.abort())
    page.goto(f"{address}/map")
    page.get_by_text("The map is unavailable").wait_for()
    page.close()


def test_the_keyboard_alone_leads_from_item_to_item(address, browser):
    page = browser.new_page(viewport=SIZES["desktop"])
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    where = (
        "document.activeElement.closest('.card') ? 'card' : document.activeElement.closest('.filters') ? 'filter' : ''"
    )
    for _ in range(400):  # past the filters, each of which can be reached
        page.keyboard.press("Tab")
        if page.evaluate(where) == "card":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    page.wait_for_url("**/item?id=**")
    first = page.url
    assert outline == "solid", "what has the focus is seen"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("!!document.activeElement.closest('#found')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/item?id=" in url and url != first)
    page.close()


def test_everything_comes_from_the_shop_and_photos_come_when_they_are_near(address, browser):
    page = browser.new_page(viewport=SIZES["phone"])
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    photos = [url for url in asked if "/photo?" in url]
    assert all(url.startswith((address, "data:")) for url in asked)
    assert 0 < len(photos) < 48, "not all of the page's photos at once"
    page.reload()
    page.wait_for_load_state("networkidle")
    kept = page.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.name.includes('/photo?')).map(e => e.transferSize)"
    )
    assert kept and not any(kept), "photos are kept"
    page.close()


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_no_violation(address, browser, work, size):
    name, other = work.items()["item"].iloc[:2]
    context = browser.new_context(viewport=SIZES[size], reduced_motion="reduce")
    page = context.new_page()

    def go(page, path):
        page.goto(address + path)
        if path.startswith("/map"):
            page.locator(f"#map[data-nearest='{name}']").wait_for()

    def look():
        page.emulate_media(color_scheme="light")
        without_violation(page)
        page.emulate_media(color_scheme="dark")
        without_violation(page, COLOUR_RULES)

    for path in (
        "/",
        "/?q=red+dress",
        "/?colour=red",
        f"/item?id={name}",
        "/look",
        f"/map?id={name}",
        "/nowhere",
        "/?q=qwertz",
        "/?q=red+drss+zzz",
        "/api/v1/docs",
        "/judge",
        "/judge?rater=axe",
        f"/item?id={name}&words=in+blue&like={other}",
    ):
        go(page, path)
        look()
    photo = next((work.processed.parents[1] / "clothes/images").glob("*00AAF.jpg"))
    page.goto(f"{address}/look")
    page.locator("#photo").set_input_files(photo)
    page.get_by_role("button", name="Find similar clothes").click()
    page.wait_for_url("**seen=**")
    page.get_by_role("heading", name="Similar to your photo").wait_for()
    look()
    context.close()
    context = browser.new_context(viewport=SIZES[size], color_scheme="dark", reduced_motion="reduce")
    page = context.new_page()
    for path in ("/", f"/map?id={name}"):  # which are dark from the beginning
        go(page, path)
        without_violation(page)
    context.close()
