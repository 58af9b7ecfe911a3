"""One protocol for all: against plain loops, closed forms and ir-measures, on a catalogue with a planted answer."""

import weakref

import numpy as np
import pandas as pd
import pytest

from fashion.core.colour import hex_to_lab
from fashion.evaluation.protocol import (
    AVERAGE_PRECISION,
    CEILING,
    CORRELATION,
    DESCRIPTION,
    RANDOM,
    Methods,
    Protocol,
    best_possible,
    paired_tests,
    side_by_side,
    with_both,
)
from fashion.evaluation.relevance import BOTH, graded_relevance
from fashion.evaluation.statistics import holm
from fashion.neighbours.exact import normalise

HEXES = {"c0": "#c81e1e", "c1": "#d04040", "c2": "#1b2a52", "c3": "#f4f4f4"}


@pytest.fixture(scope="module")
def shop():
    """300 items of 20 categories (some rare) in 5 departments; vectors that know a little of category and colour."""
    random = np.random.default_rng(1)
    category = random.choice(20, 300, p=np.geomspace(1, 0.02, 20) / np.geomspace(1, 0.02, 20).sum())
    colour = random.integers(0, 4, 300)
    items = pd.DataFrame({
        "department": [f"d{c % 5}" for c in category],
        "category": [f"k{c}" for c in category],
        "colour": [f"c{c}" for c in colour],
    })  # fmt: skip
    kinds = np.concatenate([np.eye(20)[category], np.eye(4)[colour]], axis=1)
    seen = np.abs(kinds + random.normal(0, 0.35, kinds.shape)).astype(np.float32)
    return items, seen, (kinds + 0.2 * seen).astype(np.float32)


@pytest.fixture(scope="module")
def trial(shop):
    items, seen, words = shop
    lab = hex_to_lab([HEXES[word] for word in items["colour"]])
    queries = np.arange(1, 300, 4)
    galleries = {"whole": np.arange(300), "half": np.arange(0, 300, 2)}
    found = Protocol(items, queries, galleries, 6, 0, lab, deep=30, sampled=120)
    found.run({"seen": (seen, seen), "words known": (seen, words)})
    return found


def agreeing(items, query, row, column):
    columns = ["category", "colour"] if column == BOTH else [column]
    return all(items.loc[query, name] == items.loc[row, name] for name in columns)


def loops(items, asking, answering, query, gallery):
    """The gallery in order of float64 cosine, the query left out by its row."""
    one, table = asking[query].astype(float), answering.astype(float)
    cosine = table @ one / np.linalg.norm(one) / np.linalg.norm(table, axis=1)
    return sorted((row for row in gallery if row != query), key=lambda row: (-np.float32(cosine[row]), row))


@pytest.mark.parametrize("method", ["seen", "words known"])
@pytest.mark.parametrize("gallery", ["whole", "half"])
def test_scores_are_the_loops(shop, trial, method, gallery):
    items, seen, words = shop
    answering = {"seen": seen, "words known": words}[method]
    rows = trial.galleries[gallery]
    orders = [loops(items, seen, answering, query, rows) for query in trial.queries]
    assert trial.recommended[method, gallery].tolist() == [order[:6] for order in orders]
    for column in ("department", "category", "colour", BOTH):
        hits = np.array(
            [
                [agreeing(items, query, row, column) for row in order[:6]]
                for query, order in zip(trial.queries, orders, strict=True)
            ]
        )
        assert trial.scores[method, gallery, "Precision@6", column] == pytest.approx(hits.mean(axis=1))
        assert trial.scores[method, gallery, "Success@1", column] == pytest.approx(hits[:, 0].astype(float))
        assert trial.scores[method, gallery, "Success@6", column] == pytest.approx(hits.any(axis=1).astype(float))
    for column in ("category", BOTH):
        found = trial.scores[method, gallery, AVERAGE_PRECISION, column]
        assert found.shape == (30,)
        for value, place in zip(found, trial.deep_places, strict=True):
            hits = [agreeing(items, trial.queries[place], row, column) for row in orders[place]]
            total = sum(hits)
            precisions = [np.mean(hits[: i + 1]) for i in range(total) if hits[i]]
            assert value == pytest.approx(sum(precisions) / total if total else np.nan, nan_ok=True)


