"""Text as programs save it: its encoding, characters that no page or slide takes, and files that are no text."""

from __future__ import annotations

import codecs
import io
import re
import tomllib
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


@cache
def _patterns(keep: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What becomes a space, and what goes."""
    breaks, controls = ("".join(sign for sign in signs if sign not in keep) for signs in (_BREAKS, _CONTROLS))
    pair = "\r\n|" if {"\r", "\n"} <= set(breaks) else ""
    return re.compile(f"{pair}[{re.escape(breaks)}]"), re.compile(f"[{re.escape(controls)}{_NO_CHARACTERS}]")


def clean_text(text: str, keep: str = "") -> str:
    """The text on one line, without control characters: a space for each break, nothing for the others.

    Parameters
    ----------
    text : str
    keep : str
        Characters that stay, such as "\\n".

    Examples
    --------
    >>> clean_text("red\\x0bdress\\x07")
    'red dress'
    """
    if text.isprintable():  # true of nearly every text, and quick to tell
        return text
    breaks, controls = _patterns(keep)
    return controls.sub("", breaks.sub(" ", text))


def decode(data: bytes, encoding: str = "auto") -> str:
    """Decode a text: by its byte order mark, as UTF-8 if it is valid, else as Windows-1252.

    Parameters
    ----------
    data : bytes
    encoding : str
        "auto", or one of Python's encodings. A byte order mark overrules it. Latin-1 is read as Windows-1252, which
        differs from it only where Latin-1 has control characters; its five gaps are read as Latin-1.

    Raises
    ------
    CatalogueError
        When the text is not in that encoding; says at which byte.
    """
    named = next((name for mark, name in BOMS if data.startswith(mark)), None)
    try:
        if named:
            return data.decode(named)
        if encoding != "auto":
            if codecs.lookup(encoding).name in ("iso8859-1", "cp1252"):
                return data.decode("latin-1").translate(_CP1252)
            return data.decode(encoding).removeprefix("\ufeff")
    except (UnicodeError, LookupError, ValueError) as error:
        said = f"{named}, as its first bytes say" if named else f"{encoding}, as `encoding` says"
        raise CatalogueError(
            f"expected text in {said}; found: {error}. Save the file as UTF-8, and leave `encoding` out."
        ) from error
    if len(data) % 2 == 0 and (bare := _bare_utf16(data[:2000])):
        with suppress(UnicodeDecodeError):
            return data.decode(bare)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1").translate(_CP1252)


def _bare_utf16(head: bytes) -> str:
    """The encoding of UTF-16 without a byte order mark, by its many zero bytes; else empty."""
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        others = head[0::2] if encoding == "utf-16-le" else head[1::2]
        if zeros.count(0) * 2 > len(zeros) and others.count(0) * 10 < len(others):
            return encoding
    return ""


def read_toml(path: Path, error_of: type[FashionError] = CatalogueError) -> dict[str, Any]:
    """What a TOML says; in UTF-8, with or without byte order mark, or in UTF-16 with one.

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
        raise error_of(f"expected a TOML at {path}; it cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        kind = kind_of(data)
        said = f"this is {kind}" if kind else f"{error}. Save the file as UTF-8"
        raise error_of(f"expected valid TOML in {path}; it cannot be read: {said}.") from error
    except (ValueError, RecursionError) as error:  # also a number, or a nesting, beyond Python's bounds
        paths = " Write Windows paths with / in place of \\." if b"\\" in data else ""
        raise error_of(f"expected valid TOML in {path}; it cannot be read: {error}.{paths}") from error


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
    """What a file is by its first bytes, with its article ("an Excel workbook"); empty where it may be text.

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
        with suppress(zipfile.BadZipFile, OSError, ValueError):
            names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    return workbook_of(names) or "a zip archive"


def workbook_of(names: Iterable[str]) -> str:
    """What spreadsheet a zip with these names is; empty for any other zip."""
    names = set(names)
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return "an Excel workbook (.xlsx)"
    if {"content.xml", "META-INF/manifest.xml"} <= names:
        return "an OpenDocument workbook (.ods)"
    if any(name.startswith("Index/") and name.endswith(".iwa") for name in names):
        return "a Numbers workbook"
    return ""


def advice_on(kind: str) -> str:
    """How to make a text table of a file of that kind (from `kind_of`)."""
    if "workbook" in kind:
        return "save the sheet as CSV (UTF-8), and name that file as the table."
    if "archive" in kind or (kind.endswith("file") and "Parquet" not in kind):
        return "unpack it."
    return "name a table of text: values, one row a line, with a header."
