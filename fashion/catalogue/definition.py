"""A catalogue: the TOML that explains a table of clothes and its photos."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fashion.catalogue.source import Source, open_source
from fashion.core.checksums import sha256_json
from fashion.core.errors import CatalogueError, did_you_mean
from fashion.core.paths import project_root
from fashion.core.texts import clean_text, read_toml

REQUIRED = ("item", "category")

#: Columns of the items table that the study fills itself.
RESERVED = {
    *("row", "photo", "width", "height", "bytes", "sha256", "phash", "thumbnail", "tile", "problem"),
    *("garment_l", "garment_a", "garment_b", "garment_hex"),
    *("colour_source", "category_source", "department_source"),
}

#: Folders that hold what all catalogues share, beside the catalogues' own ones in data/processed and reports.
OWN_FOLDERS = {"embeddings", "descriptors", "photo_facts", "networks", "bench"}

#: Names that no file may have on Windows, with any ending.
WINDOWS_NAMES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}

#: Letters of a name at most: it becomes a folder's name, and part of others.
LONGEST_NAME = 64


@dataclass(frozen=True)
class Catalogue:
    """What a catalogue's TOML says.

    Attributes
    ----------
    name : str
        Short name: lower case letters, digits, hyphens; names the folders of its results.
    title : str
        Name for people.
    table, photos : str
        The table's file name; the photo's name as a format string over the table's own columns.
    columns : dict of str to str
        Our column name -> the table's column name. `item` and `category` are needed.
    language : str
        "it": values go through data/glossary; "en": values are kept as they are.
    delimiter, encoding : str
        Of the table; encoding "auto" goes by the byte order mark, or takes UTF-8 if it is valid, else Windows-1252.
    drop_departments : tuple of str
        English departments that are no garments.
    default_limit : int or None
        Items of a default run, a stratified sample; None for all.
    data : Path or None
        Where the zip or folder lies when the user names none.
    maker : str
        "sample" for the embedded one that is made on demand, else "".
    terms, citation, obtain : str
        Terms of use, whom to cite, how to get the data.
    path : Path
        The TOML itself.
    content : str
        Checksum of what the TOML says, whatever its comments and layout.
    """

    name: str
    title: str
    table: str
    photos: str
    columns: dict[str, str]
    path: Path
    language: str = "en"
    delimiter: str = ","
    encoding: str = "auto"
    drop_departments: tuple[str, ...] = ()
    default_limit: int | None = None
    data: Path | None = None
    maker: str = ""
    terms: str = ""
    citation: str = ""
    obtain: str = ""
    content: str = ""

    def __repr__(self) -> str:
        return f"Catalogue({self.name!r}: {self.title}, {self.table} with {', '.join(self.columns)}, from {self.path})"

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with the project, so that its name is enough to find it."""
        return self.path.parent == _shipped_folder()


def known_catalogues() -> list[str]:
    """Names of the catalogues that come with the project."""
    return sorted(path.stem for path in _shipped_folder().glob("*.toml"))


def _shipped_folder() -> Path:
    return project_root() / "data/catalogues"


def load_catalogue(name_or_path: str | Path) -> Catalogue:
    """Read a catalogue by name (`sample`, `imagelab`, ...) or by the path of its TOML.

    Raises
    ------
    CatalogueError
        When there is no such file, it is no valid TOML, or a key is missing, unknown or of the wrong kind.
    """
    text = str(name_or_path)
    is_path = text.lower().endswith(".toml")
    path = Path(text) if is_path else _shipped_folder() / f"{text}.toml"
    if is_path and not path.is_file():  # a notebook's, which is as seen from the project
        path = project_root() / text
    if not path.is_file():
        raise no_such_catalogue(text, known_catalogues())
    return _from_toml(read_toml(path), path.resolve())


