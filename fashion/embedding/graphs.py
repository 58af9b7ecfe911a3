"""Graphs from disk (ONNX, OpenVINO IR, SavedModel) as networks from uint8 photos to one vector each.

OpenVINO computes them in float32, with normalisation as a part of the graph; ONNX Runtime does where OpenVINO is not
installed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import WeightsError, in_short
from fashion.embedding.encoder_files import EncoderFiles, Preparation

#: Names of the output that is the vector, best first: what a projection gives before what it is made from.
IMAGE_OUTPUTS = (
    "image_embeds", "image_embeddings", "image_embedding", "image_features", "sentence_embedding", "embedding",
    "embeddings", "pooler_output", "last_hidden_state",
)  # fmt: skip

#: Whose first token is the vector (ViT's class token); every other output is one already.
TOKENS = "last_hidden_state"


class Port(NamedTuple):
    """An input or output of a graph: its names, its shape (-1 where it varies), whether its numbers are floats."""

    names: tuple[str, ...]
    shape: tuple[int, ...]
    kind: str

    def __str__(self) -> str:
        sizes = ", ".join("?" if size < 0 else str(size) for size in self.shape)
        return f"{'/'.join(self.names) or 'unnamed'} {self.kind}[{sizes}]"


def choose_output(ports: Sequence[Port], model: Path, asked: str = "", known: Sequence[str] = IMAGE_OUTPUTS) -> int:
    """Place of the output that is the vector.

    Parameters
    ----------
    ports : sequence of Port
        The model's outputs.
    model : Path
        For errors.
    asked : str
        Its name, where the user said so.
    known : sequence of str
        Names, best first.

    Raises
    ------
    WeightsError
        When none or several may be meant, or the one is no float vector a photo.
    """
    said = ", ".join(map(str, ports))
    if asked:
        places = [place for place, port in enumerate(ports) if asked in port.names]
    else:
        places = [place for name in known for place, port in enumerate(ports) if name in port.names][:1]
        vectors = [place for place, port in enumerate(ports) if len(port.shape) == 2]
        places = places or (vectors if len(ports) > 1 and vectors else list(range(len(ports))))
    if len(places) != 1:
        wanted = f"the output {asked!r}" if asked else f"one output that is a vector, or one called {', '.join(known)}"
        raise WeightsError(
            f'expected {wanted} in {model}; found {said or "none"}. Name it in the JSON beside the model: "output": '
            '"name".'
        )
    port = ports[places[0]]
    if not port.kind.startswith(("f", "bf")):
        raise WeightsError(
            f"expected numbers with a scale, float32 or float16, from {model}; found {port}: whole numbers without "
            "one. Export the model with its outputs dequantised, or take the float32 variant."
        )
    if len(port.shape) != 2 and not (len(port.shape) == 3 and TOKENS in port.names):
        raise WeightsError(
            f"expected a vector for each photo from {model}, an output of rank 2 (or {TOKENS} of rank 3, whose first "
            f"token is taken); found {port}, of rank {len(port.shape)}. Export the model with its pooling."
        )
    return places[0]


def image_layout(port: Port, model: Path) -> str:
    """ "NCHW" or "NHWC", by the place of the three channels.

    Raises
    ------
    WeightsError
        When the input is no RGB picture.
    """
    if len(port.shape) == 4 and port.kind[0] in "fbu":
        if port.shape[1] == 3 or (port.shape[1] < 0 and port.shape[3] < 0):
            return "NCHW"
        if port.shape[3] == 3:
            return "NHWC"
    raise WeightsError(
        f"expected RGB pictures as the input of {model}, of shape (n, 3, height, width) or (n, height, width, 3); "
        f"found {port}. Name an image encoder."
    )


def described(model: Path, port: Port) -> str:
    """The output that was chosen, in words."""
    return f"{'/'.join(port.names) or 'its output'}" + (", first token" if len(port.shape) == 3 else "")


def failed(model: Path, error: Exception, runtime: str) -> WeightsError:
    """A WeightsError for a model that a runtime cannot read or compute."""
    return WeightsError(
        f"expected a model that {runtime} can read and compute in {model}; found: {in_short(error)}. Export it again, "
        "or fetch all of its files (weights may lie beside the graph)."
    )


# ---- OpenVINO ----


def openvino_ports(ports: Sequence[Any]) -> list[Port]:
    """OpenVINO's inputs or outputs."""
    return [
        Port(
            tuple(sorted(port.get_names())),
            tuple(size.get_length() if size.is_static else -1 for size in port.get_partial_shape())
            if port.get_partial_shape().rank.is_static else (),
            port.get_element_type().get_type_name(),
        )
        for port in ports
    ]  # fmt: skip


