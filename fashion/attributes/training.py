"""Train the attributes network: seeded, with its history; an interrupted run resumes after its last checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.baseline import logistic_weights
from fashion.attributes.calibration import temperature
from fashion.attributes.checkpoint import Examples, Rows, StateFile, fit
from fashion.attributes.network import (
    DENSE,
    LEAST_CATEGORY_WIDTH,
    LOOKS_COMPONENTS,
    SCALES,
    WIDTH,
    Architecture,
    AttributesNetwork,
    best_projection,
    build_network,
)
from fashion.attributes.palette import learn_palette, palette_features
from fashion.catalogue.definition import NEVER_FURTHER
from fashion.core.checksums import array_checksum, sha256_json
from fashion.core.code_closure import closure_of, code_of
from fashion.core.errors import SettingsError
from fashion.core.provenance import versions
from fashion.core.tensorflow import import_keras
from fashion.embedding.features import SAMPLE, pca, some_rows

BATCH, SMALLEST_BATCH = 256, 32

LEARNING_RATE = 2e-3

WEIGHT_DECAY = 1e-2

EPOCHS = 10

#: Networks that are averaged: a second adds some .015 to precision, a third .005 (docs/decisions.md).
MEMBERS = 3

#: Seconds between two checkpoints: writing one takes as long as an epoch of a small catalogue.
CHECKPOINT_SECONDS = 15.0

#: Rows that are copied at a time in a pass over all training items.
BLOCK = 4096

#: Training items for each component of the looks: a small catalogue has fewer of them.
ITEMS_A_COMPONENT = 8

#: Most words of a further descriptive column.
MOST_WORDS = 40

#: Columns of an items table that are no further description: taught otherwise, names, texts and measurements.
NOT_FURTHER = (
    *NEVER_FURTHER, "photo", "sha256", "phash", "problem", "garment_hex", "added", "near_duplicate_of",
)  # fmt: skip


def batch_for(items: int) -> int:
    """Batch size: 256, less for a small catalogue so that an epoch has some fifty steps, never below 32.

    Examples
    --------
    >>> [batch_for(items) for items in (100, 5_000, 50_000)]
    [32, 100, 256]
    """
    return int(np.clip(items // 50, SMALLEST_BATCH, BATCH))


def train_attributes(
    features: NDArray,
    grid: NDArray,
    items: pd.DataFrame,
    split: NDArray[np.str_],
    seed: int,
    *,
    further: Sequence[str] = (),
    epochs: int = EPOCHS,
    members: int = MEMBERS,
    state: Path | None = None,
    progress: bool = True,
) -> tuple[AttributesNetwork, pd.DataFrame]:
    """Train the members on the items of split "train"; those of "validation" measure progress and calibrate.

    Parameters
    ----------
    features : ndarray of float32, shape (n, f)
        From `join_features`.
    grid : ndarray of float, shape (n, 32, 32, 7)
        Colour grids.
    items : DataFrame
        With `category` and `colour`.
    split : ndarray of str, shape (n,)
        From `evaluation.split`.
    seed : int
        Of weights, order and dropout.
    further : sequence of str
        Further descriptive columns of `items`, from `further_columns`.
    epochs : int
        Passes over the training items.
    members : int
        Networks to train and to average.
    state : Path, optional
        Folder of checkpoints, from which a call with equal arguments resumes: network and history are then those of an
        uninterrupted run, bit for bit. `checkpoint.forget` removes it once the network is written.
    progress : bool

    Returns
    -------
    network : AttributesNetwork
    history : DataFrame
        One row an epoch of a member: `member` (from 1), `epoch` (from 1), `loss`, `category_accuracy`,
        `colour_accuracy`, and the last three with `val_`, over validation items whose words training saw.

    Notes
    -----
    AdamW (Loshchilov and Hutter 2019), half an epoch's warm-up, then a cosine to zero; the sum of both attributes'
    cross-entropies. Members differ in initial weights, order and dropout. Afterwards one temperature for each attribute
    is fitted on the validation items (`calibration.temperature`) and folded into the members' last layers.
    """
    train = np.flatnonzero(split == "train")
    words = {c: tuple(sorted(items[c].iloc[train].unique())) for c in ("category", "colour")}
    colours = learn_palette(grid[train], seed)
    seen = palette_features(grid, colours)
    task = _Task(features, seen, split, _labels(items, words))
    scales = dict(zip(SCALES, (*_moments(features, train), *_moments(seen, train)), strict=True))
    sizes = Architecture(features.shape[1], seen.shape[1], len(words["category"]), len(words["colour"]))
    key = training_key(features, grid, items, split, seed, epochs) if state else ""
    models, histories = [], []
    trainer = _Trainer(task, sizes, scales, epochs)
    for number in range(1, members + 1):
        kept = StateFile(state, f"member-{number}", key, CHECKPOINT_SECONDS) if state else None
        what = f"attributes network {number} of {members}"
        model, history = trainer.train(_seed_of(seed, number), kept, what, progress)
        models.append(model)
        histories.append(history.assign(member=number, epoch=np.arange(1, len(history) + 1)))
    blank = np.zeros((1, 1), np.float32)
    spoken = words["category"], words["colour"]
    bare = AttributesNetwork(tuple(models), *spoken, sizes, scales, colours, blank, blank[0], blank)
    _calibrate(bare, features, grid, items, np.flatnonzero(split == "validation"))
    whole = _with_looks(bare, features, grid, train, seed)
    return with_further_columns(whole, features, items, train, further), pd.concat(histories, ignore_index=True)


@dataclass(frozen=True)
class _Task:
    """The training data of all members: features (n, f), colour features (n, c), split, and classes by attribute."""

    features: NDArray
    seen: NDArray
    split: NDArray[np.str_]
    labels: dict[str, Rows]


def _codes(said: pd.Series, known: Sequence[str]) -> Rows:
    """Each word's place among the known ones, shape (n,); -1 for a word that is not in the training split."""
    places = {word: place for place, word in enumerate(known)}
    return np.array(said.map(places).fillna(-1), np.intp)


