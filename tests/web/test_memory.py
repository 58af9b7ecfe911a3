"""Uploads that unpack to much: a server's own process, its resident memory before and after."""

import http.client
import re
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

#: The real server, with the real way of a photo from its bytes to what the networks see.
SERVER = """
from flask import Flask, Response, request
from fashion.photos.measures import measure
from fashion.core.errors import PhotoError
from fashion.web.app import InMemory
from fashion.web.security import NotNow
from fashion.web.server import make_server
from fashion.web.uploads import as_address, open_upload

app = Flask("memory")
app.request_class = InMemory

@app.post("/look")
def look():
    try:
        photo = open_upload(request.get_data(cache=False))
    except PhotoError as error:
        return str(error), 400
    except NotNow as error:
        return Response(str(error), error.status, {"Retry-After": str(error.seconds)})
    return measure(photo)["phash"] + as_address(photo)

server = make_server(app, threads=8)
print(server.effective_port, flush=True)
server.run()
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads /proc (Linux)")


def flat_png(width, height, depth, colour):
    """A PNG of one colour, some KB: of `depth` bits, grey (0), RGB (2) or RGBA (6)."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = bytes(1 + width * {0: 1, 2: 3, 6: 4}[colour] * depth // 8)
    # A hundred rows are packed once and their bytes repeated: packing all takes seconds.
    packer, check = zlib.compressobj(9, wbits=-15), 1
    rows = packer.compress(row * 100) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(row * (height % 100)) + packer.flush()
    for _ in range(height):
        check = zlib.adler32(row, check)
    data = b"\x78\xda" + rows * (height // 100) + rest + struct.pack(">I", check)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg(width, height, progressive):
    rgb = np.full((height, width, 3), 200, np.uint8)
    rgb[::7] = 30
    how = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive), cv2.IMWRITE_JPEG_QUALITY, 60]
    return cv2.imencode(".jpg", rgb, how)[1].tobytes()


class Server:
    """A process that answers photos."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def memory(self, what="VmRSS"):
        """Resident megabytes, now or (VmHWM) at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", status).group(1)) // 1024

    def post(self, data):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        line.request("POST", "/look", data, {"Content-Type": "image/png"})
        answer = line.getresponse()
        answer.read()
        line.close()
        return answer.status, answer.headers.get("Retry-After")


def measured(photos, uploads, at_once):
    """Statuses of uploads, and megabytes above before: in the end, and at most."""
    with Server() as server:
        for _ in range(8):
            assert server.post(jpeg(600, 400, progressive=False))[0] == 200
        before = server.memory()
        with ThreadPoolExecutor(at_once) as pool:
            found = list(pool.map(server.post, [photos[n % len(photos)] for n in range(uploads)]))
        return found, server.memory() - before, server.memory("VmHWM") - before


LARGE = {
    "16 bits and alpha": lambda: flat_png(2896, 2896, 16, 6), "alpha": lambda: flat_png(4096, 4096, 8, 6),
    "colour": lambda: flat_png(5700, 5700, 8, 2), "16 bits, grey": lambda: flat_png(4096, 4096, 16, 0),
    "JPEG": lambda: jpeg(7000, 7000, progressive=False), "progressive": lambda: jpeg(5000, 5000, progressive=True),
}  # fmt: skip


def test_a_small_file_that_unpacks_to_hundreds_of_megabytes_is_refused_by_its_header():
    data = flat_png(7000, 7000, 16, 6)
    assert len(data) < 400_000
    found, above, most = measured([data], 20, 4)
    assert {status for status, _ in found} == {400} and above < 100 and most < 100


@pytest.mark.parametrize("name", ["16 bits and alpha", "alpha"])
def test_laying_a_photo_on_white_takes_no_more_memory_than_is_counted(name):
    found, _, most = measured([LARGE[name]()], 1, 1)
    assert found == [(200, None)] and most < 128 + 30


def test_large_photos_leave_no_memory_behind():
    found, above, most = measured([make() for make in LARGE.values()], 12, 4)
    assert {status for status, _ in found} <= {200, 503} and (200, None) in found
    assert all(seconds for status, seconds in found if status == 503)
    assert above < 300 and most < 900
