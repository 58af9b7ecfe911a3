"""Photos to vectors: the original study's way, plain batches, ours, other runtimes, the bare network, the machine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.harness import Way, alternate, peak, say, summarise
from benchmarks.photos import read_photo, write_photos
from fashion.catalogue.source import FolderSource, Source, open_source
from fashion.core.tensorflow import import_keras
from fashion.embedding import resnet50
from fashion.embedding.backbones import SIZES, Backbone, load_backbone
from fashion.embedding.extraction import BATCH, ahead, embed_views, read_photos
from fashion.embedding.runtimes import choose_runtime, network_call
from fashion.neighbours.exact import normalise

ORIGINAL, OURS, BARE = "the original's way", "ours, JPEG to vector", "bare network, photos in memory"


def multiply_adds(backbone: Backbone) -> int:
    """Multiplications with an addition that the network's convolutions and dense layers take for one photo."""
    keras = import_keras()
    total = 0
    trunk = backbone.plain.layers[0]
    for layer in trunk.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            total += int(np.prod(layer.output.shape[1:])) * int(np.prod(layer.kernel_size))
        elif isinstance(layer, keras.layers.Conv2D):
            total += int(np.prod(layer.output.shape[1:])) * int(np.prod(layer.kernel_size)) * layer.input.shape[-1]
        elif isinstance(layer, keras.layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


def random_resnet50(size: int | None = None) -> Backbone:
    """ResNet-50 with random weights: its speed does not depend on them."""
    import_keras().utils.set_random_seed(0)
    edge = size or SIZES["resnet50"]
    trunk, multilayer = resnet50.build_resnet50(edge), resnet50.LAYERS
    return Backbone(
        "resnet50", edge, lambda: trunk, resnet50.preprocess, tuple(multilayer), tuple(multilayer.values()), "0" * 64,
        "random weights, for its speed alone",
    )  # fmt: skip


def onnx_stream(backbone: Backbone) -> Callable[[NDArray[np.uint8]], dict[str, NDArray]]:
    """The network in ONNX's format, computed by ONNX Runtime: a batch of photos -> its blocks."""
    import onnxruntime
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, backbone.size, backbone.size, 3), tf.uint8)]
    model, _ = tf2onnx.convert.from_function(network_call(backbone), input_signature=signature, opset=17)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0].name
    names = [output.name for output in session.get_outputs()]
    return lambda photos: dict(zip(names, session.run(None, {given: photos}), strict=True))


