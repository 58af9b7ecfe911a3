"""Words in English and Italian ask for what a person would mean by them."""

import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion.recommendation.filters import QueryError
from fashion.recommendation.words import Vocabulary, stem, stems

ITEMS = pd.DataFrame(
    [
        ("red", "short dress", "dresses", "women"),
        ("blue", "dress", "dresses", "women"),
        ("dark blue", "long dress", "dresses", "women"),
        ("white", "large leather bag", "bags", "women"),
        ("black", "leather jacket", "leather clothing", "men"),
        ("black", "ankle boots", "footwear", "men"),
        ("white", "short-sleeved T-shirt", "tops", "men"),
        ("grey", "shirt", "shirts", "men"),
        ("light pink", "trainers", "footwear", "women"),
    ],
    columns=["colour", "category", "department", "gender"],
)
VOCABULARY = Vocabulary(ITEMS)
DRESSES = {"short dress", "dress", "long dress"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red dress", {"colour": {"red"}, "category": DRESSES}),
        ("Vestito rosso", {"colour": {"red"}, "category": DRESSES}),
        ("long dresses", {"category": {"long dress"}}),
        ("dark blue", {"colour": {"dark blue"}}),
        ("blu scuro", {"colour": {"dark blue"}}),
        ("navy sneakers", {"colour": {"dark blue"}, "category": {"trainers"}}),
        ("red or blue", {"colour": {"red", "blue"}}),
        ("leather bag", {"category": {"large leather bag"}}),
        ("borsa di pelle bianca", {"category": {"large leather bag"}, "colour": {"white"}}),
        ("camicie bianche", {"colour": {"white"}, "department": {"shirts"}}),
        ("scarpe nere", {"colour": {"black"}, "department": {"footwear"}}),
        ("black shoes for men", {"colour": {"black"}, "department": {"footwear"}, "gender": {"men"}}),
        ("a white t-shirt, please", {"colour": {"white"}, "category": {"short-sleeved T-shirt"}}),
        ("gray shirt", {"colour": {"grey"}, "category": {"shirt"}}),
        # A word that is only part of another kind's name narrows, or is passed over; it never adds that kind.
        ("red leather shoes", {"colour": {"red"}, "department": {"footwear"}}),
        ("long shirt", {"category": {"shirt"}}),
        ("leather trainers", {"category": {"trainers"}}),
        ("large bag", {"category": {"large leather bag"}}),
        ("leather", {"category": {"large leather bag", "leather jacket"}}),
    ],
)
def test_reads(text, expected):
    assert {column: set(words) for column, words in VOCABULARY.parse(text).items()} == expected


def test_unknown_words_are_all_named_with_near_ones():
    with pytest.raises(QueryError) as caught:
        VOCABULARY.parse("redd trousres")
    assert "'redd'; near: red" in str(caught.value) and "'trousres'" in str(caught.value)
    for empty in ("", "the", "per favore"[:3]):
        with pytest.raises(QueryError, match="only stop words"):
            VOCABULARY.parse(empty)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_message(text):
    try:
        found = VOCABULARY.parse(text)
    except QueryError as error:
        assert str(error)
    else:
        assert all(set(words) <= set(ITEMS[column]) and words for column, words in found.items())


def test_plurals_and_genders_share_a_stem():
    for one, other in [("boot", "boots"), ("dress", "dresses"), ("rosso", "rosse"), ("bianco", "bianche"),
                       ("scarf", "scarves"), ("GONNA", "gonne"), ("watch", "watches")]:  # fmt: skip
        assert stem(one) == stem(other), (one, other)
    assert stem("red") != stem("rust") and stems("T-shirt") == stems("tshirt") and stems("women's suit")[0] == "women"


def test_kinds_that_do_not_go_together_are_refused_with_both():
    with pytest.raises(QueryError, match=r"found no item that is both dress or short dress or long dress and footwear"):
        VOCABULARY.parse("dress shoes")
    suits = pd.DataFrame({"category": ["women's suit", "boots", "shirt"], "department": ["suits", "footwear", "shirts"],
                          "colour": "red"})  # fmt: skip
    assert Vocabulary(suits).parse("red shoes for women") == {"colour": ("red",), "department": ("footwear",)}
    assert Vocabulary(suits).parse("shirt for women") == {"category": ("shirt",)}


@pytest.mark.parametrize(("word", "unknown"), [("red", False), ("zzz", True)])
def test_many_words_take_no_longer_than_their_number(word, unknown):
    begin = time.process_time()
    if unknown:
        with pytest.raises(QueryError, match=r"and 1997 more\. Correct them") as caught:
            VOCABULARY.parse(f"{word} " * 2000)
        assert len(str(caught.value)) < 300
    else:
        assert VOCABULARY.parse(f"{word} " * 2000) == {"colour": ("red",)}
    assert time.process_time() - begin < 1.0  # 2.8 s where each word looked at all that follow it
