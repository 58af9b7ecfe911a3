"""Numbers in sentences: counts and places in words, shares in per cent."""

from __future__ import annotations

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
            "eleventh", "twelfth")  # fmt: skip


def number_word(count: int) -> str:
    """A count in a sentence: in words up to twelve, then in figures.

    Examples
    --------
    >>> number_word(6), number_word(24)
    ('six', '24')
    """
    return WORDS[count] if 0 <= count < len(WORDS) else f"{count:,}"


def ordinal_word(place: int) -> str:
    """A place in a list: in words up to twelve, then in figures.

    Examples
    --------
    >>> ordinal_word(6), ordinal_word(21), ordinal_word(113)
    ('sixth', '21st', '113th')
    """
    if 0 <= place < len(ORDINALS):
        return ORDINALS[place]
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place:,}{ending}"


def percent(share: float) -> str:
    """A share in per cent, with one decimal near 0 and 1: 0 % and 100 % only where exact.

    Examples
    --------
    >>> percent(0.866), percent(0.008), percent(0.9996), percent(1)
    ('87%', '0.8%', '99.9%', '100%')
    """
    return f"{share:.0%}" if 0.0095 <= share < 0.995 or share in (0, 1) else f"{min(max(share, 0.001), 0.999):.1%}"
