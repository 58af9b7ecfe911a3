"""The keys of a catalogue's TOML as a pydantic model, and its errors as advice.

`definition` imports it only to check a TOML: pydantic takes longer to load than a recommendation.
"""

from __future__ import annotations

import codecs
import re
import string
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from fashion.catalogue.addresses import DownloadRules
from fashion.catalogue.photo_pattern import name_and_spec
from fashion.core.errors import CatalogueError, did_you_mean
from fashion.core.texts import clean_text

#: Columns of the items table that the study fills itself.
RESERVED = {
    *("row", "photo", "more_photos", "width", "height", "bytes", "sha256", "phash", "thumbnail", "tile", "problem"),
    *("garment_l", "garment_a", "garment_b", "garment_hex", "edge_width", "darkest", "lightest", "uneven_border"),
    *("colour_source", "category_source", "department_source"),
}

#: Folders that hold what all catalogues share, beside the catalogues' own ones in data/processed and reports.
OWN_FOLDERS = {"embeddings", "descriptors", "photo_metadata", "networks", "unpacked", "bench", "runs", "compare"}

#: Names that no file may have on Windows, with any ending.
WINDOWS_NAMES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}

#: Letters of a name at most: it becomes a folder's name, and part of others.
LONGEST_NAME = 64

#: A language's code, as in BCP 47: a language of two or three letters, and what narrows it.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")

#: How a text may be written by a pattern: filled up to a width, or cut to a length.
_SPEC = re.compile(r"(?:.?[<>^]0?)?(?:[1-9]\d{0,2})?(?:\.\d{1,3})?s?", re.DOTALL)


class _Refused(ValueError):
    """A value that is refused: what it is expected `to be`, what was found, what to do."""

    def __init__(self, expected: str, actual: str, advice: str) -> None:
        super().__init__(expected, actual, advice)
        self.expected, self.actual, self.advice = expected, actual, advice


def _check_name(name: str) -> str:
    """Refuse a name that is no folder's on every system, or that belongs to something else."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise _Refused(
            "to consist of lower-case letters, digits and hyphens", repr(name), "Use only those, such as my-shop."
        )
    if len(name) > LONGEST_NAME:
        raise _Refused(f"to have at most {LONGEST_NAME} letters", str(len(name)), "Shorten it.")
    if name in OWN_FOLDERS or name in WINDOWS_NAMES:
        whose = "this project's own folder" if name in OWN_FOLDERS else "a name that Windows keeps for a device"
        raise _Refused("to be free for a folder's name", f"{name!r}, {whose}", "Choose another one.")
    return name


def _check_delimiter(delimiter: str) -> str:
    if delimiter != "auto" and (len(delimiter) != 1 or delimiter in '"\r\n'):
        expected = 'to be "auto" or one character, and neither a quotation mark nor a line break'
        raise _Refused(expected, repr(delimiter), 'Write "," or "\\t", as in the table, or leave it out.')
    return delimiter


def _check_encoding(encoding: str) -> str:
    try:
        if encoding != "auto":
            codecs.lookup(encoding)
    except (LookupError, ValueError) as error:
        expected = 'to be "auto" or one of Python\'s encodings'
        raise _Refused(expected, repr(encoding), "Save the table as UTF-8, and leave `encoding` out.") from error
    return encoding


def _check_language(language: str) -> str:
    if not _LANGUAGE.fullmatch(language):
        expected = 'to be the code of a language, such as "en", "it" or "pt-BR"'
        raise _Refused(
            expected, repr(language), "Write the code; words are translated by [glossary], Italian ones by ours."
        )
    return language


def _check_separator(text: str) -> str:
    if text and (not text.strip() or "," in text):
        expected = "to be the sign between the steps of a path of categories, and no comma"
        raise _Refused(expected, repr(text), 'Write ">" or "/", as in the table, or leave it out.')
    return text


def _check_filled(text: str) -> str:
    if not clean_text(text).strip():
        raise _Refused("to say something", repr(text), "Fill it in, or remove the line if it is not needed.")
    return text


def _check_pattern(pattern: str) -> str:
    """Refuse a pattern of `photos` that no row can fill in."""

    def refuse(said: str, advice: str) -> _Refused:
        expected = "to be a pattern of the table's columns, such as images/{id}.jpg"
        return _Refused(expected, f"{pattern!r}, {said}", advice)

    try:
        pieces = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise refuse(f"which cannot be read: {error}", "Close each brace; write {{ for a brace itself.") from error
    fields = [
        (*name_and_spec(name, spec or ""), conversion) for _, name, spec, conversion in pieces if name is not None
    ]
    for name, spec, conversion in fields:
        if not name.strip() or name.strip().isdecimal():
            raise refuse(f"whose {{{name}}} names no column", "Write the column's name between the braces.")
        if conversion not in (None, "s"):
            raise refuse(f"with the conversion !{conversion}", f"A value is text already: write {{{name}}}.")
        if "{" in spec:
            raise refuse("with one column inside another", f"Write the width as a number: {{{name}:0>8}}.")
        if not _SPEC.fullmatch(spec):
            width = re.match(r"[^1-9.]*([1-9]\d{0,2})", spec)
            right = f"{{{name}:0>{width[1]}}}" if width else f"{{{name}}}"
            raise refuse(
                f"with the format {spec!r}", f"Every value is text, so formats of numbers do not fit: write {right} "
                f"({{{name}:0>8}} pads with zeros to 8 characters, {{{name}:.3}} takes the first 3)."
            )  # fmt: skip
    if not fields:
        raise refuse("which names no column: every row would have the same photo", "Write a column's name in braces.")
    return pattern


def _between(least: float, most: float, what: str) -> AfterValidator:
    """A check of a number's bounds; also refuses what is no finite number."""

    def check(value: float) -> float:
        if not least <= value <= most:
            raise _Refused(f"to be from {least:g} to {most:g}", f"{value:g}", f"Give {what} in that range.")
        return value

    return AfterValidator(check)


