"""Readings of notebook 01 hold their numbers, and are not there where their condition is not."""

import numpy as np
import pandas as pd

from fashion.catalogue.checks import Audit, Check
from fashion.catalogue.cleaning import Cleaning, Counts, Joined
from fashion.photos.framing import RULES
from fashion.plots.readings import catalogue


def items_of(**sizes):
    return pd.DataFrame({"category": [word for word, count in sizes.items() for _ in range(count)]})


def test_counts_say_even_or_led_and_which_are_too_small():
    even = catalogue.counts(items_of(a=20, b=22), "category", "categories")
    assert "2 categories are about equally frequent, from 20 to 22 items" in even and "fewer than" not in even
    for size, told in ((1, "1 item"), (30, "30 items")):
        equal = catalogue.counts(items_of(a=size, b=size, c=size), "category", "categories")
        assert f"The 3 categories have {told} each, so a mean" in equal and " to " not in equal
    led = catalogue.counts(items_of(a=80, b=15, c=5), "category", "categories")
    assert led.startswith("*a* alone holds 80% of the items, 5.3 times the median category's")
    assert "1 category of 3 has fewer than 10 items" in led
    assert catalogue.counts(items_of(a=9), "category", "categories") == ""
    assert catalogue.counts(items_of(a=40, b=25, c=20), "category", "categories") == "", "neither even nor led"


def test_a_departments_colour_stands_out_or_nothing_is_said():
    even = pd.DataFrame({"department": ["x", "y"] * 100, "colour": ["red", "red", "blue", "blue"] * 50})
    assert catalogue.colour_by_department(even) == ""
    odd = pd.concat([even, pd.DataFrame({"department": ["x"] * 60, "colour": ["gr_een"] * 60})])
    said = catalogue.colour_by_department(odd)
    assert "*gr\\_een* stands out: it is the colour of 38% of *x* and of 23% of the catalogue" in said
    few = pd.concat([even, pd.DataFrame({"department": ["x"] * 5, "colour": ["green"] * 5})])
    assert catalogue.colour_by_department(few) == ""


def test_sizes_and_grounds():
    items = pd.DataFrame({"width": [10] * 4, "height": [20] * 4, "uneven_border": [0.0, 0.1, 0.0, 0.9]})
    assert catalogue.photo_sizes(items, "") == "All 4 photos are 10 × 20 pixels.", "vectors were given"
    two = items.assign(width=[10, 10, 10, 11])
    assert catalogue.photo_sizes(two, "").endswith("that of 75% of the photos.")
    for rule in RULES:
        said = catalogue.photo_sizes(items, rule), catalogue.photo_sizes(two, rule)
        assert ["distorts" in text for text in said] == [rule == "stretch"] * 2
        assert ["part of each" in text for text in said] == [rule == "crop"] * 2
    assert catalogue.contact_sheet(items).startswith("Only 75% of the photos have a plain background")
    assert catalogue.contact_sheet(items.head(3)).startswith("100% of the photos have a plain background")


def test_words_beside_photos():
    table = pd.DataFrame({"colour": ["red", "blue"], "median_distance": [4.0, 30.0]})
    said = catalogue.words_and_photos(table)
    assert said.startswith("For 1 of 2 words") and "*blue* is furthest, at 30" in said
    assert "furthest" not in catalogue.words_and_photos(table.assign(median_distance=4.0))
    assert catalogue.words_and_photos(table.head(1)) == ""


def test_doubtful_labels():
    doubtful = pd.DataFrame({"colour": ["green"] * 4 + ["red"]})
    assert "5 items of 100 (5%) are in doubt. 4 of them are called *green*" in catalogue.doubtful_labels(doubtful, 100)
    assert "called" not in catalogue.doubtful_labels(pd.DataFrame({"colour": ["green", "red"]}), 100)
    assert catalogue.doubtful_labels(doubtful.head(0), 100) == ""


def check(name, passed):
    return Check(name, "?", "s", 0.2, 0.1, passed, "So it is.")


def findings(counts, items, dropped, checks, doubtful=0, measured=False):
    """Of so many items, rows dropped and doubtful labels."""
    joined = Joined(
        pd.DataFrame(index=range(items)), Cleaning(pd.DataFrame(), pd.DataFrame(index=range(dropped))),
        np.full(items, measured), np.empty((0, 768)), pd.Series(), pd.DataFrame(), pd.DataFrame(),
    )  # fmt: skip
    labels = pd.DataFrame({"distance": [30.0] * doubtful + [1.0], "limit": 20.0})
    return catalogue.findings(counts, joined, Audit(tuple(checks), pd.DataFrame(), labels))


def test_findings_add_up_and_name_what_fails():
    assert 61 + 6980 + 2999 == 10_040
    good = findings(Counts(10_040, 10_040, 9979, 6980), 2999, 61, [check("schema", True)])
    assert good[0] == (
        "**The study has 2,999 items of 10,040 rows: 61 dropped, each with its reason, and 6,980 not drawn for this "
        "run.**"
    )
    assert "All 1 assumptions hold" in good[1] and good[2] == "**No photo contradicts its colour word.**"
    bad = findings(Counts(10, 10, 10, 0), 10, 0, [check("colour and department", False)], doubtful=3)
    assert "none dropped" in bad[0] and "Colour and department: So it is." in bad[1] and "3 items" in bad[2]
    assert "Cramér's V 0.200" in bad[3]
    several = findings(Counts(15, 15, 10, 0, joined=3), 10, 2, [check("schema", True)])
    assert "2 dropped, each with its reason, and 3 joined to an item as further photos.**" in several[0]
    assert "no finding" in findings(Counts(9, 9, 9, 0), 9, 0, [check("schema", True)], measured=True)[2]


def test_numbers_of_numpy_are_taken():
    assert catalogue.counts(items_of(a=np.int64(20), b=20), "category", "categories")
