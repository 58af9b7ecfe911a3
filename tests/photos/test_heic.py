"""HEIC, as phones save photos: named as such, and read where pillow-heif is installed; AVIF has its container."""

import io

import numpy as np
import pytest
from colour_profiles import COLOURS, PATCHES, by_formula, centres, rgb_profile
from conftest import draw
from photo_errors import bad_photo
from PIL import Image

from fashion.catalogue.source import open_source
from fashion.core.errors import PhotoError
from fashion.photos import headers, measures
from fashion.photos.headers import is_heic, read_header
from fashion.photos.images import decode
from fashion.web import uploads

RGB = draw("VESTITO", (200, 30, 30), 0)
#: Enough of a file to be told by.
BEGIN = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(40)


def of_brands(major, *others):
    return (16 + 4 * len(others)).to_bytes(4, "big") + b"ftyp" + major + bytes(4) + b"".join(others) + bytes(20)


@pytest.mark.parametrize(
    ("data", "told"),
    [(BEGIN, True), (of_brands(b"mif1", b"heic"), True), (of_brands(b"heix"), True), (of_brands(b"msf1"), True),
     (of_brands(b"avif", b"mif1", b"miaf"), False), (of_brands(b"mif1", b"avif"), False), (of_brands(b"isom"), False),
     (of_brands(b"mp42", b"isom"), False), (b"", False), (b"\0\0\0\x1cftyp", False), (b"\xff\xd8ftypheic", False)],
)  # fmt: skip
def test_heic_is_told_by_its_brands(data, told):
    assert is_heic(data) == told


def test_without_pillow_heif_it_is_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(headers, "heic_readable", lambda: False)
    monkeypatch.setattr(uploads, "heic_readable", lambda: False)
    with bad_photo(r"HEIC: expected .*; found 'phone.jpg', which is HEIC\. Install pillow-heif .* JPEG"):
        decode(BEGIN, "phone.jpg")
    (tmp_path / "t.csv").write_text("x")
    (tmp_path / "phone.heic").write_bytes(BEGIN)
    metadata, photo = measures.open_photo(open_source(tmp_path, "t.csv"), "phone.heic")
    assert photo is None and metadata["problem"].startswith("HEIC: expected")
    with bad_photo(r"found HEIC\. Save it as JPEG"):
        uploads.open_upload(BEGIN)


def heic(rgb, **how):
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra `heic` is not installed")
    pillow_heif.register_heif_opener()
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "HEIF", quality=-1, chroma=444, matrix_coefficients=0, **how)  # lossless
    return stream.getvalue()


def test_a_heic_photo_is_read_as_its_png_is():
    data = heic(RGB)
    assert is_heic(data) and read_header(data).kind == "HEIC"
    photo = measures.decode_photo(data)
    assert np.array_equal(photo.unpacked, RGB) and photo.sides == RGB.shape[:2]
    assert np.array_equal(uploads.open_upload(data).unpacked, RGB)


def test_a_heic_photo_is_turned_and_its_colours_are_srgb():
    exif = Image.Exif()
    exif[0x0112] = 6  # which the writer turns into the container's own turn, as phones have it
    turned = heic(np.rot90(RGB).copy(), exif=exif.tobytes())
    assert np.array_equal(decode(turned), RGB) and np.array_equal(uploads.open_upload(turned).unpacked, RGB)
    found = decode(heic(PATCHES, icc_profile=rgb_profile("Display P3")))
    assert np.abs(centres(found) - by_formula(np.array(COLOURS), "Display P3")).max() <= 3


def test_a_transparent_heic_photo_is_a_cutout():
    alpha = np.zeros(RGB.shape[:2], np.uint8)
    alpha[30:90, 40:80] = 255
    data = heic(np.dstack([RGB, alpha]))
    for photo in (measures.decode_photo(data), uploads.open_upload(data)):
        assert np.array_equal(photo.garment, alpha > 0) and photo.unpacked[0, 0].min() == 255


def test_a_damaged_heic_photo_is_refused():
    data = heic(RGB)
    for length in (40, len(data) // 2, len(data) - 20):
        with pytest.raises(PhotoError):
            decode(data[:length])
        with pytest.raises(PhotoError):
            uploads.open_upload(data[:length])


def test_an_opaque_avif_photo_is_turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(np.rot90(RGB).copy()).save(stream, "AVIF", quality=100, subsampling="4:4:4", exif=exif)
    assert np.abs(decode(stream.getvalue()).astype(int) - RGB).max() <= 4
