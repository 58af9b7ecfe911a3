"""Bytes to pixels: every kind of file, turned or damaged, whole or at a fraction of its size."""

import io

import cv2
import numpy as np
import pytest
from conftest import draw, jpeg
from photo_errors import bad_photo
from PIL import Image, ImageOps

from fashion.core.errors import PhotoError
from fashion.photos.images import ENOUGH, LONG_ENOUGH, decode, jpeg_sides, reduction, resize, shrunk
from fashion.photos.measures import DecodedPhoto, decode_photo


def png(rgb):
    return cv2.imencode(".png", rgb[..., ::-1])[1].tobytes()


def test_png_round_trip_is_exact_and_rgb():
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    assert np.array_equal(decode(png(rgb)), rgb)


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "I;16"])
def test_other_modes_become_rgb(mode):
    rgb = draw("VESTITO", (200, 30, 30), 0)
    picture = Image.fromarray(rgb)
    picture = Image.fromarray(rgb[..., 0].astype(np.uint16) * 257) if mode == "I;16" else picture.convert(mode)
    stream = io.BytesIO()
    picture.save(stream, "JPEG" if mode == "CMYK" else "PNG")
    decoded = decode(stream.getvalue())
    assert decoded.shape == (128, 128, 3) and decoded.dtype == np.uint8
    assert decoded[0, 0].min() > 220  # the ground is light in every mode


def test_exif_rotation_is_applied():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, :20] = (250, 0, 0)
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6  # to be turned a quarter clockwise
    Image.fromarray(wide).save(stream, "JPEG", exif=exif, quality=95)
    turned = decode(stream.getvalue())
    assert turned.shape == (60, 20, 3) and turned[5, 10, 0] > 200 and turned[50, 10, 0] < 50