def _labels(items: pd.DataFrame, words: dict[str, tuple[str, ...]]) -> dict[str, Rows]:
    """Each item's class by attribute, shape (n,)."""
    return {name: _codes(items[name], known) for name, known in words.items()}


def _seed_of(seed: int, number: int) -> int:
    """The seed of a member: the first has the run's own."""
    return seed if number == 1 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


class _Trainer:
    """One compiled model that trains all members: compiling takes longer than the epochs of a small catalogue.

    A member's result is that of a model of its own, bit for bit: each starts from fresh weights, fresh generators of
    dropout and an optimiser at zero.
    """

    def __init__(self, task: _Task, sizes: Architecture, scales: dict[str, NDArray[np.float32]], epochs: int) -> None:
        keras = import_keras()  # quietly, before TensorFlow
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        self._task, self._epochs = task, epochs
        self._new = lambda: build_network(sizes, scales)
        self._train, validation = np.flatnonzero(task.split == "train"), np.flatnonzero(task.split == "validation")
        self._known = validation[np.all([codes[validation] >= 0 for codes in task.labels.values()], axis=0)]
        self._batch = batch_for(len(self._train))
        self._model = self._new()
        _compile(keras, self._model, int(np.ceil(len(self._train) / self._batch)), epochs)
        self._build_all()

    def _build_all(self) -> None:
        """Create the variables of optimiser, losses and metrics: creating them in the first step compiles it twice."""
        self._model.optimizer.build(self._model.trainable_variables)
        inputs, labels = self._gather(self._train[:1])
        predicted = self._model(inputs)
        self._model.compute_loss(inputs, labels, predicted)
        self._model.compute_metrics(inputs, labels, predicted)
        self._model.reset_metrics()

    def train(self, seed: int, kept: StateFile | None, what: str, progress: bool) -> tuple[Any, pd.DataFrame]:
        """A trained member, not compiled, and its history."""
        import_keras().utils.set_random_seed(seed)
        member = self._new()
        for variable, fresh in zip(self._model.variables, member.variables, strict=True):
            variable.assign(fresh)
        for variable in self._model.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        history = fit(
            self._model, Examples(self._gather, self._train), Examples(self._gather, self._known), batch=self._batch,
            epochs=self._epochs, seed=seed, state=kept, what=what, progress=progress,
        )  # fmt: skip
        member.set_weights(self._model.get_weights())
        return member, history

    def _gather(self, rows: Rows) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
        inputs = {"features": self._task.features[rows], "colours": self._task.seen[rows]}
        return (
            {name: np.asarray(values, np.float32) for name, values in inputs.items()},
            {name: codes[rows] for name, codes in self._task.labels.items()},
        )


def _calibrate(network: AttributesNetwork, features: NDArray, grid: NDArray, items: pd.DataFrame, rows: Rows) -> None:
    """Divide the members' last layers by the temperatures that fit the items `rows`."""
    if not len(rows):
        return
    predicted = network.distributions(features[rows], grid[rows])
    for name in ("category", "colour"):
        classes = _codes(items[name].iloc[rows], network.layout.words[name])
        heat = temperature(predicted[name], classes)
        place = 2 * DENSE.index(name)
        for model in network.models:  # Keras's own, as training just ended
            weights = model.get_weights()
            weights[place : place + 2] = [weight / np.float32(heat) for weight in weights[place : place + 2]]
            model.set_weights(weights)  # type: ignore[union-attr]