def ways(backbone: Backbone, source: Source, names: list[str]) -> list[Way]:
    """The ways that are compared; the slow ones get fewer photos a turn."""
    fast = names if backbone.name != "resnet50" else names[: len(names) // 4]
    slow = fast[: len(fast) // 4]
    memory = np.stack([read_photo(source, name, backbone.size) for name in fast])
    batches = [memory[first : first + BATCH] for first in range(0, len(memory), BATCH)]
    runtimes = {name: choose_runtime(backbone, name) for name in ("openvino", "tensorflow")}
    onnx = onnx_stream(backbone)

    def original() -> None:
        import swifter  # noqa: F401

        keras = import_keras()

        def one(name: str) -> NDArray:
            size = (backbone.size, backbone.size)
            photo = keras.utils.load_img(source.path / name, target_size=size)
            ready = np.asarray(backbone.preprocess(np.asarray(photo, np.float32)[np.newaxis]))
            return backbone.plain.predict(ready, verbose=0).reshape(-1)

        pd.Series(slow).swifter.progress_bar(False).apply(one)  # type: ignore[attr-defined]

    def predict() -> None:
        keras = import_keras()
        size = (backbone.size, backbone.size)
        photos = np.stack([np.asarray(keras.utils.load_img(source.path / name, target_size=size)) for name in slow])
        backbone.model.predict(photos.astype(np.float32), batch_size=32, verbose=0)

    def ours(runtime: str) -> None:
        views = ahead(lambda name: read_photo(source, name, backbone.size), fast, workers=2)
        embed_views(views, backbone, runtimes[runtime])

    def bare(runtime: str) -> None:
        for _ in runtimes[runtime].stream(batches):
            pass

    def by_onnx() -> None:
        for batch in batches:
            onnx(batch)

    return [
        Way(ORIGINAL, original, len(slow)),
        Way("one predict call, batches of 32", predict, len(slow)),
        Way(OURS, lambda: ours("openvino"), len(fast)),
        Way("ours by TensorFlow, JPEG to vector", lambda: ours("tensorflow"), len(fast)),
        Way(BARE + " (OpenVINO)", lambda: bare("openvino"), len(fast)),
        Way(BARE + " (TensorFlow)", lambda: bare("tensorflow"), len(fast)),
        Way(BARE + " (ONNX Runtime)", by_onnx, len(fast)),
    ]


def measure(backbone: Backbone, rounds: int, count: int) -> dict[str, Any]:
    """All ways of one backbone, with shares of the machine's peak and the parity of vectors."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "photos").mkdir()
        (folder / "photos/table.txt").write_text("photos for a benchmark\n", encoding="utf-8")
        names = write_photos(folder / "photos", count)
        source = open_source(folder / "photos", "table.txt")
        say(f"{backbone.name}, {backbone.size} px")
        candidates = ways(backbone, source, names)
        product = peak()
        runs = alternate([*candidates, product], rounds)
        photos = np.stack([read_photo(source, name, backbone.size) for name in names[:8]])
    table = summarise(runs, ORIGINAL)
    flops = 2.0 * multiply_adds(backbone)
    most = float(table.loc[table["way"] == product.name, "rate"].iloc[0])
    table = table[table["way"] != product.name].assign(share_of_peak=lambda t: t["rate"] * flops / most)
    fastest = summarise(runs, BARE + " (OpenVINO)").set_index("way").loc[OURS]
    return {
        "backbone": backbone.name, "size": backbone.size, "multiply_adds": multiply_adds(backbone),
        "peak_flops": most, "ceiling_photos_per_second": most / flops, "ways": table.to_dict("records"),
        "ours_to_bare": {key: fastest[key] for key in ("ratio", "ratio_low", "ratio_high")},
        "parity": parities(backbone, photos), "photos": count, "rounds": rounds,
    }  # fmt: skip


def parities(backbone: Backbone, photos: NDArray[np.uint8]) -> dict[str, float]:
    """Largest 1 - cosine of each runtime's vectors with TensorFlow's."""
    reference = next(choose_runtime(backbone, "tensorflow").stream([photos]))["embedding"]
    others = {"openvino": next(choose_runtime(backbone, "openvino").stream([photos]))["embedding"]}
    width = reference.shape[1]
    others["onnxruntime"] = next(v for v in onnx_stream(backbone)(photos).values() if v.shape[1] == width)
    unit = normalise(reference).astype(np.float64)
    return {name: float(1 - (normalise(v) * unit).sum(axis=1).min()) for name, v in others.items()}


class _Numbered(FolderSource):
    """A source of any number of different photos: one of 64 files, with the photo's number appended to its bytes."""

    def _read(self, full_name: str, most: int | None) -> bytes:
        number = int(full_name)
        return super()._read(f"{number % 64:05d}.jpg", most) + number.to_bytes(8)


def memory(count: int) -> dict[str, int]:
    """Read and embed `count` photos in this process; return the photos and the peak memory in bytes."""
    from benchmarks.harness import resident

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "photos").mkdir()
        write_photos(folder / "photos", 64)
        names = [str(number) for number in range(count)]
        backbone = load_backbone("efficientnet-lite0", size=96)
        read_photos(_Numbered(folder / "photos"), names, folder / "store", backbone, progress=False)
    return {"photos": count, "bytes": resident()}


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The part `embedding`."""
    quick = options["quick"]
    rounds, count = (1, 64) if quick else (3, 512)
    networks = [load_backbone("efficientnet-lite0", size=96 if quick else None)]
    if not quick:
        networks.append(random_resnet50())
    return {"backbones": [measure(backbone, rounds, count) for backbone in networks]}
