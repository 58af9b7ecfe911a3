"""Doubtful labels: worked by hand, by plain loops, and planted."""

import numpy as np
import pytest

from fashion.evaluation.label_doubts import confident_classes, label_doubts, usual_probability


def predictions(n, classes, seed, sure=4.0):
    """True labels and calibrated predictions of them, from logits."""
    random = np.random.default_rng(seed)
    true = random.integers(0, classes, n)
    logits = random.normal(size=(n, classes))
    logits[np.arange(n), true] += sure
    probability = np.exp(logits)
    return true, (probability / probability.sum(axis=1, keepdims=True)).astype(np.float32)


def confident_joint(given, probability):
    """Northcutt et al. 2021, equation 1, in plain loops."""
    n, classes = probability.shape
    threshold = [np.mean([probability[i, j] for i in range(n) if given[i] == j]) for j in range(classes)]
    joint = np.zeros((classes, classes), int)
    for i in range(n):
        possible = [j for j in range(classes) if probability[i, j] >= threshold[j]]
        if possible:
            joint[given[i], max(possible, key=lambda j, row=probability[i]: row[j])] += 1
    return joint


def test_the_confident_joint_is_that_of_plain_loops():
    true, probability = predictions(300, 5, 0, sure=1.5)
    given = np.where(np.random.default_rng(1).random(300) < 0.2, 0, true)
    confident = confident_classes(given, probability)
    joint = np.zeros((5, 5), int)
    np.add.at(joint, (given[confident >= 0], confident[confident >= 0]), 1)
    expected = confident_joint(given, probability.astype(float))
    assert np.array_equal(joint, expected) and 0 < expected.trace() < expected.sum() < 300
    doubts = label_doubts(given, probability)
    assert doubts["confident"].sum() <= expected.sum() - expected.trace()


def test_odds_worked_by_hand():
    given = np.array([0, 0, 0, 1])
    probability = np.array([[0.6, 0.4], [0.6, 0.4], [0.1, 0.9], [0.2, 0.8]])
    usual = usual_probability(given, probability)
    assert usual == pytest.approx(np.array([[1.3 / 3, 1.7 / 3], [0.2, 0.8]]))
    (doubt,) = label_doubts(given, probability).to_dict("records")
    assert doubt["row"] == 2 and doubt["suggested"] == 1 and doubt["confident"]
    assert doubt["odds"] == pytest.approx((0.9 / 0.1) / (1.7 / 1.3))


def test_a_label_without_items_and_a_probability_of_nought_give_numbers():
    probability = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]], np.float32)
    doubts = label_doubts(np.array([0, 0, 0]), probability)
    assert doubts["row"].tolist() == [0] and np.isfinite(doubts["odds"]).all()
    assert label_doubts(np.array([1, 0, 0]), probability).empty


@pytest.mark.parametrize("share", [0.02, 0.05])
def test_planted_errors_come_first(share):
    true, probability = predictions(4000, 12, 2)
    random = np.random.default_rng(3)
    wrong = random.random(4000) < share
    given = np.where(wrong, (true + random.integers(1, 12, 4000)) % 12, true)
    doubts = label_doubts(given, probability)
    first = doubts.head(wrong.sum())
    assert wrong[first["row"]].mean() > 0.9, "precision among as many as were planted, which is their recall, too"
    assert (first["suggested"] == true[first["row"]])[wrong[first["row"]]].mean() > 0.9
    assert wrong[doubts["row"]].sum() > 0.95 * wrong.sum()


def test_without_errors_hardly_anything_is_far_from_usual():
    true, probability = predictions(4000, 12, 4)
    assert (label_doubts(true, probability)["odds"] > 100).mean() < 0.01 < len(label_doubts(true, probability)) / 4000


def test_two_labels_for_one_thing_do_not_hide_an_error():
    """Classes 0 and 1 look alike, so that half of their items get the other; one item of class 2 is labelled 0."""
    random = np.random.default_rng(5)
    true = np.repeat([0, 1, 2], 200)
    probability = np.full((600, 3), 0.02)
    probability[true == 2] = [0.02, 0.02, 0.96]
    alike = random.uniform(0.05, 0.93, 400)
    probability[true < 2, :2] = np.stack([alike, 0.98 - alike], axis=1)
    probability[500] = [0.1, 0.1, 0.8]
    given = true.copy()
    given[500] = 0
    doubts = label_doubts(given, probability)
    assert doubts["row"].iloc[0] == 500 and doubts["odds"].iloc[0] > 5 * doubts["odds"].iloc[1]
    margin = (doubts["other"] - doubts["own"]).rank(ascending=False)
    assert margin.iloc[0] > 30, "the normalised margin prefers the labels that mean the same"


def test_more_of_the_planted_are_listed_than_by_confident_learning_in_as_long_a_list():
    true, probability = predictions(4000, 40, 6, sure=2.5)
    wrong = np.random.default_rng(7).random(4000) < 0.03
    given = np.where(wrong, np.roll(true, 1), true)
    wrong = given != true
    doubts = label_doubts(given, probability)
    confident = doubts[doubts["confident"]]
    assert wrong[doubts.head(len(confident))["row"]].sum() > 1.2 * wrong[confident["row"]].sum() > 0