def read_network(files: EncoderFiles) -> tuple[Any, str]:
    """The image tower as OpenVINO's graph: uint8 (1, edge, edge, 3) -> "embedding" (1, d); and the output's name.

    Raises
    ------
    ModuleNotFoundError
        When OpenVINO is not installed.
    WeightsError
        When the model is not one that gives a vector for each photo.
    """
    import openvino
    from openvino import opset13

    model, wanted = files.model, files.preparation
    try:
        network = openvino.Core().read_model(model)
    except Exception as error:  # a native library stands behind it
        raise failed(model, error, "OpenVINO") from error
    ports = openvino_ports(network.outputs)
    place = choose_output(ports, model, wanted.output)
    inputs = openvino_ports(network.inputs)
    pictures = [number for number, port in enumerate(inputs) if len(port.shape) in (0, 4)]
    if len(pictures) != 1:
        raise WeightsError(
            f"expected one picture as the input of {model}; found {', '.join(map(str, inputs))}. Name an image encoder."
        )
    picture = network.inputs[pictures[0]]
    port = inputs[pictures[0]]
    layout = image_layout(port, model)
    edge = wanted.framing.edge
    shape = [1, 3, edge, edge] if layout == "NCHW" else [1, edge, edge, 3]
    _check_edge(port, layout, edge, model)
    try:
        vector = network.outputs[place].get_node().input_value(0)
        if len(ports[place].shape) == 3:
            vector = opset13.gather(vector, opset13.constant(np.int32(0)), opset13.constant(np.int32(1))).output(0)
        # Only what the vector needs: a text tower in the same file is left out.
        network = openvino.Model([vector], [picture.get_node()], "encoder")
        network.reshape({network.inputs[0]: shape})
        network = _prepared(network, layout, wanted, raw=port.kind == "u8")
        network.outputs[0].get_tensor().set_names({"embedding"})
    except Exception as error:
        raise failed(model, error, "OpenVINO") from error
    return network, described(model, ports[place])


def _check_edge(port: Port, layout: str, edge: int, model: Path) -> None:
    sides = port.shape[2:] if layout == "NCHW" else port.shape[1:3]
    if any(side not in (-1, edge) for side in sides):
        raise WeightsError(
            f"expected pictures of {edge} px for {model}, as its JSON (or SIZE) says; found that it takes "
            f"{' x '.join(map(str, sides))}. Correct the JSON, or leave SIZE out."
        )


def _prepared(network: Any, layout: str, wanted: Preparation, raw: bool) -> Any:
    """The graph with its preparation inside: it takes uint8 pixels, channels last."""
    from openvino import Layout, Type
    from openvino.preprocess import PrePostProcessor

    steps = PrePostProcessor(network)
    steps.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
    steps.input().model().set_layout(Layout(layout))
    if not raw:  # a model that takes uint8 normalises by itself
        numbers = steps.input().preprocess().convert_element_type(Type.f32)
        numbers.mean([value / wanted.scale for value in wanted.mean])
        numbers.scale([value / wanted.scale for value in wanted.std])
    steps.output().tensor().set_element_type(Type.f32)
    return steps.build()


# ---- ONNX Runtime ----


def normalised(photos: NDArray[np.uint8], wanted: Preparation) -> NDArray[np.float32]:
    """A network's numbers of uint8 photos, float32, same shape: (value * scale - mean) / std.

    Examples
    --------
    >>> from fashion.photos.framing import Framing
    >>> half = Preparation(Framing(8), mean=(0.5,) * 3, std=(0.5,) * 3)
    >>> normalised(np.array([[[[0, 255, 51]]]], np.uint8), half).astype(float).round(3).tolist()
    [[[[-1.0, 1.0, -0.6]]]]
    """
    mean, std = (np.array(three, np.float32) / np.float32(wanted.scale) for three in (wanted.mean, wanted.std))
    return np.asarray((photos.astype(np.float32) - mean) / std, np.float32)


#: ONNX Runtime's names of number types -> OpenVINO's.
_KINDS = {
    "tensor(float)": "f32", "tensor(float16)": "f16", "tensor(double)": "f64", "tensor(uint8)": "u8",
    "tensor(int32)": "i32", "tensor(int64)": "i64",
}  # fmt: skip


def onnx_ports(given: Sequence[Any]) -> list[Port]:
    """ONNX Runtime's inputs or outputs."""
    return [
        Port(
            (port.name,),
            tuple(size if isinstance(size, int) else -1 for size in port.shape),
            _KINDS.get(port.type, port.type),
        )
        for port in given
    ]


def open_onnx(files: EncoderFiles) -> tuple[Callable[[NDArray[np.uint8]], NDArray[np.float32]], str]:
    """The image tower by ONNX Runtime: a function from uint8 photos (n, edge, edge, 3) to vectors (n, d); its output.

    Raises
    ------
    ModuleNotFoundError
        When ONNX Runtime is not installed.
    WeightsError
        As `read_network`, and for a model that is no ONNX file.
    """
    import onnxruntime

    model, wanted = files.model, files.preparation
    if model.suffix != ".onnx":
        raise WeightsError(
            f"expected OpenVINO for {model}; found that it is not installed. Install it: pip install openvino"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise failed(model, error, "ONNX Runtime") from error

    inputs, outputs = onnx_ports(session.get_inputs()), onnx_ports(session.get_outputs())
    place = choose_output(outputs, model, wanted.output)
    if len(inputs) != 1:
        raise WeightsError(
            f"expected one picture as the input of {model}; found {', '.join(map(str, inputs))}. Install OpenVINO, "
            "which can leave a text tower out, or export the image encoder alone."
        )
    layout = image_layout(inputs[0], model)
    _check_edge(inputs[0], layout, wanted.framing.edge, model)
    alone = inputs[0].shape[0] == 1

    def call(photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        given: NDArray = photos if inputs[0].kind == "u8" else normalised(photos, wanted)
        if layout == "NCHW":
            given = np.ascontiguousarray(given.transpose(0, 3, 1, 2))
        if inputs[0].kind == "f16":
            given = given.astype(np.float16)
        parts = [given[row : row + 1] for row in range(len(given))] if alone else [given]
        try:
            vectors = [session.run([outputs[place].names[0]], {inputs[0].names[0]: part})[0] for part in parts]
        except Exception as error:
            raise failed(model, error, "ONNX Runtime") from error
        joined = np.concatenate(vectors)
        return np.asarray(joined[:, 0] if joined.ndim == 3 else joined, np.float32)

    return call, described(model, outputs[place])
