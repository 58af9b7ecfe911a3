"""Searching and products in the shop: a report's items with titles, brands, prices, links and sizes."""

import html
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from fashion.catalogue.prices import price_number
from fashion.core.workspace import Workspace
from fashion.embedding.backbones import description_of, load_backbone
from fashion.embedding.text import load_text_encoder
from fashion.recommendation.text_search import free_text_of
from fashion.web.app import create_app
from fashion.web.reload import Window
from fashion.web.security import Buckets

pytestmark = pytest.mark.slow  # by the report that it is about

EVIL = "<b>Evil</b> & Sons"


@pytest.fixture(scope="module")
def shop(work):
    found = Window(work, warm=False).shop()
    items, rng = found.items, np.random.default_rng(0)
    count = len(items)
    prices = rng.integers(10, 200, count)
    titled = items.assign(
        title=rng.choice(["Floral ", "Plain "], count) + items["category"],
        brand=rng.choice(["Bruni", EVIL], count), size=rng.choice(["S", "M, L"], count),
        price=[f"{price},50 €" if price % 9 else "" for price in prices],
        link=[f"https://shop.example/{n}?a=1&b=2" if n % 5 else "javascript:alert(1)" for n in range(count)],
    )  # fmt: skip
    return replace(found, recommender=replace(found.recommender, items=titled))


def client_of(shop, **how):
    return create_app(type("Still", (), {"shop": lambda self: shop})(), Buckets(size=1000), **how).test_client()


@pytest.fixture
def client(shop):
    return client_of(shop)


