"""Letters that DejaVu Sans lacks: an installed font draws them, or one sentence says what to install."""

import io
import json
import shutil
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import hostile_settings
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from fashion.core import fonts
from fashion.core.workspace import Workspace
from fashion.plots import catalogue as plots_catalogue
from fashion.plots import style
from fashion.report.build import build_report
from fashion.report.steps import STEPS, read_state, stale_because


def write_font(path, family, letters, weight=400):
    """A real font in which each of the letters is a slanted block."""
    names = {ord(letter): f"u{ord(letter):x}" for letter in letters}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    shapes = {}
    for name in [".notdef", *names.values()]:
        pen = TTGlyphPen(None)
        for place in ((100, 0), (300, 700), (800, 700), (600, 0)):
            (pen.lineTo if place != (100, 0) else pen.moveTo)(place)
        pen.closePath()
        shapes[name] = pen.glyph()
    builder.setupGlyf(shapes)
    builder.setupHorizontalMetrics({name: (1000, 100) for name in shapes})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200, usWeightClass=weight)
    builder.setupPost()
    builder.save(path)
    return path


@pytest.fixture(autouse=True)
def only_these(monkeypatch):
    """The fonts that every machine has with matplotlib, and none of this one's own."""
    own = [entry for entry in font_manager.fontManager.ttflist if "mpl-data" in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [])
    forget()
    yield
    forget()


def forget():
    fonts._installed.cache_clear()
    fonts.fallbacks.cache_clear()


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Install fonts as a package manager does, beside a matplotlib that has listed its fonts already."""

    def install(*made):
        paths = [str(write_font(tmp_path / f"{number}.ttf", *one)) for number, one in enumerate(made)]
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: paths)
        forget()

    return install


def png(figure):
    stream = io.BytesIO()
    with warnings.catch_warnings():
        fonts.quiet()
        warnings.filterwarnings("error")
        fonts.fit(figure)
        fonts.quiet()
        figure.savefig(stream, metadata={"Software": None})
    plt.close(figure)
    return stream.getvalue()


def bars(words):
    style.use_style()
    items = pd.DataFrame({"department": np.repeat(words, [3 * (n + 1) for n in range(len(words))])})
    return plots_catalogue.counts_by_department(items, "source")


def test_texts_fall_back_on_the_font_that_has_their_letters(installed, tmp_path):
    boxes = png(bars(["赤", "青"]))
    installed(("Odd Sans", "赤"), ("Whole Sans", "赤青鞄"), ("Thai Serif", "กข"))
    assert fonts.lacking(["赤青鞄 red"]) == "" and fonts.fallbacks(frozenset("赤青ก"))[0] == (
        "Whole Sans",
        "Thai Serif",
    )
    figure = bars(["赤", "青", "plain"])
    drawn = png(figure)
    families = {text.get_text(): text.get_fontfamily() for text in figure.findobj(plt.Text)}
    assert families["赤"][-1] == "Whole Sans" and "Whole Sans" not in families["plain"]
    assert png(bars(["赤", "青"])) != boxes and len(drawn) > 1000
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no glyph is missing any more
        again = bars(["赤", "青"])
        fonts.fit(again)
        again.savefig(tmp_path / "x.png")


def test_figures_of_words_that_the_font_has_stay_byte_for_byte(installed):
    words = ["red é ß", "Ελλάδα", "синий"]
    style.use_style()
    figure = bars(words)
    stream = io.BytesIO()
    figure.savefig(stream, metadata={"Software": None})
    installed(("Whole Sans", "赤青 redé"))
    assert png(bars(words)) == stream.getvalue()


def test_no_warning_is_left_where_seaborn_draws_a_heat_map_itself(installed, tmp_path):
    items = pd.DataFrame({"department": ["上", "下"] * 6, "colour": ["赤", "青", "緑"] * 4})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        style.use_style()
        work = Workspace("x", tmp_path / "p", tmp_path / "r")
        work.show(plots_catalogue.colour_by_department(items, {}, "source"), "01-boxes", "Boxes.")
        installed(("Whole Sans", "上下赤青緑"))
        work.show(plots_catalogue.colour_by_department(items, {}, "source"), "01-letters", "Letters.")
    boxes, letters = (tmp_path / f"r/x/figures/01-{name}.png" for name in ("boxes", "letters"))
    assert boxes.read_bytes() != letters.read_bytes()


def test_what_no_font_has_is_said_once_with_the_package_that_has_it():
    assert fonts.lacking(["red", "é", "→", "a\u200db\ufe0f\n"]) == ""
    assert fonts.sentence("") == ""
    said = fonts.sentence(fonts.lacking(["トップス", "鞄", "กางเกง", "한복", "🧥", "スカート 赤青緑黒"]))
    for package in ("fonts-noto-cjk", "fonts-thai-tlwg", "fonts-symbola"):
        assert said.count(package) == 1
    assert "apt-get install" in said and "more" in said and "\n" not in said


def test_a_font_that_cannot_be_read_is_passed_over(monkeypatch, tmp_path):
    (tmp_path / "bad.ttf").write_bytes(b"\0\1\0\0 no font")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [str(tmp_path / "bad.ttf")])
    forget()
    assert fonts.lacking(["赤"]) == "赤"


@pytest.mark.slow
def test_a_report_without_the_font_says_it_once_and_draws_anew_when_there_is_one(hostile, tmp_path, monkeypatch):
    # The notebooks' kernels have fonts of their own: none of this machine's, then one more.
    home = tmp_path / "home/fonts"
    home.mkdir(parents=True)
    monkeypatch.setenv("XDG_DATA_HOME", str(home.parent))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))
    if [path for path in font_manager._get_fontconfig_fonts() if fonts._has(str(path), frozenset("鞄"))]:
        pytest.skip("this machine has a Japanese font")
    root = hostile.processed_root.parent
    page = (hostile.report / "index.html").read_text(encoding="utf-8")
    assert "Glyph" not in page and "UserWarning" not in page
    sentence = fonts.sentence(hostile.results("01")["letters_without_font"])
    assert "fonts-noto-cjk" in sentence and page.split('<p class="warning">')[1].startswith(sentence[:40])
    assert json.loads((root / "said.json").read_text(encoding="utf-8")).count(sentence) == 1
    drawn = [step for step in STEPS if read_state(hostile, step).letters]
    assert {step.number for step in drawn} >= {"01", "03", "04", "06"}

    shutil.copytree(root, tmp_path / "copy")
    settings = hostile_settings(tmp_path / "copy/hostile.toml")
    places = {"processed": tmp_path / "copy/processed", "reports": tmp_path / "copy/reports"}
    work = Workspace("hostile", *places.values())
    font = write_font(home / "odd.ttf", "Odd Sans", "鞄")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [str(font)])
    forget()
    assert all("a font" in stale_because(work, step, read_state(work, step).key) for step in drawn)
    said = []
    build_report(settings, **places, until="01", say=said.append)
    assert sum("runs, as a font" in line for line in said) == 1
    before, after = ({path.name: path.read_bytes() for path in (place.report / "figures").glob("01-*.png")}
                     for place in (hostile, work))  # fmt: skip
    changed = [name for name in before if before[name] != after.get(name)]
    assert "01-categories.png" in changed and "01-photo-sizes.png" not in changed
    assert "warning" not in work.results("01") and not read_state(work, STEPS[0]).letters
    assert "letters_without_font" not in json.dumps(work.results("01"))
    said.clear()
    build_report(settings, **places, until="01", say=said.append)
    assert sum("unchanged" in line for line in said) == 1
