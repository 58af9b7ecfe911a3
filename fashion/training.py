"""Trains the attributes network: seeded, with its history. After a stop it goes on from its last finished epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes import (
    FILLERS,
    LEAST_CATEGORY_WIDTH,
    LOOKS_COMPONENTS,
    SCALES,
    WIDTH,
    Architecture,
    AttributesNetwork,
    best_projection,
    build_network,
)
from fashion.description import distribution
from fashion.features import SAMPLE, pca, some_rows
from fashion.fitting import Examples, Rows, StateFile, array_checksum, fit
from fashion.palette import learn_palette, palette_features
from fashion.provenance import code_closure, code_of, sha256_json, versions
from fashion.quiet import import_keras

BATCH, SMALLEST_BATCH = 256, 32
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
EPOCHS = 12
#: Rows that are copied at a time where all training items are gone through.
BLOCK = 4096


def batch_for(items: int) -> int:
    """Items a step takes: 256, less for a small catalogue so that a pass has some fifty steps, never below 32."""
    return int(np.clip(items // 50, SMALLEST_BATCH, BATCH))


def train_attributes(
    features: NDArray,
    grid: NDArray,
    items: pd.DataFrame,
    part: NDArray[np.str_],
    seed: int,
    *,
    frozen_width: int,
    epochs: int = EPOCHS,
    state: Path | None = None,
    progress: bool = True,
) -> tuple[AttributesNetwork, pd.DataFrame]:
    """Train on the items of part "train"; those of "validation" are only looked at.

    Parameters
    ----------
    features : ndarray of float32, shape (n, f)
        From `join_features`.
    grid : ndarray of float, shape (n, 16, 16, 7)
        Colour grids.
    items : DataFrame
        With `category` and `colour`.
    part : ndarray of str, shape (n,)
        From `evaluation.split`.
    seed : int
        Of weights, order and dropout.
    frozen_width : int
        How many of the last features are the frozen embedding, which gives the looks.
    epochs : int
        Passes over the training items.
    state : Path, optional
        Folder for the state after each epoch, from which a call with equal arguments goes on: network and history are
        then those of an uninterrupted run, bit for bit. `fitting.forget` removes it once the network is written.
    progress : bool

    Returns
    -------
    network : AttributesNetwork
    history : DataFrame
        One row an epoch: `loss`, `category_accuracy`, `colour_accuracy`, and the same with `val_`.

    Notes
    -----
    AdamW (Loshchilov and Hutter 2019), half an epoch's warm-up, then a cosine to zero; the cross-entropies of both
    attributes, summed.
    """
    keras = import_keras()
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    train, validation = np.flatnonzero(part == "train"), np.flatnonzero(part == "validation")
    words = {c: sorted(items[c].iloc[train].unique()) for c in ("category", "colour")}
    # A word that training never saw gets no class; its items count as wrong, which they are.
    labels = {c: items[c].map({w: i for i, w in enumerate(words[c])}).fillna(-1).astype(int).to_numpy() for c in words}
    colours = learn_palette(grid[train], seed)
    seen = palette_features(grid, colours)
    scales = dict(zip(SCALES, (*_moments(features, train), *_moments(seen, train)), strict=True))
    sizes = Architecture(features.shape[1], seen.shape[1], len(words["category"]), len(words["colour"]))
    model = build_network(sizes, scales)
    batch = batch_for(len(train))
    _compile(keras, model, int(np.ceil(len(train) / batch)), epochs)
    known = validation[(labels["category"][validation] >= 0) & (labels["colour"][validation] >= 0)]
    kept = StateFile(state, "attributes", training_key(features, grid, items, part, seed, epochs)) if state else None

    def gather(rows: Rows) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
        inputs = {"features": np.asarray(features[rows], np.float32), "colours": np.asarray(seen[rows], np.float32)}
        return inputs, {name: codes[rows] for name, codes in labels.items()}

    history = fit(
        model, Examples(gather, train), Examples(gather, known), batch=batch, epochs=epochs, seed=seed, state=kept,
        what="attributes network", progress=progress,
    )  # fmt: skip
    blank = np.zeros((1, 1), np.float32)
    spoken = tuple(words["category"]), tuple(words["colour"])
    bare = AttributesNetwork(model, *spoken, sizes, scales, colours, blank, blank, blank)
    blocks = [train[first : first + BLOCK] for first in range(0, len(train), BLOCK)]
    logits = np.concatenate([bare.logits(features[rows], grid[rows])[0] for rows in blocks])
    sample = train[some_rows(len(train), SAMPLE, seed)]
    fitted = pca(features[sample, features.shape[1] - frozen_width :], seed, LOOKS_COMPONENTS)
    room = WIDTH - sizes.colours - LOOKS_COMPONENTS - FILLERS
    network = replace(
        bare,
        projection=best_projection(distribution(logits), max(room, LEAST_CATEGORY_WIDTH)),
        looks_mean=fitted.mean_.astype(np.float32),
        looks_components=fitted.components_.astype(np.float32),
    )
    return network, history


def training_key(
    features: NDArray, grid: NDArray, items: pd.DataFrame, part: NDArray[np.str_], seed: int, epochs: int
) -> str:
    """The key of everything that determines the trained weights: code, versions, settings, content of the inputs."""
    return sha256_json({
        "code": code_of(code_closure("from fashion import training")),
        "versions": versions(["tensorflow", "keras", "numpy", "scikit-learn"]),
        "settings": [seed, epochs],
        "inputs": [array_checksum(features), array_checksum(grid), list(part)],
        "words": [list(items["category"]), list(items["colour"])],
    })  # fmt: skip


def _moments(values: NDArray, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and variance of each column, the spread raised a little so that a constant one divides by no zero."""
    total, squares = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for first in range(0, len(rows), BLOCK):  # in double precision, a block at a time
        part = values[rows[first : first + BLOCK]].astype(np.float64)
        total += part.sum(axis=0)
        squares += (part**2).sum(axis=0)
    mean = total / len(rows)
    spread = np.sqrt(np.maximum(squares / len(rows) - mean**2, 0)) + 1e-3
    return mean.astype(np.float32), (spread**2).astype(np.float32)


def _compile(keras: Any, model: Any, steps: int, epochs: int) -> None:
    warm = max(steps // 2, 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 10, max(epochs * steps - warm, 1), warmup_target=LEARNING_RATE, warmup_steps=warm
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY, clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    losses = {c: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for c in ("category", "colour")}
    model.compile(optimizer, losses, metrics={c: ["accuracy"] for c in losses})


def accuracies(
    network: AttributesNetwork, features: NDArray, grid: NDArray, items: pd.DataFrame, rows: NDArray
) -> tuple[dict[str, float], pd.DataFrame]:
    """Accuracy on the items `rows`, and what was predicted for each.

    Returns
    -------
    accuracy : dict
        `category`, `colour`, `category and colour`: shares right.
    predicted : DataFrame
        `row`, and for category and colour `<name>` (labelled) and `<name>_predicted`.
    """
    category, colour = network.logits(features[rows], grid[rows])
    predicted = pd.DataFrame({
        "row": rows,
        "category": items["category"].to_numpy()[rows],
        "category_predicted": np.array(network.categories, object)[category.argmax(axis=1)],
        "colour": items["colour"].to_numpy()[rows],
        "colour_predicted": np.array(network.colours, object)[colour.argmax(axis=1)],
    })  # fmt: skip
    right = {name: predicted[name] == predicted[f"{name}_predicted"] for name in ("category", "colour")}
    right["category and colour"] = right["category"] & right["colour"]
    return {name: float(hits.mean()) for name, hits in right.items()}, predicted
