"""Recommendations: exact, filtered exactly, with reasons that are true."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion.cli import main
from fashion.errors import ArtefactError
from fashion.neighbours import normalise
from fashion.recommendation import QueryError, Recommender, describe, parse_where, reasons
from fashion.workspace import Workspace

ITEMS = pd.DataFrame(
    [
        ("a1", "red", "boots", "footwear"),
        ("a2", "red", "sandals", "footwear"),
        ("a3", "blue", "boots", "footwear"),
        ("a4", "red", "boots", "footwear"),
        ("a5", "blue", "short dress", "dresses"),
        ("a6", "green", "short dress", "dresses"),
    ],
    columns=["item", "colour", "category", "department"],
).assign(photo=lambda t: "images/" + t["item"] + ".jpg")
VECTORS = normalise(np.array([[1, 0.1], [1, 0.2], [1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32))


@pytest.fixture
def recommender():
    return Recommender(ITEMS, VECTORS)


def test_an_identical_twin_is_found_and_the_query_is_not(recommender):
    found = recommender.by_item("a1", k=6)
    assert found["item"].tolist()[0] == "a4" and "a1" not in found["item"].tolist()
    assert found["rank"].tolist() == [1, 2, 3, 4, 5] and found["similarity"].is_monotonic_decreasing


@given(seed=st.integers(0, 100), k=st.integers(1, 8), colour=st.sampled_from(["red", "blue", "green"]))
def test_filter_equals_brute_force(seed, k, colour):
    vectors = normalise(np.random.default_rng(seed).normal(size=(6, 3)))
    found = Recommender(ITEMS, vectors).by_item("a3", k, {"colour": (colour,)})
    cosines = vectors @ vectors[2]
    allowed = [i for i in range(6) if i != 2 and ITEMS["colour"][i] == colour]
    expected = sorted(allowed, key=lambda i: -cosines[i])[:k]
    assert found["item"].tolist() == ITEMS["item"].iloc[expected].tolist()
    assert found["similarity"].to_numpy() == pytest.approx(cosines[expected], abs=1e-6)


def test_nothing_left_is_an_empty_table(recommender):
    found = recommender.by_item("a6", where={"colour": ("green",)})
    assert found.empty and "reasons" in found


def test_names_with_suffix(recommender):
    assert recommender.row_of("a3.jpg") == recommender.row_of("a3") == 2


def test_unknown_item_names_near_ones(recommender):
    with pytest.raises(QueryError, match=r"found 'a11'; near: .*a1"):
        recommender.by_item("a11")
    with pytest.raises(QueryError, match="at least one"):
        recommender.by_item("a1", k=0)


def test_where_reads_english_and_italian():
    assert parse_where(["colour=red,Blue "], ITEMS) == {"colour": ("red", "blue")}
    assert parse_where(["colour=ROSSO", "category=vestito corto"], ITEMS) == {
        "colour": ("red",),
        "category": ("short dress",),
    }


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ("colour", "expected a filter like"),
        ("colour=", "expected a filter like"),
        ("size=XL", "expected a column of the catalogue.*colour, category"),
        ("colour=rod", "no item has colour 'rod'; near: red"),
        ("category=boats", "near: boots"),
    ],
)
def test_wrong_filters(condition, complaint):
    with pytest.raises(QueryError, match=complaint):
        parse_where([condition], ITEMS)


def test_conditions_on_one_column_must_all_hold():
    assert parse_where(["colour=red,blue", "colour=blue,green"], ITEMS) == {"colour": ("blue",)}
    with pytest.raises(QueryError, match="no item can fulfil"):
        parse_where(["colour=red", "colour=blue"], ITEMS)


def test_reasons_are_true():
    items = ITEMS.to_dict("records")
    assert reasons(items[0], items[3], {"looks": 0.98765}) == "same colour and category; looks 0.99"
    assert reasons(items[0], items[2], {"looks": 0.5, "colour": 0.1}) == "same category; looks 0.50; colour 0.10"
    assert reasons(items[0], items[1], {}) == "same colour and department"
    assert reasons(items[0], items[5], {}) == "another colour and category"
    assert describe(items[4]) == "blue · short dress"


@pytest.fixture
def folders(tmp_path):
    work = Workspace("sample", tmp_path / "processed", tmp_path / "reports")
    work.write_table("items", ITEMS)
    work.write_vectors("learned", VECTORS)
    work.write_vectors("frozen", VECTORS)
    made = {"items_checksum": work.items_checksum()}
    work.write_json("attributes", {"colour_from": 1} | made)
    work.write_json("backbone", made)
    return work, ["--processed", str(tmp_path / "processed"), "--reports", str(tmp_path / "reports")]


def test_command_prints_table_and_json(folders, capsys):
    assert main(["recommend", "a1", "-k", "2", *folders[1]]) == 0
    text = capsys.readouterr().out
    assert "a1: red, boots, footwear" in text and "same colour and category" in text
    assert main(["recommend", "a1", "--where", "colour=blue", "--json", *folders[1]]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [r["item"] for r in answer["recommendations"]] == ["a3", "a5"]
    assert answer["where"] == {"colour": ["blue"]} and answer["query"] == "a1"
    assert main(["recommend", "a6", "--where", "colour=green", *folders[1]]) == 0
    assert "no other item fulfils the filter" in capsys.readouterr().out


def test_colour_weight_is_the_share_of_the_colour_part(folders):
    work = folders[0]
    parts = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0.6, 0.8, 0.8, 0.6], [0, 1, 0, 1], [0, 1, 0, 1]])
    work.write_vectors("learned", parts)
    work.write_json("attributes", {"colour_from": 2, "items_checksum": work.items_checksum()})
    for weight in (0.0, 0.25, None, 1.0):
        found = Recommender.from_workspace(work, colour_weight=weight).by_item("a1", 5).set_index("item")
        share = 0.5 if weight is None else weight
        for item, looks, colour in [("a2", 1, 0), ("a3", 0, 1), ("a4", 0.6, 0.8)]:
            assert found.loc[item, "similarity"] == pytest.approx((1 - share) * looks + share * colour, abs=1e-6)
    half = Recommender.from_workspace(work).by_item("a1", 5).set_index("item")
    assert half.loc["a4", "reasons"] == "same colour and category; looks 0.60; colour 0.80"
    with pytest.raises(QueryError, match="expected a colour weight"):
        Recommender.from_workspace(work, colour_weight=1.2)
    with pytest.raises(QueryError, match="no colour part"):
        Recommender.from_workspace(work, "frozen", 0.3)


def test_command_says_what_is_missing(tmp_path, capsys):
    arguments = ["recommend", "a1", "--processed", str(tmp_path), "--reports", str(tmp_path)]
    assert main(arguments) == 1
    assert "make report CATALOGUE=sample" in capsys.readouterr().err


def test_table_and_vectors_must_fit(folders):
    folders[0].write_vectors("learned", VECTORS[:4])
    with pytest.raises(ArtefactError, match="found 4 made for another table"):
        Recommender.from_workspace(folders[0])
    folders[0].write_vectors("learned", VECTORS)
    folders[0].write_table("items", ITEMS.iloc[::-1])
    for embedding in ("learned", "frozen"):
        with pytest.raises(ArtefactError, match="another table"):
            Recommender.from_workspace(folders[0], embedding)
