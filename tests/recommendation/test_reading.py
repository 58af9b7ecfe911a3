"""Searches as customers write them: what each is read as, and what each finds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion.attributes.layout import Layout, blend_words
from fashion.catalogue.prices import price_number
from fashion.neighbours.exact import nearest, normalise
from fashion.recommendation.filters import QueryError
from fashion.recommendation.reading import Reader
from fashion.recommendation.recommender import Recommender
from fashion.recommendation.texts import Texts

SWATCHES = {"red": "#b3312f", "azure": "#77a9d4", "dark blue": "#252e4a", "black": "#272729", "grey": "#7e7f83",
            "multi": "#888888"}  # fmt: skip
ITEMS = pd.DataFrame(
    [
        ("10000001AAF", "red", "short dress", "dresses", "Floral tea dress", "Bruni", "49,90 €", "S, M"),
        ("10000002AAF", "red", "jacket", "coats", "Biker", "Bruni", "120 €", "M/L"),
        ("10000003AAF", "azure", "shirt", "shirts", "Oxford", "Bianchi", "35 €", "L"),
        ("10000004AAF", "black", "shirt", "shirts", "Floral print", "Bianchi", "€ 1.299,00", "M"),
        ("10000005AAF", "dark blue", "short dress", "dresses", "Polka dots", "Verdi", "", ""),
        ("10000006AAF", "black", "trousers", "trousers", "Chino", "Verdi", "80", "S"),
    ],
    columns=["item", "colour", "category", "department", "title", "brand", "price", "size"],
).assign(photo=lambda t: "images/" + t["item"] + ".jpg")
READER = Reader(ITEMS, SWATCHES)


def read(text):
    reading = READER.read(text)
    asked = {column: set(words) for column, words in reading.asked.items()}
    return asked, set(reading.texts), reading.conditions, reading.notes


@pytest.mark.parametrize(
    ("text", "asked", "texts", "conditions", "noted"),
    [
        ("red dress", {"colour": {"red"}, "department": {"dresses"}}, set(), [], ""),
        ("red summer dress", {"colour": {"red"}, "department": {"dresses"}}, set(), [], "ignored: summer"),
        ("light blue shirt", {"colour": {"azure"}, "category": {"shirt"}}, set(), [], "“light blue” here; showing az"),
        ("jaket", {"category": {"jacket"}}, set(), [], "Showing jacket for “jaket”"),
        ("flroal dres", {"department": {"dresses"}}, {"floral"}, [], "Showing floral for “flroal”"),
        ("BRUNI jackets", {"category": {"jacket"}}, {"BRUNI"}, [], ""),
        ("shirt not black", {"category": {"shirt"}}, set(), ["not black"], ""),
        ("camicia non nera", {"department": {"shirts"}}, set(), ["not nera"], ""),
        ("dress -red", {"department": {"dresses"}}, set(), ["not red"], ""),
        ("not red or azure", {}, set(), ["not red", "not azure"], ""),
        ("dress without dots", {"department": {"dresses"}}, set(), ["not dots"], ""),
        ("dress under 50", {"department": {"dresses"}}, set(), ["up to 50"], ""),
        ("sotto i 50 euro", {}, set(), ["up to 50"], ""),
        ("shirt between €30 and 1.300,00", {"category": {"shirt"}}, set(), ["from 30", "up to 1300"], ""),
        ("over 100", {}, set(), ["from 100"], ""),
        ("shirt size M", {"category": {"shirt"}}, set(), ["size M"], ""),
        ("taglia XXL", {}, set(), [], "ignored: taglia XXL"),
        ("hoodies and qwertz", {}, set(), [], "ignored: hoodies, qwertz"),
        ('"jaket" red', {"colour": {"red"}}, set(), [], "ignored: jaket"),
        ("not size M red", {"colour": {"red"}}, set(), [], "ignored: not size M"),
        ("shirt without a print", {"category": {"shirt"}}, set(), ["not print"], ""),
        ("not the black shirt", {"category": {"shirt"}}, set(), ["not black"], ""),
        ("not, please, black", {"colour": {"black"}}, set(), [], ""),
        ('"not" black', {"colour": {"black"}}, set(), [], "ignored: not"),
        ("non-black shirt", {"category": {"shirt"}}, set(), ["not black"], ""),
        ("shirt not under 50", {"category": {"shirt"}}, set(), ["from 50"], ""),
        ("no more than 50", {}, set(), ["up to 50"], ""),
        ("not between 30 and 50", {}, set(), [], "ignored: not between 30 and 50"),
        ("dress trousers", {"category": {"trousers"}}, set(), [], "ignored: dresses"),
        ("", {}, set(), [], ""),
    ],
)  # fmt: skip
def test_reads(text, asked, texts, conditions, noted):
    found = read(text)
    assert found[:3] == (asked, texts, conditions)
    assert noted in " ".join(found[3]) and bool(noted) == bool(found[3])


def test_a_number_leads_to_its_item_alone_and_among_words():
    assert READER.read(" 10000003aaf ").item == "10000003AAF" and not READER.read("10000009AAF").item
    reading = READER.read("10000003AAF in red")
    assert reading.item == "10000003AAF" and reading.asked == {"colour": ("red",)}
    named = Reader(ITEMS.assign(item=["red", "2", "3", "4", "5", "6"]))
    assert named.read("red").asked == {"colour": ("red",)} and named.read("2").item == "2"


def test_a_price_is_no_items_number_unless_it_is_all():
    numbered = Reader(ITEMS.assign(item=["10000", "2", "3", "4", "5", "6"]))
    reading = numbered.read("shirt under 10000")
    assert not reading.item and reading.high == 10000 and numbered.read("10000").item == "10000"
    both = numbered.read("10000 in red under 50")
    assert (both.item, both.beside, both.high) == ("10000", "in red under 50", 50)


def test_a_word_that_begins_with_a_no_says_what_an_item_is_where_texts_have_it():
    titles = ["Non-iron tee", "No-show tee", "Tee", "Tee", "Tee", "Tee"]
    reader = Reader(ITEMS.assign(title=titles))
    for text, words, row in (("non-iron tee", ("non", "iron", "tee"), 0), ("no-show tee", ("no", "tee"), 1)):
        reading = reader.read(text)
        assert reading.texts == words and not reading.barred and reader.texts.having(words).argmax() == row
    assert reader.read("tee -show, not red").conditions == ["not red"]


def test_the_known_words_are_read_as_the_vocabulary_reads_them():
    for text in ("red dress", "vestito rosso", "black shirt or trousers", "navy"):
        assert READER.read(text).asked == READER.vocabulary.parse(text)


def test_an_unknown_colour_goes_to_no_word_of_many_colours():
    assert READER.read("grey green").nearest and "multi" not in READER.read("taupe").asked["colour"]


@given(st.text(max_size=40))
def test_any_text_is_read(text):
    reading = READER.read(text)
    assert all(set(words) <= set(ITEMS[column]) for column, words in reading.asked.items())
    assert READER.allowed(reading).shape == (6,)


def test_conditions_are_the_columns():
    def allowed(text):
        return ITEMS["item"].str[7][READER.allowed(READER.read(text))].astype(int).tolist()

    assert allowed("not black") == [1, 2, 3, 5] and allowed("without floral") == [2, 3, 5, 6]
    assert allowed("under 50") == [1, 3] and allowed("from 80 to 2000") == [2, 4, 6], "without a price it is neither"
    assert allowed("size m") == [1, 2, 4] and allowed("size m under 100 not red") == []


def test_prices_without_a_column_are_named():
    assert Reader(ITEMS.drop(columns="price")).read("red under 50").passed_over == ("under 50",)


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("12.5", 12.5), ("1,299.50", 1299.5), ("1.299.000", 1299000), ("0.299", 0.299), ("CHF 1’299", 1299),
     ("\u20ac\u00a049,00", 49), ("free", np.nan)],
)  # fmt: skip
def test_prices(text, number):
    assert price_number(text) == pytest.approx(number, nan_ok=True)


def test_scores_are_bm25s():
    """Lucene's BM25, by its formula (k1 1.5, b .75), as a share of the best."""
    titles = ["red floral dress", "floral floral shirt", "plain shirt", "dress"]
    texts = Texts(pd.DataFrame({"title": titles}))
    tokens = [title.split() for title in titles]
    mean = np.mean([len(t) for t in tokens])

    def score(words, document):
        found = 0.0
        for word in words:
            df, tf = sum(word in d for d in tokens), document.count(word)
            idf = np.log(1 + (len(tokens) - df + 0.5) / (df + 0.5))
            found += idf * tf / (tf + 1.5 * (1 - 0.75 + 0.75 * len(document) / mean))
        return found

    expected = np.array([score(["floral", "dress"], d) for d in tokens])
    assert texts.scores(["floral", "dresses"]) == pytest.approx(expected / expected.max(), abs=1e-6)
    assert texts.having(["floral", "dress"]).tolist() == [True, False, False, False]
    assert Texts(pd.DataFrame({"title": ["", ""]})).scores(["x"]).tolist() == [0, 0]


