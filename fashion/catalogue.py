"""A catalogue: the TOML that explains a table of clothes and its photos."""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fashion.errors import CatalogueError
from fashion.paths import project_root
from fashion.source import Source, open_source

REQUIRED = ("item", "category")
#: Columns of the items table that the study fills itself.
RESERVED = {
    *("row", "photo", "width", "height", "bytes", "sha256", "phash", "thumbnail", "tile", "problem"),
    *("garment_l", "garment_a", "garment_b", "garment_hex"),
    *("colour_source", "category_source", "department_source"),
}


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
        Of the table; encoding "auto" takes UTF-8 (with or without BOM), else Latin-1.
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

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with the project, so that its name is enough to find it."""
        return self.path.parent == project_root() / "data/catalogues"


def known_catalogues() -> list[str]:
    """Names of the catalogues that come with the project."""
    return sorted(path.stem for path in (project_root() / "data/catalogues").glob("*.toml"))


def load_catalogue(name_or_path: str | Path) -> Catalogue:
    """Read a catalogue by name (`sample`, `imagelab`, ...) or by the path of its TOML.

    Raises
    ------
    CatalogueError
        When there is no such file, it is no valid TOML, or a key is missing, unknown or of the wrong kind.
    """
    text = str(name_or_path)
    is_path = text.endswith(".toml")
    path = Path(text) if is_path else project_root() / "data/catalogues" / f"{text}.toml"
    if is_path and not path.is_file():  # a notebook's, which is as seen from the project
        path = project_root() / text
    if not path.is_file():
        raise CatalogueError(
            f"expected a catalogue, one of {', '.join(known_catalogues())}, or the path of a .toml file; "
            f"found {text!r}. See data/README.md for how to describe your own."
        )
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(f"expected valid TOML in {path}; found: {error}") from error
    return _from_toml(raw, path.resolve())


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
    if len(delimiter) != 1:
        raise CatalogueError(f"{path}: `delimiter` is one character; found {delimiter!r}")
    try:
        list(string.Formatter().parse(found["source"]["photos"]))
    except ValueError as error:
        raise CatalogueError(f"{path}: `photos` is a pattern such as images/{{id}}.jpg; found {error}") from error
    name = found[""]["name"]
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise CatalogueError(f"{path}: `name` is lower case letters, digits and hyphens; found {name!r}")
    language = found[""].get("language", "en")
    if language not in ("en", "it"):
        raise CatalogueError(f"{path}: `language` is 'it' (translated) or 'en' (kept); found {language!r}")
    source, cleaning = found["source"], found.get("cleaning", {})
    data = source.get("data")
    base = project_root() if path.is_relative_to(project_root()) else path.parent
    return Catalogue(
        name=name,
        title=found[""]["title"],
        table=source["table"],
        photos=source["photos"],
        columns={str(k): str(v) for k, v in columns.items()},
        path=path,
        language=language,
        delimiter=delimiter,
        encoding=found.get("table", {}).get("encoding", "auto"),
        drop_departments=tuple(cleaning.get("drop_departments", ())),
        default_limit=found.get("limit", {}).get("default"),
        data=(base / data) if data else None,
        maker=source.get("maker", ""),
        terms=found[""].get("terms", ""),
        citation=found[""].get("citation", ""),
        obtain=found[""].get("obtain", ""),
    )


def open_catalogue(catalogue: Catalogue, data: str | Path | None = None) -> Source:
    """Open the catalogue's zip or folder: `data` if given, else its own place; the sample is made if missing.

    Raises
    ------
    CatalogueError
        When nothing is there; the message says how to get the data.
    """
    place = Path(data) if data else catalogue.data
    if not data and catalogue.maker == "sample" and place is not None:
        from fashion.sample import make_sample

        make_sample(place)
    if place is None or not place.exists():
        at = f"at {place}" if place else "(its TOML names no place)"
        raise CatalogueError(
            f"expected the data of {catalogue.title} {at}; there is nothing. Give a zip or folder with "
            f"DATA=path (make) or --data path (fashion). {catalogue.obtain}".rstrip()
        )
    return open_source(place, catalogue.table)
