"""A report as the slides tell it: its numbers by the methods' names, and its articles with their photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fashion.catalogue.addresses import Downloads, downloads_folder
from fashion.catalogue.definition import Catalogue, load_catalogue
from fashion.catalogue.products import product_line
from fashion.catalogue.source import Source, open_source
from fashion.catalogue.unpacked import unpacked_folder
from fashion.core.bounds import MOST_READ
from fashion.core.errors import ArtefactError
from fashion.core.numerals import number_word
from fashion.core.workspace import Workspace
from fashion.evaluation.protocol import CEILING, RANDOM
from fashion.evaluation.relevance import BOTH
from fashion.evaluation.summary import DESCRIBED, SAME_WORDS, SHOWN
from fashion.photos.images import bounded, decode
from fashion.recommendation.reasons import describe
from fashion.report.steps import STEPS, read_state

#: The slides' one comparison, by the names of notebook 06: a photo alone, without and with training.
USUAL, LEARNED = "frozen", "learned"

#: Methods that know the query's words, or the gallery's: no slide compares them with a photo alone.
WITH_WORDS = (DESCRIBED, SAME_WORDS, SHOWN)

#: The report's terms, and what they mean where a reader could not guess; a method that is not here keeps its name.
SAID = {
    "HOG": "outlines (HOG)", USUAL: "frozen network", "frozen, max-pooled": "frozen network, max-pooled",
    "frozen + histogram": "frozen network + colour histogram", LEARNED: "learned (this study)",
}  # fmt: skip

#: Results that are read.
NUMBERS = ("01", "02", "03", "04", "06")

#: Longest side of a photo on a slide, pixels: more than 300 to the inch at the largest size there.
EDGE = 640


def said(method: str) -> str:
    """A method's name on the slides."""
    return SAID.get(method, method)


@dataclass(frozen=True)
class Article:
    """An item as a slide shows it: its photo as a JPEG, its words, and whether a query shares kind and colour."""

    photo: bytes
    words: str
    agrees: tuple[bool, bool]

    @property
    def matches(self) -> bool:
        """Whether the item shares all that counts with the query."""
        return all(self.agrees)


#: Suggestions that a slide shows beside an article at most.
ROOM = 6


