"""The attributes network learns planted attributes, comes back from disk, and its embedding means what it says."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fashion.attributes.calibration import temperature
from fashion.attributes.network import DENSE, best_projection, join_features, load_network
from fashion.attributes.training import _seed_of, accuracies, batch_for, further_columns, train_attributes
from fashion.core.errors import ArtefactError
from fashion.photos.descriptors import GRID


@pytest.fixture(scope="module")
def clothes():
    """500 items: the features know the category, the colour is in a few cells of the colour grid alone."""
    random = np.random.default_rng(0)
    n = 500
    category, colour = random.integers(0, 3, n), random.integers(0, 4, n)
    features = random.normal(0, 1, (n, 30)).astype(np.float32)
    features[:, :3] += 5 * np.eye(3)[category]
    grid = random.normal(0, 0.2, (n, GRID, GRID, 7)).astype(np.float16)
    tint = np.array([[2, 0, 0], [0, 2, 0], [0, 0, 2], [-2, 0, 0]])
    grid[..., 6] = 0
    grid[:, 12:20, 12:20, 6] = 1
    grid[:, 12:20, 12:20, :3] += tint[colour][:, None, None]
    items = pd.DataFrame({"category": [f"k{c}" for c in category], "colour": [f"c{c}" for c in colour]})
    part = np.array(["train"] * 340 + ["validation"] * 60 + ["test"] * 100)
    return features, grid, items, part


@pytest.fixture(scope="module")
def trained(clothes):
    return train_attributes(*clothes, seed=1, epochs=8, members=2, progress=False)


@pytest.fixture(scope="module")
def described(clothes):
    """The items with further columns, a colour that only test items have and a category that only validation has."""
    features, _, items, part = clothes
    random = np.random.default_rng(3)
    items = items.assign(
        gender=np.where(features[:, 0] > 2, "men", "women"), season=random.choice(["a", "b", "c"], 500),
        year=random.choice(["2011", "2012"], 500), title=[f"t {n}" for n in range(500)], blank=[None] * 499 + ["x"],
        secret=random.choice(["p", "q"], 500),
    )  # fmt: skip
    items.loc[np.flatnonzero(part == "test")[:10], "colour"] = "new"
    items.loc[np.flatnonzero(part == "validation")[1:], "category"] = "new"  # one is left to look at
    return items


@pytest.fixture(scope="module")
def further(clothes, described):
    """A network that reads two further columns, trained briefly from another seed, and its history."""
    features, grid, _, part = clothes
    return train_attributes(
        features, grid, described, part, seed=2, further=["gender", "season"], epochs=2, members=1, progress=False
    )


def test_learns_what_was_planted(clothes, trained):
    features, grid, items, part = clothes
    network, history = trained
    accuracy, predicted = accuracies(network, features, grid, items, np.flatnonzero(part == "test"))
    assert accuracy["category"] > 0.9 and accuracy["colour"] > 0.9
    assert accuracy["category and colour"] <= min(accuracy["category"], accuracy["colour"])
    assert len(predicted) == 100 and len(history) == 2 * 8
    loss = history.pivot(index="epoch", columns="member", values="loss")
    assert (loss.iloc[-1] < loss.iloc[0] / 2).all()


def test_same_seed_same_weights(clothes, trained):
    again, _ = train_attributes(*clothes, seed=1, epochs=8, members=1, progress=False)
    ours, theirs = trained[0].arrays(), again.arrays()
    first = [name for name in theirs if name.startswith("member_1_")]
    last = first[-4:]  # category and colour, divided by a temperature of all members together
    assert len(first) == 2 * len(DENSE)
    for name in first:
        scale = np.linalg.norm(theirs[name]) / np.linalg.norm(ours[name]) if name in last else 1
        np.testing.assert_allclose(ours[name] * scale, theirs[name], rtol=1e-5 if name in last else 0, atol=0)
    assert not np.array_equal(ours["member_1_weight_000"], ours["member_2_weight_000"]), "by its own seed"
    assert len({_seed_of(seed, number) for seed in range(3) for number in (1, 2, 3)}) == 9


def test_what_is_seen_is_the_geometric_mean_of_the_members_whatever_the_batch(clothes, trained):
    features, grid, *_ = clothes
    network = trained[0]
    alone = [replace(network, models=(model,)).distributions(features[:9], grid[:9]) for model in network.models]
    assert len(alone) == 2 and not np.array_equal(alone[0]["category"], alone[1]["category"])
    for batch in (4, 9):
        seen = network.distributions(features[:9], grid[:9], batch)
        for column in ("category", "colour"):
            parts = np.asarray([one[column] for one in alone], np.float64)
            together = np.exp(np.mean(np.log(np.maximum(parts, 1e-30)), axis=0))  # a geometric mean
            np.testing.assert_allclose(seen[column], together / together.sum(axis=1, keepdims=True), atol=1e-5)
            np.testing.assert_allclose(seen[column].sum(axis=1), 1, atol=1e-5)


def test_back_from_arrays_and_json(clothes, trained, tmp_path):
    features, grid, *_ = clothes
    np.savez(tmp_path / "a.npz", **trained[0].arrays())
    description = json.loads(json.dumps(trained[0].description()))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        found = load_network(dict(arrays), description)
    assert np.allclose(found.embed(features[:9], grid[:9]), trained[0].embed(features[:9], grid[:9]), atol=1e-6)
    assert found.categories == ("k0", "k1", "k2")
    wrong = description | {"sizes": description["sizes"] | {"colours": 9}}
    with pytest.raises(ArtefactError, match="found others"):
        load_network(trained[0].arrays(), wrong)


def test_embedding_has_unit_parts_and_its_products_are_expected_agreements(clothes, trained):
    features, grid, items, _ = clothes
    network = trained[0]
    vectors, layout = network.embed(features, grid), network.layout
    assert vectors.shape == (500, layout.width) and vectors.dtype == np.float32
    for part in layout.parts.values():
        assert np.allclose(np.linalg.norm(vectors[:, part], axis=1), 1, atol=1e-5)
    colour = network.distributions(features, grid)["colour"]
    asked = layout.queries(vectors, layout.weights(1.0, 0.0))
    assert np.allclose(asked @ vectors.T, colour @ colour.T, atol=1e-5)
    agreement = layout.queries(vectors, layout.weights(0.5, 0.0)) @ vectors.T
    same_k = items["category"].to_numpy()[:, None] == items["category"].to_numpy()
    same_c = items["colour"].to_numpy()[:, None] == items["colour"].to_numpy()
    both, one, none = (
        agreement[same_k & same_c].mean(),
        agreement[same_k ^ same_c].mean(),
        agreement[~same_k & ~same_c].mean(),
    )
    assert both > one + 0.2 > none + 0.4


def test_looks_are_whitened_components(clothes, trained):
    features, _, _, part = clothes
    looks = trained[0].looks(features[part == "train"])
    assert np.allclose(np.cov(looks.T), np.eye(looks.shape[1]), atol=1e-2) and abs(looks.mean(axis=0)).max() < 1e-2


def test_known_words_put_right_what_the_photo_shows_wrongly(clothes, trained):
    features, grid, *_ = clothes
    network = trained[0]
    told = pd.DataFrame({"category": ["k0", "k1", "new"], "colour": ["c3", "c3", "c3"]})
    seen, known = network.embed(features[:3], grid[:3]), network.embed(features[:3], grid[:3], told)
    layout = network.layout
    kind, colour = layout.parts["category"], layout.parts["colour"]
    alike = layout.similarities(layout.vector(category="k0", colour="c3")[np.newaxis], known)
    assert (alike["colour"] >= 0.9 * 0.8).all() and alike["category"][0] > 0.89
    assert np.allclose(known[2, kind], seen[2, kind]), "a word that the network was not taught changes nothing"
    assert not np.allclose(known[2, colour], seen[2, colour]) or seen[2, colour].argmax() == 3


def test_further_columns_are_read_from_the_looks_and_known_words_count(clothes, described, further):
    features, grid, _, part = clothes
    network = further[0]
    assert further_columns(described, None, ["secret"]) == ["gender", "season"]
    assert further_columns(described, ["season", "year", "none"]) == ["season", "year"]
    test = part == "test"
    predicted = network.distributions(features[test], grid[test])
    assert {name: array.shape[1] for name, array in predicted.items()}["season"] == 3
    words = np.array(network.further["gender"])[predicted["gender"].argmax(axis=1)]
    assert (words == described["gender"][test]).mean() > 0.9
    back = load_network(network.arrays(), json.loads(json.dumps(network.description())))
    again = back.distributions(features[test], grid[test])
    assert all(np.allclose(again[name], predicted[name], atol=1e-5) for name in predicted)
    told = network.compose(features[:2], network.distributions(features[:2], grid[:2]),
                           pd.DataFrame({"gender": ["men", "women"]}))  # fmt: skip
    part_of = network.layout.parts["gender"]
    assert told[0, part_of][0] >= 0.9 and told[1, part_of][1] >= 0.9


def test_one_temperature_makes_an_overconfident_network_honest(clothes):
    features, grid, items, part = clothes
    random = np.random.default_rng(5)
    wrong, other = random.random(500) < 0.4, random.choice(["c0", "c1", "c2"], 500)
    noisy = items.assign(colour=np.where(wrong, other, items["colour"]))
    network, _ = train_attributes(features, grid, noisy, part, seed=1, epochs=14, members=1, progress=False)
    rows = np.flatnonzero(part == "validation")
    seen = network.distributions(features[rows], grid[rows])["colour"]
    classes = np.array([network.colours.index(word) for word in noisy["colour"].iloc[rows]])
    assert temperature(seen, classes) == pytest.approx(1, abs=0.02), "it is folded in already"


def test_a_word_that_training_never_saw_counts_as_wrong(clothes, described, further):
    features, grid, _, part = clothes
    network, test = further[0], np.flatnonzero(part == "test")
    accuracy, predicted = accuracies(network, features, grid, described, test)
    assert "new" not in network.colours and (predicted["colour_predicted"] != "new").all()
    known = predicted["colour"] != "new"
    right = (predicted["colour"] == predicted["colour_predicted"])[known].sum()
    assert (~known).sum() == 10 and accuracy["colour"] == pytest.approx(right / len(test))


def test_a_word_that_only_validation_has_is_left_out_of_its_figures(further):
    network, history = further
    assert "new" not in network.categories
    assert set(history["val_category_accuracy"]) <= {0.0, 1.0}, "of the one item whose category training saw"


def test_projection_keeps_inner_products_best():
    random = np.random.default_rng(0)
    low_rank = random.normal(size=(200, 5)) @ random.normal(size=(5, 30))
    projected = low_rank @ best_projection(low_rank, 5)
    assert np.allclose(projected @ projected.T, low_rank @ low_rank.T, atol=1e-3)
    assert np.array_equal(best_projection(low_rank, 30), np.eye(30))


def test_batches_and_features():
    assert batch_for(100) == 32 and batch_for(5_000) == 100 and batch_for(50_000) == 256
    joined = join_features(np.ones((3, 2)), np.zeros((3, 4)), [2, 0])
    assert joined.shape == (2, 6) and joined.dtype == np.float32
