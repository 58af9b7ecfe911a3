"""Transparent photos: laid on white by alpha, whatever the format and the colour beneath; alpha masks the garment."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from conftest import draw
from PIL import Image

from fashion.embedding.photo_vectors import photo_bytes, rgb_of
from fashion.photos import descriptors, measures
from fashion.photos.headers import read_header
from fashion.photos.images import decode
from fashion.web.uploads import open_upload

HEIGHT, WIDTH = 60, 80
RED = (200, 30, 40)
#: Opaque garment with a half transparent seam, on nothing.
ALPHA = np.zeros((HEIGHT, WIDTH), np.uint8)
ALPHA[10:50, 20:60] = 255
ALPHA[10:50, 55:60] = 128


def cutout(beneath, alpha=ALPHA):
    """RGBA of a red garment with a corner to be known by; `beneath` is the colour of what is transparent."""
    rgb = np.full((HEIGHT, WIDTH, 3), beneath, np.uint8)
    rgb[10:50, 20:60] = RED
    rgb[10:20, 20:30] = (20, 60, 210)
    return np.dstack([rgb, alpha])


def on_white(rgba):
    share = rgba[..., 3:].astype(float) / 255
    return rgba[..., :3] * share + 255 * (1 - share)


def saved(rgba, kind, mode="RGBA", **how):
    stream = io.BytesIO()
    image = Image.fromarray(rgba)
    (image if mode == "RGBA" else image.convert(mode)).save(stream, kind, **how)
    return stream.getvalue()


def by_opencv(rgba, ending, deep=False):
    bgra = rgba[..., [2, 1, 0, 3]]
    return cv2.imencode(ending, bgra.astype(np.uint16) * 257 if deep else bgra)[1].tobytes()


def palette(rgba, kind, **how):
    stream = io.BytesIO()
    Image.fromarray(rgba).quantize(64).save(stream, kind, **how)
    return stream.getvalue()


def moving(rgba, kind, **how):
    second = Image.new("RGBA", (WIDTH, HEIGHT), (0, 255, 0, 255))
    return saved(rgba, kind, save_all=True, append_images=[second], duration=90, **how)


def turned(rgba, kind, **how):
    """Held a quarter turned, with EXIF data that turns it back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(np.rot90(rgba).copy(), kind, exif=exif, **how)


KINDS = {
    "PNG": lambda x: saved(x, "PNG"), "PNG, grey and alpha": lambda x: saved(x, "PNG", "LA"),
    "PNG of a palette": lambda x: palette(x, "PNG"), "PNG of 16 bits": lambda x: by_opencv(x, ".png", deep=True),
    "moving PNG": lambda x: moving(x, "PNG"), "turned PNG": lambda x: turned(x, "PNG"),
    "lossless WebP": lambda x: saved(x, "WEBP", lossless=True, exact=True),
    "WebP of a palette": lambda x: palette(x, "WEBP", lossless=True, exact=True),
    "moving WebP": lambda x: moving(x, "WEBP", lossless=True, exact=True),
    "turned WebP": lambda x: turned(x, "WEBP", lossless=True, exact=True),
    "BMP": lambda x: by_opencv(x, ".bmp"), "JPEG 2000": lambda x: saved(x, "JPEG2000"),
    "TIFF": lambda x: saved(x, "TIFF"), "packed TIFF": lambda x: saved(x, "TIFF", compression="tiff_lzw"),
    "TIFF, grey and alpha": lambda x: saved(x, "TIFF", "LA"), "turned TIFF": lambda x: turned(x, "TIFF"),
    "TIFF of 16 bits": lambda x: by_opencv(x, ".tiff", deep=True),
}  # fmt: skip
UPLOADED = ("PNG", "WEBP", "GIF", "BMP")