@dataclass(frozen=True)
class Findings:
    """A report's numbers.

    Attributes
    ----------
    workspace : Workspace
    results : dict
        results/NN.json by number.
    place : dict
        Where the catalogue came from (source.json).
    catalogue : Catalogue
        Its terms, and whether it was made for the study.
    """

    workspace: Workspace
    results: dict[str, Any]
    place: dict[str, Any]
    catalogue: Catalogue

    @classmethod
    def of(cls, workspace: Workspace) -> Findings:
        """Read a report.

        Raises
        ------
        ArtefactError
            When the report is not whole, or lacks a method that the slides speak of.
        """
        results = {number: workspace.results(number) for number in NUMBERS}
        place = workspace.json("source")
        findings = cls(workspace, results, place, load_catalogue(workspace.toml or place["catalogue_toml"]))
        missing = sorted({USUAL, LEARNED, CEILING, RANDOM} - set(findings.whole))
        if missing:
            raise ArtefactError(
                f"expected the methods {', '.join(missing)} in {workspace.report / 'results/06.json'}; found "
                f"{', '.join(findings.whole)}. Run `{workspace.command}` again."
            )
        return findings

    @property
    def origin(self) -> str:
        """The frozen network's origin: trained on ImageNet, or an encoder that the user supplied."""
        own = "place" in self.results["02"]["backbone"]
        return "supplied by the user and not trained here" if own else "trained on ImageNet to classify objects"

    @property
    def measured(self) -> bool:
        """Whether the colours were measured from the photos: then agreement in colour is no finding."""
        return bool(self.results["06"]["colour_was_measured"])

    @property
    def key(self) -> str:
        """The column of the tables that the slides speak of."""
        return "category" if self.measured else BOTH

    @property
    def match(self) -> str:
        """`key` in words."""
        return "kind" if self.measured else "kind and colour"

    @cached_property
    def whole(self) -> dict[str, dict[str, Any]]:
        """Method -> Precision@k by column in the whole catalogue."""
        return {row["method"]: row for row in self.results["06"]["precision_at_k"]}

    @cached_property
    def unseen(self) -> dict[str, dict[str, Any]]:
        """The same among the items that training did not see."""
        return {row["method"]: row for row in self.results["06"]["precision_at_k_unseen_gallery"]}

    def share(self, method: str, column: str | None = None) -> float:
        """Precision@k, whole catalogue."""
        return float(self.whole[method][column or self.key]["mean"])

    def new_stock(self, method: str) -> float:
        """Precision@k, unseen items alone."""
        return float(self.unseen[method][self.key]["mean"])

    @property
    def new_stock_gain(self) -> tuple[float, float]:
        """The 95% interval of what the learned network gains on the off-the-shelf one, unseen items alone."""
        tests = [
            test for test in self.results["06"]["paired_tests"]
            if (test["gallery"], test["column"], test["against"]) == ("unseen", self.key, USUAL)
            and test["measure"].startswith("Precision@")
        ]  # fmt: skip
        if len(tests) != 1:
            raise ArtefactError(
                f"expected one paired test of {self.key} against {USUAL} among unseen items in "
                f"{self.workspace.report / 'results/06.json'}; found {len(tests)}. Run "
                f"`{self.workspace.command}` again."
            )
        return float(tests[0]["low"]), float(tests[0]["high"])

    @property
    def source(self) -> str:
        """Catalogue and number of items."""
        return f"{self.place['title']}, {self.results['01']['items']:,} items"

    @property
    def tested(self) -> str:
        """A line on what was counted: queries, and among which items."""
        return f"{self.results['06']['queries']:,} articles unseen in training, by photo alone; {self.source}"

    @property
    def made(self) -> str:
        """A note for a catalogue that was made for the study, or whose colours were measured; else empty."""
        if self.catalogue.maker:
            return "real silhouettes, colours dyed for this study"
        return "colours measured from the photos" if self.measured else ""

    # -- articles -------------------------------------------------------------------------------------
    @cached_property
    def _photos(self) -> Source:
        kept = unpacked_folder(self.workspace.processed_root)
        downloads = Downloads(downloads_folder(self.workspace.catalogue))
        return open_source(Path(self.place["data"]), self.place["table"], kept, downloads)

    def rows(self, count: int) -> list[int]:
        """Rows of the first items that notebook 04 shows: first those it drew, last those requested by name."""
        row_of = {name: row for row, name in enumerate(self._items["item"])}
        names = self.results["04"]["shown"]
        names = dict.fromkeys((*names[self._asked :], *names[: self._asked]))
        return [row_of[name] for name in names if name in row_of][:count]

    @cached_property
    def _asked(self) -> int:
        """The number of notebook 04's items that were requested by name, which it shows first."""
        (step,) = (step for step in STEPS if step.number == "04")
        queries = read_state(self.workspace, step).parameters.get("queries")
        return len(queries.split(",")) if queries else 0

    def picked(self, count: int) -> bool:
        """Whether any of `rows(count)` was requested by name, not drawn."""
        return self._asked > 0 and len(self.results["04"]["shown"]) - self._asked < count

    def article(self, row: int, query: int | None = None) -> Article:
        """An item's photo and words; `query` is the row of the article that it is shown beside."""
        item = self._items.iloc[row]
        beside = item if query is None else self._items.iloc[query]
        # Colours that were measured prove nothing, so they count as shared.
        agrees = bool(item["category"] == beside["category"]), self.measured or bool(item["colour"] == beside["colour"])
        # Slides take neither WebP nor the turn that EXIF data tells.
        data = self._photos.read(item["photo"], MOST_READ)
        photo = bounded(decode(data, item["photo"], EDGE), EDGE, quality=92)
        said = (product_line(item.to_dict()), describe(item.to_dict()))
        return Article(photo, " · ".join(filter(None, said)), agrees)

    @cached_property
    def _items(self) -> Any:
        return self.workspace.items()

    @property
    def k(self) -> int:
        """Suggestions that were counted for each article."""
        return int(self.results["06"]["k"])

    @property
    def count(self) -> str:
        """`k` in words."""
        return number_word(self.k)

    def suggestions(self, embedding: str, rows: Sequence[int]) -> dict[int, list[Article]]:
        """The nearest of some items by an embedding, as notebook 04 found them; as many as a slide has room for."""
        table = self._neighbours
        pairs = table[(table["embedding"] == embedding) & table["row"].isin(rows)].sort_values(["row", "rank"])
        return {
            row: [self.article(int(other), row) for other in np.asarray(pairs["neighbour"][pairs["row"] == row])[:ROOM]]
            for row in rows
        }

    @cached_property
    def _neighbours(self) -> Any:
        return self.workspace.table("neighbours")
