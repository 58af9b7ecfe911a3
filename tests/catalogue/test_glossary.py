"""The glossary is complete, unambiguous, and drawable."""

import csv
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skimage.color import rgb2lab

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "data" / "glossary"
IMAGELAB = ROOT.parent / "shared" / "data" / "imagelab.zip"

COLUMNS = {
    "colours": ["italian", "english", "srgb", "note"],
    "categories": ["italian", "english", "note"],
    "departments": ["italian", "english", "garment", "colour", "note"],
}
COUNTS = {"colours": 61, "categories": 220, "departments": 33}
TABLE_COLUMNS = {"colours": "color", "categories": "micro_category", "departments": "macro_category"}

NOT_GARMENTS = {
    "AGENDE", "ALLATTAMENTO E PAPPA", "ARREDI", "COMPLEMENTI D'ARREDO", "FITNESS", "GIOCHI PER BAMBINI",
    "IDEE REGALO & OGGETTISTICA", "ILLUMINAZIONE", "PETS", "TAVOLA & CUCINA", "TECH GADGET", "TESSILE",
}  # fmt: skip
LARGEST = ["TOPWEAR", "CALZATURE", "VESTITI", "PANTALONI", "MAGLIERIA", "CAPISPALLA", "CAMICIE", "GONNE"]

# English with a capital: proper nouns, initials and letter shapes.
CAPITALISED = {"T-shirt", "Bermuda", "USB", "V-neck"}

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
COLOUR_BLIND = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def read(name):
    return pd.read_csv(GLOSSARY / f"{name}.csv", dtype=str, keep_default_na=False)


def normal(word):
    return " ".join(word.split()).casefold()


def rgb(colours):
    """'#rrggbb' to (n, 3) floats in [0, 1]."""
    return np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours]) / 255


def seen_by(sight, colours):
    """CIELAB (n, 3) of (n, 3) sRGB as a person with that sight sees it."""
    if sight != "normal":
        linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
        linear = np.clip(linear @ np.array(COLOUR_BLIND[sight]).T, 0, 1)
        colours = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(colours)


def closest_pair(lab):
    """Smallest distance between two different rows of (n, 3)."""
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return distance[~np.eye(len(lab), dtype=bool)].min()


def hue(word):
    """CIELAB hue angle in degrees of a colour word's sRGB."""
    table = read("colours").set_index("english")
    _, a, b = rgb2lab(rgb([table.at[word, "srgb"]]))[0]
    return np.degrees(np.arctan2(b, a)) % 360


@pytest.fixture(params=list(COLUMNS))
def name(request):
    return request.param


def test_columns_and_counts(name):
    table = read(name)
    assert list(table.columns) == COLUMNS[name]
    assert len(table) == COUNTS[name]


def test_file_is_plain_csv(name):
    raw = (GLOSSARY / f"{name}.csv").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf"), "no byte order mark"
    assert b"\r" not in raw and raw.endswith(b"\n")
    text = raw.decode("utf-8")
    rows = list(csv.reader(io.StringIO(text), strict=True))
    assert {len(row) for row in rows} == {len(COLUMNS[name])}
    again = io.StringIO()
    csv.writer(again, lineterminator="\n").writerows(rows)
    assert again.getvalue() == text, "quoted only where needed"
    assert rows[1:] == sorted(rows[1:], key=lambda row: row[0])


def test_words_are_filled_and_trimmed(name):
    table = read(name)
    for column in table.columns:
        assert (table[column] == table[column].map(lambda cell: " ".join(cell.split()))).all(), column
        if column != "note":
            assert (table[column] != "").all(), column


def test_italian_is_unique_when_matched(name):
    keys = read(name)["italian"].map(normal)
    assert not keys[keys.duplicated(keep=False)].tolist()


def test_english_is_unique_or_explained(name):
    table = read(name)
    double = table[table["english"].map(normal).duplicated(keep=False)]
    assert (double["note"] != "").all(), double


def test_english_is_lower_case_but_for_proper_nouns(name):
    capitalised = {word for term in read(name)["english"] for word in term.split() if word != word.lower()}
    assert capitalised <= CAPITALISED


