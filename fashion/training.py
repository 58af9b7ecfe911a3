"""Trains the attributes network: seeded, with its history. It takes a minute or a few: after a stop it starts anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes import (
    LEAST_CATEGORY_WIDTH,
    LOOKS_COMPONENTS,
    SCALES,
    TEMPERATURE,
    WIDTH,
    Architecture,
    AttributesNetwork,
    best_projection,
    build_network,
    root_distribution,
)
from fashion.features import pca
from fashion.palette import learn_palette, palette_features
from fashion.progress import progress_bar
from fashion.quiet import import_keras

BATCH, SMALLEST_BATCH = 256, 32
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
EPOCHS = 12


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
    scales = dict(zip(SCALES, (*_moments(features[train]), *_moments(seen[train])), strict=True))
    sizes = Architecture(features.shape[1], seen.shape[1], len(words["category"]), len(words["colour"]))
    model = build_network(sizes, scales)
    batch = batch_for(len(train))
    _compile(keras, model, int(np.ceil(len(train) / batch)), epochs)
    known = validation[(labels["category"][validation] >= 0) & (labels["colour"][validation] >= 0)]
    callbacks: list[Any] = [_progress(keras, epochs, progress)]
    history = model.fit(
        _inputs(features, seen, train), _targets(labels, train),
        validation_data=(_inputs(features, seen, known), _targets(labels, known)) if len(known) else None,
        batch_size=batch, epochs=epochs, verbose=0, callbacks=callbacks,
    )  # fmt: skip
    blank = np.zeros((1, 1), np.float32)
    spoken = tuple(words["category"]), tuple(words["colour"])
    bare = AttributesNetwork(model, *spoken, sizes, scales, colours, blank, blank, blank)
    roots = root_distribution(bare.logits(features[train], grid[train])[0], TEMPERATURE["category"])
    fitted = pca(features[train, features.shape[1] - frozen_width :], seed, LOOKS_COMPONENTS)
    network = replace(
        bare,
        projection=best_projection(roots, max(WIDTH - sizes.colours - LOOKS_COMPONENTS, LEAST_CATEGORY_WIDTH)),
        looks_mean=fitted.mean_.astype(np.float32),
        looks_components=fitted.components_.astype(np.float32),
    )
    return network, pd.DataFrame(history.history)


def _moments(values: NDArray, block: int = 4096) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and variance of each column, the spread raised a little so that a constant one divides by no zero."""
    total, squares = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for first in range(0, len(values), block):  # in double precision, a block at a time
        part = values[first : first + block].astype(np.float64)
        total += part.sum(axis=0)
        squares += (part**2).sum(axis=0)
    mean = total / len(values)
    spread = np.sqrt(np.maximum(squares / len(values) - mean**2, 0)) + 1e-3
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


def _inputs(features: NDArray, seen: NDArray, rows: NDArray) -> dict[str, NDArray]:
    return {"features": np.asarray(features[rows], np.float32), "colours": np.asarray(seen[rows], np.float32)}


def _targets(labels: dict[str, NDArray], rows: NDArray) -> dict[str, NDArray]:
    return {name: codes[rows] for name, codes in labels.items()}


def _progress(keras: Any, epochs: int, show: bool) -> Any:
    bar = progress_bar(epochs, "attributes network", "epoch", show=show)
    step: Callable[[int, Any], None] = lambda epoch, logs: (bar.update(epoch + 1 - bar.n), None)[1]  # noqa: E731
    return keras.callbacks.LambdaCallback(on_epoch_end=step, on_train_end=lambda logs: bar.close())


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
