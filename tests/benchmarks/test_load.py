"""The shop window under load: what is counted, and a report exchanged meanwhile is shown whole or not at all."""

import http.server
import json
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
import shop_window
from loopback import serve

from benchmarks import page, served, swap
from benchmarks.__main__ import main
from benchmarks.load import MIXTURE, faults, growth, mixture, run, upload_body, uploads
from benchmarks.swap import MARK, copied, exchange_at, judge
from fashion.core.errors import FashionError
from fashion.web import reload

wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="needs Debian's wrk")


@pytest.mark.slow  # by the report that it is about
def test_a_report_exchanged_under_load_is_shown_whole_or_not_at_all(work, tmp_path, monkeypatch):
    monkeypatch.setattr(reload, "LOOK_AGAIN", 0.05)
    copy = copied(work, tmp_path)
    names = copy.items()["item"].head(6).tolist()
    with shop_window.served(copy) as address:
        found = exchange_at(address, copy, names, wait=0.5)
        assert swap.fetch(f"{address}/api/v1/item?id={MARK}{names[0]}")[0] == 200
    assert found["old"] >= 20 and found["new"] >= 5 and found["old"] + found["new"] == found["answers"]
    assert found["neither"] == found["too_early"] == found["back"] == found["failed"] == 0
    assert work.items()["item"].head(6).tolist() == names, "the report that was copied has changed"


def test_answers_are_judged():
    before, after = {"/a": (200, b"old"), "/b": (404, b"no")}, {"/a": (200, b"new"), "/b": (200, b"yes")}
    one = [
        ("/a", 1.0, 0.1, (200, b"old")), ("/b", 2.0, 0.1, (200, b"yes")), ("/a", 3.0, 0.1, (200, b"old")),
        ("/a", 4.0, 0.7, (500, b"oh")), ("/a", 5.0, 0.1, (200, b"new")),
    ]  # fmt: skip
    found = judge([one, [("/b", 9.0, 0.2, (404, b"no"))]], before, after, whole_at=2.5)
    assert found == {
        "answers": 6, "old": 3, "new": 2, "neither": 1, "too_early": 1, "back": 1, "failed": 1, "slowest": 0.7
    }  # fmt: skip


def test_growth_is_from_the_first_to_the_last_tenth():
    found = growth([(float(at), 1000 + 10 * at) for at in range(100)])
    assert found["first"] == 1045 and found["last"] == 1945 and found["most"] == 1990
    assert found["growth"] == pytest.approx(900 / 1045) and growth([(0.0, 5)])["growth"] == 0


def test_mixed_load_has_its_shares():
    kinds = {kind: [f"GET /{kind}"] for kind in MIXTURE}
    counted = Counter(mixture(kinds, 20_000))
    assert {kind: counted[f"GET /{kind}"] / 200 for kind in MIXTURE} == pytest.approx(MIXTURE, abs=1.5)
    assert sum(MIXTURE.values()) == 100 and set(mixture({"photo": ["p"], "search": []}, 50)) == {"p"}


def test_photos_are_sent_as_browsers_do(tmp_path):
    import cv2
    import numpy as np
    from werkzeug.test import EnvironBuilder
    from werkzeug.wrappers import Request

    small, large = uploads(tmp_path, 2)
    assert len(set(small)) == 2
    for line, shape in ((small[0], (600, 400, 3)), (large, (4000, 3000, 3))):
        _, path, body, kind = line.split(" ", 3)
        sent = Request(
            EnvironBuilder(path, method="POST", data=Path(body).read_bytes(), content_type=kind).get_environ()
        )
        data = sent.files["photo"].read()
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == shape
        assert upload_body(data) == Path(body).read_bytes()


@wrk
@pytest.mark.slow
def test_wrk_counts_answers_and_errors(work, tmp_path):
    with shop_window.served(work) as address:
        good = served.load(address, ["GET /healthz", "GET /api/v1/items"], 2, 1, tmp_path)
        bad = served.load(address, ["GET /nowhere", "GET /healthz"], 1, 1, tmp_path)
    assert good["requests"] > 20 and good["rate"] > 20 and sum(good["errors"].values()) == 0
    assert 0 < good["p50"] <= good["p99"] <= good["most"] < 5 and good["clients"] == 2
    assert abs(bad["errors"]["status"] - bad["requests"] / 2) <= 1


def test_without_wrk_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(served.shutil, "which", lambda _: None)
    with pytest.raises(FashionError, match="apt-get install wrk"):
        run({"quick": True, "catalogue": "sample"})


