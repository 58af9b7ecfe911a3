"""Colour profiles: Adobe RGB, Display P3, grey and CMYK become sRGB; sRGB, damaged and none change nothing."""

import io
import struct
import zlib

import numpy as np
import pytest
from colour_profiles import COLOURS, PATCHES, SPACES, by_formula, centres, curve, icc, linear, rgb_profile, xyz
from conftest import draw
from PIL import Image, ImageCms

from fashion.photos.headers import MOST_PROFILE, read_header
from fashion.photos.images import decode, decode_with_alpha
from fashion.photos.profiles import transform_to_srgb
from fashion.web.uploads import open_upload


def saved(rgb, kind, profile=b"", mode=None, **how):
    stream, image = io.BytesIO(), Image.fromarray(rgb)
    (image.convert(mode) if mode else image).save(stream, kind, icc_profile=profile or None, **how)
    return stream.getvalue()


KINDS = {
    "JPEG": {"quality": 100, "subsampling": 0}, "PNG": {}, "WEBP": {"lossless": True}, "TIFF": {},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
}  # fmt: skip


@pytest.mark.parametrize("name", ["Adobe RGB", "Display P3"])
@pytest.mark.parametrize("kind", KINDS)
def test_wider_spaces_become_srgb_as_the_formula_has_it(kind, name):
    data = saved(PATCHES, kind, rgb_profile(name), **KINDS[kind])
    found, expected = centres(decode(data)), by_formula(np.array(COLOURS), name)
    assert np.abs(found - expected).max() <= 3
    assert np.abs(found - COLOURS).max() > 8, "they were others before"
    if read_header(data).kind not in ("TIFF", "AVIF"):
        assert np.abs(centres(open_upload(data).unpacked) - expected).max() <= 3, "a visitor's photo, too"


