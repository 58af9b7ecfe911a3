"""A stopped training goes on as if nothing had happened, bit for bit; other and damaged states are not used."""

import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from fashion.attributes.checkpoint import Examples, StateFile, epoch_order, fit, forget
from fashion.core.checksums import array_checksum
from fashion.core.paths import project_root
from fashion.core.tensorflow import import_keras

EPOCHS, KEY = 6, "ab" * 32


@cache
def compiled():
    """A small model with dropout and momentum, compiled once, all its variables, and their first values."""
    keras = import_keras()
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    layers = keras.layers
    seen = keras.Input((8,), name="seen")
    out = layers.Dense(3, name="kind")(layers.Dropout(0.3)(layers.Dense(16, activation="relu")(seen)))
    model = keras.Model({"seen": seen}, {"kind": out})
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-2), {"kind": loss}, metrics={"kind": ["accuracy"]})
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    return model, variables, [np.asarray(variable).copy() for variable in variables]


def prepare():
    """The model as it was when it was new, and what it learns from."""
    model, variables, first = compiled()
    for variable, value in zip(variables, first, strict=True):
        variable.assign(value)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(200, 8)).astype(np.float32), random.integers(0, 3, 200)
    x[:, :3] += 2 * np.eye(3)[y]

    def gather(rows):
        return {"seen": x[rows]}, {"kind": y[rows]}

    return model, Examples(gather, np.arange(160)), Examples(gather, np.arange(160, 200))


def run(state=None, callbacks=()):
    model, train, validation = prepare()
    history = fit(
        model, train, validation, batch=32, epochs=EPOCHS, seed=1, state=state, callbacks=callbacks, progress=False
    )
    return model.get_weights(), history


@pytest.fixture(scope="module")
def whole():
    return run()


def stop_after(epochs):
    keras = import_keras()

    def stop(epoch, logs):
        if epoch == epochs:
            raise KeyboardInterrupt

    return keras.callbacks.LambdaCallback(on_epoch_begin=stop)


def stopped(folder, epochs=3, key=KEY):
    """The state of a run that was stopped after `epochs`."""
    state = StateFile(folder, "small", key)
    with pytest.raises(KeyboardInterrupt):
        run(state, [stop_after(epochs)])
    return state


def seen_epochs(into):
    return import_keras().callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: into.append(epoch))


def assert_equal(found, expected):
    assert all(np.array_equal(a, b) for a, b in zip(found[0], expected[0], strict=True))
    assert found[1].equals(expected[1])


def test_a_state_changes_nothing_and_stays_until_it_is_forgotten(whole, tmp_path):
    assert_equal(run(StateFile(tmp_path / "s", "small", KEY)), whole)
    epochs = []
    assert_equal(run(StateFile(tmp_path / "s", "small", KEY), [seen_epochs(epochs)]), whole)
    assert epochs == [], "a finished training is not done again"
    forget(tmp_path / "s")
    assert not (tmp_path / "s").exists()
    forget(tmp_path / "s")


def test_resumed_equals_uninterrupted_bit_for_bit(whole, tmp_path):
    state = stopped(tmp_path)
    epochs = []
    assert_equal(run(state, [seen_epochs(epochs)]), whole)
    assert epochs == [3, 4, 5]


def test_checkpoints_keep_their_distance_and_the_last_epoch_is_always_kept(whole, tmp_path):
    state = StateFile(tmp_path, "small", KEY, every=3600)
    with pytest.raises(KeyboardInterrupt):
        run(state, [stop_after(3)])
    assert not state.path.exists()
    epochs = []
    assert_equal(run(state, [seen_epochs(epochs)]), whole)
    assert epochs == list(range(EPOCHS)), "resumed where nothing was kept: from the beginning"
    assert_equal(run(state, [seen_epochs(epochs)]), whole)
    assert len(epochs) == EPOCHS, "the finished training was kept"


def test_stopped_twice(whole, tmp_path):
    state = stopped(tmp_path, 1)
    stopped(tmp_path, 4)
    assert_equal(run(state), whole)


