"""Which loss teaches the attributes network best? One small network, five losses, the same items, steps and queries.

    .venv/bin/python docs/trials/losses.py --catalogue imagelab --items 20000

reads what notebooks 01-03 of a report left, and prints a table in Markdown (it stands in docs/decisions.md). The
queries are validation items: test items are not looked at.

* softmax: cross-entropies of the two attributes; an item is its two class distributions (the package's way);
* normalised softmax: logits are 20 x cosines with class directions (Wang et al. 2018), used in the same way;
* its embedding: the same network, an item being the two layers before the logits;
* supervised contrastive: Khosla et al. 2020, temperature 0.1, one head an attribute;
* proxy-anchor: Kim et al. 2020, alpha 32, delta 0.1, one head an attribute.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.network import join_features
from fashion.attributes.palette import palette_features
from fashion.core.tensorflow import import_keras
from fashion.core.workspace import Workspace
from fashion.evaluation.relevance import BOTH, precision_at_k
from fashion.neighbours.exact import normalise, top_k

HEADS = {"category": 128, "colour": 96}
SCALE, TEMPERATURE, ALPHA, DELTA = 20.0, 0.1, 32.0, 0.1
BATCH, RATE = 256, 2e-3


def network(widths: dict[str, int], scales: list[NDArray], classes: dict[str, int], kind: str):
    """The package's layers, somewhat narrower, with the heads that a loss needs."""
    keras = import_keras()
    layers = keras.layers
    looks, seen = keras.Input((widths["features"],)), keras.Input((widths["colours"],))
    x = layers.Normalization(mean=scales[0], variance=scales[1])(looks)
    x = layers.ReLU(max_value=12)(x + 6) - 6
    first = layers.Dense(768, activation="relu")(layers.Dropout(0.1)(x))
    hidden = layers.Dropout(0.25)(layers.Dense(512, activation="relu")(layers.Dropout(0.25)(first)))
    context = layers.Dense(128, activation="relu")(first)
    c = layers.Normalization(mean=scales[2], variance=scales[3])(seen)
    c = layers.Dense(512, activation="relu")(layers.Concatenate()([layers.Dropout(0.1)(c), context]))
    c = layers.Dropout(0.2)(layers.Dense(320, activation="relu")(layers.Dropout(0.2)(c)))
    outputs = {}
    for (name, width), last in zip(HEADS.items(), (hidden, c), strict=True):
        if kind == "softmax":
            outputs[name] = layers.Dense(classes[name], name=name)(last)
        else:
            unit = layers.UnitNormalization(name=name)(layers.Dense(width)(last))
            outputs[name] = unit
            if kind != "supervised contrastive":
                near = layers.Dense(classes[name], use_bias=False, name=f"{name}_near")  # kept at unit length below
                outputs[f"{name}_near"] = near(unit)
    return keras.Model([looks, seen], outputs)


def loss_of(kind: str) -> Callable:
    """Sum over both attributes of the loss of one batch."""
    import tensorflow as tf

    def cross_entropy(logits, codes):
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(codes, logits))

    def contrastive(unit, codes):
        alike = tf.cast(codes[:, None] == codes[None, :], tf.float32) - tf.eye(len(codes))
        logits = unit @ tf.transpose(unit) / TEMPERATURE - 1e9 * tf.eye(len(codes))
        chance = tf.nn.log_softmax(logits, axis=1)
        count = tf.reduce_sum(alike, axis=1)
        has = tf.cast(count > 0, tf.float32)
        return -tf.reduce_sum(has * tf.reduce_sum(alike * tf.maximum(chance, -1e6), axis=1) / tf.maximum(count, 1)) / (
            tf.maximum(tf.reduce_sum(has), 1)
        )

    def proxy_anchor(near, codes):
        own = tf.one_hot(codes, near.shape[1])
        pull = tf.reduce_sum(own * tf.exp(-ALPHA * (near - DELTA)), axis=0)
        push = tf.reduce_sum((1 - own) * tf.exp(ALPHA * (near + DELTA)), axis=0)
        there = tf.reduce_sum(tf.cast(tf.reduce_sum(own, axis=0) > 0, tf.float32))
        return tf.reduce_sum(tf.math.log1p(pull)) / tf.maximum(there, 1) + tf.reduce_mean(tf.math.log1p(push))

    def total(out, labels):
        if kind == "softmax":
            return sum(cross_entropy(out[name], labels[name]) for name in HEADS)
        if kind == "normalised softmax":
            return sum(cross_entropy(SCALE * out[f"{name}_near"], labels[name]) for name in HEADS)
        if kind == "supervised contrastive":
            return sum(contrastive(out[name], labels[name]) for name in HEADS)
        return sum(proxy_anchor(out[f"{name}_near"], labels[name]) for name in HEADS)

    return total


def train(model, loss: Callable, inputs: list[NDArray], labels: dict[str, NDArray], epochs: int, seed: int) -> float:
    """Seconds of AdamW with a falling rate, as the package trains."""
    keras = import_keras()
    import tensorflow as tf

    n = len(inputs[0])
    steps = epochs * int(np.ceil(n / BATCH))
    rate = keras.optimizers.schedules.CosineDecay(RATE / 10, steps, warmup_target=RATE, warmup_steps=steps // 20)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-2, clipnorm=1.0)
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(features, colours, codes):
        with tf.GradientTape() as tape:
            value = loss(model([features, colours], training=True), codes)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))
        for weight in weights:
            if "near" in weight.path:
                weight.assign(tf.math.l2_normalize(weight, axis=0))

    begin = time.perf_counter()
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(n)
        for first in range(0, n - BATCH + 1, BATCH):
            rows = np.sort(order[first : first + BATCH])
            step(*(tf.constant(part[rows]) for part in inputs), {k: tf.constant(v[rows]) for k, v in labels.items()})
    return time.perf_counter() - begin


