"""Photos by address: from a hostile server on this machine to the disk, once."""

import http.server
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from conftest import draw, jpeg
from loopback import closed_address, serve
from photo_errors import bad_photo

from fashion.catalogue import addresses, fetching
from fashion.catalogue.addresses import DownloadRules, Downloads, is_address
from fashion.catalogue.definition import load_catalogue, open_catalogue
from fashion.catalogue.fetching import Answer, Asker, HostTurns, is_public
from fashion.catalogue.source import open_source
from fashion.catalogue.table import read_table
from fashion.cli.main import main
from fashion.core.errors import CatalogueError, PhotoError
from fashion.report import steps

PHOTO = jpeg(draw("VESTITO", (200, 30, 30), 1))
RULES = DownloadRules(private_network=True, pause=0, photo_megabytes=0.5)


class Shop(http.server.BaseHTTPRequestHandler):
    """A server with every fault; `asked` counts its answers, `sent` its bytes."""

    protocol_version = "HTTP/1.1"
    asked: Counter[str]
    sent: Counter[str]
    other = ""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        name = self.path.strip("/").split(".")[0]
        self.asked[self.path] += 1
        try:
            getattr(self, f"_{name.rstrip('0123456789')}", self._photo)()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for key, value in ({"Content-Length": len(body), "Content-Type": "image/jpeg"} | headers).items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()
        self._send(body)

    def _send(self, body):
        self.wfile.write(body)
        self.sent[self.path] += len(body)

    def _photo(self):
        self._answer(body=PHOTO + self.path.encode())  # each its own content

    def _same(self):
        self._answer(body=PHOTO)

    def _gone(self):
        self._answer(404)

    def _page(self):
        self._answer(body=b"  <!DOCTYPE html><html>Please log in</html>")

    def _liar(self):
        self._answer(body=PHOTO, Content_Type="text/html")

    def _empty(self):
        self._answer()

    def _busy(self):
        busy = self.asked[self.path] == 1
        self._answer(429 if busy else 200, b"" if busy else PHOTO, **({"Retry_After": "1"} if busy else {}))

    def _tired(self):
        self._answer(503, Retry_After="86400")

    def _broken(self):
        """Breaks off in the middle, and not the second time."""
        if self.asked[self.path] > 1:
            return self._photo()
        self.send_response(200)
        self.send_header("Content-Length", str(len(PHOTO)))
        self.end_headers()
        self._send(PHOTO[:500])
        self.close_connection = True

    def _gigabytes(self):
        """Ten gigabytes, announced; sent as long as somebody reads."""
        self.send_response(200)
        self.send_header("Content-Length", str(10**10))
        self.end_headers()
        self._endless()

    def _unannounced(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self._endless()

    def _endless(self):
        self._send(PHOTO)
        for _ in range(10_000):
            self._send(bytes(10**6))

    def _slow(self):
        """A byte now and then, for an hour."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for byte in PHOTO[:3600]:
            self._send(bytes([byte]))
            time.sleep(0.05)

    def _hesitant(self):
        """Its very headers do not end."""
        for _ in range(3600):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def _moved(self):
        self._answer(302, Location="/photo99.jpg")

    def _loop(self):
        self._answer(301, body=bytes(10**6), Location=self.path)

    def _away(self):
        self._answer(307, Location=self.other)


@pytest.fixture(scope="module")
def server():
    with serve(Shop) as address:
        yield address


@pytest.fixture
def shop(server, monkeypatch):
    """The running server: its address, and what it was asked and has sent."""
    monkeypatch.setattr(fetching, "BACK_OFF", 0.01)
    counts = {"asked": Counter(), "sent": Counter()}
    for name, count in counts.items():
        monkeypatch.setattr(Shop, name, count, raising=False)
    return SimpleNamespace(address=server, **counts)


def problem_of(downloads, address):
    with pytest.raises(PhotoError) as error:
        downloads.read(address)
    return error.value.problem


def test_each_photo_is_asked_for_once_and_each_fault_told(shop, tmp_path):
    names = {
        "gone.jpg": "404", "page.jpg": r"not a photo but a page \(HTML\)", "empty.jpg": "not a photo but nothing",
        "gigabytes.jpg": "larger than 0.5 MB", "unannounced.jpg": "larger than 0.5 MB",
        "loop.jpg": "redirected more than 5",
    }  # fmt: skip
    good = [f"{shop.address}/{name}" for name in ("photo1.jpg", "liar.jpg", "busy.jpg", "broken.jpg", "moved.jpg")]
    bad = {f"{shop.address}/{name}": said for name, said in names.items()}
    begin = time.monotonic()
    Downloads(tmp_path, RULES).fetch([*good, *bad, good[0]], progress=False)
    assert 1 <= time.monotonic() - begin < 60, "Retry-After is a second"
    again = Downloads(tmp_path, RULES)  # from the disk
    assert again.read(good[0]) == PHOTO + b"/photo1.jpg" and again.read(good[1]) == again.read(good[2]) == PHOTO
    assert again.read(good[4]) == PHOTO + b"/photo99.jpg"
    for address, said in bad.items():
        assert re.search(said, problem_of(again, address))
        assert problem_of(again, address).startswith(f"dead address: {address}: ")
    assert shop.sent["/gigabytes.jpg"] < 5e6 and shop.sent["/unannounced.jpg"] < 2e7
    assert shop.asked["/photo1.jpg"] == 1 and shop.asked["/busy.jpg"] == shop.asked["/broken.jpg"] == 2
    before = shop.asked.total()
    again.fetch([*good, *bad], progress=False)
    assert shop.asked.total() == before, "a second run asks nothing"
    again.fetch(bad, again=True, progress=False)
    assert shop.asked["/gone.jpg"] == 2


def test_a_slow_host_ends_in_time(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "WHOLE", 2.0)  # the good photo's limit, too
    monkeypatch.setattr(fetching, "TRIES", 1)
    begin = time.monotonic()
    downloads = Downloads(tmp_path, RULES)
    slow = [f"{shop.address}/slow.jpg", f"{shop.address}/hesitant.jpg"]
    downloads.fetch([*slow, f"{shop.address}/photo.jpg"], progress=False)
    assert time.monotonic() - begin < 60 and downloads.signature(f"{shop.address}/photo.jpg")
    assert all("the request failed" in downloads.problem(address) for address in slow)


def test_a_host_that_wants_rest_is_given_up(shop, tmp_path, monkeypatch):
    downloads = Downloads(tmp_path, DownloadRules(private_network=True, pause=0, at_once=1))
    addresses = [f"{shop.address}/tired{n}.jpg" for n in range(50)]
    downloads.fetch(addresses, progress=False)
    assert shop.asked.total() == 1 and "503" in downloads.problem(addresses[0])
    assert "given up after: the host answers 503" in downloads.problem(addresses[49])
    monkeypatch.setattr(Shop, "_tired", Shop._photo)
    Downloads(tmp_path, RULES).fetch(addresses, progress=False)  # what may pass is asked in the next run
    assert all(map(Downloads(tmp_path).signature, addresses))


def test_a_closed_host_is_given_up_after_some_failures(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "BACK_OFF", 0.001)
    base, asked, ask = closed_address(""), [], Asker.ask
    monkeypatch.setattr(Asker, "ask", lambda self, address: asked.append(address) or ask(self, address))
    downloads = Downloads(tmp_path, RULES)
    downloads.fetch([f"{base}/{n}.jpg" for n in range(500)], progress=False)
    assert len(asked) < 40 and "refused" in downloads.problem(asked[0]).lower()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
def test_a_private_network_is_not_asked(shop, host, tmp_path):
    port = shop.address.rsplit(":", 1)[1]
    answer = Asker(DownloadRules()).ask(f"http://{host}:{port}/photo.jpg")
    assert "on a private network" in answer.problem and "private_network = true" in answer.problem
    assert not answer.lasting and not answer.passing, "it is asked once the user allows it"
    assert not shop.asked


def test_nor_by_a_redirect_or_a_name_that_turns(shop, monkeypatch):
    """The first answer for a name is public, every later one private: the connection goes to what was checked."""
    asked, connected, real = [], [], socket.getaddrinfo

    def lookup(host, port, *rest, **more):
        if host == "shop.example":
            asked.append(host)
            place = "203.0.113.9" if len(asked) == 1 else "127.0.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port))]
        if host == "203.0.113.9":  # what was checked; this machine stands for it
            connected.append(host)
            return real("127.0.0.1", port, *rest, **more)
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(fetching, "is_public", lambda address: address == "203.0.113.9")
    port, asker = shop.address.rsplit(":", 1)[1], Asker(DownloadRules())
    assert asker.ask(f"http://shop.example:{port}/photo.jpg").data
    assert asker.ask(f"http://shop.example:{port}/photo1.jpg").data and asked == ["shop.example"]
    assert connected
    for other in (f"http://127.0.0.1:{port}/photo.jpg", f"//[::1]:{port}/photo.jpg", "file:///etc/passwd", "ftp://x/"):
        monkeypatch.setattr(Shop, "other", other)
        before = shop.asked.total()
        answer = asker.ask(f"http://shop.example:{port}/away.jpg")
        assert not answer.data and ("private network" in answer.problem or "not a web address" in answer.problem)
        assert shop.asked.total() == before + 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True), ("::ffff:93.184.215.14", True),
        ("64:ff9b::5db8:d70e", True), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("100.64.0.1", False), ("169.254.169.254", False), ("0.0.0.0", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("::", False), ("::1", False), ("fe80::1", False), ("fc00::1", False),
        ("ff02::1", False), ("::ffff:10.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
        ("::ffff:169.254.169.254", False), ("fe80::1%2", False),
    ],
)  # fmt: skip
def test_which_networks_are_public(address, public):
    assert is_public(address) == public


def test_an_interrupt_loses_nothing(shop, tmp_path):
    """As Ctrl-C in the middle: what was settled is there, and the next run asks only for the rest."""
    wanted = [f"{shop.address}/photo{n}.jpg" for n in range(40)]
    downloads, keep = Downloads(tmp_path, DownloadRules(private_network=True, pause=0, at_once=2)), Downloads._keep

    def interrupted(self, *given):
        keep(self, *given)
        if len(self._kept) == 15:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Downloads, "_keep", interrupted)
        downloads.fetch(wanted, progress=False)
    index = tmp_path / "index.jsonl"
    index.write_text(index.read_text() + '{"address": "http://cut', encoding="utf-8")  # as by a kill
    there = [address for address in wanted if Downloads(tmp_path).signature(address)]
    assert len(there) == 14
    shop.asked.clear()
    Downloads(tmp_path, RULES).fetch(wanted, progress=False)
    assert shop.asked.total() == 26 and all(map(Downloads(tmp_path).signature, wanted))


def test_all_photos_together_are_bounded(shop, tmp_path):
    wanted = [f"{shop.address}/photo{n}.jpg" for n in range(20)]
    small = DownloadRules(private_network=True, pause=0, gigabytes=5 * len(PHOTO) / 1e9)
    with pytest.raises(CatalogueError, match=r"in all; found more, after [34] of 20 .*Raise `gigabytes`"):
        Downloads(tmp_path, small).fetch(wanted, progress=False)
    assert sum(path.stat().st_size for path in tmp_path.glob("??/*")) <= 5 * len(PHOTO)
    shared = Downloads(tmp_path / "shared", small)
    shared.fetch([f"{shop.address}/same{n}.jpg" for n in range(20)], progress=False)
    assert len(list(shared.folder.glob("??/*"))) == 1, "one content under many addresses counts once"


def test_a_damaged_file_is_downloaded_again_and_the_state_is_by_content(shop, tmp_path):
    address, downloads = f"{shop.address}/photo.jpg", Downloads(tmp_path / "one", RULES)
    assert downloads.state() == ""
    downloads.fetch([address], progress=False)
    state = downloads.state()
    other = Downloads(tmp_path / "other", RULES)
    other.fetch([address], progress=False)
    assert other.state() == state != ""
    (file,) = (tmp_path / "one").glob("??/*")
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with bad_photo("was damaged and is removed"):
        Downloads(tmp_path / "one").read(address)
    assert Downloads(tmp_path / "one").state() != state
    downloads.fetch([address], progress=False)
    assert downloads.read(address) and downloads.state() == state


def test_hosts_take_turns_with_a_pause():
    waited = []
    for _ in range(3):  # the machine may be busy at one of them
        turns = HostTurns([*(f"http://a/{n}" for n in range(4)), "http://b/1"], DownloadRules(pause=0.05))
        begin, order, times = time.monotonic(), [], []
        while (address := turns.take()) is not None:
            order.append(address)
            times.append(time.monotonic() - begin)
            turns.answered(address, Answer(b"photo"))
        assert sorted(order[:2]) == ["http://a/0", "http://b/1"] and len(order) == 5 and times[-1] >= 0.15
        waited.append(times[1])
    assert min(waited) < 0.05


def test_photos_come_eight_at_a_time(shop, tmp_path, monkeypatch):
    waiting, most, lock, photo_of = [], [], threading.Lock(), Shop._photo

    def photo(self):
        with lock:
            waiting.append(self.path)
            most.append(len(waiting))
        time.sleep(0.05)
        with lock:
            waiting.remove(self.path)
        photo_of(self)

    monkeypatch.setattr(Shop, "_photo", photo)
    Downloads(tmp_path, RULES).fetch([f"{shop.address}/photo{n}.jpg" for n in range(24)], progress=False)
    assert 2 <= max(most) <= 8


TOML = """
name = "by-address"
title = "Shop"
[source]
data = "clothes"
table = "items.csv"
photos = "{Image Src}"
[downloads]
private_network = true
pause = 0
[columns]
item = "Handle"
category = "Type"
"""


def test_from_a_table_to_photos(shop, tmp_path, monkeypatch):
    """The catalogue's name names the folder; rows with dead addresses are known by their reason."""
    monkeypatch.setattr("fashion.catalogue.definition.downloads_folder", lambda name: tmp_path / "raw" / name)
    (tmp_path / "clothes").mkdir()
    lines = [f"a,dress,{shop.address}/photo1.jpg?v=1", f"b,dress,{shop.address}/gone.jpg", "c,dress,images/c.jpg"]
    (tmp_path / "clothes/items.csv").write_text("\n".join(["Handle,Type,Image Src", *lines]), encoding="utf-8")
    (tmp_path / "mine.toml").write_text(TOML, encoding="utf-8")
    catalogue = load_catalogue(tmp_path / "mine.toml")
    assert catalogue.downloads == DownloadRules(private_network=True, pause=0)
    source = open_catalogue(catalogue)
    rows, _ = read_table(catalogue, source)
    assert rows["photo"].tolist() == [line.split(",")[2] for line in lines]
    source.fetch(rows["photo"], progress=False)
    assert source.read(rows["photo"][0]) == PHOTO + b"/photo1.jpg?v=1"
    assert source.signature(rows["photo"][0]) and not source.signature(rows["photo"][1])
    with bad_photo("too large"):
        source.read(rows["photo"][0], 10)
    for photo, said in zip(rows["photo"][1:], ("dead address: .*404", "missing"), strict=True):
        with bad_photo(said):
            source.read(photo)
    line = json.loads((tmp_path / "raw/by-address/dead.jsonl").read_text())
    assert line == {"address": f"{shop.address}/gone.jpg", "problem": "the host answers 404 Not Found", "lasting": True}
    with bad_photo("not known here"):
        open_source(tmp_path / "clothes", "items.csv").read(rows["photo"][0])


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("pause = -1", r"`pause` in \[downloads\] .* from 0 to 60; found -1\. Give seconds"),
        ("pause = nan", "from 0 to 60; found nan"),
        ('at_once = "8"', "a whole number; found '8'"),
        ("at_once = 1000", "from 1 to 64; found 1000"),
        ('private_network = "yes"', "true or false; found 'yes'"),
        ("gigabyte = 1", r"unknown key 'gigabyte'\. Did you mean gigabytes"),
    ],
)
def test_rules_in_the_toml_are_checked(tmp_path, line, complaint):
    text = TOML.replace("private_network = true\npause = 0", line)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError, match=complaint):
        load_catalogue(tmp_path / "mine.toml")


