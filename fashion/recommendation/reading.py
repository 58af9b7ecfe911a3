"""Parser of searches in words as customers write them, tolerant of misspellings.

What the catalogue's words say (`words.Vocabulary`) is taken as it is. What is left is looked for in titles and all
other texts (`texts.Texts`); an unknown colour becomes the nearest known ones; a misspelt word is corrected; "not
black", "under 50" and "size M" are conditions; a word that means nothing is named and ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.prices import NUMBER, price_number, price_numbers
from fashion.catalogue.swatches import Swatches, colour_names, of_one_colour
from fashion.catalogue.translation import british
from fashion.core.colour import distances_to_words, hex_to_lab
from fashion.recommendation.filters import Columns, QueryError
from fashion.recommendation.texts import Texts, text_columns
from fashion.recommendation.words import PASSED_OVER, Term, Vocabulary, tokens_of

if TYPE_CHECKING:
    from fashion.recommendation.text_search import FreeText

#: Words before what an item must not have, and words that continue such a list.
NOT = frozenset(["except", "excluding", "minus", "no", "non", "not", "ohne", "sans", "senza", "sin", "without"])

#: Stop words that may stand between such a word and what it bars ("without a belt"); any other ends it.
THROUGH = frozenset(
    """a an any color colored colour coloured da dei del della delle di for from gli il in la le lo of that the this to
    un una uno""".split()  # noqa: SIM905
)

OR = frozenset(["ni", "nor", "né", "o", "or", "ou"])

#: Quotation marks: of the parts between them every second one is quoted.
QUOTES = re.compile('["“”„]')

#: Words before a size, and names of a column that holds sizes.
SIZES = frozenset(["größe", "maat", "misura", "size", "sizes", "taglia", "taglie", "taille", "talla", "tamanho"])

#: A price's bounds, as people write them.
_BELOW = r"under|below|less than|cheaper than|up to|at most|max|sotto(?: i)?|meno di|fino a|unter|bis|moins de|<=?"
_ABOVE = r"over|above|more than|at least|min|sopra(?: i)?|oltre|pi[uù] di|almeno|über|ab|plus de|>=?"
_MONEY = r"(?:€|£|\$|¥|euros?|eur|dollars?|usd|pounds?|gbp|francs?|chf|kr)"
_BETWEEN, _AND = r"between|from|tra|da|zwischen|entre", r"and|to|e|a|und|bis|et|-|–"
_NOT = rf"(?<!\w)(?:(?P<not>{'|'.join(sorted(NOT))})\s+)?(?<!\w)"
_ONE, _OTHER = (rf"(?:{_MONEY}\s*)?(?P<{name}>{NUMBER})(?:\s*{_MONEY})?(?!\w)" for name in ("one", "other"))
_BOUNDS = (
    re.compile(rf"{_NOT}(?:{_BETWEEN})\s+{_ONE}\s*(?:{_AND})\s*{_OTHER}", re.I),
    re.compile(rf"{_NOT}(?:{_BELOW})\s*{_ONE}", re.I),
    re.compile(rf"{_NOT}(?:{_ABOVE})\s*{_ONE}", re.I),
)

#: A word that begins with such a one ("non-iron", "no-show"): it says what an item is.
_NEGATED = re.compile(rf"(?<![\w-])((?:{'|'.join(sorted(NOT))})-\w[\w-]*)", re.I)

#: Letters of a word from which one of them may be wrong, and from which two; shorter ones are not corrected.
ONE_WRONG, TWO_WRONG = 4, 6

#: CIEDE2000 by which a known colour may be farther from an unknown one than the nearest, and how many there may be.
NEARLY, MOST_COLOURS = 5.0, 3

#: CIEDE2000 up to which another colour stands for one whose own name is known in part.
NEAR = 15.0

#: Words of a colour's name at most ("light navy blue").
LONGEST_COLOUR = 3


@dataclass(frozen=True)
class Reading:
    """A parsed search in words.

    Attributes
    ----------
    text : str
        As it was written.
    asked : mapping of str to tuple of str
        Column -> the catalogue's words, as alternatives.
    texts : tuple of str
        Words that are looked for in titles and other texts.
    barred : tuple of (said, column, words)
        What an item must not have; a word of its texts where the column is empty.
    low, high : float
        Bounds of the price.
    size : str
        A size that the item must come in; empty for any.
    item : str
        The item whose number was written; empty if none.
    beside : str
        What was written beside the item's number.
    corrected : tuple of (written, shown)
        Misspelt words.
    nearest : tuple of (written, words)
        Unknown colours, with the known ones in their place.
    passed_over : tuple of str
        What means nothing here.
    in_photos : tuple of str
        Words that only the text tower knows.
    described : str
        What the encoder's text tower looks for in the photos: the text without price, size, item number and what an
        item must not have. Empty where the report's encoder has no text tower.
    problem : str
        Why a text tower that is there was not used.
    """

    text: str
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    barred: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    low: float = -np.inf
    high: float = np.inf
    size: str = ""
    item: str = ""
    beside: str = ""
    corrected: tuple[tuple[str, str], ...] = ()
    nearest: tuple[tuple[str, tuple[str, ...]], ...] = ()
    passed_over: tuple[str, ...] = ()
    in_photos: tuple[str, ...] = ()
    described: str = ""
    problem: str = ""

    def __bool__(self) -> bool:
        """Whether any of the words were understood."""
        known = self.asked or self.texts or self.barred or self.size or self.item or self.has_bounds
        return bool(known or self.described)

    @property
    def has_bounds(self) -> bool:
        """Whether the price is bounded."""
        return bool(np.isfinite([self.low, self.high]).any())

    @property
    def conditions(self) -> list[str]:
        """Conditions besides the catalogue's words and those in texts, such as "not black" or "up to 50"."""
        said = [f"not {word}" for word, _, _ in self.barred]
        said += [f"from {self.low:g}"] if np.isfinite(self.low) else []
        said += [f"up to {self.high:g}"] if np.isfinite(self.high) else []
        return said + ([f"size {self.size}"] if self.size else [])

    @property
    def notes(self) -> list[str]:
        """Sentences on what was corrected, replaced or ignored."""
        notes = [f"Showing {shown} for “{written}”." for written, shown in self.corrected]
        notes += [f"No colour is called “{said}” here; showing {' or '.join(words)}." for said, words in self.nearest]
        if self.in_photos:
            notes.append(f"Looked for in photos alone: {', '.join(self.in_photos)}.")
        if self.passed_over:
            notes.append(f"Not understood, and ignored: {', '.join(self.passed_over)}.")
        return [*notes, self.problem] if self.problem else notes

    def as_dict(self) -> dict[str, Any]:
        """The reading as a dictionary for JSON, in which every key is always present."""
        return {
            "words": {column: list(words) for column, words in self.asked.items()},
            "texts": list(self.texts),
            "conditions": self.conditions,
            "item": self.item or None,
            "corrected": [{"written": written, "shown": shown} for written, shown in self.corrected],
            "nearest_colours": [{"written": said, "shown": list(words)} for said, words in self.nearest],
            "passed_over": list(self.passed_over),
            "described": self.described or None,
            "in_photos": list(self.in_photos),
        }


