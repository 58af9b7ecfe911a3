"""Inference runtimes: TensorFlow, the reference, or OpenVINO, about twice as fast on a processor.

An encoder from disk is a graph that OpenVINO reads, or ONNX Runtime where OpenVINO is not installed.

Both give the same vectors up to rounding, which is checked before OpenVINO is used; their cosines differ by less than a
millionth (docs/speed.md), so the store of vectors does not distinguish them. Hence TensorFlow can take over wherever
OpenVINO fails, in the middle of a run too, unless OpenVINO was asked for by name. Converting the network for OpenVINO
needs TensorFlow and takes seconds: a network that was converted and checked is kept on disk, under a name that follows
all that determines it, and its files' checksums are tested.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fashion.core.checksums import sha256_file, sha256_json
from fashion.core.code_closure import closure_of, code_of
from fashion.core.errors import WeightsError, in_short
from fashion.core.files import read_sealed, write_sealed
from fashion.core.progress import note
from fashion.core.provenance import installed_version, machine, versions
from fashion.core.tensorflow import import_keras
from fashion.embedding import graphs
from fashion.embedding.backbones import Encoder
from fashion.embedding.encoder import FileEncoder, require_finite
from fashion.embedding.given_vectors import GivenVectors
from fashion.neighbours.exact import normalise

Photos = NDArray[np.uint8]

Blocks = dict[str, NDArray[np.float32]]

NAMES = ("auto", "openvino", "tensorflow", "onnxruntime")

#: Largest 1 - cosine between the two runtimes' vectors, on random images.
PARITY = 1e-3


@dataclass
class Runtime:
    """An inference runtime for one backbone; its attributes change when TensorFlow takes over during a run.

    Attributes
    ----------
    name : str
        "tensorflow" or "openvino".
    version : str
        Of its package.
    reason : str
        Why this runtime, for console and provenance.
    stream : callable
        Batches of photos, uint8 (b, size, size, 3), RGB -> their blocks in the same order, as in `Backbone.model`.
    network : openvino.Model or None
        OpenVINO's graph.
    """

    name: str
    version: str
    reason: str
    stream: Callable[[Iterable[Photos]], Iterator[Blocks]]
    network: Any = None


# ---- The choice ----


def choose_runtime(backbone: Encoder, name: str = "auto", kept: Path | None = None) -> Runtime:
    """The runtime to use for a backbone.

    Parameters
    ----------
    backbone : Backbone or FileEncoder
    name : {"auto", "openvino", "tensorflow", "onnxruntime"}
        "auto" takes OpenVINO where it is installed, TensorFlow sees no accelerator, and the vectors agree. If OpenVINO
        fails, now or during the run, TensorFlow takes over, and `Runtime.reason` and the console say why. A graph from
        disk is computed by OpenVINO, or by ONNX Runtime where that is not installed.
    kept : Path, optional
        Folder of networks that were converted and checked before: they need no TensorFlow. A new one is added.

    Raises
    ------
    WeightsError
        For another name, or when OpenVINO was asked for by name and is not installed, fails, or its vectors differ.
    OSError
        When a new network cannot be written to `kept`.
    """
    if name not in NAMES:
        raise WeightsError(f"expected one of {', '.join(NAMES)} in RUNTIME; found {name!r}. Name one of them.")
    if isinstance(backbone, GivenVectors):
        raise no_network(backbone)
    if isinstance(backbone, FileEncoder):
        return _of_file(backbone, name)
    if name == "onnxruntime":
        raise WeightsError(
            f"expected RUNTIME auto, openvino or tensorflow for {backbone.name}; found onnxruntime, which runs "
            "ONNX files. Leave RUNTIME out."
        )
    if name == "tensorflow":
        return _tensorflow(backbone, "asked for by name")
    by_name = name == "openvino"
    reason = "asked for by name" if by_name else "it is installed, and the fastest"
    if kept is not None and (by_name or not any(Path("/dev").glob("nvidia[0-9]*"))):
        fast = _kept(kept, backbone, reason)
        if fast is not None:
            return _guarded(fast, backbone, by_name)
    if not by_name and _accelerated():
        return _tensorflow(backbone, "it sees an accelerator")
    try:
        fast = _openvino(backbone, reason)
        worst = parity(fast, _tensorflow(backbone, ""), backbone.size)
    except Exception as error:  # of whatever kind: a native library stands behind it
        return _instead(backbone, error, by_name)
    if not worst <= PARITY:  # nor where it is no number
        differs = _DifferError(f"OpenVINO's vectors differ from TensorFlow's by {worst:.1e} in cosine")
        return _instead(backbone, differs, by_name)
    if kept is not None:
        try:
            write_converted(kept, backbone, fast.network)
        # OpenVINO's own error with room on the disk, or a file that another run reads on Windows: no kept network then.
        except (RuntimeError, PermissionError) as error:
            note(f"OpenVINO's network could not be kept for the next run ({in_short(error)})")
    return _guarded(fast, backbone, by_name)


def query_runtime(backbone: Encoder, kept: Path) -> Runtime:
    """The runtime for single photos: a network that a report has kept, else TensorFlow.

    The kept network loads in a fraction of a second. To convert one for a single photo would take longer than to load
    TensorFlow. An encoder's graph from disk is read as it is.

    Parameters
    ----------
    backbone : Encoder
    kept : Path
        As for `choose_runtime`.

    Raises
    ------
    WeightsError
        When the backbone has no network, or its weights are missing or damaged.
    """
    if isinstance(backbone, GivenVectors):
        raise no_network(backbone)
    if isinstance(backbone, FileEncoder):
        return choose_runtime(backbone, "tensorflow" if backbone.files.keras else "auto")
    fast = _kept(kept, backbone, "a report has converted and checked it")
    if fast is not None:
        return _guarded(fast, backbone, by_name=False)
    return _tensorflow(backbone, "no report has converted it for another")


def no_network(given: GivenVectors) -> WeightsError:
    """The error where a photo should be embedded and vectors were given."""
    return WeightsError(
        f"expected a network for new photos; found a report on vectors that were given, {given.place.name}. Make the "
        "report with BACKBONE, or put the new items' vectors in the file and make it again."
    )


def _accelerated() -> bool:
    import_keras()  # quietly, before TensorFlow
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _kept(folder: Path, backbone: Encoder, reason: str) -> Runtime | None:
    """The runtime of a kept network, tried on one photo; None where it is missing or fails."""
    try:
        network = read_converted(folder, backbone)
        if network is None:
            return None
        fast = _compiled(network, reason)
        next(fast.stream([np.zeros((1, backbone.size, backbone.size, 3), np.uint8)]))
    except Exception:
        return None
    return fast


def _guarded(fast: Runtime, backbone: Encoder, by_name: bool) -> Runtime:
    """OpenVINO's runtime, for which TensorFlow takes over at the first photo that fails."""
    guarded = replace(fast)

    def stream(batches: Iterable[Photos]) -> Iterator[Blocks]:
        given = iter(batches)
        waiting: deque[Photos] = deque()  # sent, not yet returned
        ended_by: list[Exception] = []

        def watched() -> Iterator[Photos]:
            try:
                for batch in given:
                    waiting.append(batch)
                    yield batch
            except Exception as error:
                ended_by.append(error)
                raise

        try:
            for blocks in fast.stream(watched()):
                waiting.popleft()
                yield blocks
            return
        except Exception as error:
            if ended_by:  # it is the photos' error, not OpenVINO's
                raise
            other = _instead(backbone, error, by_name)
        guarded.name, guarded.version, guarded.reason = other.name, other.version, other.reason
        guarded.stream, guarded.network = other.stream, None
        yield from other.stream(chain(waiting, given))

    guarded.stream = stream
    return guarded


