"""Neighbour lists answer as a search does, to the last bit, and never what has changed since the report."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fashion import study as studies
from fashion.attributes.layout import Layout
from fashion.core.errors import ArtefactError
from fashion.core.workspace import Workspace
from fashion.neighbours.exact import normalise
from fashion.recommendation import neighbour_lists
from fashion.recommendation.changes import Change, Present, changes_folder
from fashion.recommendation.neighbour_lists import lists_now, read_neighbour_lists
from fashion.recommendation.recommender import Recommender, neighbours_table
from fashion.study import Study

K, COUNT = 5, 200
CATEGORIES, COLOURS = ("boots", "sandals", "dress"), ("red", "blue", "green")


def drawn(names, seed=0, layout=True):
    """Items with vectors drawn at random; each tenth is a copy of the one before, so that similarities tie."""
    rng = np.random.default_rng(seed)
    items = pd.DataFrame({
        "item": names, "photo": [f"{name}.jpg" for name in names],
        "category": rng.choice(CATEGORIES, len(names)), "colour": rng.choice(COLOURS, len(names)),
        "department": "clothes", "added": "", "near_duplicate_of": "",
    })  # fmt: skip
    looks = rng.normal(size=(len(names), 12)).astype(np.float32)
    if not layout:
        looks[9::10] = looks[8::10]
        return Recommender(items, normalise(looks), k=K)
    made = Layout(CATEGORIES, COLOURS, np.eye(3, dtype=np.float32), looks=12)
    told = {column: rng.dirichlet(np.ones(len(words)), len(names)) for column, words in made.words.items()}
    vectors = made.with_hubs(made.compose(told, looks), rng.normal(0, 0.02, len(names)))
    vectors[9::10] = vectors[8::10]
    return Recommender(items, normalise(vectors), made, np.arange(len(names)) // 2, k=K)


@pytest.fixture(scope="module")
def searched():
    return drawn([f"i{n}" for n in range(COUNT)])


@pytest.fixture(scope="module")
def listed(searched):
    return replace(searched, lists=searched.nearest_of_all()[0])


class NoEngine:
    """An engine that must not be asked."""

    def nearest(self, *_):
        raise AssertionError("searched")


def same(first, second):
    return all(
        one.dtype == other.dtype and np.array_equal(one, other) for one, other in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("layout", [True, False])
@pytest.mark.parametrize("k", [1, 3, K])
def test_a_list_answers_as_a_search_to_the_last_bit_and_nothing_is_searched(layout, k):
    searched = drawn([f"i{n}" for n in range(COUNT)], layout=layout)
    listed = replace(searched, lists=searched.nearest_of_all()[0], searched_by=NoEngine())
    for row, name in list(enumerate(searched.items["item"]))[::2]:
        expected = searched.ranked(searched.item_query(name), k)
        assert same(listed.ranked(listed.item_query(name), k), expected) and row not in expected[0]


OTHERWISE = {
    "more items": {"k": K + 1}, "a filter": {"where": {"colour": ("red",)}}, "weights": {"looks_weight": 0.9},
    "colour": {"colour_weight": 0.0}, "duplicates": {"hide_duplicates": True}, "diversity": {"diversity": 0.5},
    "some items": {"among": np.arange(COUNT) % 3 == 0},
}  # fmt: skip


@pytest.mark.parametrize("asked", OTHERWISE.values(), ids=OTHERWISE)
def test_any_other_question_is_searched(searched, listed, asked):
    differ = 0
    for name in searched.items["item"][::5]:
        found, usual = searched.ranked(searched.item_query(name), **asked), searched.ranked(searched.item_query(name))
        assert same(listed.ranked(listed.item_query(name), **asked), found)
        differ += not np.array_equal(found[0], usual[0])
    assert differ > 10


def test_a_query_that_words_or_liked_items_changed_is_searched(searched, listed):
    for change in (lambda r, q: r.words_query("blue boots", q), lambda r, q: r.refined(q, ["i17"], ["i21"])):
        found = [r.ranked(change(r, r.item_query("i3"))) for r in (searched, listed)]
        assert same(*found) and not np.array_equal(found[0][0], listed.lists[3])


def changed(searched, removed=(), renewed=(), added=()):
    """The items after a change, and a recommender of them; renewed and added ones have new vectors."""
    report = searched.items
    change = Change(Path("k"), {"removed": list(removed)}, pd.DataFrame({"item": [*renewed, *added], "photo": ""}))
    now = Present.of(report, [change])
    new = drawn([f"n{n}" for n in range(len(now.part))], seed=1)
    vectors = np.where(now.part[:, np.newaxis] > 0, new.vectors, searched.vectors[np.minimum(now.row, COUNT - 1)])
    items = new.items.assign(item=now.items["item"])
    return now, Recommender(items, vectors, searched.layout, k=K)


@pytest.mark.parametrize(
    "change",
    [{}, {"removed": ["i5", "i90"]}, {"renewed": ["i7", "i100"]}, {"added": ["x", "y", "z"]},
     {"removed": ["i0", "i199"], "renewed": ["i8"], "added": ["x", "i5b"]}],
)  # fmt: skip
def test_after_changes_a_list_is_what_a_search_finds_or_unknown(searched, listed, change):
    now, present = changed(searched, **change)
    lists = lists_now(listed.lists, now, present)
    expected = present.nearest_of_all()[0]
    known = lists[:, 0] >= 0
    assert np.array_equal(lists[known], expected[known]) and (lists[~known] == -1).all()
    assert not known[now.part > 0].any() and known.mean() > 0.5, "most lists are still good"
    answering = replace(present, lists=lists)
    for name in now.items["item"][::3]:
        assert same(answering.ranked(answering.item_query(name)), present.ranked(present.item_query(name)))


def test_a_new_item_is_in_the_lists_that_it_belongs_to(searched, listed):
    now, present = changed(searched, added=["twin"])
    vectors = present.vectors.copy()
    vectors[-1] = vectors[30]
    present = replace(present, vectors=vectors)
    answering = replace(present, lists=lists_now(listed.lists, now, present))
    assert COUNT in answering.ranked(answering.item_query("i30"))[0]


def test_where_comparing_new_items_takes_too_long_no_list_is_kept(searched, listed, monkeypatch):
    """What it takes grows with the items as well as with the new ones: a share of a million would take minutes."""
    now, present = changed(searched, added=[f"x{n}" for n in range(40)])
    expected, lists = present.nearest_of_all()[0], lists_now(listed.lists, now, present)
    known = lists[:, 0] >= 0
    assert known.sum() > 20 and np.array_equal(lists[known], expected[known]), "a sixth of the items is new"
    monkeypatch.setattr(neighbour_lists, "MOST_COMPARED", 40 * len(now.part) - 1)
    assert lists_now(listed.lists, now, present) is None


@pytest.fixture
def work(tmp_path, searched):
    workspace = Workspace("lists", tmp_path / "processed", tmp_path / "reports")
    nearest = {"described": searched.nearest_of_all(), "frozen": searched.nearest_of_all(K - 1)}
    workspace.write_table("neighbours", neighbours_table(nearest))
    return workspace


def test_a_reports_lists_are_read(work, searched, listed):
    assert np.array_equal(read_neighbour_lists(work, "described", searched), listed.lists)


@pytest.mark.parametrize("damage", ["another embedding", "rows missing", "rows shuffled", "other vectors", "no table"])
def test_lists_that_are_not_of_this_report_are_refused(work, searched, damage):
    table = work.table("neighbours")
    if damage == "rows missing":
        work.write_table("neighbours", table.iloc[:-1][table["embedding"].iloc[:-1] == "described"].iloc[:-3])
    elif damage == "rows shuffled":
        work.write_table("neighbours", table.sample(frac=1, random_state=0))
    elif damage == "no table":
        work.path("neighbours.parquet").unlink()
    opened = replace(searched, vectors=searched.vectors[::-1].copy()) if damage == "other vectors" else searched
    with pytest.raises(ArtefactError, match="fashion report"):
        read_neighbour_lists(work, "learned" if damage == "another embedding" else "described", opened)


@pytest.mark.parametrize("late", [False, True])
def test_a_change_that_comes_while_lists_are_opened_is_noticed(work, searched, listed, late, monkeypatch, caplog):
    work.write_table("items", searched.items)
    study = Study(work, listed=True)

    def load_changes(workspace):
        if late:  # since the vectors were read
            (changes_folder(workspace) / "abc").mkdir(parents=True)
            (changes_folder(workspace) / "abc/change.json").write_text("{}", encoding="utf-8")
        return []

    monkeypatch.setattr(studies, "load_changes", load_changes)
    monkeypatch.setattr(studies, "require_intact", lambda *_: None)
    lists = study._lists("described", searched)
    assert lists is None and "found changed: abc" in caplog.text if late else np.array_equal(lists, listed.lists)
