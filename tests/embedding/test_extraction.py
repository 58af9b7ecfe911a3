"""One pass gives what the plain ways give, looks only at what is not kept, and never stops at a bad photo."""

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import write_small_catalogue
from onnx_towers import CLIP_JSON, image_tower, write_json
from plain import descriptors_of, photo_metadata, vectors_of

from fashion.catalogue.source import open_source
from fashion.core.errors import PhotoError
from fashion.embedding import extraction
from fashion.embedding.backbones import load_backbone
from fashion.embedding.extraction import read_photos
from fashion.embedding.runtimes import choose_runtime
from fashion.photos import descriptors


@pytest.fixture(scope="module")
def network(networks):
    backbone = load_backbone("efficientnet-lite0", size=96)
    return backbone, choose_runtime(backbone, kept=networks)


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch, network):
    monkeypatch.setattr(extraction, "choose_runtime", lambda *_: network[1])


@pytest.fixture
def clothes(tmp_path):
    """60 photos, one damaged, one with the bytes of another, one that is large; and a name without a photo."""
    folder = write_small_catalogue(tmp_path / "clothes", each=5)
    images = sorted((folder / "images").iterdir())
    images[3].write_bytes(images[3].read_bytes()[:700])
    images[5].write_bytes(images[4].read_bytes())
    large = cv2.resize(cv2.imread(str(images[7])), (700, 900), interpolation=cv2.INTER_CUBIC)
    assert cv2.imwrite(str(images[7]), large)
    source = open_source(folder, "annotation.txt")
    return source, ["images/none.jpg", *(f"images/{path.name}" for path in images)]


def go(clothes, network, root, names=None):
    return read_photos(clothes[0], clothes[1] if names is None else names, root, network[0], progress=False)


def test_a_pass_gives_what_the_plain_ways_give_bit_for_bit(clothes, network, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "SHARD", 7)
    source, names = clothes
    seen = go(clothes, network, tmp_path / "root")
    metadata = photo_metadata(source, names)
    pd.testing.assert_frame_equal(seen.metadata, metadata)
    assert metadata["problem"].ne("").tolist() == [True, *[False] * 3, True, *[False] * 56]
    good = metadata[metadata["problem"] == ""]
    alone = vectors_of(source, good["photo"], *network)
    assert all(np.array_equal(seen.vectors.blocks[name], alone[name]) for name in alone)
    described = descriptors_of(source, good["photo"].tolist())
    for name, none in descriptors.NONE.items():
        found = seen.descriptor(name)
        assert np.array_equal(found, described[name]) and found.dtype == none.dtype
    assert (seen.vectors.embedded, seen.vectors.reused) == (58, 0), "two photos of equal bytes go through once"
    with pytest.raises(PhotoError, match=r"found 2 bad ones, the first is missing.*none\.jpg"):
        seen.require_good()


def test_a_second_pass_looks_at_the_bad_ones_alone_and_gives_the_same(clothes, network, tmp_path):
    first = go(clothes, network, tmp_path)
    again = go(clothes, network, tmp_path, clothes[1][::-1])
    assert (first.read, again.read, again.vectors.embedded, again.vectors.reused) == (61, 2, 0, 58)
    pd.testing.assert_frame_equal(again.metadata, first.metadata[::-1].reset_index(drop=True))
    assert np.array_equal(again.descriptor("hog"), first.descriptor("hog")[::-1])
    go(clothes, network, tmp_path, clothes[1][1:3]).require_good()


def test_another_backbone_embeds_alone_and_metadata_and_descriptors_stay(clothes, network, tmp_path, monkeypatch):
    go(clothes, network, tmp_path)
    image_tower(tmp_path / "clip/onnx/vision_model.onnx")
    write_json(tmp_path / "clip/preprocessor_config.json", CLIP_JSON)
    other = load_backbone(str(tmp_path / "clip"))
    monkeypatch.setattr(extraction, "choose_runtime", choose_runtime)
    monkeypatch.setattr(extraction, "measure", None)
    monkeypatch.setattr(descriptors, "describe", undescribed)
    seen = read_photos(clothes[0], clothes[1][6:12], tmp_path, other, progress=False)
    assert (seen.read, seen.vectors.embedded) == (6, 6)


def undescribed(_):
    pytest.fail("descriptors are made again")


undescribed.__module__ = descriptors.__name__  # by which their store is keyed


def test_a_damaged_part_of_descriptors_is_made_again(clothes, network, tmp_path):
    first = go(clothes, network, tmp_path)
    part = next((tmp_path / "descriptors").rglob("part-*.npz"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(bytes(data))
    with pytest.warns(UserWarning, match="damaged"):
        again = go(clothes, network, tmp_path)
    assert again.read == 61 and again.vectors.embedded == 0
    assert np.array_equal(again.descriptor("colour_grid"), first.descriptor("colour_grid"))


def test_a_photo_that_was_changed_is_looked_at_again(clothes, network, tmp_path):
    go(clothes, network, tmp_path)
    source, names = clothes
    (source.path / names[1]).write_bytes((source.path / names[2]).read_bytes())
    (source.path / names[7]).unlink()
    again = go(clothes, network, tmp_path)
    assert again.metadata["sha256"][1] == again.metadata["sha256"][2]
    assert again.metadata["problem"][7].startswith("missing")
    assert again.read == 4 and again.vectors.embedded == 0


def test_what_was_finished_before_a_stop_is_kept(clothes, network, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "SHARD", 8)
    extract = extraction.extract

    def stopped(source, name, *given):
        if name == clothes[1][50]:
            raise KeyboardInterrupt
        return extract(source, name, *given)

    monkeypatch.setattr(extraction, "extract", stopped)
    with pytest.raises(KeyboardInterrupt):
        go(clothes, network, tmp_path)
    monkeypatch.setattr(extraction, "extract", extract)
    rest = go(clothes, network, tmp_path)
    assert rest.vectors.embedded <= 58 - 16 and rest.read < 61 and len(rest.vectors.blocks["embedding"]) == 59
