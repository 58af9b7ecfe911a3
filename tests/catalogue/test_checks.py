"""Every check passing and failing, and the statistics behind them against brute force and closed forms."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association

from fashion.catalogue.checks import (
    SQUARED,
    audit,
    check_class_balance,
    check_independence,
    check_near_duplicates,
    check_photo_sizes,
    check_schema,
    checks_table,
    cramers_v,
)
from fashion.core.colour import hex_to_lab
from fashion.neighbours.duplicates import near_duplicates
from fashion.photos.framing import RULES


def test_a_sound_table_fulfils_the_schema(items):
    check = check_schema(items)
    assert check.passed
    assert check.value == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("item", "i001"),  # stands twice
        ("photo", ""),
        ("colour", None),
        ("sha256", "xyz"),
        ("phash", "0123456789abcdeg"),
        ("width", 0),
        ("bytes", -5),
        ("garment_l", 130.0),
        ("garment_a", np.nan),
        ("garment_b", -400.0),
        ("edge_width", 0.0),
        ("darkest", -1.0),
        ("lightest", np.nan),
        ("uneven_border", 1.5),
    ],
)
def test_one_wrong_value_breaks_the_schema_and_is_named(items, column, value):
    items.loc[0, column] = value
    check = check_schema(items)
    assert not check.passed
    assert check.value >= 1
    assert column in check.meaning


def test_all_faults_are_gathered_and_a_missing_column_is_one(items):
    items.loc[[3, 4, 5], "phash"] = "?"
    items.loc[7, "height"] = -1
    check = check_schema(items.drop(columns="department"))
    assert check.value == 5
    assert not check.passed


def test_balance_is_the_effective_share_of_classes():
    even = pd.DataFrame({"colour": ["red", "blue", "grey", "white"] * 10})
    check = check_class_balance(even, "colour")
    assert check.passed
    assert check.value == pytest.approx(1)
    uneven = pd.DataFrame({"colour": ["red"] * 90 + ["blue"] * 10})
    check = check_class_balance(uneven, "colour")
    assert not check.passed
    assert check.value == pytest.approx(np.exp(-(0.9 * np.log(0.9) + 0.1 * np.log(0.1))) / 2)
    assert "'red' with 90" in check.meaning
    assert "'blue' with 10" in check.meaning
    assert not check_class_balance(pd.DataFrame({"colour": ["red"] * 5}), "colour").passed


def test_cramers_v_is_bergsmas():
    table = np.array([[30, 10, 5], [12, 25, 9], [4, 8, 40]])
    chi_squared, p_value, v = cramers_v(table)
    n, rows, columns = table.sum(), 3, 3
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    assert chi_squared == pytest.approx(((table - expected) ** 2 / expected).sum())
    assert p_value < 1e-9
    phi = max(0, chi_squared / n - (rows - 1) * (columns - 1) / (n - 1))
    shrunk = rows - (rows - 1) ** 2 / (n - 1)
    assert v == pytest.approx(np.sqrt(phi / (shrunk - 1)))
    assert v < association(table, method="cramer")  # the plain V is too large
    assert association(table * 1000, method="cramer") == pytest.approx(cramers_v(table * 1000)[2], abs=1e-3)


def test_cramers_v_at_its_ends():
    assert cramers_v(np.diag([50, 50, 50]))[2] == pytest.approx(1, abs=0.01)
    assert cramers_v(np.outer([10, 20, 30], [4, 5, 6]))[2] == 0
    assert cramers_v(np.array([[10, 0, 5], [5, 0, 10]]))[2] == cramers_v(np.array([[10, 5], [5, 10]]))[2]
    rng = np.random.default_rng(0)
    by_chance = [
        cramers_v(pd.crosstab(rng.integers(0, 12, 300), rng.integers(0, 8, 300)).to_numpy())[2] for _ in range(30)
    ]
    assert np.mean(by_chance) < 0.06  # the plain V is about 0.19 here


def test_independence_holds_and_fails(items):
    assert check_independence(items).passed
    items["colour"] = items["department"].map({"footwear": "red", "accessories": "navy"})
    check = check_independence(items)
    assert not check.passed
    assert check.value > 0.95
    many = pd.concat([items] * 20)
    assert ", p < 0.001, V = " in check_independence(many).meaning, "a p-value that underflows is not 0"
    few = pd.DataFrame({"colour": list("abcabc"), "department": list("xyxyxx")})
    assert "expect fewer than 5" in check_independence(few).meaning


def test_photo_sizes_hold_and_fail(items):
    assert check_photo_sizes(items, "stretch").passed
    items.loc[:50, "height"] = 200
    check = check_photo_sizes(items, "stretch")
    assert not check.passed
    assert check.value == pytest.approx(149 / 200)
    assert "128 × 128: the network's square input distorts garments differently" in check.meaning
    assert set(SQUARED) == set(RULES)
    assert "distort" not in check_photo_sizes(items, "crop").meaning
    assert check_photo_sizes(items, "").meaning.endswith("are 128 × 128."), "no photo is made square"


def test_near_duplicates_hold_and_fail(items):
    assert check_near_duplicates(items, near_duplicates(items)).passed
    seen = ["phash", "garment_l", "garment_a", "garment_b"]
    items.loc[100:119, seen] = items.loc[0:19, seen].to_numpy()
    check = check_near_duplicates(items, near_duplicates(items))
    assert not check.passed
    assert check.value == pytest.approx(40 / 200)


def test_the_table_of_checks_says_which_hold(items):
    results = [check_photo_sizes(items, "stretch"), check_class_balance(items.assign(colour="red"), "colour")]
    table = checks_table(results)
    assert table["holds"].tolist() == ["yes", "NO"]
    assert table["measured"].tolist()[0] == "share of the most frequent size = 1.000" and table["limit"][0] == "0.950"
    assert checks_table([check_schema(items)])["measured"].tolist() == ["violations = 0"]
    assert table["check"].tolist() == [check.name for check in results]
    assert results[0].as_dict()["passed"] is True
    assert all(check.meaning for check in results)


def test_the_audit_tests_what_makes_sense_and_counts_the_labels_in_doubt(items):
    pairs = pd.DataFrame({"first": [0, 1], "second": [2, 3], "near_duplicate": [True, False]})
    words = {"red": "#ff0000", "blue": "#0000ff"}
    labelled = items.assign(colour=["red", "blue"] * (len(items) // 2))
    labelled[["garment_l", "garment_a", "garment_b"]] = hex_to_lab([words[word] for word in labelled["colour"]])
    labelled.loc[0, ["garment_l", "garment_a", "garment_b"]] = hex_to_lab(["#0000ff"])[0]
    found = audit(labelled, pairs, "stretch", labelled, words)
    assert [check.name for check in found.checks][-2:] == ["colour and department", "colour words"]
    said = found.as_dict()
    assert said["pairs_of_equal_hash"] == 2 and said["near_duplicate_pairs"] == 1 and len(said["checks"]) == 7
    assert said["doubtful_labels"] == 1 and found.doubtful["item"].tolist() == [labelled["item"][0]]
    assert said["word_to_photo_median_ciede2000"] == pytest.approx(0)
    measured = audit(labelled.assign(department="one"), pairs, "", labelled.head(0), words)
    assert not {"colour and department", "colour words"} & {check.name for check in measured.checks}
    assert measured.as_dict()["word_to_photo_median_ciede2000"] is None and not len(measured.doubtful)
