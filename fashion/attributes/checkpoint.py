"""Fits a Keras model epoch by epoch, so that a run that was stopped goes on as if nothing had happened, bit for bit.

An epoch depends on nothing but the seed, its number, and what the state file holds: the weights, the optimiser's
variables, and the states of the generators of dropout.
"""

from __future__ import annotations

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
    """Rows to learn from or to look at; a batch is gathered when it is its turn, and nothing is copied as a whole.

    Attributes
    ----------
    gather : callable
        Rows -> the batch as Keras takes it: inputs and targets.
    rows : ndarray of int
    """

    gather: Callable[[Rows], Batch]
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)


class StateFile:
    """The state of a training after its last finished epoch: one .npz, whole or absent, no pickle.

    The file's name carries a key of everything that determines the result; states of the same name with another key
    are of no use any more and are removed when the first new one is written.

    Parameters
    ----------
    folder : Path
    name : str
        What is trained, such as `attributes` or `member-2`; letters, digits, hyphens.
    key : str
        Hexadecimal checksum.
    """

    def __init__(self, folder: Path, name: str, key: str) -> None:
        self.folder, self.name = folder, name
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
        """Put the state into a compiled model of the same making; the history tells how many epochs are done.

        A damaged file is set aside with a warning, and the model stays as it is, with no history.
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

        # No seal beside it: each epoch replaces the file, and a kill between file and seal would lose them all. An
        # .npz holds a checksum of each array.
        state = read_or_set_aside(self.path, read, "training starts anew")
        if state is None:
            return pd.DataFrame()
        values, history = state
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return history


def forget(folder: Path) -> None:
    """Remove the states in `folder`: to be called once the result of the training is written."""
    for path in [*folder.glob("*.npz"), *folder.glob("*.damaged")]:
        path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _variables(model: keras.Model) -> list[Any]:
    """Everything that a further epoch depends on: weights, generators of dropout, the optimiser's variables."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def epoch_order(rows: Rows, seed: int, epoch: int) -> Rows:
    """The rows in the order in which epoch `epoch` takes them."""
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
    """Fit a compiled model, from its state file on where there is one.

    Parameters
    ----------
    model : keras.Model
        Made and compiled as on the call that was stopped.
    train, validation : Examples
        Without a validation part the history has no `val_` columns.
    batch : int
        Items a step takes.
    epochs : int
        In all, those done before among them.
    seed : int
        Of the order in each epoch, not negative; weights and dropout have theirs from `keras.utils.set_random_seed`.
    state : StateFile, optional
        Written after each epoch; nothing is kept if not given. It stays when training has ended, so that a stop
        before the result is written costs nothing: `forget` removes it.
    callbacks : sequence of keras.callbacks.Callback
        They see each epoch once, with its true number. What one remembers of earlier epochs is not in the state file.
    what : str
        Beside the bar, in words.
    progress : bool

    Returns
    -------
    DataFrame
        One row an epoch, Keras's names.
    """
    history = state.restore(model) if state else pd.DataFrame()
    looked_at = _batches(validation, validation.rows, batch) if validation is not None and len(validation) else None
    with progress_bar(epochs, what, "epoch", show=progress, done=len(history)) as bar:
        for epoch in range(len(history), epochs):
            seen = model.fit(
                _batches(train, epoch_order(train.rows, seed, epoch), batch), validation_data=looked_at, shuffle=False,
                initial_epoch=epoch, epochs=epoch + 1, verbose=0, callbacks=list(callbacks),
            )  # fmt: skip
            history = pd.concat([history, pd.DataFrame(seen.history)], ignore_index=True)
            if state:
                state.write(model, history)
            bar.update()
    return history


def _batches(examples: Examples, order: Rows, batch: int) -> tf.data.Dataset:
    """The examples in this order, gathered while the model works on those before.

    `keras.utils.PyDataset` does the same but turns tf.data's autotuning on, which cost as much as the training itself.
    """
    import tensorflow as tf

    one = examples.gather(order[:1])  # for kinds and shapes
    kinds = tf.nest.flatten(one)

    def take(rows: tf.Tensor) -> Batch:
        gathered = tf.numpy_function(
            lambda rows: tf.nest.flatten(examples.gather(rows)), [rows], [kind.dtype for kind in kinds]
        )
        for tensor, kind in zip(gathered, kinds, strict=True):
            tensor.set_shape((None, *kind.shape[1:]))
        batched: Batch = tf.nest.pack_sequence_as(one, gathered)
        return batched

    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_tensor_slices(order).batch(batch).map(take)
    return data.prefetch(2).with_options(options)
