"""A catalogue's words: "red dress", "vestito rosso", "dark blue trainers for women", and words of its own.

Words that a catalogue does not have are `reading`'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fashion.catalogue.translation import BRITISH, GLOSSARIES, load_glossary, load_synonyms
from fashion.core.errors import near_words
from fashion.recommendation.filters import DESCRIPTION, QueryError, own_words

#: Stop words.
PASSED_OVER = frozenset(
    """a an and any are by but clothes colour coloured color colored for from i in is items like looking me my need of
    on or please show some something that the this to want with al alla che con da dei del della delle di e ed il in la
    le lo ma mi gli o per questo questa un una uno vorrei
    """.split()  # noqa: SIM905  (a list of 71 quoted words reads worse)
)

Phrase = tuple[str, ...]


def stem(token: str) -> str:
    """A word without plural, gender and American spelling: `boots` is `boot`, `rossa` is `rosso`, `gray` is `grey`.

    Coarse on purpose: it compares a query with a catalogue's few hundred words, and never shows its result.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", token.casefold()) if not unicodedata.combining(c))
    plain = BRITISH.get(plain, plain)  # in the catalogue's words as in the query's
    for ending, instead in (("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("ies", "y"), ("ves", "f")):
        if plain.endswith(ending):
            return plain[: -len(ending)] + instead
    if plain.endswith("s") and not plain.endswith("ss") and len(plain) > 3:
        plain = plain[:-1]
    if plain.endswith(("che", "ghe", "chi", "ghi")):  # bianche is bianc + he
        return plain[:-2]
    # Italian adjectives and nouns change their last vowel; English ones that end in e are cut alike.
    return plain[:-1] if len(plain) > 3 and plain[-1] in "aeio" else plain


def tokens_of(text: str) -> list[str]:
    """The words of a text; `T-shirt` is one, and a possessive's s is none."""
    plain = re.sub(r"\bt[- ]shirt", "tshirt", re.sub(r"['’]s\b", "", text), flags=re.IGNORECASE)
    return re.findall(r"[^\W_]+", plain)


def stems(text: str) -> Phrase:
    """The stems of a text's words, in order."""
    return tuple(stem(token) for token in tokens_of(text))


def _terms(items: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """(column, word of the catalogue, a way to say it), colours first."""
    for column in DESCRIPTION:
        if column not in items:
            continue
        known = [str(word) for word in items[column].dropna().unique()]
        yield from ((column, word, word) for word in known)
        if column in GLOSSARIES:
            glossary = load_glossary(column)
            for italian, english in zip(glossary["word"], glossary["english"], strict=True):
                if english in known:
                    yield column, english, italian
            yield from ((column, english, source) for source, english in own_words(items, column))
    for said, column, english in load_synonyms().itertuples(index=False):
        if column in items and (items[column] == english).any():
            yield column, english, said


#: Unknown words that an error names at most.
NAMED = 3


@dataclass(frozen=True)
class Term:
    """A column's words that some of a query's words name.

    Attributes
    ----------
    column : str
    words : tuple of str
        The catalogue's, as alternatives; none for an unknown word.
    taken : int
        Number of the query's words.
    whole : bool
        Whether they are all of a term, and not a part of longer ones ("leather").
    """

    column: str
    words: tuple[str, ...]
    taken: int
    whole: bool


class Vocabulary:
    """The words of searches in a catalogue: English, Italian, and its own before they were translated.

    Parameters
    ----------
    items : DataFrame
        The items table.
    """

    def __init__(self, items: pd.DataFrame) -> None:
        self._whole: dict[Phrase, tuple[str, list[str]]] = {}
        self._part: dict[str, tuple[str, list[str]]] = {}
        self.said: set[str] = set()  # every way to say a word
        terms = list(_terms(items))
        for column, word, said in terms:
            self.said.add(said.casefold())
            _note(self._whole, stems(said), column, word)
            if column != "colour":  # "blue" asks for blue, not for royal blue as well
                for token in stems(said):
                    _note(self._part, token, column, word)
        kinds = {word: stems(word) for column, word, _ in terms if column == "category"}
        for column, words in self._whole.values():
            if column == "category":  # "dress" asks for long dresses as well, "bag" for work bags
                heads = [kinds[word] for word in words]
                words += [w for w, s in kinds.items() if w not in words and any(s[-len(h) :] == h for h in heads)]
        self._homes = items.groupby("category")["department"].agg(set).to_dict() if "department" in items else {}
        self._longest = max(1, *(len(phrase) for phrase in self._whole)) if self._whole else 1

    def parse(self, text: str) -> dict[str, tuple[str, ...]]:
        """Read a query of known words alone: the longest terms first, then words that are part of a term.

        Parameters
        ----------
        text : str
            Such as "red dress" or "stivali neri"; stop words are ignored.

        Returns
        -------
        dict of str to tuple of str
            As `combine`.

        Raises
        ------
        QueryError
            For an unknown word, with near ones; or a query of stop words alone.
        """
        tokens, terms, unknown, place = tokens_of(text), list[Term](), list[str](), 0
        while place < len(tokens):
            term = self.term(tokens, place)
            if term.words:
                terms.append(term)
            elif tokens[place].casefold() not in PASSED_OVER:
                unknown.append(tokens[place])
            place += term.taken
        if unknown or not terms:
            raise self.unknown(text, unknown)
        return self.combine(terms)

    def unknown(self, text: str, unknown: Sequence[str]) -> QueryError:
        """The error for a text of which these words are unknown, or that has only stop words."""
        if not unknown:
            return QueryError(
                f"expected words such as 'red dress'; found {text!r}, which has only stop words. Add a colour or "
                "a garment."
            )
        known = sorted(self.said)
        hints = ",".join(f" {word[:40]!r}{near_words(word[:40].casefold(), known)}" for word in unknown[:NAMED])
        more = f", and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        return QueryError(
            f"expected words of the catalogue, English or Italian; found{hints}{more}. Correct them, or leave them out."
        )

    def combine(self, terms: Sequence[Term]) -> dict[str, tuple[str, ...]]:
        """Combine terms into the words that they ask for together.

        Returns
        -------
        dict of str to tuple of str
            Column -> the catalogue's words of the query, as alternatives. Words that can hold at once
            ("leather bag") narrow each other, others ("red or blue") stand side by side.

        Raises
        ------
        QueryError
            For a category and a department that no item has both of.
        """
        asked: dict[str, tuple[str, ...]] = {}
        narrowing: dict[str, list[tuple[str, ...]]] = {}
        for term in terms:
            if term.whole:
                before = asked.get(term.column, ())
                common = tuple(word for word in before if word in term.words)
                asked[term.column] = common or before + tuple(term.words)
            else:
                narrowing.setdefault(term.column, []).append(tuple(term.words))
        self._narrow(asked, narrowing)
        return asked

    def _narrow(self, asked: dict[str, tuple[str, ...]], narrowing: dict[str, list[tuple[str, ...]]]) -> None:
        """Let words that are only part of a term narrow the query's other words; alone they stand for their terms.

        "long dress" is a dress, whatever else is long: a part that no category of the query has is ignored.
        """
        homes, departments = self._homes, set(asked.get("department", ()))
        for column, parts in narrowing.items():
            for words in parts:
                among = words
                if column == "category" and departments and column not in asked:
                    among = tuple(word for word in words if homes[word] & departments)
                    if not among:
                        continue
                before = asked.get(column, among)
                asked[column] = tuple(word for word in before if word in among) or before
        inside = tuple(word for word in asked.get("category", ()) if homes.get(word, set()) & departments)
        if inside:  # "leather bag": of the leather things those that are bags
            asked["category"] = inside
            del asked["department"]
        elif departments and "category" in asked:
            kinds, places = " or ".join(asked["category"]), " or ".join(sorted(departments))
            raise QueryError(
                f"expected a category of the department; found no item that is both {kinds} and {places}. Leave one of "
                "the two out."
            )

    def term(self, tokens: Sequence[str], place: int = 0) -> Term:
        """The longest term that begins at a place, or one that the token there is a part of; without words if none."""
        phrase = tuple(stem(token) for token in tokens[place : place + self._longest])
        for length in range(len(phrase), 0, -1):
            if phrase[:length] in self._whole:
                column, words = self._whole[phrase[:length]]
                return Term(column, tuple(words), length, True)
        if tokens[place].casefold() in PASSED_OVER or phrase[0] not in self._part:
            return Term("", (), 1, False)
        column, words = self._part[phrase[0]]
        return Term(column, tuple(words), 1, False)


def _note(index: dict[Any, tuple[str, list[str]]], key: Phrase | str, column: str, word: str) -> None:
    """Add a word under a key; the first column that has the key keeps it."""
    home, words = index.setdefault(key, (column, []))
    if home == column and word not in words:
        words.append(word)
