"""The shop window on a real small report whose title holds markup: pages, answers, limits, and what visitors send."""

import builtins
import html
import io
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from conftest import COLOURS, draw, jpeg
from hypothesis import HealthCheck, given
from hypothesis import settings as properties
from hypothesis import strategies as st
from PIL import Image
from werkzeug.datastructures import MultiDict

from fashion import study as studies
from fashion.core.errors import ArtefactError, PhotoError
from fashion.core.locking import is_running
from fashion.web import reload
from fashion.web import shop as shops
from fashion.web.app import create_app
from fashion.web.openapi import document
from fashion.web.pages import short_reasons
from fashion.web.parameters import PAGE, Ask, read_ask
from fashion.web.reload import Window
from fashion.web.searching import search
from fashion.web.security import HEADERS, Buckets
from fashion.web.shop import open_shop
from fashion.web.uploads import EDGE, MOST_PIXELS, open_upload

pytestmark = pytest.mark.slow  # by the report that it is about; the tests themselves are quick


@pytest.fixture(scope="module")
def window(work):
    return Window(work, warm=False)


@pytest.fixture
def app(window):
    return create_app(window, Buckets(size=1000))


@pytest.fixture
def client(app):
    return app.test_client()


def get(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)[:400]
    return answer


def cards(page):
    return re.findall(r'<li class="card">', page.get_data(as_text=True))