def text_of(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    return answer.get_data(as_text=True)


def found(client, **query):
    return client.get("/api/v1/items", query_string=query).get_json()


def test_a_product_is_shown_on_cards_page_and_api(client, shop):
    row = next(row for row in range(5, 50) if row % 5 and shop.items["price"].iloc[row])
    item = shop.items.iloc[row]
    page, one = text_of(client, f"/item?id={item['item']}"), client.get(f"/api/v1/item?id={item['item']}").get_json()
    for column in ("title", "brand", "price", "link"):
        assert one[column] == item[column] and html.escape(item[column]) in page.replace("&#34;", '"')
    assert f'href="{html.escape(item["link"])}" rel="noopener"' in page and EVIL not in page
    assert one["description"].endswith(item["category"]) and "<h1><bdi>" in page
    browse = text_of(client, "/?q=floral")
    assert "Product page" in browse and "javascript:" not in browse and html.escape(EVIL) in browse
    assert found(client, q="floral")["items"][0]["title"].startswith("Floral")


def test_only_links_to_the_web_are_links(client, shop):
    one = client.get(f"/api/v1/item?id={shop.items['item'].iloc[0]}").get_json()
    assert shop.items["link"].iloc[0].startswith("javascript") and one["link"] == ""


def test_a_correction_is_shown_and_can_be_undone(client):
    page = text_of(client, "/?q=red+drss")
    assert "Showing <b><bdi>dress</bdi></b>" in page
    (undo,) = re.findall(r'search for <a href="([^"]+)"><bdi>drss</bdi>', page)
    assert parse_qs(urlsplit(html.unescape(undo)).query)["q"] == ['red "drss"']
    after = text_of(client, html.unescape(undo))
    assert "ignored: <bdi>drss</bdi>" in after and "Showing <b>" not in after


def test_words_conditions_and_counts_are_those_of_the_columns(client, shop):
    items = shop.items.assign(number=[price_number(text) for text in shop.items["price"]])
    right = items[(items["colour"] == "red") & items["title"].str.contains("Floral") & (items["number"] <= 100.5)]
    answer = found(client, q="red floral under 100.50")
    assert answer["matching"] == len(right)
    assert {one["item"] for one in answer["items"][: len(right)]} == set(right["item"])
    counts = client.get("/api/v1/facets?q=red+floral+under+100.50").get_json()
    assert {c["word"]: c["items"] for c in counts["department"] if c["items"]} == dict(
        right["department"].value_counts()
    )
    page = text_of(client, "/?q=red+floral+under+100.50")
    cards = page[page.index('id="cards"') :]
    assert cards[: cards.index('class="mark"')].count('class="card"') == len(right)
    assert f"{len(right)} match" in page
    sized = found(client, q="size M not red")["items"]
    rows = [shop.rows[one["item"]] for one in sized]
    assert set(items["size"].iloc[rows]) == {"M, L"} and "red" not in {one["colour"] for one in sized}


def test_an_items_number_leads_to_its_page_with_what_was_said_beside_it(client, shop):
    name = shop.items["item"].iloc[3]
    assert client.get(f"/?q={name}").location == f"/item?id={name}"
    assert client.get(f"/?q={name}+in+blue").location == f"/item?id={name}&words=in+blue"
    assert [one["item"] for one in found(client, q=name)["items"]] == [name]
    other, kept = shop.items["item"].iloc[4], "colour=red&colour_weight=0.9&hide=1"
    asked = urlsplit(client.get(f"/?q={name}&{kept}&unlike={other}&sort=price&price_to=50").location)
    assert asked.path == "/item" and parse_qs(asked.query) == parse_qs(f"id={name}&{kept}&unlike={other}")


@pytest.mark.parametrize(("sort", "sign"), [("price", 1), ("price-down", -1)])
@pytest.mark.parametrize("words", ["", "red dress"])
def test_sorted_by_price_within_what_matches(client, sort, sign, words):
    answer = found(client, sort=sort, q=words, price_from=20)
    head = [price_number(one["price"]) * sign for one in answer["items"][: answer["matching"]]]
    assert head == sorted(head) and np.isfinite(head).all() and min(np.abs(head)) >= 20


def test_the_newest_come_first_where_there_are_dates_and_else_the_tables_order(client, shop):
    names = shop.items["item"]
    assert [one["item"] for one in found(client, sort="new")["items"]] == names.tolist()[:48]
    assert "as the catalogue lists them" in text_of(client, "/?sort=new")
    days = np.random.default_rng(1).permutation(len(names))
    dates = [f"2024-{1 + day // 28:02}-{1 + day % 28:02}" if day % 11 else "soon" for day in days]
    dated = replace(shop, recommender=replace(shop.recommender, items=shop.items.assign(date=dates)))
    listed = [one["item"] for one in found(client_of(dated), sort="new")["items"]]
    expected = sorted((date, name) for date, name in zip(dates, names, strict=True) if date != "soon")[::-1]
    assert listed == [name for _, name in expected][:48]
    assert "newest first" in text_of(client_of(dated), "/") and "date" not in dated.facets


def test_pages_of_a_search_hold_each_item_once(client):
    first = found(client, q="floral dress")
    pages = [found(client, q="floral dress", page=page)["items"] for page in range(1, -(-first["total"] // 48) + 1)]
    names = [one["item"] for page in pages for one in page]
    assert len(names) == len(set(names)) == first["total"]


def test_free_text_is_looked_for_in_photos_where_the_encoder_has_a_text_tower(shop, tmp_path):
    pytest.importorskip("tokenizers", reason="the extra `text` is not installed")
    from onnx_towers import CLIP_JSON, WIDTH, image_tower, text_tower, write_json, write_tokenizer

    image_tower(tmp_path / "clip/onnx/vision_model.onnx")
    write_json(tmp_path / "clip/preprocessor_config.json", CLIP_JSON)
    text_tower(tmp_path / "clip/onnx/text_model.onnx", length="tokens", mask=True)
    write_tokenizer(tmp_path / "clip")
    report = Workspace("any", tmp_path / "p", tmp_path / "r")
    report.write_json("backbone", description_of(load_backbone(str(tmp_path / "clip"))))
    tower = load_text_encoder(tmp_path / "clip", WIDTH)
    # The photos of dresses show boots.
    report.write_vectors(
        "max_pooled", tower(["boots" if kind == "dress" else "photo" for kind in shop.items["category"]])
    )
    seeing = replace(shop, recommender=replace(shop.recommender, free_text=free_text_of(report)))
    client = client_of(seeing)
    answer = found(client, q="boots photographed")
    assert answer["understood"]["described"] == "boots photographed" and answer["matching"] == 0
    assert answer["understood"]["in_photos"] == ["boots", "photographed"]
    dresses = (shop.items["category"] == "dress").sum()
    first = [one["description"] for one in answer["items"]][:dresses]
    assert dresses and all(said.endswith("dress") for said in first)
    page = text_of(client, "/?q=boots+photographed")
    assert (
        "Looked for in photos alone: <bdi>boots</bdi>, <bdi>photographed</bdi>" in page and "Nothing here" not in page
    )


def test_a_page_past_the_end_costs_no_ranking(client, monkeypatch):
    total = found(client, q="floral dress")["total"]
    monkeypatch.setattr("fashion.recommendation.recommender.Recommender.ranked", None)
    past = found(client, q="floral dress", page=1_000_000)
    assert (past["items"], past["total"]) == ([], total)


def test_like_this_in_blue_and_more_like_these(client, shop):
    items = shop.items
    red = items[(items["colour"] == "red") & (items["category"] == items["category"].iloc[0])]["item"].tolist()
    page = text_of(client, f"/item?id={red[0]}&words=in+blue")
    assert 'name="words" type="text" maxlength="200" value="in blue"' in page and "Understood as blue" in page
    assert {one["colour"] for one in client.get(f"/api/v1/similar?id={red[0]}&q=blue").get_json()["items"]} == {"blue"}
    page = text_of(client, f"/item?id={red[0]}&like={red[1]}&unlike={red[2]}")
    assert "More like" in page and "Less like" in page
    shown = re.findall(r'<li class="card">\s*<a href="/item\?id=([^"&]+)', page)
    assert len(shown) == 6 and not {*red[:3]} & set(shown)
    more = html.unescape(re.findall(r'href="([^"]+)" rel="nofollow" aria-label="More like', page)[0])
    assert parse_qs(urlsplit(more).query)["like"] == [red[1], shown[0]]
    without = html.unescape(re.findall(r'<a href="([^"]+)" aria-label="Remove', page)[0])
    assert "like" not in parse_qs(urlsplit(without).query)
    assert found(client, q="dress", like=red[1])["matching"] == 0


def test_pages_may_be_kept_and_are_asked_for_again(client):
    for address in ("/", "/api/v1/items?q=red", "/robots.txt"):
        first = client.get(address)
        assert first.headers["Cache-Control"] == "no-cache"
        again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304 and not again.data
    assert client.get("/?q=red").headers["ETag"] != client.get("/").headers["ETag"]


def test_search_engines_are_kept_out_unless_asked_in(client, shop):
    assert "Disallow: /" in text_of(client, "/robots.txt") and 'content="noindex"' in text_of(client, "/")
    open_one = client_of(shop, indexed=True)
    assert "Allow: /" in text_of(open_one, "/robots.txt") and "noindex" not in text_of(open_one, "/")
    name = shop.items["item"].iloc[1]
    assert re.search(r'property="og:image" content="http://localhost/photo\?id=', text_of(open_one, f"/item?id={name}"))


def test_another_origin_reads_the_api_by_permission_alone(shop):
    allowed = client_of(shop, origins=("https://shop.example",))
    asked = {"Origin": "https://shop.example"}
    answer = allowed.get("/api/v1/items", headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example" and "Origin" in answer.vary
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "POST" in allowed.options("/api/v1/similar-to-photo", headers=asked).headers["Access-Control-Allow-Methods"]
    other = allowed.get("/api/v1/items", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
    page = allowed.get("/", headers=asked)
    assert "Access-Control-Allow-Origin" not in page.headers
    assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in client_of(shop).get("/api/v1/items", headers=asked).headers


def test_another_host_is_refused_and_no_redirect_names_it(shop):
    bound = client_of(shop, hosts=("shop.example",))
    assert bound.get("/", headers={"Host": "shop.example:8000"}).status_code == 200
    for address in ("/", "/api/v1/items", "/static//shop.css"):
        assert bound.get(address, headers={"Host": "evil.example"}).status_code == 400
    assert client_of(shop).get("/static//shop.css", headers={"Host": "evil.example"}).status_code == 404


def test_a_method_that_is_none_is_told_which_are(client):
    for answer in (client.post("/"), client.delete("/api/v1/items")):
        assert answer.status_code == 405 and {"GET", "HEAD"} <= answer.allow


def test_health_names_report_and_version(client, shop):
    told = client.get("/healthz").get_json()
    assert told["report"] == shop.version and re.fullmatch(r"\d+\.\d+\.\d+.*", told["version"])


def test_a_logo_is_the_catalogues_own(shop, tmp_path, monkeypatch):
    assert client_of(shop).get("/logo").status_code == 404
    path = tmp_path / "logo.svg"
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    fresh = replace(shop)
    monkeypatch.setitem(shop.study.__dict__, "definition", replace(shop.study.definition, logo=path))
    client = client_of(fresh)
    assert client.get("/logo").mimetype == "image/svg+xml" and 'src="/logo?v=' in text_of(client, "/")
