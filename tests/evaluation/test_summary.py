"""What notebooks report: tables, audits and sentences, each against a plain computation of its own."""

import numpy as np
import pandas as pd
import pytest

from fashion.core.numerals import number_word, ordinal_word
from fashion.evaluation import summary
from fashion.evaluation.protocol import BOTH, CEILING, RANDOM, Protocol
from fashion.evaluation.summary import ALL_FEATURES, DESCRIBED, FROZEN, HISTOGRAM, LEARNED, Evaluation
from fashion.plots.readings.evaluation import findings


def evaluation(k=4, n=80):
    """Learned knows colour and category, the frozen vectors know nothing."""
    random = np.random.default_rng(0)
    items = pd.DataFrame(
        {
            "item": [f"i{row}" for row in range(n)],
            "department": np.where(np.arange(n) % 2, "dresses", "shirts"),
            "category": np.array(["gown", "polo", "maxi", "tee"])[np.arange(n) % 4],
            "colour": np.array(["red", "blue"])[np.arange(n) // 4 % 2],
        }
    )
    words = np.eye(8)[pd.factorize(items["category"] + items["colour"])[0]] + random.normal(0, 0.05, (n, 8))
    noise = {name: random.normal(size=(n, 8)) for name in (HISTOGRAM, ALL_FEATURES, FROZEN)}
    tables = {**noise, LEARNED: words, DESCRIBED: words + 0.001}
    methods = {name: (table, table) for name, table in tables.items()}
    galleries = {"whole": np.arange(n), "unseen": np.arange(n // 2)}
    lab = np.where((items["colour"] == "red").to_numpy()[:, None], [50.0, 60, 40], [30.0, 10, -50])
    trial = Protocol(items, np.arange(20), galleries, k, 0, lab, deep=10, sampled=30)
    trial.run(methods)
    return Evaluation(trial, methods)


@pytest.fixture(scope="module")
def four():
    return evaluation()


def test_tables_hold_every_method_and_the_means_of_the_queries(four):
    assert list(four.means("whole").index) == four.everyone == [RANDOM, *four.methods, CEILING]
    for method in (LEARNED, FROZEN):
        own = four.trial.items[["category", "colour"]].to_numpy()
        hits = own[four.trial.recommended[method, "unseen"]] == own[four.trial.queries][:, None]
        assert four.means("unseen").loc[method, BOTH] == pytest.approx(hits.all(axis=2).mean(), abs=5e-4)
    assert four.precision == "Precision@4" and len(four.tests) == 2 * 2 * 5
    assert four.tests_table().shape == (5, 4) and four.departments_table().shape == (2, 6)
    assert four.beyond_table().shape == (7, 4) and set(four.beyond) >= {"nDCG@4, description"}


@pytest.mark.parametrize(("k", "columns"), [(1, 3), (4, 6)])
def test_success_at_one_and_at_k(k, columns):
    found = evaluation(k)
    assert found.success_table().shape == (7, columns)
    curve = found.success_curve().set_index(["method", "k"])["success"]
    assert curve.loc[LEARNED].is_monotonic_increasing and list(curve.loc[LEARNED].index) == list(range(1, k + 1))


def test_sentences_tiles_and_results_name_the_length_of_the_list(four):
    assert "of the four items recommended" in four.headline()[0]["label"] and len(four.headline()) == 3
    said = " ".join(findings(four, made=False, measured=False))
    assert said.count(" gains** against ") == 2  # learned knows the words, the frozen vectors nothing
    lengths = pd.DataFrame({"method": LEARNED, "length": [2, 4, 8], "column": BOTH, "mean": [0.2, 0.77, 0.8]})
    curves = summary.Curves(20, lengths.head(1), lengths, lengths.head(2))
    rows = {name: pd.DataFrame({name: [0.5]}) for name in ("untaught", "coverage", "known_item", "by_people")}
    never_shown = pd.DataFrame({"never_shown": [0.5]}, index=pd.Index(["shirts"], name="word"))
    numbers = four.results(
        np.arange(80), curves, rows["untaught"], rows["coverage"], never_shown, rows["known_item"], rows["by_people"]
    )
    assert numbers["k"] == 4 and numbers["dimensions_for_95_percent"] == {LEARNED: 4}
    assert all(numbers[name] == [{name: 0.5}] for name in rows)
    assert numbers["never_shown_by_department"] == [{"word": "shirts", "never_shown": 0.5}]
    curve_names = ("gallery_size", "embedding_size", "colour_weight", "curve_queries")
    assert [len(numbers[name]) for name in curve_names[:3]] == [1, 3, 2] and numbers["curve_queries"] == 20
    assert numbers["protocol"].startswith("20 query items unseen in training, each against the 79 other items;")
    assert numbers["near_duplicate_recommendations"] == 0 and four.near_duplicate_share(np.zeros(80, int)) == 1
    assert "six" not in str(numbers) + said + str(four.headline())
    assert {row["measure"] for row in numbers["measures"]} >= {"Precision@4", "Success@1", "Success@4", "nDCG@4"}


def test_the_worst_queries_come_first_and_none_is_better(four):
    rows, recommended, similarity = four.worst(3)
    both = four.shares(LEARNED)[BOTH].to_numpy()
    place = {row: i for i, row in enumerate(four.trial.queries)}
    assert sorted(both[[place[row] for row in rows]]) == sorted(both)[:3]
    assert four.least_share == both[place[rows[0]]] == min(both)
    assert recommended.shape == similarity.shape == (3, 4) and (np.diff(similarity) <= 0).all()


def test_numbers_in_words():
    assert [number_word(n) for n in (1, 6, 13)] == ["one", "six", "13"]
    assert [ordinal_word(n) for n in (4, 22, 111)] == ["fourth", "22nd", "111th"]


def test_leakage_is_counted_where_a_pair_lies_across_train_and_test():
    part = np.array(["train", "test", "validation", "train"])
    audit = summary.leakage_audit(part, [(0, 3), (1, 2)], [(0, 1), (0, 2), (3, 1)])
    assert list(audit.values()) == [2, 0, 3, 2]
    assert list(summary.leakage_audit(part, np.empty((0, 2), int), []).values()) == [0, 0, 0, 0]


def test_a_split_says_its_sizes_groups_and_leaks():
    split = np.array(["train", "test", "validation", "train"])
    audit = summary.SplitAudit(split, np.array([0, 1, 2, 0]), [(0, 3)], [(0, 1), (0, 3)])
    assert audit.as_dict() == {
        "split": {"train": 2, "test": 1, "validation": 1}, "near_duplicate_groups": 1,
        "leakage_audit": summary.leakage_audit(split, [(0, 3)], [(0, 1), (0, 3)]),
    }  # fmt: skip
    assert audit.table()["number"].to_dict() == {
        "near-duplicate pairs": 1, "near-duplicate pairs between train and test": 0,
        "pairs with similar hashes": 2, "pairs with similar hashes between train and test": 1,
    }  # fmt: skip


def test_confusions_of_colours():
    true = ["red"] * 10 + ["blue"] * 10 + ["pink"] * 2
    said = ["red"] * 6 + ["pink"] * 4 + ["blue"] * 9 + ["red"] + ["red"] * 2
    predicted = pd.DataFrame({"colour": true, "colour_predicted": said, "row": range(22)})
    words, hexes = ["red", "blue", "pink"], {"red": "#ff0000", "blue": "#0000ff", "pink": "#ffc0cb"}
    matrix = summary.confusion(predicted, "colour", words)
    assert matrix.tolist() == [[6, 0, 4], [1, 9, 0], [2, 0, 0]]
    pairs = summary.confused_pairs(matrix, words, hexes)
    assert pairs[["labelled", "predicted", "share"]].to_numpy().tolist() == [
        ["red", "pink", 0.4],
        ["blue", "red", 0.1],
    ]  # fmt: skip  (two pink items say nothing)
    assert (pairs["distance"] > 20).all()
    assert summary.near_confusions(predicted, hexes, within=200) == (7, 1.0)
    assert summary.near_confusions(predicted, hexes, within=1) == (7, 0.0)
    assert summary.near_confusions(predicted, {"red": "#ff0000", "pink": "#ffc0cb"})[0] == 6, "blue has no swatch"
    count, share = summary.near_confusions(predicted[predicted["colour"] == predicted["colour_predicted"]], hexes)
    assert count == 0 and np.isnan(share)
    assert summary.confused_pairs(np.diag([3, 4]), ["red", "blue"], hexes).empty
    table = summary.class_accuracy(predicted, "colour").set_index("name")
    assert table.loc["red"].tolist() == [0.6, 10] and table.loc["pink", "accuracy"] == 0


def test_the_commonest_word_is_that_of_training():
    items = pd.DataFrame({"category": ["a", "a", "b", "b", "a"], "colour": ["x", "y", "y", "x", "x"]})
    part = np.array(["train", "train", "train", "test", "test"])
    assert summary.commonest_word_accuracy(items, part) == {"category": 0.5, "colour": 0.0}


def test_misses_are_the_queries_without_their_category_the_surest_first():
    items = pd.DataFrame({"category": ["a", "a", "b", "c", "c"]})
    rows = np.array([[1, 2], [2, 3], [0, 1], [0, 1], [4, 0]])
    rows[4] = [3, 0]
    similarity = np.array([[0.9, 0.1], [0.5, 0.4], [0.8, 0.7], [0.6, 0.1], [0.9, 0.2]])
    misses = summary.category_misses(items, rows, similarity)
    assert misses.rows.tolist() == [2, 3, 1]
    assert misses.as_dict() == {
        "items": 3, "share": 0.6, "share_of_rare_categories": 1.0,
        "confused": {"b  →  a": 2, "c  →  a": 2, "a  →  b": 1, "a  →  c": 1},
    }  # fmt: skip
    none = summary.category_misses(items.head(2), np.array([[1], [0]]), np.ones((2, 1)))
    assert none.as_dict() == {"items": 0, "share": 0.0, "share_of_rare_categories": 0.0, "confused": {}}


def test_shortest_vectors_that_keep_most_of_the_precision():
    curve = pd.DataFrame(
        {"method": ["a"] * 3 + ["b"] * 3, "length": [8, 16, 64] * 2, "column": BOTH, "mean": [1, 2, 2, 0.1, 0.94, 1]}
    )
    assert summary.lengths_that_keep(curve) == {"a": 16, "b": 64}