def test_nothing_finds_itself_and_known_words_help(trial):
    for answers in trial.recommended.values():
        assert not (answers == trial.queries[:, np.newaxis]).any()
    table = trial.table().set_index(["method", "gallery", "measure", "column"])["mean"]
    for measure, column in (("Precision@6", BOTH), (AVERAGE_PRECISION, BOTH), ("nDCG@6", DESCRIPTION)):
        line = [table[m, "whole", measure, column] for m in (RANDOM, "seen", "words known", CEILING)]
        assert line == sorted(line) and line[0] < line[1] < line[3]


def test_nobody_beats_the_ceiling(trial):
    for (method, gallery, measure, column), values in trial.scores.items():
        best = trial.scores[CEILING, gallery, measure, column]
        assert values.shape == best.shape
        assert (np.isnan(best) | (values <= best + 1e-9)).all(), (method, gallery, measure, column)


def test_ceiling_is_what_a_perfect_method_reaches(shop):
    """Vectors that are the words themselves, weighted so that each column in turn comes first."""
    items, _, _ = shop
    queries, gallery = np.arange(0, 300, 7), np.arange(300)
    best = best_possible(items, queries, gallery, 6, ["category", "colour", BOTH])
    for column in ("category", "colour", BOTH):
        one_hot = np.eye(100)[pd.factorize(with_both(items)[column])[0]]
        lab = np.zeros((300, 3))
        perfect = Protocol(items, queries, {"whole": gallery}, 6, 0, lab, deep=5, sampled=50)
        perfect.run({"perfect": (one_hot, one_hot)})
        assert perfect.scores["perfect", "whole", "Precision@6", column] == pytest.approx(best[column].to_numpy())
    assert (best[BOTH] <= best["category"]).all() and best[BOTH].min() < 1 == best["colour"].min()


def test_missing_words_agree_with_nothing():
    items = pd.DataFrame({"category": ["a", "a", None, "a"], "colour": ["r", "r", "r", None]})
    both = with_both(items)
    assert both[BOTH].isna().tolist() == [False, False, True, True]
    best = best_possible(items, np.arange(4), np.arange(4), 2, ["category", BOTH])
    assert best["category"].tolist() == [1, 1, 0, 1] and best[BOTH].tolist() == [0.5, 0.5, 0, 0]


def test_rank_correlation_of_the_gains_themselves_is_one(trial):
    found = trial.scores[CEILING, "whole", CORRELATION, DESCRIPTION]
    assert found.shape == (30,) and found == pytest.approx(1)
    assert abs(np.nanmean(trial.scores[RANDOM, "whole", CORRELATION, DESCRIPTION])) < 0.1
    assert not set(trial._drawn["whole"]) & set(trial.queries[trial.deep_places])


def test_table_has_an_interval_and_a_count_for_each(trial):
    table = trial.table()
    assert len(table) == 4 * 2 * (3 * 4 + 4)
    assert ((table["low"] <= table["mean"]) & (table["mean"] <= table["high"])).all()
    deep = table["measure"].isin([AVERAGE_PRECISION, CORRELATION])
    assert (table.loc[deep, "queries"] <= 30).all() and (table.loc[~deep, "queries"] >= 70).all()
    one = table[(table["method"] == "seen") & (table["measure"] == "Success@1") & (table["column"] == BOTH)].iloc[0]
    assert one["mean"] == pytest.approx(trial.scores["seen", "whole", "Success@1", BOTH].mean())


def test_six_answers_scored_by_ir_measures(shop, trial):
    """The same rankings through another's code: trec_eval, by ir-measures; its gains are taken as they are."""
    ir = pytest.importorskip("ir_measures")
    items, gallery = shop[0], trial.galleries["whole"]
    for method in ("seen", "words known", RANDOM):
        answers = trial.recommended[method, "whole"]
        run = {
            str(q): {str(r): float(-i) for i, r in enumerate(line)}
            for q, line in zip(trial.queries, answers, strict=True)
        }
        for column in ("category", "colour", BOTH):
            words = with_both(items)[column].to_numpy()
            judged = {str(q): {str(r): int(words[q] == words[r]) for r in gallery if r != q} for q in trial.queries}
            wanted = {ir.P @ 6: "Precision@6", ir.Success @ 1: "Success@1", ir.Success @ 6: "Success@6"}
            theirs = {
                (metric.measure, int(metric.query_id)): metric.value for metric in ir.iter_calc(wanted, judged, run)
            }
            for measure, name in wanted.items():
                ours = trial.scores[method, "whole", name, column]
                assert ours == pytest.approx([theirs[measure, q] for q in trial.queries])
        pairs = np.broadcast_to(gallery, (len(trial.queries), len(gallery)))
        gains = np.rint(1e6 * graded_relevance(items, trial.queries, pairs, trial.lab)).astype(
            int
        )  # whole numbers only
        judged = {
            str(q): {str(r): int(g) for r, g in zip(gallery, line, strict=True) if r != q}
            for q, line in zip(trial.queries, gains, strict=True)
        }
        theirs = {int(one.query_id): one.value for one in ir.iter_calc([ir.nDCG @ 6], judged, run)}
        ours = trial.scores[method, "whole", "nDCG@6", DESCRIPTION]
        assert ours == pytest.approx([theirs[q] for q in trial.queries], abs=1e-5)


