"""Training of the attributes network goes on after a stop, only with the inputs and settings it began with."""

import numpy as np
import pandas as pd
import pytest

from fashion.attributes import training
from fashion.attributes.network import SCALES
from fashion.attributes.training import train_attributes, training_key
from fashion.photos.descriptors import GRID


@pytest.fixture(scope="module")
def clothes():
    """120 items, of which neither category nor colour can be told; only equality matters here."""
    random = np.random.default_rng(0)
    features, grid = random.normal(size=(120, 12)).astype(np.float32), random.random((120, GRID, GRID, 7))
    items = pd.DataFrame({"category": [f"k{n % 3}" for n in range(120)], "colour": [f"c{n % 4}" for n in range(120)]})
    part = np.array(["train"] * 80 + ["validation"] * 20 + ["test"] * 20)
    return features, grid.astype(np.float16), items, part


@pytest.fixture
def done(monkeypatch):
    """The epochs that were trained, by call."""
    calls, plain = [], training.fit

    def counted(model, *arguments, state=None, epochs, **settings):
        calls.append(epochs - (len(state.restore(model)) if state else 0))
        return plain(model, *arguments, state=state, epochs=epochs, **settings)

    monkeypatch.setattr(training, "fit", counted)
    return calls


def stop_after_two(clothes, state, monkeypatch):
    """Leave the state of a run of three epochs that was stopped after the second network's second."""
    plain = training.StateFile.write

    def write(self, model, history):
        plain(self, model, history)
        if self.name == "member-2" and len(history) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training.StateFile, "write", write)
        patch.setattr(training, "CHECKPOINT_SECONDS", 0)
        run(clothes, state)


def run(clothes, state=None, seed=1):
    return train_attributes(*clothes, seed=seed, epochs=3, members=2, state=state, progress=False)


def test_resumed_network_and_history_are_equal_bit_for_bit(clothes, tmp_path, monkeypatch, done):
    expected, history = run(clothes)
    stop_after_two(clothes, tmp_path, monkeypatch)
    found, again = run(clothes, tmp_path)
    assert done == [3, 3, 3, 3, 0, 1] and again.equals(history) and again["member"].tolist() == [1] * 3 + [2] * 3
    ours, theirs = found.arrays(), expected.arrays()
    assert ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_another_seed_or_other_data_have_another_state(clothes, tmp_path, monkeypatch):
    class Asked(Exception):
        pass

    def asked(*_, state, **__):
        raise Asked(state.path.name)

    monkeypatch.setattr(training, "fit", asked)
    features, grid, items, part = clothes
    names = []
    for given, seed in ((clothes, 1), (clothes, 1), (clothes, 2), ((features + 1, grid, items, part), 1)):
        with pytest.raises(Asked) as stopped:
            run(given, tmp_path, seed)
        names.append(str(stopped.value))
    assert names[0] == names[1] and len(set(names)) == 3


def test_key_follows_everything_that_determines_the_result(clothes):
    features, grid, items, part = clothes
    keys = {
        training_key(*clothes, 1, 3),
        training_key(*clothes, 2, 3),
        training_key(*clothes, 1, 4),
        training_key(features * 2, grid, items, part, 1, 3),
        training_key(features, grid[::-1], items, part, 1, 3),
        training_key(features, grid, items.assign(colour="c0"), part, 1, 3),
        training_key(features, grid, items, part[::-1], 1, 3),
    }
    assert len(keys) == 7 and training_key(*clothes, 1, 3) in keys


def test_a_member_is_the_one_that_a_model_of_its_own_becomes(clothes):
    features, grid, items, part = clothes
    colours = training.learn_palette(grid, 0)
    words = {column: tuple(sorted(items[column].unique())) for column in ("category", "colour")}
    task = training._Task(features, training.palette_features(grid, colours), part, training._labels(items, words))
    scales = dict(zip(SCALES, (*training._moments(features, np.arange(80)),
                               *training._moments(task.seen, np.arange(80))), strict=True))  # fmt: skip
    sizes = training.Architecture(12, task.seen.shape[1], 3, 4)
    one, other = (training._Trainer(task, sizes, scales, epochs=2) for _ in range(2))
    one.train(1, None, "", progress=False)
    second, history = one.train(2, None, "", progress=False)
    alone, expected = other.train(2, None, "", progress=False)
    assert history.equals(expected)
    assert all(np.array_equal(*pair) for pair in zip(second.get_weights(), alone.get_weights(), strict=True))


def test_the_training_step_is_compiled_once_for_all_members(clothes, monkeypatch):
    import keras

    traced, plain = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda self, data: traced.append(1) or plain(self, data))
    run(clothes)
    assert len(traced) == 1
