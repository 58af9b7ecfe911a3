"""What is measured on a photo, small or large, and what a bad one says."""

import cv2
import numpy as np
import pytest
from conftest import COLOURS, draw, jpeg
from plain import photo_metadata, read_photo

from fashion.catalogue.source import open_source
from fashion.photos import images, measures
from fashion.photos.images import decode, resize
from fashion.photos.measures import (
    MEASURED,
    DecodedPhoto,
    decode_photo,
    garment_lab,
    garment_mask,
    perceptual_hash,
    to_lab,
)


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
    assert np.linalg.norm(garment_lab(DecodedPhoto(rgb)) - expected) < 6


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


def test_a_large_photo_has_its_own_size_and_the_metadata_of_a_small_one(tmp_path):
    small = draw("VESTITO", (200, 30, 30), 0)
    large = cv2.resize(small, (640, 1280), interpolation=cv2.INTER_CUBIC)
    for name, rgb in (("small.png", small), ("large.png", large)):
        assert cv2.imwrite(str(tmp_path / name), rgb[..., ::-1])
    (tmp_path / "annotation.txt").write_text("x")
    metadata = photo_metadata(open_source(tmp_path, "annotation.txt"), ["small.png", "large.png"])
    assert metadata[["width", "height"]].to_numpy().tolist() == [[128, 128], [640, 1280]]
    seen = cv2.resize(large, (MEASURED // 2, MEASURED), interpolation=cv2.INTER_AREA)
    assert metadata.loc[1, "phash"] == perceptual_hash(seen)
    assert metadata.loc[1, "thumbnail"] == resize(seen, 16).tobytes()
    lab = metadata[["garment_l", "garment_a", "garment_b"]].to_numpy()
    assert np.abs(lab[0] - lab[1]).max() < 3


def test_metadata_never_raises(tmp_path):
    (tmp_path / "annotation.txt").write_text("x")
    good = jpeg(draw("VESTITO", (200, 30, 30), 0))
    files = {"good.jpg": good, "cut.jpg": good[:900], "text.jpg": b"hello", "empty.jpg": b""}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    metadata = photo_metadata(open_source(tmp_path, "annotation.txt"), [*files, "none.jpg", "../x.jpg"])
    problems = metadata.set_index("photo")["problem"]
    assert problems["good.jpg"] == ""
    for name, word in [("cut.jpg", "truncated"), ("text.jpg", "not an image"), ("empty.jpg", "empty"),
                       ("none.jpg", "missing"), ("../x.jpg", "leads out")]:  # fmt: skip
        assert word in problems[name], name
    assert metadata.loc[0, ["width", "height", "bytes"]].tolist() == [128, 128, len(good)]
    assert len(metadata.loc[0, "thumbnail"]) == 16 * 16 * 3
    assert metadata["sha256"].str.len().tolist() == [64, 64, 64, 64, 0, 0]


@pytest.mark.parametrize(("edge", "times"), [(96, 1), (160, 1), (197, 1), (200, 1), (224, 2), (256, 2)])
def test_a_network_sees_of_a_large_photo_what_embedding_alone_would_show_it(tmp_path, monkeypatch, edge, times):
    large = cv2.resize(draw("VESTITO", (200, 30, 30), 0), (440, 660), interpolation=cv2.INTER_CUBIC)
    (tmp_path / "annotation.txt").write_text("x")
    (tmp_path / "large.jpg").write_bytes(jpeg(large))
    source = open_source(tmp_path, "annotation.txt")
    expected = read_photo(source, "large.jpg", edge)
    decoded = []
    unpack = images.decode_with_alpha
    monkeypatch.setattr(images, "decode_with_alpha", lambda *given, **more: decoded.append(1) or unpack(*given, **more))
    picture = decode_photo(source.read("large.jpg"))
    assert picture.unpacked.shape == (330, 220, 3) and picture.sides == (660, 440)
    assert np.array_equal(picture.view(edge), expected)
    assert len(decoded) == times, "unpacked again only for a network that sees more than is measured"
    whole = resize(large, edge).astype(int)
    assert np.abs(whole - picture.view(edge)).mean() < 2


def test_a_large_jpeg_has_the_metadata_of_a_small_one(tmp_path):
    small = draw("PANTALONI", (30, 60, 160), 0)
    (tmp_path / "annotation.txt").write_text("x")
    for name, size in (("small.jpg", (400, 400)), ("large.jpg", (1700, 3400)), ("wide.jpg", (3400, 1700))):
        (tmp_path / name).write_bytes(jpeg(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), 95))
    metadata = photo_metadata(open_source(tmp_path, "annotation.txt"), ["small.jpg", "large.jpg", "wide.jpg"])
    assert metadata[["width", "height"]].to_numpy().tolist() == [[400, 400], [1700, 3400], [3400, 1700]]
    lab = metadata[["garment_l", "garment_a", "garment_b"]].to_numpy()
    assert np.abs(lab - lab[0]).max() < 1.5
    thumbnails = np.array([list(data) for data in metadata["thumbnail"]])
    assert np.abs(thumbnails - thumbnails[0]).mean() < 2  # squares of the whole photo, whatever its shape


def test_the_tile_is_the_photo_on_the_map():
    picture = DecodedPhoto(draw("VESTITO", COLOURS["VERDE"], 0))
    tile = decode(measures.measure(picture)["tile"])
    assert tile.shape == (measures.TILE, measures.TILE, 3)
    assert np.abs(tile.astype(int) - resize(picture.rgb, measures.TILE)).mean() < 3


def a_step(sigma, low=10.0, high=90.0):
    """Lightness of a photo that is half dark, half light, blurred by a Gaussian."""
    step = np.full((200, 200), high, np.float32)
    step[:, :100] = low
    return cv2.GaussianBlur(step, (0, 0), sigma) if sigma else step


@pytest.mark.parametrize("sigma", [2, 3, 5, 8])
def test_edge_width_is_a_gaussians_height_over_its_area(sigma):
    """Of a blurred step the steepest slope is its height / (sigma sqrt(2 pi)); Sobel adds half a pixel of its own."""
    exact = np.sqrt(2 * np.pi * (sigma**2 + 0.5))
    assert measures.edge_width(a_step(sigma)) == pytest.approx(exact, rel=0.02)
    assert measures.edge_width(a_step(sigma, 40, 60)) == pytest.approx(exact, rel=0.06), "contrast cancels"


def test_edge_width_of_sharp_edges_and_of_none():
    assert measures.edge_width(a_step(0)) == pytest.approx(2, abs=0.01)
    assert measures.edge_width(np.full((9, 9), 50, np.float32)) == 1
    assert measures.edge_width(np.full((1, 1), 50, np.float32)) == 1


def test_lightness_ends_are_quantiles():
    lightness = np.random.default_rng(0).normal(50, 12, (240, 320)).clip(0, 100).astype(np.float32)
    assert measures.lightness_ends(lightness) == pytest.approx(np.quantile(lightness, [0.01, 0.99]), abs=0.1)
    assert measures.lightness_ends(np.zeros((5, 4), np.float32)) == (0, 0)


def test_an_uneven_border_is_the_share_that_is_not_of_its_median_colour():
    rgb = np.full((100, 100, 3), 240, np.uint8)
    assert measures.uneven_border(DecodedPhoto(rgb)) == 0
    rgb[:30] = [30, 60, 160]  # 100 + 2 * 30 of 400 border pixels, corners counted twice
    assert measures.uneven_border(DecodedPhoto(rgb)) == pytest.approx(160 / 400)
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3)).astype(np.uint8)
    assert measures.uneven_border(DecodedPhoto(noise)) > 0.9