def test_truncated_at_every_tenth_is_refused():
    data = jpeg(draw("VESTITO", (200, 30, 30), 0))
    for tenth in range(1, 10):
        with pytest.raises(PhotoError):
            decode(data[: len(data) * tenth // 10])
    with bad_photo("truncated"):
        decode(data[:-2])
    decode(data + b"\0" * 40)  # padding after the end is no damage


@pytest.mark.parametrize("data", [b"", b"hello, I am a text", b"\xff\xd8\xff\xd9", b"<svg xmlns='x'/>", b"GIF89a"])
def test_no_image(data):
    with bad_photo(r"not an image|empty|truncated"):
        decode(data, "x.jpg")


def test_truncated_png():
    with bad_photo("truncated"):
        decode(png(draw("VESTITO", (200, 30, 30), 0))[:-30])


def test_resize_averages_when_it_shrinks():
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    rgb = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    small = resize(rgb, 8)
    assert small.shape == (8, 8, 3) and np.abs(small.astype(int) - 127).max() <= 1
    assert resize(rgb, 64) is rgb
    assert resize(rgb[:, :16], 32).shape == (32, 32, 3)


def test_shrinking_keeps_the_aspect_and_no_side_goes_to_nothing():
    rgb = np.arange(1280 * 640 * 3, dtype=np.uint32).astype(np.uint8).reshape(1280, 640, 3)
    assert shrunk(rgb, 320).shape == (320, 160, 3) and shrunk(rgb, 1280) is rgb
    assert shrunk(rgb[:, :1], 320).shape == (320, 1, 3) and shrunk(rgb[:1, :], 64).shape == (1, 64, 3)
    assert shrunk(rgb, 5).mean() == pytest.approx(rgb.mean(), abs=1)


def sized(width, height):
    return jpeg(cv2.resize(draw("VESTITO", (200, 30, 30), 0), (width, height), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize(
    ("width", "height", "edge", "expected"),
    [(128, 128, 160, 1), (399, 900, 160, 1), (400, 600, 160, 2), (600, 400, 197, 2), (400, 600, 224, 1),
     (448, 600, 224, 2), (400, 400, 160, 1), (600, 600, 160, 2), (1200, 1800, 160, 4), (800, 800, 96, 2),
     (2400, 2400, 160, 8), (4000, 90, 160, 1), (600, 599, 160, 1), (2400, 2393, 160, 4)],
)  # fmt: skip
def test_a_photo_is_unpacked_no_smaller_than_needed_and_little_larger(width, height, edge, expected):
    data = sized(width, height)
    assert jpeg_sides(data) == (height, width) and reduction(data, edge) == expected
    found = decode(data, edge=edge)
    assert found.shape == (-(-height // expected), -(-width // expected), 3)
    assert expected == 1 or (min(found.shape[:2]) >= max(edge, ENOUGH) and max(found.shape[:2]) >= LONG_ENOUGH)
    assert decode(data).shape == (height, width, 3)


def test_a_reduced_photo_looks_like_the_whole_one():
    random = np.random.default_rng(0)
    large = cv2.resize(draw("BALLERINA", (40, 130, 60), 1), (1200, 1800), interpolation=cv2.INTER_CUBIC)
    data = jpeg(np.clip(large + random.normal(0, 8, large.shape), 0, 255).astype(np.uint8))
    whole, reduced = resize(decode(data), 160).astype(int), resize(decode(data, edge=160), 160).astype(int)
    assert np.abs(whole - reduced).mean() < 1 and np.abs(whole - reduced).max() < 16


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_photo_is_turned_too(orientation):
    wide = cv2.resize(draw("PANTALONI", (200, 30, 30), 0), (900, 600))
    wide[:300, :300] = (20, 40, 200)  # a corner to be known by
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.fromarray(wide).save(stream, "JPEG", exif=exif, quality=95)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(stream)))
    found = decode(stream.getvalue(), edge=160)
    assert jpeg_sides(stream.getvalue()) == (600, 900)  # as they are kept
    assert DecodedPhoto(found, stream.getvalue()).sides == upright.shape[:2]  # as they are shown
    assert found.shape[:2] == (upright.shape[0] // 2, upright.shape[1] // 2)
    assert np.abs(resize(upright, 100).astype(int) - resize(found, 100)).mean() < 3


def test_other_formats_are_unpacked_whole_and_damage_is_told_as_ever():
    large = cv2.resize(draw("VESTITO", (200, 30, 30), 0), (900, 900))
    assert jpeg_sides(png(large)) is None and decode(png(large), edge=160).shape == (900, 900, 3)
    data = jpeg(large)
    with bad_photo("truncated"):
        decode(data[: len(data) // 2], edge=160)
    for bad in (b"\xff\xd8\xff\xd9", data[:30], b""):
        assert jpeg_sides(bad) is None and reduction(bad, 160) == 1
        with pytest.raises(PhotoError):
            decode(bad, edge=160)


@pytest.mark.parametrize("kind", ["grey", "cmyk", "progressive", "several pictures", "long header"])
def test_every_kind_of_jpeg_is_reduced_alike(kind):
    large = Image.fromarray(cv2.resize(draw("VESTITO", (200, 30, 30), 0), (840, 1260), interpolation=cv2.INTER_CUBIC))
    stream = io.BytesIO()
    if kind == "several pictures":
        large.save(stream, "MPO", save_all=True, append_images=[large.resize((60, 90))], quality=95)
    else:
        photo = large.convert({"grey": "L", "cmyk": "CMYK"}.get(kind, "RGB"))
        more = {"progressive": {"progressive": True}, "long header": {"icc_profile": b"x" * 200_000}}.get(kind, {})
        photo.save(stream, "JPEG", quality=95, **more)
    data = stream.getvalue()
    assert jpeg_sides(data) == (1260, 840) and reduction(data, 160) == 4
    found = decode(data, edge=160)
    assert found.shape == (315, 210, 3)
    assert np.abs(resize(decode(data), 160).astype(int) - resize(found, 160)).mean() < 1.5


@pytest.mark.parametrize("where", ["xmp alone", "xmp before exif"])
def test_a_photo_has_the_sides_with_which_it_is_shown_whoever_else_speaks_of_a_turn(where):
    """XMP may name an orientation, too, which OpenCV does not follow."""
    stream = io.BytesIO()
    exif = Image.Exif()
    if where == "xmp before exif":
        exif[0x0112] = 6
    Image.fromarray(cv2.resize(draw("VESTITO", (200, 30, 30), 0), (900, 600))).save(stream, "JPEG", exif=exif)
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="8"/></rdf:RDF></x:xmpmeta>'
    )
    body = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    data = stream.getvalue()
    data = data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]
    picture = decode_photo(data)
    whole = decode(data)
    assert picture.sides == whole.shape[:2] and picture.unpacked.shape[0] == whole.shape[0] // 2


@pytest.mark.parametrize(("width", "height"), [(600, 599), (2400, 2393), (604, 600), (600, 600)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_nearly_square_photo_has_its_sides_the_right_way_round(width, height, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(stream, "JPEG", exif=exif)
    assert decode_photo(stream.getvalue()).sides == ((height, width) if orientation == 1 else (width, height))