@pytest.mark.parametrize("name", KINDS)
def test_what_lies_beneath_is_not_seen(name):
    grey = "grey" in name
    expected = on_white(cutout((0, 0, 0)))
    if grey:
        weights = np.asarray(Image.fromarray(cutout((0, 0, 0))).convert("L"), np.uint8)
        expected = on_white(np.dstack([weights] * 3 + [ALPHA]))
    for beneath in [(255, 255, 255), (0, 0, 0), (0, 255, 0), (200, 30, 40)]:
        data = KINDS[name](cutout(beneath))
        found = decode(data)
        assert found.shape == (HEIGHT, WIDTH, 3) and found.dtype == np.uint8
        assert np.abs(found - expected).max() <= 1
        assert np.array_equal(decode(data, edge=160), found)
        if read_header(data).kind in UPLOADED:
            assert np.array_equal(open_upload(data).unpacked, found), "a visitor's photo is the same photo"


@pytest.mark.parametrize(("kind", "how"), [("WEBP", {"quality": 95}), ("AVIF", {"quality": 95})])
def test_lossy_photos_are_laid_on_white_too(kind, how):
    expected = on_white(cutout((0, 0, 0)))
    for beneath in [(255, 255, 255), (0, 0, 0), (0, 255, 0)]:
        found = decode(saved(cutout(beneath), kind, **how))
        assert np.abs(found[:8] - 255.0).max() <= 2, "nothing of the colour beneath, away from the garment"
        assert np.abs(found - expected).mean() < 3


def test_transparency_of_a_gif_is_all_or_nothing():
    opaque = np.where(ALPHA > 0, 255, 0).astype(np.uint8)
    for beneath in [(255, 255, 255), (0, 0, 0), (0, 255, 0)]:
        rgba = cutout(beneath, opaque)
        for data in (saved(rgba, "GIF"), moving(rgba, "GIF")):
            found = decode(data)
            assert np.abs(found - on_white(rgba)).max() <= 2 and np.array_equal(open_upload(data).unpacked, found)


def test_canvas_that_a_gifs_first_frame_leaves_uncovered_is_white():
    data = bytearray(saved(cutout((0, 0, 0), np.full((HEIGHT, WIDTH), 255, np.uint8)), "GIF"))
    data[6:10] = struct.pack("<HH", 100, 90)
    found = decode(bytes(data))
    assert found.shape == (90, 100, 3) and found[:HEIGHT, :WIDTH][:5].max() <= 2
    assert found[HEIGHT:].min() == 255 and found[:, WIDTH:].min() == 255
    assert np.array_equal(open_upload(bytes(data)).unpacked, found)


def png(rows, depth, colour, clear):
    """A PNG whose tRNS chunk names the transparent colour."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    width = rows.shape[1]
    if depth < 8:
        packed = np.packbits(
            np.unpackbits(rows.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :].reshape(len(rows), -1), axis=1
        )
        lines = [line.tobytes() for line in packed]
    else:
        lines = [row.astype(">u2" if depth == 16 else np.uint8).tobytes() for row in rows]
    head = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join([
        chunk(b"IHDR", head), chunk(b"tRNS", struct.pack(f">{len(clear)}H", *clear)),
        chunk(b"IDAT", zlib.compress(b"".join(b"\0" + line for line in lines))), chunk(b"IEND", b""),
    ])  # fmt: skip


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("clear", [0, 1])
def test_one_grey_value_of_a_png_is_transparent(depth, clear):
    top = 2**depth - 1
    rows = np.zeros((16, 16), int)
    rows[4:12, 4:12] = top
    value = top if clear else 0
    found = decode(png(rows, depth, 0, [value]))
    expected = np.where(rows == value, 255, np.where(rows == top, 255, 0))
    assert np.array_equal(found, np.dstack([expected] * 3))
    assert np.array_equal(open_upload(png(rows, depth, 0, [value])).unpacked, found)


@pytest.mark.parametrize("depth", [8, 16])
def test_one_colour_of_a_png_is_transparent(depth):
    many = 257 if depth == 16 else 1
    rows = np.full((16, 16, 3), np.array(RED) * many)
    rows[:4] = np.array([10, 200, 30]) * many
    rows[4:8] = np.array([10, 200, 30]) * many + (1 if depth == 16 else 9)  # nearly that colour is not that colour
    data = png(rows, depth, 2, [int(v) for v in rows[0, 0]])
    found = decode(data)
    assert found[:4].min() == 255 and found[4:8].min() < 60 and tuple(found[-1, -1]) == RED
    assert np.array_equal(open_upload(data).unpacked, found)


def bmp(header, packing, masks):
    """A BMP of 32 bits, 8 x 8 pixels with a fourth byte of 0; `header` is its header's size."""
    more = struct.pack(f"<{len(masks)}I", *masks)
    head = struct.pack("<IiiHHIIiiII", header, 8, 8, 1, 32, packing, 256, 2835, 2835, 0, 0) + more
    head = head.ljust(header, b"\0")
    return b"BM" + struct.pack("<IHHI", 270 + len(head), 0, 0, 14 + len(head)) + head + bytes((10, 20, 200, 0)) * 64