def no_such_catalogue(text: str, known: Iterable[str]) -> CatalogueError:
    """The error for a name that is no catalogue's, or a path at which there is no file."""
    names = sorted(set(known))
    wrong = " That is a file, but no .toml." if Path(text).is_file() else did_you_mean(text, names)
    return CatalogueError(
        f"expected a catalogue, one of {', '.join(names)}, or the path of a .toml file; "
        f"found {text!r}.{wrong} See data/README.md for how to describe your own."
    )


_TABLES: dict[str, dict[str, type]] = {
    "": {"name": str, "title": str, "language": str, "terms": str, "citation": str, "obtain": str},
    "source": {"table": str, "photos": str, "data": str, "maker": str},
    "table": {"delimiter": str, "encoding": str},
    "cleaning": {"drop_departments": list},
    "limit": {"default": int},
}


def _from_toml(raw: dict[str, Any], path: Path) -> Catalogue:
    found: dict[str, dict[str, Any]] = {"": {k: v for k, v in raw.items() if not isinstance(v, dict)}}
    found.update({k: v for k, v in raw.items() if isinstance(v, dict)})
    for table, values in found.items():
        if table == "columns":
            continue
        allowed = _TABLES.get(table)
        where = f"[{table}] of {path}" if table else str(path)
        if allowed is None:
            raise CatalogueError(
                f"{path}: unknown table [{table}]; known are {', '.join([*filter(None, _TABLES), 'columns'])}"
            )
        for key, value in values.items():
            if key not in allowed:
                raise CatalogueError(f"unknown key {key!r} in {where}; known are {', '.join(allowed)}")
            if not isinstance(value, allowed[key]):
                raise CatalogueError(f"{key!r} in {where}: expected {allowed[key].__name__}, found {value!r}")
    missing = [
        f"{key} in [{table}]" if table else key
        for table, key in [("", "name"), ("", "title"), ("source", "table"), ("source", "photos")]
        if not found.get(table, {}).get(key)
    ]
    columns = dict(found.get("columns", {}))
    missing += [f"{key} in [columns]" for key in REQUIRED if key not in columns]
    if missing:
        raise CatalogueError(f"{path}: missing {', '.join(missing)}; data/README.md explains each key")
    taken = sorted(set(columns) & RESERVED)
    if taken:
        raise CatalogueError(f"{path}: [columns] may not name {', '.join(taken)}, which the study fills itself")
    delimiter = found.get("table", {}).get("delimiter", ",")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise CatalogueError(
            f"{path}: `delimiter` is one character, and neither a quotation mark nor a line break; found {delimiter!r}"
        )
    check_pattern(found["source"]["photos"], path)
    name = found[""]["name"]
    _check_name(name, path)
    language = found[""].get("language", "en")
    if language not in ("en", "it"):
        raise CatalogueError(f"{path}: `language` is 'it' (translated) or 'en' (kept); found {language!r}")
    source, cleaning = found["source"], found.get("cleaning", {})
    data = source.get("data")
    base = project_root() if path.is_relative_to(project_root()) else path.parent
    return Catalogue(
        name=name,
        title=clean_text(found[""]["title"]).strip(),
        table=source["table"],
        photos=source["photos"],
        columns={str(k): clean_text(str(v)).strip() for k, v in columns.items()},
        path=path,
        language=language,
        delimiter=delimiter,
        encoding=found.get("table", {}).get("encoding", "auto"),
        drop_departments=tuple(cleaning.get("drop_departments", ())),
        default_limit=found.get("limit", {}).get("default"),
        data=(base / data) if data else None,
        maker=source.get("maker", ""),
        terms=clean_text(found[""].get("terms", ""), keep="\n"),
        citation=clean_text(found[""].get("citation", ""), keep="\n"),
        obtain=clean_text(found[""].get("obtain", ""), keep="\n"),
        content=sha256_json(raw),
    )


