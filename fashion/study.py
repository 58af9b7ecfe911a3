"""Study: one catalogue's report, opened once for many queries."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Never, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.addresses import Downloads, downloads_folder
from fashion.catalogue.definition import Catalogue
from fashion.catalogue.run import Run
from fashion.catalogue.source import Source, open_source
from fashion.catalogue.swatches import Swatches, listed_colours
from fashion.catalogue.unpacked import unpacked_folder
from fashion.core.bounds import MOST_READ
from fashion.core.errors import ArtefactError, FashionError, WeightsError, did_you_mean, refuse_unknown
from fashion.core.libraries import require
from fashion.core.workspace import Workspace
from fashion.embedding.photo_vectors import Photo, photo_bytes
from fashion.recommendation.changes import ARRAYS, EMBEDDINGS, Present, changes_folder, data_of
from fashion.recommendation.changes import load as load_changes
from fashion.recommendation.filters import Conditions, QueryError, parse_where
from fashion.recommendation.item_names import ItemNames
from fashion.recommendation.neighbour_lists import Lists, read_neighbour_lists
from fashion.recommendation.picks import Picks
from fashion.recommendation.queries import Query
from fashion.recommendation.recommend import make_query
from fashion.recommendation.recommender import Recommender, no_such_parts
from fashion.report.integrity import ANSWERS, PHOTOS, require_answers, require_intact

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fashion.recommendation.photo_query import PhotoReader

log = logging.getLogger("fashion")

#: Arrays of a report with a row for each item, by the name of their file.
VECTORS = (*EMBEDDINGS, "max_pooled", "multilayer", "colour_grid", "histogram", "hog", "pixels")

#: Items in a figure: more would not fit a page.
DRAWN = 12


def open(
    catalogue: str | Path | Catalogue = "sample",
    *,
    data: str | Path | None = None,
    processed: str | Path | None = None,
    reports: str | Path | None = None,
    weights: str | Path | None = None,
    engine: str | None = None,
    **other: Never,
) -> Study:
    """Open a catalogue with a report, by its name or by the path of its TOML; parameters as in `Study`.

    Files are read when they are first needed, after their checksums are compared with those that their notebooks left.
    So a study can be opened while its report still runs, and serves what is finished.

    Raises
    ------
    CatalogueError
        When there is no such catalogue, with near names.
    ArtefactError
        When it has no report yet; the message has the command.

    Examples
    --------
    >>> open("smaple")
    Traceback (most recent call last):
        ...
    fashion.core.errors.CatalogueError: expected a catalogue, ... Did you mean sample? ...
    """
    refuse_unknown(other, open.__annotations__)
    study = Study(catalogue, data=data, processed=processed, reports=reports, weights=weights, engine=engine)
    if not study.workspace.path("source.json").is_file():
        raise ArtefactError(
            f"expected a report of {study.name} in {study.workspace.processed}; found none. "
            f"Run `{study.workspace.command}` first."
        )
    return study


def recommend(
    item: str | None = None,
    *,
    catalogue: str | Path | Catalogue = "sample",
    photo: Photo | None = None,
    words: str | None = None,
    like: str | Sequence[str] = (),
    unlike: str | Sequence[str] = (),
    k: int | None = None,
    where: Conditions | None = None,
    embedding: str = "described",
    colour_weight: float | None = None,
    looks_weight: float | None = None,
    hide_duplicates: bool = False,
    diversity: float = 0.0,
    **other: Never,
) -> Picks:
    """The items of a catalogue with a report that are most similar to an item, a photo or a few words.

    It opens the catalogue each time: for several queries, use ``shop = fashion.open(catalogue)`` once, then
    ``shop.recommend(...)``, which takes the same parameters.
    """
    refuse_unknown(other, recommend.__annotations__)
    return open(catalogue).recommend(
        item, photo=photo, words=words, like=like, unlike=unlike, k=k, where=where, embedding=embedding,
        colour_weight=colour_weight, looks_weight=looks_weight, hide_duplicates=hide_duplicates, diversity=diversity,
    )  # fmt: skip


class Photos:
    """The photos of a study's items: ``study.photos["42161895WWF"]`` is a file's bytes."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def __getitem__(self, item: str) -> bytes:
        return self.read(self._study.names.row(item))

    def __contains__(self, item: object) -> bool:
        return item in self._study.names

    def __iter__(self) -> Iterator[str]:
        return iter(self._study.items["item"])

    def __len__(self) -> int:
        return len(self._study.items)

    def read(self, row: int) -> bytes:
        """The bytes of an item's photo, by its row in the items table.

        Raises
        ------
        PhotoError
            When it is missing or too large.
        """
        record = self._study.items.iloc[row]
        return self._study.source_of(str(record.get("added", ""))).read(str(record["photo"]), MOST_READ)

    def file(self, row: int) -> str | None:
        """An item's photo as a file of this machine, by its row; None where it lies in an archive or a table."""
        record = self._study.items.iloc[row]
        path = self._study.source_of(str(record.get("added", ""))).file(str(record["photo"]))
        return None if path is None else str(path.absolute())

    def __repr__(self) -> str:
        return f"Photos of {len(self):,} items in {self._study.source.path}"


