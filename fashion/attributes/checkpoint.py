"""Fit a Keras model with checkpoints after epochs: an interrupted run resumes, with the same result bit for bit.

An epoch depends on nothing but the seed, its number, and what the state file holds: the weights, the optimiser's
variables, and the states of the generators of dropout.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.files import read_or_set_aside, write_whole
from fashion.core.progress import progress_bar

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


Rows = NDArray[np.intp]

Batch = tuple[dict[str, NDArray], dict[str, NDArray]]


@dataclass(frozen=True)
class Examples:
    """Rows for training or validation; a batch is gathered when it is needed, and nothing is copied as a whole.

    Attributes
    ----------
    gather : callable
        Rows -> a batch, as Keras takes it: inputs and targets.
    rows : ndarray of int
    """

    gather: Callable[[Rows], Batch]
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)


class StateFile:
    """A training's checkpoint after a finished epoch: one .npz, whole or absent, no pickle.

    The file's name carries a key of everything that determines the result; outdated checkpoints of the same name are
    removed when the first new one is written.

    Parameters
    ----------
    folder : Path
    name : str
        Of the model, such as `attributes` or `member-2`; letters, digits, hyphens.
    key : str
        Hexadecimal checksum.
    every : float
        Seconds between two checkpoints at least; the last epoch's is always written.
    """

    def __init__(self, folder: Path, name: str, key: str, every: float = 0.0) -> None:
        self.folder, self.name, self.every = folder, name, every
        self.path = folder / f"{name}-{key[:24]}.npz"

    def write(self, model: keras.Model, history: pd.DataFrame) -> None:
        """Write the model's whole state after as many epochs as `history` has rows, and drop outdated states."""
        arrays = {f"variable_{i:04d}": np.asarray(v) for i, v in enumerate(_variables(model))}
        arrays |= {"columns": np.array(list(history), np.str_), "history": history.to_numpy(np.float64)}
        write_whole(self.path, lambda aside: np.savez(aside, **arrays))  # type: ignore[arg-type]
        for other in self.folder.glob(f"{self.name}-*.npz"):
            if other != self.path and len(other.stem) == len(self.path.stem):
                other.unlink(missing_ok=True)

    def restore(self, model: keras.Model) -> pd.DataFrame:
        """Restore a compiled model of the same architecture, and return its history: a row for each finished epoch.

        A damaged file is set aside with a warning; the model stays as it is, and the history is empty.
        """
        if not self.path.is_file():
            return pd.DataFrame()
        variables = _variables(model)

        def read(path: Path) -> tuple[list[NDArray], pd.DataFrame]:
            with np.load(path, allow_pickle=False) as arrays:
                values = [arrays[f"variable_{i:04d}"] for i in range(len(variables))]
                history = pd.DataFrame(arrays["history"], columns=arrays["columns"].tolist())
            for variable, value in zip(variables, values, strict=True):
                if tuple(variable.shape) != value.shape:
                    raise ValueError(f"{variable.path} has shape {tuple(variable.shape)}, the file {value.shape}")
            return values, history

        # No seal beside it: each checkpoint replaces the file, and a kill between file and seal would lose them all. An
        # .npz holds a checksum of each array.
        state = read_or_set_aside(self.path, read, "training starts over")
        if state is None:
            return pd.DataFrame()
        values, history = state
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return history


def forget(folder: Path) -> None:
    """Remove the checkpoints in `folder`, once the result of the training is written."""
    for path in [*folder.glob("*.npz"), *folder.glob("*.damaged")]:
        path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _variables(model: keras.Model) -> list[Any]:
    """Everything that the next epoch depends on: weights, generators of dropout, the optimiser's variables."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def epoch_order(rows: Rows, seed: int, epoch: int) -> Rows:
    """The rows in the order of one epoch, shape (n,)."""
    return np.random.default_rng([seed, epoch]).permutation(rows)


def fit(
    model: keras.Model,
    train: Examples,
    validation: Examples | None,
    *,
    batch: int,
    epochs: int,
    seed: int,
    state: StateFile | None = None,
    callbacks: Sequence[Any] = (),
    what: str = "training",
    progress: bool = True,
) -> pd.DataFrame:
    """Fit a compiled model, from its checkpoint on where there is one.

    Parameters
    ----------
    model : keras.Model
        Built and compiled as in the interrupted call.
    train, validation : Examples
        Without a validation part the history has no `val_` columns.
    batch : int
        Items a step takes.
    epochs : int
        In all, with those done before.
    seed : int
        Of the order in each epoch, not negative; weights and dropout have theirs from `keras.utils.set_random_seed`.
    state : StateFile, optional
        Written after the last epoch, and after others as often as it says. It stays when training has ended, so that a
        stop before the result is written costs nothing: `forget` removes it.
    callbacks : sequence of keras.callbacks.Callback
        Called once an epoch, with its true number. Their own state is not in the checkpoint.
    what : str
        Beside the bar, in words.
    progress : bool

    Returns
    -------
    DataFrame
        One row an epoch, Keras's names.
    """
    history = state.restore(model) if state else pd.DataFrame()
    order = train.rows.copy()  # overwritten before each epoch, which is a call of `fit`: one dataset serves them all
    batches = _batches(train, order, batch)
    watched = _batches(validation, validation.rows, batch) if validation is not None and len(validation) else None
    written = time.monotonic()
    with progress_bar(epochs, what, "epoch", show=progress, done=len(history)) as bar:
        for epoch in range(len(history), epochs):
            order[:] = epoch_order(train.rows, seed, epoch)
            fitted = model.fit(
                batches, validation_data=watched, shuffle=False, initial_epoch=epoch, epochs=epoch + 1, verbose=0,
                callbacks=list(callbacks),
            )  # fmt: skip
            history = pd.concat([history, pd.DataFrame(fitted.history)], ignore_index=True)
            if state and (epoch + 1 == epochs or time.monotonic() - written >= state.every):
                state.write(model, history)
                written = time.monotonic()
            bar.update()
    return history


def _batches(examples: Examples, order: Rows, batch: int) -> tf.data.Dataset:
    """Batches of the examples in the current order of `order`, each gathered while the model works on the one before.

    `keras.utils.PyDataset` does the same but turns tf.data's autotuning on, which cost as much as the training itself.
    """
    import tensorflow as tf

    one = examples.gather(order[:1])  # for kinds and shapes
    kinds = tf.nest.flatten(one)

    def take(places: tf.Tensor) -> Batch:
        gathered = tf.numpy_function(
            lambda places: tf.nest.flatten(examples.gather(order[places])), [places], [kind.dtype for kind in kinds]
        )
        for tensor, kind in zip(gathered, kinds, strict=True):
            tensor.set_shape((None, *kind.shape[1:]))
        batched: Batch = tf.nest.pack_sequence_as(one, gathered)
        return batched

    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.range(len(order)).batch(batch).map(take)
    return data.prefetch(2).with_options(options)
