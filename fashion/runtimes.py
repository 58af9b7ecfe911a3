"""What computes a backbone: TensorFlow, the reference, or OpenVINO, about twice as fast on a processor.

Both take the same photos and give the same vectors up to rounding, which is checked on the spot before OpenVINO is
taken. The store of vectors does not tell them apart: cosines differ by less than a millionth (docs/speed.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fashion import converted
from fashion.errors import WeightsError
from fashion.neighbours import normalise
from fashion.quiet import import_keras

if TYPE_CHECKING:
    from fashion.backbones import Backbone

Photos = NDArray[np.uint8]
Blocks = dict[str, NDArray[np.float32]]

NAMES = ("auto", "openvino", "tensorflow")
#: Cosines of the two runtimes' vectors may differ from 1 by this much, on random pictures.
PARITY = 1e-3


@dataclass(frozen=True)
class Runtime:
    """A way to compute a backbone.

    Attributes
    ----------
    name : str
        "tensorflow" or "openvino".
    version : str
        Of its package.
    reason : str
        Why this one, for console and provenance.
    stream : callable
        Batches of photos, uint8 (b, size, size, 3), RGB -> their blocks, in the same order, as in `Backbone.model`.
    network : openvino.Model or None
        OpenVINO's graph.
    """

    name: str
    version: str
    reason: str
    stream: Callable[[Iterable[Photos]], Iterator[Blocks]]
    network: Any = None


def network_call(backbone: Backbone) -> Callable[[Photos], dict[str, Any]]:
    """The backbone as one compiled TensorFlow function: uint8 photos (n, size, size, 3) -> dict of float32 tensors."""
    model = backbone.model  # loads Keras, quietly, before TensorFlow
    import tensorflow as tf

    signature = [tf.TensorSpec((None, backbone.size, backbone.size, 3), tf.uint8)]

    @tf.function(input_signature=signature)
    def call(photos):  # type: ignore[no-untyped-def]
        return model(tf.cast(photos, tf.float32), training=False)

    return call


def choose_runtime(backbone: Backbone, name: str = "auto", kept: Path | None = None) -> Runtime:
    """The runtime to use.

    Parameters
    ----------
    backbone : Backbone
    name : {"auto", "openvino", "tensorflow"}
        "auto" takes OpenVINO where it is installed, TensorFlow sees no accelerator, and the vectors agree.
    kept : Path, optional
        Folder of networks that were converted and compared before (`fashion.converted`): one of them is taken as it is,
        without TensorFlow; a new one is added.

    Raises
    ------
    WeightsError
        For another name, or when OpenVINO was asked for by name and is not installed or its vectors differ.
    """
    if name not in NAMES:
        raise WeightsError(
            f"Expected: one of {', '.join(NAMES)}. Found: {name!r}. Where: RUNTIME. What next: name one of them."
        )
    if name == "tensorflow":
        return _tensorflow(backbone, "asked for by name")
    reason = "asked for by name" if name == "openvino" else "it is installed, and the fastest"
    if kept is not None and not (name == "auto" and any(Path("/dev").glob("nvidia[0-9]*"))):
        network = converted.read(kept, backbone)
        if network is not None:
            return _compiled(network, reason)
    if name == "auto" and _accelerated():
        return _tensorflow(backbone, "it sees an accelerator")
    try:
        found = _openvino(backbone, reason)
    except ModuleNotFoundError:
        problem = "OpenVINO is not installed (pip install openvino)"
    else:
        worst = parity(found, _tensorflow(backbone, ""), backbone.size)
        if worst <= PARITY:
            if kept is not None:
                converted.write(kept, backbone, found.network, worst)
            return found
        problem = f"OpenVINO's vectors differ from TensorFlow's by {worst:.1e} in cosine"
    if name == "openvino":
        raise WeightsError(
            f"Expected: OpenVINO, with TensorFlow's vectors to {PARITY:.0e} in cosine. Found: {problem}. "
            "Where: RUNTIME. What next: install it, or leave RUNTIME out."
        )
    return _tensorflow(backbone, problem)


def parity(one: Runtime, other: Runtime, size: int, count: int = 4) -> float:
    """The largest 1 - cosine between the two runtimes' vectors of `count` seeded pictures of noise and gradients."""
    random = np.random.default_rng(0)
    ramps = np.linspace(0, 255, size)[:, np.newaxis, np.newaxis] * random.random((count, 1, 1, 3))
    photos = np.clip(ramps + random.normal(0, 40, (count, size, size, 3)), 0, 255).astype(np.uint8)
    first, second = next(one.stream([photos])), next(other.stream([photos]))
    cosines = [(normalise(first[name]) * normalise(second[name])).sum(axis=1).min() for name in first]
    return float(1 - min(cosines))


def _accelerated() -> bool:
    import_keras()  # quietly, before TensorFlow
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _tensorflow(backbone: Backbone, reason: str) -> Runtime:
    call = network_call(backbone)  # compiled when it is first used

    def stream(batches: Iterable[Photos]) -> Iterator[Blocks]:
        for batch in batches:
            yield {name: np.asarray(block) for name, block in call(batch).items()}

    return Runtime("tensorflow", _version("tensorflow"), f"tensorflow: {reason}", stream)


def _openvino(backbone: Backbone, reason: str) -> Runtime:
    """The same graph in OpenVINO's form, compiled."""
    import openvino

    network = openvino.convert_model(network_call(backbone).get_concrete_function())  # type: ignore[attr-defined]
    # One photo a request: its vector then depends on nothing but itself, and it is the fastest here.
    network.reshape({network.inputs[0]: [1, backbone.size, backbone.size, 3]})
    return _compiled(network, reason)


def _compiled(network: Any, reason: str) -> Runtime:
    """OpenVINO's graph of one photo, compiled for as many of them at once as suit the processor."""
    import openvino

    how = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(network, "CPU", how)
    count = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    names = {output.get_any_name(): place for place, output in enumerate(compiled.outputs)}

    def stream(batches: Iterable[Photos]) -> Iterator[Blocks]:
        free = [compiled.create_infer_request() for _ in range(count)]
        running: deque[tuple[Any, Blocks, int]] = deque()  # request, where its vectors go, which row
        begun: deque[Blocks] = deque()

        def finish() -> None:
            request, blocks, row = running.popleft()
            request.wait()
            for name, place in names.items():
                blocks[name][row] = request.get_output_tensor(place).data[0]
            free.append(request)

        for batch in batches:
            widths = {name: compiled.outputs[place].shape[1] for name, place in names.items()}
            blocks = {name: np.empty((len(batch), width), np.float32) for name, width in widths.items()}
            begun.append(blocks)
            for row, photo in enumerate(batch):
                if not free:
                    finish()
                request = free.pop()
                request.start_async({0: photo[np.newaxis]})
                running.append((request, blocks, row))
            # Requests are finished in the order in which they began, so the first batch may be whole by now.
            while len(begun) > 1 and running[0][1] is not begun[0]:
                yield begun.popleft()
        while running:
            finish()
        yield from begun

    return Runtime("openvino", _version("openvino"), f"openvino: {reason}", stream, network)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