def test_a_shop_opens_and_answers_without_learning_and_statistics(work):
    """These take nearly two seconds and a hundred megabytes of a process."""
    code = (
        "import sys; from pathlib import Path; from fashion.core.workspace import Workspace\n"
        "from fashion.web.app import create_app; from fashion.web.reload import Window\n"
        "work = Workspace(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))\n"
        "client = create_app(Window(work, warm=False)).test_client()\n"
        "paths = ('/', '/api/v1/map', '/?q=red+dress', f'/item?id={work.items()[\"item\"].iloc[0]}')\n"
        "print([client.get(path).status_code for path in paths])\n"
        "print([m for m in ('sklearn', 'scipy.stats', 'seaborn', 'tensorflow', 'openvino') if m in sys.modules])"
    )
    given = [work.catalogue, str(work.processed_root), str(work.report.parent)]
    said = subprocess.run([sys.executable, "-c", code, *given], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["[200, 200, 200, 200]", "[]"]


def test_browsing_shows_every_item_once_over_its_pages(client, window):
    seen = []
    for page in range(1, -(-len(window.shop().items) // PAGE) + 1):
        found = get(client, f"/api/v1/items?page={page}").get_json()
        seen += [item["item"] for item in found["items"]]
    assert sorted(seen) == sorted(window.shop().items["item"]) and found["total"] == len(seen)
    assert len(cards(get(client, "/"))) == PAGE and 'rel="next"' in get(client, "/").get_data(as_text=True)
    assert client.get("/?page=999").status_code == 302


def test_filters_are_exact_and_counts_tell_what_each_would_leave(client, window):
    items = window.shop().items
    found = get(client, "/api/v1/items?colour=red&colour=blue&department=dresses").get_json()
    right = items[items["colour"].isin(["red", "blue"]) & items["department"].eq("dresses")]
    assert found["total"] == len(right) and {i["item"] for i in found["items"]} <= set(right["item"])
    counts = {
        entry["word"]: entry["items"] for entry in get(client, "/api/v1/facets?department=dresses").get_json()["colour"]
    }
    assert counts == items[items["department"] == "dresses"]["colour"].value_counts().to_dict()


def test_swatches_are_the_reports(client, work):
    words = get(client, "/api/v1/facets").get_json()["colour"]
    assert {word["word"]: word["hex"] for word in words} == work.json("source")["swatches"]
    assert work.json("source")["swatches"]["red"] in get(client, "/").get_data(as_text=True)


@pytest.mark.parametrize("words", ["red dress", "vestito rosso"])
def test_search_in_english_and_italian(client, words):
    found = get(client, f"/api/v1/items?q={words}").get_json()["items"][:6]
    assert all(item["colour"] == "red" and "dress" in item["category"] for item in found)
    assert len(cards(get(client, f"/?q={words}"))) > 6


def test_an_items_page_has_six_with_the_same_reasons_as_the_engine(client, window):
    recommender = window.shop().recommender
    name = recommender.items["item"].iloc[3]
    for weight, hide in ((0.5, False), (0.9, True)):
        page = get(client, f"/item?id={name}&colour_weight={weight}&hide={int(hide)}").get_data(as_text=True)
        table = recommender.answer(recommender.item_query(name), 6, colour_weight=weight, hide_duplicates=hide)
        common, each = short_reasons(table.to_dict("records"))
        assert re.findall(r'class="why">([^<]*)<', page) == each and (not common or f"All of these: {common}." in page)
        found = get(client, f"/api/v1/similar?id={name}&colour_weight={weight}&hide={int(hide)}").get_json()["items"]
        assert [item["item"] for item in found] == table["item"].tolist()
        assert [item["reasons"] for item in found] == table["reasons"].tolist()
    assert f"/map?id={name}" in page and "measured colour" in page


def test_the_balance_and_the_filters_stay_from_page_to_page(client, window):
    name = window.shop().items["item"].iloc[3]
    page = get(client, f"/item?id={name}&colour_weight=0.9&hide=1").get_data(as_text=True)
    links = re.findall(r'<a href="/item\?([^"]+)">\s*<img', page)
    assert len(links) == 6 and all(to.endswith("&amp;colour_weight=0.9&amp;hide=1") for to in links)
    page = get(client, "/?colour=red&colour=blue&hide=1").get_data(as_text=True)
    head = page[page.index('<form class="search"') : page.index("</form>")]
    kept = re.findall(r'type="hidden" name="([^"]+)" value="([^"]+)"', head)
    assert kept == [("colour", "red"), ("colour", "blue"), ("hide", "1")]
    assert "hidden" not in get(client, "/").get_data(as_text=True).replace("aria-hidden", "")


def test_a_parameter_that_would_do_nothing_is_refused_by_the_api(client, window):
    name = window.shop().items["item"].iloc[3]
    for address in (
        "/api/v1/facets?sort=price", "/api/v1/facets?hide=1", f"/api/v1/similar?id={name}&page=2",
    ):  # fmt: skip
        assert "xpected only the parameters" in get(client, address, 400).get_data(as_text=True), address


def test_the_document_tells_what_each_route_reads(client, app, window):
    facets = window.shop().facets
    columns, paths = set(facets), get(client, "/api/v1/openapi.json").get_json()["paths"]
    operations = {path: next(iter(how.values())) for path, how in paths.items()}
    named = {path: {p["name"] for p in how["parameters"]} for path, how in operations.items()}
    (colour,) = [p for p in operations["/facets"]["parameters"] if p["name"] == "colour"]
    assert colour["schema"]["items"]["enum"] == facets["colour"][0]
    identifiers = [how["operationId"] for how in operations.values()]
    assert len(set(identifiers)) == len(paths) and "similar_to_photo" in identifiers
    page = get(client, "/api/v1/docs").get_data(as_text=True)
    for path, how in operations.items():
        assert f'<span class="path">{path}</span>' in page and how["summary"] in html.unescape(page)
        assert all(f"<code>{p['name']}</code>" in page for p in how["parameters"])
    assert named["/facets"] == columns | {"q"} and "page" not in named["/similar"] | named["/similar-to-photo"]
    sent = paths["/similar-to-photo"]["post"]["requestBody"]["content"]
    data = window.shop().photo(5)
    assert "application/octet-stream" in sent
    answer = client.post("/api/v1/similar-to-photo", data=data, content_type="application/octet-stream")
    assert answer.status_code == 200


def test_what_tells_of_a_visitors_photo_is_kept_by_no_cache(client, window):
    data = window.shop().photo(5)
    page = client.post("/look", data={"photo": (io.BytesIO(data), "x.jpg")})
    address = re.search(r'data-address="([^"]+)"', page.get_data(as_text=True)).group(1).replace("&amp;", "&")
    api = client.post("/api/v1/similar-to-photo", data=data, content_type="image/jpeg")
    for answer in (page, client.get(address), api, client.post("/look", data={})):
        assert answer.headers["Cache-Control"] == "no-store"
    assert address.startswith("/look?seen=")


def test_the_map_is_hidden_until_its_script_runs_and_the_picture_stands_in(client, window):
    name = window.shop().items["item"].iloc[9]
    page = get(client, f"/map?id={name}").get_data(as_text=True)
    assert '<div id="explorer" class="explorer" hidden>' in page and f'data-here="{name}"' in page
    assert re.search(r'<noscript><img class="still" src="/map.png', page)
    assert "data-here" not in get(client, "/map?id=nobody").get_data(as_text=True)


def test_a_column_called_like_a_parameter_is_no_filter(window):
    shop = window.shop()
    names = ("page", "q", "id", "words", "seen", "v")
    items = shop.items.assign(**{name: shop.items["colour"] for name in (*names, "fabric")})
    odd = replace(shop, recommender=replace(shop.recommender, items=items))
    assert "fabric" in odd.facets and not set(names) & set(odd.facets)
    client = create_app(type("Still", (), {"shop": lambda self: odd})(), Buckets()).test_client()
    assert len(cards(get(client, "/?page=2"))) == PAGE and len(cards(get(client, "/?fabric=red"))) > 0


def test_a_photo_asks_as_its_item_does_and_words_change_it(client, window):
    shop = window.shop()
    data = shop.photo(5)
    found = client.post("/api/v1/similar-to-photo?k=3", data={"photo": (io.BytesIO(data), "x.jpg")}).get_json()
    assert shop.items["item"].iloc[5] in [item["item"] for item in found["items"]] and found["seen"]["category"]
    page = client.post("/look", data={"photo": (io.BytesIO(data), "x.jpg"), "words": "blue"}).get_data(as_text=True)
    assert (
        "You asked for: <bdi>blue</bdi>." in page
        and "data:image/jpeg;base64," in page
        and page.count('class="why"') == 6
    )
    body = client.post("/api/v1/similar-to-photo", data=data, content_type="image/jpeg").get_json()
    assert body["items"][0]["item"] == found["items"][0]["item"]


def test_nothing_that_is_sent_is_written(client, window, monkeypatch):
    client.post("/look", data={"photo": (io.BytesIO(window.shop().photo(5)), "x.jpg")})  # networks are loaded
    monkeypatch.setattr(reload, "LOOK_AGAIN", 1e9)  # looking for a new report opens its lock
    opened, plain, low = [], builtins.open, os.open

    def watched(file, mode="r", *given, **named):
        if any(sign in mode for sign in "wax+"):
            opened.append(file)
        return plain(file, mode, *given, **named)

    def watched_low(file, flags, *given, **named):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            opened.append(file)
        return low(file, flags, *given, **named)

    monkeypatch.setattr(os, "open", watched_low)
    monkeypatch.setattr(builtins, "open", watched)
    monkeypatch.setattr(io, "open", watched)
    big = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (900, 1200, 3), np.uint8)).save(big, "PNG")
    assert len(big.getvalue()) > 2 * 2**20  # beyond what werkzeug would keep in memory by itself
    head = '--edge\r\nContent-Disposition: form-data; name="photo"; filename="x.png"\r\n\r\n'  # the test client spools
    body = head.encode() + big.getvalue() + b"\r\n--edge--\r\n"
    assert client.post("/look", data=body, content_type="multipart/form-data; boundary=edge").status_code == 200
    assert {Path(path).name for path in opened} <= {".lock"}  # the report's, which is looked at now and then


def test_the_catalogues_own_markup_is_text(client):
    page = get(client, "/").get_data(as_text=True)
    assert "Tiny &lt;b&gt;shop&lt;/b&gt;" in page and "<b>shop" not in page


def test_script_in_a_catalogue_is_text(window):
    shop, bad = window.shop(), "<script>alert(1)</script>\"'&"
    items = shop.items.copy()
    for column in ("item", "category", "colour", "department"):
        items.loc[0, column] = bad
    evil = replace(shop, title=bad, recommender=replace(shop.recommender, items=items))
    app = create_app(type("Still", (), {"shop": lambda self: evil})(), Buckets())
    client = app.test_client()

    for address in (
        "/",
        f"/?category={quote(bad)}",
        f"/item?id={quote(bad)}",
        f"/map?id={quote(bad)}",
        f"/?q={quote(bad)}",
        "/look",
    ):
        text = client.get(address).get_data(as_text=True)
        assert "<script>alert" not in text and "alert(1)</script>" not in text, address
    assert client.get(f"/item?id={quote(bad)}").status_code == 200


@pytest.mark.parametrize(
    "address", ["/", "/look", "/map", "/item?id=no", "/api/v1/items", "/healthz", "/static/shop.css", "/nowhere"]
)
def test_every_answer_has_the_headers(client, address):
    answer = client.get(address)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_pages_hold_no_inline_script_or_style_and_load_nothing_from_elsewhere(client, window):
    name = window.shop().items["item"].iloc[0]
    for address in ("/", "/?q=red+dress", f"/item?id={name}", "/look", f"/map?id={name}"):
        text = get(client, address).get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text), address
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text), address