def test_a_shop_that_does_not_open_is_said(tmp_path):
    options = {"catalogue": "sample", "processed": tmp_path, "reports": tmp_path}
    with pytest.raises(FashionError, match="shop window to open"), served.served(options):
        pass


def test_no_answer_is_no_measurement(tmp_path, monkeypatch):
    errors = dict.fromkeys(("connect", "read", "write", "status", "timeout"), 0)
    none = {"requests": 0, "seconds": 1.0, "p50": 0.0, "p99": 0.0, "most": 0.0, "bytes": 0, "errors": errors}
    lengths = []

    def asked(address, lines, clients, seconds, folder):
        lengths.append(seconds)
        return dict(none) if seconds < served.TIMEOUT else none | {"requests": 4, "seconds": 8.0, "p50": 2e6}

    monkeypatch.setattr(served, "_asked", asked)
    found = served.load("http://127.0.0.1:9", ["GET /"], 2, 1.0, tmp_path)
    assert (found["rate"], found["p50"]) == (0.5, 2.0) and lengths[0] == 1.0 < served.TIMEOUT < lengths[1]
    monkeypatch.setattr(served, "_asked", lambda *given: dict(none))
    with pytest.raises(FashionError, match="expected an answer to GET /slow"):
        served.load("http://127.0.0.1:9", ["GET /slow"], 2, 1.0, tmp_path)


def test_the_first_upload_is_waited_for(tmp_path):
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(0.2)
            self.send_response(200 if self.path == "/up" else 400)
            self.end_headers()

        def log_message(self, *details):
            pass

    (tmp_path / "body").write_bytes(b"a photo")
    with serve(Handler) as address:
        shop = served.Served(address, 0, 0.0)
        assert shop.warm(f"POST /up {tmp_path / 'body'} multipart/form-data; boundary=b") >= 0.2
        assert got == [("multipart/form-data; boundary=b", b"a photo")]
        with pytest.raises(FashionError, match="400"):
            shop.warm(f"POST /no {tmp_path / 'body'} multipart/form-data; boundary=b")


@pytest.fixture
def found():
    errors = dict.fromkeys(("connect", "read", "write", "status", "timeout"), 0)
    one = {
        "requests": 900,
        "seconds": 10.0,
        "rate": 90.0,
        "p50": 0.01,
        "p99": 0.02,
        "most": 0.03,
        "processor": 0.008,
        "errors": errors,
    }
    memory = {"first": 2.0**30, "last": 2.0**30 * 1.01, "most": 2.0**30 * 1.02, "growth": 0.01}
    return {
        "catalogue": "Sample", "items": 900, "start_seconds": 4.0, "busy_before": 0.1,
        "ways": [one | {"way": way, "clients": clients} for way in ("item page", "upload") for clients in (1, 64)],
        "mixed": one | {"clients": 16, "mixture": MIXTURE, "memory": memory | {"noted": [[0, 2**30], [9, 2**30]]}},
        "swap": {"answers": 90, "old": 60, "new": 30, "neither": 0, "too_early": 0, "back": 0, "failed": 0,
                 "slowest": 0.4, "shown_after": 3.0, "clients": 8},
    }  # fmt: skip


def test_errors_and_growth_end_the_command_after_all_is_written(found, tmp_path, monkeypatch, capsys):
    assert faults(found) == []
    found["ways"][0] |= {"errors": found["ways"][0]["errors"] | {"status": 3}}
    found["mixed"]["memory"]["growth"] = 0.11
    found["swap"]["neither"] = 1

    def spawn(part, options, out):
        out.write_text(json.dumps(found))
        return 0

    monkeypatch.setattr("benchmarks.processes.spawn", spawn)
    assert main(["--only", "load", "--reports", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "item page, 1 clients: 3 errors of 900 answers" in said and "grew by 11%" in said and "'neither': 1" in said
    assert json.loads((tmp_path / "bench/load.json").read_text())["items"] == 900
    assert main(["--only", "load", "--quick", "--reports", str(tmp_path)]) == 0


def test_the_page_tells_it_all(found, tmp_path):
    text = page.load(found)
    assert "| item page | 64 | 90.0 | 10.0 | 20.0 | 8.0 | 0 |" in text and "(+1%)" in text and "0 neither's" in text
    from benchmarks.figures import draw

    (path,) = draw("load", found, tmp_path)
    assert path.stat().st_size > 10_000