class _DifferError(Exception):
    """OpenVINO's vectors are not TensorFlow's."""


def _instead(backbone: Encoder, error: Exception, by_name: bool) -> Runtime:
    """TensorFlow in place of OpenVINO, which failed, with a note; an error where OpenVINO was asked for by name."""
    problem = _problem(error)
    if by_name:
        raise WeightsError(
            f"expected OpenVINO, asked for by RUNTIME, to give {backbone.name}'s vectors within {PARITY:.0e} in cosine "
            f"of TensorFlow's; found: {problem}. Fix that, or leave RUNTIME out: TensorFlow is used then. Finished "
            "vectors are kept."
        ) from error
    slow = _tensorflow(backbone, f"in place of openvino: {problem}")
    note(f"{backbone.name} is computed by {slow.reason}")
    return slow


def _problem(error: Exception) -> str:
    """The reason why OpenVINO cannot be used, on one line."""
    if isinstance(error, ModuleNotFoundError) and error.name == "openvino":
        return "OpenVINO is not installed (pip install openvino)"
    return str(error) if isinstance(error, WeightsError | _DifferError) else f"OpenVINO failed ({in_short(error)})"


# ---- The two runtimes ----


def network_call(backbone: Encoder) -> Callable[[Photos], dict[str, Any]]:
    """The backbone as one compiled TensorFlow function: uint8 photos (n, size, size, 3) -> dict of float32 tensors.

    Raises
    ------
    WeightsError
        For given vectors, which have no network.
    """
    if isinstance(backbone, GivenVectors):
        raise no_network(backbone)
    return _compiled_call(backbone.model, backbone.size)  # its model loads Keras, quietly, before TensorFlow