def test_a_search_that_finds_nothing_says_so_and_leads_on(client, window):
    page = get(client, "/?q=qwertz")
    text = page.get_data(as_text=True)
    assert "Nothing here is called <bdi>“qwertz”</bdi>" in text and len(cards(page)) == PAGE
    assert html.escape(window.shop().examples[0]) in text and "/?q=qwertz&amp;department=dresses" in text
    found = get(client, "/api/v1/items?q=qwertz").get_json()
    assert found["matching"] == 0 and found["understood"]["passed_over"] == ["qwertz"]
    lost = client.get("/nowhere")
    assert lost.status_code == 404 and "All clothes" in lost.get_data(as_text=True)


@given(text=st.text(max_size=60))
@properties(max_examples=60, suppress_health_check=list(HealthCheck))
def test_no_search_ends_in_an_error(window, text):
    page = create_app(window, Buckets()).test_client().get("/", query_string={"q": text})
    assert page.status_code in (200, 302)


def test_filters_stay_with_pages_and_with_what_was_chosen_beside_them(client):
    text = get(client, "/?q=dress&colour=red&hide=1&colour_weight=0.9").get_data(as_text=True)
    links = re.findall(r'href="/\?([^"]*department=dresses[^"]*)"', text) + re.findall(
        r'href="/\?([^"]*page=2[^"]*)"', text
    )
    assert links and all("q=dress" in to and "hide=1" in to and "colour_weight=0.9" in to for to in links)