def rows_of(model, inputs: list[NDArray], way: str) -> tuple[NDArray, NDArray]:
    """What stands for each item in both attributes: distributions, or unit embeddings."""
    import tensorflow as tf

    found: dict[str, list[NDArray]] = {name: [] for name in HEADS}
    for first in range(0, len(inputs[0]), 2048):
        out = model([part[first : first + 2048] for part in inputs], training=False)
        for name in HEADS:
            logits = out[name] if way == "softmax" else SCALE * out[f"{name}_near"] if way == "normalised" else None
            found[name].append(np.asarray(out[name] if logits is None else tf.nn.softmax(logits)))
    return np.concatenate(found["category"]), np.concatenate(found["colour"])


def score(parts: tuple[NDArray, NDArray], items: pd.DataFrame, queries: NDArray, embedding: bool) -> dict[str, float]:
    """Precision@6 against all items: by the mean of both products, and by their geometric mean."""
    joined = np.concatenate(parts, axis=1).astype(np.float32)
    split = parts[0].shape[1]
    lift = (lambda part: (part + 1) / 2) if embedding else (lambda part: part)
    found = {"mean": np.empty((len(queries), 6), int), "geometric": np.empty((len(queries), 6), int)}
    for first in range(0, len(queries), 250):
        rows = queries[first : first + 250]
        one, other = (lift(joined[rows, part] @ joined[:, part].T) for part in (slice(None, split), slice(split, None)))
        for name, both in (("mean", one + other), ("geometric", one * other)):
            both[np.arange(len(rows)), rows] = -np.inf
            found[name][first : first + 250] = np.argpartition(-both, 6, axis=1)[:, :6]
    shares = {name: precision_at_k(items, rows, queries, ["category", "colour"]).mean() for name, rows in found.items()}
    return {f"{name}: {column}": shares[name][column] for name in shares for column in ("category", "colour", BOTH)}


def main() -> None:
    """Train with each loss and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", default="imagelab")
    parser.add_argument("--processed", type=Path)
    parser.add_argument("--items", type=int, default=20_000, help="training items")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--queries", type=int, default=2_000)
    given = parser.parse_args()
    import tensorflow as tf

    work = Workspace(given.catalogue, given.processed)
    items, part = work.items(), work.table("split")["split"].to_numpy()
    random = np.random.default_rng(0)
    training = np.sort(random.permutation(np.flatnonzero(part == "train"))[: given.items])
    asking = np.sort(random.permutation(np.flatnonzero(part == "validation"))[: given.queries])
    kept = np.sort(np.concatenate([training, asking]))
    items = items.iloc[kept].reset_index(drop=True)
    queries, training = np.searchsorted(kept, asking), np.searchsorted(kept, training)
    features = join_features(work.vectors("multilayer"), work.vectors("max_pooled"), kept)
    colours = palette_features(work.vectors("colour_grid")[kept], work.arrays("attributes")["palette"])
    inputs = [features, colours.astype(np.float32)]
    scales = [f(i[training], axis=0) + extra for i in inputs for f, extra in ((np.mean, 0), (np.var, 1e-6))]
    words = {name: sorted(items[name].iloc[training].unique()) for name in HEADS}
    labels = {name: pd.Categorical(items[name], words[name]).codes.astype(np.int32) for name in HEADS}
    widths = {"features": features.shape[1], "colours": colours.shape[1]}
    frozen = normalise(work.vectors("max_pooled")[kept])
    plain = precision_at_k(
        items, top_k(frozen, 6, queries, assume_unit=True)[0], queries, ["category", "colour"]
    ).mean()
    lines = [{"loss": "frozen, max-pooled", **{f"mean: {column}": plain[column] for column in plain.index}}]
    for kind in ("softmax", "normalised softmax", "supervised contrastive", "proxy-anchor"):
        tf.keras.utils.set_random_seed(0)
        model = network(widths, scales, {name: len(words[name]) for name in words}, kind)
        own = {name: codes[training] for name, codes in labels.items()}
        seconds = train(model, loss_of(kind), [i[training] for i in inputs], own, given.epochs, 0)
        ways = {"softmax": ["softmax"], "normalised softmax": ["normalised", "embedding"]}.get(kind, ["embedding"])
        for way in ways:
            name = f"{kind}, its embedding" if way == "embedding" else kind
            found = score(rows_of(model, inputs, way), items, queries, way == "embedding")
            lines.append({"loss": name, "seconds": seconds, **found})
            print(lines[-1], flush=True)
    table = pd.DataFrame(lines).round(3)
    print(f"\n{len(training):,} training items, {len(queries):,} queries, {given.epochs} epochs\n")
    print("| " + " | ".join(table) + " |\n|" + "---|" * len(table.columns))
    for row in table.itertuples(index=False):
        print("| " + " | ".join("-" if value != value else str(value) for value in row) + " |")


if __name__ == "__main__":
    main()
