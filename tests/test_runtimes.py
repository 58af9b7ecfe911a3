"""OpenVINO gives TensorFlow's vectors, each photo's own whatever its batch, or it is not taken."""

import sys

import numpy as np
import pytest

from fashion import runtimes
from fashion.backbones import load_backbone
from fashion.errors import WeightsError
from fashion.runtimes import choose_runtime, parity


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("efficientnet-lite0", size=96)


@pytest.fixture(scope="module")
def both(backbone):
    return choose_runtime(backbone), choose_runtime(backbone, "tensorflow")


def photos(count):
    return np.random.default_rng(count).integers(0, 256, (count, 96, 96, 3), np.uint8)


def test_the_fastest_is_taken_and_agrees_with_the_reference(backbone, both):
    assert [runtime.name for runtime in both] == ["openvino", "tensorflow"]
    assert all(runtime.version[0].isdigit() and runtime.reason.startswith(runtime.name) for runtime in both)
    batch = photos(5)
    fast, reference = (next(iter(runtime.stream([batch]))) for runtime in both)
    assert fast.keys() == reference.keys() == {"embedding", "depths"}
    for name in fast:
        assert fast[name].shape == reference[name].shape and fast[name].dtype == np.float32
        np.testing.assert_allclose(fast[name], reference[name], atol=1e-3)
    assert parity(*both, backbone.size) < 1e-5


def test_batches_come_in_order_and_do_not_matter(both):
    given = photos(11)
    for runtime in both:
        parts = list(runtime.stream(iter([given[:4], given[4:5], given[5:]])))
        assert [len(part["embedding"]) for part in parts] == [4, 1, 6]
        whole = next(iter(runtime.stream([given])))
        joined = np.concatenate([part["depths"] for part in parts])
        np.testing.assert_allclose(joined, whole["depths"], atol=1e-3)
        if runtime.name == "openvino":
            assert np.array_equal(joined, whole["depths"])
        assert list(runtime.stream([])) == []


def test_without_openvino_tensorflow_computes_and_says_so(backbone, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    found = choose_runtime(backbone)
    assert found.name == "tensorflow" and "not installed" in found.reason
    with pytest.raises(WeightsError, match="not installed"):
        choose_runtime(backbone, "openvino")
    with pytest.raises(WeightsError, match="auto, openvino, tensorflow"):
        choose_runtime(backbone, "torch")


def test_vectors_that_differ_are_refused(backbone, both, monkeypatch):
    monkeypatch.setattr(runtimes, "_openvino", lambda *_: both[0])
    monkeypatch.setattr(runtimes, "parity", lambda *_: 0.01)
    assert "differ from TensorFlow's by 1.0e-02" in choose_runtime(backbone).reason
    with pytest.raises(WeightsError, match=r"1\.0e-02"):
        choose_runtime(backbone, "openvino")


def test_an_accelerator_that_tensorflow_sees_is_used(backbone, monkeypatch):
    monkeypatch.setattr(runtimes, "_accelerated", lambda: True)
    assert choose_runtime(backbone).reason == "tensorflow: it sees an accelerator"