COLOURS = [0xFF0000, 0xFF00, 0xFF]


@pytest.mark.parametrize(
    ("header", "packing", "masks", "clear"),
    [(40, 0, [], False), (40, 3, COLOURS, False), (52, 3, COLOURS, False), (56, 3, [*COLOURS, 0], False),
     (124, 0, [*COLOURS, 0xFF000000], False), (56, 3, [*COLOURS, 0xFF000000], True),
     (124, 3, [*COLOURS, 0xFF000000], True)],
)  # fmt: skip
def test_the_fourth_byte_of_a_bmp_is_alpha_only_by_its_mask(header, packing, masks, clear):
    data = bmp(header, packing, masks)
    expected = np.full((8, 8, 3), 255 if clear else (200, 20, 10))
    assert np.array_equal(decode(data), expected) and np.array_equal(open_upload(data).unpacked, expected)


def plain(data):
    """As photos were decoded before transparency was looked at."""
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


OPAQUE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
OPAQUE[..., 3] = 255
FLAT = cutout((250, 250, 250), np.full((HEIGHT, WIDTH), 255, np.uint8))


@pytest.mark.parametrize("name", [name for name in KINDS if name != "TIFF of 16 bits"])
def test_where_all_is_opaque_nothing_has_changed(name):
    data = KINDS[name](OPAQUE)
    assert np.array_equal(decode(data), plain(data))


def test_a_deep_tiff_that_is_opaque_is_the_same_but_for_rounding():
    data = KINDS["TIFF of 16 bits"](OPAQUE)
    assert np.abs(decode(data).astype(int) - plain(data)).max() <= 1


#: What Pillow cannot write, or OpenCV cannot read.
NONE = {
    ("JPEG", "P"), ("JPEG2000", "1"), ("JPEG2000", "P"), ("JPEG2000", "CMYK"), ("PPM", "P"), ("PPM", "CMYK"),
    ("PNG", "CMYK"), ("GIF", "CMYK"), ("BMP", "CMYK"),
}  # fmt: skip
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
MODES = ("RGB", "L", "1", "P", "CMYK")


