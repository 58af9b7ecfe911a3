"""Text as programs save it: its encoding, characters that no page or slide takes, and files that are no text."""

from __future__ import annotations

import codecs
import io
import re
import tomllib
import unicodedata
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from fashion.core.errors import CatalogueError, FashionError

#: Byte order marks -> encoding; UTF-32's first, as UTF-16's is its beginning.
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

#: Windows-1252 over Latin-1: its characters in place of 27 of the 32 C1 controls; five bytes have none.
_CP1252 = {byte: text for byte in range(0x80, 0xA0) if (text := bytes([byte]).decode("cp1252", errors="ignore"))}

#: Breaks and separators, which part words: a space stands for each.
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"

#: Control characters beside them.
_CONTROLS = "".join(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in _BREAKS)

#: Lone surrogates and non-characters: XML, and so a slide, takes none of them, nor control characters.
_NO_CHARACTERS = "\ud800-\udfff\ufffe\uffff"

#: Signs that nobody sees: soft hyphens, zero-width spaces, marks of direction.
_UNSEEN = "\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"

#: Joiners, but for those inside scripts and emoji whose look they change.
_JOINERS = re.compile(
    "(?<![\u0600-\u1cff\u2190-\U0010ffff])[\u200c\u200d]+|[\u200c\u200d]+(?![\u0600-\u1cff\u2190-\U0010ffff\u200c\u200d])"
)


