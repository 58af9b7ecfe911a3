"""A report's catalogue in memory, as the shop window needs it."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.products import PRODUCT, web_link
from fashion.catalogue.translation import colours_of_departments
from fashion.core.errors import ArtefactError, CatalogueError, FashionError, PhotoError
from fashion.core.locking import is_running
from fashion.core.workspace import PROVENANCE, Workspace
from fashion.projection.interactive import map_fields
from fashion.recommendation.changes import changes_folder
from fashion.recommendation.filters import NOT_OFFERED, QueryError
from fashion.recommendation.reading import Reader
from fashion.recommendation.recommender import Recommender
from fashion.recommendation.words import Vocabulary
from fashion.report.integrity import PHOTOS
from fashion.study import Study

if TYPE_CHECKING:
    from fashion.recommendation.photo_query import PhotoReader


log = logging.getLogger("fashion.web")

#: Filters that come first, if the catalogue has them.
FIRST = ("department", "category", "colour", "gender", "season")

#: Most pairs to try as the search box's example, and its longest text.
MOST_TRIED, LONGEST_EXAMPLE = 50, 32

#: Most words of a column that becomes a filter; category and colour always do.
MOST_WORDS = 60

#: Media type of a logo by its file's ending, and its most bytes.
LOGOS = {
    ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp",
}  # fmt: skip
MOST_LOGO = 2**20

#: Orders of a list beside the usual one, each with its name.
SORTS = {"new": "newest first", "price": "price, low to high", "price-down": "price, high to low"}

Chosen = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Shop:
    """One report's catalogue.

    Attributes
    ----------
    study : Study
        The report, opened.
    title : str
        Of the catalogue.
    recommender : Recommender
    xy : ndarray of float32, shape (n, 2), or None
        The report's map, without removed and added items; 0 to 1 along its longer side, y upwards. None where no
        map was made, and where none of its items is left.
    stamp : int
        Changes with the report.
    still : bytes or None
        The report's static figure of the map, PNG.
    untrained : str
        Why no network was trained, in a sentence; empty where one was.
    """

    study: Study
    title: str
    recommender: Recommender
    xy: NDArray[np.float32] | None
    stamp: int
    still: bytes | None = None
    untrained: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def version(self) -> str:
        """A part of addresses that changes with the report, so that browsers may cache them."""
        return f"{self.stamp:x}"

    @property
    def items(self) -> pd.DataFrame:
        """The items table, with the changes since."""
        return self.recommender.items

    @property
    def words_reader(self) -> Reader:
        """The reader of searches in words."""
        return self.recommender.words_reader

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of searches that the catalogue has."""
        return self.words_reader.vocabulary

    @cached_property
    def has_prices(self) -> bool:
        """Whether items can be sorted by price."""
        return bool(np.isfinite(self.words_reader.prices).any())

    @cached_property
    def dated(self) -> bool:
        """Whether the catalogue has dates, in a column `date`."""
        return "date" in self.items and bool((self.items["date"].astype(str) != "").any())

    @cached_property
    def age(self) -> NDArray[np.int64]:
        """Each item's place among all, newest first and undated last; without dates, that in the catalogue's table."""
        if not self.dated:
            return np.arange(len(self.items))
        dates = pd.to_datetime(self.items["date"].astype(str), format="ISO8601", errors="coerce", utc=True)
        places = dates.rank(method="first", ascending=False, na_option="bottom")
        return np.asarray(places.to_numpy(), np.int64)

    @cached_property
    def sorts(self) -> dict[str, str]:
        """The orders that this catalogue has, each with its name."""
        named = {"new": SORTS["new"] if self.dated else "as the catalogue lists them"}
        return named | ({name: label for name, label in SORTS.items() if name != "new"} if self.has_prices else {})

    @cached_property
    def logo(self) -> tuple[bytes, str] | None:
        """The catalogue's logo and its media type; None where it has none that a browser shows."""
        with suppress(FashionError, OSError):
            path = self.study.definition.logo
            kind = LOGOS.get(path.suffix.casefold()) if path else None
            if path and kind and path.stat().st_size <= MOST_LOGO:
                return path.read_bytes(), kind
        return None

    @cached_property
    def rows(self) -> dict[str, int]:
        """Item -> row."""
        return {name: row for row, name in enumerate(self.items["item"])}

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Rows in browsing order: shuffled once, so that the first page shows a mixture."""
        return np.random.default_rng(0).permutation(len(self.items))

    @cached_property
    def facets(self) -> dict[str, tuple[list[str], NDArray[np.intp]]]:
        """Column -> its words, most frequent first, and each row's index among them (-1 for none)."""
        facets: dict[str, tuple[list[str], NDArray[np.intp]]] = {}
        text = [str(column) for column in self.items if self.items[column].dtype == object]
        text = [column for column in text if column not in NOT_OFFERED | TAKEN and not column.endswith("_source")]
        first = [column for column in FIRST if column in self.items]
        for column in [*first, *(column for column in text if column not in first)]:
            counts = self.items[column].astype(str).replace("", np.nan).value_counts()
            if len(counts) < 2 or (len(counts) > MOST_WORDS and column not in ("category", "colour")):
                continue
            words = [str(word) for word in counts.index]
            place = {word: code for code, word in enumerate(words)}
            codes = np.array(self.items[column].astype(str).map(place).fillna(-1), np.intp)
            facets[str(column)] = (words, codes)
        return facets

    @cached_property
    def shown(self) -> dict[str, list[Any]]:
        """Column -> its values by row, for cards: single rows of a DataFrame are slow."""
        columns = ("item", "colour", "category", "department", "garment_hex", "width", "height")
        shown = {column: self.items[column].tolist() for column in columns if column in self.items}
        for column in PRODUCT:
            if column in self.items:
                shown[column] = self.items[column].fillna("").astype(str).tolist()
        if "link" in shown:
            shown["link"] = [web_link(text) for text in shown["link"]]
        return shown

    @cached_property
    def chart(self) -> bytes:
        """The map's items as JSON (`projection.interactive.map_fields`)."""
        assert self.xy is not None
        items = self.items.iloc[: len(self.xy)]
        departments = colours_of_departments(sorted(items["department"].unique()))
        fields = map_fields(items, self.xy, departments, self.swatches)
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def examples(self) -> tuple[str, ...]:
        """Example searches with results: a colour and a category that exist together.

        One in the words that the pages show; if these are translated, a second in the catalogue's own language, of
        another pair if there is one. Empty if no item has both.
        """
        if not {"colour", "category"} <= set(self.items):
            return ()
        shown = self.items[(self.items["colour"] != "") & (self.items["category"] != "")]
        counts = shown.groupby(["colour", "category"]).size().sort_values(ascending=False, kind="stable")
        pairs = [(str(colour), str(category)) for colour, category in counts.index]
        first = self._first(pairs, {pair: " ".join(pair) for pair in pairs})
        searches = [" ".join(first)] if first else []
        if {"colour_source", "category_source"} <= set(self.items):
            own = shown.groupby(["colour", "category"])[["colour_source", "category_source"]].first()
            said = {p: f"{own.loc[p, 'category_source']} {own.loc[p, 'colour_source']}".lower() for p in pairs}
            second = self._first([pair for pair in pairs if pair != first] or pairs, said)
            searches += [said[second]] if second and said[second] not in searches else []
        return tuple(searches)

    def _first(self, pairs: Sequence[tuple[str, str]], said: Mapping[tuple[str, str], str]) -> tuple[str, str] | None:
        """The first pair of colour and category whose search, as `said`, is understood as this pair."""
        for colour, category in pairs[:MOST_TRIED]:
            text = said[colour, category]
            try:
                asked = self.vocabulary.parse(text)
            except QueryError:
                continue
            fits = colour in asked.get("colour", ()) and category in asked.get("category", ())
            if fits and set(asked) == {"colour", "category"} and len(text) <= LONGEST_EXAMPLE:
                return colour, category
        return None

    @cached_property
    def packed_chart(self) -> bytes:
        """`chart` as gzip."""
        return gzip.compress(self.chart, mtime=0)

    @cached_property
    def swatches(self) -> dict[str, str]:
        """Colour word -> its colour, `#rrggbb`."""
        return self.study.swatches

    def swatch(self, word: str) -> str | None:
        """A colour word's colour; None if it has none."""
        return self.swatches.get(word)

    def mask(self, chosen: Chosen, but: str | None = None) -> NDArray[np.bool_]:
        """Rows that match every chosen filter `but` one column's."""
        mask = np.ones(len(self.items), bool)
        for column, values in chosen.items():
            if column != but:
                words, codes = self.facets[column]
                mask &= np.isin(codes, [words.index(value) for value in values])
        return mask

    def counts(self, chosen: Chosen, among: NDArray[np.bool_] | None = None) -> dict[str, list[tuple[str, int]]]:
        """Column -> its words with the number of items that each would leave, most frequent first; `among` some."""
        tallies = {}
        for column, (words, codes) in self.facets.items():
            mask = self.mask(chosen, column)
            kept = codes[mask if among is None else mask & among]
            counts = np.bincount(kept[kept >= 0], minlength=len(words))
            tallies[column] = [(word, int(count)) for word, count in zip(words, counts, strict=True)]
        return tallies

    def prepare(self) -> None:
        """Make what the first requests would wait for."""
        self.recommender.prepare()
        if self.xy is not None:
            _ = self.packed_chart

    def photo(self, row: int) -> bytes:
        """The bytes of an item's photo, by its row: no name from outside reaches the files.

        Raises
        ------
        PhotoError
            When it is missing, or its change's archive is.
        """
        try:
            return self.study.photos.read(row)
        except CatalogueError as error:
            raise PhotoError(str(error)) from error

    def check_unchanged(self) -> None:
        """Check that the files are still those of this report.

        Raises
        ------
        ArtefactError
            When a new report is being made, or has been.
        """
        workspace = self.study.workspace
        if is_running(workspace) or stamp_of(workspace) != self.stamp:
            raise ArtefactError(
                f"expected the finished report of {workspace.catalogue}; found one that is being made again. "
                "Wait until it has ended."
            )

    def reader(self) -> PhotoReader:
        """The networks that make queries of photos, loaded at the first call by one thread.

        Raises
        ------
        ArtefactError
            When a new report is being made: its networks would not fit this one.
        WeightsError
            When the report's backbone is unavailable.
        """
        with self._lock:
            if "_reader" not in self.__dict__:
                self.check_unchanged()
                object.__setattr__(self, "_reader", self.study.reader())
            reader: PhotoReader = self.__dict__["_reader"]
            return reader