@pytest.mark.parametrize(("kind", "mode"), sorted({(k, m) for k in FORMATS for m in MODES} - NONE))
def test_photos_without_transparency_are_decoded_as_ever(kind, mode):
    exif = Image.Exif()
    exif[0x0112] = 6
    for more in ({}, {"exif": exif}):
        data = saved(FLAT[..., :3], kind, mode, **more)
        expected = plain(data)
        if kind == "AVIF" and more:  # which OpenCV does not turn
            expected = np.rot90(expected, -1)
        assert np.array_equal(decode(data), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_transparent_photo_is_turned_in_each_of_the_eight_ways(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    how = {"exif": exif} | ({"lossless": True} if kind == "WEBP" else {})
    rgba = cutout((255, 255, 255))
    data = saved(rgba, kind, **how)
    as_before = plain(saved(on_white(rgba).round().astype(np.uint8), kind, "RGB", **how))  # by OpenCV
    assert np.abs(decode(data).astype(int) - as_before).max() <= 1


def test_damaged_exif_data_turns_nothing():
    data = saved(cutout((0, 0, 0)), "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12")
    assert decode(data).shape == (HEIGHT, WIDTH, 3)


def test_large_photos_are_laid_on_white_piece_by_piece():
    rgba = np.asarray(Image.fromarray(cutout((0, 0, 0))).resize((1500, 1100)))
    found = decode(saved(rgba, "PNG", compress_level=1))
    assert np.abs(found - on_white(rgba)).max() <= 1


@pytest.mark.parametrize("colour", [(200, 30, 40), (30, 60, 190), (25, 25, 25)])
def test_a_cutout_is_measured_as_the_same_photo_on_white(colour):
    expected = None
    for beneath in [(255, 255, 255), (0, 0, 0), (0, 255, 0)]:
        rgba = cutout(beneath)
        rgba[10:50, 20:60, :3] = colour
        found = measures.measure(measures.decode_photo(saved(rgba, "PNG")))
        assert expected is None or found == expected
        expected = found


#: A white shirt with a black collar: on white it would be lost but for the collar.
SHIRT = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
SHIRT[10:50, 20:60] = (252, 252, 252, 255)
SHIRT[10:14, 30:50] = (0, 0, 0, 255)


def gif(rgba):
    return saved(rgba, "GIF")


@pytest.mark.parametrize("name", [*KINDS, "GIF"])
def test_a_transparent_photos_alpha_is_the_garments_mask(name):
    data = (KINDS | {"GIF": gif})[name](SHIRT)
    readers = [measures.decode_photo, *[open_upload] * (read_header(data).kind in UPLOADED)]
    for photo in [read(data) for read in readers]:
        assert np.array_equal(photo.garment, SHIRT[..., 3] > 0)
        assert measures.garment_lab(photo)[0] > 95, "white, and neither grey nor the collar's black"
        share = descriptors.colour_grid(photo)[..., 6].astype(float)
        assert share.sum() == pytest.approx(descriptors.GRID**2 * (SHIRT[..., 3] > 0).mean(), rel=0.02)
        assert (share == 1).sum() > 200 and descriptors.lab_histogram(photo).max() > 0.9
    lost = measures.garment_mask(measures.to_lab(decode(data)))
    assert lost.sum() != (SHIRT[..., 3] > 0).sum(), "separated from white, it is another garment"


def test_a_large_cutout_is_measured_by_its_reduced_alpha():
    large = np.repeat(np.repeat(SHIRT, 12, axis=0), 12, axis=1)
    photo = measures.decode_photo(saved(large, "PNG"))
    assert photo.garment.shape == photo.rgb.shape[:2] == (240, 320)
    assert photo.garment.mean() == pytest.approx((SHIRT[..., 3] > 0).mean(), abs=0.003)


def test_a_sheer_garment_and_its_shadow():
    rgba = cutout((0, 0, 0), np.zeros((HEIGHT, WIDTH), np.uint8))
    rgba[10:50, 20:60, 3] = 110  # half seen through
    rgba[50:56, 20:60, 3] = 40  # its shadow
    photo = measures.decode_photo(saved(rgba, "PNG"))
    assert photo.garment[10:50, 20:60].all() and photo.garment.sum() == 40 * 40


@pytest.mark.parametrize("case", ["nothing opaque", "rounded corners", "one stray pixel"])
def test_alpha_that_is_no_cutout_is_no_mask(case):
    rgb = draw("VESTITO", (200, 30, 30), 0)
    alpha = np.full(rgb.shape[:2], 255, np.uint8)
    if case == "nothing opaque":
        alpha[:] = 0
    elif case == "one stray pixel":
        alpha[0, 0] = 0
    else:
        for corner in (np.s_[:5, :5], np.s_[-5:, :5], np.s_[:5, -5:], np.s_[-5:, -5:]):
            alpha[corner] = 0
    photo = measures.decode_photo(saved(np.dstack([rgb, alpha]), "PNG"))
    assert photo.cutout is None and np.array_equal(photo.garment, measures.garment_mask(photo.lab))
    assert photo.garment.any()


def test_an_array_with_alpha_is_the_file_with_alpha():
    photo = measures.decode_photo(photo_bytes(SHIRT)[0])
    assert np.array_equal(photo.garment, SHIRT[..., 3] > 0) and np.array_equal(photo.unpacked, rgb_of(SHIRT))
