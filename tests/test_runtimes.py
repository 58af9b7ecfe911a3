"""OpenVINO gives TensorFlow's vectors, each photo's own whatever its batch, or it is not taken."""

import subprocess
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


def test_a_network_that_was_compared_is_taken_again_as_it_is(backbone, both, monkeypatch, tmp_path):
    batch = photos(3)
    first = choose_runtime(backbone, "auto", tmp_path)
    monkeypatch.setattr(runtimes, "_openvino", lambda *_: pytest.fail("converted again"))
    monkeypatch.setattr(runtimes, "_accelerated", lambda: pytest.fail("TensorFlow was asked"))
    again = choose_runtime(backbone, "auto", tmp_path)
    assert (again.name, again.reason) == (first.name, first.reason)
    vectors = [next(iter(runtime.stream([batch]))) for runtime in (both[0], first, again)]
    assert all(np.array_equal(vectors[0][name], other[name]) for name in vectors[0] for other in vectors[1:])
    assert choose_runtime(backbone, "tensorflow", tmp_path).name == "tensorflow"


def test_a_kept_network_that_was_altered_is_converted_again(backbone, both, monkeypatch, tmp_path):
    choose_runtime(backbone, "auto", tmp_path)
    file = next(tmp_path.glob("*.bin"))
    whole = file.read_bytes()
    file.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    converted = []
    plain = runtimes._openvino
    monkeypatch.setattr(runtimes, "_openvino", lambda *given: converted.append(1) or plain(*given))
    choose_runtime(backbone, "auto", tmp_path)
    assert converted == [1] and file.read_bytes() == whole
    file.with_suffix(".json").write_text("{")
    assert choose_runtime(backbone, "auto", tmp_path).name == "openvino" and len(converted) == 2


ALONE = """
import sys
from pathlib import Path
import numpy as np
from fashion.backbones import load_backbone
from fashion.runtimes import choose_runtime
runtime = choose_runtime(load_backbone("efficientnet-lite0", size=96), "auto", Path(sys.argv[1]))
photos = np.random.default_rng(3).integers(0, 256, (3, 96, 96, 3), np.uint8)
print(next(iter(runtime.stream([photos])))["embedding"].sum(), "tensorflow" in sys.modules, "keras" in sys.modules)
"""


def test_with_a_kept_network_neither_tensorflow_nor_keras_is_loaded(backbone, both, tmp_path):
    choose_runtime(backbone, "auto", tmp_path)
    said = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout.split()
    expected = next(iter(both[0].stream([photos(3)])))["embedding"].sum()
    assert said == [str(expected), "False", "False"]
