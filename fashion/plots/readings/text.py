"""Helpers of the readings: sentences joined, a catalogue's words as text, counts with their noun."""

from __future__ import annotations

from collections.abc import Iterable

from fashion.core.escaping import markdown
from fashion.core.numerals import decimal as decimal  # for what notebooks print
from fashion.core.numerals import number as number
from fashion.core.numerals import number_word as number_word
from fashion.core.numerals import percent as percent


def joined(*sentences: str) -> str:
    """The sentences that are not empty, as one paragraph."""
    return " ".join(sentence for sentence in sentences if sentence)


def word(text: object) -> str:
    """A catalogue's word in a sentence: in italics, and never markup.

    Examples
    --------
    >>> word("short_dress")
    '*short\\\\_dress*'
    """
    return f"*{markdown(text)}*"


def listed(names: Iterable[object]) -> str:
    """A catalogue's words as a list in a sentence.

    Examples
    --------
    >>> listed(["red", "blue", "green"]), listed(["red"])
    ('*red*, *blue* and *green*', '*red*')
    """
    words = [word(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count in figures, with its noun in singular or plural.

    Examples
    --------
    >>> counted(1, "item"), counted(1200, "item"), counted(2, "category", "categories")
    ('1 item', '1,200 items', '2 categories')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def numbered(findings: Iterable[str]) -> str:
    """Findings as a numbered list in Markdown."""
    return "\n".join(f"{place}. {finding}" for place, finding in enumerate(filter(None, findings), 1))