def test_a_large_jpeg_is_turned_when_it_is_reduced():
    large = np.repeat(np.repeat(PATCHES, 60, axis=0), 15, axis=1)
    data = saved(large, "JPEG", rgb_profile("Adobe RGB"), quality=100, subsampling=0)
    reduced = decode(data, edge=160)
    step = reduced.shape[1] // len(COLOURS)
    assert reduced.shape[0] < large.shape[0]
    assert np.abs(reduced[100, step // 2 :: step] - by_formula(np.array(COLOURS), "Adobe RGB")).max() <= 3


def test_a_profile_of_several_segments_is_joined_and_one_that_lacks_some_is_ignored():
    profile = rgb_profile("Adobe RGB", padding=150_000)
    data = saved(PATCHES, "JPEG", profile, **KINDS["JPEG"])
    assert read_header(data).icc == profile and data.count(b"ICC_PROFILE\0") == 3
    assert np.abs(centres(decode(data)) - by_formula(np.array(COLOURS), "Adobe RGB")).max() <= 3
    second = data.index(b"\xff\xe2", data.index(b"\xff\xe2") + 2)
    cut = data[:second] + data[second + 2 + int.from_bytes(data[second + 2 : second + 4], "big") :]
    plain = decode(saved(PATCHES, "JPEG", **KINDS["JPEG"]))
    assert read_header(cut).icc == b"" and np.array_equal(decode(cut), plain)


def test_transparent_photos_are_turned_before_they_are_laid_on_white():
    alpha = np.full(PATCHES.shape[:2], 128, np.uint8)
    alpha[:, :16] = 0
    rgba = np.dstack([PATCHES, alpha])
    expected = by_formula(np.array(COLOURS), "Display P3") * (128 / 255) + 255 * (127 / 255)
    for kind in ("PNG", "WEBP", "TIFF", "AVIF"):
        data = saved(rgba, kind, rgb_profile("Display P3"), **KINDS[kind])
        found, opacity = decode_with_alpha(data)
        assert np.abs(centres(found) - expected)[1:].max() <= 3 and centres(found)[0].min() >= 254, kind
        assert np.abs(opacity.astype(int) - alpha).max() <= 1, kind


def srgb_profiles():
    """sRGB as lcms and as a maker's table of points has it."""
    return [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), rgb_profile("sRGB")]


@pytest.mark.parametrize("kind", [*KINDS, "grey JPEG", "grey PNG"])
def test_ordinary_photos_keep_every_bit(kind):
    mode, kind = ("L", kind[5:]) if kind.startswith("grey") else (None, kind)
    rgb = draw("VESTITO", (200, 30, 30), 0)
    plain = decode(saved(rgb, kind, mode=mode, **KINDS[kind]))
    for profile in [*srgb_profiles(), b"no profile", b"x" * 200, rgb_profile("Adobe RGB")[:300], bytes(5000)]:
        data = saved(rgb, kind, profile, mode=mode, **KINDS[kind])
        assert np.array_equal(decode(data), plain)
        if kind in ("JPEG", "PNG", "WEBP"):
            bare = saved(rgb, kind, mode=mode, **KINDS[kind])
            assert np.array_equal(open_upload(data).unpacked, open_upload(bare).unpacked)


def test_a_profile_of_another_kind_of_photo_is_ignored():
    grey = icc(b"GRAY", b"XYZ ", b"mntr", {b"wtpt": xyz((0.9642, 1, 0.8249)), b"kTRC": curve(1.0)})
    for photo, profile in ((PATCHES, grey), (PATCHES, cmyk_profile())):
        for kind in ("PNG", "JPEG"):
            assert np.array_equal(decode(saved(photo, kind, profile)), decode(saved(photo, kind)))
    data = saved(PATCHES, "PNG", rgb_profile("Adobe RGB"), mode="L")
    assert np.array_equal(decode(data), decode(saved(PATCHES, "PNG", mode="L")))


def test_a_profile_cut_at_any_place_harms_nobody():
    for profile in (rgb_profile("Adobe RGB"), cmyk_profile()):
        for length in range(0, len(profile), 37):
            for channels in (1, 3, 4, 5):
                transform_to_srgb(profile[:length], channels)
    flipped = np.frombuffer(rgb_profile("Adobe RGB"), np.uint8).copy()
    random = np.random.default_rng(0)
    for _ in range(200):
        spoilt = flipped.copy()
        spoilt[random.integers(0, 400, 8)] = random.integers(0, 256, 8)
        decode(saved(PATCHES, "PNG", spoilt.tobytes()))


def test_a_profile_that_unpacks_to_gigabytes_is_ignored():
    packed = zlib.compress(bytes(MOST_PROFILE + 1))
    body = b"bomb\0\0" + packed
    chunk = struct.pack(">I", len(body)) + b"iCCP" + body + struct.pack(">I", zlib.crc32(b"iCCP" + body))
    data = saved(PATCHES, "PNG")
    data = data[:33] + chunk + data[33:]
    assert read_header(data).icc == b"" and np.array_equal(decode(data), PATCHES)


def test_grey_photos_with_a_curve_of_their_own_become_srgb_greys():
    profile = icc(b"GRAY", b"XYZ ", b"mntr", {b"wtpt": xyz((0.9642, 1, 0.8249)), b"kTRC": curve(1.0)})
    for kind in ("PNG", "JPEG"):
        data = saved(np.full((20, 20), 128, np.uint8), kind, profile)
        assert np.abs(decode(data).astype(int) - 188).max() <= 1, "128 of 255 in linear light"
        assert np.abs(open_upload(data).unpacked.astype(int) - 188).max() <= 1


INKS = {(1, 0, 0, 0): "#4090c8", (0, 1, 0, 0): "#d04880", (0, 0, 1, 0): "#f0d850", (0, 0, 0, 1): "#282422"}


def lab_d50(rgb):
    """An sRGB colour in profiles' CIELAB, whose white is D50."""
    ratio = linear(rgb / 255, None) @ np.transpose(SPACES["sRGB"][0]) / (0.9642, 1, 0.8249)
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def cmyk_profile():
    """A printer's profile: a table (mft1) of two steps an ink, in which inks multiply."""
    paper = np.array([255.0, 255, 255])
    table = b""
    for corner in np.ndindex(2, 2, 2, 2):
        rgb = paper.copy()
        for ink, amount in zip(INKS, corner, strict=True):
            if amount:
                rgb *= [int(INKS[ink][place : place + 2], 16) / 255 for place in (1, 3, 5)]
        lab = lab_d50(rgb)
        table += bytes(int(np.clip(round(v), 0, 255)) for v in (lab[0] * 2.55, lab[1] + 128, lab[2] + 128))
    straight = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    look_up = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + straight * 4 + table + straight * 3
    return icc(b"CMYK", b"Lab ", b"prtr", {b"wtpt": xyz((0.9642, 1, 0.8249)), b"A2B0": look_up})


def inked(profile=b"", **how):
    """A CMYK JPEG of four patches, one an ink, and bare paper."""
    pixels = np.zeros((16, 80, 4), np.uint8)
    for place, ink in enumerate(INKS):
        pixels[:, 16 * place : 16 * place + 16] = np.array(ink) * 255
    stream = io.BytesIO()
    Image.fromarray(pixels, "CMYK").save(stream, "JPEG", quality=100, icc_profile=profile or None, **how)
    return stream.getvalue()


def test_a_cmyk_photo_has_the_colours_that_its_profile_gives_its_inks():
    expected = [[int(h[p : p + 2], 16) for p in (1, 3, 5)] for h in INKS.values()] + [[255, 255, 255]]
    data = inked(cmyk_profile())
    for found in (decode(data), open_upload(data).unpacked):
        assert np.abs(centres(found) - expected)[[0, 1, 2, 4]].max() <= 4
        assert centres(found)[3].max() < 45, "black, or darker by the black point's compensation"
    naive = centres(decode(inked()))
    assert np.abs(naive[0] - (0, 255, 255)).max() <= 2, "without a profile by the rule of thumb, as ever"
    assert np.abs(centres(open_upload(inked()).unpacked) - naive).max() <= 2


def test_a_cmyk_photo_with_a_profile_is_turned_and_reduced_as_others_are():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(inked(cmyk_profile(), exif=exif)).shape == (80, 16, 3)
    large = np.zeros((1260, 840, 4), np.uint8)
    large[:630] = (255, 0, 0, 0)
    stream = io.BytesIO()
    Image.fromarray(large, "CMYK").save(stream, "JPEG", quality=95, icc_profile=cmyk_profile())
    found = decode(stream.getvalue(), edge=160)
    assert found.shape == (315, 210, 3) and np.abs(found[50, 50].astype(int) - (0x40, 0x90, 0xC8)).max() <= 4
