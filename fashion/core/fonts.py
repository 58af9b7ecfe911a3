"""Letters that a figure's font lacks, such as Japanese ones: an installed font that has them, or how to install one."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


#: First word of a letter's Unicode name -> Debian's package of a font that has it. A colour font would be of no use:
#: matplotlib draws outlines.
PACKAGES = {
    **dict.fromkeys(
        ["CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH",
         "HALFWIDTH", "KANGXI"],
        "fonts-noto-cjk",
    ),
    "THAI": "fonts-thai-tlwg",
}  # fmt: skip

SYMBOLS, OTHER = "fonts-symbola", "fonts-noto-core"

#: Letters that the sentence about missing ones shows.
SHOWN = 12

#: A font of boxes that name scripts: it has every letter and can be read in none.
_NO_FONT = "Last Resort"


def letters_of(words: Iterable[str]) -> frozenset[str]:
    """The characters of some words that a font has to have a shape for."""
    letters = {letter for word in words for letter in word if not letter.isascii()}
    unseen = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
    return frozenset(c for c in letters if unicodedata.category(c) not in unseen and not "\ufe00" <= c <= "\ufe0f")


@cache
def _has(path: str, letters: frozenset[str]) -> frozenset[str]:
    """The letters, of those given, that a font file can draw."""
    with suppress(Exception):  # a damaged font has nothing
        font = font_manager.get_font(path)
        if getattr(font, "scalable", True):  # matplotlib draws outlines, no bitmaps
            return frozenset(letter for letter in letters if font.get_char_index(ord(letter)))
    return frozenset()


def _without(letters: frozenset[str], font: FontProperties) -> frozenset[str]:
    """The letters that are missing from the font found for these properties."""
    return letters - _has(str(font_manager.findfont(font)), letters)


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    """(family, file) of every installed upright font, the plainest first; also of those installed a minute ago.

    matplotlib keeps a list of fonts for good, and would never see one that was installed after its first use.
    """
    manager = font_manager.fontManager
    known = {entry.fname for entry in manager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in known:
            with suppress(Exception):  # not a font that matplotlib can read
                manager.addfont(path)
    entries = [entry for entry in manager.ttflist if entry.style == "normal" and _NO_FONT not in entry.name]
    entries.sort(key=lambda e: ("Mono" in e.name, "Sans" not in e.name, e.weight not in (400, "normal"), e.name))
    return tuple({entry.name: (entry.name, entry.fname) for entry in reversed(entries)}.values())[::-1]


@cache
def fallbacks(letters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Installed families that together have as many of the letters as possible, and the letters that none has."""
    left, families = letters, []
    drawn = {family: _has(path, letters) for family, path in _installed()} if letters else {}
    while left:
        best = max(drawn, key=lambda family: len(drawn[family] & left), default="")
        if not best or not drawn[best] & left:
            break
        families.append(best)
        left -= drawn[best]
    return tuple(families), left


def lacking(words: Iterable[str]) -> str:
    """The letters of some words that no installed font has, sorted, as one text."""
    return "".join(sorted(fallbacks(_without(letters_of(words), FontProperties()))[1]))


def package_of(letter: str) -> str:
    """Debian's package of a font with this letter.

    Examples
    --------
    >>> package_of("鞄"), package_of("ก"), package_of("🧥"), package_of("ა")
    ('fonts-noto-cjk', 'fonts-thai-tlwg', 'fonts-symbola', 'fonts-noto-core')
    """
    first = unicodedata.name(letter, "").split(" ")[0]
    return PACKAGES.get(first) or (SYMBOLS if unicodedata.category(letter) in ("So", "Sk") else OTHER)


def sentence(letters: str) -> str:
    """Advice on letters that no installed font has; empty where there are none."""
    if not letters:
        return ""
    shown = " ".join(letters[:SHOWN]) + (f" and {len(letters) - SHOWN} more" if len(letters) > SHOWN else "")
    packages = " ".join(dict.fromkeys(package_of(letter) for letter in letters))
    return (
        f"Figures show boxes in place of letters, as no installed font has {shown}. Install one "
        f"(Debian, Ubuntu: apt-get install {packages}) and run the same command again: it redraws the figures."
    )


def fit(figure: Figure) -> None:
    """Let each text of a finished figure fall back on fonts that have its letters; other texts stay as they are."""
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    wanted = [(text, letters_of([text.get_text()])) for text in texts]
    lacked = [(text, _without(letters, text.get_fontproperties())) for text, letters in wanted if letters]
    families, _ = fallbacks(frozenset[str]().union(*(letters for _, letters in lacked)))
    for text, letters in lacked:
        if letters and families:
            own = text.get_fontfamily()
            text.set_fontfamily([*([own] if isinstance(own, str) else own), *families])


def quiet() -> None:
    """Silence matplotlib's warnings of missing letters: `sentence` says it once."""
    warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