@pytest.mark.parametrize(
    "address",
    ["/?colour=nope", "/?page=0", "/?page=x", "/?sort=name", "/?price_to=x", "/?like=nobody", "/?colour_weight=2",
     "/?hide=maybe",
     "/api/v1/items?page=1.5", "/api/v1/similar?id=x&k=61", "/api/v1/items?q=" + "x" * 300, "/api/v1/item?id=a&b=1",
     "/api/v1/items?utm_source=x", "/api/v1/facets?fbclid=x", "/api/v1/map?gclid=x"],
)  # fmt: skip
def test_nonsense_is_answered_with_400_and_what_was_expected(client, address):
    answer = client.get(address)
    assert answer.status_code == 400 and "Traceback" not in answer.get_data(as_text=True)
    text = answer.get_json()["detail"] if "/api/" in address else answer.get_data(as_text=True)
    assert re.search("expected|no item|mean", text, re.IGNORECASE)


TRACKED = "utm_source=news&utm_medium=e-mail&fbclid=IwAR0&gclid=x&bogus=%3Cscript%3E"


def test_pages_ignore_parameters_that_they_do_not_know_and_leave_them_out_of_their_links(client, window):
    name = window.shop().items["item"].iloc[0]
    for address in ("/?", "/?q=red+dress&", "/?page=2&hide=1&", f"/item?id={name}&", "/look?", f"/map?id={name}&"):
        text = get(client, address + TRACKED).get_data(as_text=True)
        assert text == get(client, address.rstrip("?&")).get_data(as_text=True), address
    far = client.get(f"/?page=999&{TRACKED}")
    assert far.status_code == 302 and "utm_" not in far.location and "bogus" not in far.location
    sent = {"words": "", "utm_source": "x", "photo": (io.BytesIO(window.shop().photo(5)), "x.jpg")}
    page = client.post(f"/look?{TRACKED}", data=sent).get_data(as_text=True)
    assert "Similar to your photo" in page and "utm_" not in page


def test_the_api_names_the_parameters_that_it_does_not_know(client):
    told = client.get(f"/api/v1/items?{TRACKED}").get_json()["detail"]
    assert "expected only the parameters" in told and "utm_source" in told and "fbclid" in told


