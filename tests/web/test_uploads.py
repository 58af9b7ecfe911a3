"""Photos that visitors may send: measured by their headers first, opened as they are meant, refused in words."""

import io
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from conftest import COLOURS, draw
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fashion.core.errors import PhotoError
from fashion.web import uploads
from fashion.web.security import NotNow
from fashion.web.uploads import EDGE, MOST_PIXELS, TYPES, open_upload

RED = Image.fromarray(draw("VESTITO", COLOURS["ROSSO"], 1))


def saved(image, kind, **how):
    found = io.BytesIO()
    image.save(found, kind, **how)
    return found.getvalue()


def png_header(width, height, depth=8, colour=2):
    """A PNG that says how large it is, with a pixel or two behind."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def jpeg_header(width, height):
    """A JPEG whose frame header says so."""
    data = bytearray(saved(RED, "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_header(width, height):
    """A GIF whose screen is as large."""
    data = bytearray(saved(RED, "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def webp_header(width, height):
    """A lossless WebP that says so."""
    data = bytearray(saved(RED, "WEBP", lossless=True))
    at = data.index(b"VP8L") + 9
    data[at : at + 4] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(data)


BOMBS = {
    "PNG": png_header(60_000, 60_000), "PNG of 2 billion rows": png_header(1, 2**31 - 1),
    "PNG, 16 bit": png_header(20_000, 20_000, 16), "JPEG": jpeg_header(65_500, 65_500),
    "GIF": gif_header(65_500, 65_500), "WebP": webp_header(16_383, 16_383),
    "BMP": saved(RED, "BMP")[:18] + struct.pack("<ii", 60_000, -60_000) + saved(RED, "BMP")[26:],
    "PNG that is whole": saved(Image.new("1", (9_000, 9_000)), "PNG"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_header(name, monkeypatch):
    assert len(BOMBS[name]) < 100_000
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(PhotoError, match=r"pixels in all|DecompressionBomb|cannot be opened"):
        open_upload(BOMBS[name])
    assert MOST_PIXELS < 9_000**2


def test_text_in_a_photo_is_bounded():
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text("a", "b" * 4 * 2**20, zip=True)  # 4 MB of text in 4 KB
    data = saved(RED, "PNG", pnginfo=words)
    assert len(data) < 200_000
    with pytest.raises(PhotoError, match="cannot be opened"):
        open_upload(data)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photo_is_turned_in_each_of_the_eight_ways(turn):
    seen = Image.new("RGB", (60, 40), "white")  # as it is to be seen: red above left, blue below right
    seen.paste((200, 0, 0), (0, 0, 30, 20))
    seen.paste((0, 0, 200), (30, 20, 60, 40))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that undoes the turn
    held = seen if turn == 1 else seen.transpose(Image.Transpose(back[turn]))
    exif = Image.Exif()
    exif[0x0112] = turn
    rgb = open_upload(saved(held, "JPEG", exif=exif, quality=98, subsampling=0)).unpacked
    assert rgb.shape == (40, 60, 3)
    assert rgb[8, 10, 0] > 150 > rgb[8, 10, 2] and rgb[32, 50, 2] > 150 > rgb[32, 50, 0] and rgb[32, 10].min() > 200


def moving(kind, **how):
    return saved(RED, kind, save_all=True, append_images=[Image.new("RGB", RED.size, (0, 255, 0))], duration=90, **how)


def deep_grey(size=None):
    grey = RED.convert("L") if size is None else RED.convert("L").resize(size)
    return saved(Image.fromarray(np.asarray(grey, np.uint16) * 257), "PNG")


REAL = {
    "moving GIF": moving("GIF"), "moving WebP": moving("WEBP", lossless=True), "moving PNG": moving("PNG"),
    "CMYK": saved(RED.convert("CMYK"), "JPEG", quality=95), "progressive": saved(RED, "JPEG", progressive=True),
    "transparent WebP": saved(RED.convert("RGBA"), "WEBP", lossless=True), "BMP": saved(RED, "BMP"),
    "palette": saved(RED.quantize(64), "PNG"), "larger": saved(RED.resize((3000, 2000)), "JPEG"),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_photos_of_every_kind_look_as_they_are_meant(name):
    rgb = open_upload(REAL[name]).unpacked
    assert rgb.dtype == np.uint8 and max(rgb.shape) <= EDGE
    shown = np.asarray(Image.fromarray(rgb).resize(RED.size), float)
    assert np.abs(shown - np.asarray(RED, float)).mean() < 12, "of an animation the first frame"


@pytest.mark.parametrize("size", [None, (1500, 1200)])
def test_16_bits_become_8(size):
    rgb = open_upload(deep_grey(size)).unpacked
    grey = np.asarray(RED.convert("L"), float)
    shown = np.asarray(Image.fromarray(rgb).convert("L").resize(RED.size), float)
    assert max(rgb.shape) <= EDGE and np.abs(shown - grey).mean() < 12


def test_what_is_transparent_becomes_white():
    photo = RED.convert("RGBA")
    photo.putalpha(0)
    assert open_upload(saved(photo, "PNG")).unpacked.min() == 255


@pytest.mark.parametrize("kind", ["TIFF", "ICO", "PPM", "TGA", "PDF", "JPEG2000"])
def test_kinds_that_are_not_on_the_list_are_refused(kind):
    with pytest.raises(PhotoError, match="cannot be opened"):
        open_upload(saved(RED, kind))


def test_the_form_takes_what_is_opened():
    assert TYPES.split(",") == ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "image/bmp"]


WHOLE = [REAL["CMYK"], REAL["moving GIF"], REAL["moving WebP"], REAL["palette"], saved(RED, "JPEG"), deep_grey()]


@settings(max_examples=60)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6), st.floats(0, 1))
def test_whatever_is_sent_is_opened_or_refused(data, changes, cut):
    spoilt = bytearray(data[: max(1, int(len(data) * (0.3 + 0.7 * cut)))])
    for place, value in changes:
        spoilt[int(place * (len(spoilt) - 1))] = value
    try:
        rgb = open_upload(bytes(spoilt)).unpacked
    except PhotoError:
        return
    assert rgb.dtype == np.uint8 and rgb.ndim == 3 and rgb.shape[2] == 3 and max(rgb.shape) <= EDGE


def test_few_photos_are_unpacked_at_a_time(monkeypatch):
    now, most, lock, real = [0], [0], threading.Lock(), Image.Image.thumbnail

    def thumbnail(*given):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return real(*given)

    monkeypatch.setattr(Image.Image, "thumbnail", thumbnail)
    threads = [threading.Thread(target=open_upload, args=(saved(RED, "PNG"),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 2


def deep_png(width, height):
    """A PNG of 16 bits and alpha, all transparent."""
    row = bytes(1 + width * 8)
    head = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    found = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", head), (b"IDAT", zlib.compress(row * height, 1)), (b"IEND", b"")):
        found += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return found


def test_the_memory_that_a_photo_takes_is_bounded_by_channels_and_their_bytes(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_UNPACKED", 8_000_000)
    assert open_upload(deep_png(1000, 500)).unpacked.shape == (500, 1000, 3), "16 bytes a pixel"
    assert open_upload(saved(RED.convert("RGBA").resize((1000, 1000)), "PNG")).unpacked.shape == (1000, 1000, 3), (
        "8 bytes"
    )
    assert open_upload(saved(RED.resize((1400, 1400)), "PNG")).unpacked.shape == (1024, 1024, 3)
    assert open_upload(saved(RED.resize((2800, 2800)), "JPEG")).unpacked.shape == (1024, 1024, 3), "read at a half"
    for data in (deep_png(1001, 500), saved(RED.convert("RGBA").resize((1001, 1000)), "PNG"),
                 saved(RED.resize((1500, 1400)), "PNG"), saved(RED.resize((1500, 1400)), "BMP"),
                 saved(RED.resize((1500, 1400)), "WEBP"), saved(RED.resize((1500, 1400)), "GIF"),
                 saved(RED.resize((2800, 2800)), "JPEG", progressive=True)):  # fmt: skip
        with pytest.raises(PhotoError, match=r"MB unpacked; found \d+ MB. Save it smaller"):
            open_upload(data)


def test_one_large_photo_is_opened_at_a_time_and_small_ones_meanwhile(monkeypatch):
    monkeypatch.setattr(uploads, "LARGE", 1_000_000)
    monkeypatch.setattr(uploads, "PATIENCE", 0.05)
    large, transparent = saved(RED.resize((600, 600)), "PNG"), deep_png(400, 400)
    with uploads._room(2_000_000):
        for data in (large, transparent):
            with pytest.raises(NotNow, match="Another large photo") as later:
                open_upload(data)
            assert (later.value.status, later.value.seconds) == (503, 5)
        assert open_upload(saved(RED, "PNG")).unpacked.shape == (128, 128, 3)
    assert open_upload(large).unpacked.shape == (600, 600, 3) and open_upload(transparent).unpacked.min() == 255
    with pytest.raises(ZeroDivisionError), uploads._room(2_000_000):
        raise ZeroDivisionError  # a failure gives the place back
    assert open_upload(large).unpacked.shape == (600, 600, 3)


def test_a_large_grey_photo_of_16_bits_is_made_smaller():
    rgb = open_upload(deep_grey((4200, 4100))).unpacked
    assert max(rgb.shape) == EDGE
    assert np.abs(rgb - np.asarray(RED.convert("L").convert("RGB").resize(rgb.shape[1::-1]), float)).mean() < 12


def test_dark_photos_of_16_bits_stay_dark():
    assert open_upload(saved(Image.fromarray(np.full((20, 20), 200, np.uint16)), "PNG")).unpacked.max() == 0


def test_photos_of_a_palette_are_made_smaller_by_averaging():
    checks = Image.fromarray((np.indices((2048, 2048)).sum(axis=0) % 2 * 255).astype(np.uint8))
    for photo in (checks.convert("1"), checks.quantize(2)):
        rgb = open_upload(saved(photo, "PNG")).unpacked
        assert np.abs(rgb.astype(int) - 127).max() <= 3


def test_bytes_behind_a_photo_are_no_damage_and_half_a_photo_is():
    for name in ("CMYK", "progressive", "palette", "BMP", "moving GIF", "moving WebP", "moving PNG"):
        data = REAL[name]
        assert np.array_equal(open_upload(data + b"\xff\xda film" * 99).unpacked, open_upload(data).unpacked), name
        with pytest.raises(PhotoError, match="cannot be opened"):
            open_upload(data[: len(data) // 3])


def test_memory_is_given_back_where_the_system_can():
    uploads.give_back_memory()
