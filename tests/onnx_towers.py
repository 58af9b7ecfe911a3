"""Tiny ONNX towers for the tests, made by `onnx.helper`: real models that OpenVINO and ONNX Runtime compute."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Width of the towers' shared space.
WIDTH = 12

CLIP_JSON = {
    "crop_size": {"height": 32, "width": 32}, "do_center_crop": True, "do_normalize": True, "do_rescale": True,
    "do_resize": True, "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711], "image_processor_type": "CLIPImageProcessor", "resample": 3,
    "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 32},
}  # fmt: skip

OPEN_CLIP_JSON = {
    "size": [32, 32], "mode": "RGB", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic",
    "resize_mode": "squash", "fill_color": 0,
}  # fmt: skip


def save(path: Path, nodes: list, inputs: dict, outputs: dict, weights: dict[str, np.ndarray]) -> Path:
    """Write a graph; inputs and outputs are name -> (TensorProto type, shape)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    given, made = (
        [helper.make_tensor_value_info(n, *about) for n, about in ports.items()] for ports in (inputs, outputs)
    )
    graph = helper.make_graph(nodes, "tower", given, made, [numpy_helper.from_array(a, n) for n, a in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def pixels_tower(path: Path, edge: int = 32, *, batch: int | str = "n") -> Path:
    """A tower whose vector is its input: what a photo's preparation gave it, channels first."""
    nodes = [helper.make_node("Flatten", ["pixel_values"], ["image_embeds"])]
    shape = [batch, 3, edge, edge]
    return save(path, nodes, {"pixel_values": (TensorProto.FLOAT, shape)},
                {"image_embeds": (TensorProto.FLOAT, [batch, 3 * edge * edge])}, {})  # fmt: skip


def image_tower(path: Path, *, output: str = "image_embeds", kind: str = "vector", free: bool = False) -> Path:
    """A ViT's outline: patches of 8 pixels, a class token, tanh, and a projection.

    Parameters
    ----------
    kind : {"vector", "tokens", "maps", "int8", "nan"}
        What its output is.
    free : bool
        Whether height and width are left open.
    """
    random = np.random.default_rng(3)
    kernel = random.normal(0, 0.1, (WIDTH, 3, 8, 8)).astype(np.float32)
    side: int | str = "side" if free else 32
    weights = {"kernel": kernel, "projection": random.normal(0, 0.3, (WIDTH, WIDTH)).astype(np.float32)}
    nodes = [
        helper.make_node("Conv", ["pixel_values", "kernel"], ["patches"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Tanh", ["patches"], ["maps"]),
    ]
    about: tuple = (TensorProto.FLOAT, ["n", WIDTH])
    if kind == "maps":
        nodes[-1].output[0] = output
        about = (TensorProto.FLOAT, ["n", WIDTH, 4, 4])
    elif kind == "tokens":
        weights["shape"] = np.array([0, WIDTH, -1], np.int64)
        nodes += [
            helper.make_node("Reshape", ["maps", "shape"], ["rows"]),
            helper.make_node("Transpose", ["rows"], [output], perm=[0, 2, 1]),
        ]
        about = (TensorProto.FLOAT, ["n", "tokens", WIDTH])
    else:
        weights["axes"] = np.array([2, 3], np.int64)
        last = output if kind == "vector" else "vector"
        nodes += [
            helper.make_node("ReduceMean", ["maps"], ["pooled"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["pooled", "projection"], [last]),
        ]
        del weights["axes"]
    if kind == "int8":
        nodes.append(helper.make_node("Cast", ["vector"], [output], to=TensorProto.INT8))
        about = (TensorProto.INT8, ["n", WIDTH])
    if kind == "nan":
        nodes += [
            helper.make_node("Sub", ["vector", "vector"], ["zero"]),
            helper.make_node("Div", ["vector", "zero"], ["many"]),
            helper.make_node("Mul", ["many", "zero"], [output]),
        ]
    if kind in ("maps", "tokens"):
        del weights["projection"]
    return save(path, nodes, {"pixel_values": (TensorProto.FLOAT, ["n", 3, side, side])}, {output: about}, weights)


def write_json(path: Path, content: object) -> Path:
    """Write JSON, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


#: Words that the tiny tokenizer knows, after its special tokens.
TEXT_WORDS = ("a", "photo", "of", "red", "blue", "green", "black", "dress", "boots", "trousers")


def write_tokenizer(folder: Path, most: int = 8) -> Path:
    """A tokenizer.json of whole words, with a beginning and an end, as the `tokenizers` library saves it."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: number for number, word in enumerate(("<pad>", "<s>", "</s>", "<unk>", *TEXT_WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"model_max_length": most, "pad_token": "<pad>"})
    return folder / "tokenizer.json"


def text_tower(
    path: Path, *, output: str = "text_embeds", length: int | str = "tokens", mask: bool = True
) -> np.ndarray:
    """A bag of words: the sum of the tokens' rows of a table, which is returned; the mask hides padding."""
    table = np.random.default_rng(5).normal(0, 1, (4 + len(TEXT_WORDS), WIDTH)).astype(np.float32)
    table[0] = 100  # padding that is not hidden spoils the vector
    inputs = {"input_ids": (TensorProto.INT64, ["n", length])}
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"], axis=0)]
    weights = {"table": table, "axis": np.array([1], np.int64)}
    if mask:
        inputs["attention_mask"] = (TensorProto.INT64, ["n", length])
        weights["last"] = np.array([2], np.int64)
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["shown"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["shown", "last"], ["column"]),
            helper.make_node("Mul", ["rows", "column"], ["kept"]),
        ]
    nodes.append(helper.make_node("ReduceSum", ["kept" if mask else "rows", "axis"], [output], keepdims=0))
    save(path, nodes, inputs, {output: (TensorProto.FLOAT, ["n", WIDTH])}, weights)
    return table
