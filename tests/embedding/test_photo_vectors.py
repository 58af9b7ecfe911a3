"""Photos given as arrays look as their files would."""

import cv2
import numpy as np
import pytest

from fashion.core.errors import PhotoError
from fashion.embedding import runtimes
from fashion.embedding.backbones import load_backbone
from fashion.embedding.extraction import networks_folder
from fashion.embedding.photo_vectors import FEW, embed, rgb_of
from fashion.photos.images import decode


def test_transparent_pixels_of_an_array_are_laid_on_white_as_those_of_its_file():
    rgba = np.random.default_rng(0).integers(0, 256, (31, 17, 4), np.uint8)
    before = rgba.copy()
    png = cv2.imencode(".png", rgba[..., [2, 1, 0, 3]])[1].tobytes()
    assert np.array_equal(rgb_of(rgba), decode(png)) and np.array_equal(rgba, before)
    assert (rgb_of(np.zeros((8, 8, 4), np.uint8)) == 255).all()


def test_other_arrays():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(rgb_of(grey), np.dstack([grey] * 3))
    with pytest.raises(PhotoError, match="expected photo as RGB of uint8"):
        rgb_of(np.zeros((3, 4, 2), np.uint8))


def test_a_network_is_converted_for_many_photos_and_kept_where_reports_keep_theirs(tmp_path, monkeypatch):
    network, asked = load_backbone("efficientnet-lite0", size=96), []

    def runtime(how):
        def chosen(*given):
            asked.append((how, *given[1:]))
            widths = {"embedding": network.dimension, "multilayer": network.multilayer_dimensions}

            def stream(batches):
                return ({name: np.zeros((len(b), w), np.float32) for name, w in widths.items()} for b in batches)

            return runtimes.Runtime(how, "", "", stream)

        return chosen

    monkeypatch.setattr(runtimes, "choose_runtime", runtime("converts"))
    monkeypatch.setattr(runtimes, "query_runtime", runtime("as it is"))
    monkeypatch.setattr("fashion.core.paths.project_root", lambda: tmp_path)
    kept, grey = networks_folder(tmp_path / "data/processed"), np.full((96, 96, 3), 128, np.uint8)
    many = [grey] * (FEW + 1)
    for made in (False, True):
        if made:
            kept.mkdir(parents=True)
        for photos in (grey, many[1:], many, iter([grey])):
            embed(photos, backbone=network)
        embed(grey, backbone=network, runtime="openvino")
        folder = kept if made else None
        converted = [("converts", name, folder) for name in ("auto", "auto", "openvino")]
        assert asked == [("as it is", kept)] * 2 + converted
        asked.clear()
