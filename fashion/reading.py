"""One pass over photos: each file is read once and decoded once, and all that looks at the picture looks at it then.

Threads read, decode, measure facts and descriptors, and resize for the network, a bounded number of photos ahead; the
network takes the resized photos while they go on. Whatever is finished is kept part by part: descriptors and vectors by
the photo's content, facts by its place and mark (`facts_store`), so that a photo whose facts are kept need not be read
for its content to be known. A pass looks only at what is not kept: after a kill at the parts that were under way, after
a change of backbone at the vectors alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion import descriptors
from fashion.embedding import NETWORKS, EmbeddingRun, ahead, batches, computed_by, open_store, parts
from fashion.errors import PhotoError
from fashion.facts_store import in_order, kept_facts, marks_of, write_facts
from fashion.photo_store import PART, PhotoStore
from fashion.photos import facts_table, measure, open_photo
from fashion.pixels import RGB
from fashion.progress import progress_bar
from fashion.provenance import closure_of, code_of, versions
from fashion.runtimes import choose_runtime
from fashion.source import Source

if TYPE_CHECKING:
    from fashion.backbones import Backbone


@dataclass(frozen=True)
class Look:
    """What was seen in one photo; None is what nobody asked for, or what a bad photo does not tell.

    Attributes
    ----------
    facts : dict
        `photo`, `problem`, `sha256`; all of `photos.FACTS` where they were asked for.
    described : dict of str to ndarray, or None
        From `descriptors.describe`.
    view : ndarray of uint8, shape (edge, edge, 3), or None
        The network's input.
    """

    facts: dict[str, Any]
    described: dict[str, NDArray] | None = None
    view: RGB | None = None


def look(
    source: Source,
    name: str,
    edge: int,
    known: str = "",
    described: Container[str] = (),
    vectors: Container[str] = (),
) -> Look:
    """Read a photo, decode it, and see all that is to be seen in it.

    Parameters
    ----------
    source : Source
    name : str
    edge : int
        Of the network's input, pixels.
    known : str
        SHA-256 of the content whose facts are kept already.
    described, vectors : container of str
        SHA-256 of the contents whose descriptors, or vectors, are kept already.
    """
    facts, picture = open_photo(source, name)
    if picture is None:
        return Look(facts)
    sha256 = facts["sha256"]
    return Look(
        facts if sha256 == known else facts | measure(picture),
        None if sha256 in described else descriptors.describe(picture),
        None if sha256 in vectors else picture.view(edge),
    )


@dataclass(frozen=True)
class Readings:
    """What a pass gave.

    Attributes
    ----------
    facts : DataFrame
        A row for each photo asked for, in that order, with the columns `photos.FACTS`: a bad photo is a row too.
    described : PhotoStore
        Descriptors.
    vectors : EmbeddingRun
        Of the good photos, in the order of `facts`.
    read : int
        Photos that were read, and decoded where they could be.
    """

    facts: pd.DataFrame
    described: PhotoStore
    vectors: EmbeddingRun
    read: int

    def require_good(self) -> None:
        """Raise PhotoError where a photo is bad: for photos that were good when they were chosen."""
        bad = self.facts[self.facts["problem"] != ""]
        if len(bad):
            raise PhotoError(
                f"expected {len(self.facts)} photos as whole as they were when the catalogue was read; {len(bad)} are "
                f"not, the first is {bad['problem'].iloc[0]}. Mend the data, or run `make report` again without them."
            )

    def descriptor(self, name: str) -> NDArray:
        """One array of `descriptors.NONE`'s names, of the good photos in the order of `facts`; read when asked for."""
        return self.described.gather(self.vectors.sha256, [name])[name]


def open_descriptors(root: Path) -> PhotoStore:
    """The store of descriptors under `root`; its key follows code and packages that make them."""
    made_by = versions(["numpy", "opencv-python"])
    code = code_of(closure_of(descriptors.describe))
    key = f"{code[:8]}-numpy{made_by['numpy']}-opencv{made_by['opencv-python']}"
    return PhotoStore(root / "descriptors", key, descriptors.NONE)