def test_the_same_seed_gives_the_same_scores(shop, trial):
    items, seen, words = shop
    again = Protocol(items, trial.queries, trial.galleries, 6, 0, trial.lab, deep=30, sampled=120)
    again.run({"seen": (seen, seen), "words known": (seen, words)})
    assert all(values.tobytes() == again.scores[key].tobytes() for key, values in trial.scores.items())


def test_side_by_side_is_the_mean_of_the_cosines():
    random = np.random.default_rng(0)
    one, other = random.random((9, 4)), 100 * random.random((9, 7))
    joined, first, second = (normalise(part) for part in (side_by_side(one, other), one, other))
    assert joined @ joined.T == pytest.approx((first @ first.T + second @ second.T) / 2, abs=1e-6)


def test_side_by_side_takes_the_centre_from_the_first_alone():
    random = np.random.default_rng(0)
    one, other = random.random((9, 4)), random.random((9, 7))
    centred = side_by_side(one, other, centre=one.mean(axis=0))
    assert np.array_equal(np.asarray(centred), np.asarray(side_by_side(one - one.mean(axis=0), other)))


def test_methods_are_made_when_asked_for_and_let_go():
    made, kept = [], []

    class Table(np.ndarray):
        """An array that can be watched."""

    def maker(name):
        def make():
            assert all(reference() is None for reference in kept), "the method before is still in memory"
            table = np.eye(12, dtype=np.float32).view(Table)
            made.append(name)
            kept.append(weakref.ref(table))
            return table, table

        return make

    items = pd.DataFrame({"department": ["d"] * 12, "category": list("ab") * 6, "colour": ["r"] * 12})
    trial = Protocol(items, np.arange(3), {"whole": np.arange(12)}, 2, 0, np.zeros((12, 3)), deep=2, sampled=5)
    methods = Methods({name: maker(name) for name in ("one", "two", "three")})
    assert list(methods) == ["one", "two", "three"] and len(methods) == 3 and not made
    trial.run(methods)
    assert made == ["one", "two", "three"]


def test_holm_worked_by_hand():
    # rising: .01 x 4, .02 x 3, .03 x 2 (.06), .04 x 1 (not below .06)
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.5]) == pytest.approx([1, 1])
    assert holm([0.2]) == pytest.approx([0.2]) and len(holm([])) == 0
    p = np.random.default_rng(0).random(50) ** 3
    assert (holm(p) >= p).all() and (np.diff(holm(np.sort(p))) >= 0).all()


def test_holm_rejects_falsely_as_seldom_as_it_says():
    random = np.random.default_rng(4)
    false = [(holm(random.random(12)) < 0.1).any() for _ in range(2000)]
    assert np.mean(false) == pytest.approx(0.1, abs=0.025)


def test_paired_tests_of_a_better_method(trial):
    questions = [("whole", "Precision@6", BOTH), ("half", AVERAGE_PRECISION, "category")]
    table = paired_tests(trial.scores, "words known", [RANDOM, "seen"], questions, 0)
    assert table["against"].tolist() == [RANDOM, RANDOM, "seen", "seen"]
    assert (table["p_holm"] >= table["p"]).all() and table["p_holm"].iloc[0] == pytest.approx(4 / 10_001)
    first = table.iloc[0]
    mean = (trial.scores["words known", *questions[0]] - trial.scores[RANDOM, *questions[0]]).mean()
    assert first["difference"] == pytest.approx(mean) and first["low"] < mean < first["high"]
    assert paired_tests(trial.scores, "seen", [], questions, 0).empty