def test_the_api_names_what_is_near_to_an_unknown_parameter(client):
    assert "found colr. Did you mean colour? Correct" in get(client, "/api/v1/items?colr=red", 400).get_json()["detail"]
    assert "found idd. Did you mean id? Correct" in get(client, "/api/v1/item?idd=1", 400).get_json()["detail"]


def test_filters_of_addresses_are_read_as_the_commands_are(client, window):
    for written in ("color=red", "colour=RED", "colour=rosso"):
        assert get(client, f"/api/v1/items?{written}").data == get(client, "/api/v1/items?colour=red").data
        assert get(client, f"/?{written}").data == get(client, "/?colour=red").data
    both = get(client, "/api/v1/facets?colour=red&color=blue").data
    assert both == get(client, "/api/v1/facets?colour=red&colour=blue").data
    assert "found 'rde'; near: red" in get(client, "/api/v1/items?colour=rde", 400).get_json()["detail"]
    assert "near: red" in html.unescape(get(client, "/?color=rde", 400).get_data(as_text=True))
    shouted = "&".join(f"colour={'red':<{n}}" for n in range(4, 26)).replace(" ", "+")
    assert "at most 20 values of colour" in get(client, f"/api/v1/items?{shouted}", 400).get_json()["detail"]
    items = window.shop().items
    grey = replace(window.shop(), recommender=replace(window.shop().recommender, items=items.replace("blue", "grey")))
    assert read_ask(MultiDict({"color": "gray"}), grey).chosen == {"colour": ("grey",)}


def test_the_search_boxs_examples_find_what_they_say(client, window):
    shop = window.shop()
    text = html.unescape(get(client, "/").get_data(as_text=True))
    (shown,) = re.findall(r'<input id="q"[^>]* placeholder="([^"]*)"', text)
    examples = shown.removesuffix(" …").split(", ")
    assert tuple(examples) == shop.examples and len(examples) == 2  # English, and the catalogue's own Italian
    for example in examples:
        asked = shop.vocabulary.parse(example)
        first = shop.items.iloc[search(shop, Ask(words=example)).rows[0]]
        assert first["colour"] in asked["colour"] and first["category"] in asked["category"]
        assert cards(get(client, "/?" + urlencode({"q": example})))
    english, italian = examples
    assert english == f"{shop.vocabulary.parse(english)['colour'][0]} {shop.vocabulary.parse(english)['category'][0]}"
    assert set(italian.upper().split()) & set(COLOURS)


def test_examples_are_left_out_where_words_cannot_be_asked_for(window):
    shop = window.shop()
    items = shop.items.assign(colour="!!", category="...", colour_source="", category_source="")
    bare = replace(shop, recommender=replace(shop.recommender, items=items))
    assert bare.examples == ()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..%2f..%2fetc%2fpasswd", "a\0b", "", "'; DROP"])
def test_names_never_reach_the_file_system(client, name):
    assert client.get("/photo", query_string={"id": name}).status_code == 404
    assert client.get("/item", query_string={"id": name}).status_code == 404
    assert client.get("/api/v1/item", query_string={"id": name}).status_code == 404


def test_photos_may_be_kept_for_good_and_are_asked_for_once(client, window):
    name = window.shop().items["item"].iloc[0]
    address = get(client, f"/api/v1/item?id={name}").get_json()["photo"]
    first = get(client, address)
    assert "immutable" in first.headers["Cache-Control"] and first.data[:3] == b"\xff\xd8\xff"
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.data
    other = get(client, f"/photo?id={name}&size=small&v=another-report")
    assert other.headers["Cache-Control"] == "no-cache", "another report's photo may be another one"
    assert client.get(f"/photo?id={name}&size=huge").status_code == 404


def test_a_photo_that_vanished_is_404_and_nothing_else_breaks(client, window, monkeypatch):
    monkeypatch.setattr(shops.Shop, "photo", lambda *_: (_ for _ in ()).throw(PhotoError("gone")))
    name = window.shop().items["item"].iloc[7]
    assert client.get(f"/photo?id={name}&size=large").status_code == 404 and client.get("/").status_code == 200


def test_an_error_of_ours_says_nothing_of_its_inside(app, monkeypatch):
    monkeypatch.setattr("fashion.web.pages.search", lambda *_: 1 / 0)
    monkeypatch.setattr("fashion.web.api.search", lambda *_: 1 / 0)
    app.testing = False
    client = app.test_client()
    for address in ("/", "/api/v1/items"):
        answer = client.get(address)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 500 and "division" not in text and "Traceback" not in text


