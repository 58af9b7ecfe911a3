"""The text tower of an encoder from disk: free text to vectors in the space of the photos."""

from __future__ import annotations

import itertools
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.errors import WeightsError
from fashion.embedding.encoder_files import resolve
from fashion.embedding.graphs import Port, choose_output, failed, onnx_ports, openvino_ports
from fashion.neighbours.exact import normalise

Float = NDArray[np.float32]

#: Text tower and tokenizer, as paths in a folder; the first pair that is there counts.
LAYOUTS = (
    ("onnx/text_model.onnx", "tokenizer.json"),
    ("textual/model.onnx", "textual/tokenizer.json"),
    ("openvino_text_model.xml", "tokenizer.json"),
    ("text_model.onnx", "tokenizer.json"),
    ("model.onnx", "tokenizer.json"),
)

#: Names of the output that is a text's vector, best first.
TEXT_OUTPUTS = (
    "text_embeds", "text_embeddings", "text_embedding", "text_features", "sentence_embedding", "embedding",
    "embeddings", "pooler_output", "last_hidden_state",
)  # fmt: skip

#: Inputs that a tower may have, and what they are given.
INPUTS = ("input_ids", "attention_mask", "token_type_ids", "text", "tokens")

#: Tokens of a text where neither model nor tokenizer says how many.
MOST_TOKENS = 77

#: Factor of cosines before softmax: what CLIP learned, and clips its own at (Radford et al. 2021).
LOGIT_SCALE = 100.0


