"""The package's own errors: each message says what was expected, what was found, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable


class FashionError(Exception):
    """Base of every error that the package raises on purpose."""


class CatalogueError(FashionError):
    """A catalogue's TOML, table or data source is not what its description says."""


class TranslationError(FashionError):
    """A word has no entry in the glossary."""


class PhotoError(FashionError):
    """A photo is missing, unreadable, truncated or not a photo at all.

    Parameters
    ----------
    message : str
    kind : str, optional
        What is wrong, for code that counts or sorts photos: one of the kinds below.
    problem : str, optional
        The cause alone, for lists such as rejected.csv, behind the kind; the message if not given.

    Examples
    --------
    >>> error = PhotoError("expected a photo; found 'a.jpg', which is empty. Copy it again.", PhotoError.EMPTY)
    >>> error.problem
    "empty: expected a photo; found 'a.jpg', which is empty. Copy it again."
    >>> PhotoError("expected a whole photo; found ...", PhotoError.TRUNCATED, "'a.jpg' ends early").problem
    "truncated: 'a.jpg' ends early"
    """

    MISSING = "missing"
    DEAD = "dead address"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NOT_AN_IMAGE = "not an image"
    DAMAGED = "damaged"
    HEIC = "HEIC"
    TOO_LARGE = "too large"

    def __init__(self, message: str, kind: str = "", problem: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.problem = f"{kind}: " * bool(kind) + (problem or message)


class WeightsError(FashionError):
    """The weights of a network are unavailable, or are not the ones expected."""


class ArtefactError(FashionError):
    """A file that an earlier step should have written is missing, stale or damaged."""


class ReportError(FashionError):
    """A notebook failed, or was given a parameter that it does not have."""


class LibraryError(FashionError):
    """A system library that a compiled package loads is missing."""


def in_short(error: BaseException, most: int = 200) -> str:
    """An error as one line of at most about `most` characters: its kind and what it says."""
    text = " ".join(str(error).split()).rstrip(".")
    said = text if len(text) <= most else f"{text[:most]} ..."
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def close_spellings(word: object, known: Iterable[object], most: int) -> list[str]:
    """The closest spellings of a word among the known ones, the closest first; case does not matter.

    Examples
    --------
    >>> close_spellings("SMAPLE", ["hm", "imagelab", "sample"], 1)
    ['sample']
    """
    import difflib

    spelt: dict[str, str] = {}
    for each in map(str, known):
        spelt.setdefault(each.casefold(), each)
    return [spelt[hit] for hit in difflib.get_close_matches(str(word).casefold(), spelt, n=most)]


def near_words(word: str, known: Iterable[object]) -> str:
    """Close spellings of a word among the known ones, to end an error with.

    Returns
    -------
    str
        Such as ``; near: red, rust``; empty where none is close.

    Examples
    --------
    >>> near_words("rod", ["red", "blue"])
    '; near: red'
    >>> near_words("qqqq", ["red", "blue"])
    ''
    """
    hits = close_spellings(word, known, 3)
    return f"; near: {', '.join(hits)}" if hits else ""


def did_you_mean(word: str, known: Iterable[object]) -> str:
    """The closest spelling of a word among a few known ones, as a question; empty where none is close.

    Examples
    --------
    >>> did_you_mean("smaple", ["hm", "imagelab", "sample"])
    ' Did you mean sample?'
    """
    hits = close_spellings(word, known, 1)
    return f" Did you mean {hits[0]}?" if hits else ""


def refuse_unknown(other: Iterable[str], known: Iterable[str]) -> None:
    """Raise TypeError, as Python does, for an argument that a function lacks, with the near one that it has.

    Examples
    --------
    >>> refuse_unknown(["catalog"], ["catalogue", "seed"])
    Traceback (most recent call last):
        ...
    TypeError: expected arguments among catalogue, seed; found 'catalog'. Did you mean catalogue?
    """
    names = [name for name in known if name not in ("return", "other")]
    for name in other:
        if name not in names:
            raise TypeError(
                f"expected arguments among {', '.join(names)}; found {name!r}."
                f"{did_you_mean(name, names) or ' Leave it out.'}"
            )


class SettingsError(FashionError):
    """A setting of a report, or an argument of a function, is outside its range."""
