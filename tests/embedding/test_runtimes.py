"""OpenVINO gives TensorFlow's vectors, each photo's own whatever its batch, or it is not taken."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import noise as photos

from fashion.core.errors import PhotoError, WeightsError
from fashion.core.paths import project_root
from fashion.embedding import runtimes
from fashion.embedding.backbones import load_backbone
from fashion.embedding.runtimes import choose_runtime, parity, query_runtime

ROOT = project_root()


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("efficientnet-lite0", size=96)


@pytest.fixture(scope="module")
def both(backbone, networks):
    return choose_runtime(backbone, "auto", networks), choose_runtime(backbone, "tensorflow")


@pytest.fixture
def kept(networks, tmp_path):
    """The same, of a test's own, to be spoilt."""
    return Path(shutil.copytree(networks, tmp_path / "networks"))


@pytest.fixture
def at_once(backbone, networks, monkeypatch):
    """The conversion takes some seconds: where it is not what is tested, its result is read from disk."""
    import openvino

    converted, plain = runtimes.read_converted, openvino.Core.read_model
    monkeypatch.setattr("tensorflow.saved_model.save", lambda *_, **__: None)
    monkeypatch.setattr(
        openvino.Core,
        "read_model",
        lambda core, *files: plain(core, *files) if files[1:] else converted(networks, backbone),
    )


def test_the_fastest_is_taken_and_agrees_with_the_reference(backbone, both):
    assert [runtime.name for runtime in both] == ["openvino", "tensorflow"]
    assert all(runtime.version[0].isdigit() and runtime.reason.startswith(runtime.name) for runtime in both)
    batch = photos(5)
    fast, reference = (next(iter(runtime.stream([batch]))) for runtime in both)
    assert fast.keys() == reference.keys() == {"embedding", "multilayer"}
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
        joined = np.concatenate([part["multilayer"] for part in parts])
        np.testing.assert_allclose(joined, whole["multilayer"], atol=1e-3)
        if runtime.name == "openvino":
            assert np.array_equal(joined, whole["multilayer"])
        assert list(runtime.stream([])) == []