def test_photos_come_at_a_rate(window):
    clock = [0.0]
    app = create_app(window, Buckets(size=2, per_second=0.5, clock=lambda: clock[0]))
    client = app.test_client()

    def send():
        return client.post("/api/v1/similar-to-photo", data=b"", content_type="image/jpeg")

    assert [send().status_code for _ in range(3)] == [400, 400, 429]
    assert int(send().headers["Retry-After"]) >= 2
    page = client.post("/look", data={})
    assert page.status_code == 429 and int(page.headers["Retry-After"]) >= 2
    clock[0] += 2
    assert send().status_code == 400 and send().status_code == 429


def test_buckets_forget_the_longest_unseen():
    buckets = Buckets(size=1, per_second=1, most=2, clock=lambda: 0.0)
    assert buckets.take("a") == 0 and buckets.take("a") == 1 and buckets.take("b") == 0 and buckets.take("c") == 0
    assert buckets.take("a") == 0, "forgotten, so its bucket is full again"


def test_too_large_a_body_is_refused_unread(client):
    answer = client.post("/api/v1/similar-to-photo", data=b"x" * (13 * 2**20), content_type="image/jpeg")
    assert answer.status_code == 413 and answer.get_json()["status"] == 413
    assert client.post("/look", data={"photo": (io.BytesIO(b"x" * (13 * 2**20)), "x.jpg")}).status_code == 413


def photo_bytes(kind, **how):
    image = Image.fromarray(draw("VESTITO", COLOURS["ROSSO"], 1))
    found = io.BytesIO()
    how.pop("convert", None)
    image.save(found, kind, **how)
    return found.getvalue()


CUTS = (0, 1, 3, 20, 200, "half", -2)
BAD = [f"truncated at {cut}" for cut in CUTS]
BAD += ["text", "svg", "html", "zip", "pdf", "zeros", "bomb", *(f"changed {number}" for number in range(10))]
GOOD = ["jpeg", "png", "webp", "gif", "CMYK", "L", "RGBA", "P", "1", "16 bit", "animated"]


