"""The files of one catalogue's run: one home for every artefact's name, written whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from fashion.core.checksums import sha256_file
from fashion.core.errors import ArtefactError
from fashion.core.escaping import spreadsheet
from fashion.core.files import told_json, write_json, write_whole
from fashion.core.paths import found_place, kept_place, project_root
from fashion.core.progress import VARIABLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox


#: Dots per inch of the report's figures.
DOTS = 150

#: Artefact -> the notebook that writes it.
WRITERS = {
    "source.json": "01-catalogue",
    "items.parquet": "01-catalogue",
    "rejected.csv": "01-catalogue",
    "photos.parquet": "01-catalogue",
    "near_duplicates.parquet": "01-catalogue",
    "tiles.parquet": "01-catalogue",
    "backbone.json": "02-embedding",
    "max_pooled.npy": "02-embedding",
    "multilayer.npy": "02-embedding",
    "frozen.npy": "02-embedding",
    "selection.npz": "02-embedding",
    "colour_grid.npy": "02-embedding",
    "histogram.npy": "02-embedding",
    "hog.npy": "02-embedding",
    "pixels.npy": "02-embedding",
    "split.parquet": "03-attributes",
    "attributes.npz": "03-attributes",
    "attributes.json": "03-attributes",
    "learned.npy": "03-attributes",
    "described.npy": "03-attributes",
    "to_check.csv": "03-attributes",
    "neighbours.parquet": "04-recommendation",
    "recommendation.json": "04-recommendation",
    "map.parquet": "05-map",
    "metrics.json": "06-evaluation",
    "never_shown.csv": "06-evaluation",
}

#: JSON artefact -> its keys that say where something lies.
PLACES = {"source": ("data", "catalogue_toml"), "backbone": ("place",)}

#: Folder of named runs, in those of artefacts and of reports; and the file in it by which runs share what is kept of
#: photos with each other and with the reports beside it.
RUNS, SHARED = "runs", ".shared"

#: In both folders of a catalogue: whose they are (`catalogue.identity`). In the report's: what made it, and under the
#: second name the variables of `make` that were given.
OWNER, PROVENANCE, VARIABLES = "catalogue.json", "provenance.json", "variables"

#: The key that says where the folder of all artefacts lay when such a file was written.
WRITTEN_AT = "artefacts"


WINDOWS = os.name == "nt"

#: Windows cannot replace a file that is mapped, such as one that a shop reads when a new report is made.
MAPPED: Literal["r"] | None = None if WINDOWS else "r"


class Workspace:
    """Reads and writes the artefacts, results and figures of one catalogue.

    Parameters
    ----------
    catalogue : str
        The catalogue's short name.
    processed, reports : str or Path, optional
        Folders for artefacts and for what people read; the project's data/processed and reports if not given.
    toml : str
        Path of the catalogue's TOML, or a shipped catalogue's name; empty where only its folders are known. Commands
        get it from `identity.open_workspace`.
    """

    def __init__(
        self, catalogue: str, processed: str | Path | None = None, reports: str | Path | None = None, toml: str = ""
    ) -> None:
        self.catalogue, self.toml = catalogue, toml
        self.processed_root = Path(processed or project_root() / "data/processed").resolve()
        self.processed = self.processed_root / catalogue
        self.report = Path(reports or project_root() / "reports").resolve() / catalogue

    def __repr__(self) -> str:
        return f"Workspace({self.catalogue!r}: {self.processed}, report in {self.report})"

    @property
    def run(self) -> str:
        """The name of the run whose artefacts these are; empty where they are of no named run."""
        return self.processed_root.name if self.processed_root.parent.name == RUNS else ""

    @property
    def stores(self) -> Path:
        """The folder of the photo caches: that of all artefacts; of a named run, that above all runs.

        What is kept is keyed by content and by what made it, so that runs need no stores of their own.
        """
        shared = self.run and (self.processed_root.parent / SHARED).is_file()
        return self.processed_root.parent.parent if shared else self.processed_root

    @property
    def command(self) -> str:
        """The command that makes this report, or renews it with what it was made with.

        `make report` with its catalogue, its run and the variables that were given; `fashion report` where its folders
        are not the project's, and on Windows. A report that never finished has recorded no variables.
        """
        roots, project = [self.processed_root, self.report.parent], project_root()
        options: dict[str, Any] = {
            "catalogue": self.toml or told_json(self.processed / OWNER).get("toml") or self.catalogue
        }
        if self.run and roots[1].parts[-2:] == (RUNS, self.run):
            options["run"], roots = self.run, [root.parent.parent for root in roots]
        options |= _given(told_json(self.report / PROVENANCE))
        texts = {name: "1" if value is True else str(value) for name, value in options.items()}
        if not WINDOWS and roots == [project / "data/processed", project / "reports"]:
            given = (f"{name.upper()}={shlex.quote(text.replace('$', '$$'))}" for name, text in texts.items())
            return f"make report {' '.join(given)}"
        if roots != [project / "data/processed", project / "reports"]:
            texts |= {"processed": str(roots[0]), "reports": str(roots[1])}
        quote = (lambda text: subprocess.list2cmdline([text])) if WINDOWS else shlex.quote
        flags = (
            f"--{name.replace('_', '-')}"
            + ("" if options.get(name) is True else f"{'=' if text.startswith('-') else ' '}{quote(text)}")
            for name, text in texts.items()
        )
        return f"fashion report {' '.join(flags)}"

    # -- artefacts ------------------------------------------------------------------------------------
    def path(self, artefact: str) -> Path:
        """The path of an artefact, which may not exist yet: lists (CSV) are for people, and lie beside the results."""
        return (self.report / "results" if artefact.endswith(".csv") else self.processed) / artefact

    def label(self, path: Path) -> str:
        """A file's label in a run's record: "p:" and its path under processed, or "r:" and that under the report."""
        mark, root = ("p:", self.processed) if path.is_relative_to(self.processed) else ("r:", self.report)
        return mark + path.relative_to(root).as_posix()

    def labelled(self, label: str) -> Path | None:
        """The file that a run's record names so (`label`); None for a label of another kind."""
        root = {"p:": self.processed, "r:": self.report}.get(label[:2])
        return root / label[2:] if root else None

    def need(self, artefact: str) -> Path:
        """The path of an artefact that must exist.

        Raises
        ------
        ArtefactError
            Says which notebook writes it and how to run it.
        """
        path = self.path(artefact)
        if not path.exists():
            writer = WRITERS.get(artefact, "an earlier notebook")
            raise ArtefactError(
                f"expected {path}, which notebook {writer} writes; found no such file. Run `{self.command}` first."
            )
        return path

    def _load(self, artefact: str, read: Callable[[Path], Any]) -> Any:
        path = self.need(artefact)
        try:
            return read(path)
        except Exception as error:
            raise ArtefactError(
                f"expected {path} to be readable; found it damaged: {error}. Run `{self.command}` again: it renews "
                "damaged files."
            ) from error

    def table(self, name: str) -> pd.DataFrame:
        """Read `<name>.parquet`."""
        frame: pd.DataFrame = self._load(f"{name}.parquet", pd.read_parquet)
        return frame

    def write_table(self, name: str, frame: pd.DataFrame) -> Path:
        """Write `<name>.parquet`."""
        return write_whole(self.path(f"{name}.parquet"), lambda aside: frame.to_parquet(aside, index=False))

    def items(self) -> pd.DataFrame:
        """The items table, one row an item, index 0..n-1: the order of every array and table of the run."""
        return self.table("items")

    def photos(self) -> pd.DataFrame:
        """Every photo of every item: `row` (of the items table), `photo`, `sha256`; each item's shown one first."""
        if self.path("photos.parquet").exists():
            return self.table("photos")
        shown = self.items()[["photo", "sha256"]]  # the report is older than that file
        return shown.assign(row=range(len(shown)))

    def items_checksum(self) -> str:
        """SHA-256 of the items table: arrays that were made for it carry it in their JSON."""
        return sha256_file(self.need("items.parquet"))

    def vectors(self, name: str) -> NDArray[np.float32]:
        """Read `<name>.npy`, (n, d), memory-mapped."""
        array: NDArray[np.float32] = self._load(
            f"{name}.npy", lambda path: np.load(path, mmap_mode=MAPPED, allow_pickle=False)
        )
        return array

    def write_vectors(self, name: str, array: NDArray, dtype: DTypeLike = np.float32) -> Path:
        """Write `<name>.npy`, float32 unless said otherwise."""
        array = np.ascontiguousarray(array, dtype)
        return write_whole(self.path(f"{name}.npy"), lambda aside: np.save(aside, array, allow_pickle=False))

    def arrays(self, name: str) -> dict[str, NDArray]:
        """Read `<name>.npz`."""

        def read(path: Path) -> dict[str, NDArray]:
            with np.load(path, allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}

        arrays: dict[str, NDArray] = self._load(f"{name}.npz", read)
        return arrays

    def write_arrays(self, name: str, arrays: dict[str, NDArray]) -> Path:
        """Write named arrays to `<name>.npz`."""
        return write_whole(self.path(f"{name}.npz"), lambda aside: np.savez(aside, **arrays))  # type: ignore[arg-type]

    def write_csv(self, name: str, frame: pd.DataFrame) -> Path:
        """Write `<name>.csv`, UTF-8, for people and spreadsheets; no cell of it is a formula."""
        safe = spreadsheet(frame)
        return write_whole(self.path(f"{name}.csv"), lambda aside: safe.to_csv(aside, index=False))

    def json(self, name: str) -> Any:
        """Read `<name>.json`; places in it are absolute."""
        content = self._load(f"{name}.json", lambda path: json.loads(path.read_text(encoding="utf-8")))
        written_at = content.pop(WRITTEN_AT, "") if name in PLACES else ""
        return self._with_places(name, content, lambda place: str(found_place(place, self.processed_root, written_at)))

    def write_json(self, name: str, content: Any) -> Path:
        """Write `<name>.json`; places in it are kept by `paths.kept_place`."""
        kept = self._with_places(name, content, lambda place: kept_place(place, self.processed_root))
        placed = any(key in content for key in PLACES.get(name, ()))
        written_at = {WRITTEN_AT: self.processed_root} if placed else {}
        return write_json(self.path(f"{name}.json"), kept | written_at)

    @staticmethod
    def _with_places(name: str, content: Any, change: Callable[[str], str]) -> Any:
        places = [key for key in PLACES.get(name, ()) if key in content]
        # a catalogue that comes with the project is kept by its name
        named = [key for key in places if key == "catalogue_toml" and not content[key].endswith(".toml")]
        return content | {key: change(content[key]) for key in places if key not in named} if places else content

    def split(self) -> NDArray[np.str_]:
        """The split of each item: "train", "validation" or "test", in the items' order; shape (n,).

        Raises
        ------
        ArtefactError
            When `split.parquet` is of a version that named the column otherwise.
        """
        table = self.table("split")
        if "split" not in table:
            raise ArtefactError(
                f"expected the column split in {self.path('split.parquet')}; found {', '.join(table.columns)}, of an "
                f"earlier version. Run `{self.command}`."
            )
        return table["split"].to_numpy()

    # -- what people read -----------------------------------------------------------------------------
    def results(self, step: str) -> dict[str, Any]:
        """The numbers that notebook `step` ("01") wrote."""
        path = self.report / "results" / f"{step}.json"
        if not path.exists():
            raise ArtefactError(
                f"expected the numbers of notebook {step} in {path}; found no such file. Run `{self.command}` first."
            )
        numbers: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return numbers

    def write_results(self, step: str, numbers: dict[str, Any]) -> Path:
        """Write the numbers of notebook `step` to results/<step>.json, the only place where they are written.

        The last cell of each notebook calls this: one that is run by hand ends with what `make report` makes of that.
        """
        path = write_json(self.report / "results" / f"{step}.json", numbers)
        if VARIABLE not in os.environ:
            print(self._after_a_run_by_hand(step))
        return path

    def _after_a_run_by_hand(self, step: str) -> str:
        """A sentence on what the next report renews after notebook `step` has run outside a report."""
        from fashion.core.provenance import sha256_output  # which names files by this module

        outputs = told_json(self.processed / "steps" / f"{step}.json").get("outputs")
        if not outputs:
            return (
                f"Run by hand. There is no report of this notebook yet: `{self.command}` runs it, and those after it."
            )
        known = {path: checksum for label, checksum in outputs.items() if (path := self.labelled(label))}
        changed = [
            path.name for path, checksum in known.items()
            if path.suffix != ".ipynb" and not (path.is_file() and sha256_output(path) == checksum)
        ]  # fmt: skip
        if not changed:
            return (
                f"Run by hand, and each file that it wrote is the report's own. `{self.command}` runs again only a "
                "notebook whose code, parameters or saved outputs were changed."
            )
        return (
            f"Run by hand. Other than in the report: {', '.join(changed)}. `{self.command}` runs this notebook again, "
            "with the report's own parameters, and each later one that reads what then differs."
        )

    def show(self, figure: Figure, name: str, caption: str, reading: str = "") -> None:
        """Save a figure as figures/<name>.png with its caption as alternative text, and show it in the notebook.

        Parameters
        ----------
        figure : matplotlib Figure
            Closed afterwards.
        name : str
            `NN-words`, NN the notebook's number.
        caption : str
            One sentence that says what is to be seen.
        reading : str
            What the figure says in this run, Markdown, shown beneath it (`fashion.plots.readings`). None where empty.
        """
        import matplotlib.pyplot as plt
        from IPython.display import Image, Markdown, display

        from fashion.core import fonts

        if not re.fullmatch(r"\d\d-[a-z0-9-]+", name):
            raise ValueError(f"expected a figure name such as '01-departments'; found {name!r}")
        path = self.report / "figures" / f"{name}.png"
        metadata = {"Title": name, "Description": caption, "Software": None}
        fonts.fit(figure)
        with warnings.catch_warnings():
            fonts.quiet()
            box = _settled(figure)
            # Level 4 packs in half the time of the usual 6, into 5% more bytes.
            packed = {"compress_level": 4}
            write_whole(
                path,
                lambda aside: figure.savefig(aside, dpi=DOTS, bbox_inches=box, metadata=metadata, pil_kwargs=packed),
            )
        plt.close(figure)
        width = min(int(figure.get_figwidth() * 80), 1000)
        display(Image(filename=str(path), width=width, alt=caption))
        if reading:
            display(Markdown(reading))

    def captions(self) -> dict[str, str]:
        """Figure name -> its caption, from the PNG files, sorted by name."""
        from PIL import Image

        captions = {}
        for path in sorted((self.report / "figures").glob("*.png")):
            with Image.open(path) as picture:
                captions[path.stem] = str(picture.info.get("Description", ""))
        return captions


def _settled(figure: Figure) -> Bbox:
    """Settle a figure's layout; return the box of what is drawn, in inches.

    matplotlib's own `bbox_inches="tight"` scales every photo for this, and again to draw it.
    """
    from matplotlib import rc_context, rcParams
    from matplotlib.image import AxesImage

    photos = [image for image in figure.findobj(AxesImage) if image.get_visible()]
    figure.set_dpi(DOTS)
    for image in photos:
        image.set_visible(False)
    try:
        figure.draw_without_rendering()
    finally:
        for image in photos:
            image.set_visible(True)
    with rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # settled: `savefig` must not repeat it
    return figure.get_tightbbox().padded(rcParams["savefig.pad_inches"])


def _given(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that a report was given, by name; for an earlier version's report, all settings with a value."""
    own = provenance.get(VARIABLES)
    if isinstance(own, dict):
        return own
    settings = provenance.get("settings")
    settings = dict(settings) if isinstance(settings, dict) else {}
    if further := settings.pop("beside", ""):
        settings["backbone"] = f"{settings.get('backbone', 'auto')},{further}"
    return {k: v for k, v in settings.items() if k != "catalogue" and v is not False and v not in (None, "")}
