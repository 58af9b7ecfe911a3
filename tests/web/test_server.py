"""How the shop window is served: bounds before a body is read, compression, what browsers keep, what is unavailable."""

import gzip
import io
import re
import threading

import pytest
from loopback import exchange

from fashion.core.errors import WeightsError
from fashion.core.locking import only_one
from fashion.web import shop as shops
from fashion.web.app import create_app
from fashion.web.reload import Window
from fashion.web.security import HEADERS, Buckets
from fashion.web.server import make_server
from fashion.web.uploads import MOST_BYTES

pytestmark = pytest.mark.slow  # by the report that it is about


@pytest.fixture(scope="module")
def window(work):
    return Window(work, warm=False)


@pytest.fixture(scope="module")
def client(window):
    return create_app(window, Buckets(size=1000)).test_client()


@pytest.fixture(scope="module")
def port(window):
    server = make_server(create_app(window), threads=2)
    threading.Thread(target=server.run, daemon=True).start()
    yield server.effective_port
    server.close()


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
     b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\n\r\n",
     b"POST /look HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
)  # fmt: skip
def test_what_is_no_request_is_refused_without_a_word_of_the_program(port, data):
    answered = exchange(port, data)
    assert re.match(rb"HTTP/1\.[01] 4\d\d ", answered) if b"\r\n" in data else not answered
    assert b"Traceback" not in answered and b"waitress" not in answered.split(b"\r\n\r\n")[0].lower()


def test_too_large_a_body_is_refused_by_its_length(port):
    head = f"POST /look HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST_BYTES * 100}\r\n\r\n".encode()
    assert exchange(port, head + b"x" * 100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("kind", "body"),
    [("multipart/form-data", b"x"), ("multipart/form-data; boundary=a", b"--a\r\nno\r\n"),
     ("multipart/form-data; boundary=", b"--\r\n"), ("text/plain", b"photo=1"), ("", b""),
     ("application/x-www-form-urlencoded", b"photo=%ff%fe&words=%00"), ("multipart/mixed; boundary=a", b"--a--"),
     ("multipart/form-data; boundary=a", b"".join(
         b'--a\r\nContent-Disposition: form-data; name="p%d"\r\n\r\nx\r\n' % n for n in range(300)) + b"--a--\r\n")],
)  # fmt: skip
def test_forms_that_are_none_are_refused(client, kind, body):
    for path in ("/look", "/api/v1/similar-to-photo"):
        answer = client.post(path, data=body, content_type=kind)
        assert 400 <= answer.status_code < 500 and "Traceback" not in answer.get_data(as_text=True)
        assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_text_is_compressed_for_who_takes_it(client):
    for path in ("/", "/api/v1/items", "/static/shop.css"):
        plain = client.get(path)
        packed = client.get(path, headers={"Accept-Encoding": "gzip, br"})
        assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
        assert gzip.decompress(packed.data) == plain.data and len(packed.data) < len(plain.data) / 2
        assert "Accept-Encoding" in plain.headers["Vary"] and "Accept-Encoding" in packed.headers["Vary"]
        assert packed.headers.get("ETag", "a") != plain.headers.get("ETag", "b")
    for tag in (packed.headers["ETag"], plain.headers["ETag"]):  # of the style: whichever form the browser has
        again = client.get("/static/shop.css", headers={"If-None-Match": tag, "Accept-Encoding": "gzip"})
        assert again.status_code == 304 and not again.data
    assert "Content-Encoding" not in client.get("/healthz", headers={"Accept-Encoding": "gzip"}).headers, "tiny"
    photo = client.get("/api/v1/items").get_json()["items"][0]["photo"]
    assert "Content-Encoding" not in client.get(photo, headers={"Accept-Encoding": "gzip"}).headers


def test_static_files_are_kept_under_names_of_their_content(client):
    (style,) = re.findall(r'href="(/static/shop\.css\?v=\w+)"', client.get("/").get_data(as_text=True))
    scripts = re.findall(r'src="(/(?:static|drawing)/map[\w-]*\.js\?v=\w+)"', client.get("/map").get_data(as_text=True))
    assert [script.split("/")[1] for script in scripts] == ["drawing", "drawing", "drawing", "static"]
    for address in (style, *scripts):
        assert "immutable" in client.get(address).headers["Cache-Control"]
    for other in ("/static/shop.css", "/static/shop.css?v=older", "/static/shop.css?v="):
        assert "immutable" not in client.get(other).headers.get("Cache-Control", ""), other


def test_the_map_travels_packed_and_is_packed_once(client, monkeypatch):
    plain, packed = (client.get("/api/v1/map", headers={"Accept-Encoding": kind}) for kind in ("identity", "gzip"))
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in plain.headers["Vary"] and "Accept-Encoding" in packed.headers["Vary"]
    monkeypatch.setattr(gzip, "compress", lambda *_, **__: pytest.fail("packed again"))
    assert client.get("/api/v1/map", headers={"Accept-Encoding": "gzip"}).data == packed.data


def send(client, work):
    data = next((work.processed.parents[1] / "clothes/images").glob("*AAF.jpg")).read_bytes()
    return client.post("/look", data={"photo": (io.BytesIO(data), "x.jpg")})


def test_networks_that_cannot_be_had_are_503_and_browsing_goes_on(work, monkeypatch):
    def none(*_):
        raise WeightsError("expected weights in /secret/place")

    monkeypatch.setattr("fashion.recommendation.photo_query.PhotoReader", none)
    window = Window(work, warm=True)  # warming them in vain is no failure
    client = create_app(window).test_client()
    answer = send(client, work)
    assert answer.status_code == 503 and "secret" not in answer.get_data(as_text=True)
    problem = client.post("/api/v1/similar-to-photo", data=b"", content_type="image/jpeg")
    assert problem.status_code == 400 and client.get("/").status_code == 200


def test_networks_of_a_report_that_is_being_replaced_are_not_taken(work):
    window = Window(work, warm=False)
    client = create_app(window).test_client()
    with only_one(work):
        assert send(client, work).status_code == 503
    assert send(client, work).status_code == 200


def test_a_request_is_answered_from_one_shop(work, monkeypatch):
    shown = []

    class Changing:
        def shop(self):
            shown.append(shops.open_shop(work))
            return shown[-1]

    client = create_app(Changing()).test_client()
    for path in ("/", "/?q=qwertz", "/look", "/nowhere", "/map", "/api/v1/items"):
        shown.clear()
        client.get(path)
        assert len(shown) == 1, path