@dataclass
class _Pass:
    """One pass under way: what it finds kept, and what it has yet to keep."""

    source: Source
    root: Path
    edge: int
    marks: dict[str, str]
    sums: dict[str, str]  # name -> sha256, where facts are kept
    described: PhotoStore
    vectors: PhotoStore
    rows: list[dict[str, Any]] = field(default_factory=list)  # facts, all that were new
    written: int = 0  # of `rows`
    waiting: dict[str, dict[str, NDArray]] = field(default_factory=dict)  # sha256 -> descriptors not yet kept
    sent: list[str] = field(default_factory=list)  # sha256 of what the network got, in order
    known_sent: set[str] = field(default_factory=set)

    def lacks(self, name: str) -> bool:
        """Whether something of a photo is not kept."""
        sha256 = self.sums.get(name)
        return sha256 is None or sha256 not in self.described or sha256 not in self.vectors

    def look(self, name: str) -> Look:
        """See in a photo what is not kept; runs in threads."""
        return look(self.source, name, self.edge, self.sums.get(name, ""), self.described, self.vectors)

    def views(self, looks: Iterator[Look]) -> Iterator[RGB]:
        """Keep what was seen, and pass on what the network has to see: each content once."""
        for look in looks:
            sha256 = look.facts["sha256"]
            if self.sums.get(look.facts["photo"]) != sha256:
                self.rows.append(look.facts)
            if look.described is not None:
                self.waiting[sha256] = look.described
            if len(self.rows) - self.written >= PART or len(self.waiting) >= PART:
                self.keep()
            if look.view is not None and sha256 not in self.known_sent:
                self.known_sent.add(sha256)
                self.sent.append(sha256)
                yield look.view
        self.keep()

    def keep(self) -> None:
        """Write what is finished but for the network as one part of each store; facts last, as they say that all is."""
        if self.waiting:
            arrays = {name: np.stack([row[name] for row in self.waiting.values()]) for name in self.described.empty}
            self.described.add(list(self.waiting), arrays)
            self.waiting = {}
        if len(self.rows) > self.written:
            write_facts(self.root, self.source, facts_table(self.rows[self.written :]), self.marks)
            self.written = len(self.rows)


def read_photos(
    source: Source,
    names: Sequence[str],
    root: Path,
    backbone: Backbone,
    *,
    runtime: str = "auto",
    workers: int = 2,
    progress: bool = True,
) -> Readings:
    """Facts, descriptors and vectors of photos: kept ones are taken as they are, the rest is made in one pass.

    Parameters
    ----------
    source : Source
        Where the photos are.
    names : sequence of str
        Photo names, in the order of the result; a name may come more than once.
    root : Path
        Folder of all catalogues' artefacts, with the stores.
    backbone : Backbone
        From `load_backbone`.
    runtime : str
        As in `runtimes.choose_runtime`, which is asked when the first photo needs the network.
    workers : int
        Threads that read.
    progress : bool
        Show a progress bar.

    Raises
    ------
    WeightsError
        When the runtime cannot be had; nothing is lost of what was measured.
    """
    unique = list(dict.fromkeys(names))
    marks = marks_of(source, unique)
    kept = kept_facts(root, source, marks)
    sums = dict(zip(kept["photo"], kept["sha256"], strict=True))
    embeddings = root / "embeddings"
    store = open_store(embeddings, backbone)
    work = _Pass(source, root, backbone.size, marks, sums, open_descriptors(root), store)
    todo = [name for name in unique if work.lacks(name)]
    chosen, done, loading = None, 0, 0.0
    with progress_bar(len(unique), "photos read", show=progress, done=len(unique) - len(todo)) as bar:
        begin = time.perf_counter()
        waiting = batches(work.views(_ticked(ahead(work.look, todo, workers), bar.update)))
        first = next(waiting, None)
        if first is not None:
            before = time.perf_counter()
            chosen = choose_runtime(backbone, runtime, embeddings / NETWORKS)
            loading = time.perf_counter() - before
            for blocks in parts(chosen.stream(chain([first], waiting))):
                store.add(work.sent[done : done + len(blocks["embedding"])], blocks)
                done += len(blocks["embedding"])
        seconds = time.perf_counter() - begin - loading
    facts = in_order([facts_table(work.rows), kept], names)
    good = facts.loc[facts["problem"] == "", "sha256"].tolist()
    run = EmbeddingRun(store, tuple(good), *computed_by(chosen), done, len(set(good)) - done, seconds)
    return Readings(facts, work.described, run, len(todo))


def _ticked(looks: Iterator[Look], tick: Callable[[int], object]) -> Iterator[Look]:
    for look in looks:
        yield look
        tick(1)