def test_stems_are_those_of_the_catalogues_language():
    italian = Texts(pd.DataFrame({"title": ["vestiti floreali"]}), "it-CH")
    assert "floreale" in italian and "vestito" in italian
    assert "pomodori" not in Texts(pd.DataFrame({"title": ["pomodoro"]}), "zz"), "no stemmer: whole words"


@pytest.fixture(scope="module")
def shop():
    rng, n = np.random.default_rng(0), 300
    kinds, shades = sorted(set(ITEMS["category"])), sorted(set(ITEMS["colour"]))
    items = pd.DataFrame({
        "item": [f"{n:08d}X" for n in range(n)], "photo": [f"{n}.jpg" for n in range(n)],
        "colour": rng.choice(shades, n), "category": rng.choice(kinds, n),
        "title": rng.choice(["floral", "striped", "plain"], n), "price": rng.integers(10, 200, n).astype(str),
    })  # fmt: skip
    layout = Layout(tuple(kinds), tuple(shades), np.eye(len(kinds), dtype=np.float32), {}, 8, "x", SWATCHES)
    parts = {}
    for column, words in (("category", layout.categories), ("colour", layout.colours)):
        parts[column] = blend_words(rng.dirichlet(np.ones(len(words)), n).astype(np.float32), items[column], words, 0.6)
    vectors = layout.with_hubs(layout.compose(parts, rng.normal(size=(n, 8))), rng.normal(0, 0.02, n))
    return Recommender(items, normalise(vectors), layout)