#: Names that an address uses otherwise: a column of such a name is not a filter.
TAKEN = {
    "q", "page", "colour_weight", "looks_weight", "hide", "id", "k", "diversity", "v", "size", "words", "photo",
    "camera", "seen", "of", "seen_colour", "seen_category", "as_colour", "as_category",
    "sort", "price_from", "price_to", "like", "unlike",
    "resembles_nothing",
}  # fmt: skip


def open_shop(
    workspace: Workspace, weights: str | None = None, engine: str | None = None, mapped: bool = False
) -> Shop:
    """Load a report; `engine` and `mapped` as `Study` takes them.

    Raises
    ------
    ArtefactError
        When there is no complete report, or one is being made.
    EngineError
        When the engine does not hold this report, or does not answer.
    """
    before = stamp_of(workspace)
    study = Study(workspace, weights=weights, engine=engine, mapped=mapped, listed=True)
    recommender = study.recommender()
    study.check(*PHOTOS)
    for key, count in recommender.items["added"].value_counts().items():
        try:
            study.source_of(str(key))
        except FashionError as error:
            if not key:  # of the report's own photos
                raise
            log.warning("the photos of %d items are not shown: %s", count, error)
    xy = None
    places = study.map() if workspace.path("map.parquet").is_file() else pd.DataFrame()
    if len(places):  # none where every item that is left has other photos
        xy = places[["x", "y"]].to_numpy(np.float32)
        xy = (xy - xy.min(axis=0)) / max(float(np.ptp(xy, axis=0).max()), 1e-9)
    figure = workspace.report / "figures/05-map-departments.png"
    still = figure.read_bytes() if figure.is_file() else None
    shop = Shop(study, study.title, recommender, xy, before, still, study.untrained)
    _ = shop.rows, shop.order, shop.facets, shop.shown, shop.examples, recommender.names, shop.logo
    shop.words_reader.prepare()
    shop.check_unchanged()
    return shop


def stamp_of(workspace: Workspace) -> int:
    """A number that changes with the report and the changes since (modification times in nanoseconds).

    Raises
    ------
    ArtefactError
        When there is no report.
    """
    path = workspace.report / PROVENANCE
    if not path.is_file():
        raise ArtefactError(
            f"expected a report of {workspace.catalogue} in {workspace.report}; found none. "
            f"Run `{workspace.command}` first."
        )
    folder = changes_folder(workspace)
    return path.stat().st_mtime_ns + (folder.stat().st_mtime_ns if folder.is_dir() else 0)
