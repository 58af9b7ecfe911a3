"""Encoders that users bring: a folder or a file with a network that gives one vector a photo."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import WeightsError
from fashion.core.tensorflow import import_keras
from fashion.embedding import graphs
from fashion.embedding.encoder_files import EncoderFiles, read_encoder_files
from fashion.photos.framing import Framing

if TYPE_CHECKING:
    import keras

#: Layers of Keras that run code, or read files, that a model brings along.
UNSAFE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")

#: What such an encoder has no part in, for the console and the report.
LEFT_OUT = "its layers are not seen, so “multilayer” is left out and features are chosen among its vector's own"


@dataclass(frozen=True)
class FileEncoder:
    """An encoder from disk, used like a `backbones.Backbone`: but it has no stages, so "multilayer" has width 0.

    Attributes
    ----------
    files : EncoderFiles
    dimension : int
        Of its vectors.
    output : str
        The model's output that was chosen, in words.
    """

    files: EncoderFiles
    dimension: int
    output: str

    layer_names: tuple[str, ...] = ()
    layer_dimensions: tuple[int, ...] = ()
    multilayer_dimensions: int = 0

    def __repr__(self) -> str:
        return f"FileEncoder({self.name}, {self.size} px, {self.dimension} dimensions)"

    @property
    def name(self) -> str:
        """The name of the folder or file, with a checksum of its content."""
        return self.files.name

    @property
    def size(self) -> int:
        """Input resolution, pixels."""
        return self.framing.edge

    @property
    def framing(self) -> Framing:
        """The framing of photos for the network."""
        return self.files.preparation.framing

    @property
    def weights_checksum(self) -> str:
        """SHA-256 of what determines its vectors."""
        return self.files.checksum

    @property
    def place(self) -> Path:
        """Folder or file, as the user named it."""
        return self.files.place

    @property
    def reason(self) -> str:
        """A description of what was read, for console, provenance and captions."""
        model = self.files.model
        inside = (
            model.relative_to(self.place) if model != self.place and model.is_relative_to(self.place) else model.name
        )
        return (
            f"{self.name}: {inside} ({self.files.layout}); {self.files.preparation}; {self.output}, {self.dimension} "
            f"dimensions; {LEFT_OUT}"
        )

    @cached_property
    def model(self) -> keras.Model:
        """The network of a `.keras` file: photos (n, size, size, 3), RGB 0..255 -> {"embedding": (n, dimension)}."""
        return read_keras(self.files)[0]

    @cached_property
    def network(self) -> Any:
        """OpenVINO's graph of any other file, from `graphs.read_network`."""
        return graphs.read_network(self.files)[0]


def load_encoder(place: str | Path, size: int | None = None) -> FileEncoder:
    """Load an encoder from disk, and try it on two pictures.

    Parameters
    ----------
    place : str or Path
        A folder (transformers.js, immich, fastembed, optimum, OpenVINO, SavedModel) or a model file (.onnx, .xml,
        .keras) with the JSON of its preparation beside it.
    size : int, optional
        Input resolution in pixels, for networks that take several.

    Raises
    ------
    WeightsError
        When there is no such encoder, or it does not give one finite vector a photo; the message names the file.
    """
    files = read_encoder_files(place, size)
    vectors, output = _tried(files)
    if vectors.ndim != 2 or not vectors.size:
        raise WeightsError(
            f"expected a vector for each photo from {files.model}; found shape {vectors.shape[1:]}. Export it with "
            "its pooling."
        )
    require_finite(vectors, files)
    if np.allclose(vectors[0], vectors[1], atol=1e-6 * np.abs(vectors).max()):
        raise WeightsError(
            f"expected different vectors of two pictures from {files.model}; found equal ones. The export is broken, "
            "or mean and std are of another scale: (value / 255 - mean) / std."
        )
    return FileEncoder(files, vectors.shape[1], output)


def require_finite(vectors: NDArray[np.float32], files: EncoderFiles) -> None:
    """Raise WeightsError where a vector holds anything but numbers."""
    bad = int((~np.isfinite(vectors)).any(axis=1).sum())
    if bad:
        raise WeightsError(
            f"expected finite numbers from {files.model}; found NaN or infinity in {bad} of {len(vectors)} vectors. "
            "Take its float32 variant, or check mean and std."
        )


