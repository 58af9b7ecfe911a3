"""What files say of themselves: where the picture ends, what it unpacks to; cut, prolonged and lying files."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from conftest import draw
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_errors import bad_photo
from PIL import Image

from fashion.catalogue.source import open_source
from fashion.core.errors import PhotoError
from fashion.photos import images, measures
from fashion.photos.headers import read_header
from fashion.photos.images import decode
from fashion.photos.measures import decode_photo
from fashion.web.uploads import open_upload

SOURCE = draw("VESTITO", (200, 30, 30), 0)
PHOTO = Image.fromarray(SOURCE)
CLEAR = Image.fromarray(np.dstack([SOURCE, np.where(SOURCE.min(axis=2) > 220, 0, 255).astype(np.uint8)]))


def saved(image, kind, **how):
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def with_thumbnail(jpeg):
    """A JPEG whose EXIF segment holds a whole JPEG, as cameras write it."""
    body = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + saved(PHOTO.resize((32, 32)), "JPEG", quality=40)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def with_comment(jpeg):
    """A progressive JPEG with the end marker's bytes in a comment between two scans."""
    second = jpeg.index(b"\xff\xda", jpeg.index(b"\xff\xda") + 2)
    table = jpeg.rindex(b"\xff\xc4", 0, second)
    return jpeg[:table] + b"\xff\xfe\0\x08ab\xff\xd9\xff\xd9" + jpeg[table:]


def filled(jpeg):
    """A JPEG with fill bytes before its markers."""
    frame = jpeg.index(b"\xff\xc0")
    return jpeg[:frame] + b"\xff\xff\xff" + jpeg[frame:-2] + b"\xff\xff\xff\xd9"


def restarting():
    return cv2.imencode(".jpg", SOURCE, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2])[1].tobytes()


PROGRESSIVE = saved(PHOTO, "JPEG", progressive=True)
JPEGS = {
    "baseline": saved(PHOTO, "JPEG"), "progressive": PROGRESSIVE, "thumbnail": with_thumbnail(saved(PHOTO, "JPEG")),
    "progressive with thumbnail": with_thumbnail(PROGRESSIVE), "comment between scans": with_comment(PROGRESSIVE),
    "fill bytes": filled(saved(PHOTO, "JPEG")), "restarts": restarting(), "cmyk": saved(PHOTO.convert("CMYK"), "JPEG"),
    "end marker in a segment": saved(PHOTO, "JPEG", icc_profile=b"\xff\xd9\xff\xda" * 200),
}  # fmt: skip
OTHERS = {
    "PNG": saved(PHOTO, "PNG"), "transparent PNG": saved(CLEAR, "PNG"), "WebP": saved(PHOTO, "WEBP"),
    "lossless WebP": saved(CLEAR, "WEBP", lossless=True), "BMP": saved(PHOTO, "BMP"), "GIF": saved(PHOTO, "GIF"),
    "transparent GIF": saved(CLEAR, "GIF"),
}  # fmt: skip
ALL = JPEGS | OTHERS


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_cut_anywhere_is_truncated(name):
    data = JPEGS[name]
    assert read_header(data).end == len(data) and decode(data).shape == (128, 128, 3)
    for length in range(2, len(data)):  # each place
        with bad_photo("truncated"):
            read_header(data[:length])
    for length in range(2, len(data), 97):
        with bad_photo("truncated"):
            decode(data[:length], edge=160)


@pytest.mark.parametrize("name", OTHERS)
def test_another_photo_cut_anywhere_is_truncated(name):
    data = OTHERS[name]
    last = read_header(data).end if "GIF" in name else len(data)  # a GIF's frame may be whole without the trailer
    for length in [*range(16, last, 41), last - 1]:
        with bad_photo("truncated"):
            decode(data[:length])


@settings(max_examples=150)
@given(st.sampled_from(sorted(ALL)), st.binary(min_size=1, max_size=300), st.booleans())
def test_what_stands_behind_a_photo_changes_nothing(name, behind, another):
    data = ALL[name]
    behind = ALL["baseline"] + behind if another else behind
    assert np.array_equal(decode(data + behind), decode(data))
    assert np.array_equal(decode(data + behind, edge=160), decode(data, edge=160))


def test_a_motion_photo_is_read_and_half_of_its_film_too():
    random = np.random.default_rng(0)
    film = b"\0\0\0\x18ftypmp42" + random.integers(0, 256, 2_000_000, np.uint8).tobytes()
    assert b"\xff\xda" in film
    for name, data in ALL.items():
        assert np.array_equal(decode(data + film), decode(data)), name
        assert np.array_equal(decode(data + film[:999_999]), decode(data)), name


