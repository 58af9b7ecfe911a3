"""Photos that are whole, and every kind that is not."""

import io

import cv2
import numpy as np
import pytest
from conftest import COLOURS, draw, jpeg
from PIL import Image
from plain import photo_facts

from fashion.errors import PhotoError
from fashion.photos import MEASURED, Picture, garment_lab, garment_mask, perceptual_hash, to_lab
from fashion.pixels import decode, resize, shrunk
from fashion.source import open_source


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
    with pytest.raises(PhotoError, match="truncated"):
        decode(data[:-2])
    decode(data + b"\0" * 40)  # padding after the end is no damage


@pytest.mark.parametrize("data", [b"", b"hello, I am a text", b"\xff\xd8\xff\xd9", b"<svg xmlns='x'/>", b"GIF89a"])
def test_no_image(data):
    with pytest.raises(PhotoError, match=r"not an image|empty|truncated"):
        decode(data, "x.jpg")


def test_truncated_png():
    with pytest.raises(PhotoError, match="truncated"):
        decode(png(draw("VESTITO", (200, 30, 30), 0))[:-30])


def test_resize_averages_when_it_shrinks():
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    rgb = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    small = resize(rgb, 8)
    assert small.shape == (8, 8, 3) and np.abs(small.astype(int) - 127).max() <= 1
    assert resize(rgb, 64) is rgb
    assert resize(rgb[:, :16], 32).shape == (32, 32, 3)


def test_lab_of_known_colours():
    rgb = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    lab = to_lab(rgb)[0]
    assert np.allclose(lab, [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]], atol=0.3)


@pytest.mark.parametrize("kind", ["BALLERINA", "VESTITO", "PANTALONI"])
@pytest.mark.parametrize("colour", COLOURS)
def test_garment_is_told_from_the_ground(kind, colour):
    clean = np.full((128, 128, 3), 242, np.uint8)
    rgb = draw(kind, COLOURS[colour], 3)
    truth = (np.abs(rgb.astype(int) - clean).max(axis=2)) > 40
    mask = garment_mask(to_lab(rgb))
    assert (mask & truth).sum() / (mask | truth).sum() > 0.95
    expected = to_lab(np.array([[COLOURS[colour]]], np.uint8))[0, 0]
    assert np.linalg.norm(garment_lab(Picture(rgb)) - expected) < 6


def test_mask_is_never_empty():
    for value in (0, 128, 255):
        mask = garment_mask(to_lab(np.full((50, 40, 3), value, np.uint8)))
        assert mask.shape == (50, 40) and 0.1 < mask.mean() < 0.6
    assert garment_mask(to_lab(np.full((1, 1, 3), 9, np.uint8))).any()


def test_holes_are_garment():
    rgb = draw("VESTITO", (30, 60, 160), 0)
    rgb[60:72, 58:70] = 242  # a white print
    assert garment_mask(to_lab(rgb))[60:72, 58:70].all()


def test_perceptual_hash_survives_compression_and_tells_shapes_apart():
    bits = lambda h: np.array([int(b) for b in f"{int(h, 16):064b}"])  # noqa: E731
    one = draw("VESTITO", (200, 30, 30), 0)
    again = decode(jpeg(one, quality=50))
    other = draw("PANTALONI", (200, 30, 30), 0)
    assert (bits(perceptual_hash(one)) != bits(perceptual_hash(again))).sum() <= 4
    assert (bits(perceptual_hash(one)) != bits(perceptual_hash(other))).sum() > 10


def test_a_large_photo_has_its_own_size_and_the_facts_of_a_small_one(tmp_path):
    small = draw("VESTITO", (200, 30, 30), 0)
    large = cv2.resize(small, (640, 1280), interpolation=cv2.INTER_CUBIC)
    for name, rgb in (("small.png", small), ("large.png", large)):
        assert cv2.imwrite(str(tmp_path / name), rgb[..., ::-1])
    (tmp_path / "annotation.txt").write_text("x")
    facts = photo_facts(open_source(tmp_path, "annotation.txt"), ["small.png", "large.png"])
    assert facts[["width", "height"]].to_numpy().tolist() == [[128, 128], [640, 1280]]
    seen = cv2.resize(large, (MEASURED // 2, MEASURED), interpolation=cv2.INTER_AREA)
    assert facts.loc[1, "phash"] == perceptual_hash(seen) and facts.loc[1, "thumbnail"] == resize(seen, 16).tobytes()
    lab = facts[["garment_l", "garment_a", "garment_b"]].to_numpy()
    assert np.abs(lab[0] - lab[1]).max() < 3


def test_shrinking_keeps_the_aspect_and_no_side_goes_to_nothing():
    rgb = np.arange(1280 * 640 * 3, dtype=np.uint32).astype(np.uint8).reshape(1280, 640, 3)
    assert shrunk(rgb, 320).shape == (320, 160, 3) and shrunk(rgb, 1280) is rgb
    assert shrunk(rgb[:, :1], 320).shape == (320, 1, 3) and shrunk(rgb[:1, :], 64).shape == (1, 64, 3)
    assert shrunk(rgb, 5).mean() == pytest.approx(rgb.mean(), abs=1)


def test_facts_never_raise(tmp_path):
    (tmp_path / "annotation.txt").write_text("x")
    good = jpeg(draw("VESTITO", (200, 30, 30), 0))
    files = {"good.jpg": good, "cut.jpg": good[:900], "text.jpg": b"hello", "empty.jpg": b""}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    facts = photo_facts(open_source(tmp_path, "annotation.txt"), [*files, "none.jpg", "../x.jpg"])
    problems = facts.set_index("photo")["problem"]
    assert problems["good.jpg"] == ""
    for name, word in [("cut.jpg", "truncated"), ("text.jpg", "not an image"), ("empty.jpg", "empty"),
                       ("none.jpg", "missing"), ("../x.jpg", "leads out")]:  # fmt: skip
        assert word in problems[name], name
    assert facts.loc[0, ["width", "height", "bytes"]].tolist() == [128, 128, len(good)]
    assert len(facts.loc[0, "thumbnail"]) == 16 * 16 * 3
    assert facts["sha256"].str.len().tolist() == [64, 64, 64, 64, 0, 0]