def _with_looks(bare: AttributesNetwork, features: NDArray, grid: NDArray, train: Rows, seed: int) -> AttributesNetwork:
    """The network with the category's projection and the whitened components, fitted to the training items."""
    blocks = [train[first : first + BLOCK] for first in range(0, len(train), BLOCK)]
    categories = np.concatenate([bare.distributions(features[rows], grid[rows])["category"] for rows in blocks])
    sample = train[some_rows(len(train), SAMPLE, seed)]
    fitted = pca(features[sample], seed, int(np.clip(len(train) // ITEMS_A_COMPONENT, 2, LOOKS_COMPONENTS)))
    spread = np.sqrt(np.maximum(fitted.explained_variance_, 1e-12 + 1e-6 * fitted.explained_variance_[0]))
    return replace(
        bare,
        projection=best_projection(categories, max(WIDTH - len(bare.colours), LEAST_CATEGORY_WIDTH)),
        looks_mean=fitted.mean_.astype(np.float32),
        looks_components=(fitted.components_ / spread[:, np.newaxis]).astype(np.float32),
    )


def further_columns(items: pd.DataFrame, named: Sequence[str] | None = None, held_out: Sequence[str] = ()) -> list[str]:
    """Descriptive columns of a catalogue beside category, colour and department, in alphabetical order.

    Parameters
    ----------
    items : DataFrame
        The items table.
    named : sequence of str, optional
        The catalogue's own choice (`[similarity] columns` of its TOML). If not given, every column of text with 2 to
        `MOST_WORDS` words, of which at least half of the items have one.
    held_out : sequence of str
        Columns that only the evaluation may see.

    Raises
    ------
    SettingsError
        When a named column has more than `MOST_WORDS` words.
    """
    if named is not None:
        chosen = sorted(column for column in named if column in items and column not in held_out)
        for column in chosen:
            if items[column].nunique() > MOST_WORDS:
                raise SettingsError(
                    f"expected [similarity] columns of at most {MOST_WORDS} words; found {items[column].nunique()} in "
                    f"{column!r}. Leave it out of the catalogue's TOML."
                )
        return chosen
    columns = []
    for column in items.columns.difference([*NOT_FURTHER, *held_out]):
        words = items[column]
        if words.dtype != object or column.endswith("_source"):
            continue
        known = words[words.notna() & (words != "")].astype(str)
        numbers = known.str.fullmatch(r"[\d.,]+").mean() > 0.5  # a year or a price describes no looks
        if 2 <= known.nunique() <= MOST_WORDS and 2 * len(known) >= len(items) and not numbers:
            columns.append(str(column))
    return columns


def with_further_columns(
    network: AttributesNetwork, features: NDArray, items: pd.DataFrame, train: Rows, columns: Sequence[str]
) -> AttributesNetwork:
    """The network with a logistic regression from the looks to the words of each further column.

    Parameters
    ----------
    network : AttributesNetwork
        With its looks.
    features : ndarray of float32, shape (n, f)
    items : DataFrame
    train : ndarray of int
        Rows to fit.
    columns : sequence of str
        From `further_columns`; one whose training items have fewer than two words is left out.
    """
    words, weights = {}, {}
    looks = network.looks(features)
    for column in columns:
        said = items[column].iloc[train].astype(object)
        rows = train[(said.notna() & (said != "")).to_numpy()]
        known, fitted = logistic_weights(looks[rows], items[column].iloc[rows].astype(str).to_numpy())
        if len(known) > 1:
            words[column], weights[column] = known, fitted
    return replace(network, further=words, further_weights=weights)


def training_key(
    features: NDArray, grid: NDArray, items: pd.DataFrame, split: NDArray[np.str_], seed: int, epochs: int
) -> str:
    """Key of everything that determines the trained weights: code, versions, settings, content of the inputs."""
    return sha256_json({
        "code": code_of(closure_of(__name__)),
        "versions": versions(["tensorflow", "keras", "numpy", "scikit-learn"]),
        "settings": [seed, epochs],
        "inputs": [array_checksum(features), array_checksum(grid), list(split)],
        "words": [list(items["category"]), list(items["colour"])],
    })  # fmt: skip


def _moments(values: NDArray, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and variance of each column, shape (d,); the spread is raised a little, so that it is never zero."""
    total, squares = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for first in range(0, len(rows), BLOCK):  # in double precision, a block at a time
        block = values[rows[first : first + BLOCK]].astype(np.float64)
        total += block.sum(axis=0)
        squares += (block**2).sum(axis=0)
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
    """Accuracy on the items `rows`, and the prediction for each.

    Returns
    -------
    accuracy : dict
        `category`, `colour`, `category and colour`: shares of correct predictions.
    predicted : DataFrame
        `row`, and for category and colour `<name>` (labelled) and `<name>_predicted`.
    """
    seen = network.distributions(features[rows], grid[rows])
    category, colour = seen["category"], seen["colour"]
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
