"""A catalogue's own glossary: any language's words to English ones, and their colours; its faults are named."""

import io
import zipfile

import pandas as pd
import pytest
from conftest import TOML, write_small_catalogue

from fashion.catalogue.cleaning import clean_table
from fashion.catalogue.definition import load_catalogue, open_catalogue
from fashion.catalogue.swatches import listed_colours
from fashion.catalogue.table import read_table
from fashion.catalogue.translation import own_hexes, read_glossary, translate
from fashion.cli.main import main
from fashion.core.errors import CatalogueError, TranslationError
from fashion.recommendation.filters import parse_where
from fashion.recommendation.words import Vocabulary
from fashion.report import steps
from fashion.report.steps import Settings, step_key

COLOURS = "色,english,srgb,note\n赤,red,#c8102e,\n紺,navy blue,,\n生成り,ecru,#efe6d2,undyed\n"
KINDS = "word,english\nワンピース,dress\n靴,shoes\n"
GROUPS = "word,english,garment,colour\n服,clothes,yes,#0072b2\n食器,tableware,no,\n"


@pytest.fixture
def japanese(tmp_path):
    """A catalogue's TOML and its glossary in a folder beside it; the rows as they are read."""
    (tmp_path / "words").mkdir()
    for name, text in (("colours", COLOURS), ("kinds", KINDS), ("groups", GROUPS)):
        (tmp_path / f"words/{name}.csv").write_text(text, encoding="utf-8")
    names = {"colours": "colours", "categories": "kinds", "departments": "groups"}
    glossary = "\n".join(f'{key} = "words/{name}.csv"' for key, name in names.items())
    toml = TOML.replace('"it"', '"ja"').replace("[source]", f"[glossary]\n{glossary}\n[source]")
    (tmp_path / "tiny.toml").write_text(toml, encoding="utf-8")
    rows = [
        ("a", "赤", "ワンピース", "服"),
        ("b", " 紺", "靴", "服"),
        ("c", "赤", "靴 ", "服"),
        ("d", "紺", "靴", "食器"),
    ]
    table = pd.DataFrame(rows, columns=["item", "colour", "category", "department"]).assign(
        row=range(1, 5), photo=["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    )
    return load_catalogue(tmp_path / "tiny.toml"), table


MALFORMED = pd.DataFrame(columns=["row", "item", "photo", "reason"])


def test_japanese_words_become_english_ones_and_what_is_no_garment_goes(japanese):
    catalogue, rows = japanese
    step, _ = clean_table(catalogue, rows, MALFORMED)
    assert step.rows[["colour", "category"]].to_numpy().tolist() == [
        ["red", "dress"],
        ["navy blue", "shoes"],
        ["red", "shoes"],
    ]
    assert step.rows["colour_source"].tolist() == ["赤", " 紺", "赤"]
    assert step.rejected["reason"].tolist() == ["not a garment"] and step.rejected["detail"].tolist() == ["tableware"]
    assert own_hexes(catalogue.glossary) == {"red": "#c8102e", "ecru": "#efe6d2"}
    listed = listed_colours(["red", "navy blue", "ecru"], "ja", own_hexes(catalogue.glossary))
    assert listed == {"red": "#c8102e", "navy blue": "#001146", "ecru": "#efe6d2"}
    assert own_hexes({}) == {} and own_hexes(None) == {}


def test_a_search_and_a_filter_may_use_the_catalogues_own_words(japanese):
    catalogue, rows = japanese
    items = clean_table(catalogue, rows, MALFORMED)[0].rows
    vocabulary = Vocabulary(items)
    assert vocabulary.parse("赤 ワンピース") == {"colour": ("red",), "category": ("dress",)}
    assert vocabulary.parse("navy blue 靴") == {"colour": ("navy blue",), "category": ("shoes",)}
    assert parse_where({"colour": "紺", "category": ["靴", "dress"]}, items) == {
        "colour": ("navy blue",), "category": ("shoes", "dress"),
    }  # fmt: skip


def test_unknown_words_are_named_with_the_catalogues_own_file(japanese):
    catalogue, rows = japanese
    rows.loc[0, "colour"] = "青"
    with pytest.raises(TranslationError, match=r"colour '青', 1 row\n.*words/colours\.csv"):
        clean_table(catalogue, rows, MALFORMED)
    kept = clean_table(catalogue, rows, MALFORMED, keep_unknown=True)[0].rows
    assert kept["colour"].tolist() == ["青", "navy blue", "red"]


def table(*colours):
    return pd.DataFrame({"colour": colours})


def test_italian_words_of_ones_own_come_before_ours(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("italian,english,srgb\nBLU,navy,#1b2a52\nVERDE TIFFANY,tiffany green,#81d8d0\n")
    own = {"colour": path}
    assert translate(table("BLU", "verde  tiffany", "ROSSO"), glossary=own)["colour"].tolist() == [
        "navy",
        "tiffany green",
        "red",
    ]
    assert translate(table("BLU"))["colour"].tolist() == ["blue"]
    with pytest.raises(TranslationError, match=r"'VERDE TIFANY', 1 row \(near: VERDE TIFFANY(?s:.)*c\.csv"):
        translate(table("VERDE TIFANY"), glossary=own)


def test_english_words_that_a_glossary_lacks_pass(tmp_path):
    (tmp_path / "c.csv").write_text("code;english;srgb\nNVY;Navy  Blue;#1b2a52\n", encoding="utf-8")
    own = {"colour": tmp_path / "c.csv"}
    assert translate(table("nvy", "Red"), language="en", glossary=own)["colour"].tolist() == ["Navy Blue", "red"]
    with pytest.raises(TranslationError):
        translate(table("nvy", "rouge"), language="fr", glossary=own)
    assert translate(table("Bleu Marine"), language="fr")["colour"].tolist() == ["bleu marine"], "no glossary, so kept"


@pytest.mark.parametrize("language", ["it", "it-CH", "IT", "ita"])
def test_italian_in_each_spelling_has_our_glossary(language):
    assert translate(table("ROSSO"), language=language)["colour"].tolist() == ["red"]


@pytest.mark.parametrize("code", ["en", "ja", "pt-BR", "zh-Hant-TW", "gsw", "fil"])
def test_any_language_may_be_named(tmp_path, code):
    (tmp_path / "tiny.toml").write_text(TOML.replace('"it"', f'"{code}"'))
    assert load_catalogue(tmp_path / "tiny.toml").language == code


@pytest.mark.parametrize("code", ["", "e", "english", "it_IT", "日本", "en-", "en us"])
def test_what_is_no_language_is_refused(tmp_path, code):
    (tmp_path / "tiny.toml").write_text(TOML.replace('"it"', f'"{code}"'), encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"expected `language` in .*tiny.toml to be the code .*; found"):
        load_catalogue(tmp_path / "tiny.toml")


@pytest.mark.parametrize(
    ("change", "said"),
    [('[glossary]\ncolors = "c.csv"\n', r"unknown key 'colors'\. Did you mean colours"),
     ("[glossary]\ncolours = 3\n", r"`colours` in \[glossary\] of .* to be text; found 3"),
     ('[glossary]\ncolours = ""\n', r"`colours` in \[glossary\] of .* to say something")],
)  # fmt: skip
def test_a_wrong_table_of_the_toml(tmp_path, change, said):
    (tmp_path / "tiny.toml").write_text(TOML.replace("[source]", f"{change}[source]"))
    with pytest.raises(CatalogueError, match=said):
        load_catalogue(tmp_path / "tiny.toml")


def workbook():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("xl/workbook.xml", "x")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [(None, r"expected a glossary of colour words at .*g\.csv; found that it cannot be read: No such.* relative to"),
     (b"", r"found an empty file\. Correct the header"), (b"\n", "found an empty file"),
     (b"rosso,red\n", r"the word, then english, srgb, note .*; found rosso, red\. Correct the header"),
     (b"word,english,hex\nrosso,red,#ff0000\n", "found word, english, hex"),
     (workbook(), r"found an Excel workbook \(\.xlsx\)\. Save the sheet as CSV"),
     (b"word,english,srgb\nrosso,red,red\n", r"'rosso' with the srgb 'red', which is not a colour such as #1f3a93"),
     (b"word,english\nrosso,red\nROSSO ,crimson\n", "'ROSSO' as 'red' and as 'crimson'"),
     (b'word,english\nrosso,"red' + b"x" * 200_000, "found field larger than field limit"),
     (b"word,english\nrosso,\n,red\n", r"'rosso' without its English word\n  'red' without a word of the catalogue")],
)  # fmt: skip
def test_a_file_that_is_no_glossary(tmp_path, data, said):
    path = tmp_path / "g.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(CatalogueError, match=said):
        read_glossary(path, "colour")


def test_many_faults_are_counted(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text("word,english,garment\n" + "".join(f"w{n},e{n},perhaps\n" for n in range(9)))
    with pytest.raises(
        CatalogueError, match=r"'w4' with the garment 'perhaps', which is neither yes nor no\n  and 4 more\n"
    ):
        read_glossary(path, "department")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_glossaries_as_programs_save_them(tmp_path, encoding, delimiter):
    text = 'Farbe,English,Note\r\nGRÜN,green,"of leaves, as such"\r\n\r\nweiß,white,\r\n'.replace(",", delimiter)
    text = text.replace(f"leaves{delimiter}", "leaves,")
    (tmp_path / "g.csv").write_bytes(text.encode(encoding))
    read = read_glossary(tmp_path / "g.csv", "colour")
    assert read[["word", "english", "srgb", "note", "key"]].to_numpy().tolist() == [
        ["GRÜN", "green", "", "of leaves, as such", "grün"], ["weiß", "white", "", "", "weiss"],
    ]  # fmt: skip


def test_a_report_is_renewed_when_its_own_glossary_is_edited(tmp_path):
    write_small_catalogue(tmp_path / "clothes", each=1)
    (tmp_path / "c.csv").write_text("word,english\nBLU,navy\n")
    (tmp_path / "tiny.toml").write_text(TOML.replace("[source]", '[glossary]\ncolours = "c.csv"\n[source]'))
    workspace = steps.Workspace("tiny", tmp_path / "p", tmp_path / "r")
    settings = Settings(catalogue=str(tmp_path / "tiny.toml"), backbone="efficientnet-lite0")
    before = step_key(workspace, steps.STEPS[0], settings)
    assert step_key(workspace, steps.STEPS[0], settings) == before
    (tmp_path / "c.csv").write_text("word,english\nBLU,dark blue\n")
    after = step_key(workspace, steps.STEPS[0], settings)
    (tmp_path / "c.csv").unlink()
    assert len({before, after, step_key(workspace, steps.STEPS[0], settings)}) == 3
    catalogue = load_catalogue(settings.catalogue)
    with pytest.raises(CatalogueError, match=r"c\.csv; found that it cannot be read"):
        clean_table(catalogue, *read_table(catalogue, open_catalogue(catalogue)))


def test_the_data_command_says_whether_words_are_known(tmp_path, capsys):
    write_small_catalogue(tmp_path / "clothes", each=1)
    for language, said in (("it", "all known"), ("en", "kept as they are")):
        (tmp_path / "tiny.toml").write_text(TOML.replace('"it"', f'"{language}"'))
        assert main(["data", "-c", str(tmp_path / "tiny.toml")]) == 0
        assert f": {said}\n" in capsys.readouterr().out