@cache  # the bomb takes a second
def fuzz():
    """The bytes of `BAD` and of `GOOD`, by name."""
    rgb = Image.fromarray(draw("VESTITO", COLOURS["ROSSO"], 1))
    whole, found = photo_bytes("JPEG"), {}
    for cut in CUTS:
        found[f"truncated at {cut}"] = whole[: len(whole) // 2 if cut == "half" else cut]
    found |= {"text": b"hello", "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"}
    found |= {"html": b"<html>", "zip": b"PK\x03\x04" + b"\0" * 100, "pdf": b"%PDF-1.4", "zeros": b"\0" * 5000}
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    found["bomb"] = bomb.getvalue()
    random = np.random.default_rng(0)
    for number in range(10):  # bytes changed anywhere
        data = bytearray(whole)
        for place in random.integers(0, len(data), 20):
            data[place] = random.integers(0, 256)
        found[f"changed {number}"] = bytes(data)
    good = {"jpeg": whole, "png": photo_bytes("PNG"), "webp": photo_bytes("WEBP"), "gif": photo_bytes("GIF")}
    for mode, kind in (("CMYK", "JPEG"), ("L", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("1", "PNG")):
        out = io.BytesIO()
        rgb.convert(mode).save(out, kind)
        good[mode] = out.getvalue()
    deep = io.BytesIO()
    Image.fromarray(np.asarray(rgb.convert("L"), np.uint16) * 257).save(deep, "PNG")
    moving = io.BytesIO()
    rgb.save(moving, "GIF", save_all=True, append_images=[rgb.rotate(90)])
    good |= {"16 bit": deep.getvalue(), "animated": moving.getvalue()}
    assert (list(found), list(good)) == (BAD, GOOD)
    return found, good


@pytest.mark.parametrize("name", BAD)
def test_bad_photos_are_refused_without_a_failure_of_ours(client, name):
    answer = client.post("/api/v1/similar-to-photo", data=fuzz()[0][name], content_type="image/jpeg")
    assert answer.status_code in ((200, 400) if name.startswith("changed") else (400,)), answer.data
    assert "Traceback" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("name", GOOD)
def test_real_photos_of_every_kind_are_taken(client, name):
    data = fuzz()[1][name]
    answer = client.post("/api/v1/similar-to-photo?k=2", data={"photo": (io.BytesIO(data), "x")})
    assert answer.status_code == 200 and len(answer.get_json()["items"]) == 2
    rgb = open_upload(data).unpacked
    assert rgb.dtype == np.uint8 and rgb.ndim == 3 and rgb.shape[2] == 3 and max(rgb.shape) <= EDGE
    red = np.asarray(draw("VESTITO", COLOURS["ROSSO"], 1), float)
    if name not in ("L", "1", "16 bit"):
        assert np.abs(np.asarray(Image.fromarray(rgb).resize(red.shape[1::-1]), float) - red).mean() < 25


def test_a_photo_is_turned_as_its_exif_says_and_a_bomb_is_not_unpacked(monkeypatch):
    image = Image.new("RGB", (40, 20), "white")
    image.paste((255, 0, 0), (0, 0, 20, 20))  # left half red
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, quality=95)
    turned = open_upload(out.getvalue()).unpacked
    assert turned.shape[:2] == (40, 20) and turned[5, 10, 1] < 60 and turned[35, 10, 1] > 200
    bomb = fuzz()[0]["bomb"]
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(PhotoError, match=r"pixels in all|cannot be opened"):  # by us, or by Pillow
        open_upload(bomb)
    assert MOST_PIXELS < 20_000**2


def test_the_openapi_document_names_every_route_and_parameter(app, window):
    described = document(app, {column: words for column, (words, _) in window.shop().facets.items()})["paths"]
    routes = {
        r.rule.removeprefix("/api/v1"): r.methods & {"GET", "POST"}
        for r in app.url_map.iter_rules()
        if r.rule.startswith("/api/") and not r.rule.endswith("/docs")
    }
    assert {path: {m.upper() for m in found} for path, found in described.items()} == routes
    assert {p["name"] for p in described["/items"]["get"]["parameters"]} >= {"q", "page", "hide", *window.shop().facets}


def test_the_openapi_document_is_made_once_for_a_report_and_a_prefix(client, monkeypatch):
    made = []

    def counted(*given):
        made.append(given[2])
        return document(*given)

    monkeypatch.setattr("fashion.web.api.document", counted)
    first = get(client, "/api/v1/openapi.json")
    assert get(client, "/api/v1/openapi.json").get_json() == first.get_json() and get(client, "/api/v1/docs")
    assert client.get("/api/v1/openapi.json", base_url="http://localhost/shop").get_json()["servers"] == [
        {"url": "/shop/api/v1"}
    ]
    assert made == ["/api/v1", "/shop/api/v1"]


def test_requests_made_from_the_document_are_answered_as_it_says(app):
    import schemathesis  # here: it takes a second and a half, which only the worker with this test needs

    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    statuses = set()
    checks = [
        schemathesis.checks.CHECKS.get_one(name) for name in ("not_a_server_error", "response_schema_conformance")
    ]
    for operation in schema.get_all_operations():
        _ask(operation.ok(), checks, statuses)
    assert {200, 400} <= statuses < {200, 400, 404, 405, 413, 429, 304}


def _ask(operation, checks, statuses):
    """A dozen requests that one operation's description makes; what comes back must be what it declares."""

    @properties(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=operation.as_strategy())
    def one(case):
        answer = case.call(headers={"Accept-Encoding": "identity"})  # this client does not unpack
        statuses.add(answer.status_code)
        assert str(answer.status_code) in operation.definition.raw["responses"], (case.path, answer.status_code)
        case.validate_response(answer, checks=checks)

    one()


def test_metrics_count_what_was_served(client):
    for _ in range(3):
        client.get("/healthz")
    client.get("/nowhere")
    text = get(client, "/metrics").get_data(as_text=True)
    assert 'shop_requests_total{route="/healthz",status="200"} 3' in text
    assert 'shop_request_seconds_bucket{route="/healthz",le="+Inf"} 3' in text
    assert 'route="none",status="404"' in text


def test_methods_that_are_none(client):
    assert client.delete("/api/v1/items").status_code == 405 and client.post("/").status_code == 405
    assert client.head("/").status_code == 200 and not client.head("/").data


def test_a_new_report_is_shown_when_it_is_whole_and_not_before(work, monkeypatch):
    window = Window(work, warm=False)
    old = window.shop()
    monkeypatch.setattr(reload, "LOOK_AGAIN", 0.0)

    def everywhere(name, value):
        for module in (shops, reload):
            monkeypatch.setattr(module, name, value)

    stamps = iter(range(10**6))
    real = shops.stamp_of
    everywhere("is_running", lambda _: True)
    everywhere("stamp_of", lambda w: real(w) + 1)
    assert settle(window) is old, "a report is being made"
    everywhere("is_running", lambda _: False)
    everywhere("stamp_of", lambda w: real(w) + 1 + next(stamps))
    assert settle(window) is old, "the report changed while it was read"
    everywhere("stamp_of", lambda w: real(w) + 2)
    assert settle(window) is not old and window.shop().stamp == real(work) + 2


def test_the_reports_neighbour_lists_answer_as_a_search_does(window, work, client, monkeypatch, caplog):
    shop = window.shop()
    assert shop.recommender.lists.shape == (len(shop.items), shop.recommender.k) and shop.recommender.lists.min() >= 0
    addresses = [f"/api/v1/similar?{urlencode({'id': name})}" for name in shop.items["item"][::10]]
    listed = [get(client, address).data for address in addresses]

    def damaged(*_):
        raise ArtefactError("expected lists; found none")

    monkeypatch.setattr(studies, "read_neighbour_lists", damaged)
    searched = open_shop(work)
    assert searched.recommender.lists is None and "neighbour lists are unusable" in caplog.text
    plain = create_app(type("Still", (), {"shop": lambda self: searched})()).test_client()
    assert [get(plain, address).data for address in addresses] == listed


def settle(window):
    """What is shown once the look that a request sets off has come to its end."""
    window.shop()
    for thread in threading.enumerate():
        if thread.name.endswith("(_renew)"):
            thread.join(30)
    return window._shop


def test_a_report_that_runs_is_seen_by_its_lock(work):
    from fashion.core.errors import ArtefactError
    from fashion.core.locking import only_one

    assert not is_running(work)
    with only_one(work):
        assert is_running(work)
        with pytest.raises(ArtefactError, match="being made again"):
            open_shop(work)


def test_json_is_plain(client):
    found = get(client, "/api/v1/map").get_json()
    assert len(found["x"]) == len(found["items"]) and json.dumps(found, allow_nan=False)
    assert min(found["x"]) == min(found["y"]) == 0 and max(found["width"], found["height"]) == 65535
    said = [
        (found["words"]["colour"][colour], found["words"]["category"][kind])
        for colour, kind in zip(found["colour"], found["category"], strict=True)
    ]
    items = get(client, f"/api/v1/item?id={found['items'][3]}").get_json()
    assert said[3] == (items["colour"], items["category"]) and found["garment"][3] == items["hex"]


def test_the_maps_picture_is_of_the_report_that_is_shown(client, window):
    page = get(client, "/map").get_data(as_text=True)
    address = re.search(r'href="(/map\.png\?v=[^"]+)"', page).group(1)
    found = get(client, address)
    assert found.mimetype == "image/png" and "immutable" in found.headers["Cache-Control"]
    assert get(client, "/map.png?v=another").headers["Cache-Control"] == "no-cache"
    newer = replace(window.shop(), still=b"new", stamp=7)
    other = create_app(type("Still", (), {"shop": lambda self: newer})(), Buckets()).test_client()
    assert other.get("/map.png").data == b"new"


def test_a_jpeg_is_served_as_it_is_and_a_large_one_smaller():
    from fashion.web.thumbnails import smaller

    small = jpeg(draw("VESTITO", COLOURS["BLU"], 0))
    assert smaller(small, "x", 320)[0] is small
    big = np.kron(draw("VESTITO", COLOURS["BLU"], 0), np.ones((4, 4, 1), np.uint8))
    twice = np.kron(draw("VESTITO", COLOURS["BLU"], 0), np.ones((5, 5, 1), np.uint8))  # unpacked at half its size: 320
    for photo in (big, twice):
        found = Image.open(io.BytesIO(smaller(jpeg(photo), "x", 320)[0]))
        assert max(found.size) == 320
