"""Readings of notebook 06: each from an interval, and not there where the interval does not say so."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from fashion.evaluation.protocol import CEILING, LEAST_P, RANDOM
from fashion.evaluation.relevance import BOTH
from fashion.evaluation.statistics import paired_difference
from fashion.evaluation.summary import (
    DESCRIBED,
    FROZEN,
    FROZEN_AND_HISTOGRAM,
    LEARNED,
    LOGISTIC,
    SHOWN,
)
from fashion.plots.readings import evaluation

WORDS = pd.DataFrame({"category": ["top", "bag"], "colour": ["red", "blue"]})


class Result:
    """What readings ask of an `Evaluation`, with shares of 200 queries by method."""

    def __init__(self, best=FROZEN, k=6, unseen=None, items=None, **means):
        self.best_untrained, self.trial = best, SimpleNamespace(k=k, seed=0, items=items)
        self.means = {"whole": means, "unseen": unseen or means}
        self.methods = dict.fromkeys(name for name in means if name not in (RANDOM, CEILING))

    def shares(self, method, gallery="whole"):
        count = round(200 * self.means[gallery][method])
        shares = np.repeat([1.0, 0.0], [count, 200 - count])
        return pd.DataFrame({column: shares for column in ("department", "category", "colour", BOTH)})

    @property
    def gains(self):
        return {
            (gallery, column): paired_difference(
                self.shares(LEARNED, gallery)[column], self.shares(self.best_untrained, gallery)[column], 0
            )
            for gallery in self.means
            for column in ("category", "colour", BOTH)
        }


def result(learned=0.86, frozen=0.5, logistic=0.86, described=0.9, ceiling=1.0, **more):
    return Result(
        **{RANDOM: 0.01, FROZEN: frozen, LOGISTIC: logistic, LEARNED: learned, DESCRIBED: described, CEILING: ceiling},
        **more,
    )


def test_a_gain_a_loss_and_neither():
    won = evaluation.precision(result())
    assert "86% of *learned*'s recommendations match in category and colour, 50% of *frozen*'s: +0.360 [" in won
    assert (
        "does as well (86%; 0.000 [0.000, 0.000] for *learned*)" in won.replace("+", "") and "would allow 100%" in won
    )
    lost = evaluation.precision(result(learned=0.4, logistic=0.2, ceiling=0.4))
    assert "falls behind *frozen*, 40% against 50%" in lost and "stays below it at 20%" in lost
    assert "would allow" not in lost
    assert "is ahead at 95%" in evaluation.precision(result(logistic=0.95))
    even = evaluation.precision(result(learned=0.5, logistic=0.5))
    assert "cannot be told apart" in even
    alone = result()
    del alone.methods[LOGISTIC]
    assert "Logistic" not in evaluation.precision(alone)


def test_without_training_nothing_is_said_of_its_gain():
    why = "No network was trained."
    assert evaluation.precision(result(), why) == evaluation.unseen(result(), why) == ""
    (first, *_) = evaluation.findings(result(items=WORDS), made=False, measured=False, why_untrained=why)
    assert first.startswith(f"{why} *Learned* stands for looks") and "gain could be measured" in first


def test_unseen_items():
    strict = {RANDOM: 0.01, FROZEN: 0.2, LEARNED: 0.75, CEILING: 0.9}
    said = evaluation.unseen(result(unseen=strict))
    assert "reaches 75%, +0.550 [" in said and "less than the 86% above" in said and "memorised training items" in said
    same = evaluation.unseen(result())
    assert "less than" not in same and "memorised" not in same
    assert "there is no significant gain over *frozen*" in evaluation.unseen(result(unseen=strict | {LEARNED: 0.2}))


def test_intervals_and_p_values_that_disagree_are_explained():
    def tests(low, p, p_holm):
        table = pd.DataFrame({"against": ["HOG"], "low": [low], "high": [0.2], "p": [p], "p_holm": [p_holm]})
        return evaluation.tests(SimpleNamespace(tests=table))

    assert tests(0.01, 0.02, 0.2).startswith("Against *HOG* an interval excludes 0")
    assert tests(-0.01, 0.02, 0.2) == "" and tests(0.01, 0.01, 0.04) == ""
    floor = tests(0.01, LEAST_P, 44 * LEAST_P)
    assert "1 of the 1 comparisons are at the test's floor (p < 0.005): none of 10,000 random" in floor


def test_success_names_the_leader_and_lists_that_are_right_or_wrong_together():
    found = Result(**{FROZEN_AND_HISTOGRAM: 0.5, LEARNED: 0.86, SHOWN: 1.0})

    def curve(first, last, own_first, own_last):
        return pd.DataFrame(
            {"method": [FROZEN_AND_HISTOGRAM] * 2 + [LEARNED] * 2 + [SHOWN] * 2, "k": [1, 6] * 3,
             "success": [first, last, own_first, own_last, 1, 1]}
        )  # fmt: skip

    said = evaluation.success(found, curve(0.713, 0.948, 0.857, 0.925))
    assert said.startswith("*frozen + histogram* most often has at least one right item among six (95%, *learned* 93%)")
    assert "*learned* leads, 86% against 71%" in said and "right or wrong together" in said
    assert evaluation.success(found, curve(0.3, 0.6, 0.5, 0.9)) == ""
    assert evaluation.success(Result(k=1, **{LEARNED: 0.8}), curve(0, 0, 0, 0)) == ""


def long(rows, names):
    return pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows])


def test_what_was_not_taught():
    names = ("column", "method", "mean", "low", "high")
    rows = [("grey", FROZEN, 0.79, 0.78, 0.8), ("grey", LEARNED, 0.75, 0.74, 0.76), ("grey", SHOWN, 0.77, 0.7, 0.8)]
    said = evaluation.untaught(long(rows, names))
    assert "In *grey* the frozen vectors agree more than *learned* (0.790 against 0.750)" in said
    assert "keeps 0.770" in said
    assert evaluation.untaught(long(rows, names), "No network was trained.") == ""
    assert evaluation.untaught(long([rows[0], ("grey", LEARNED, 0.78, 0.77, 0.79)], names)) == ""


def test_how_much_is_shown():
    def table(own, frozen):
        return long([("described", "whole", own, own - 0.01, own + 0.01),
                     ("frozen", "whole", frozen, frozen - 0.01, frozen + 0.01)],
                    ("method", "gallery", "never_shown", "low", "high"))  # fmt: skip

    assert "leaves 2% of the catalogue in nobody's list, the frozen network 8%" in evaluation.coverage(
        table(0.02, 0.08)
    )
    assert "only 8%: words narrow the lists" in evaluation.coverage(table(0.4, 0.08))
    assert evaluation.coverage(table(0.08, 0.08)) == ""


def test_the_hardest_department_where_it_is_no_accident():
    names = ("department", "queries", "method", "mean", "low", "high")
    rows = [("shirts", 60, LEARNED, 0.6, 0.5, 0.7), ("bags", 60, LEARNED, 0.99, 0.97, 1.0)]
    rows += [("shirts", 60, CEILING, 1.0, 1.0, 1.0), ("hats", 3, LEARNED, 0.1, 0.0, 0.3)]
    said = evaluation.departments(long(rows, names))
    assert "Precision by photo alone is lowest for *shirts*: 0.600 [0.500, 0.700]" in said
    assert "would allow 1.000" in said
    assert evaluation.departments(long(rows, names), "No network was trained.") == ""
    wide = [("shirts", 60, LEARNED, 0.6, 0.5, 0.9), *rows[1:]]
    assert evaluation.departments(long(wide, names)) == "" and evaluation.departments(long(rows[:1], names)) == ""


def test_more_stock():
    def curve(own, most):
        rows = [(LEARNED, size, BOTH, mean) for size, mean in zip((50, 100), own, strict=True)]
        rows += [(CEILING, size, BOTH, mean) for size, mean in zip((50, 100), most, strict=True)]
        return long(rows, ("method", "size", "column", "mean"))

    assert "from 10% to 60%, the ceiling from 12% to 70%: more stock still helps" in evaluation.gallery_size(
        curve((0.1, 0.6), (0.12, 0.7))
    )
    assert "less than it could" in evaluation.gallery_size(curve((0.1, 0.3), (0.12, 0.9)))
    assert "looks right and is wrong" in evaluation.gallery_size(curve((0.5, 0.3), (0.6, 0.9)))


def test_short_vectors():
    assert "32 of 154 dimensions keep 95% of what *learned*" in evaluation.embedding_size({LEARNED: 32}, {LEARNED: 154})
    assert "5 times smaller" in evaluation.embedding_size({LEARNED: 32}, {LEARNED: 154})
    assert evaluation.embedding_size({LEARNED: 100}, {LEARNED: 154}) == ""


def test_what_the_weight_of_colour_trades():
    def curve(category, colour, both):
        rows = [(weight, name, values[place]) for name, values in
                (("category", category), ("colour", colour), (BOTH, both))
                for place, weight in enumerate((0.0, 0.5, 1.0))]  # fmt: skip
        return long(rows, ("weight", "column", "mean"))

    good = curve((0.9, 0.88, 0.3), (0.4, 0.99, 1.0), (0.4, 0.86, 0.3))
    said = evaluation.colour_weight(good, 0.5)
    assert "colour rises from 40% to 100% and category falls from 90% to 30%" in said and "at 0.5" in said
    assert "most often at 0.5, +0.560 over the report's 1.0" in evaluation.colour_weight(good, 1.0)
    assert evaluation.colour_weight(curve((0.9, 0.9, 0.9), (0.4, 0.4, 0.4), (0.4, 0.4, 0.4)), 0.5) == ""


def test_failures_and_caveats():
    assert evaluation.failures(2, 600, 0.0, WORDS).startswith("2 queries of 600 (0.3%)")
    assert evaluation.failures(0, 600, 0.0, WORDS).endswith("The worst are half right: the right colour on the wrong "
                                                            "kind of garment, or the reverse.")  # fmt: skip
    assert evaluation.failures(0, 600, 0.5, WORDS).endswith("600 queries has a recommendation of the right category or "
                                                            "colour.")  # fmt: skip
    assert evaluation.failures(0, 0, float("nan"), WORDS) == ""
    for column in WORDS:
        assert evaluation.failures(0, 600, 0.0, WORDS.assign(**{column: "one"})) == "", "right by construction"
    assert "dyed" in evaluation.caveat(True, False) and "by construction" in evaluation.caveat(True, True)
    assert "do not measure taste" in evaluation.caveat(False, False)


def test_findings_begin_with_the_answer_and_follow_the_intervals():
    lines = evaluation.findings(result(), made=True, measured=False)
    assert lines[0].startswith(
        "**By photo alone, 86% of the six recommended items match the query in category and colour, against"
    )
    assert "dyed" in lines[0] and "*learned* gains** against *frozen*: +0.360" in lines[1]
    assert "in category and colour together, " in lines[1] and lines[1].endswith("in colour alone.")
    assert "Knowing the labels of the items in stock adds" in lines[4]
    worse = evaluation.findings(result(learned=0.3, described=0.2), made=False, measured=False)
    assert "fewer than the 50%" in worse[0] and "loses" in worse[1]
    assert any("Knowing the labels of the items in stock changes a query by photo alone by -" in line for line in worse)
    even = evaluation.findings(result(learned=0.5, described=0.5), made=False, measured=False)
    assert "not significantly more" in even[0] and not any("Knowing the labels" in line for line in even)