def test_without_openvino_tensorflow_computes_and_says_so(backbone, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    found = choose_runtime(backbone)
    assert found.name == "tensorflow" and "not installed" in found.reason
    with pytest.raises(WeightsError, match="not installed"):
        choose_runtime(backbone, "openvino")
    with pytest.raises(WeightsError, match="auto, openvino, tensorflow"):
        choose_runtime(backbone, "torch")


@pytest.mark.parametrize(("worst", "said"), [(0.01, r"1\.0e-02"), (float("nan"), "nan")])
def test_vectors_that_differ_are_refused(backbone, both, monkeypatch, worst, said):
    monkeypatch.setattr(runtimes, "_openvino", lambda *_: both[0])
    monkeypatch.setattr(runtimes, "parity", lambda *_: worst)
    with pytest.raises(WeightsError, match=f"differ from TensorFlow's by {said}"):
        choose_runtime(backbone, "openvino")
    assert "OpenVINO's vectors differ from TensorFlow's by" in choose_runtime(backbone).reason


def test_a_photo_now_and_then_takes_the_kept_network_or_the_reference_and_converts_none(
    backbone, both, monkeypatch, kept, tmp_path
):
    monkeypatch.setattr(runtimes, "_openvino", lambda *_: pytest.fail("converted for a single photo"))
    batch = photos(1)
    for folder, runtime in ((kept, both[0]), (tmp_path / "none", both[1])):
        found = query_runtime(backbone, folder)
        assert found.name == runtime.name
        one, other = (next(iter(each.stream([batch])))["multilayer"] for each in (found, runtime))
        assert np.array_equal(one, other)


def test_the_converter_gets_a_path_and_no_object_of_tensorflow(backbone, at_once, monkeypatch):
    import openvino

    given, plain = [], openvino.Core.read_model  # gives what it gave for `networks`
    monkeypatch.setattr(openvino.Core, "read_model", lambda core, *files: given.append(files) or plain(core, *files))
    network = runtimes._openvino(backbone, "").network
    (path,) = given[0]
    assert isinstance(path, str) and not Path(path).exists(), "the SavedModel is removed"
    assert [list(port.get_names()) for port in network.inputs] == [["photos"]]
    assert sorted(port.get_any_name() for port in network.outputs) == ["embedding", "multilayer"]
    assert network.inputs[0].get_element_type() == openvino.Type.u8 and network.inputs[0].shape == [1, 96, 96, 3]


@pytest.mark.parametrize("first", ["", "import fashion\n"])
def test_nobody_is_told_that_openvino_is_used(tmp_path, first):
    """Without this study, OpenVINO gives each user a number in ~/intel and sends that it was imported."""
    code = first + "import openvino.tools.ovc.convert_impl as one, openvino.tools.ovc.telemetry_utils as other\n"
    home = os.environ | {"HOME": str(tmp_path), "CI": "false", "HTTPS_PROXY": "http://127.0.0.1:9"}
    code += "print(one.tm.__name__, other.tm.__name__)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=home, cwd=ROOT)
    stub = "openvino.tools.ovc.telemetry_stub"
    assert said.stdout.split() == [stub if first else "openvino_telemetry"] * 2
    assert (tmp_path / "intel").exists() == (not first)


def fail(error):
    def failing(*_, **__):
        raise error

    return failing


class NoRequest:
    """What a compiled network is to this study, but for a request that ends in an error."""

    def __init__(self, compiled, after, error):
        self.compiled, self.left, self.error = compiled, after, error

    @property
    def outputs(self):
        return self.compiled.outputs

    def get_property(self, name):
        return self.compiled.get_property(name)

    def create_infer_request(self):
        return NoAnswer(self, self.compiled.create_infer_request())


class NoAnswer:
    def __init__(self, home, request):
        self.home, self.request = home, request

    def start_async(self, given):
        self.home.left -= 1
        if self.home.left < 0:
            raise self.home.error
        self.request.start_async(given)

    def wait(self):
        self.request.wait()

    def get_output_tensor(self, place):
        return self.request.get_output_tensor(place)


def requests_fail(monkeypatch, after, error):
    """Requests to whatever network is compiled fail after so many."""
    import openvino

    plain = openvino.Core.compile_model
    monkeypatch.setattr(openvino.Core, "compile_model", lambda *given: NoRequest(plain(*given), after, error))


LONG = RuntimeError("Check 'false' failed at frontend.cpp:151:\nFrontEnd API failed with OpConversionFailure:\n" * 9)
FAILURES = {
    "conversion": ("openvino.Core.read_model", RuntimeError("no such operation")),
    "conversion, in many lines": ("openvino.Core.read_model", LONG),
    "saving for the conversion": ("tensorflow.saved_model.save", OSError(28, "No space left on device")),
    "compilation": ("openvino.Core.compile_model", RuntimeError("no plugin for this processor")),
    "comparison": ("fashion.embedding.runtimes.parity", MemoryError()),
}


@pytest.mark.parametrize("what", [*FAILURES, "first photo"])
def test_whatever_fails_in_openvino_tensorflow_takes_over_and_says_why(
    backbone, both, at_once, monkeypatch, capsys, what
):
    where, error = FAILURES.get(what, ("", RuntimeError("illegal instruction")))
    if where:
        monkeypatch.setattr(where, fail(error))
    else:
        requests_fail(monkeypatch, 0, error)
    batch = photos(2)
    found = choose_runtime(backbone)
    assert found.name == "tensorflow"
    assert found.reason.startswith(f"tensorflow: in place of openvino: OpenVINO failed ({type(error).__name__}")
    assert "\n" not in found.reason and len(found.reason) < 300 and "Traceback" not in found.reason
    assert found.reason in capsys.readouterr().err, "the console says it"
    vectors, expected = (next(iter(runtime.stream([batch])))["multilayer"] for runtime in (found, both[1]))
    assert np.array_equal(vectors, expected)
    with pytest.raises(WeightsError, match=rf"found: OpenVINO failed \({type(error).__name__}.*leave RUNTIME out"):
        choose_runtime(backbone, "openvino")


def test_a_failure_among_the_photos_costs_none_of_them(backbone, both, monkeypatch, kept, capsys):
    given = photos(23)
    cuts = [given[:5], given[5:9], given[9:10], given[10:]]
    expected = next(iter(both[1].stream([given])))
    for after in (6, 23 + 5):  # photos, and the one on which a kept network is tried
        requests_fail(monkeypatch, after, RuntimeError("out of memory"))
        found = choose_runtime(backbone, "auto", kept)
        assert found.name == "openvino"
        parts = list(found.stream(iter(cuts)))
        monkeypatch.undo()
        assert [len(part["embedding"]) for part in parts] == [5, 4, 1, 13]
        for name, block in expected.items():
            np.testing.assert_allclose(np.concatenate([part[name] for part in parts]), block, atol=1e-3)
        fell = after < 23
        assert found.name == ("tensorflow" if fell else "openvino")
        assert ("out of memory" in found.reason, "out of memory" in capsys.readouterr().err) == (fell, fell)
        assert len(list(found.stream(iter(cuts)))) == 4, "and goes on with what it has"
    requests_fail(monkeypatch, 6, RuntimeError("out of memory"))
    with pytest.raises(WeightsError, match=r"out of memory.*leave RUNTIME out.*Finished vectors are kept"):
        list(choose_runtime(backbone, "openvino", kept).stream(iter(cuts)))


def test_an_error_of_the_photos_is_not_taken_for_openvinos(backbone, both):
    def vanishing():
        yield photos(3)
        raise PhotoError("gone")

    found = replace(both[0])
    with pytest.raises(PhotoError, match="gone"):
        list(found.stream(vanishing()))
    assert found.name == "openvino"


def test_an_accelerator_that_tensorflow_sees_is_used(backbone, monkeypatch):
    monkeypatch.setattr(runtimes, "_accelerated", lambda: True)
    assert choose_runtime(backbone).reason == "tensorflow: it sees an accelerator"


def test_a_network_that_was_compared_is_taken_again_as_it_is(backbone, both, monkeypatch, networks, kept):
    batch = photos(3)
    monkeypatch.setattr(runtimes, "_openvino", lambda *_: pytest.fail("converted again"))
    monkeypatch.setattr(runtimes, "_accelerated", lambda: pytest.fail("TensorFlow was asked"))
    again = choose_runtime(backbone, "auto", kept)
    assert (again.name, again.reason) == (both[0].name, both[0].reason)
    first, second = (next(iter(runtime.stream([batch]))) for runtime in (both[0], again))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert np.array_equal(second["multilayer"], np.load(networks.with_suffix(".npy"))), "and as before it was kept"
    assert choose_runtime(backbone, "tensorflow", kept).name == "tensorflow"


def test_a_kept_network_that_was_altered_is_converted_again(backbone, both, monkeypatch, kept, at_once):
    file = next(kept.glob("*.bin"))
    whole = file.read_bytes()
    file.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    converted = []
    plain = runtimes._openvino
    monkeypatch.setattr(runtimes, "_openvino", lambda *given: converted.append(1) or plain(*given))
    choose_runtime(backbone, "auto", kept)
    assert converted == [1] and file.read_bytes() == whole
    file.with_suffix(".sha256").write_text("{")
    assert choose_runtime(backbone, "auto", kept).name == "openvino" and len(converted) == 2


def test_a_kept_network_of_other_code_is_removed_when_there_is_a_new_one(backbone, both, kept, at_once):
    now = sorted(kept.iterdir())
    for file in now:  # as if they had been made by other code
        file.rename(file.with_stem(f"{backbone.name}-96-0123456789abcdef"))
    other_size = kept / f"{backbone.name}-160-0123456789abcdef.xml"
    other_size.touch()
    assert choose_runtime(backbone, "auto", kept).name == "openvino"
    assert sorted(kept.iterdir()) == sorted([*now, other_size])


@pytest.mark.parametrize("damage", ["unreadable", "a broken graph", "fails at its first photo", "no seal"])
def test_a_kept_network_that_fails_is_converted_again(backbone, both, monkeypatch, kept, at_once, damage):
    graph, seal = next(kept.glob("*.xml")), next(kept.glob("*.sha256"))
    changed = {"unreadable": b"<net", "a broken graph": graph.read_bytes().replace(b"96", b"97")}.get(damage)
    if changed:
        weights = runtimes.sha256_file(graph.with_suffix(".bin"))
        runtimes.write_sealed(graph, lambda aside: aside.write_bytes(changed), weights)  # the seal fits
    elif damage == "no seal":
        seal.write_text("[1]")
    else:
        count, plain = [], runtimes._compiled
        broken = replace(both[0], stream=fail(RuntimeError("illegal instruction")))
        monkeypatch.setattr(runtimes, "_compiled", lambda *g: plain(*g) if count else count.append(1) or broken)
    found = choose_runtime(backbone, "auto", kept)
    assert found.name == "openvino" and runtimes.read_converted(kept, backbone) is not None
    assert changed is None or graph.read_bytes() != changed
    batch = photos(2)
    assert np.array_equal(*(next(iter(runtime.stream([batch])))["multilayer"] for runtime in (found, both[0])))


def test_a_network_that_openvino_cannot_write_is_used_all_the_same(backbone, at_once, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("openvino.save_model", fail(RuntimeError("an operation that has no form on disk")))
    assert choose_runtime(backbone, "openvino", tmp_path / "new").name == "openvino"
    assert "no form on disk" in capsys.readouterr().err and not list((tmp_path / "new").iterdir())


ALONE = """
import sys
from pathlib import Path
import numpy as np
from fashion.embedding.backbones import load_backbone, summary_table
from fashion.embedding.runtimes import choose_runtime
network = load_backbone("efficientnet-lite0", size=96)
runtime = choose_runtime(network, "auto", Path(sys.argv[1]))
assert summary_table(network)["parameters"].sum() > 3_000_000
photos = np.random.default_rng(3).integers(0, 256, (3, 96, 96, 3), np.uint8)
print(next(iter(runtime.stream([photos])))["embedding"].sum(), "tensorflow" in sys.modules, "keras" in sys.modules)
"""


def test_with_a_kept_network_neither_tensorflow_nor_keras_is_loaded(backbone, both, kept):
    said = subprocess.run(
        [sys.executable, "-c", ALONE, str(kept)], capture_output=True, text=True, check=True
    ).stdout.split()
    expected = next(iter(both[0].stream([photos(3)])))["embedding"].sum()
    assert said == [str(expected), "False", "False"]
