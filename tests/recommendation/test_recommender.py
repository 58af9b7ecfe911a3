"""Recommendations by item, words and both: exact, filtered exactly, balanced as asked, with reasons that are true."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import SIX_ITEMS as ITEMS
from hypothesis import given
from hypothesis import strategies as st

from fashion.attributes.layout import Layout, blend_words, near_colours
from fashion.catalogue.translation import colour_hexes
from fashion.cli.main import main
from fashion.core.errors import ArtefactError
from fashion.core.workspace import Workspace
from fashion.neighbours.approximate import open_index
from fashion.neighbours.exact import nearest, normalise
from fashion.recommendation.filters import QueryError
from fashion.recommendation.queries import words_query
from fashion.recommendation.recommend import make_query
from fashion.recommendation.recommender import Recommender, read_layout
from fashion.recommendation.search_engine import Allowed, ExactSearch

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


def test_few_rows_that_a_filter_leaves_are_searched_as_all_are():
    rng = np.random.default_rng(0)
    vectors = normalise(rng.normal(size=(160, 5)))
    vectors[80:] = vectors[:80]  # ties go to the lower row
    engine, queries = ExactSearch(vectors), vectors[[3, 7]] * np.float32(2)
    for count in (0, 1, 4, 9, 10, 11, 160):
        mask = np.zeros(160, bool)
        mask[rng.choice(160, count, replace=False)] = True
        found, expected = engine.nearest(queries, 4, Allowed(mask, {})), nearest(queries, vectors, 4, mask)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype and np.array_equal(one, other)


def test_nothing_left_is_an_empty_table(recommender):
    found = recommender.by_item("a6", where={"colour": ("green",)})
    assert found.empty and "reasons" in found


def test_names_with_suffix(recommender):
    assert recommender.names.row("a3.jpg") == recommender.names.row("a3") == 2


def test_unknown_item_names_near_ones(recommender):
    with pytest.raises(QueryError, match=r"found 'a11'; near: .*a1"):
        recommender.by_item("a11")
    with pytest.raises(QueryError, match="at least 1"):
        recommender.by_item("a1", k=0)


CATEGORIES, COLOURS = ("boots", "sandals", "short dress"), ("red", "blue", "green")
LAYOUT = Layout(CATEGORIES, COLOURS, np.eye(3, dtype=np.float32), swatches=colour_hexes())


def described(trust: float = 1.0, layout: Layout = LAYOUT) -> np.ndarray:
    """Each item's parts, all weight on its words, or a little on others'."""
    even = {column: np.full((6, len(words)), 1 / len(words), np.float32) for column, words in layout.words.items()}
    told = {column: blend_words(even[column], ITEMS[column], words, trust) for column, words in layout.words.items()}
    return layout.compose(told, np.empty((6, 0)))


@pytest.fixture
def spoken():
    groups = np.array([0, 1, 2, 0, 4, 5])  # a1 and a4 show the same picture
    return Recommender(ITEMS, normalise(described()), LAYOUT, groups)


def test_words_find_what_they_name(spoken):
    found = spoken.answer(spoken.words_query("Red boots"), 3)
    assert found["item"].tolist()[:2] == ["a1", "a4"] and found["reasons"][0].startswith("same colour and category")
    alone = spoken.answer(spoken.words_query("verde"), 1)
    assert alone["item"].tolist() == ["a6"]
    # Nothing was said of the looks: the colour has all the weight, less what goes to near colours.
    own = near_colours("green", COLOURS, LAYOUT.swatches)[2]
    assert alone["similarity"][0] == pytest.approx(own, abs=1e-6) and "looks" not in alone["reasons"][0]


def test_several_kinds_are_alternatives_and_the_best_counts(spoken):
    query = spoken.words_query("blue footwear")  # the department: boots and sandals
    assert query.vectors.shape == (2, LAYOUT.width)
    found = spoken.answer(query, 6)
    singles = [spoken.answer(spoken.words_query(w), 6).set_index("item") for w in ("blue boots", "blue sandals")]
    for item, similarity in zip(found["item"], found["similarity"], strict=True):
        assert similarity == pytest.approx(max(one.loc[item, "similarity"] for one in singles), abs=1e-6)
    assert found["item"][0] == "a3" and found["item"].is_unique
    assert found["reasons"][0].startswith("same colour and department")


def test_like_this_in_blue(spoken):
    query = spoken.words_query("blue", spoken.item_query("a1"))
    found = spoken.answer(query, 5)
    assert found["item"][0] == "a3" and "a1" not in set(found["item"]) and query.title == "a1, blue"
    other = spoken.answer(spoken.words_query("dress", spoken.item_query("a3")), 1)
    assert other["item"].tolist() == ["a5"] and other["reasons"][0].startswith("same colour and department")
    frozen = Recommender(ITEMS, VECTORS)
    with pytest.raises(QueryError, match="frozen, which has no words"):
        frozen.words_query("blue")


def test_a_word_that_came_after_training_is_a_condition():
    layout = Layout(("boots", "sandals"), COLOURS, np.eye(2, dtype=np.float32))
    recommender = Recommender(ITEMS, normalise(described(0.8, layout)), layout)
    found = recommender.answer(recommender.words_query("blue dress"), 6)
    assert found["item"].tolist() == ["a5", "a6"]


@pytest.mark.parametrize(("weight", "looks_weight"), [(0.0, 0.0), (0.25, 0.5), (0.5, 0.2), (1.0, 0.0), (0.5, 1.0)])
def test_weights_are_the_balance_of_kind_colour_and_looks(weight, looks_weight):
    random = np.random.default_rng(0)
    layout = Layout(CATEGORIES, COLOURS, np.eye(3, dtype=np.float32), looks=4)
    kinds, shades, looks = random.dirichlet([1] * 3, 6), random.dirichlet([1] * 3, 6), random.normal(size=(6, 4))
    rows = layout.compose({"category": kinds, "colour": shades}, looks)
    recommender = Recommender(ITEMS, normalise(rows), layout)
    found = recommender.answer(recommender.item_query("a2"), 5, colour_weight=weight, looks_weight=looks_weight)
    looks = normalise(looks)
    alike = kinds @ kinds[1], shades @ shades[1], looks @ looks[1]
    words = (1 - weight) * alike[0] + weight * alike[1]
    expected = (1 - looks_weight) * words + looks_weight * alike[2]
    order = [i for i in np.argsort(-expected, kind="stable") if i != 1]
    assert found["item"].tolist() == ITEMS["item"].iloc[order].tolist()
    assert found["similarity"].to_numpy() == pytest.approx(expected[order], abs=1e-6)
    for reason, row in zip(found["reasons"], order, strict=True):
        shown = [max(part[row], 0) for part in alike]
        assert reason.endswith(f"kind {shown[0]:.2f}; colour {shown[1]:.2f}; looks {shown[2]:.2f}")


def test_hubs_are_lowered_for_every_query_alike():
    rows = described(0.7)
    plain = Recommender(ITEMS, normalise(rows), LAYOUT)
    lowered = Recommender(ITEMS, normalise(LAYOUT.with_hubs(rows, np.array([0, 0, 0, -0.5, 0, 0]))), LAYOUT)
    before, after = (one.by_item("a1", 5).set_index("item")["similarity"] for one in (plain, lowered))
    assert after["a4"] == pytest.approx(before["a4"] - 0.5, abs=1e-5)
    assert np.allclose(after.drop("a4")[before.drop("a4").index], before.drop("a4"), atol=1e-5)


def test_near_duplicates_of_the_query_and_of_each_other_can_be_hidden(spoken):
    assert "a4" in set(spoken.by_item("a1", 5)["item"])
    assert set(spoken.answer(spoken.item_query("a1"), 6, hide_duplicates=True)["item"]) == {"a2", "a3", "a5", "a6"}
    both = spoken.answer(spoken.item_query("a2"), 6, hide_duplicates=True)["item"].tolist()
    assert ("a1" in both) != ("a4" in both) and len(both) == 4


def test_pool_widens_until_there_are_enough_distinct_ones():
    n = 400
    items = pd.concat([ITEMS.iloc[[0]]] * n, ignore_index=True).assign(item=[f"i{i}" for i in range(n)])
    vectors = normalise(np.c_[np.ones(n), np.linspace(0, 1, n)])
    groups = np.r_[np.zeros(n - 5, int), np.arange(1, 6)]  # the nearest 395 show one picture
    recommender = Recommender(items, vectors, None, groups)
    found = recommender.answer(
        replace(recommender.item_query("i0"), near_duplicates=np.empty(0, int)), 6, hide_duplicates=True
    )
    assert found["item"].tolist() == ["i1", "i395", "i396", "i397", "i398", "i399"]


def test_diversity_trades_similarity_for_variety():
    random = np.random.default_rng(4)
    items = pd.concat([ITEMS] * 30, ignore_index=True).assign(item=[f"i{i}" for i in range(180)])
    vectors = normalise(random.random((180, 8)) + 3 * np.eye(8)[np.arange(180) % 4])
    recommender = Recommender(items, vectors)
    plain, various = (recommender.answer(recommender.item_query("i0"), 6, diversity=d) for d in (0.0, 0.6))

    def alike(table):
        rows = [recommender.names.row(item) for item in table["item"]]
        return (vectors[rows] @ vectors[rows].T)[np.triu_indices(6, 1)].mean()

    assert plain["item"][0] == various["item"][0] and alike(various) < alike(plain) - 0.05
    assert various["similarity"].mean() < plain["similarity"].mean()
    with pytest.raises(QueryError, match="diversity from 0"):
        recommender.answer(recommender.item_query("i0"), diversity=2)


@pytest.fixture
def folders(tmp_path):
    work = Workspace("sample", tmp_path / "processed", tmp_path / "reports")
    work.write_table("items", ITEMS)
    work.write_vectors("learned", described(0.5))
    work.write_vectors("described", described(0.9))
    work.write_vectors("frozen", VECTORS)
    work.write_table("split", pd.DataFrame({"item": ITEMS["item"], "split": "train", "group": np.arange(6)}))
    made = {"items_checksum": work.items_checksum()}
    work.write_arrays("attributes", {"projection": LAYOUT.projection})
    work.write_json(
        "attributes",
        {"categories": CATEGORIES, "colours": COLOURS, "further": {}, "looks": 0, "looks_checksum": ""} | made,
    )
    work.write_json("backbone", made)
    work.write_json("source", {"swatches": {"red": "#c81e1e", "blue": "#1e3cc8"}})
    return work, ["--processed", str(tmp_path / "processed"), "--reports", str(tmp_path / "reports")]


def test_command_prints_table_and_json(folders, capsys):
    assert main(["recommend", "a1", "-k", "2", *folders[1]]) == 0
    text = capsys.readouterr().out
    assert "a1: red · boots" in text and "same colour and category" in text
    assert main(["recommend", "a1", "--where", "colour=blue", "--json", *folders[1]]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [r["item"] for r in answer["recommendations"]] == ["a3", "a5"]
    assert answer["where"] == {"colour": ["blue"]} and answer["query"] == "a1"
    assert main(["recommend", "a6", "--where", "colour=green", *folders[1]]) == 0
    assert "no other item matches the filter" in capsys.readouterr().out


def test_command_by_words_with_all_its_options(folders, capsys):
    options = ["--hide-duplicates", "--diversity", "0.1", "--colour-weight", "0.7", "--looks-weight", "0.2", "--json"]
    assert main(["recommend", "--words", "stivali rossi", *options, *folders[1]]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {r["item"] for r in answer["recommendations"][:2]} == {"a1", "a4"} and answer["query"] == "stivali rossi"
    assert answer["description"] == {"colour": "red", "category": "boots"} and answer["embedding"] == "described"
    assert main(["recommend", "a1", "--words", "blu", *folders[1]]) == 0
    assert "a1, blu: blue · boots" in capsys.readouterr().out
    assert main(["recommend", "a1", "a3", "--unlike", "a5", "--json", *folders[1]]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["query"] == "a1 + a3" and not {"a1", "a3", "a5"} & {r["item"] for r in found["recommendations"]}
    assert main(["recommend", "--words", "red bootts quartz", *folders[1]]) == 0
    told = capsys.readouterr().out
    assert "Showing boots for “bootts”." in told and "ignored: quartz" in told
    assert main(["recommend", "--words", "quartz rain", *folders[1]]) == 1
    assert "'rain'" in capsys.readouterr().err
    assert main(["recommend", *folders[1]]) == 1
    assert "expected an item or a photo, words" in capsys.readouterr().err
    assert main(["recommend", "a1", "--photo", "x.jpg", *folders[1]]) == 1
    assert "expected an item or a photo" in capsys.readouterr().err


def test_opened_from_a_report(folders):
    work = folders[0]
    assert read_layout(work).colours == COLOURS
    learned, known = (Recommender.from_workspace(work, name) for name in ("learned", "described"))
    assert known.by_item("a1", 1)["similarity"][0] >= learned.by_item("a1", 1)["similarity"][0]
    found = make_query(known, item="a5", words="green")
    assert known.answer(found, 1)["item"].tolist() == ["a6"]
    for name, weight, complaint in [
        ("learned", 1.2, "expected a colour weight"),
        ("frozen", 0.3, "no such parts"),
        ("best", None, "as the embedding"),
    ]:
        with pytest.raises(QueryError, match=complaint):
            Recommender.from_workspace(work, name, weight)


def test_command_says_what_is_missing(tmp_path, capsys):
    arguments = ["recommend", "a1", "--processed", str(tmp_path), "--reports", str(tmp_path)]
    assert main(arguments) == 1
    assert "fashion report --catalogue sample --processed" in capsys.readouterr().err


def test_table_and_vectors_must_fit(folders):
    folders[0].write_vectors("described", described()[:4])
    with pytest.raises(ArtefactError, match="found 4 made for another table"):
        Recommender.from_workspace(folders[0])
    folders[0].write_vectors("described", described())
    folders[0].write_table("items", ITEMS.iloc[::-1])
    for embedding in ("described", "learned", "frozen"):
        with pytest.raises(ArtefactError, match="another table"):
            Recommender.from_workspace(folders[0], embedding)


@pytest.mark.parametrize("weight", [0.0, 0.2, 1.0])
def test_diversity_weighs_as_the_query_does(spoken, weight):
    asked = spoken.item_query("a1")
    found = spoken.answer(asked, 4, colour_weight=weight, diversity=0.6)
    assert found.equals(replace(spoken, colour_weight=weight).answer(asked, 4, diversity=0.6))


def test_recommender_with_an_index_answers_as_without(recommender, tmp_path):
    random = np.random.default_rng(0)
    vectors = normalise(random.normal(size=(600, 8)))
    words = random.choice(["red", "blue"], 600)
    items = pd.concat([ITEMS] * 100, ignore_index=True).assign(item=[f"i{n}" for n in range(600)], colour=words)
    groups = np.arange(600) // 2
    exact = Recommender(items, vectors, groups=groups)
    index = open_index(vectors[:590], tmp_path / "x.usearch", progress=False)
    fast = replace(exact, index=index.now(exact.vectors, np.arange(590)))
    for name in ("i0", "i17", "i595"):
        for more in ({}, {"hide_duplicates": True}, {"diversity": 0.3}, {"where": {"colour": ("red",)}}):
            found, expected = (r.answer(r.item_query(name), 6, **more) for r in (fast, exact))
            assert len(set(found["item"]) & set(expected["item"])) >= 5 and name not in set(found["item"])
            if "where" in more:
                assert found["item"].tolist() == expected["item"].tolist()


def test_a_word_that_training_never_saw_is_a_condition_beside_those_it_saw():
    items = ITEMS.assign(colour=["red", "teal", "blue", "red", "green", "green"])
    asked = words_query("red or teal boots", items, LAYOUT)
    assert set(asked.where["colour"]) == {"red", "teal"}
    found = Recommender(items, normalise(described()), LAYOUT).answer(asked, 6)
    assert set(found["colour"]) == {"red", "teal"}