class Study(Run):
    """One catalogue's report, opened: its items, photos, vectors, map and recommendations.

    Parameters
    ----------
    catalogue : str, Path, Catalogue or Workspace
        Name of a catalogue, or the path of its TOML; or its opened folders.
    data : str or Path, optional
        Its folder, zip or tar, if it has moved since the report.
    processed, reports : str or Path, optional
        Folders for artefacts and for what people read; the project's data/processed and reports if not given.
    weights : str or Path, optional
        The weights file that the report was given for resnet50, for queries by photo.
    engine : str, optional
        The address of a Qdrant server that searches in place of this process (`fashion export` fills it).
    mapped : bool
        Keep unit vectors in memory-mapped files, as for several processes; with an engine they always are.
    listed : bool
        Answer from the report's neighbour lists where they suffice (`neighbour_lists`): worth reading for a shop, which
        opens once for many visitors. An engine always searches.

    Notes
    -----
    Each file's checksum is compared once, before its first use. When the report is made again, the next file that is
    needed raises ArtefactError: open the study again.
    """

    def __init__(
        self,
        catalogue: str | Path | Catalogue | Workspace = "sample",
        *,
        data: str | Path | None = None,
        processed: str | Path | None = None,
        reports: str | Path | None = None,
        weights: str | Path | None = None,
        engine: str | None = None,
        mapped: bool = False,
        listed: bool = False,
    ) -> None:
        super().__init__(catalogue, data=data, processed=processed, reports=reports, weights=weights)
        self.engine, self.mapped, self.listed = engine, mapped, listed
        self._checked: set[str] = set()
        self._recommenders: dict[tuple[str, bool | None], Recommender] = {}
        self._readers: dict[str, PhotoReader] = {}
        self._sources: dict[str, Source] = {}

    # -- what is there ----------------------------------------------------------------------------------------
    @cached_property
    def present(self) -> Present:
        """The report's items with the changes since: added, removed and renewed ones."""
        self.check("items.parquet")
        return Present.of(self.workspace.items(), load_changes(self.workspace))

    @cached_property
    def items(self) -> pd.DataFrame:
        """The items table as it is now, one row an item, index 0..n-1; items added since the report come last.

        If there are any, `added` is the key of their change and `near_duplicate_of` their near-duplicate among
        earlier items, both empty for the report's own.
        """
        return self._without_empty(self.present.items)

    @cached_property
    def swatches(self) -> dict[str, str]:
        """The colour of each colour word, `#rrggbb`, also of words that only added or renewed items have."""
        own, new = super().swatches, []
        if not self.present.untouched:
            new = sorted(set(self.items["colour"]) - set(self.present.report["colour"]) - set(own))
        return (listed_colours(new) if new else {}) | own

    @property
    def source_line(self) -> str:
        """The caption of a figure: catalogue, items, network; and that no attributes network was trained, where so."""
        return super().source_line + (" · by looks and measured colour, no network trained" if self.untrained else "")

    @cached_property
    def names(self) -> ItemNames:
        """Rows of items by name."""
        return ItemNames(self.items)

    @property
    def photos(self) -> Photos:
        """Photos by item: ``study.photos["42161895WWF"]`` is the file's bytes."""
        return Photos(self)

    def source_of(self, added: str = "") -> Source:
        """The source of the report's photos, or of a change's, by its key."""
        if not added:
            return self.source
        if added not in self._sources:
            path, table = data_of(self.present.changes, added)
            kept = unpacked_folder(self.workspace.processed_root)
            downloads = Downloads(downloads_folder(self.name))
            self._sources[added] = open_source(path, table, kept, downloads)
        return self._sources[added]

    def vectors(self, name: str) -> NDArray[np.float32]:
        """The vectors of one kind, a row an item.

        Parameters
        ----------
        name : str
            "described" (photo and known words), "learned" (photo alone), "frozen" (backbone alone), or another array of
            the report: "max_pooled", "multilayer", "colour_grid", "histogram", "hog", "pixels".

        Returns
        -------
        ndarray of float32, shape (n, d)
            In the order of `items`. Added items have no "histogram" and "hog": these hold the report's own items that
            are still there, which come first.

        Raises
        ------
        QueryError
            For another name.
        """
        if name not in VECTORS:
            raise QueryError(
                f"expected one of {', '.join(VECTORS)} as the vectors; found {name!r}."
                f"{did_you_mean(name, VECTORS) or ' Name one of them.'}"
            )
        self.check(f"{name}.npy", "items.parquet")
        vectors = super().vectors(name)
        if name in ARRAYS:
            return self.present.array(name, vectors)
        return vectors if self.present.untouched else vectors[self.present.own]

    def map(self) -> pd.DataFrame:
        """The map of notebook 05: `item`, `x`, `y`, and the item's colour, category and department.

        Rows are the report's own items that are still there, in the order of `items`; distances have no unit.
        """
        self.check("map.parquet", "items.parquet")
        places = self.workspace.table("map").iloc[self.present.own].reset_index(drop=True)
        columns = [c for c in ("colour", "category", "department") if c in self.items]
        return pd.concat([places, self.items[columns].iloc[: len(places)]], axis=1)

    # -- recommendations ----------------------------------------------------------------------------------------------
    def recommend(
        self,
        item: str | None = None,
        *,
        photo: Photo | None = None,
        words: str | None = None,
        like: str | Sequence[str] = (),
        unlike: str | Sequence[str] = (),
        k: int | None = None,
        where: Conditions | None = None,
        embedding: str = "described",
        colour_weight: float | None = None,
        looks_weight: float | None = None,
        hide_duplicates: bool = False,
        diversity: float = 0.0,
        **other: Never,
    ) -> Picks:
        """The `k` items most similar to an item, to a photo, or to a query in words.

        Parameters
        ----------
        item : str, optional
            An item's name, as in `items`.
        photo : str, Path, bytes or ndarray, optional
            A photo in place of an item: its file, its bytes, or RGB as uint8 (height, width, 3). The first one loads
            the networks, which takes some seconds.
        words : str, optional
            Such as "red dress", "vestito rosso" or "floral shirt under 50, not black"; beside an item or a photo they
            change it ("blue": like this, in blue). Words that mean nothing are ignored, and named by the result;
            where the report's encoder has a text tower, they are looked for in the photos.
        like, unlike : str or sequence of str
            Further items that the results should be like, and items that they should be less like. Liked items alone
            are a query too.
        k : int, optional
            How many (the report's number if not given); fewer if the filter leaves fewer.
        where : mapping, str, or iterable of str, optional
            Filters, in English or Italian: ``{"colour": "red", "category": ["boots", "sandals"]}``, ``"colour=red"``
            or ``["colour=red", "category=boots,sandals"]``.
        embedding : str
            "described": photo and the items' own words; "learned": the photo alone; "frozen": the backbone alone.
        colour_weight : float, optional
            Share of the colour beside the category, 0 (category alone) to 1 (colour alone); the report's if not given.
        looks_weight : float, optional
            Share of the looks in the similarity, 0 (words alone) to 1 (looks alone); the report's if not given.
        hide_duplicates : bool
            Leave out near-duplicates of the query and of each other.
        diversity : float
            How diverse the list should be, from 0 (by similarity alone) to 1.

        Returns
        -------
        Picks
            Its `table` is a DataFrame; a notebook displays it with photos, and `show()` draws a figure.

        Raises
        ------
        QueryError
            For no query, or both an item and a photo; for an item, column or word that the catalogue lacks, with near
            ones; for a number outside its bounds.
        ArtefactError
            When the report is not finished, or a file is damaged; the message has the command.
        PhotoError
            When the photo cannot be read.
        """
        refuse_unknown(other, Study.recommend.__annotations__)
        if embedding == "frozen" and not (colour_weight is looks_weight is None):
            raise no_such_parts()
        seen: list[bytes] = []

        def by_photo() -> Query:
            data, name = photo_bytes(cast(Photo, photo))
            seen.append(data)
            return self.reader(embedding).query(data, name)

        recommender = self.recommender(embedding)
        conditions = parse_where(where, recommender.items)
        query = make_query(recommender, item, words, None if photo is None else by_photo, like, unlike)
        rows, similarity = recommender.ranked(
            query, k, conditions, colour_weight=colour_weight, looks_weight=looks_weight,
            hide_duplicates=hide_duplicates, diversity=diversity,
        )  # fmt: skip
        table = recommender.table_of(query, rows, similarity)
        return Picks(
            self.name, embedding, query, conditions, table, rows, seen[0] if seen else None,
            _caption=lambda: self.source_line, _read=self.photos.read, _draw=lambda picks: _draw(picks, self.swatches),
        )  # fmt: skip

    def words_by_prompts(self, prompts: str | Path) -> pd.DataFrame:
        """Words of the items' photos by prompts, with their confidence, for a catalogue that has none.

        Parameters
        ----------
        prompts : str or Path
            A TOML: ``template = "a photo of a {colour} {category}"``, and a list of words for each column.

        Returns
        -------
        DataFrame
            `item`, and for each column its word and its confidence, as `text.words_by_prompts`.
        """
        from fashion.embedding.text import load_text_encoder, read_prompts, words_by_prompts

        self.check("backbone.json", "items.parquet", "max_pooled.npy")
        network = self.workspace.json("backbone")
        if "place" not in network:
            raise WeightsError(
                f"expected a report by an encoder with a text tower; found {network['name']}, which sees photos alone. "
                "Report with such an encoder (docs/encoders.md)."
            )
        encoder = load_text_encoder(self.weights or network["place"], network["dimension"])
        table = words_by_prompts(self.workspace.vectors("max_pooled"), encoder, read_prompts(Path(prompts)))
        table.insert(0, "item", self.workspace.items()["item"])
        return table

    def recommender(self, embedding: str = "described", *, approximate: bool | None = None) -> Recommender:
        """The items with one embedding's vectors, loaded once; see `Recommender.from_workspace`."""
        if embedding not in EMBEDDINGS:
            raise QueryError(
                f"expected one of {', '.join(EMBEDDINGS)} as the embedding; found {embedding!r}."
                f"{did_you_mean(embedding, EMBEDDINGS) or ' Name one of them.'}"
            )
        key = embedding, approximate
        if key not in self._recommenders:
            self._same_report()
            require_answers(self.workspace, embedding)
            recommender = self._open_recommender(embedding, approximate)
            if recommender.free_text is not None:
                self.check("max_pooled.npy")
            self._recommenders[key] = recommender
            self.__dict__.setdefault("items", self._without_empty(self._recommenders[key].items))
        return self._recommenders[key]

    def _open_recommender(self, embedding: str, approximate: bool | None) -> Recommender:
        if self.engine is None:
            recommender = Recommender.from_workspace(
                self.workspace, embedding, approximate=approximate, mapped=self.mapped, place=self.weights
            )
            return replace(recommender, lists=self._lists(embedding, recommender)) if self.listed else recommender
        from fashion.recommendation.qdrant import QdrantSearch, connect

        client = connect(self.engine)
        recommender = Recommender.from_workspace(
            self.workspace, embedding, approximate=False, mapped=True, place=self.weights
        )
        return replace(recommender, searched_by=QdrantSearch.of_report(client, recommender, self.name, embedding))

    def _lists(self, embedding: str, recommender: Recommender) -> Lists | None:
        """The neighbour lists; None, with a warning, if they are unusable: a search then gives the same answers."""
        try:
            now = self.present
            self.check("neighbours.parquet")  # after the changes were read: one that came since the vectors is noticed
            return read_neighbour_lists(self.workspace, embedding, recommender, now)
        except ArtefactError as error:
            log.warning("neighbour lists are unusable, so every request is searched: %s", error)
            return None

    def reader(self, embedding: str = "described") -> PhotoReader:
        """The networks that make queries of photos, loaded once.

        Raises
        ------
        ArtefactError
            When the report is not finished, changed since it was first read, or is damaged.
        WeightsError
            When the report's backbone is unavailable.
        """
        if embedding not in self._readers:
            from fashion.recommendation.photo_query import PhotoReader

            require("cv2")
            recommender = self.recommender(embedding)
            self.check(*PHOTOS)
            reader = PhotoReader(self.workspace, recommender, self.weights)
            self._same_report()
            self._readers[embedding] = reader
        return self._readers[embedding]

    @staticmethod
    def _without_empty(items: pd.DataFrame) -> pd.DataFrame:
        """The items without the columns of changes where nothing was added."""
        return items if (items["added"] != "").any() else items.drop(columns=["added", "near_duplicate_of"])

    # -- whether the files are the report's -------------------------------------------------------------------
    def check(self, *names: str) -> None:
        """Compare the checksums of files that were not compared yet; raises ArtefactError for a damaged one."""
        self._same_report()
        new = [name for name in names if name not in self._checked]
        require_intact(self.workspace, [self.workspace.path(name) for name in new])
        self._checked |= set(new)

    def _same_report(self) -> None:
        """Raise ArtefactError if a file was written since the study first read one: two reports do not mix."""
        names = [*ANSWERS, *PHOTOS, *(f"{name}.npy" for name in VECTORS), "map.parquet"]
        stamps = {name: _stamp(self.workspace.path(name)) for name in names}
        folder = changes_folder(self.workspace)
        stamps |= {path.name: _stamp(path / "change.json") for path in sorted(folder.glob("[0-9a-f]*"))}
        before = self.__dict__.setdefault("_stamps", stamps)
        late = [name for name in before if before[name] and stamps.get(name) != before[name]]
        late += [name for name in stamps if name not in before]
        if late:
            raise ArtefactError(
                f"expected the report of {self.name} to be as when it was opened; found changed: {', '.join(late)}. "
                f"Open it again: fashion.open({self.asked_as!r})."
            )

    def __repr__(self) -> str:
        try:
            told = f"Study of {self.source_line}"
        except FashionError:
            told = f"Study of {self.name}: its report is not finished, or damaged"
        return f"{told}\n  artefacts  {self.workspace.processed}\n  report     {self.workspace.report}"