def test_a_second_picture_that_is_cut_short_harms_nobody():
    stream = io.BytesIO()
    PHOTO.save(stream, "MPO", save_all=True, append_images=[PHOTO.rotate(180)], quality=95)
    data = stream.getvalue()
    end = read_header(data).end
    assert end < len(data) and np.array_equal(decode(data[: end + 500]), decode(data))
    with bad_photo("truncated"):
        decode(data[: end - 500])


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_that_says(width, height, depth=8, colour=2):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def changed(data, at, layout, *values):
    """A file with some numbers of its header changed."""
    data = bytearray(data)
    struct.pack_into(layout, data, at, *values)
    return bytes(data)


def said_by_jpeg(data, width, height):
    at = next(data.index(mark) for mark in (b"\xff\xc0", b"\xff\xc2") if mark in data)
    return changed(data, at + 5, ">HH", height, width)


def in_three_scans(side):
    """A few hundred bytes that make a baseline JPEG of three scans, one a component, of `side` x `side` pixels."""
    data = JPEGS["baseline"]
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    head = changed(data[:scan], frame + 5, ">HH", side, side)
    return head + b"".join(b"\xff\xda\0\x08\1" + bytes([part, 0, 0, 63, 0, 0]) for part in (1, 2, 3)) + b"\xff\xd9"


BMP, GIF = saved(PHOTO.quantize(16), "BMP"), saved(PHOTO, "GIF")
BOMBS = {
    "PNG": png_that_says(60_000, 60_000), "PNG of 16 bits and alpha": png_that_says(12_000, 12_000, 16, 6),
    "JPEG": said_by_jpeg(JPEGS["baseline"], 65_500, 65_500),
    "progressive JPEG": said_by_jpeg(PROGRESSIVE, 40_000, 40_000),
    "JPEG of three scans": in_three_scans(40_000), "GIF": changed(GIF, 6, "<HH", 65_500, 65_500),
    "frame of a GIF": changed(GIF, GIF.index(b"\x2c\0\0\0\0") + 5, "<HH", 65_500, 65_500),
    "BMP": changed(changed(BMP, 18, "<ii", 60_000, -60_000), 30, "<I", 1),  # as if it were packed
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_photo_that_unpacks_to_gigabytes_is_refused_unopened(name, monkeypatch):
    assert len(BOMBS[name]) < 100_000
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was unpacked"))
    with bad_photo(r"too large.*GB. Save it smaller"):
        decode(BOMBS[name])
    if name != "JPEG":  # which a network sees at an eighth
        with bad_photo("too large"):
            decode_photo(BOMBS[name])


def test_a_jpeg_in_several_scans_is_counted_with_its_waves():
    found = read_header(in_three_scans(7_000))
    assert found.held_bytes == 3 and found.unpacked(8) > 7_000**2 * 3  # two bytes a wave; 4:2:0
    assert read_header(JPEGS["baseline"]).held_bytes == 0 and read_header(PROGRESSIVE).held_bytes == 3
    with bad_photo(r"found 151 MB. Save it smaller"):
        open_upload(in_three_scans(7_000))


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpegs_sides_are_those_of_its_header(name):
    for data in (JPEGS[name], JPEGS[name][:2] + b"ab" + JPEGS[name][2:]):  # junk that is skipped
        assert images.jpeg_sides(data) == (read_header(data).height, read_header(data).width) == (128, 128)


def test_a_tiff_that_unpacks_to_gigabytes_is_refused_unopened(monkeypatch):
    data = saved(Image.new("1", (17_000, 17_000)), "TIFF", compression="group4")
    assert len(data) < 200_000
    monkeypatch.setattr(images, "MOST_UNPACKED", 2**28)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was unpacked"))
    with bad_photo("too large"):
        decode(data)


def test_a_large_jpeg_is_measured_where_it_can_be_read_small(monkeypatch):
    large = saved(PHOTO.resize((3000, 2400)), "JPEG")
    monkeypatch.setattr(images, "MOST_UNPACKED", 10_000_000)
    assert decode_photo(large).sides == (2400, 3000)
    with bad_photo(r"too large: .* 'photo' with 3000 x 2400 pixels"):
        decode(large)


def test_a_bomb_in_a_catalogue_is_a_bad_photo_with_its_reason(tmp_path):
    (tmp_path / "items.csv").write_text("id\n")
    (tmp_path / "bomb.png").write_bytes(BOMBS["PNG"])
    metadata, picture = measures.open_photo(open_source(tmp_path, "items.csv"), "bomb.png")
    assert picture is None and metadata["problem"].startswith("too large") and "60000 x 60000" in metadata["problem"]


@settings(max_examples=200)
@given(st.sampled_from(sorted(ALL)), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8))
def test_a_damaged_header_is_read_or_refused(name, changes):
    data = bytearray(ALL[name])
    for place, value in changes:
        data[int(place**3 * (len(data) - 1))] = value  # more of them in the header
    try:
        found = read_header(bytes(data))
    except PhotoError:
        return
    assert 0 < found.end <= len(data) and found.unpacked() >= 0