@pytest.mark.parametrize(
    "text", ["red dress", "red or black shirt", "dress", "azure", "trousers, jacket, red or black"]
)
def test_words_alone_score_as_a_search_by_all_dimensions_does(shop, text):
    """The quick way, part by part, against one product for each combination of kind and colour."""
    query = shop.words_query(text)
    rows, similarity = shop.ranked(query, 300)
    scaled = shop.layout.queries(query.vectors, shop.layout.weights(shop.colour_weight, shop.looks_weight))
    scaled = scaled * np.float32(shop.layout.length)
    found, cosine = nearest(scaled, shop.vectors, 300, assume_unit=True)
    best = np.full(300, -np.inf)
    for places, values, length in zip(found, cosine, np.linalg.norm(scaled, axis=1), strict=True):
        best[places] = np.maximum(best[places], values * length)
    assert similarity == pytest.approx(best[rows], abs=1e-6) and sorted(rows) == list(range(300))
    exact = query.exact[rows]
    assert not exact[exact.sum() :].any(), "what matches every word comes first"
    for part in (similarity[exact], similarity[~exact]):
        assert (np.diff(part) <= 1e-7).all()


def test_texts_and_conditions_count(shop):
    query = shop.words_query("floral red dress under 100, not striped")
    table = shop.answer(query, 300).merge(shop.items[["item", "title", "price"]])
    head = table[: int(query.exact.sum())]
    assert len(head) and set(head["title"]) == {"floral"} and set(head["colour"]) == {"red"}
    assert table["price"].astype(int).max() <= 100 and "striped" not in set(table["title"])
    assert table["similarity"].between(-1, 1).all()
    alone = shop.answer(shop.words_query("floral"), 300).merge(shop.items[["item", "title"]])
    assert alone["similarity"].tolist() == sorted(alone["similarity"], reverse=True)
    assert alone["similarity"].iloc[0] == 1 and alone["title"].iloc[0] == "floral"


def test_words_beside_an_item_are_forgiving_too(shop):
    item = shop.items["item"].iloc[0]
    same = shop.words_query("qwertzy", shop.item_query(item))
    assert same.reading.passed_over == ("qwertzy",)
    assert shop.answer(same, 5)["item"].tolist() == shop.by_item(item, 5)["item"].tolist()
    cheap = shop.answer(shop.words_query("under 50 not red", shop.item_query(item)), 20).merge(shop.items)
    assert cheap["price"].astype(int).max() <= 50 and "red" not in set(cheap["colour"])
    by_number = shop.words_query(f"{item} in red")
    assert by_number.row == 0 and by_number.description["colour"] == "red"
    with pytest.raises(QueryError, match="found 'qwertzy'"):
        shop.words_query("qwertzy")