def _stamp(path: Path) -> tuple[int, int] | None:
    """Modification time and size of a file; None if it is missing."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


class _Held(Source):
    """The photos of one list of recommendations, as a source for figures."""

    def __init__(self, photos: dict[str, bytes]) -> None:
        super().__init__(Path())
        self.photos = photos

    def names(self) -> list[str]:
        return sorted(self.photos)

    def _read(self, full_name: str, most: int | None) -> bytes:
        return self.photos[full_name]

    def _signature(self, full_name: str) -> str:
        return full_name


def _draw(picks: Picks, swatches: Swatches) -> Figure:
    """The figure of `Picks.show`."""
    import matplotlib.pyplot as plt

    from fashion.photos.images import decode
    from fashion.plots.recommendation import query_results
    from fashion.plots.style import SHOWN, use_style

    table = picks.table.head(DRAWN)
    query_photo = picks.photo_of()
    picture = None if query_photo is None else decode(query_photo, picks.query.title, SHOWN)
    # Two items may have photos of one name, in two places.
    names = [f"{place + 1}. {photo}" for place, photo in enumerate(table["photo"])]
    photos = {name: picks.photo_of(place) or b"" for place, name in enumerate(names)}
    with plt.rc_context():
        use_style()
        title = f"Most similar to {picks.query.title}" if picture is not None else f"Matches for “{picks.query.title}”"
        title += f", the first {DRAWN} of {len(picks)}" if len(picks) > DRAWN else ""
        asked_for = [(picture, picks.query, table.assign(photo=names))]
        figure = query_results(asked_for, _Held(photos), swatches, picks.source_line, title=title)
    if getattr(figure.canvas, "required_interactive_framework", None):  # a window, where there is a screen
        plt.show(block=False)
    else:
        plt.close(figure)  # a notebook shows what is returned, and would show an open figure once more
    return figure