def test_another_key_is_ignored_and_removed_but_not_its_siblings(whole, tmp_path):
    stopped(tmp_path, key="cd" * 32)
    sibling = tmp_path / f"small-2-{'cd' * 12}.npz"
    sibling.write_bytes(b"of another member")
    epochs = []
    state = StateFile(tmp_path, "small", KEY)
    assert_equal(run(state, [seen_epochs(epochs)]), whole)
    assert epochs == list(range(EPOCHS))
    assert sorted(tmp_path.iterdir()) == sorted([state.path, sibling])


@pytest.mark.parametrize("harm", ["flipped", "cut", "text", "other sizes"])
def test_damaged_state_is_set_aside_with_a_warning(whole, tmp_path, harm):
    state = stopped(tmp_path)
    data = bytearray(state.path.read_bytes())
    if harm == "flipped":
        data[len(data) // 2] ^= 1
    state.path.write_bytes({"cut": bytes(data[:-200]), "text": b"no state"}.get(harm, bytes(data)))
    if harm == "other sizes":
        with np.load(state.path) as arrays:
            found = dict(arrays)
        np.savez(state.path, **(found | {"variable_0000": np.zeros((2, 2), np.float32)}))
    with pytest.warns(UserWarning, match=r"found it damaged .* training starts over"):
        assert_equal(run(state), whole)
    assert state.path.with_suffix(".damaged").exists()


def test_order_depends_on_seed_and_epoch_alone():
    rows = np.arange(5, 50)
    assert np.array_equal(epoch_order(rows, 3, 2), epoch_order(rows, 3, 2))
    assert sorted(epoch_order(rows, 3, 2)) == rows.tolist()
    assert not np.array_equal(epoch_order(rows, 3, 2), epoch_order(rows, 3, 1))
    assert not np.array_equal(epoch_order(rows, 3, 2), epoch_order(rows, 2, 3))


def test_every_item_is_seen_once_an_epoch_and_nothing_is_copied_as_a_whole():
    model, train, _ = prepare()
    asked = []

    def gather(rows):
        asked.append(rows)
        return train.gather(rows)

    history = fit(model, Examples(gather, train.rows), None, batch=50, epochs=2, seed=0, progress=False)
    assert len(history) == 2 and "val_loss" not in history
    assert max(len(rows) for rows in asked) == 50
    learned = [rows for rows in asked if len(rows) > 1]
    assert [len(rows) for rows in learned] == [50, 50, 50, 10] * 2
    assert all(sorted(np.concatenate(part)) == list(range(160)) for part in (learned[:4], learned[4:]))


def test_array_checksum_sees_kind_shape_and_content(tmp_path):
    array = np.arange(24, dtype=np.float32).reshape(6, 4)
    np.save(tmp_path / "a.npy", array)
    assert array_checksum(np.load(tmp_path / "a.npy", mmap_mode="r"), 4) == array_checksum(array, 4)
    changed = array.copy()
    changed[5, 3] += 1
    others = [changed, array.reshape(4, 6), array.astype(np.float64), array[:5]]
    assert array_checksum(array) not in {array_checksum(other) for other in others}


CHILD = "import sys; from pathlib import Path; import test_checkpoint as t; t.slow_run(Path(sys.argv[1]))"


def slow_run(folder):
    """What the child of the next test does: train, and halt after the second epoch, so that a kill finds it at work."""
    pause = import_keras().callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: time.sleep(600 * (epoch >= 1)))
    run(StateFile(folder, "small", KEY), [pause])


def test_kill_9_then_resume_gives_the_same(whole, tmp_path):
    state = StateFile(tmp_path, "small", KEY)
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1]), str(project_root())])
    process = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], env=os.environ | {"PYTHONPATH": paths})
    deadline = time.monotonic() + 300
    while not state.path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)  # somewhere in the second epoch, or after it
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and state.path.exists()
    epochs = []
    assert_equal(run(state, [seen_epochs(epochs)]), whole)
    assert epochs and epochs[0] >= 1