#: A text that must be there and say something.
_Needed = Annotated[str, Field(min_length=1), AfterValidator(_check_filled)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, coerce_numbers_to_str=True)


#: A photo's name as a pattern.
_Pattern = Annotated[_Needed, AfterValidator(_check_pattern)]


def _as_list(value: object) -> object:
    """One pattern as a list of it."""
    return value if isinstance(value, list) else [value]


def _check_some(patterns: list[str]) -> list[str]:
    if not patterns:
        expected = 'to be a pattern of the table\'s columns, or a list of them such as ["{image}", "{image_2}"]'
        raise _Refused(expected, "an empty list", "Write at least the column of the photo that is shown.")
    return patterns


class _Source(_Table):
    table: _Needed
    photos: Annotated[list[_Pattern], BeforeValidator(_as_list), AfterValidator(_check_some)]
    data: str = ""
    maker: str = ""


class _TableFormat(_Table):
    delimiter: Annotated[str, AfterValidator(_check_delimiter)] = "auto"
    encoding: Annotated[str, AfterValidator(_check_encoding)] = "auto"
    sheet: str = ""


#: A table's column, whose name may be a number.
_Column = Annotated[str, Field(strict=False), AfterValidator(_check_filled)]


class _Downloads(_Table):
    """The keys of [downloads]: rules for downloading photos by address."""

    private_network: bool = DownloadRules.private_network
    pause: Annotated[float, _between(0, 60, "seconds")] = DownloadRules.pause
    at_once: Annotated[int, _between(1, 64, "a number of requests")] = DownloadRules.at_once
    photo_megabytes: Annotated[float, _between(0.01, 256, "megabytes")] = DownloadRules.photo_megabytes
    gigabytes: Annotated[float, _between(0.001, 100_000, "gigabytes")] = DownloadRules.gigabytes


class _Glossary(_Table):
    """Files of the catalogue's own glossary, relative to the TOML."""

    colours: Annotated[str, AfterValidator(_check_filled)] = ""
    categories: Annotated[str, AfterValidator(_check_filled)] = ""
    departments: Annotated[str, AfterValidator(_check_filled)] = ""


