"""A catalogue: the TOML that explains a table of clothes and its photos."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fashion.catalogue.addresses import DownloadRules, Downloads, downloads_folder
from fashion.catalogue.raw_table import TableFormat
from fashion.catalogue.source import Source, open_source
from fashion.catalogue.unpacked import unpacked_folder
from fashion.core.checksums import sha256_json
from fashion.core.errors import CatalogueError, did_you_mean
from fashion.core.paths import at_home, project_root
from fashion.core.texts import clean_text, read_toml

#: Our columns of words that are translated -> the key of [glossary] that names a file of the catalogue's own.
GLOSSARY_KEYS = {"colour": "colours", "category": "categories", "department": "departments"}


@dataclass(frozen=True)
class Catalogue:
    """A catalogue as its TOML defines it.

    Attributes
    ----------
    name : str
        Short name: lower case letters, digits, hyphens; names the folders of its results.
    title : str
        Name for people.
    table, photos : str
        The table's file name, or its shards' with `*` and `?`, or `source.LISTING` where there is none; the name of the
        photo that is shown as a format string over the table's own columns (`photo_pattern`).
    more_photos : tuple of str
        Likewise for further photos of a row.
    columns : dict of str to str
        Our column name -> the table's column name, or that of the photo's folder (`listing`). `item` is needed.
    language : str
        A code such as "en", "it" or "ja". Values go through the catalogue's own glossary, Italian ones through
        data/glossary as well; without any they are kept as they are.
    glossary : dict of str to Path
        Our column -> a glossary's file of the catalogue's own.
    form : TableFormat
        How the table is written, where that is not left to the file.
    downloads : DownloadRules
        How photos by address are downloaded.
    drop_departments : tuple of str
        English departments that are no garments.
    category_path : str
        What stands between the steps of a path of categories, such as ">"; empty where a cell holds one category.
    similar_by, held_out : tuple of str, or None
        Our names of further columns that the similarity weighs, and of those that only the evaluation compares; None
        where the TOML leaves the choice to the study.
    default_limit : int or None
        Items of a default run, a stratified sample; None for all.
    data : Path or None
        Where the folder, zip or tar lies when the user names none.
    logo : Path or None
        A picture for the shop's head: SVG, PNG, JPEG or WebP.
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
    glossary: dict[str, Path] = field(default_factory=dict)
    form: TableFormat = field(default_factory=TableFormat)
    downloads: DownloadRules = field(default_factory=DownloadRules)
    more_photos: tuple[str, ...] = ()
    drop_departments: tuple[str, ...] = ()
    category_path: str = ""
    similar_by: tuple[str, ...] | None = None
    held_out: tuple[str, ...] | None = None
    default_limit: int | None = None
    data: Path | None = None
    logo: Path | None = None
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


def load_catalogue(name_or_path: str | Path, checked: Callable[[str], object] = lambda name: None) -> Catalogue:
    """Read a catalogue by name (`sample`, `imagelab`, ...) or by the path of its TOML.

    Parameters
    ----------
    name_or_path : str or Path
    checked : callable, optional
        A catalogue's name -> its `content` when its TOML was last checked; the same content is not checked again.

    Raises
    ------
    CatalogueError
        When there is no such file, it is no valid TOML, or a key is missing, unknown or of the wrong kind.
    """
    text = str(name_or_path)
    is_path = text.lower().endswith(".toml")
    path = at_home(text) if is_path else _shipped_folder() / f"{text}.toml"
    if not path.is_file():
        raise no_such_catalogue(text, known_catalogues())
    raw, path = read_toml(path), path.resolve()
    if checked(str(raw.get("name"))) != sha256_json(raw):
        from fashion.catalogue.toml_keys import check_toml

        check_toml(raw, path)
    return _checked(raw, path)


def parse_catalogue(text: str, path: Path) -> Catalogue:
    """A catalogue from a TOML's text that is, or will be, at `path`; raises as `load_catalogue`."""
    from fashion.catalogue.toml_keys import check_toml

    raw = tomllib.loads(text)
    check_toml(raw, path)
    return _checked(raw, path)


def _checked(raw: dict[str, Any], path: Path) -> Catalogue:
    """A catalogue from a TOML whose keys were checked; `color` is the column of colours where there is no other."""
    if "color" in raw["columns"] and "colour" not in raw["columns"]:
        for table, key in NAMING:
            names = _names(raw, table, key)
            if names is not None:
                raw[table][key] = ["colour" if name == "color" else name for name in names]
        raw["columns"]["colour"] = raw["columns"].pop("color")
    _check_name(raw["name"], path)
    _check_named_columns(raw, path)
    return _from_toml(raw, path)


def no_such_catalogue(text: str, known: Iterable[str]) -> CatalogueError:
    """The error for a name that is no catalogue's, or a path at which there is no file."""
    names = sorted(set(known))
    path, near = at_home(text), names
    if path.suffix.lower() == ".toml":  # by their names alone: a long folder would make all of them near
        near = [each.name for each in path.parent.glob("*.toml")]
    wrong = " That is a file, but no .toml." if path.is_file() else did_you_mean(path.name, near)
    return CatalogueError(
        f"expected a catalogue, one of {', '.join(names)}, or the path of a .toml file; "
        f"found {text!r}.{wrong} See data/README.md for how to describe your own."
    )