@dataclass(frozen=True)
class TextEncoder:
    """A text tower: texts -> vectors of unit length.

    Attributes
    ----------
    model, tokenizer : Path
    """

    model: Path
    tokenizer: Path

    @cached_property
    def _tokens(self) -> Callable[[str], Any]:
        """A text's tokens, as the tokenizer's own files have them: `ids`, and `attention_mask`, 0 for padding."""
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise WeightsError(
                f"expected the package tokenizers, which reads {self.tokenizer}; found that it is not installed. "
                "Install it: pip install tokenizers"
            ) from error
        try:
            tokenizer = Tokenizer.from_file(str(self.tokenizer))
        except Exception as error:  # its own kind
            raise failed(self.tokenizer, error, "tokenizers") from error
        most = self._length or self._most
        tokenizer.enable_truncation(most)
        if self._length:
            pad = self._pad(tokenizer)
            tokenizer.enable_padding(length=self._length, pad_id=pad, pad_token=tokenizer.id_to_token(pad) or "")
        return tokenizer.encode

    def _said(self, name: str) -> dict[str, Any]:
        """The object in a JSON file beside the tokenizer, or in the folder above it; empty where there is none."""
        for folder in (self.tokenizer.parent, self.tokenizer.parent.parent):
            try:
                said = json.loads((folder / name).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(said, dict):
                return said
        return {}

    def _pad(self, tokenizer: Any) -> int:
        own = (tokenizer.padding or {}).get("pad_id")
        token = self._said("tokenizer_config.json").get("pad_token")
        token = token.get("content") if isinstance(token, dict) else token
        named = tokenizer.token_to_id(token) if isinstance(token, str) else None
        return int(own if own is not None else named or 0)

    @property
    def _most(self) -> int:
        most = self._said("tokenizer_config.json").get("model_max_length")
        return int(most) if isinstance(most, (int, float)) and 0 < most < 10_000 else MOST_TOKENS

    @property
    def _length(self) -> int:
        """Tokens that every text is padded to; 0 for its own length. SigLIP was trained on padded texts alone."""
        fixed = next((port.shape[1] for port in self._graph[1] if len(port.shape) == 2 and port.shape[1] > 0), 0)
        config = self._said("config.json")
        siglip = "siglip" in str(config.get("model_type", "")).lower()
        return fixed or (self._most if siglip else 0)

    @cached_property
    def _graph(self) -> tuple[Callable[[Mapping[str, NDArray]], NDArray], list[Port]]:
        try:
            return _by_openvino(self.model)
        except ModuleNotFoundError:
            return _by_onnx(self.model)

    def __call__(self, texts: Sequence[str]) -> Float:
        """Vectors of texts, float32, unit length, shape (n, d).

        Raises
        ------
        WeightsError
            When tokenizers is not installed, or the tower does not give finite vectors.
        """
        call, ports = self._graph
        rows = []
        for text in texts:
            encoded = self._tokens(text)
            tokens, seen = np.array([encoded.ids], np.int64), np.array([encoded.attention_mask], np.int64)
            if not seen.any():
                raise WeightsError(f"expected a text with words for {self.model}; found {text!r}. Write some.")
            given: dict[str, NDArray] = {}
            for port in ports:
                name = next((name for name in port.names if name in INPUTS), port.names[0] if port.names else "")
                value = {"attention_mask": seen, "token_type_ids": np.zeros_like(tokens)}.get(name, tokens)
                given[port.names[0]] = value.astype(np.int32 if port.kind == "i32" else np.int64)
            vector = np.asarray(call(given), np.float32)[0]
            if vector.ndim == 2:  # tokens' vectors: their mean, as sentence encoders take it
                vector = vector[seen[0].astype(bool)].mean(axis=0)
            rows.append(vector)
        vectors = np.stack(rows)
        if not np.isfinite(vectors).all():
            raise WeightsError(f"expected finite numbers from {self.model}; found NaN. Take its float32 variant.")
        return normalise(vectors)


def find_text_encoder(place: str | Path) -> TextEncoder | None:
    """The text tower of an encoder's folder; None where it has none.

    Raises
    ------
    WeightsError
        When there is a tower without its tokenizer.
    """
    folder = resolve(place)
    if not folder.is_dir():
        return None
    for model, tokenizer in LAYOUTS:
        if (folder / model).is_file() and (folder / tokenizer).is_file():
            return TextEncoder(folder / model, folder / tokenizer)
    alone = next((model for model, _ in LAYOUTS[:-1] if (folder / model).is_file()), None)
    if alone is not None:
        raise WeightsError(
            f"expected tokenizer.json beside the text tower {folder / alone}; found none. Fetch it from where the "
            "model came from."
        )
    return None


def load_text_encoder(place: str | Path, dimension: int) -> TextEncoder:
    """The text tower that belongs to an image encoder's vectors.

    Parameters
    ----------
    place : str or Path
        The encoder's folder.
    dimension : int
        Of the image vectors.

    Raises
    ------
    WeightsError
        When there is none, or its vectors are of another width.
    """
    encoder = find_text_encoder(place)
    if encoder is None:
        raise WeightsError(
            f"expected a text tower in {resolve(place)}: one of {', '.join(model for model, _ in LAYOUTS[:-1])}, with "
            "tokenizer.json; found none. Report with an encoder that has one (docs/encoders.md), or search by words."
        )
    width = encoder(["a photo"]).shape[1]
    if width != dimension:
        raise WeightsError(
            f"expected vectors of {dimension} dimensions, the photos', from {encoder.model}; found {width}. The two "
            "towers are of different models, or a projection is missing: export both again."
        )
    return encoder


# ---- The graph ----


def _by_openvino(model: Path) -> tuple[Callable[[Mapping[str, NDArray]], NDArray], list[Port]]:
    import openvino

    try:
        network = openvino.Core().read_model(model)
    except Exception as error:
        raise failed(model, error, "OpenVINO") from error
    place = choose_output(openvino_ports(network.outputs), model, known=TEXT_OUTPUTS)
    texts = [port for port in network.inputs if port.get_partial_shape().rank.get_length() == 2]
    try:
        # Only what the vector needs: an image tower in the same file is left out.
        vector = network.outputs[place].get_node().input_value(0)
        network = openvino.Model([vector], [port.get_node() for port in texts], "text")
        compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    except Exception as error:
        raise failed(model, error, "OpenVINO") from error

    def call(given: Mapping[str, NDArray]) -> NDArray:
        try:
            return np.array(compiled(dict(given))[0])
        except Exception as error:
            raise failed(model, error, "OpenVINO") from error

    return call, openvino_ports(network.inputs)


def _by_onnx(model: Path) -> tuple[Callable[[Mapping[str, NDArray]], NDArray], list[Port]]:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise WeightsError(
            f"expected OpenVINO or ONNX Runtime, which read {model}; found neither installed. Install one: "
            "pip install openvino"
        ) from error
    try:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise failed(model, error, "ONNX Runtime") from error
    outputs = onnx_ports(session.get_outputs())
    name = outputs[choose_output(outputs, model, known=TEXT_OUTPUTS)].names[0]
    return lambda given: np.asarray(session.run([name], dict(given))[0]), onnx_ports(session.get_inputs())


# ---- Words for catalogues that have none ----


@dataclass(frozen=True)
class Prompts:
    """A template with columns in braces, and each column's words.

    Examples
    --------
    >>> prompts = Prompts("a photo of a {colour} {category}", {"colour": ("red",), "category": ("dress", "boot")})
    >>> prompts.texts()
    ['a photo of a red dress', 'a photo of a red boot']
    """

    template: str
    words: Mapping[str, tuple[str, ...]]

    def combinations(self) -> list[tuple[str, ...]]:
        """Each combination of the columns' words."""
        return list(itertools.product(*self.words.values()))

    def texts(self) -> list[str]:
        """The template of each combination."""
        return [
            self.template.format(**dict(zip(self.words, row, strict=True))) for row in self.combinations()
        ]  # fmt: skip


def read_prompts(path: Path) -> Prompts:
    """Prompts from a TOML: `template`, and a list of words for each column that it names.

    Raises
    ------
    WeightsError
        When the file is missing, is no TOML, or a column of the template has no words.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        template = str(said.pop("template"))
        words = {column: tuple(map(str, said[column])) for column in said if f"{{{column}}}" in template}
        Prompts(template, words).texts()
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise WeightsError(
            f'expected prompts in {path}: template = "a photo of a {{colour}} {{category}}", and the words of each '
            f"column as a list; found {type(error).__name__}: {error}. Correct the file."
        ) from error
    if not words or not all(words.values()):
        raise WeightsError(f"expected words for each column of the template in {path}; found {words}. Add them.")
    return Prompts(template, words)


def words_by_prompts(vectors: NDArray, encoder: TextEncoder, prompts: Prompts) -> pd.DataFrame:
    """Words of photos by the nearest prompts, with their probability (zero-shot classification, Radford et al. 2021).

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)
        Of the photos, by the image tower.
    encoder : TextEncoder
    prompts : Prompts

    Returns
    -------
    DataFrame
        For each column its word and `<column>_confidence`: the softmax of the cosines, summed over the other columns'
        words. It is not calibrated on any labels.
    """
    logits = LOGIT_SCALE * normalise(np.asarray(vectors, np.float32)) @ encoder(prompts.texts()).T
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    cube = shares.reshape(len(shares), *(len(words) for words in prompts.words.values()))
    table = {}
    for axis, (column, words) in enumerate(prompts.words.items(), start=1):
        others = tuple(other for other in range(1, cube.ndim) if other != axis)
        marginal = cube.sum(axis=others)
        table[column] = np.array(words, object)[marginal.argmax(axis=1)]
        table[f"{column}_confidence"] = marginal.max(axis=1)
    return pd.DataFrame(table)
