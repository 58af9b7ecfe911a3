"""Italian to English: complete, forgiving in case and spaces, unforgiving of unknown words."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion.catalogue.translation import (
    GLOSSARIES,
    colour_hexes,
    department_colours,
    english_of,
    load_glossary,
    non_garments,
    normalise_word,
    translate,
)
from fashion.core.errors import TranslationError


def table(colour="ROSSO", category="BALLERINA", department="CALZATURE", n=1):
    return pd.DataFrame({"colour": [colour] * n, "category": category, "department": department})


def test_what_the_original_study_got_wrong():
    for italian, column, english in [
        ("CARNE", "colour", "nude"), ("CUOIO", "colour", "tan"), ("MARSUPIO", "category", "belt bag"),
        ("VERDE PETROLIO", "colour", "petrol"), ("TESTA DI MORO", "colour", "dark brown"),
    ]:  # fmt: skip
        assert english in str(english_of(italian, column)), (italian, english_of(italian, column))
    assert english_of("CELESTE", "colour") != english_of("AZZURRO", "colour")
    assert english_of("VIOLA", "colour") != english_of("PORPORA", "colour")
    assert english_of("CIABATTE", "category") != english_of("PANTOFOLE", "category")


@pytest.mark.parametrize("language", ["it", "en"])
def test_words_that_look_equal_are_one_word(language):
    spellings = ["CAFF\u00c8", "caffe\u0300", " Caff\u00e8\u200b", "\uff23aff\u00e8", "Caf\ufeff\u00adf\u00e8\u00a0"]
    rows = pd.concat([table(category=word) for word in spellings])
    assert set(translate(rows, language=language, keep_unknown=True)["category"]) == {"caff\u00e8"}


@given(st.data())
def test_case_and_spaces_do_not_matter(data):
    column = data.draw(st.sampled_from(list(GLOSSARIES)))
    glossary = load_glossary(column)
    line = glossary.iloc[data.draw(st.integers(0, len(glossary) - 1))]
    spaced = data.draw(st.sampled_from(["{}", "{} ", "  {}", "{}\t"])).format(line["word"])
    word = data.draw(st.sampled_from([str.upper, str.lower, str.title, str]))(spaced.replace(" ", "  "))
    translated = translate(table(**{column: word}))
    assert translated.loc[0, column] == line["english"]
    assert translated.loc[0, f"{column}_source"] == word


def test_unknown_words_are_all_listed_with_file_and_count():
    rows = pd.concat([table(), table(colour="ROSO", n=3), table(category="ASTRONAVE"), table(department="LUNA")])
    with pytest.raises(TranslationError) as caught:
        translate(rows.reset_index(drop=True))
    message = str(caught.value)
    for part in ("'ROSO', 3 rows", "near: ROSSO", "'ASTRONAVE', 1 row", "'LUNA'", "colours.csv", "categories.csv",
                 "departments.csv", "--keep-unknown"):  # fmt: skip
        assert part in message


def test_keep_unknown_passes_words_in_lower_case():
    translated = translate(table(colour="Blu Elettrico"), keep_unknown=True)
    assert translated.loc[0, ["colour", "category"]].tolist() == [
        "blu elettrico",
        english_of("BALLERINA", "category"),
    ]


def test_english_catalogues_are_kept():
    translated = translate(table("NA", "Casual  Shoes", "Shoes"), language="en")
    assert translated.loc[0, ["colour", "category", "category_source"]].tolist() == [
        "na",
        "casual shoes",
        "Casual  Shoes",
    ]


def test_input_is_not_changed_and_columns_may_be_absent():
    rows = table().drop(columns="department")
    before = rows.copy()
    assert "department" not in translate(rows)
    pd.testing.assert_frame_equal(rows, before)


def test_english_words_find_themselves():
    for column in GLOSSARIES:
        for word in load_glossary(column)["english"]:
            assert english_of(word, column) is not None
    assert english_of("no such word", "colour") is None


def test_palettes_cover_the_glossary():
    assert len(colour_hexes()) == 61 and len(department_colours()) == 33
    assert set(non_garments()) < set(department_colours())


@given(st.text(max_size=20))
def test_normalising_twice_changes_nothing(word):
    assert normalise_word(normalise_word(word)) == normalise_word(word)