def test_originals_mistakes_are_not_repeated():
    colours = read("colours").set_index("italian")["english"]
    wrong = {"CARNE": "meat", "CUOIO": "leather", "VERDE PETROLIO": "petroleum", "CARTA DA ZUCCHERO": "paper"}
    for italian, english in wrong.items():
        assert english not in colours[italian]
    assert colours["PIOMBO"] != "lead"
    for one, other in [("CELESTE", "AZZURRO"), ("VIOLA", "PORPORA")]:
        assert colours[one] != colours[other]
    for italian in ["AVIO", "BLU CHINA", "MALVA"]:
        assert colours[italian] != italian.lower()
    categories = read("categories").set_index("italian")["english"]
    assert categories["CIABATTE"] != categories["PANTOFOLE"]
    assert "baby" not in categories["MARSUPIO"]
    for italian in ["COLLI", "STOLA", "PAPILLON", "SABOT", "BABBUCCE", "POLACCHINA", "ANFIBI"]:
        assert categories[italian] != italian.lower()


def test_categories_that_need_their_department_say_what_they_are():
    categories = read("categories").set_index("italian")["english"]
    for italian in ["MANICHE LUNGHE", "MANICHE CORTE", "SENZA MANICHE"]:
        assert categories[italian].endswith(" shirt")
    assert categories["Cappottini"] != categories["CAPPOTTO"]
    assert "pet" in categories["Collari"] and "pet" not in categories["COLLI"]


def test_colours_are_hexadecimal_and_distinct():
    for name, column in [("colours", "srgb"), ("departments", "colour")]:
        values = read(name)[column]
        assert values.map(lambda value: bool(re.fullmatch("#[0-9a-f]{6}", value))).all()
        assert values.is_unique


def test_swatches_are_what_their_words_say():
    for word, low, high in [
        ("red", 10, 50), ("orange", 35, 75), ("yellow", 75, 110), ("green", 120, 180),
        ("turquoise", 180, 240), ("royal blue", 255, 310), ("purple", 290, 340), ("acid green", 95, 130),
        ("petrol", 190, 260),
    ]:  # fmt: skip
        assert low <= hue(word) <= high, word
    table = read("colours").set_index("english")
    lab = dict(zip(table.index, rgb2lab(rgb(table["srgb"])), strict=True))
    for dark, middle, light in [
        ("dark blue", "blue", "sky blue"), ("dark green", "green", "light green"),
        ("black", "grey", "light grey"), ("dark purple", "purple", "light purple"),
        ("dark brown", "brown", "beige"), ("red", "pink", "light pink"),
    ]:  # fmt: skip
        assert lab[dark][0] < lab[middle][0] < lab[light][0], middle
    assert max(lab, key=lambda word: lab[word][0] - np.hypot(*lab[word][1:])) == "white"
    assert min(lab, key=lambda word: lab[word][0]) == "black"


def test_garment_departments():
    table = read("departments")
    assert set(table["garment"]) == {"yes", "no"}
    assert set(table.loc[table["garment"] == "no", "italian"]) == NOT_GARMENTS


def test_non_garments_are_greys_and_garments_are_not():
    table = read("departments")
    for colour, garment in zip(table["colour"], table["garment"], strict=True):
        is_grey = len({colour[1:3], colour[3:5], colour[5:7]}) == 1 and colour != "#000000"
        assert is_grey == (garment == "no"), colour


@pytest.mark.parametrize("sight", ["normal", *COLOUR_BLIND])
def test_department_colours_can_be_told_apart(sight):
    table = read("departments").set_index("italian")
    largest = np.vstack([rgb(table.loc[LARGEST, "colour"]), [[1, 1, 1]]])  # and from the white page
    assert closest_pair(seen_by(sight, largest)) > 15
    garments = rgb(table.loc[table["garment"] == "yes", "colour"])
    assert closest_pair(seen_by(sight, garments)) > 12


@pytest.mark.skipif(not IMAGELAB.exists(), reason="the ImageLab set is not beside the project")
def test_covers_imagelab_exactly():
    with zipfile.ZipFile(IMAGELAB) as archive:
        text = archive.read("imagelab/annotation.txt").decode("utf-8")
    rows = pd.read_csv(io.StringIO(text), sep="\t", dtype=str, keep_default_na=False)
    for name, column in TABLE_COLUMNS.items():
        ours = read(name)["italian"]
        assert set(ours) == set(rows[column].str.strip()), name  # as the table writes them
