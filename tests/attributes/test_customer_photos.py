"""What simulated photos teach: the category on other grounds, at no change of the network."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import write_small_catalogue
from photo_errors import bad_photo

from fashion.attributes import customer_photos
from fashion.attributes.baseline import logistic_weights
from fashion.attributes.customer_photos import (
    JUDGED,
    accuracy_of_customer_photos,
    least_resemblance,
    rows_to_judge,
    rows_to_simulate,
    simulated_photos,
    teach_customer_photos,
)
from fashion.attributes.layout import distribution
from fashion.attributes.network import AttributesNetwork
from fashion.catalogue.source import open_source


class Sure(AttributesNetwork):
    """A network whose looks are the features, and which is always sure of its first category."""

    def distributions(self, features, grid, batch=1024):
        return {"category": np.repeat(np.eye(len(self.categories), dtype=np.float32)[:1], len(features), axis=0)}


def network(categories, looks=8):
    blank = np.zeros((1, 1), np.float32)
    return Sure((), categories, ("red",), None, {}, blank, np.eye(len(categories), dtype=np.float32),
                np.zeros(looks, np.float32), np.eye(looks, dtype=np.float32))  # fmt: skip


@pytest.fixture(scope="module")
def shop():
    """Three categories; a customer's photo moves along a direction in which plain photos do not differ."""
    random = np.random.default_rng(0)
    category = random.integers(0, 3, 300)
    features = random.normal(0, 0.3, (300, 8)).astype(np.float32)
    features[np.arange(300), category] += 2
    features[:, 7] = 0
    simulated = features.copy()
    simulated[:, 7] = 3
    items = pd.DataFrame({"category": [f"k{c}" for c in category]})
    return SimpleNamespace(items=items, features=features, simulated=simulated)


def test_both_kinds_of_photos_are_told_and_the_network_keeps_half(shop):
    train, test = np.arange(200), np.arange(200, 300)
    plain = network(("k0", "k1", "k2"))
    taught = teach_customer_photos(plain, shop.features, shop.items, train, shop.features[train], train)
    alone = plain.distributions(shop.features[test], None)["category"]
    mixed = taught.mixed_category(shop.features[test], alone)
    looks = shop.features[test]
    expected = (alone + distribution(looks @ taught.customer[:-1] + taught.customer[-1])) / 2
    np.testing.assert_allclose(mixed, expected, atol=1e-6)
    np.testing.assert_allclose(mixed.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(plain.mixed_category(looks, alone), alone), "untaught it says what the network says"
    table = accuracy_of_customer_photos(taught, looks, None, shop.simulated[test], shop.items, test)
    always_k0 = (shop.items["category"][200:] == "k0").mean()
    assert table.shape == (2, 2) and (table["network"] == always_k0).all()
    truth = shop.items["category"][200:].to_numpy()
    for row, inputs in enumerate((looks, shop.simulated[test])):
        said = taught.mixed_category(inputs, np.repeat(alone[:1], len(inputs), axis=0)).argmax(axis=1)
        assert table.iloc[row, 1] == (np.array(["k0", "k1", "k2"])[said] == truth).mean()


def test_a_word_without_a_photo_is_never_said_by_what_was_taught(shop):
    taught = teach_customer_photos(network(("k0", "k1", "k2", "none")), shop.features, shop.items, np.arange(200),
                                   shop.features[:50], np.arange(50))  # fmt: skip
    said = distribution(shop.features @ taught.customer[:-1] + taught.customer[-1])
    assert (said[:, 3] == 0).all() and np.isfinite(said).all()
    right = said.argmax(axis=1) == shop.items["category"].str[1].astype(int)
    assert right[200:].mean() > 0.95


def test_one_category_teaches_nothing(shop):
    items = shop.items.assign(category="k0")
    rows = np.arange(20)
    assert (
        teach_customer_photos(network(("k0",)), shop.features, items, rows, shop.features[rows], rows).customer is None
    )
    words, weights = logistic_weights(shop.features[:5], np.array(["a"] * 5))
    assert words == ("a",) and weights.shape == (9, 1)


def test_two_words_get_a_weight_each(shop):
    binary = np.where(shop.items["category"] == "k0", "yes", "no")
    words, weights = logistic_weights(shop.features, binary)
    assert words == ("no", "yes") and np.allclose(weights[:, 0], -weights[:, 1])
    said = distribution(shop.features @ weights[:-1] + weights[-1])
    assert (np.array(words)[said.argmax(axis=1)] == binary).mean() > 0.95


def test_no_more_photos_are_simulated_than_there_are_items(monkeypatch):
    assert len(rows_to_simulate(np.arange(70), 100, 0)) == 100 and len(rows_to_simulate(np.arange(0), 9, 0)) == 0
    assert np.bincount(rows_to_simulate(np.arange(10), 100, 0)).tolist() == [2] * 10
    monkeypatch.setattr(customer_photos, "MOST", 30)
    drawn = rows_to_simulate(np.arange(70), 100, 0)
    assert len(set(drawn)) == len(drawn) == 30 and set(drawn) != set(range(30))
    assert len(rows_to_judge(np.arange(2 * JUDGED), 0)) == JUDGED == len(set(rows_to_judge(np.arange(2 * JUDGED), 0)))


def test_photos_are_simulated_in_order_by_place_and_a_missing_one_is_told(tmp_path):
    folder = write_small_catalogue(tmp_path / "clothes", each=1)
    source = open_source(folder, "annotation.txt")
    names = sorted(f"images/{path.name}" for path in (folder / "images").iterdir())[:3]
    one, two = ([*simulated_photos(source, photos, 64, seed=4)] for photos in (names, [*names, names[0]]))
    assert all(np.array_equal(*pair) for pair in zip(one, two, strict=False)) and one[0].shape == (64, 64, 3)
    assert not np.array_equal(two[0], two[3]), "the same photo is seen anew at another place"
    assert np.array_equal(next(simulated_photos(source, names[:1], 64, seed=4, first=3)), two[3])
    with bad_photo("missing"):
        list(simulated_photos(source, ["images/none.jpg"], 64, seed=4))


def test_the_least_resemblance_leaves_out_near_duplicates_and_three_in_a_hundred():
    random = np.random.default_rng(1)
    gallery = random.normal(size=(400, 5)).astype(np.float32)
    groups = np.arange(400) // 2  # each item has one near-duplicate
    rows = np.arange(0, 400, 2)
    simulated = np.concatenate([random.normal(size=(200, 3)), gallery[rows] + 0.01], axis=1).astype(np.float32)
    units = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    asked = simulated[:, 3:] / np.linalg.norm(simulated[:, 3:], axis=1, keepdims=True)
    cosines = asked @ units.T
    cosines[groups[rows][:, np.newaxis] == groups] = -1
    least = least_resemblance(simulated, gallery, groups, rows)
    assert (cosines.max(axis=1) < least).sum() == 6
    assert least_resemblance(simulated[:0], gallery, groups, rows[:0]) == -1