def _check_name(name: str, path: Path) -> None:
    """Refuse a name that is no folder's on every system, or that belongs to something else."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise CatalogueError(f"{path}: `name` is lower case letters, digits and hyphens; found {name!r}")
    if len(name) > LONGEST_NAME:
        raise CatalogueError(f"{path}: `name` has at most {LONGEST_NAME} letters; found {len(name)}. Shorten it")
    if name in OWN_FOLDERS or name in WINDOWS_NAMES:
        whose = "this project's own folder" if name in OWN_FOLDERS else "a name that Windows keeps for a device"
        raise CatalogueError(f"{path}: `name` becomes a folder's name; found {name!r}, {whose}. Choose another one")
    shipped = path.parent == _shipped_folder()
    if shipped and name != path.stem:
        raise CatalogueError(f"{path}: expected the `name` {path.stem!r}, as the file's; found {name!r}. Make them one")
    if not shipped and name in known_catalogues():
        raise CatalogueError(
            f"expected one catalogue of the name {name!r}; found two: {_shipped_folder() / f'{name}.toml'} and {path}. "
            "Give yours another `name`."
        )


#: How a text may be written by a pattern: filled up to a width, or cut to a length.
_SPEC = re.compile(r"(?:.?[<>^]0?)?(?:[1-9]\d{0,2})?(?:\.\d{1,3})?s?", re.DOTALL)


def check_pattern(pattern: str, path: Path) -> None:
    """Refuse a pattern of `photos` that no row can fill in.

    Raises
    ------
    CatalogueError
        Names the pattern, what is wrong with it, and what is right.
    """

    def refuse(said: str, advice: str) -> CatalogueError:
        return CatalogueError(
            f"{path}: expected in `photos` a pattern of the table's columns, such as images/{{id}}.jpg; found "
            f"{pattern!r}, {said}. {advice}"
        )

    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise refuse(f"which cannot be read: {error}", "Close each brace; write {{ for a brace itself.") from error
    fields = 0
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        fields += 1
        if not name.strip() or name.strip().isdecimal():
            raise refuse(f"whose {{{name}}} names no column", "Write the column's name between the braces.")
        if "." in name or "[" in name:
            raise refuse(
                f"whose {{{name}}} looks into a value", "A value is text: write a column's name alone, and rename a "
                "column that has . or [ in its name."
            )  # fmt: skip
        if conversion not in (None, "s"):
            raise refuse(f"with the conversion !{conversion}", f"A value is text already: write {{{name}}}.")
        if "{" in (spec or ""):
            raise refuse("with one column inside another", f"Write the width as a number: {{{name}:0>8}}.")
        if not _SPEC.fullmatch(spec or ""):
            width = re.match(r"[^1-9.]*([1-9]\d{0,2})", spec or "")
            right = f"{{{name}:0>{width[1]}}}" if width else f"{{{name}}}"
            raise refuse(
                f"with the format {spec!r}", f"Every value is text, so formats of numbers do not fit: write {right} "
                f"({{{name}:0>8}} fills up with zeros to 8 letters, {{{name}:.3}} takes the first 3)."
            )  # fmt: skip
    if not fields:
        raise refuse("which names no column: every row would have the same photo", "Write a column's name in braces.")


def open_catalogue(catalogue: Catalogue, data: str | Path | None = None) -> Source:
    """Open the catalogue's zip or folder: `data` if given, else its own place; the sample is made if missing.

    Raises
    ------
    CatalogueError
        When nothing is there; the message says how to get the data.
    """
    place = Path(data) if data else catalogue.data
    if not data and catalogue.maker == "sample" and place is not None:
        from fashion.catalogue.sample.make import make_sample

        make_sample(place)
    if place is None or not place.exists():
        at = f"at {place}" if place else "(its TOML names no place)"
        raise CatalogueError(
            f"expected the data of {catalogue.title} {at}; there is nothing. Give a zip or folder with "
            f"DATA=path (make) or --data path (fashion). {catalogue.obtain}".rstrip()
        )
    return open_source(place, catalogue.table)
