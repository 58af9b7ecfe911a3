"""What is kept is made once, bounded in bytes, and errors are not kept."""

import pytest

from fashion.core.kept import Kept


def test_least_recent_goes_first_and_bytes_are_bounded():
    made = []

    def make(word):
        return lambda: made.append(word) or word

    kept = Kept(6, len)
    for word in ("aa", "bb", "cc", "aa", "dd", "aa", "bb"):
        assert kept.get(word, make(word)) == word
    assert made == ["aa", "bb", "cc", "dd", "bb"]
    assert kept.get("long", make("x" * 99)) == "x" * 99  # too large to keep, with all that was there
    kept.get("aa", make("aa"))
    assert made[-1] == "aa"


def test_an_error_is_not_kept():
    kept = Kept(6, len)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 / 0)
    assert kept.get("a", lambda: "a") == "a"
