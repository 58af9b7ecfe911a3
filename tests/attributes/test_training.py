"""Training of the attributes network goes on after a stop, only with the inputs and settings it began with."""

import numpy as np
import pandas as pd
import pytest

from fashion.attributes import training
from fashion.attributes.network import DENSE
from fashion.attributes.training import train_attributes, training_key
from fashion.photos.descriptors import GRID


@pytest.fixture(scope="module")
def clothes():
    """120 items, of which neither category nor colour can be told; only equality matters here."""
    random = np.random.default_rng(0)
    features, grid = random.normal(size=(120, 12)).astype(np.float32), np.zeros((120, GRID, GRID, 7))
    grid[:, 12:20, 12:20] = random.random((120, 8, 8, 7))  # cells of the ground cost no time
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


def run(clothes, state=None, seed=1, members=2):
    return train_attributes(*clothes, seed=seed, epochs=3, members=members, state=state, progress=False)


@pytest.fixture(scope="module")
def whole(clothes):
    """A run that nothing stops, and how often its training step was traced."""
    import keras

    traced, plain = [], keras.Model.train_step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "train_step", lambda self, data: traced.append(1) or plain(self, data))
        return *run(clothes), len(traced)


def test_the_training_step_is_compiled_once_for_all_members(whole):
    assert whole[2] == 1


def test_resumed_network_and_history_are_equal_bit_for_bit(clothes, whole, tmp_path, monkeypatch, done):
    expected, history, _ = whole
    stop_after_two(clothes, tmp_path, monkeypatch)
    found, again = run(clothes, tmp_path)
    assert done == [3, 3, 0, 1] and again.equals(history) and again["member"].tolist() == [1] * 3 + [2] * 3
    ours, theirs = found.arrays(), expected.arrays()
    assert ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_another_seed_or_other_data_have_another_state(clothes, tmp_path, monkeypatch):
    class Asked(Exception):
        pass

    def asked(*_, state, seed, **__):
        raise Asked(state.path.name, seed)

    monkeypatch.setattr(training, "fit", asked)
    features, grid, items, part = clothes
    names, seeds = [], []
    for given, seed in ((clothes, 1), (clothes, 1), (clothes, 2), ((features + 1, grid, items, part), 1)):
        with pytest.raises(Asked) as stopped:
            run(given, tmp_path, seed)
        names.append(stopped.value.args[0])
        seeds.append(stopped.value.args[1])
    assert names[0] == names[1] and len(set(names)) == 3
    assert seeds == [1, 1, 2, 1], "weights and order follow it"


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


def test_a_member_is_the_one_that_a_model_of_its_own_becomes(clothes, whole, monkeypatch):
    """The whole run's second member, trained by another's compiled model, and one that is trained alone."""
    monkeypatch.setattr(training, "_seed_of", lambda seed, number, plain=training._seed_of: plain(seed, number + 1))
    alone, expected = run(clothes, members=1)
    network, history, _ = whole
    second = history[history["member"] == 2].drop(columns="member").reset_index(drop=True)
    assert second.equals(expected.drop(columns="member"))
    ours, theirs = (model.get_weights() for model in (network.models[1], alone.models[0]))
    assert len(ours) == 2 * len(DENSE)
    for one, other in zip(ours[:-4], theirs[:-4], strict=True):
        assert np.array_equal(one, other)
    for one, other in zip(ours[-4:], theirs[-4:], strict=True):  # divided by a temperature of all members together
        np.testing.assert_allclose(one * (np.linalg.norm(other) / np.linalg.norm(one)), other, rtol=1e-5)