@cache
def _patterns(keep: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of what becomes a space, and of what is removed; `keep` as in `clean_text`."""
    breaks, controls = ("".join(sign for sign in signs if sign not in keep) for signs in (_BREAKS, _CONTROLS))
    pair = "\r\n|" if {"\r", "\n"} <= set(breaks) else ""
    gone = f"[{re.escape(controls)}{_NO_CHARACTERS}{_UNSEEN}]"
    return re.compile(f"{pair}[{re.escape(breaks)}]"), re.compile(gone)


def clean_text(text: str, keep: str = "") -> str:
    """The text on one line, without control characters and signs that nobody sees; a space for each break.

    Accents are joined to their letters (Unicode's form NFC), so that what is written in two ways is one text.

    Parameters
    ----------
    text : str
    keep : str
        Breaks and control characters that stay, such as "\\n".

    Examples
    --------
    >>> clean_text("red\\x0bdress\\x07")
    'red dress'
    >>> clean_text("cre\\u0301me\\u200b") == "cr\\u00e9me"
    True
    """
    if not text.isprintable():  # nearly every text is, and that is quick to tell
        breaks, gone = _patterns(keep)
        text = gone.sub("", breaks.sub(" ", text))
        if "\u200c" in text or "\u200d" in text:
            text = _JOINERS.sub("", text)
    return unicodedata.normalize("NFC", text)


def file_name(text: str, otherwise: str) -> str:
    """A text as a part of file names: letters, digits, dots and underscores; `otherwise` if nothing is left.

    Examples
    --------
    >>> file_name("Fashion SigLIP (v2)", "encoder"), file_name("--", "encoder")
    ('Fashion-SigLIP-v2', 'encoder')
    """
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.") or otherwise


def fold_text(text: str) -> str:
    """A text folded for comparison: letter case, Unicode form and unseen signs no longer make a difference.

    Examples
    --------
    >>> fold_text("ＢＬＵＥ\\u200b Cafe\\u0301") == fold_text("blue caf\\u00e9")
    True
    """
    if text.isascii() and text.isprintable():
        return text.casefold()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", clean_text(text)).casefold())


def decode(data: bytes, encoding: str = "auto") -> str:
    """Decode a text: by its byte order mark, as UTF-8 if it is valid, else as Windows-1252; see `decoded`."""
    return decoded(data, encoding)[0]


def decoded(data: bytes, encoding: str = "auto", place: str = "the file") -> tuple[str, str]:
    """A text, and the encoding that it was read in.

    Parameters
    ----------
    data : bytes
    encoding : str
        "auto", or one of Python's encodings. A byte order mark overrules it. Latin-1 is read as Windows-1252, which
        differs from it only where Latin-1 has control characters; its five gaps are read as Latin-1.
    place : str
        For errors.

    Returns
    -------
    text, encoding : str
        The encoding by its name for people.

    Raises
    ------
    CatalogueError
        When the text is not in that encoding; says at which byte.
    """
    named = next((name for mark, name in BOMS if data.startswith(mark)), None)
    try:
        if named:
            return data.decode(named), named.removesuffix("-sig").upper()
        if encoding != "auto":
            if codecs.lookup(encoding).name in ("iso8859-1", "cp1252"):
                return _windows(data)
            return data.decode(encoding).removeprefix("\ufeff"), encoding
    except (UnicodeError, LookupError, ValueError) as error:
        said = f"{named}, as its first bytes say" if named else f"{encoding}, as `encoding` says"
        raise CatalogueError(
            f"expected text in {said}, in {place}; found: {error}. Save the file as UTF-8, and leave `encoding` out."
        ) from error
    if len(data) % 2 == 0 and (bare := _bare_utf16(data[:2000])):
        with suppress(UnicodeDecodeError):
            return data.decode(bare), "UTF-16"
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        return _windows(data)


def _windows(data: bytes) -> tuple[str, str]:
    return data.decode("latin-1").translate(_CP1252), "Windows-1252"


def _bare_utf16(head: bytes) -> str:
    """The encoding of UTF-16 without a byte order mark, by its many zero bytes; else empty."""
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        others = head[0::2] if encoding == "utf-16-le" else head[1::2]
        if zeros.count(0) * 2 > len(zeros) and others.count(0) * 10 < len(others):
            return encoding
    return ""


def read_toml(path: Path, error_of: type[FashionError] = CatalogueError) -> dict[str, Any]:
    """Parse a TOML in UTF-8, with or without byte order mark, or in UTF-16 with one.

    Raises
    ------
    FashionError
        `error_of`, when the file cannot be read or is no TOML.
    """
    data = b""
    try:
        data = path.read_bytes()
        named = next((name for mark, name in BOMS if data.startswith(mark)), "utf-8")
        return tomllib.loads(data.decode(named))
    except OSError as error:
        raise error_of(
            f"expected a TOML at {path}; found that it cannot be read: {error.strerror or error}. Check the path."
        ) from error
    except UnicodeDecodeError as error:
        found, advice = (kind, "Name the TOML itself") if (kind := kind_of(data)) else (error, "Save the file as UTF-8")
        raise error_of(f"expected valid TOML in {path}; found: {found}. {advice}.") from error
    except (ValueError, RecursionError) as error:  # also a number, or a nesting, beyond Python's bounds
        advice = "Write Windows paths with / in place of \\" if b"\\" in data else "Correct the file there"
        raise error_of(f"expected valid TOML in {path}; found: {error}. {advice}.") from error


# -- files that are no text ------------------------------------------------------------------------------
_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"%PDF-", "a PDF"),
    (b"\xff\xd8\xff", "a photo (JPEG)"),
    (b"\x89PNG\r\n\x1a\n", "a photo (PNG)"),
    (b"GIF8", "a photo (GIF)"),
    (b"II*\x00", "a photo (TIFF)"),
    (b"MM\x00*", "a photo (TIFF)"),
)


def kind_of(data: bytes, names: Iterable[str] | None = None) -> str:
    """The kind of a file by its first bytes, with its article ("an Excel workbook"); empty where it may be text.

    Parameters
    ----------
    data : bytes
        The file, or its first bytes.
    names : iterable of str, optional
        What is in it, where it is a zip that is open already.
    """
    for mark, kind in _SIGNATURES:
        if data.startswith(mark):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a photo (WebP)"
    if data[4:8] == b"ftyp":
        return "a photo (HEIC or AVIF) or a video"
    if data[257:262] == b"ustar":
        return "a tar archive"
    if data[:4] not in (b"PK\x03\x04", b"PK\x05\x06"):
        return ""
    if names is None:
        names = []
        with suppress(zipfile.BadZipFile, OSError, ValueError, RuntimeError):
            names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    return workbook_of(names) or "a zip archive"


def workbook_of(names: Iterable[str]) -> str:
    """The kind of spreadsheet that a zip with these names is; empty for any other zip."""
    names = set(names)
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return "an Excel workbook (.xlsx)"
    if {"content.xml", "META-INF/manifest.xml"} <= names:
        return "an OpenDocument workbook (.ods)"
    if any(name.startswith("Index/") and name.endswith(".iwa") for name in names):
        return "a Numbers workbook"
    return ""


def advice_on(kind: str) -> str:
    """Advice on how to turn a file of that kind (from `kind_of`) into a table that can be read."""
    if "workbook" in kind:
        return "Save the sheet as CSV (UTF-8), and name that file as the table."
    if "archive" in kind or kind.endswith("file"):
        return "Unpack it."
    return "Name a table: CSV or other delimited text, JSON Lines, Parquet, or an Excel or OpenDocument sheet."