@lru_cache(maxsize=1)  # tracing takes longer than a few photos: converting, comparing and taking over share one
def _compiled_call(model: Any, size: int) -> Callable[[Photos], dict[str, Any]]:
    import tensorflow as tf

    signature = [tf.TensorSpec((None, size, size, 3), tf.uint8)]

    @tf.function(input_signature=signature)
    def call(photos):  # type: ignore[no-untyped-def]
        return model(tf.cast(photos, tf.float32), training=False)

    return call


def _tensorflow(backbone: Encoder, reason: str) -> Runtime:
    call = network_call(backbone)  # compiled on first use

    def stream(batches: Iterable[Photos]) -> Iterator[Blocks]:
        for batch in batches:
            yield {name: np.asarray(block) for name, block in call(batch).items()}

    return Runtime("tensorflow", _version("tensorflow"), f"tensorflow: {reason}", stream)


def _openvino(backbone: Encoder, reason: str) -> Runtime:
    """The backbone converted to OpenVINO, and compiled."""
    import openvino

    if isinstance(backbone, GivenVectors):
        raise no_network(backbone)
    call = network_call(backbone)
    import tensorflow as tf  # after Keras, which `network_call` loads quietly

    # OpenVINO's core reads a SavedModel's path, five to ten times quicker than its Python converter and to the same
    # vectors (docs/decisions.md). It finds a variable only where the saved module holds it by itself, not within
    # Keras's model.
    module = tf.Module()
    module.call = call
    module.held = [variable.value for variable in backbone.model.variables]
    with tempfile.TemporaryDirectory(prefix="fashion-network-") as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": call.get_concrete_function()})  # type: ignore[attr-defined]
        network = openvino.Core().read_model(folder)
    # One photo a request: its vector then depends on nothing but itself, and it is the fastest here.
    network.reshape({network.inputs[0]: [1, backbone.size, backbone.size, 3]})
    return _compiled(network, reason)


def _compiled(network: Any, reason: str) -> Runtime:
    """OpenVINO's graph of one photo, compiled for as many at once as suit the processor."""
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
            # Requests are finished in the order in which they started, so the first batch may be complete by now.
            while len(begun) > 1 and running[0][1] is not begun[0]:
                yield begun.popleft()
        while running:
            finish()
        yield from begun

    return Runtime("openvino", _version("openvino"), f"openvino: {reason}", stream, network)


# ---- Encoders from disk ----


def _of_file(encoder: FileEncoder, name: str) -> Runtime:
    """The runtime of an encoder from disk, whose vectors are checked to be finite; "multilayer" has width 0."""
    if encoder.files.keras:
        inner = _of_keras(encoder, name)
    elif name == "tensorflow":
        raise WeightsError(
            f"expected RUNTIME auto, openvino or onnxruntime for {encoder.files.model}; found tensorflow, which "
            "runs .keras files. Leave RUNTIME out."
        )
    else:
        inner = _of_graph(encoder, name)

    def stream(batches: Iterable[Photos]) -> Iterator[Blocks]:
        for blocks in inner.stream(batches):
            require_finite(blocks["embedding"], encoder.files)
            yield {"embedding": blocks["embedding"], "multilayer": np.empty((len(blocks["embedding"]), 0), np.float32)}

    return replace(inner, stream=stream)


def _of_keras(encoder: FileEncoder, name: str) -> Runtime:
    if name == "onnxruntime":
        raise WeightsError(
            f"expected RUNTIME auto, openvino or tensorflow for {encoder.files.model}; found onnxruntime, which "
            "runs ONNX files. Leave RUNTIME out."
        )
    reference = _tensorflow(encoder, "asked for by name" if name == "tensorflow" else "OpenVINO failed or differs")
    if name == "tensorflow" or (name == "auto" and _accelerated()):
        return reference
    try:
        fast = _openvino(encoder, "asked for by name" if name == "openvino" else "it is installed, and the fastest")
        worst = parity(fast, reference, encoder.size)
    except Exception as error:  # of whatever kind: a native library stands behind it
        return _instead(encoder, error, name == "openvino")
    differs = _DifferError(f"OpenVINO's vectors differ from TensorFlow's by {worst:.1e} in cosine")
    return fast if worst <= PARITY else _instead(encoder, differs, name == "openvino")


