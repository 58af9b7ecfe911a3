"""A photo's results have an address: the same results, nothing of the photo but a vector, and no way to abuse it."""

import base64
import io
import re
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pytest

from fashion.web import photo_links
from fashion.web.app import create_app
from fashion.web.reload import Window
from fashion.web.security import Buckets

pytestmark = pytest.mark.slow  # by the report that it is about


@pytest.fixture(scope="module")
def shop(work):
    return Window(work, warm=False).shop()


@pytest.fixture(scope="module")
def client(shop):
    return create_app(type("Still", (), {"shop": lambda self: shop})(), Buckets(size=1000)).test_client()


def send(client, shop, row=5, **more):
    data = {"photo": (io.BytesIO(shop.photo(row)), "x.jpg"), **more}
    return client.post("/look", data=data).get_data(as_text=True)


def address_of(page):
    return re.search(r'data-address="([^"]+)"', page).group(1).replace("&amp;", "&")


def chips(page):
    """The words that the page says the photo shows."""
    return re.findall(r"<option selected>([^<]+)</option>", page)


def results(page):
    return re.findall(r'<a href="(/item\?id=[^"&]+)[^"]*">', page), re.findall(r'class="why">([^<]*)<', page)


@pytest.mark.parametrize("more", [{}, {"words": "blue"}, {"hide": "1", "colour_weight": "0.9"}])
def test_the_address_gives_the_same_results(client, shop, more):
    page = send(client, shop, **more)
    address = address_of(page)
    again = client.get(address)
    assert again.status_code == 200 and len(address) < 2_000
    assert results(again.get_data(as_text=True)) == results(page) and len(results(page)[0]) == 6
    assert address_of(again.get_data(as_text=True)) == address
    asked = more.get("words", "")
    row = shop.items.iloc[5]
    assert chips(again.get_data(as_text=True)) == chips(page) == [row["colour"], row["category"]]
    assert (f"You asked for: <bdi>{asked}</bdi>." in page) == bool(asked)


def test_nothing_of_the_photo_is_in_the_address(client, shop):
    pairs = dict(parse_qsl(address_of(send(client, shop)).split("?", 1)[1]))
    assert set(pairs) <= {"seen", "of", "seen_colour", "seen_category", "near_duplicate"}
    data = base64.urlsafe_b64decode(pairs["seen"] + "==")
    assert len(data) == 2 * shop.recommender.layout.width
    again = client.get("/look?" + urlencode(pairs)).get_data(as_text=True)
    assert "data:image" not in again and 'src=""' not in again
    assert re.search(r'id="mine" hidden alt="Your photo"', again)


def test_the_sliders_move_the_results(client, shop):
    row = int(np.flatnonzero((shop.items["colour"] == "green") & (shop.items["category"] == "dress"))[0])
    address = address_of(send(client, shop, row))
    by = [f"{address}&looks_weight=0&colour_weight={weight}" for weight in (0, 1)] + [f"{address}&looks_weight=1"]
    kind, colour, looks = (results(client.get(way).get_data(as_text=True)) for way in by)
    assert kind != colour and looks not in (kind, colour)


def test_near_duplicates_of_the_photo_are_hidden(client, shop):
    page = send(client, shop)
    pairs = parse_qsl(address_of(page).split("?", 1)[1])
    twins = {value for name, value in pairs if name == "near_duplicate"}
    assert shop.items["item"].iloc[5] in twins
    shown = results(client.get("/look?" + urlencode([*pairs, ("hide", "1")])).get_data(as_text=True))[0]
    assert len(shown) == 6 and not {f"/item?id={name}" for name in twins} & set(shown)


def test_what_was_recognised_can_be_corrected_and_removed_without_the_photo(client, shop):
    address = address_of(send(client, shop))
    colour, kind = chips(client.get(address).get_data(as_text=True))
    other = next(word for word in shop.recommender.layout.categories if word != kind)
    page = client.get(f"{address}&{urlencode({'as_category': other})}").get_data(as_text=True)
    assert chips(page) == [colour, other] and chips(client.get(address_of(page)).get_data(as_text=True)) == [
        colour,
        other,
    ]
    shown = [shop.items["category"].iloc[shop.rows[link.split("=")[1]]] for link in results(page)[0]]
    assert shown == [other] * 6, "the visitor's word stands in the place of the network's"
    assert results(client.get(address_of(page)).get_data(as_text=True)) == results(page)
    without = re.search(rf'<a href="([^"]+)"[^>]*aria-label="Remove {colour}"', page).group(1).replace("&amp;", "&")
    page = client.get(without).get_data(as_text=True)
    assert chips(page) == [other] and 'class="chip open"' in page and "as_colour=%2A" in address_of(page)
    third = next(word for word in shop.recommender.layout.categories if word not in (kind, other))
    page = client.get(f"{address}&{urlencode({'as_category': other, 'words': third})}").get_data(as_text=True)
    shown = {shop.items["category"].iloc[shop.rows[link.split("=")[1]]] for link in results(page)[0]}
    assert shown == {third}, "words change what was recognised, corrected or not"
    assert client.get(f"{address}&as_colour=nonsense").status_code == 400
    written = [client.get(f"{address}&as_category={word}").data for word in (other, other.upper())]
    assert results(written[0].decode()) == results(written[1].decode())
    assert "; near: " in client.get(f"{address}&as_category={other[:-1]}x").get_data(as_text=True)


def test_words_that_mean_nothing_are_named_and_change_nothing(client, shop):
    pairs = dict(parse_qsl(address_of(send(client, shop)).split("?", 1)[1]))
    plain = client.get("/look?" + urlencode(pairs)).get_data(as_text=True)
    told = client.get("/look?" + urlencode(pairs | {"words": "qwertz " * 60})).get_data(as_text=True)
    assert "ignored: <bdi>qwertz</bdi>" in told and results(told) == results(plain)


@pytest.mark.parametrize(
    "change",
    [{"seen": ""}, {"seen": "AAAA"}, {"seen": "é~%"}, {"of": "another"}, {"of": ""}, {"seen_colour": "<script>"},
     {"seen_category": "nonsense"}, {"colour_weight": "7"}, {"like": "nobody"}],
)  # fmt: skip
def test_addresses_that_are_none_are_400(client, shop, change):
    pairs = dict(parse_qsl(address_of(send(client, shop)).split("?", 1)[1]))
    answer = client.get("/look?" + urlencode(pairs | change))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 400 and "<script>" not in text and 'role="alert"' in text


@pytest.mark.parametrize("numbers", [np.nan, np.inf, 1e4, 0.0])
def test_numbers_that_no_photo_has_are_400(client, shop, numbers):
    data = np.full(shop.recommender.layout.width, numbers, "<f2").tobytes()
    pairs = {"seen": base64.urlsafe_b64encode(data).decode(), "of": photo_links.network_of(shop)}
    assert client.get("/look?" + urlencode(pairs)).status_code == 400


def test_a_photo_taken_with_the_camera_counts_and_an_empty_form_is_said(client, shop):
    data = {"photo": (io.BytesIO(b""), ""), "camera": (io.BytesIO(shop.photo(5)), "x.jpg")}
    assert "Similar to your photo" in client.post("/look", data=data).get_data(as_text=True)
    empty = client.post("/look", data={"photo": (io.BytesIO(b""), "")})
    assert empty.status_code == 400 and "found an empty file" in empty.get_data(as_text=True)