def _tried(files: EncoderFiles) -> tuple[NDArray[np.float32], str]:
    """Vectors of a picture of noise and of a grey one, shape (2, d); and the output that was chosen."""
    edge = files.preparation.framing.edge
    noise = np.random.default_rng(0).integers(0, 256, (edge, edge, 3), np.uint8)
    photos = np.stack([noise, np.full_like(noise, 128)])
    if files.keras:
        model, output = read_keras(files)
        return np.asarray(model(photos.astype(np.float32), training=False)["embedding"]), output
    try:
        network, output = graphs.read_network(files)
    except ModuleNotFoundError:
        call, output = graphs.open_onnx(files)
        return call(photos), output
    return np.concatenate(list(_by_openvino(network, photos, files))), output


def _by_openvino(network: Any, photos: NDArray[np.uint8], files: EncoderFiles) -> Iterator[NDArray[np.float32]]:
    import openvino

    try:
        compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        for photo in photos:
            yield np.array(compiled([photo[np.newaxis]])[0])
    except Exception as error:  # a native library stands behind it
        raise graphs.failed(files.model, error, "OpenVINO") from error


# ---- Keras ----


def read_keras(files: EncoderFiles) -> tuple[keras.Model, str]:
    """A `.keras` file as a network of RGB photos 0..255, with its preparation inside; and its output, in words.

    Raises
    ------
    WeightsError
        When the file is no such network, or has layers of its own code, of which nothing is run.
    """
    path, wanted = files.model, files.preparation
    _refuse_own_code(path)
    keras = import_keras()
    try:
        trunk = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # of many kinds
        raise graphs.failed(path, error, "Keras") from error
    trunk.trainable = False
    given, outputs = trunk.inputs, trunk.outputs
    ports = [
        graphs.Port((output.name,), tuple(-1 if n is None else n for n in output.shape), output.dtype)
        for output in outputs
    ]
    place = graphs.choose_output(ports, path, wanted.output)
    picture = graphs.Port(("input",), tuple(-1 if n is None else n for n in given[0].shape), given[0].dtype)
    if len(given) != 1:
        raise WeightsError(f"expected one picture as the input of {path}; found {len(given)} inputs. Export it alone.")
    layout, edge = graphs.image_layout(picture, path), wanted.framing.edge
    graphs._check_edge(picture, layout, edge, path)
    photo = keras.Input((edge, edge, 3), name="photo")
    scales = [wanted.scale / std for std in wanted.std]
    numbers = keras.layers.Rescaling(
        scales, [-mean / std for mean, std in zip(wanted.mean, wanted.std, strict=True)], name="normalise"
    )(photo)
    if layout == "NCHW":
        numbers = keras.layers.Permute((3, 1, 2), name="channels_first")(numbers)
    vectors = trunk(numbers, training=False)
    vector = vectors if len(outputs) == 1 else keras.tree.flatten(vectors)[place]
    if isinstance(vector, (list, tuple, dict)):
        vector = keras.tree.flatten(vector)[0]
    if len(ports[place].shape) == 3:
        vector = vector[:, 0]
    model = keras.Model(photo, {"embedding": vector}, name="encoder")
    model.trainable = False
    return model, graphs.described(path, ports[place])


def _refuse_own_code(path: Path) -> None:
    """Raise WeightsError where a `.keras` file names anything but Keras's own layers."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(
            f"expected a model in Keras's .keras format at {path}; found: {error}. Save it with model.save(path)."
        ) from error
    for part in _objects(config):
        module, name = part.get("module"), str(part.get("class_name"))
        foreign = isinstance(module, str) and module not in ("builtins",) and module.split(".")[0] != "keras"
        if foreign or name in UNSAFE or (part.get("registered_name") or "").partition(">")[0] not in ("", name):
            raise WeightsError(
                f"expected layers of Keras alone in {path}; found {f'{module}.' if module else ''}{name}, which brings "
                "code of its own and is not run. Export the model to ONNX, or replace that layer."
            )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _objects(part)