@dataclass
class _Draft:
    """A reading while it is made."""

    terms: list[Term] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    barred: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    corrected: list[tuple[str, str]] = field(default_factory=list)
    nearest: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    described: list[str] = field(default_factory=list)
    bounds: list[float] = field(default_factory=lambda: [-np.inf, np.inf])
    size: str = ""


class Reader:
    """Reads searches in a catalogue's items.

    Parameters
    ----------
    items : DataFrame
        The items table.
    swatches : mapping of str to str
        Colour word -> `#rrggbb`, by which an unknown colour has nearest known ones.
    language : str
        The catalogue's, as a code.
    free_text : FreeText, optional
        The text tower of the report's encoder, where it has one.

    Examples
    --------
    >>> clothes = pd.DataFrame({
    ...     "item": ["501", "502"], "category": ["jacket", "dress"], "colour": ["red", "black"],
    ...     "title": ["Floral jacket", "Plain dress"], "price": ["49,90 €", "120 €"],
    ... })
    >>> reading = Reader(clothes).read("floral jaket under 50, not black, zzz")
    >>> reading.asked, reading.texts, reading.conditions
    ({'category': ('jacket',)}, ('floral',), ['not black', 'up to 50'])
    >>> reading.notes
    ['Showing jacket for “jaket”.', 'Not understood, and ignored: zzz.']
    """

    def __init__(
        self,
        items: pd.DataFrame,
        swatches: Swatches | None = None,
        language: str = "en",
        free_text: FreeText | None = None,
    ) -> None:
        self.items, self.free_text = items, free_text
        self.vocabulary = Vocabulary(items)
        self.columns = Columns(items)
        self._swatches, self._language = swatches or {}, language
        self._named = {str(column).casefold() for column in text_columns(items)}
        self._size = next((str(column) for column in items if str(column).casefold() in SIZES), "")

    @cached_property
    def texts(self) -> Texts:
        """Titles and other texts, for what the catalogue's words do not say."""
        return Texts(self.items, self._language)

    @cached_property
    def prices(self) -> NDArray[np.float64]:
        """Each item's price, shape (n,); NaN where it has none."""
        if "price" not in self.items:
            return np.full(len(self.items), np.nan)
        return price_numbers(self.items["price"])

    @cached_property
    def names(self) -> dict[str, str]:
        """An item's name in small letters -> the name."""
        return {str(name).casefold(): str(name) for name in reversed(self.items["item"].tolist())}

    @cached_property
    def _sizes(self) -> list[frozenset[str]]:
        """The sizes of each item: a cell may name several."""
        cells = self.items[self._size].fillna("").astype(str)
        return [frozenset(re.findall(r"[^\s,;/|]+", cell.casefold())) for cell in cells]

    @cached_property
    def _colours(self) -> dict[str, str]:
        return colour_names(self._language)

    @cached_property
    def _shown(self) -> dict[str, str]:
        """Swatches of the colours that items have."""
        there = set(self.items["colour"]) if "colour" in self.items else set()
        return {word: colour for word, colour in of_one_colour(self._swatches).items() if word in there}

    def prepare(self) -> None:
        """Build the texts' index and the names of colours now, not in the first search."""
        _ = self.texts.words, self.prices, self.names, self._shown, self._colours, self._known
        if self.free_text is not None:
            self.free_text.prepare()

    # -- reading ----------------------------------------------------------------------------------------------
    def read(self, text: str) -> Reading:
        """Read a search; whatever is written is read as well as it can be.

        Words in quotation marks are not corrected.
        """
        draft = _Draft()
        item, left, beside = self._item(text, draft)
        pieces = _pieces(left, self.texts)
        place, barring = 0, False
        while place < len(pieces):
            tokens, small = [token for token, _ in pieces], pieces[place][0].casefold()
            negates = small in NOT and not pieces[place][1]
            term = self.vocabulary.term(tokens, place)
            if not term.words and negates and place + 1 < len(pieces):
                barring, place = True, place + 1
                continue
            if not term.words and small in SIZES and place + 1 < len(pieces):
                self._take_size(tokens[place], tokens[place + 1], barring, draft)
                barring, place = False, place + 2
                continue
            if not term.words and (small in PASSED_OVER or small in self._named):
                draft.described += [] if barring else [tokens[place]]
                barring, place = barring and small in THROUGH | OR, place + 1
                continue
            if not term.words and (shown := self._correction(*pieces[place])):
                draft.corrected.append((tokens[place], shown))
                pieces[place : place + 1] = [(token, True) for token in tokens_of(shown)]
                continue
            taken = self._take(tokens, place, term, barring, draft)
            draft.described += [] if barring else tokens[place : place + taken]
            place += taken
            barring = barring and place < len(pieces) and pieces[place][0].casefold() in OR
        return self._reading(text, item, beside, draft)

    def _reading(self, text: str, item: str, beside: str, draft: _Draft) -> Reading:
        terms = draft.terms
        try:
            asked = self.vocabulary.combine(terms)
        except QueryError:  # a kind and a department that do not go together: the last one counts
            last = next(term.column for term in reversed(terms) if term.column in ("category", "department"))
            gone = "department" if last == "category" else "category"
            draft.passed_over += [word for term in terms if term.column == gone for word in term.words[:1]]
            asked = self.vocabulary.combine([term for term in terms if term.column != gone])
        return Reading(
            text.strip(), asked, tuple(dict.fromkeys(draft.texts)), tuple(draft.barred), low=draft.bounds[0],
            high=draft.bounds[1], size=draft.size, item=item, beside=beside,
            corrected=tuple(draft.corrected),
            nearest=tuple(draft.nearest), **self._by_tower(draft),
        )  # fmt: skip

    def _by_tower(self, draft: _Draft) -> dict[str, Any]:
        """The words for the text tower and those passed over, as fields of `Reading`; stop words alone give none."""
        unknown = tuple(dict.fromkeys(draft.passed_over))
        if self.free_text is None or all(word.casefold() in PASSED_OVER for word in draft.described):
            return {"passed_over": unknown}
        if self.free_text.tower is None:
            return {"passed_over": unknown, "problem": self.free_text.problem}
        return {
            "described": " ".join(draft.described),
            "in_photos": tuple(word for word in unknown if word in draft.described),
            "passed_over": tuple(word for word in unknown if word not in draft.described),
        }

    def _take(self, tokens: Sequence[str], place: int, term: Term, barring: bool, draft: _Draft) -> int:
        """Take a term, a colour or a word of the texts; returns the number of words that were taken."""
        taken = term.taken
        if not term.words:
            name, count = self._colour(tokens, place)
            if name and (count > 1 or tokens[place] not in self.texts):
                said, taken = " ".join(tokens[place : place + count]), count
                term = Term("colour", self._nearest(name), count, True)
                draft.nearest.append((said, term.words))
        if term.words and barring:
            draft.barred.append((" ".join(tokens[place : place + taken]), term.column, term.words))
        elif term.words:
            draft.terms.append(term)
        elif tokens[place] not in self.texts:
            draft.passed_over.append(tokens[place])
        elif barring:
            draft.barred.append((tokens[place], "", (tokens[place],)))
        else:
            draft.texts.append(tokens[place])
        return taken

    def _item(self, text: str, draft: _Draft) -> tuple[str, str, str]:
        """The item whose number a text holds, the rest without bounds of the price, and all that is beside the item.

        A number of a bound is no item's, unless the whole text is an item's name.
        """
        whole = text.strip().casefold()
        if whole in self.names and not (whole.isalpha() and self.vocabulary.term(tokens_of(text) or [""]).words):
            return self.names[whole], "", ""
        left, bounds = self._take_bounds(text, draft)
        for piece in left.split():
            name = piece.strip(",.;:!?\"'").casefold()
            if len(name) > 4 and any(sign.isdigit() for sign in name) and name in self.names:
                left = left.replace(piece, " ", 1)
                return self.names[name], left, " ".join([*left.split(), *bounds])
        return "", left, ""

    def _take_bounds(self, text: str, draft: _Draft) -> tuple[str, list[str]]:
        """Take the bounds of the price out of a text; returns what is left, and the bounds as they were said.

        "not under 50" is a bound from 50, as "no more than 50" is one up to 50; the prices outside two bounds are none.
        """
        taken = []
        for place, pattern in enumerate(_BOUNDS):
            for hit in pattern.finditer(text):
                said, negated = " ".join(hit[0].split()), hit["not"] is not None
                numbers = [price_number(hit[name]) for name in ("one", "other") if name in pattern.groupindex]
                taken.append(said)
                if not np.isfinite(self.prices).any() or (negated and place == 0):
                    draft.passed_over.append(said)
                    continue
                if place == 0 or (place == 2) != negated:
                    draft.bounds[0] = max(draft.bounds[0], min(numbers))
                if place == 0 or (place == 1) != negated:
                    draft.bounds[1] = min(draft.bounds[1], max(numbers))
            text = pattern.sub(" ", text)
        return text, taken

    def _take_size(self, said: str, size: str, barring: bool, draft: _Draft) -> None:
        """Take a size; a negated size, or one that no item has, is passed over."""
        if not barring and self._size and any(size.casefold() in sizes for sizes in self._sizes):
            draft.size = size
        else:
            draft.passed_over.append(f"{'not ' if barring else ''}{said} {size}")

    def _colour(self, tokens: Sequence[str], place: int) -> tuple[str, int]:
        """The longest name of a colour, known to our lists, that begins at a place, and its number of words."""
        if self._shown:
            for count in range(min(LONGEST_COLOUR, len(tokens) - place), 0, -1):
                name = british(" ".join(tokens[place : place + count]))
                if name in self._colours:
                    return name, count
        return "", 0

    def _nearest(self, name: str) -> tuple[str, ...]:
        """The known colours nearest to one, by CIEDE2000; or those of its name ("light blue"), where none is near."""
        words = list(self._shown)
        away = distances_to_words(hex_to_lab(self._colours[name]), self._shown)[0]
        order = np.argsort(away, kind="stable")[:MOST_COLOURS]
        inside = tuple(word for word in words if british(word) in name.split())
        if inside and away[order[0]] > NEAR:
            return inside
        return tuple(words[place] for place in order if away[place] <= away[order[0]] + NEARLY)

    def _correction(self, token: str, verbatim: bool) -> str:
        """The known word that a misspelt one most likely means; empty for a known word, or where none is close."""
        if verbatim or len(token) < ONE_WRONG or not token.isalpha() or token in self.texts:
            return ""
        if self._shown and british(token) in self._colours:
            return ""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        small, wrong = token.casefold(), 1 if len(token) < TWO_WRONG else 2
        lengths = range(len(small) - wrong, len(small) + wrong + 1)
        near = [hit for length in lengths if (known := self._known.get((small[0], length))) for hit in
                process.extract(small, known, scorer=OSA.distance, score_cutoff=wrong, limit=20)]  # fmt: skip
        return min(near, key=lambda hit: (hit[1], self._rank(hit[0])))[0] if near else ""

    def _rank(self, word: str) -> tuple[int, int, str]:
        """Sort key of equally near words: the catalogue's own first, then colours, then the texts' most frequent."""
        if word in self._spellings:
            return 0, 0, word
        return (1, 0, word) if self._shown and word in self._colours else (2, -self.texts.words[word], word)

    @cached_property
    def _known(self) -> dict[tuple[str, int], list[str]]:
        """All known words by first letter and length.

        A slip seldom hits a word's first letter (Pollock and Zamora 1984, Automatic Spelling Correction).
        """
        known: dict[tuple[str, int], list[str]] = {}
        for word in dict.fromkeys([*self._spellings, *(self._colours if self._shown else ()), *self.texts.words]):
            if word:
                known.setdefault((word[0], len(word)), []).append(word)
        return known

    @cached_property
    def _spellings(self) -> frozenset[str]:
        """Every way to say one of the catalogue's words, and each word of it."""
        said = self.vocabulary.said
        return frozenset(said) | frozenset(token for way in said for token in tokens_of(way))

    # -- what a reading means for each item -------------------------------------------------------------------
    def allowed(self, reading: Reading) -> NDArray[np.bool_]:
        """Items that a search's conditions allow, shape (n,): not what is barred, within the price, in the size."""
        mask = np.ones(len(self.items), bool)
        for _, column, words in reading.barred:
            mask &= ~(self.columns.mask({column: words}) if column else self.texts.having(words))
        if reading.has_bounds:
            mask &= (self.prices >= reading.low) & (self.prices <= reading.high)
        if reading.size:
            size = reading.size.casefold()
            mask &= np.fromiter((size in sizes for sizes in self._sizes), bool, len(self.items))
        return mask


def _pieces(text: str, texts: Texts) -> list[tuple[str, bool]]:
    """A text's words, each with whether it is literal: in quotation marks, or part of a word such as "non-iron"."""

    def each() -> Iterator[tuple[str, bool]]:
        for place, part in enumerate(QUOTES.split(re.sub(r"(?<!\S)-(?=\w)", "not ", text))):
            for among, words in enumerate(_NEGATED.split(part)):
                tokens = tokens_of(words)
                as_it_is = place % 2 == 1 or (among % 2 == 1 and tokens[0] in texts)
                yield from ((token, as_it_is) for token in tokens)

    return list(each())