def _from_toml(raw: dict[str, Any], path: Path) -> Catalogue:
    """A catalogue from a TOML that was checked."""
    base = project_root() if path.is_relative_to(project_root()) else path.parent
    source, glossary = raw["source"], raw.get("glossary", {})
    photos = source["photos"] if isinstance(source["photos"], list) else [source["photos"]]
    data = source.get("data")
    return Catalogue(
        name=raw["name"],
        title=clean_text(raw["title"]).strip(),
        table=clean_text(source["table"]).replace("\\", "/"),
        photos=clean_text(photos[0]),
        more_photos=tuple(map(clean_text, photos[1:])),
        columns={str(k): clean_text(str(v)).strip() for k, v in raw["columns"].items()},
        path=path,
        language=raw.get("language", "en"),
        glossary={column: path.parent / glossary[key] for column, key in GLOSSARY_KEYS.items() if key in glossary},
        form=TableFormat(**raw.get("table", {})),
        downloads=DownloadRules(**raw.get("downloads", {})),
        drop_departments=tuple(raw.get("cleaning", {}).get("drop_departments", ())),
        category_path=raw.get("cleaning", {}).get("category_path", ""),
        similar_by=_names(raw, "similarity", "columns"),
        held_out=_names(raw, "evaluation", "held_out"),
        default_limit=raw.get("limit", {}).get("default"),
        data=(base / at_home(data)) if data else None,
        logo=path.parent / raw["logo"] if raw.get("logo") else None,
        maker=source.get("maker", ""),
        terms=clean_text(raw.get("terms", ""), keep="\n"),
        citation=clean_text(raw.get("citation", ""), keep="\n"),
        obtain=clean_text(raw.get("obtain", ""), keep="\n"),
        content=sha256_json(raw),
    )


#: Where a TOML names columns of [columns].
NAMING = (("similarity", "columns"), ("evaluation", "held_out"))

#: Columns that count in the similarity anyway, or that no similarity by words can weigh.
NEVER_FURTHER = ("item", "category", "colour", "department", "title", "price", "link", "looks", "hub")


def _names(raw: dict[str, Any], table: str, key: str) -> tuple[str, ...] | None:
    names = raw.get(table, {}).get(key)
    return None if names is None else tuple(str(name) for name in names)


def _check_named_columns(raw: dict[str, Any], path: Path) -> None:
    """Refuse further columns of the similarity or of the evaluation that [columns] does not name."""
    given = sorted(str(column) for column in raw["columns"])
    for table, key in NAMING:
        for name in _names(raw, table, key) or ():
            if table == "similarity" and name in NEVER_FURTHER:
                raise CatalogueError(
                    f"expected `columns` in [similarity] of {path} to name further columns; found {name!r}: category, "
                    "colour and looks count anyway, and item, department and title cannot. Leave it out."
                )
            if name not in given:
                raise CatalogueError(
                    f"expected `{key}` in [{table}] of {path} to name columns of [columns], {', '.join(given)}; found "
                    f"{name!r}.{did_you_mean(name, given) or ' Add it to [columns], or leave it out.'}"
                )


def _check_name(name: str, path: Path) -> None:
    """Refuse a shipped catalogue's name for another one, and a shipped file of another name."""
    shipped = path.parent == _shipped_folder()
    if shipped and name != path.stem:
        raise CatalogueError(
            f"expected `name` in {path} to match the file's name, {path.stem!r}; found {name!r}. Rename one of them."
        )
    if not shipped and name in known_catalogues():
        raise CatalogueError(
            f"expected one catalogue named {name!r}; found two: {_shipped_folder() / f'{name}.toml'} and {path}. "
            "Give yours another `name`."
        )


def open_catalogue(catalogue: Catalogue, data: str | Path | None = None, processed: str | Path | None = None) -> Source:
    """Open the catalogue's folder, zip or tar: `data` if given, else its own place; the sample is made if missing.

    Parameters
    ----------
    catalogue : Catalogue
    data : str or Path, optional
    processed : str or Path, optional
        Folder of all catalogues' artefacts, for copies of packed data; the project's own if not given.

    Raises
    ------
    CatalogueError
        When nothing is there; the message says how to get the data.
    """
    place = at_home(data) if data else catalogue.data
    if not data and catalogue.maker == "sample" and place is not None:
        from fashion.catalogue.sample.make import make_sample

        make_sample(place)
    if place is None or not place.exists():
        at = f"at {place}" if place else "(its TOML names no place)"
        raise CatalogueError(
            f"expected the data of {catalogue.title} {at}; found nothing. Give a folder, zip or tar with "
            f"DATA=path (make) or --data path (fashion). {catalogue.obtain}".rstrip()
        )
    downloads = Downloads(downloads_folder(catalogue.name), catalogue.downloads)
    return open_source(place, catalogue.table, unpacked_folder(processed), downloads)