def _of_graph(encoder: FileEncoder, name: str) -> Runtime:
    if name != "onnxruntime":
        try:
            why = "asked for by name" if name == "openvino" else "it is installed, and reads the encoder's file"
            return _compiled(encoder.network, why)
        except ModuleNotFoundError as error:
            if name == "openvino":
                raise WeightsError("expected OpenVINO, asked for by RUNTIME; found that it is not installed. "
                                   "Install it: pip install openvino") from error  # fmt: skip
    try:
        call, _ = graphs.open_onnx(encoder.files)
    except ModuleNotFoundError as error:
        raise WeightsError(
            f"expected OpenVINO or ONNX Runtime, which read {encoder.files.model}; found neither installed. "
            "Install one: pip install openvino"
        ) from error
    why = "asked for by name" if name == "onnxruntime" else "in place of openvino, which is not installed"

    def stream(batches: Iterable[Photos]) -> Iterator[Blocks]:
        for batch in batches:
            yield {"embedding": call(batch)}

    return Runtime("onnxruntime", _version("onnxruntime"), f"onnxruntime: {why}", stream)


def _version(package: str) -> str:
    return installed_version(package) or "unknown"


def parity(one: Runtime, other: Runtime, size: int, count: int = 4) -> float:
    """The largest 1 - cosine between two runtimes' vectors, on `count` seeded images of noise and gradients."""
    random = np.random.default_rng(0)
    ramps = np.linspace(0, 255, size)[:, np.newaxis, np.newaxis] * random.random((count, 1, 1, 3))
    photos = np.clip(ramps + random.normal(0, 40, (count, size, size, 3)), 0, 255).astype(np.uint8)
    first, second = next(one.stream([photos])), next(other.stream([photos]))
    cosines = [(normalise(first[name]) * normalise(second[name])).sum(axis=1).min() for name in first]
    return float(1 - min(cosines))


# ---- Converted networks on disk ----


#: Prefix of the folder in which the files are written, before they are renamed.
ASIDE = ".writing-"


def place(folder: Path, backbone: Encoder) -> Path:
    """Path of a backbone's files, without their endings."""
    code = code_of(closure_of("fashion.embedding.backbones", "fashion.embedding.runtimes"))
    made_by = [backbone.name, backbone.size, backbone.weights_checksum, code, machine()["processor"]]
    made_by.append(versions(["openvino", "tensorflow", "keras", "numpy"]))
    return folder / f"{backbone.name}-{backbone.size}-{sha256_json(made_by)[:16]}"


def write_converted(folder: Path, backbone: Encoder, network: Any) -> None:
    """Write a converted network whose vectors agree with TensorFlow's.

    Parameters
    ----------
    folder : Path
    backbone : Encoder
    network : openvino.Model

    Raises
    ------
    OSError
        When the disk is full; no half file is left.
    """
    import openvino

    stem = place(folder, backbone)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{ASIDE}*"):  # by a run that was killed while it wrote
        if time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=ASIDE) as aside:
        graph = Path(aside) / "network.xml"
        try:
            openvino.save_model(network, graph, compress_to_fp16=False)
        except RuntimeError:  # its stream does not say what the system said: as large a write of our own does
            numbers = sum(op.get_byte_size() for op in network.get_ops() if op.get_type_name() == "Constant")
            (Path(aside) / "probe").write_bytes(bytes(numbers))
            raise
        weights = Path(f"{stem}.bin")
        os.replace(graph.with_suffix(".bin"), weights)
        # The graph's seal names the weights, so that the two are of one conversion.
        write_sealed(Path(f"{stem}.xml"), lambda whole: os.replace(graph, whole), sha256_file(weights))
    for old in folder.glob(f"{backbone.name}-{backbone.size}-*"):  # of other code or versions: nobody asks for it again
        if not old.name.startswith(stem.name):
            old.unlink()


def read_converted(folder: Path, backbone: Encoder) -> Any | None:
    """The kept network of a backbone; None where it is missing or damaged."""
    stem = place(folder, backbone)
    graph, weights = Path(f"{stem}.xml"), Path(f"{stem}.bin")
    if not weights.is_file():
        return None

    def read(graph: Path) -> Any:
        import openvino

        return openvino.Core().read_model(graph, weights)

    return read_sealed(graph, read, "the network is converted again", sha256_file(weights))