class _Columns(BaseModel):
    """Our column names -> the table's."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)
    __pydantic_extra__: dict[str, _Column] = Field(init=False)
    item: _Column


def _check_columns(columns: _Columns) -> _Columns:
    taken = sorted(set(columns.__pydantic_extra__) & RESERVED)
    if taken:
        raise _Refused("to avoid names that the study reserves", ", ".join(taken), "Choose other names.")
    return columns


class _Cleaning(_Table):
    drop_departments: list[str] = []
    category_path: Annotated[str, AfterValidator(_check_separator)] = ""


class _Similarity(_Table):
    columns: list[str] = []


class _Evaluation(_Table):
    held_out: list[str] = []


class _Limit(_Table):
    default: Annotated[int, Field(ge=0, lt=2**31)] = 0


class CatalogueToml(_Table):
    """All that a catalogue's TOML may say; data/README.md explains each key."""

    name: Annotated[_Needed, AfterValidator(_check_name)]
    title: _Needed
    language: Annotated[str, AfterValidator(_check_language)] = "en"
    logo: str = ""
    terms: str = ""
    citation: str = ""
    obtain: str = ""
    # What is missing in a table is named by its keys, also where the whole table is.
    source: _Source = Field(default={}, validate_default=True)
    table: _TableFormat = _TableFormat()
    columns: Annotated[_Columns, AfterValidator(_check_columns)] = Field(default={}, validate_default=True)
    downloads: _Downloads = _Downloads()
    glossary: _Glossary = _Glossary()
    cleaning: _Cleaning = _Cleaning()
    similarity: _Similarity = _Similarity()
    evaluation: _Evaluation = _Evaluation()
    limit: _Limit = _Limit()


def known_keys() -> dict[str, list[str]]:
    """The tables of a TOML -> their keys; those outside any table under the empty name."""
    keys: dict[str, list[str]] = {"": []}
    for name, field in CatalogueToml.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys[name] = list(field.annotation.model_fields)
        else:
            keys[""].append(name)
    return keys


#: pydantic's kind of error -> what a value is expected to be, and what to do.
_KINDS = {
    "string_type": ("to be text", "Put it in quotes."),
    "bool_type": ("to be true or false", "Write it without quotes."),
    "float_type": ("to be a number", "Write it without quotes."),
    "int_type": ("to be a whole number", "Write it without quotes and decimals."),
    "greater_than_equal": ("to be 0 or more", "Write how many items a default run takes."),
    "less_than": (f"to be less than {2**31}", "Write how many items a default run takes."),
    "list_type": ("to be a list of texts", 'Write it as ["one", "two"].'),
    "model_type": ("to be a table", "Write its name in brackets on a line of its own, and its keys below."),
}


def check_toml(raw: dict[str, Any], path: Path) -> None:
    """Check what a catalogue's TOML says.

    Raises
    ------
    CatalogueError
        Names, a line each, every key that is missing, unknown or of the wrong kind, and what to do.
    """
    try:
        CatalogueToml.model_validate(raw)
    except ValidationError as error:
        problems = error.errors()
    else:
        return
    absent = [p["loc"] for p in problems if p["type"] in ("missing", "string_too_short")]
    lines = [_advice(p, path) for p in problems if p["loc"] not in absent]
    if absent:
        missing = ", ".join(f"{loc[1]} in [{loc[0]}]" if len(loc) > 1 else str(loc[0]) for loc in absent)
        lines.append(
            f"expected all required keys in {path}; found none for {missing}. data/README.md explains each key."
        )
    raise CatalogueError("\n".join(lines))


def _advice(problem: Any, path: Path) -> str:
    """One of pydantic's errors in our words."""
    keys, (first, *rest) = known_keys(), [str(step) for step in problem["loc"]]
    table, key = (first, rest[0]) if rest else ("", first)
    where = f"[{table}] of {path}" if table else str(path)
    if problem["type"] == "extra_forbidden":
        if not table and isinstance(problem["input"], dict):
            tables = [name for name in keys if name]
            known, what = tables, f"table [{key}]"
            expected = f"one of the tables {', '.join(tables)}"
        else:
            known, what = keys[table], f"key {key!r}"
            expected = f"one of the keys {', '.join(known)}"
        return f"expected {expected} in {where}; found the unknown {what}.{did_you_mean(key, known) or ' Remove it.'}"
    subject = f"`{key}` in {where}" if table or key in keys[""] else f"[{key}] of {path}"
    wrong = problem.get("ctx", {}).get("error")
    if isinstance(wrong, _Refused):
        return f"expected {subject} {wrong.expected}; found {wrong.actual}. {wrong.advice}"
    expected, advice = _KINDS[problem["type"]]
    return f"expected {subject} {expected}; found {problem['input']!r}. {advice}"