def test_a_secure_host_is_known_by_its_name(shop, tmp_path, monkeypatch):
    """The connection goes to an IP, the certificate is checked against the host's name."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example", "-keyout", key,
         "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setattr("requests.certs.where", lambda: str(certificate))
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: real(host.replace("shop.example", "127.0.0.1"), *rest, **more),
    )
    with serve(Shop, context) as address:
        asker, port = Asker(RULES), address.rsplit(":", 1)[1]
        assert asker.ask(f"https://shop.example:{port}/photo.jpg").data.startswith(PHOTO)
        other = asker.ask(f"https://127.0.0.1:{port}/photo.jpg")
        assert not other.data and "doesn't match 'shop.example'" in other.problem


def test_a_name_that_nobody_answers_for_is_given_up_in_time(monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(fetching, "LOOK_UP", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(60))
    begin = time.monotonic()
    answer = Asker(DownloadRules()).ask("http://shop.example/photo.jpg")
    assert answer.passing and "shop.example was not looked up within 0.05 s" in answer.problem
    assert time.monotonic() - begin < 30
    never.set()


def test_a_report_is_stale_by_what_was_downloaded(shop, tmp_path, monkeypatch):
    """Photos that notebook 01 downloads do not make it run twice; one that is gone makes it run again."""
    for module in ("catalogue.definition", "report.steps"):
        monkeypatch.setattr(f"fashion.{module}.downloads_folder", lambda name: tmp_path / "clothes/photos")
    (tmp_path / "clothes").mkdir()
    (tmp_path / "clothes/items.csv").write_text(f"Handle,Type,Image Src\na,dress,{shop.address}/photo.jpg\n")
    (tmp_path / "mine.toml").write_text(TOML, encoding="utf-8")
    work = steps.Workspace("by-address", tmp_path / "p", tmp_path / "r")
    settings = steps.Settings(catalogue=str(tmp_path / "mine.toml"), backbone="efficientnet-lite0")
    before = steps.step_key(work, steps.STEPS[0], settings)
    source = open_catalogue(load_catalogue(tmp_path / "mine.toml"))
    source.fetch([f"{shop.address}/photo.jpg"], progress=False)
    after = steps.key_after(before, work)
    assert after == steps.step_key(work, steps.STEPS[0], settings) == steps.key_after(after, work) != before
    (file,) = (tmp_path / "clothes/photos").glob("??/*")
    file.unlink()
    assert steps.step_key(work, steps.STEPS[0], settings) == before


def test_data_downloads_and_says_what_failed(shop, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("fashion.catalogue.definition.downloads_folder", lambda name: tmp_path / "raw" / name)
    (tmp_path / "clothes").mkdir()
    lines = [f"i{n},dress,{shop.address}/photo{n}.jpg" for n in range(30)] + [f"dead,dress,{shop.address}/gone.jpg"]
    (tmp_path / "clothes/items.csv").write_text("\n".join(["Handle,Type,Image Src", *lines]), encoding="utf-8")
    (tmp_path / "mine.toml").write_text(TOML, encoding="utf-8")
    assert main(["data", "-c", str(tmp_path / "mine.toml")]) == 0
    said = capsys.readouterr().out
    assert "photos  31 of 31 are web addresses" in said and "opened  20 of the photos: 20 are whole" in said
    assert "on disk 20 of 31 photos by address" in said and shop.asked.total() == 20
    assert main(["data", "-c", str(tmp_path / "mine.toml"), "--download"]) == 0
    said = capsys.readouterr().out
    assert (
        "on disk 30 of 31" in said and f"dead    1 of them, e.g. {shop.address}/gone.jpg: the host answers 404" in said
    )
    assert shop.asked.total() == 31


def test_what_an_address_is():
    assert is_address("https://shop/1.jpg") and is_address("HTTP://shop/1.jpg")
    assert not is_address("images/http.jpg") and not is_address("https.jpg")
    assert addresses.downloads_folder("mine").parts[-4:] == ("data", "raw", "mine", "photos")


def test_two_runs_at_once_ask_for_each_photo_once(shop, tmp_path):
    wanted = [f"{shop.address}/photo{n}.jpg" for n in range(30)]
    runs = [Downloads(tmp_path, RULES) for _ in range(2)]
    threads = [threading.Thread(target=run.fetch, args=(wanted,), kwargs={"progress": False}) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shop.asked.total() == 30 and all(run.signature(address) for run in runs for address in wanted)
